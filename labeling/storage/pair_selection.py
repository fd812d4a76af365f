"""Which pairs a judge is asked about, and what it may see of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, select, union_all
from sqlmodel import Session, col

from labeling.domain import Prompt
from labeling.judging.template import Reply
from labeling.storage.all_over import all_over
from labeling.storage.completions import read_prompt
from labeling.storage.projects import count_pairs, visible
from labeling.storage.standing import STANDS
from labeling.storage.tables import (
    BenchPair,
    Completion,
    CompletionText,
    Generator,
    JudgeResult,
    Label,
    Pair,
    ProjectCounter,
    PromptText,
    Rater,
)

FEW = 4  # a spread that meets less than one in so many of what it looks for is taken from all of it instead
PEOPLE = ("annotator", "imported")  # kinds of raters that are not a judge or a rule


@dataclass(frozen=True, slots=True)
class PairTexts:
    """A pair as a judge may see it. `system_prompt` is the generators' one where both sides had the same, `reference` the
    prompt's reference answer."""

    id: int
    prompt_id: int
    prompt: Prompt
    a: Reply
    b: Reply
    system_prompt: str | None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Pairs with a verdict of anybody, rules included, those with one of a person or a judge, and those people dispute."""

    by_anybody: int
    by_readers: int
    disputed: int


def current_labels(project_id: int) -> Select[int, int, str, str | None]:
    """(pair_id, rater_id, kind, verdict) of every rater's verdict as it stands now."""
    return (
        select(col(Label.pair_id), col(Label.rater_id), col(Rater.kind), col(Label.verdict))
        .join(Rater, col(Rater.id) == col(Label.rater_id))
        .where(
            col(Label.project_id) == project_id,
            col(Label.action) == "label",
            visible(Label, project_id),
            STANDS,
        )
    )


def all_pairs(project_id: int) -> Select[Any]:
    """The ids of the project's visible pairs that nobody left out. A pair by a prompt kept for other uses is one too."""
    return select(col(Pair.id)).where(
        col(Pair.project_id) == project_id, ~col(Pair.is_left_out), visible(Pair, project_id)
    )


def unlabelled_pairs(project_id: int) -> Select[Any]:
    """Pairs on which nobody, person or judge, has a verdict now. What a rule says is no verdict on the two texts."""
    given = current_labels(project_id).where(col(Rater.kind) != "rule", col(Label.pair_id) == col(Pair.id))
    return all_pairs(project_id).where(~given.correlate(Pair).exists())


def disputed_pairs(project_id: int) -> Select[Any]:
    """Pairs on which people (annotators, imported raters) have different verdicts now."""
    given = current_labels(project_id).where(col(Rater.kind).in_(PEOPLE)).subquery()
    split = select(given.c.pair_id).group_by(given.c.pair_id).having(func.count(given.c.verdict.distinct()) > 1)
    return all_pairs(project_id).where(col(Pair.id).in_(split))


def left_out_pairs(project_id: int) -> Select[Any]:
    return select(col(Pair.id)).where(
        col(Pair.project_id) == project_id, col(Pair.is_left_out), visible(Pair, project_id)
    )


def gold_pairs(project_id: int) -> Select[Any]:
    return all_pairs(project_id).where(col(Pair.gold_verdict).is_not(None))


def bench_pairs(project_id: int, half: str) -> Select[Any]:
    """The gold pairs of one half of the rubric bench: `tune` or `held_out`."""
    inside = select(col(BenchPair.pair_id)).where(col(BenchPair.project_id) == project_id, col(BenchPair.half) == half)
    return gold_pairs(project_id).where(col(Pair.id).in_(inside))


def imported_sources(session: Session, project_id: int, most: int = 2000) -> list[str]:
    """Under which names the completions of the project's last `most` pairs came in; files name the models they hold."""
    last = select(col(Pair.a_id), col(Pair.b_id)).where(col(Pair.project_id) == project_id)
    pairs = last.order_by(col(Pair.id).desc()).limit(most).subquery()
    inside = union_all(select(pairs.c.a_id), select(pairs.c.b_id))
    query = (
        select(col(Completion.source))
        .where(col(Completion.id).in_(inside), col(Completion.kind) == "imported")
        .distinct()
    )
    return sorted(source for source in session.scalars(query) if source)


def unsure_pairs(project_id: int, rater_id: int) -> Select[Any]:
    """Pairs that a judge was not sure of: undecided, unreadable, or a side only slightly better."""
    unsure = (
        select(col(JudgeResult.pair_id))
        .join(Label, col(Label.id) == col(JudgeResult.label_id), isouter=True)
        .where(
            col(JudgeResult.rater_id) == rater_id, (col(JudgeResult.state) != "decided") | (col(Label.strength) == 1)
        )
    )
    return all_pairs(project_id).where(col(Pair.id).in_(unsure))


def judged(pairs: Select[Any], rater_id: int) -> Select[Any]:
    """Those of a selection that a judge has come to a result on."""
    return pairs.where(col(Pair.id).in_(_results_of(rater_id)))


def unjudged(pairs: Select[Any], rater_id: int) -> Select[Any]:
    """Those of a selection that a judge has come to no result on."""
    return pairs.where(col(Pair.id).not_in(_results_of(rater_id)))


def _results_of(rater_id: int) -> Select[Any]:
    return select(col(JudgeResult.pair_id)).where(col(JudgeResult.rater_id) == rater_id)


def spread_of(session: Session, project_id: int, pairs: Select[Any], count: int, most: int) -> list[int]:
    """The ids of at most `most` of the `count` pairs of a selection, from all over it."""
    found = ids_of(session, pairs.where(col(Pair.id).in_(all_over(session, Pair, project_id, most))))
    if len(found) >= most // FEW:
        return found
    return ids_of(session, pairs.where(col(Pair.id) % (count // most) == 0), most) or ids_of(session, pairs, most)


def ids_of(session: Session, pairs: Select[Any], most: int | None = None) -> list[int]:
    """The ids that a selection comes to, in their order; the first `most` of them where given."""
    return list(session.scalars(pairs.order_by(col(Pair.id)).limit(most)))


def newest(session: Session, project_id: int) -> tuple[int, int]:
    """The greatest `seq` of a label and the greatest id of a pair in the project: what came last."""
    seq = select(col(ProjectCounter.label_seq)).where(col(ProjectCounter.project_id) == project_id)
    pair = select(func.max(col(Pair.id))).where(col(Pair.project_id) == project_id)
    return session.scalar(seq) or 0, session.scalar(pair) or 0


def labelled_pairs(session: Session, project_id: int, *, left_out: bool = False) -> LabelledPairs:
    """Pairs by whose verdicts they have now, in one look at the labels; with `left_out` only those that are left out."""
    labels = current_labels(project_id)
    if left_out:
        labels = labels.where(col(Label.pair_id).in_(left_out_pairs(project_id)))
    given = labels.subquery()
    peoples = case((given.c.kind.in_(PEOPLE), given.c.verdict))
    each = (
        select(
            func.max(case((given.c.kind != "rule", 1), else_=0)).label("is_read"),
            case((func.min(peoples) != func.max(peoples), 1), else_=0).label("is_disputed"),
        )
        .group_by(given.c.pair_id)
        .subquery()
    )
    query = select(func.count(), func.sum(each.c.is_read), func.sum(each.c.is_disputed)).select_from(each)
    return LabelledPairs(*(number or 0 for number in session.execute(query).one()))


def count_all(session: Session, project_id: int) -> int:
    """As `all_pairs` says: counted as all less those left out, which look at no row of the others."""
    return count_pairs(session, project_id) - count_of(session, left_out_pairs(project_id))


def count_of(session: Session, pairs: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(pairs.subquery())) or 0


def pair_texts(session: Session, project_id: int, pair_ids: Sequence[int]) -> list[PairTexts]:
    """The pairs with their texts, by id."""
    pairs = session.execute(
        select(
            col(Pair.id), col(Pair.prompt_id), col(Pair.a_id), col(Pair.b_id), col(PromptText.messages), col(PromptText.tools),
            col(PromptText.reference),
        )
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, col(Pair.id).in_(pair_ids))
        .order_by(col(Pair.id))
    ).all()  # fmt: skip
    ids = {completion for row in pairs for completion in (row[2], row[3])}
    completions = {
        id_: (Reply(text, tuple(json.loads(calls)) if calls else ()), system_prompt)
        for id_, text, calls, system_prompt in session.execute(
            select(
                col(Completion.id), col(CompletionText.text), col(CompletionText.tool_calls), col(Generator.system_prompt)
            )
            .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
            .join(Generator, col(Generator.id) == col(Completion.generator_id), isouter=True)
            .where(col(Completion.id).in_(ids))
        )
    }  # fmt: skip
    found = []
    for pair_id, prompt_id, a_id, b_id, messages, tools, reference in pairs:
        (a, a_system), (b, b_system) = completions[a_id], completions[b_id]
        common = a_system if a_system == b_system else None
        found.append(PairTexts(pair_id, prompt_id, read_prompt(messages, tools), a, b, common, reference))
    return found
