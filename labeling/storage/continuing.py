"""The next turns of conversations: which prompts have some, what they go on from, and the prompts made of them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from labeling.domain import Json, Prompt, canonical_json
from labeling.storage.import_rows import prompts_by_digest
from labeling.storage.projects import count_visible, visible
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Continuation,
    Generator,
    Pair,
    PromptRow,
    PromptText,
    now,
)


@dataclass(frozen=True, slots=True)
class Open:
    """A prompt with a turn to come. `group` binds it to its conversation; `follow_ups` are the turns, the next one first."""

    id: int
    external_id: str | None
    group: str
    language: str | None
    is_sensitive: bool
    is_reserved: bool
    messages: tuple[Json, ...]
    tools: tuple[Json, ...]
    tags: str | None
    follow_ups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoneOn:
    """A completion that a conversation may go on from."""

    id: int
    generator_id: int | None
    text: str
    has_tool_calls: bool


@dataclass(frozen=True, slots=True)
class Next:
    """A new prompt: the next turn after a completion of `parent`. `generator_id`: the only one that goes on, if any."""

    parent: Open
    completion_id: int
    prompt: Prompt
    after: str
    generator_id: int | None


def open_after(session: Session, project_id: int, after: int, most: int) -> list[Open]:
    """The next visible prompts by id that have a turn to come."""
    query = (
        select(
            col(PromptRow.id), col(PromptRow.external_id), func.coalesce(col(PromptRow.group_key), col(PromptRow.digest)),
            col(PromptRow.language), col(PromptRow.is_sensitive), col(PromptRow.is_reserved), col(PromptText.messages),
            col(PromptText.tools), col(PromptText.tags), col(PromptText.follow_ups),
        )
        .join(PromptText, col(PromptText.prompt_id) == col(PromptRow.id))
        .where(
            col(PromptRow.project_id) == project_id,
            col(PromptRow.id) > after,
            col(PromptText.follow_ups).is_not(None),
            visible(PromptRow, project_id),
        )
        .order_by(col(PromptRow.id))
        .limit(most)
    )  # fmt: skip
    return [
        Open(
            row[0], row[1], row[2], row[3], row[4], row[5], tuple(json.loads(row[6])), tuple(json.loads(row[7] or "[]")), row[8],
            tuple(json.loads(row[9] or "[]")),
        )
        for row in session.execute(query)
        if row[0] is not None
    ]  # fmt: skip


def count_open(session: Session, project_id: int) -> int:
    """How many visible prompts have a turn to come."""
    with_turns = select(col(PromptText.prompt_id)).where(col(PromptText.follow_ups).is_not(None))
    return count_visible(session, PromptRow, project_id, col(PromptRow.id).in_(with_turns))


def continued(session: Session, prompt_ids: Collection[int]) -> dict[int, set[tuple[str, int | None]]]:
    """By prompt: how it was gone on from already, as (after, generator)."""
    query = (
        select(col(Continuation.parent_id), col(Continuation.after), col(Continuation.generator_id))
        .where(col(Continuation.parent_id).in_(prompt_ids))
        .distinct()
    )
    found: dict[int, set[tuple[str, int | None]]] = {}
    for parent_id, after, generator_id in session.execute(query):
        found.setdefault(parent_id, set()).add((after, generator_id))
    return found


def pairs_of_prompts(session: Session, project_id: int, prompt_ids: Collection[int]) -> list[tuple[int, int, int, int]]:
    """(pair, prompt, a, b) of the visible pairs of these prompts, by pair id."""
    query = (
        select(col(Pair.id), col(Pair.prompt_id), col(Pair.a_id), col(Pair.b_id))
        .where(col(Pair.project_id) == project_id, col(Pair.prompt_id).in_(prompt_ids), visible(Pair, project_id))
        .order_by(col(Pair.id))
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query) if row[0] is not None]


def own_first(session: Session, project_id: int, prompt_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """By prompt: of each generator in use the completion of the smallest sample number, as generator -> completion."""
    query = (
        select(col(Completion.prompt_id), col(Completion.generator_id), col(Completion.id))
        .join(Generator, col(Generator.id) == col(Completion.generator_id))
        .where(
            col(Completion.prompt_id).in_(prompt_ids),
            col(Completion.kind) == "generated",
            col(Generator.project_id) == project_id,
            col(Generator.retired_at).is_(None),
        )
        .order_by(col(Completion.prompt_id), col(Completion.generator_id), col(Completion.sample_number))
    )
    found: dict[int, dict[int, int]] = {}
    for prompt_id, generator_id, id_ in session.execute(query):
        if generator_id is not None and id_ is not None:
            found.setdefault(prompt_id, {}).setdefault(generator_id, id_)
    return found


def replies(session: Session, completion_ids: Collection[int]) -> dict[int, GoneOn]:
    query = (
        select(
            col(Completion.id), col(Completion.generator_id), col(CompletionText.text), col(CompletionText.tool_calls).is_not(None)
        )
        .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
        .where(col(Completion.id).in_(completion_ids))
    )  # fmt: skip
    return {
        row[0]: GoneOn(row[0], row[1], row[2], bool(row[3])) for row in session.execute(query) if row[0] is not None
    }


def add_prompts(session: Session, project_id: int, new: Sequence[Next]) -> int:
    """Store the prompts that are new, and what each goes on from; the number of new prompts."""
    wanted = {one.prompt.digest: one for one in new}
    known = prompts_by_digest(session, project_id, wanted.keys())
    fresh = {digest: one for digest, one in wanted.items() if digest not in known}
    at = now()
    if fresh:
        rows = [
            {
                "project_id": project_id, "digest": digest, "external_id": one.parent.external_id and _next_id(one.parent),
                "group_key": one.parent.group, "language": one.parent.language, "is_sensitive": one.parent.is_sensitive,
                "is_reserved": one.parent.is_reserved, "import_id": None, "created_at": at,
            }
            for digest, one in fresh.items()
        ]  # fmt: skip
        ids = session.scalars(insert(PromptRow).returning(col(PromptRow.id), sort_by_parameter_order=True), rows).all()
        made = {digest: id_ for digest, id_ in zip(fresh, ids, strict=True) if id_ is not None}
        session.execute(insert(PromptText), [_text(made[digest], one) for digest, one in fresh.items()])
        known |= made
    links = {(known[one.prompt.digest], one.completion_id): one for one in new}
    there = select(col(Continuation.prompt_id), col(Continuation.completion_id)).where(
        col(Continuation.prompt_id).in_({prompt_id for prompt_id, _ in links})
    )
    for row in session.execute(there):
        links.pop((row[0], row[1]), None)
    values = [
        {
            "prompt_id": prompt_id, "completion_id": completion_id, "parent_id": one.parent.id, "after": one.after,
            "generator_id": one.generator_id, "created_at": at,
        }
        for (prompt_id, completion_id), one in links.items()
    ]  # fmt: skip
    if values:
        session.execute(insert(Continuation), values)
    return len(fresh)


def _text(prompt_id: int, one: Next) -> dict[str, object]:
    rest = one.parent.follow_ups[1:]
    return {
        "prompt_id": prompt_id,
        "messages": canonical_json(list(one.prompt.messages)),
        "tools": canonical_json(list(one.prompt.tools)) if one.prompt.tools else None,
        "tags": one.parent.tags,
        "reference": None,  # the parent's answers the first turn
        "follow_ups": canonical_json(list(rest)) if rest else None,
    }


def _next_id(parent: Open) -> str:
    """`81` as `81 turn 2`, and so on: a user turn more than the parent has."""
    turns = sum(message.get("role") == "user" for message in parent.messages)
    base = (parent.external_id or "").removesuffix(f" turn {turns}")
    return f"{base} turn {turns + 1}"
