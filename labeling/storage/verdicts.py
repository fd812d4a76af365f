"""A judge's results on pairs as a table, with its reasons and what people say of the same pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlmodel import Session, col

from labeling.storage.pair_selection import PEOPLE, current_labels
from labeling.storage.tables import (
    Assignment,
    Judgement,
    JudgementText,
    JudgeResult,
    Label,
    Pair,
    PromptText,
    Rater,
    Round,
    RoundMember,
    RoundPair,
)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """What a pair came to; verdict and strength of a decided one, `reason` of an undecided one."""

    pair_id: int
    state: str
    reason: str | None
    verdict: str | None
    strength: int | None
    messages: str
    is_sandbox: bool
    gold: str | None


def results_after(
    session: Session,
    project_id: int,
    rater_id: int,
    before_id: int | None,
    most: int,
    state: str | None = None,
    reason: str | None = None,
    *,
    only_opposed: bool = False,
) -> list[ResultRow]:
    """A judge's results by pair id, greatest first, below `before_id`, of one state and reason where given.

    `only_opposed` leaves out what nobody opposes; see `opposed`.
    """
    query = (
        select(
            col(JudgeResult.pair_id), col(JudgeResult.state), col(JudgeResult.reason), col(Label.verdict),
            col(Label.strength), col(PromptText.messages), col(Pair.is_sandbox), col(Pair.gold_verdict),
        )
        .join(Pair, col(Pair.id) == col(JudgeResult.pair_id))
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .join(Label, col(Label.id) == col(JudgeResult.label_id), isouter=True)
        .where(col(JudgeResult.rater_id) == rater_id, col(JudgeResult.project_id) == project_id)
        .order_by(col(JudgeResult.pair_id).desc())
        .limit(most)
    )  # fmt: skip
    if before_id is not None:
        query = query.where(col(JudgeResult.pair_id) < before_id)
    if state is not None:
        query = query.where(col(JudgeResult.state) == state)
    if reason is not None:
        query = query.where(col(JudgeResult.reason) == reason)
    if only_opposed:
        query = query.where(opposed(project_id))
    return [ResultRow(*row) for row in session.execute(query)]


def opposed(project_id: int) -> ColumnElement[bool]:
    """A condition on results: gold says the other side is better, or a person once did. Whether most do is asked later."""
    other = case((col(Label.verdict) == "a", "b"), (col(Label.verdict) == "b", "a"))
    told = Label.__table__.alias("told")  # type: ignore[attr-defined]  # SQLModel does not declare it
    by_people = exists().where(
        told.c.pair_id == col(JudgeResult.pair_id),
        told.c.project_id == project_id,
        told.c.verdict == other,
        told.c.rater_id != col(JudgeResult.rater_id),
    )
    return (col(Pair.gold_verdict) == other) | by_people


def reasons_on(
    session: Session, rater_id: int, pair_ids: Sequence[int]
) -> dict[int, list[tuple[str, float | None, float | None, str]]]:
    """By pair: (order, score of a, score of b, reasons) of each judgement, order ab first."""
    query = (
        select(col(Judgement.pair_id), col(Judgement.pair_order), col(Judgement.score_a), col(Judgement.score_b), col(JudgementText.reasoning))
        .join(JudgementText, col(JudgementText.judgement_id) == col(Judgement.id))
        .where(col(Judgement.rater_id) == rater_id, col(Judgement.pair_id).in_(pair_ids))
        .order_by(col(Judgement.pair_id), col(Judgement.pair_order), col(Judgement.sample_number), col(Judgement.id))
    )  # fmt: skip
    found: dict[int, list[tuple[str, float | None, float | None, str]]] = {}
    for pair_id, *rest in session.execute(query):
        found.setdefault(pair_id, []).append((rest[0], rest[1], rest[2], rest[3]))
    return found


def people_on(session: Session, project_id: int, pair_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """By pair: how many people give each verdict now."""
    given = current_labels(project_id).where(col(Rater.kind).in_(PEOPLE), col(Label.pair_id).in_(pair_ids)).subquery()
    query = select(given.c.pair_id, given.c.verdict, func.count()).group_by(given.c.pair_id, given.c.verdict)
    found: dict[int, dict[str, int]] = {}
    for pair_id, verdict, count in session.execute(query):
        found.setdefault(pair_id, {})[verdict] = count
    return found


def still_to_label(session: Session, account_id: int, pair_ids: Sequence[int]) -> set[int]:
    """Those of the pairs that an open round may still ask this account about."""
    is_member = exists().where(col(RoundMember.round_id) == col(Round.id), col(RoundMember.account_id) == account_id)
    has_members = exists().where(col(RoundMember.round_id) == col(Round.id))
    has_labelled = (
        exists()
        .where(
            col(Assignment.round_id) == col(RoundPair.round_id),
            col(Assignment.pair_id) == col(RoundPair.pair_id),
            col(Assignment.state) == "labelled",
        )
        .where(col(Assignment.rater_id).in_(select(col(Rater.id)).where(col(Rater.account_id) == account_id)))
    )
    query = (
        select(col(RoundPair.pair_id))
        .join(Round, col(Round.id) == col(RoundPair.round_id))
        .where(
            col(RoundPair.pair_id).in_(pair_ids),
            ~col(RoundPair.is_done),
            col(Round.closed_at).is_(None),
            is_member | ~has_members,
            ~has_labelled,
        )
    )
    return set(session.scalars(query))
