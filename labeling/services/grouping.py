"""Prompts that belong together get one group, which a split never parts and a reservation never divides."""

from collections.abc import Sequence
from functools import lru_cache

import orjson

from labeling.domain import Json
from labeling.grouping import Signatures, Signer, groups
from labeling.storage import grouping as rows
from labeling.storage.exports import reserved_prompts
from labeling.storage.store import IntegrityError, Session, Store

WRITTEN_AT_ONCE = 500
SIGNATURES_AT_ONCE = 5000  # 760 kB
TEXTS_KEPT = 5000


def group_prompts(store: Store, project_id: int) -> int:
    """Find what belongs together with the project's new prompts, if there are any; returns how many got another group.

    A group is called by the digest of its first prompt, and keeps its name, and its side of a split, as prompts are
    added. About 30,000 new prompts a second are compared; of those that were compared before, whose signatures are
    kept, only such are read again as may be like a new one.
    """
    with store.reading() as session:
        done, last = rows.grouped_to(session, project_id)
        if done >= last:
            return 0
        signer = Signer(rows.signatures(session, project_id))
        for prompt_id, messages in rows.prompts_between(session, project_id, done, last):
            signer.add(prompt_id, orjson.loads(messages))
        signatures = signer.signatures()
        changed = _new_groups(session, project_id, signatures, signer.kept)
    for start in range(0, len(changed), WRITTEN_AT_ONCE):
        with store.writing() as session:
            rows.put_groups(session, changed[start : start + WRITTEN_AT_ONCE])
    _keep(store, project_id, done, signatures[signer.kept :])
    return len(changed)


def group_kept_prompts(store: Store, project_id: int) -> None:
    """The same where prompts are kept for evaluation: what came since and belongs to them is kept too."""
    with store.reading() as session:
        keeps = bool(reserved_prompts(session, project_id))
    if keeps:
        group_prompts(store, project_id)


def _new_groups(session: Session, project_id: int, signatures: Signatures, compared: int) -> list[tuple[int, str]]:
    """The prompts that come into another group, with its name."""

    @lru_cache(maxsize=TEXTS_KEPT)
    def messages_of(prompt_id: int) -> list[Json]:
        messages: list[Json] = orjson.loads(rows.messages_of(session, prompt_id))
        return messages

    def group_of(prompt_ids: Sequence[int]) -> dict[int, str]:
        return {key: group or digest for key, (group, digest) in rows.groups_of(session, prompt_ids).items()}

    changed: list[tuple[int, str]] = []
    for group in groups(signatures, compared, group_of, messages_of):
        changed += _changed(session, project_id, group)
    return changed


def _changed(session: Session, project_id: int, group: Sequence[int]) -> list[tuple[int, str]]:
    """Which prompts get another name, where those of `group` belong together: also all of a group that ends in another."""
    found = rows.groups_of(session, group)
    names = {name for name, _ in found.values() if name is not None}
    first = rows.first_named(session, project_id, names) if len(names) > 1 else next(iter(names), found[group[0]][1])
    alone = [prompt_id for prompt_id in group if found[prompt_id][0] is None]
    moved = rows.members(session, project_id, names - {first}) if len(names) > 1 else []
    return [(prompt_id, first) for prompt_id in (*alone, *moved)]


def _keep(store: Store, project_id: int, done: int, new: Signatures) -> None:
    """Keep the signatures of what was compared, for the next time; where another process was quicker, its are kept."""
    for start in range(0, len(new), SIGNATURES_AT_ONCE):
        part = new[start : start + SIGNATURES_AT_ONCE]
        last = int(part["id"][-1])
        try:
            with store.writing() as session:
                rows.put_signatures(session, project_id, done, last, part.tobytes())
        except IntegrityError:
            return
        done = last
