"""Gold pairs: those whose verdict is known, mixed into a round to see how annotators do. They take no slot."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labeling.domain import Actor, Right, Verdict
from labeling.errors import InputError, NotFoundError
from labeling.services.access import managed_project, open_project
from labeling.storage import projects as project_rows
from labeling.storage import rounds as rows
from labeling.storage.store import Store
from labeling.storage.tables import Round

MOST_SHARE = 0.5
CHUNK = 300  # rows a transaction


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
        if verdict is None:
            for round_ in rows.rounds_with_gold(session, pair_id):
                assert round_.id is not None
                rows.make_plain(session, round_.id, [pair_id], round_.overlap)


def gold_from(store: Store, actor: Actor, slug: str, rater: str) -> int:
    """Make all that a rater says now gold: labels that came with a file under that name, or an annotator's, whose comments
    become the reasons. Return how many pairs are gold by it.

    Raises:
        InputError: nobody of that name has labels here.
        NotFoundError, ForbiddenError: as `set_gold`.
    """
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        said = {row.pair_id: (row.verdict, row.comment) for row in rows.verdicts_of(session, project.id, rater)}
    if not said:
        raise InputError(f"No annotator and no imported rater called {rater!r} has labels in {project.name!r}.")
    for part in _parts(list(said)):
        with store.writing() as session:
            for pair_id in part:
                rows.set_gold(session, project.id, pair_id, *said[pair_id])
    return len(said)


def gold_pairs(store: Store, actor: Actor, slug: str) -> list[GoldPair]:
    """The project's gold pairs. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return [
            GoldPair(row.id, Verdict(row.gold_verdict), row.gold_reason) for row in rows.gold_pairs(session, project_id)
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
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        round_ = project_rows.round_named(session, project.id, round_name)
        if round_ is None or round_.id is None:
            raise NotFoundError(f"The project {project.name!r} has no round {round_name!r}.")
        gold = [row.id for row in rows.gold_pairs(session, project.id)]
        if share and not gold:
            raise InputError("There are no gold pairs yet: say what is right about some pairs first.")
        places = rows.places_of(session, round_.id)
    positions = _positions(round_, places, gold, share)
    plain = [row.pair_id for row in places if row.is_gold and row.pair_id not in positions]
    with store.writing() as session:
        session.get_one(Round, round_.id).gold_share = share
    for part in _parts(list(positions)):
        with store.writing() as session:
            rows.place_gold(session, round_.id, {pair_id: positions[pair_id] for pair_id in part})
    for part in _parts(plain):
        with store.writing() as session:
            rows.make_plain(session, round_.id, part, session.get_one(Round, round_.id).overlap)
    return len(positions)


def _parts(pair_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (pair_ids[start : start + CHUNK] for start in range(0, len(pair_ids), CHUNK))


def _positions(round_: Round, places: Sequence[Any], gold: Iterable[int], share: float) -> dict[int, int]:
    """A place for each gold pair that is mixed in: behind a plain one drawn from each stretch of the queue."""
    known = set(gold)
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
        project_id = managed_project(session, actor, slug)
        round_ = None if round_name is None else project_rows.round_named(session, project_id, round_name)
        answers = rows.answers_to_gold(session, project_id, round_.id if round_ else None, None)
    answered: Counter[tuple[int, str]] = Counter((row.rater_id, row.name) for row in answers)
    correct = Counter((row.rater_id, row.name) for row in answers if row.verdict == row.gold_verdict)
    return [GoldResult(rater[1], count, correct[rater]) for rater, count in answered.items()]
