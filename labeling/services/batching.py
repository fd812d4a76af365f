"""Runs by batch and by file, looked after in a thread of the worker: one worker of a database at a time.

All that is known is in the database. Calls to providers take as long as they take, and hold up no live request.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from labeling.errors import TiebreakError
from labeling.services.batch_parts import advance
from labeling.services.finishing import Settled, settle
from labeling.services.ingest import end_if_done
from labeling.services.liveness import is_dead
from labeling.services.parts import gather, let_go
from labeling.services.tallies import budget_reached
from labeling.storage import batches as rows
from labeling.storage import leases, requests
from labeling.storage import runs as run_rows
from labeling.storage.store import Session, Store
from labeling.storage.tables import Batch, Run, now

NAME = "batches"
LEASE_SECONDS = 1200.0  # longer than a call to a provider may take
RENEW_SECONDS = 60.0
SETTLE_SECONDS = 10.0
LOOK_SECONDS = 1.0
GRACE_SECONDS = 20.0
KNOWN_FROM = 20  # answers from which their mean price is used
WITH_PROVIDER = ("creating", "running", "fetching")  # what is looked after also when the run sends nothing more

_log = logging.getLogger("tiebreak.worker")


@contextmanager
def tending(store: Store, owner: str) -> Iterator["Tender"]:
    """A thread that looks after batches while the context lasts."""
    tender = Tender(store, owner)
    tender.start()
    try:
        yield tender
    finally:
        tender.stop()


class Tender:
    """Looks after the batches of a database; `is_idle` says that there was nothing left to do at its last look."""

    def __init__(self, store: Store, owner: str) -> None:
        self.store, self.owner = store, owner
        self.is_idle = False
        self._stopping = threading.Event()
        self._held_at = 0.0
        self._settled_at: dict[int, float] = {}
        # A call to a provider may take minutes: at an orderly end it is left behind, as at a kill.
        self._thread = threading.Thread(target=self._work, daemon=True, name="batches")

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(GRACE_SECONDS)

    def _work(self) -> None:
        while not self._stopping.is_set():
            seconds = LOOK_SECONDS
            try:
                seconds = self.turn()
            except TiebreakError as error:  # the database is gone or locked: the worker itself will say so
                _log.warning("batches were not looked after: %s", error)
            self._stopping.wait(seconds)
        with suppress(TiebreakError), self.store.writing() as session:
            leases.let_go(session, NAME, self.owner)

    def turn(self) -> float:
        """Do all that is due; the seconds after which there may be more."""
        with self.store.reading() as session:
            runs = rows.runs_with_batches(session)
        if not runs or not self._hold():
            self.is_idle = True
            return LOOK_SECONDS
        busy = False
        for run in runs:
            if self._stopping.is_set():
                return 0.0
            try:
                busy |= self._tend(run)
            except TiebreakError:
                raise
            except Exception as error:  # noqa: BLE001  # one run's fault must not end what others need
                _log.exception("run %d could not be looked after", run.id)
                with self.store.writing() as session:
                    fault = (
                        f"A fault of the program stopped it ({type(error).__name__}); see the log, then resume the run."
                    )
                    run_rows.set_state(session, _id(run), "stopped", was=("running", "paused"), fault=fault)
        self.is_idle = not busy
        return min(LOOK_SECONDS, self._until_due()) if busy else LOOK_SECONDS

    def _hold(self) -> bool:
        """Whether this worker is the one; written down again once a minute, as batches are looked at for hours."""
        if self._held_at and time.monotonic() - self._held_at < RENEW_SECONDS:
            return True
        held = self._take()
        self._held_at = time.monotonic() if held else 0.0
        return held

    def _take(self) -> bool:
        until = now() + timedelta(seconds=LEASE_SECONDS)
        with self.store.writing() as session:
            holder = leases.holder(session, NAME)
            if holder is not None and holder != self.owner and is_dead(holder):
                leases.let_go(session, NAME, holder)
            return leases.hold(session, NAME, self.owner, until)

    def _tend(self, run: Run) -> bool:
        """Everything that is due of one run; whether it will go on by itself."""
        is_file = run.mode == "file"
        if run.state == "running" and self._has_more(_id(run)):
            gather(self.store, _id(run), None if is_file else lambda session: affordable(session, _id(run)))
        with self.store.reading() as session:
            parts = rows.open_parts(session, _id(run))
        for part in parts:
            if self._stopping.is_set():
                return True
            if is_file:
                self._tend_file(run, part)
            else:
                self._tend_batch(run, part)
        with self.store.reading() as session:
            is_changed = len(rows.open_parts(session, _id(run))) < len(parts)
        if run.state == "running" or is_changed:
            self._settle(run, at_once=is_changed)
        return not is_file and self._goes_on(run)

    def _settle(self, run: Run, *, at_once: bool) -> None:
        """Put answers to use when a part has ended; now and then also those that came in another way."""
        last = self._settled_at.get(_id(run), -math.inf)
        if not at_once and time.monotonic() - last < SETTLE_SECONDS:
            return
        with self.store.writing() as session:
            run_rows.touch(session, [_id(run)])
        while settle(self.store, _id(run), run.purpose) is Settled.MORE and not self._stopping.is_set():
            continue
        self._settled_at[_id(run)] = time.monotonic()

    def _has_more(self, run_id: int) -> bool:
        """Whether there is something to put into parts, or a part to be closed."""
        with self.store.reading() as session:
            return bool(rows.free_requests(session, run_id, 1) or rows.gathering(session, run_id))

    def _tend_file(self, run: Run, part: Batch) -> None:
        if run.state in ("cancelled", "done"):
            let_go(self.store, part.id or 0, "cancelled" if run.state == "cancelled" else "done")
            return
        with self.store.reading() as session:
            is_done = part.state == "ready" and not rows.count_open(session, part.id or 0)
        if is_done:
            with self.store.writing() as session:
                end_if_done(session, part.id or 0)

    def _tend_batch(self, run: Run, part: Batch) -> None:
        if part.state == "gathering" and run.state == "cancelled":
            let_go(self.store, part.id or 0, "cancelled")
        waits = part.state not in WITH_PROVIDER and run.state not in ("running", "cancelled")
        if part.state == "gathering" or part.due_at > now() or waits:
            return
        # From one step to the next as long as they follow at once.
        while part.state not in rows.ENDED and part.due_at <= now() and not self._stopping.is_set():
            if not self._hold():
                return
            before = part.state
            advance(self.store, run, part)
            with self.store.reading() as session:
                part = rows.part_with_id(session, part.id or 0)
                run = run_rows.run_with_id(session, _id(run))
            if part.state == before or run.state not in ("running", "cancelled"):
                return

    def _goes_on(self, run: Run) -> bool:
        with self.store.reading() as session:
            state = run_rows.run_with_id(session, _id(run)).state
            return state == "running" or (state == "cancelled" and bool(rows.open_parts(session, _id(run))))

    def _until_due(self) -> float:
        with self.store.reading() as session:
            due = rows.next_due(session)
        return LOOK_SECONDS if due is None else max(0.05, (due - now()).total_seconds())


def affordable(session: Session, run_id: int) -> int:
    """How many more requests a run's budget allows to be put into batches; it stops where it allows none."""
    run = rows.locked_run(session, run_id)
    if run.budget_usd is None:
        return 1_000_000
    count, mean = rows.mean_cost(session, run_id)
    each = mean if count >= KNOWN_FROM else json.loads(run.spec).get("expected_usd")
    if not each:
        return 1_000_000
    held = leases.in_flight_of(session, run_id)
    most = int((run.budget_usd - run.spent_usd) / each) - held
    if most <= 0 and not held and requests.has_own_waiting(session, run_id):
        run_rows.set_state(session, run_id, "stopped", was=("running",), fault=budget_reached(run, each))
    return max(0, most)


def _id(run: Run) -> int:
    assert run.id is not None
    return run.id
