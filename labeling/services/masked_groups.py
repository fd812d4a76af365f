"""Prompts that masking makes alike share a group: else one and the same prompt could stand on both sides of a split."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import orjson

from labeling.domain import Json
from labeling.grouping import SIGNATURE, Joined, Signer, groups
from labeling.services.deciding import Ballot
from labeling.services.personal_data import masked
from labeling.storage import exports, grouping
from labeling.storage.store import Session

TEXTS_KEPT = 5000


def joined_by_masks(session: Session, held: Ballot) -> dict[str, str]:
    """Groups that are one where their prompts are masked: each with the name it has then, that of its earliest prompt.

    What masking does not change joins nothing by itself, so that all other groups stay as they are.
    """
    last = exports.last_paired_prompt(session, held.project_id, held.last_pair, held.hidden)
    signer, changed = Signer(), []
    for prompt_id, text in grouping.prompts_between(session, held.project_id, 0, last):
        messages, kinds = _masked(text)
        if kinds:
            changed.append(prompt_id)
            signer.add(prompt_id, messages)
    if not changed:
        return {}
    kept = np.frombuffer(b"".join(grouping.signatures(session, held.project_id)), SIGNATURE)
    kept = kept[(kept["id"] <= last) & ~np.isin(kept["id"], changed)]

    @lru_cache(maxsize=TEXTS_KEPT)
    def messages_of(prompt_id: int) -> list[Json]:
        return _masked(grouping.messages_of(session, prompt_id))[0]

    names = {id_: name for id_, name, _ in grouping.prompt_groups(session, held.project_id)}
    signed = np.concatenate([kept, signer.signatures()])
    found = groups(signed, len(kept), lambda ids: {id_: names[id_] for id_ in ids if id_ in names}, messages_of)
    return _joined([[names[id_] for id_ in group] for group in found], list(dict.fromkeys(names.values())))


def _masked(messages: str) -> tuple[list[Json], set[str]]:
    kinds: set[str] = set()
    return masked(orjson.loads(messages), kinds), kinds


def _joined(together: Sequence[Sequence[str]], in_order: Sequence[str]) -> dict[str, str]:
    """The groups that have another name where those of each list are one: that of the first of them, as they are `in_order`."""
    places = {name: place for place, name in enumerate(in_order)}
    joined = Joined(len(in_order))
    for first, *others in together:
        for name in others:
            joined.join(places[first], places[name])
    return {in_order[place]: in_order[joined.root(place)] for place in joined.moved}
