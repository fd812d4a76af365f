"""Gold pairs: those whose verdict is known, mixed into a round to see how annotators do. They take no slot."""

import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from labeling.domain import Actor, Right, Verdict
from labeling.errors import InputError, NotFoundError
from labeling.services.access import open_project
from labeling.storage import projects as project_rows
from labeling.storage import rounds as rows
from labeling.storage.store import Session, Store
from labeling.storage.tables import Round

MOST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class GoldPair:
    """A pair with its known verdict, in stored order, and why."""

    pair_id: int
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True, slots=True)
class GoldResult:
    """How one annotator did on gold pairs: `correct` of `answered`."""

    annotator: str
    answered: int
    correct: int


def set_gold(
    store: Store, actor: Actor, slug: str, pair_id: int, verdict: Verdict | None, reason: str | None = None
) -> None:
    """Say what is right about a pair, in stored order; with None it is gold no more.

    Raises:
        NotFoundError: no such project, or no such pair in it.
        ForbiddenError: the actor may not manage the project.
    """
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        said = reason.strip() if reason and reason.strip() else None
        if not rows.set_gold(session, project.id, pair_id, verdict and verdict.value, said if verdict else None):
            raise NotFoundError(f"The project {project.name!r} has no pair {pair_id}.")


def gold_pairs(store: Store, actor: Actor, slug: str) -> list[GoldPair]:
    """The project's gold pairs. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        return [
            GoldPair(row.id, Verdict(row.gold_verdict), row.gold_reason) for row in rows.gold_pairs(session, project.id)
        ]


def mix_gold(store: Store, actor: Actor, slug: str, share: float, round_name: str = project_rows.WORK_ROUND) -> int:
    """Mix gold pairs into a round so that about `share` of what an annotator is served is gold; return how many stand
    in its queue then. Where they stand is drawn by the round's seed, and alike for every annotator.

    Raises:
        InputError: the share is below 0 or above a half, or the project has no gold pairs.
        NotFoundError, ForbiddenError: no such project or round, or the actor may not manage it.
    """
    if not 0 <= share <= MOST_SHARE:
        raise InputError(f"The gold share is between 0 and {MOST_SHARE:.0%}; {share} is not.")
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        round_ = project_rows.round_named(session, project.id, round_name)
        if round_ is None:
            raise NotFoundError(f"The project {project.name!r} has no round {round_name!r}.")
        gold = [row.id for row in rows.gold_pairs(session, project.id)]
        if share and not gold:
            raise InputError("There are no gold pairs yet: say what is right about some pairs first.")
        positions = _positions(session, round_, gold, share)
        round_.gold_share = share
        session.add(round_)
        assert round_.id is not None
        rows.place_gold(session, round_.id, positions)
    return len(positions)


def _positions(session: Session, round_: Round, gold: Iterable[int], share: float) -> dict[int, int]:
    """A place for each gold pair that is mixed in: behind a plain one drawn from each stretch of the queue."""
    assert round_.id is not None
    known = set(gold)
    places = rows.places_of(session, round_.id)
    plain = [row.position for row in places if row.pair_id not in known]
    here = sorted(row.pair_id for row in places if row.pair_id in known)
    if not share or not plain:
        return {}
    lot = random.Random(f"gold {round_.seed} {round_.id}")
    lot.shuffle(here)
    chosen = here[: math.ceil(len(plain) * share / (1 - share))]
    stretch = len(plain) / max(1, math.ceil(len(plain) * share / (1 - share)))
    positions = {}
    for number, pair_id in enumerate(chosen):
        first, last = int(number * stretch), max(int(number * stretch) + 1, int((number + 1) * stretch))
        # Plain places are even, so that the odd number behind one is free.
        positions[pair_id] = plain[lot.randrange(first, min(last, len(plain)))] + 1
    return positions


def gold_results(store: Store, actor: Actor, slug: str, round_name: str | None = None) -> list[GoldResult]:
    """How each annotator did on gold pairs, in one round or in all. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        round_ = None if round_name is None else project_rows.round_named(session, project.id, round_name)
        answers = rows.answers_to_gold(session, project.id, round_.id if round_ else None, None)
    answered: Counter[tuple[int, str]] = Counter((row.rater_id, row.name) for row in answers)
    correct = Counter((row.rater_id, row.name) for row in answers if row.verdict == row.gold_verdict)
    return [GoldResult(rater[1], count, correct[rater]) for rater, count in answered.items()]
