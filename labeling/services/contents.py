"""What is in a project: its prompts a page at a time, and who wrote its completions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.domain import Actor, Json
from labeling.services.access import managed_project
from labeling.storage import contents as stored
from labeling.storage.completions import completions_by_generator
from labeling.storage.store import Store

SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A prompt as a line of a table: the beginning of its last message, and what hangs on it."""

    id: int
    external_id: str | None
    text: str
    turns: int
    tags: tuple[str, ...]
    completions: int
    pairs: int


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Who wrote completions: a generator, a model named in a file, a file that names none, or annotators' edits."""

    kind: str
    name: str
    is_sandbox: bool
    completions: int


def prompts_page(store: Store, actor: Actor, slug: str, page: int, size: int) -> list[PromptLine]:
    """Page `page`, from 1, of `size` prompts in the order they came."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        found = stored.prompts_page(session, project_id, (page - 1) * size, size)
    lines = []
    for key, external_id, messages, tags, completions, pairs in found:
        turns = json.loads(messages)
        lines.append(
            PromptLine(
                key,
                external_id,
                _beginning(turns),
                len(turns),
                tuple(json.loads(tags or "[]")),
                completions,
                pairs,
            )
        )
    return lines


def prompts_of_pairs(store: Store, actor: Actor, slug: str, pair_ids: Sequence[int]) -> dict[int, str]:
    """The beginning of each pair's prompt; of pairs that are gone none."""
    with store.reading() as session:
        found = stored.messages_of_pairs(session, managed_project(session, actor, slug), pair_ids)
    return {pair_id: _beginning(json.loads(messages)) for pair_id, messages in found.items()}


def _beginning(turns: Sequence[Json]) -> str:
    """Of the last message, on one line."""
    return " ".join(str(turns[-1].get("content") or "").split())[:SHOWN_CHARACTERS]


def sources(store: Store, actor: Actor, slug: str) -> list[SourceLine]:
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        found = stored.completions_by_source(session, project_id)
    return [SourceLine(kind, name or "not named", is_sandbox, number) for kind, name, is_sandbox, number in found]


def replies_stamp(store: Store, actor: Actor, slug: str) -> tuple[int, ...]:
    """Changes whenever generated or imported replies come or go: what was found out about all of them is old then."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        written = completions_by_generator(session, project_id)
        return sum(written.values()), *stored.last_import(session, project_id)
