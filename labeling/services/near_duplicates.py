"""Near-duplicates of a project: groups of prompts that ask nearly the same, and pairs whose sides say nearly the same."""

import json
from dataclasses import dataclass

from labeling.domain import Actor
from labeling.services.access import managed_project
from labeling.storage import grouping as stored
from labeling.storage.served import texts_of_pairs
from labeling.storage.store import Store

SHOWN_CHARACTERS = 300
GROUPS_SHOWN = 20
PAIRS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts that no split parts: how many, and what the first and the last of them ask."""

    prompts: int
    text: str
    last: str


@dataclass(frozen=True, slots=True)
class AlikePair:
    """A pair whose sides nobody can tell apart well."""

    pair_id: int
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """`prompts` in `groups` groups of two and more; the largest of them are shown. `alike`: pairs whose sides say
    nearly the same, as imports found them; the first are shown."""

    prompts: int
    groups: int
    largest: tuple[Group, ...]
    alike: int
    alike_pairs: tuple[AlikePair, ...]


def near_duplicates(store: Store, actor: Actor, slug: str) -> NearDuplicates:
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        sizes = stored.group_sizes(session, project_id)
        largest = tuple(
            Group(count, *(_shown(_said(stored.messages_of(session, one))) for one in ends))
            for count, *ends in sizes[:GROUPS_SHOWN]
        )
        alike, pair_ids = stored.alike_sides(session, project_id, PAIRS_SHOWN)
        texts = texts_of_pairs(session, pair_ids) if pair_ids else {}
    return NearDuplicates(
        prompts=sum(count for count, *_ in sizes),
        groups=len(sizes),
        largest=largest,
        alike=alike,
        alike_pairs=tuple(
            AlikePair(key, _shown(texts[key].a.text), _shown(texts[key].b.text)) for key in pair_ids if key in texts
        ),
    )


def _said(messages: str) -> str:
    return str(json.loads(messages)[-1].get("content") or "")


def _shown(text: str) -> str:
    return " ".join(text.split())[:SHOWN_CHARACTERS]
