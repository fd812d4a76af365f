"""Who holds which slot of some locked pairs, as one transaction sees and changes it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from labeling.services.desk import Desk
from labeling.storage import queue as rows
from labeling.storage.queue import Place
from labeling.storage.store import Session

RESERVATION = timedelta(minutes=15)
# Renewed when a third of it is gone, so that not every label writes twenty rows.
RENEWED_BEFORE = timedelta(minutes=10)


def slotless(desk: Desk, places: Iterable[Place]) -> set[int]:
    """Those of the places that take no slot."""
    return {place.pair_id for place in places if place.is_gold or not desk.needs_slots}


class Slots:
    """The assignments of pairs whose rows in the queue the caller has locked. Slots of ended reservations are emptied."""

    def __init__(
        self,
        session: Session,
        round_id: int,
        pair_ids: Sequence[int],
        at: datetime,
        *,
        overlap: int,
        without: Collection[int],
    ) -> None:
        self._without = without
        self._overlap = overlap
        self._assignments: dict[tuple[int, int], Any] = {}
        # For each pair its slots in use, each with its annotator; an ended reservation of one's own still counts.
        self._holders: dict[int, dict[int, int]] = {pair_id: {} for pair_id in pair_ids}
        self._lasting: dict[int, set[int]] = {pair_id: set() for pair_id in pair_ids}
        self._ended: dict[int, list[Any]] = {pair_id: [] for pair_id in pair_ids}
        self._session = session
        for row in rows.assignments_of(session, round_id, pair_ids) if pair_ids else ():
            self._assignments[row.pair_id, row.rater_id] = row
            if row.slot is None:
                continue
            self._holders[row.pair_id][row.slot] = row.rater_id
            if row.reserved_until is None:
                self._lasting[row.pair_id].add(row.rater_id)
            elif row.reserved_until <= at:
                self._ended[row.pair_id].append(row)

    def are_needed(self, pair_id: int) -> bool:
        """Gold, and all pairs of practice and review, take no slot."""
        return pair_id not in self._without

    def assignment(self, pair_id: int, rater_id: int) -> Any | None:
        """The annotator's assignment as it was when the transaction began."""
        return self._assignments.get((pair_id, rater_id))

    def slot_of(self, pair_id: int, rater_id: int) -> int | None:
        return next((slot for slot, holder in self._holders[pair_id].items() if holder == rater_id), None)

    def take(self, pair_id: int, rater_id: int) -> int | None:
        """The annotator's own slot, else a free one; None where there is none (or none is needed)."""
        if not self.are_needed(pair_id):
            return None
        own = self.slot_of(pair_id, rater_id)
        if own is not None:
            return own
        self._empty_ended(pair_id)
        free = (slot for slot in range(1, self._overlap + 1) if slot not in self._holders[pair_id])
        slot = next(free, None) if len(self._holders[pair_id]) < self._overlap else None
        if slot is not None:
            self._holders[pair_id][slot] = rater_id
        return slot

    def give_back(self, pair_id: int, rater_id: int) -> None:
        slot = self.slot_of(pair_id, rater_id)
        if slot is not None:
            del self._holders[pair_id][slot]
        self._lasting[pair_id].discard(rater_id)

    def make_lasting(self, pair_id: int, rater_id: int, *, lasting: bool) -> None:
        """Say whether the annotator's slot is held by a label, or by a reservation."""
        (self._lasting[pair_id].add if lasting else self._lasting[pair_id].discard)(rater_id)

    def is_done(self, pair_id: int) -> bool:
        return self.are_needed(pair_id) and len(self._lasting[pair_id]) >= self._overlap

    def _empty_ended(self, pair_id: int) -> None:
        ended = [row for row in self._ended[pair_id] if self._holders[pair_id].get(row.slot) == row.rater_id]
        self._ended[pair_id] = []
        if ended:
            rows.empty_slots(self._session, [row.id for row in ended])
            for row in ended:
                del self._holders[pair_id][row.slot]
