"""Which pairs a judge is asked about: all, unlabelled, disputed, gold and its halves, a sample, or what another judge was
not sure of.
"""

import hashlib
import heapq
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from labeling.domain import Actor
from labeling.errors import InputError
from labeling.services.access import managed_project
from labeling.services.bench_split import draw_halves
from labeling.services.kept import kept
from labeling.storage import judging
from labeling.storage import pair_selection as rows
from labeling.storage.store import Session, Store

CHOICES = "all, unlabelled, disputed, gold, tune, held-out, sample:N, sample:N:SEED or unsure:JUDGE"
SELECTIONS: Mapping[str, Callable[[int], Any]] = {
    "all": rows.all_pairs,
    "unlabelled": rows.unlabelled_pairs,
    "disputed": rows.disputed_pairs,
    "gold": rows.gold_pairs,
    "tune": lambda project_id: rows.bench_pairs(project_id, "tune"),
    "held-out": lambda project_id: rows.bench_pairs(project_id, "held_out"),
}


@dataclass(frozen=True, slots=True)
class PairCounts:
    """How many pairs each choice comes to. `tune` and `held_out` are the halves of the gold pairs on the rubric bench."""

    unlabelled: int
    disputed: int
    gold: int
    tune: int
    held_out: int
    all: int


def draw_for(store: Store, actor: Actor, slug: str, pairs: str) -> None:
    """Draw the halves of the bench where the choice is one of them: `choose` only reads."""
    if pairs in ("tune", "held-out"):
        draw_halves(store, actor, slug)


def pair_counts(store: Store, actor: Actor, slug: str) -> PairCounts:
    """In a large project the answer may be some seconds old, unless labels or pairs came in meanwhile."""
    draw_halves(store, actor, slug)
    with store.reading() as session:
        project_id, state = _state(store, session, actor, slug)
        return kept(("pairs", *state), lambda: _counted(session, project_id))


def _counted(session: Session, project_id: int) -> PairCounts:
    counts = {name.replace("-", "_"): rows.count_of(session, pairs(project_id)) for name, pairs in SELECTIONS.items()}
    return PairCounts(**counts)


def count_unsure(store: Store, actor: Actor, slug: str, rater_id: int) -> int:
    """How many pairs a judge was not sure of: undecided, unreadable or only slightly for a side. Kept as `pair_counts`."""
    with store.reading() as session:
        project_id, state = _state(store, session, actor, slug)
        key = ("unsure", *state, rater_id, judging.last_judgement(session))
        return kept(key, lambda: rows.count_of(session, rows.unsure_pairs(project_id, rater_id)))


def _state(store: Store, session: Session, actor: Actor, slug: str) -> tuple[int, tuple[Hashable, ...]]:
    """The project, and what tells that labels or pairs came in."""
    project_id = managed_project(session, actor, slug)
    return project_id, (str(store.url), project_id, *rows.newest(session, project_id))


def choose(session: Session, project_id: int, pairs: str, *, first_only: bool = False) -> list[int]:
    """The ids of the pairs of a choice, in their order; with `first_only` at most one.

    Raises:
        InputError: there is no such choice, or no such judge.
    """
    found = _selection(session, project_id, pairs)
    if found is None:
        return _sample(session, project_id, pairs)[: 1 if first_only else None]
    return rows.ids_of(session, found, 1 if first_only else None)


def left_for(session: Session, project_id: int, pairs: str, rater_id: int | None, most: int) -> tuple[int, list[int]]:
    """How many pairs of a choice a judge (None: a new one) has come to no result on, and about `most` of them from all
    over where they are more. Raises as `choose`."""
    found = _selection(session, project_id, pairs)
    if found is None:
        done = judging.judged_by(session, rater_id) if rater_id else set()
        ids = [id_ for id_ in _sample(session, project_id, pairs) if id_ not in done]
        return len(ids), ids[:: max(1, len(ids) // most)][:most]
    left = found if rater_id is None else rows.unjudged(found, rater_id)
    count = rows.count_of(session, left)
    return count, rows.spread_of(session, left, count, most)


def _selection(session: Session, project_id: int, pairs: str) -> Any | None:
    """The pairs of a choice as a query; None for a sample, which is drawn by lot."""
    name, _, rest = pairs.partition(":")
    if name in SELECTIONS and not rest:
        return SELECTIONS[name](project_id)
    if name == "unsure" and rest:
        return rows.unsure_pairs(project_id, _rater_of_judge(session, project_id, rest))
    if name != "sample":
        raise InputError(f"{pairs[:40]!r} is no choice of pairs; write {CHOICES}.")
    return None


def _sample(session: Session, project_id: int, pairs: str) -> list[int]:
    """N pairs by lot. The same seed draws the same ones again, and pairs that are added change few of them."""
    size, _, seed = pairs.removeprefix("sample").removeprefix(":").partition(":")
    if not size.isdecimal() or int(size) < 1 or len(seed) > 40:
        raise InputError(f"{pairs[:40]!r} is no choice of pairs; a sample is written sample:50, or sample:50:SEED.")
    ids = rows.ids_of(session, rows.all_pairs(project_id))
    lot = f"{project_id} {seed or 0} "
    return sorted(heapq.nsmallest(int(size), ids, key=lambda id_: hashlib.sha256(f"{lot}{id_}".encode()).digest()))


def _rater_of_judge(session: Session, project_id: int, name: str) -> int:
    judges = [(row, rater_id) for row, rater_id in judging.judges_of(session, project_id)]
    titled = [one for one in judges if f"{one[0].name}, version {one[0].version}" == name]
    named = titled or [one for one in judges if one[0].name == name]
    if not named:
        known = ", ".join(dict.fromkeys(row.name for row, _ in judges)) or "none yet"
        raise InputError(f"There is no judge called {name[:80]!r}. Judges of this project: {known}.")
    return max(named, key=lambda one: one[0].version)[1]
