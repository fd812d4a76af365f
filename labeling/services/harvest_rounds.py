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
        # Purposes by run; also of runs that were paused, stopped or cancelled meanwhile.
        self._known: dict[int, str] = {}

    def is_due(self, answered: int, *, is_quiet: bool) -> bool:
        """Whether to harvest now, with so many answers more. `is_quiet`: this worker waits for no answer."""
        self._new += answered
        return is_quiet or self._new >= HARVEST_ROWS or time.monotonic() - self._harvested_at >= HARVEST_SECONDS

    def harvest(self, active: Sequence[Active], *, is_quiet: bool) -> tuple[bool, list[int]]:
        """Let each run make something of its answers: whether there may be more at once, and which runs ended.

        A run that goes no more is looked after until the last answer that this worker waits for is home.
        """
        self._new, self._harvested_at = 0, time.monotonic()
        going = {run.id: run.purpose for run in active}
        known = self._known | going
        settled = {id_: settle(self._store, id_, purpose) for id_, purpose in known.items()}
        more = Settled.MORE in settled.values()
        ended = [id_ for id_, how in settled.items() if how is Settled.ENDED]
        self._known = going if is_quiet and not more else {id_: known[id_] for id_ in known.keys() - ended}
        return more, ended
