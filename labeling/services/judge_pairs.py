"""Which pairs a judge is asked about: all, unlabelled, disputed, gold and its halves, a sample, or what another judge was
not sure of.
"""

import hashlib
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labeling.domain import Actor
from labeling.errors import InputError
from labeling.services.access import managed_project
from labeling.services.bench_split import draw_halves
from labeling.services.kept import kept
from labeling.services.labelled import labelled
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
    """How many pairs each choice comes to at this moment."""
    draw_halves(store, actor, slug)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        counts = {name.replace("-", "_"): _count(session, project_id, name) for name in SELECTIONS}
        return PairCounts(**counts)


def _count(session: Session, project_id: int, name: str) -> int:
    """How many pairs one of `SELECTIONS` comes to. What most pairs belong to is counted without a look at each of them."""
    if name == "all":
        return rows.count_all(session, project_id)
    if name not in ("unlabelled", "disputed"):
        return rows.count_of(session, SELECTIONS[name](project_id))
    there, gone = labelled(session, project_id), rows.labelled_pairs(session, project_id, left_out=True)
    if name == "disputed":
        return there.disputed - gone.disputed
    return rows.count_all(session, project_id) - (there.by_readers - gone.by_readers)


def count_unsure(store: Store, actor: Actor, slug: str, rater_id: int) -> int:
    """How many pairs a judge was not sure of: undecided, unreadable or only slightly for a side. In a large project the
    answer may be some seconds old, unless labels or pairs came in meanwhile."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        came = (*rows.newest(session, project_id), judging.last_judgement(session))
        key = ("unsure", str(store.url), project_id, rater_id, *came)
        return kept(key, lambda: rows.count_of(session, rows.unsure_pairs(project_id, rater_id)))


def choose(session: Session, project_id: int, pairs: str, *, first_only: bool = False) -> list[int]:
    """The ids of the pairs of a choice, in their order; with `first_only` at most one.

    Raises:
        InputError: there is no such choice, or no such judge.
    """
    found = _selection(session, project_id, pairs)
    if found is None:
        return _sample(session, project_id, pairs)[: 1 if first_only else None]
    return rows.ids_of(session, found, 1 if first_only else None)


def no_pairs(pairs: str) -> InputError:
    """What is told where a choice comes to nothing."""
    which = "" if pairs == "all" else f"{pairs} "
    return InputError(f"There are no {which}pairs to judge. Choose other pairs, or make some on the page Generate.")


def left_for(
    session: Session, project_id: int, pairs: str, rater_id: int | None, most: int, part: int
) -> tuple[int, list[int]]:
    """How many pairs of a choice a judge (None: a new one) has come to no result on, and these; of more than `most` of
    them at most `part`, from all over. Raises as `choose`."""
    found = _selection(session, project_id, pairs)
    if found is None:
        done = judging.judged_by(session, rater_id) if rater_id else set()
        ids = [id_ for id_ in _sample(session, project_id, pairs) if id_ not in done]
        return len(ids), ids if len(ids) <= most else ids[:: len(ids) // part][:part]
    count = _count(session, project_id, pairs) if pairs in SELECTIONS else rows.count_of(session, found)
    if rater_id is not None:
        count -= rows.count_of(session, rows.judged(found, rater_id))
        found = rows.unjudged(found, rater_id)
    if count <= most:
        return count, rows.ids_of(session, found)
    return count, rows.spread_of(session, project_id, found, count, part)


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
