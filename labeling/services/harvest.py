"""Answers become completions, judgements and scores: what a run was for.

A harvester is called by the worker inside a short writing transaction, again and again, also for answers that came
through another run. What was harvested before changes nothing.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from labeling.judging.outcome import Outcome, OutcomeState, combine, stored
from labeling.judging.reading import JudgementRead, ReadState, read_reply, read_score
from labeling.judging.scoring import REPAIR as SCORE_REPAIR
from labeling.services.generate import pair_plan_of
from labeling.services.judge import orders_of
from labeling.services.pairing import pair_up
from labeling.services.repairs import ask_again
from labeling.storage import completions, judging, scoring
from labeling.storage.labels import take_seqs
from labeling.storage.queue import put_first
from labeling.storage.requests import HarvestRow, mark_harvested, open_answers
from labeling.storage.store import Session
from labeling.storage.tables import Judge, Project, Run, now

BATCH = 100  # answers; keeps the transaction under 50 ms on a busy machine
# The name space of judges' label events: the same judgements give the same event, whoever stores it first.
EVENTS = uuid.UUID("5a0f3c1e-8d0b-5f0e-9a53-2f6c8f1f7a10")
Concluded: TypeAlias = tuple[int, Outcome, list[int]]  # a pair, what it came to, and of which judgements


def harvest_completions(session: Session, run_id: int, limit: int) -> int:
    """Store answered completions, and make the pairs of each prompt that has all its completions now."""
    rows = open_answers(session, run_id, min(limit, BATCH))
    if not rows:
        return 0
    run = session.get_one(Run, run_id)
    completions.lock_project(session, run.project_id)
    completions.add_completions(session, [_completion(row) for row in rows])
    completions.mark_sandbox_generators(session, [_id(row.generator_id) for row in rows if row.is_sandbox])
    mark_harvested(session, run_id, [row.number for row in rows])
    spec = json.loads(run.spec)
    plan = pair_plan_of(spec)
    if plan is not None:
        samples = {one["id"]: one["samples"] for one in spec["generators"]}
        prompts = completions.prompts_complete(session, {_id(row.prompt_id) for row in rows}, samples)
        if prompts:
            pair_up(session, session.get_one(Project, run.project_id), prompts, plan, run.created_by)
    return len(rows)


def harvest_judgements(session: Session, run_id: int, limit: int) -> int:
    """Read answered judgements; a pair that has all of its judge's judgements gets its result, and a label if decided.

    A first reply that cannot be read is no judgement yet: the judge is asked once to write it again, in the same run.
    """
    rows = open_answers(session, run_id, min(limit, BATCH))
    if not rows:
        return 0
    run = session.get_one(Run, run_id)
    assert run.judge_id is not None
    judge, rater_id = judging.judge_with_id(session, run.judge_id)
    completions.lock_project(session, run.project_id)
    read = [(row, read_reply(row.text, offers_both_bad=judge.offers_both_bad)) for row in rows]
    again = [row for row, one in read if one.state is ReadState.UNREADABLE and not row.is_repair]
    waiting = {row.number for row in again}
    ask_again(session, run, again)
    judging.add_judgements(session, [_judgement(row, one, rater_id) for row, one in read if row.number not in waiting])
    if any(row.is_sandbox for row in rows):
        judging.mark_sandbox_judge(session, run.judge_id)
    _conclude(session, run, judge, rater_id, {_id(row.pair_id) for row in rows})
    mark_harvested(session, run_id, [row.number for row in rows])
    return len(rows)


def harvest_scores(session: Session, run_id: int, limit: int) -> int:
    """Read answered scores. A first reply that cannot be read is asked for again once, as in judging."""
    rows = open_answers(session, run_id, min(limit, BATCH))
    if not rows:
        return 0
    run = session.get_one(Run, run_id)
    assert run.judge_id is not None
    _, rater_id = judging.judge_with_id(session, run.judge_id)
    completions.lock_project(session, run.project_id)
    read = [(row, read_score(row.text)) for row in rows]
    again = [row for row, one in read if one.points is None and not row.is_repair]
    waiting = {row.number for row in again}
    ask_again(session, run, again, SCORE_REPAIR)
    new = [
        scoring.NewScore(_id(row.completion_id), row.request_id, row.sample_number, one.points, one.reasoning)
        for row, one in read
        if row.number not in waiting
    ]
    scoring.add_scores(session, run.project_id, run_id, rater_id, new)
    if any(row.is_sandbox for row in rows):
        judging.mark_sandbox_judge(session, run.judge_id)
    mark_harvested(session, run_id, [row.number for row in rows])
    return len(rows)


# What the worker calls, by the purpose of a run.
HARVESTERS: Mapping[str, Callable[[Session, int, int], int]] = {
    "generate": harvest_completions,
    "judge": harvest_judgements,
    "score": harvest_scores,
}


def _completion(row: HarvestRow) -> completions.NewCompletion:
    return completions.NewCompletion(
        prompt_id=_id(row.prompt_id),
        generator_id=_id(row.generator_id),
        sample_number=row.sample_number,
        request_id=row.request_id,
        text=row.text,
        tool_calls=row.tool_calls,
        finish_reason=row.finish_reason,
        is_sandbox=row.is_sandbox,
    )


def _judgement(row: HarvestRow, read: JudgementRead, rater_id: int) -> judging.NewJudgement:
    return judging.NewJudgement(
        project_id=row.project_id,
        run_id=row.run_id,
        rater_id=rater_id,
        pair_id=_id(row.pair_id),
        request_id=row.request_id,
        sample_number=row.sample_number,
        judgement=stored(read, "ab" if row.pair_order == "ab" else "ba"),
        reasoning=read.reasoning,
    )


def _conclude(session: Session, run: Run, judge: Judge, rater_id: int, pair_ids: set[int]) -> None:
    """Combine the judgements of pairs that have them all and have no result yet.

    What stays undecided or unreadable comes first in the people's queue.
    """
    there = judging.judged_among(session, rater_id, list(pair_ids))
    concluded: list[Concluded] = []
    for pair_id, judgements in judging.judgements_on(session, rater_id, list(pair_ids - there)).items():
        orders = orders_of(judge.orders, judge.digest, pair_id)
        if len(judgements) == len(orders) * judge.samples:
            outcome = combine([one.judgement for one in judgements], orders)
            concluded.append((pair_id, outcome, [one.id for one in judgements]))
    if not concluded:
        return
    numbered = list(enumerate(concluded, take_seqs(session, run.project_id, len(concluded))))
    decided = [(seq, one) for seq, one in numbered if one[1].state is OutcomeState.DECIDED]
    labels = dict(zip([one[0] for _, one in decided], _label(session, run, rater_id, decided), strict=True))
    results = [(seq, pair_id, outcome, labels.get(pair_id)) for seq, (pair_id, outcome, _) in numbered]
    judging.add_results(session, run.project_id, _id(run.id), rater_id, results)
    put_first(
        session,
        run.project_id,
        [pair_id for pair_id, outcome, _ in concluded if outcome.state is not OutcomeState.DECIDED],
    )


def _label(session: Session, run: Run, rater_id: int, decided: Sequence[tuple[int, Concluded]]) -> list[int]:
    if not decided:
        return []
    labels = [
        _event(run, rater_id, pair_id, outcome, seq, judgements) for seq, (pair_id, outcome, judgements) in decided
    ]
    return judging.add_labels(session, labels, [judgements for _, (_, _, judgements) in decided])


def _event(
    run: Run, rater_id: int, pair_id: int, outcome: Outcome, seq: int, judgements: Sequence[int]
) -> dict[str, Any]:
    assert outcome.verdict is not None
    return {
        "project_id": run.project_id,
        "seq": seq,
        "pair_id": pair_id,
        "rater_id": rater_id,
        "revision": 1,
        "action": "label",
        "verdict": outcome.verdict.value,
        "strength": outcome.strength,
        "is_surplus": False,
        "event_id": str(uuid.uuid5(EVENTS, f"{rater_id} {pair_id} {sorted(judgements)}")),
        "created_by": run.created_by,
        "created_at": now(),
    }


def _id(value: int | None) -> int:
    """What a run of this purpose always names."""
    assert value is not None
    return value
