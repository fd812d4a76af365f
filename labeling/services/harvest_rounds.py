"""When a worker makes something of the answers of its runs.

Answers are stored at once, and used a little later and many together: that costs a tenth of using each for itself.
"""

import time
from collections.abc import Sequence

from labeling.services.finishing import HARVEST_ROWS, Settled, settle
from labeling.services.tallies import Active
from labeling.storage.store import Store

HARVEST_SECONDS = 0.5


class HarvestRounds:
    """The harvests of one worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new = 0
        self._harvested_at = 0.0

    def is_due(self, answered: int, *, is_quiet: bool) -> bool:
        """Whether to harvest now, with so many answers more. `is_quiet`: this worker waits for no answer."""
        self._new += answered
        return is_quiet or self._new >= HARVEST_ROWS or time.monotonic() - self._harvested_at >= HARVEST_SECONDS

    def harvest(self, active: Sequence[Active]) -> tuple[bool, list[int]]:
        """Let each run make something of its answers: whether there may be more at once, and which runs ended."""
        self._new, self._harvested_at = 0, time.monotonic()
        settled = {run.id: settle(self._store, run.id, run.purpose) for run in active}
        return Settled.MORE in settled.values(), [id_ for id_, how in settled.items() if how is Settled.ENDED]
