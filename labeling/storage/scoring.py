"""Scores of completions by judges that read each one alone: what they are asked about, and what they said."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from labeling.domain import Prompt
from labeling.judging.template import Reply
from labeling.storage.completions import read_prompt
from labeling.storage.projects import unfinished_imports, visible
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Generator,
    Pair,
    PromptRow,
    PromptText,
    Score,
    ScoreText,
    now,
)


@dataclass(frozen=True, slots=True)
class CompletionTexts:
    """A completion as a scoring judge may see it. `system_prompt` is the generators' one where all replies had the same."""

    id: int
    prompt_id: int
    prompt: Prompt
    reply: Reply
    system_prompt: str | None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class NewScore:
    """One reply of a scoring judge as read; `points` is None where it is unreadable."""

    completion_id: int
    request_id: int
    sample_number: int
    points: float | None
    reasoning: str


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A completion with what one judge said of it: its mean, and the reasons of the first sample."""

    completion_id: int
    prompt_id: int
    messages: str
    text: str
    points: float | None
    reasoning: str
    is_sandbox: bool


def scorable(
    session: Session, project_id: int, after: int, most: int, *, within: Collection[int] | None = None
) -> list[tuple[int, list[int]]]:
    """The next prompts by id that have two completions or more, as (prompt, completion ids); of those `within` where given."""
    # Counted prompt by prompt, so that the first ones are found without a look at all.
    number = (
        select(func.count())
        .where(
            col(Completion.prompt_id) == col(PromptRow.id), col(Completion.kind) != "edit", visible(Completion, project_id)
        )
        .correlate(PromptRow)
        .scalar_subquery()
    )  # fmt: skip
    query = (
        select(col(PromptRow.id))
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.id) > after, number > 1)
        .order_by(col(PromptRow.id))
        .limit(most)
    )
    if within is not None:
        query = query.where(col(PromptRow.id).in_(within))
    prompts = list(session.scalars(query))
    ids = select(col(Completion.prompt_id), col(Completion.id)).where(
        col(Completion.prompt_id).in_(prompts), col(Completion.kind) != "edit", visible(Completion, project_id)
    )
    found: dict[int, list[int]] = {prompt_id: [] for prompt_id in prompts if prompt_id is not None}
    for prompt_id, completion_id in session.execute(ids.order_by(col(Completion.id))):
        if completion_id is not None:
            found[prompt_id].append(completion_id)
    return list(found.items())


def count_scorable(session: Session, project_id: int) -> tuple[int, int]:
    """How many prompts have two completions or more, and how many completions these are."""
    each = (
        select(func.count().label("number"))
        .where(
            col(Completion.prompt_id).in_(select(col(PromptRow.id)).where(col(PromptRow.project_id) == project_id)),
            col(Completion.kind) != "edit",
            visible(Completion, project_id),
        )
        .group_by(col(Completion.prompt_id))
        .having(func.count() > 1)
        .subquery()
    )
    prompts, completions = session.execute(select(func.count(), func.sum(each.c.number))).one()
    return prompts, int(completions or 0)


def completions_stamp(session: Session, project_id: int) -> tuple[object, ...]:
    """Changes whenever completions are added, deleted or become visible; found without a look at them."""
    number = session.scalar(select(func.count()).select_from(Completion))
    newest = session.scalar(select(func.max(col(Completion.id))))
    return number, newest, tuple(session.scalars(unfinished_imports(project_id)))


def completion_texts(session: Session, completion_ids: Collection[int]) -> list[CompletionTexts]:
    """The completions with their texts, by prompt and id."""
    query = (
        select(
            col(Completion.id), col(Completion.prompt_id), col(PromptText.messages), col(PromptText.tools),
            col(CompletionText.text), col(CompletionText.tool_calls), col(PromptText.reference),
        )
        .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
        .join(PromptText, col(PromptText.prompt_id) == col(Completion.prompt_id))
        .where(col(Completion.id).in_(completion_ids))
        .order_by(col(Completion.prompt_id), col(Completion.id))
    )  # fmt: skip
    rows = session.execute(query).all()
    common = _common_system_prompts(session, {row[1] for row in rows})
    return [
        CompletionTexts(
            id_, prompt_id, read_prompt(messages, tools), Reply(text, tuple(json.loads(calls)) if calls else ()), common[prompt_id], reference
        )
        for id_, prompt_id, messages, tools, text, calls, reference in rows
        if id_ is not None
    ]  # fmt: skip


def _common_system_prompts(session: Session, prompt_ids: Collection[int]) -> dict[int, str | None]:
    """By prompt: the system prompt that all its replies were written under; None where they differ."""
    query = (
        select(col(Completion.prompt_id), col(Generator.system_prompt))
        .outerjoin(Generator, col(Generator.id) == col(Completion.generator_id))
        .where(col(Completion.prompt_id).in_(prompt_ids), col(Completion.kind) != "edit")
        .distinct()
    )
    found: dict[int, set[str | None]] = {}
    for prompt_id, system_prompt in session.execute(query):
        found.setdefault(prompt_id, set()).add(system_prompt)
    return {prompt_id: next(iter(prompts)) if len(prompts) == 1 else None for prompt_id, prompts in found.items()}


def scored_among(session: Session, rater_id: int, completion_ids: Collection[int], samples: int) -> set[int]:
    """Those of the completions of which this judge has said all its samples."""
    query = (
        select(col(Score.completion_id))
        .where(col(Score.rater_id) == rater_id, col(Score.completion_id).in_(completion_ids))
        .group_by(col(Score.completion_id))
        .having(func.count(col(Score.sample_number).distinct()) >= samples)
    )
    return set(session.scalars(query))


def add_scores(session: Session, project_id: int, run_id: int, rater_id: int, new: Sequence[NewScore]) -> int:
    """Store those that are not there yet; the number stored. The project must be locked."""
    query = select(col(Score.completion_id), col(Score.sample_number), col(Score.request_id)).where(
        col(Score.rater_id) == rater_id, col(Score.completion_id).in_({one.completion_id for one in new})
    )
    there = {(row[0], row[1], row[2]) for row in session.execute(query)}
    fresh = {
        place: one for one in new if (place := (one.completion_id, one.sample_number, one.request_id)) not in there
    }
    if not fresh:
        return 0
    at = now()
    rows = [
        {
            "project_id": project_id, "run_id": run_id, "rater_id": rater_id, "completion_id": one.completion_id,
            "request_id": one.request_id, "sample_number": one.sample_number,
            "state": "unreadable" if one.points is None else "read", "points": one.points, "created_at": at,
        }
        for one in fresh.values()
    ]  # fmt: skip
    ids = session.scalars(insert(Score).returning(col(Score.id), sort_by_parameter_order=True), rows).all()
    texts = [{"score_id": id_, "reasoning": one.reasoning} for id_, one in zip(ids, fresh.values(), strict=True)]
    session.execute(insert(ScoreText), texts)
    return len(rows)


def points_on(session: Session, rater_id: int, prompt_ids: Collection[int]) -> dict[int, float]:
    """The mean of a judge's readable scores of each completion of these prompts."""
    query = (
        select(col(Score.completion_id), func.avg(col(Score.points)))
        .join(Completion, col(Completion.id) == col(Score.completion_id))
        .where(
            col(Completion.prompt_id).in_(prompt_ids), col(Score.rater_id) == rater_id, col(Score.points).is_not(None)
        )
        .group_by(col(Score.completion_id))
    )
    return {completion_id: float(mean) for completion_id, mean in session.execute(query)}


def score_counts(session: Session, project_id: int) -> dict[int, tuple[int, int]]:
    """By rater: completions with a readable score, and completions whose every reply was unreadable."""
    each = (
        select(col(Score.rater_id), col(Score.completion_id), (func.count(col(Score.points)) > 0).label("is_readable"))
        .where(col(Score.project_id) == project_id)
        .group_by(col(Score.rater_id), col(Score.completion_id))
        .subquery()
    )
    query = select(each.c.rater_id, each.c.is_readable, func.count()).group_by(each.c.rater_id, each.c.is_readable)
    found: dict[int, tuple[int, int]] = {}
    for rater_id, is_readable, number in session.execute(query):
        read, unread = found.get(rater_id, (0, 0))
        found[rater_id] = (read + number, unread) if is_readable else (read, unread + number)
    return found


def points_spread(session: Session, project_id: int, rater_id: int) -> dict[int, int]:
    """How many completions have each score, rounded to a whole number."""
    means = (
        select(func.avg(col(Score.points)).label("mean"))
        .where(col(Score.project_id) == project_id, col(Score.rater_id) == rater_id, col(Score.points).is_not(None))
        .group_by(col(Score.completion_id))
        .subquery()
    )
    rounded = func.round(means.c.mean)
    return {int(points): number for points, number in session.execute(select(rounded, func.count()).group_by(rounded))}


def pairs_with(session: Session, completion_ids: Collection[int]) -> dict[int, list[int]]:
    """By completion: the pairs it is a side of."""
    found: dict[int, list[int]] = {}
    for side in (col(Pair.a_id), col(Pair.b_id)):
        for completion_id, pair_id in session.execute(select(side, col(Pair.id)).where(side.in_(completion_ids))):
            if pair_id is not None:
                found.setdefault(completion_id, []).append(pair_id)
    return found


def newest_scores(session: Session, project_id: int, rater_id: int, most: int) -> list[ScoredLine]:
    """The completions that a judge scored last, each with its mean and the reasons of its newest score."""
    last = (
        select(func.max(col(Score.id)).label("id"), func.avg(col(Score.points)).label("mean"))
        .where(col(Score.project_id) == project_id, col(Score.rater_id) == rater_id)
        .group_by(col(Score.completion_id))
        .order_by(func.max(col(Score.id)).desc())
        .limit(most)
        .subquery()
    )
    query = (
        select(
            col(Completion.id), col(Completion.prompt_id), col(PromptText.messages), col(CompletionText.text), last.c.mean,
            col(ScoreText.reasoning), col(Completion.is_sandbox),
        )
        .select_from(last)
        .join(Score, col(Score.id) == last.c.id)
        .join(ScoreText, col(ScoreText.score_id) == last.c.id)
        .join(Completion, col(Completion.id) == col(Score.completion_id))
        .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
        .join(PromptText, col(PromptText.prompt_id) == col(Completion.prompt_id))
        .order_by(last.c.id.desc())
    )  # fmt: skip
    return [
        ScoredLine(row[0], row[1], row[2], row[3], None if row[4] is None else float(row[4]), row[5], row[6])
        for row in session.execute(query)
        if row[0] is not None
    ]
