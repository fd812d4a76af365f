"""How far an annotator and a round are."""

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from labeling.domain import Actor
from labeling.services.desk import Desk, open_desk
from labeling.storage import queue as rows
from labeling.storage.store import Session, Store

MANY_PAIRS = 1_000
COUNTS_LAST = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """`mine`: pairs the annotator has labelled, `skipped` has passed over; `done` of `total` pairs of the round have all their labels."""

    mine: int
    skipped: int
    done: int
    total: int

    @property
    def behind_me(self) -> int:
        """Pairs that ask nothing of this annotator any more: the figure of a progress bar that reaches its end."""
        return max(self.mine, self.done)


def progress(store: Store, actor: Actor, slug: str, round_name: str | None = None) -> Progress:
    """How far the annotator and the round are."""
    return progress_at(store, open_desk(store, actor, slug, round_name))


def progress_at(store: Store, desk: Desk) -> Progress:
    with store.reading() as session:
        return progress_in(session, store, desk)


def progress_in(session: Session, store: Store, desk: Desk) -> Progress:
    """`progress_at` within a transaction of the store."""
    mine = rows.counts_of(session, desk.round_id, desk.rater_id)
    total, done = _round_counts(session, store, desk.round_id)
    return Progress(mine.labelled, mine.skipped, done + mine.gold, total)


_kept_counts: WeakKeyDictionary[Store, dict[int, tuple[float, tuple[int, int]]]] = WeakKeyDictionary()


def _round_counts(session: Session, store: Store, round_id: int) -> tuple[int, int]:
    """Pairs in the round, and done ones. In a large round the answer may be a second old or some more: to count it may take
    longer than to store a label, so it is done at most a fiftieth of the time."""
    kept = _kept_counts.setdefault(store, {})
    until, counts = kept.get(round_id, (0.0, (0, 0)))
    if time.monotonic() < until:
        return counts
    began = time.monotonic()
    found = rows.round_counts(session, round_id)
    took = time.monotonic() - began
    if found[0] > MANY_PAIRS:
        kept[round_id] = (time.monotonic() + max(COUNTS_LAST, 50 * took), found)
    return found
