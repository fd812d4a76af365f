"""The rubric bench: gold pairs in two halves, what judges came to on them, and looks at the held-out half."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlmodel import Session, col

from labeling.storage.pair_selection import bench_pairs, gold_pairs
from labeling.storage.tables import (
    Answer,
    Attempt,
    BenchLook,
    BenchPair,
    Judge,
    JudgeResult,
    Label,
    Pair,
    PromptRow,
    Rater,
    Run,
    RunRequest,
    now,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What requests cost: `unpriced` answers have no known price."""

    usd: float
    unpriced: int


def undrawn_gold(session: Session, project_id: int) -> list[tuple[int, str]]:
    """Gold pairs without a half: (pair, the group of its prompt), by id."""
    drawn = select(col(BenchPair.pair_id)).where(col(BenchPair.project_id) == project_id)
    query = (
        select(col(Pair.id), func.coalesce(col(PromptRow.group_key), col(PromptRow.digest)))
        .join(PromptRow, col(PromptRow.id) == col(Pair.prompt_id))
        .where(col(Pair.id).in_(gold_pairs(project_id)), col(Pair.id).not_in(drawn))
        .order_by(col(Pair.id))
    )
    return [(pair_id, group) for pair_id, group in session.execute(query) if pair_id is not None]


def drawn_groups(session: Session, project_id: int) -> list[tuple[str, str]]:
    """(half, the group of its prompt) of every pair that has a half, also of those that are gold no more."""
    query = (
        select(col(BenchPair.half), func.coalesce(col(PromptRow.group_key), col(PromptRow.digest)))
        .join(Pair, col(Pair.id) == col(BenchPair.pair_id))
        .join(PromptRow, col(PromptRow.id) == col(Pair.prompt_id))
        .where(col(BenchPair.project_id) == project_id)
    )
    return [(half, group) for half, group in session.execute(query)]


def put_halves(session: Session, project_id: int, halves: Mapping[int, str]) -> None:
    rows = [
        {"project_id": project_id, "pair_id": pair_id, "half": half, "created_at": now()}
        for pair_id, half in halves.items()
    ]
    if rows:
        session.execute(insert(BenchPair), rows)


def gold_of_half(session: Session, project_id: int, half: str) -> dict[int, str]:
    """The gold verdicts of a half, by pair."""
    inside = bench_pairs(project_id, half)
    query = select(col(Pair.id), col(Pair.gold_verdict)).where(col(Pair.id).in_(inside))
    return {pair_id: verdict for pair_id, verdict in session.execute(query) if pair_id is not None and verdict}


def held_out_among(session: Session, project_id: int, pair_ids: Sequence[int]) -> set[int]:
    """Those of the pairs that are gold and of the held-out half."""
    query = (
        select(col(BenchPair.pair_id))
        .join(Pair, col(Pair.id) == col(BenchPair.pair_id))
        .where(
            col(BenchPair.project_id) == project_id,
            col(BenchPair.half) == "held_out",
            col(BenchPair.pair_id).in_(pair_ids),
            col(Pair.gold_verdict).is_not(None),
        )
    )
    return set(session.scalars(query))


def results_on(session: Session, project_id: int, half: str) -> dict[int, dict[int, tuple[str, str | None]]]:
    """By rater and pair: state and verdict of every judge's results on a half."""
    query = (
        select(col(JudgeResult.rater_id), col(JudgeResult.pair_id), col(JudgeResult.state), col(Label.verdict))
        .join(Label, col(Label.id) == col(JudgeResult.label_id), isouter=True)
        .where(col(JudgeResult.pair_id).in_(bench_pairs(project_id, half)))
    )
    found: dict[int, dict[int, tuple[str, str | None]]] = {}
    for rater_id, pair_id, state, verdict in session.execute(query):
        found.setdefault(rater_id, {})[pair_id] = (state, verdict)
    return found


def cost_on(session: Session, project_id: int, judge_id: int, half: str) -> Cost:
    """What a judge's requests on a half cost, whichever run or project paid; repairs and lost tries with them."""
    asked = (
        select(col(RunRequest.request_id))
        .join(Run, col(Run.id) == col(RunRequest.run_id))
        .where(col(Run.judge_id) == judge_id, col(RunRequest.pair_id).in_(bench_pairs(project_id, half)))
        .distinct()
    )
    answers = session.execute(
        select(func.sum(col(Answer.cost_usd)), func.count() - func.count(col(Answer.cost_usd))).where(
            col(Answer.request_id).in_(asked)
        )
    ).one()
    tries = session.scalar(select(func.sum(col(Attempt.cost_usd))).where(col(Attempt.request_id).in_(asked)))
    return Cost(float(answers[0] or 0) + float(tries or 0), answers[1])


def add_look(session: Session, look: BenchLook) -> None:
    session.add(look)
    session.flush()


def looks_of(session: Session, project_id: int) -> dict[int, int]:
    """By rater: how often somebody looked at how it does on the held-out half."""
    query = select(col(BenchLook.rater_id), func.count()).where(col(BenchLook.project_id) == project_id)
    return dict(session.execute(query.group_by(col(BenchLook.rater_id))).all())


def judges_on(session: Session, project_id: int, rater_ids: Sequence[int]) -> list[tuple[Judge, int]]:
    """The judges that are these raters, oldest first, with their rater's id."""
    query = (
        select(Judge, col(Rater.id))
        .join(Rater, col(Rater.judge_id) == col(Judge.id))
        .where(col(Judge.project_id) == project_id, col(Rater.id).in_(rater_ids))
        .order_by(col(Judge.id))
    )
    return [(judge, rater_id) for judge, rater_id in session.execute(query) if rater_id is not None]
