"""Judges, their judgements, and what the judgements of a pair come to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from labeling.domain import JudgeSpec, canonical_json, text_digest
from labeling.judging.outcome import Judgement as StoredJudgement
from labeling.judging.outcome import Level, Outcome
from labeling.judging.reading import ReadState
from labeling.storage.inserting import insert_rows, new_ids
from labeling.storage.tables import (
    Judge,
    Judgement,
    JudgementText,
    JudgeResult,
    Label,
    LabelJudgement,
    Rater,
    Run,
    RunRequest,
    core,
    now,
)


@dataclass(frozen=True, slots=True)
class NewJudgement:
    """One reply of a judge as read, to be stored."""

    project_id: int
    run_id: int
    rater_id: int
    pair_id: int
    request_id: int
    sample_number: int
    judgement: StoredJudgement
    reasoning: str


@dataclass(frozen=True, slots=True)
class KeptJudgement:
    id: int
    judgement: StoredJudgement


# --- judges ------------------------------------------------------------------------------------------------------


def judges_of(session: Session, project_id: int, *, alone: bool = False) -> Sequence[tuple[Judge, int]]:
    """The project's judges with their raters' ids, newest first: those that compare, or those that score replies alone."""
    query = (
        select(Judge, col(Rater.id))
        .join(Rater, col(Rater.judge_id) == col(Judge.id))
        .where(col(Judge.project_id) == project_id, (col(Judge.orders) == "alone") == alone)
        .order_by(col(Judge.id).desc())
    )
    return [(judge, rater_id) for judge, rater_id in session.execute(query) if rater_id is not None]


def put_judge(session: Session, project_id: int, spec: JudgeSpec, template: str, *, is_sandbox: bool) -> Judge:
    """The judge of this identity, or the next version of its name. Key variable and pace follow the spec."""
    digest = spec.digest(template)
    query = select(Judge).where(col(Judge.project_id) == project_id, col(Judge.digest) == digest)
    row = session.scalars(query).first()
    if row is None:
        last = select(func.max(Judge.version)).where(col(Judge.project_id) == project_id, col(Judge.name) == spec.name)
        row = Judge(
            project_id=project_id, digest=digest, base_url=spec.base_url, model=spec.model,
            parameters=canonical_json(spec.parameters), rubric=spec.rubric, orders=spec.orders, samples=spec.samples,
            offers_both_bad=spec.offers_both_bad, uses_reference=spec.uses_reference, template=text_digest(template), name=spec.name,
            version=(session.scalar(last) or 0) + 1,
        )  # fmt: skip
    row.key_env, row.requests_per_minute = spec.key_env, spec.requests_per_minute
    row.tokens_per_minute, row.max_in_flight = spec.tokens_per_minute, spec.max_in_flight
    row.is_sandbox = row.is_sandbox or is_sandbox
    session.add(row)
    session.flush()
    if session.scalar(select(col(Rater.id)).where(col(Rater.judge_id) == row.id)) is None:
        name = judge_title(row.name, row.version, row.orders)
        session.add(Rater(kind="judge", name=name, judge_id=row.id, project_id=project_id))
        session.flush()
    return row


ORDERS: Mapping[str, Literal["both", "random", "alone"]] = {"both": "both", "random": "random", "alone": "alone"}


def judge_title(name: str, version: int, orders: str) -> str:
    """How a judge is called wherever its labels are told."""
    return f"{name}, version {version}{', scoring' if orders == 'alone' else ''}"


def judge_with_id(session: Session, judge_id: int) -> tuple[Judge, int]:
    """A judge and its rater's id."""
    rater_id = session.scalar(select(col(Rater.id)).where(col(Rater.judge_id) == judge_id))
    assert rater_id is not None
    return session.get_one(Judge, judge_id), rater_id


def mark_sandbox_judge(session: Session, judge_id: int) -> None:
    """What turned out to be a sandbox by its replies is marked from then on."""
    session.execute(update(Judge).where(col(Judge.id) == judge_id, ~col(Judge.is_sandbox)).values(is_sandbox=True))


def judge_spec_of(row: Judge) -> JudgeSpec:
    return JudgeSpec(
        name=row.name, base_url=row.base_url, model=row.model, rubric=row.rubric, key_env=row.key_env,
        orders=ORDERS[row.orders], samples=row.samples,
        parameters=json.loads(row.parameters), offers_both_bad=row.offers_both_bad,
        uses_reference=row.uses_reference,
        requests_per_minute=row.requests_per_minute, tokens_per_minute=row.tokens_per_minute,
        max_in_flight=row.max_in_flight,
    )  # fmt: skip


# --- judgements and results --------------------------------------------------------------------------------------


def add_judgements(session: Session, new: Sequence[NewJudgement]) -> int:
    """Store those that are not there yet; the number stored. The project must be locked."""
    place = ("rater_id", "pair_id", "pair_order", "sample_number", "request_id")
    query = select(*(getattr(Judgement, name) for name in place)).where(
        col(Judgement.pair_id).in_({one.pair_id for one in new}),
        col(Judgement.rater_id).in_({one.rater_id for one in new}),
    )
    there = {tuple(row) for row in session.execute(query)}
    fresh = {
        found: one
        for one in new
        if (found := (one.rater_id, one.pair_id, one.judgement.order, one.sample_number, one.request_id)) not in there
    }
    ids = new_ids(session, core(Judgement), len(fresh)) if fresh else []
    rows = [
        (
            id_, one.project_id, one.run_id, *key, one.judgement.state.value,
            one.judgement.level and one.judgement.level.value,
            *(one.judgement.scores or (None, None)),
        )
        for id_, (key, one) in zip(ids, fresh.items(), strict=True)
    ]  # fmt: skip
    columns = ("id", "project_id", "run_id", *place, "state", "level", "score_a", "score_b")
    insert_rows(session, core(Judgement), columns, rows, {"created_at": now()})
    reasons = [(id_, one.reasoning) for id_, one in zip(ids, fresh.values(), strict=True)]
    insert_rows(session, core(JudgementText), ("judgement_id", "reasoning"), reasons, {})
    return len(ids)


def judgements_on(session: Session, rater_id: int, pair_ids: Sequence[int]) -> dict[int, list[KeptJudgement]]:
    """By pair: one judgement for each order and sample, the newest where one was repeated."""
    query = (
        select(Judgement)
        .where(col(Judgement.rater_id) == rater_id, col(Judgement.pair_id).in_(pair_ids))
        .order_by(col(Judgement.id))
    )
    newest: dict[tuple[int, str, int], Judgement] = {}
    for row in session.scalars(query):
        newest[row.pair_id, row.pair_order, row.sample_number] = row
    found: dict[int, list[KeptJudgement]] = {}
    for row in newest.values():
        assert row.id is not None
        found.setdefault(row.pair_id, []).append(KeptJudgement(row.id, _judgement(row)))
    return found


def _judgement(row: Judgement) -> StoredJudgement:
    scores = (row.score_a, row.score_b) if row.score_a is not None and row.score_b is not None else None
    return StoredJudgement(
        "ab" if row.pair_order == "ab" else "ba",
        ReadState(row.state),
        Level(row.level) if row.level else None,
        scores,
    )


def add_labels(session: Session, labels: Sequence[dict[str, Any]], judgement_ids: Sequence[Sequence[int]]) -> list[int]:
    """Store a judge's labels, each with the ids of the judgements it rests on; their ids, in the same order."""
    if not labels:
        return []
    statement = insert(Label).returning(col(Label.id), sort_by_parameter_order=True)
    ids = [id_ for id_ in session.scalars(statement, [dict(label) for label in labels]) if id_ is not None]
    links = [
        {"label_id": label_id, "judgement_id": judgement_id}
        for label_id, judgements in zip(ids, judgement_ids, strict=True)
        for judgement_id in judgements
    ]
    session.execute(insert(LabelJudgement), links)
    return ids


def add_results(
    session: Session,
    project_id: int,
    run_id: int,
    rater_id: int,
    outcomes: Sequence[tuple[int, int, Outcome, int | None]],
) -> None:
    """Store what pairs came to: (seq, pair, outcome, label of a decided one)."""
    rows = [
        {
            "rater_id": rater_id, "pair_id": pair_id, "project_id": project_id, "seq": seq, "run_id": run_id,
            "state": outcome.state.value, "reason": outcome.reason.value if outcome.reason else None,
            "label_id": label_id, "updated_at": now(),
        }
        for seq, pair_id, outcome, label_id in outcomes
    ]  # fmt: skip
    if rows:
        session.execute(insert(JudgeResult), rows)


def count_results(session: Session, project_id: int, rater_id: int) -> dict[tuple[str, str | None], int]:
    """How many pairs this judge's judgements came to each state and reason."""
    query = (
        select(col(JudgeResult.state), col(JudgeResult.reason), func.count())
        .where(col(JudgeResult.project_id) == project_id, col(JudgeResult.rater_id) == rater_id)
        .group_by(col(JudgeResult.state), col(JudgeResult.reason))
    )
    return {(state, reason): count for state, reason, count in session.execute(query)}


def count_slots(session: Session, rater_id: int) -> tuple[int, int]:
    """How many of a judge's replies prefer the completion that stood first, and how many the second.

    What each reply says counts, also where it contradicts its scores.
    """
    query = (
        select(col(Judgement.pair_order), col(Judgement.level), func.count())
        .where(col(Judgement.rater_id) == rater_id, col(Judgement.level).is_not(None))
        .group_by(col(Judgement.pair_order), col(Judgement.level))
    )
    slots = {"first": 0, "second": 0}
    for order, level, count in session.execute(query):
        better = Level(level or "").verdict.value
        if better in ("a", "b"):
            slots["first" if better == order[0] else "second"] += count
    return slots["first"], slots["second"]


def last_judgement(session: Session) -> int:
    """The greatest id of a judgement: whether any came in since."""
    return session.scalar(select(func.max(col(Judgement.id)))) or 0


def count_repairs(session: Session, judge_id: int) -> int:
    """How many replies of this judge could not be read and were asked for again, in all its runs."""
    query = (
        select(func.count(col(RunRequest.request_id).distinct()))
        .join(Run, col(Run.id) == col(RunRequest.run_id))
        .where(col(Run.judge_id) == judge_id, col(Run.purpose) == "judge", col(RunRequest.is_repair))
    )
    return session.scalar(query) or 0


def results_by_rater(session: Session, project_id: int) -> dict[int, int]:
    query = (
        select(col(JudgeResult.rater_id), func.count())
        .where(col(JudgeResult.project_id) == project_id)
        .group_by(col(JudgeResult.rater_id))
    )
    return dict(session.execute(query).all())


def judged_among(session: Session, rater_id: int, pair_ids: Sequence[int]) -> set[int]:
    """Those of the pairs that this judge's judgements have come to a result on."""
    query = select(col(JudgeResult.pair_id)).where(
        col(JudgeResult.rater_id) == rater_id, col(JudgeResult.pair_id).in_(pair_ids)
    )
    return set(session.scalars(query))


def rater_of_digest(session: Session, project_id: int, digest: str) -> int | None:
    """The rater that a judge of this identity is; None where it was never saved."""
    query = select(col(Rater.id)).join(Judge, col(Judge.id) == col(Rater.judge_id))
    return session.scalar(query.where(col(Judge.project_id) == project_id, col(Judge.digest) == digest))


def judged_by(session: Session, rater_id: int) -> set[int]:
    """All pairs that this judge's judgements have come to a result on."""
    return set(session.scalars(select(col(JudgeResult.pair_id)).where(col(JudgeResult.rater_id) == rater_id)))
