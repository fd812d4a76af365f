"""The worker: claims requests of running runs, sends them, and stores what comes back within 50 ms.

One thread talks to the database, and one transaction saves what is finished and claims what is next. All that a worker
knows is in the database, so that it may be killed at any moment: what it held comes up again, and what it stored stays.
"""

import asyncio
import contextlib
import json
import logging
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from labeling.errors import TiebreakError
from labeling.llm.chat import ChatClient
from labeling.llm.faults import Fault
from labeling.llm.keys import key_value
from labeling.llm.reply import Reply
from labeling.llm.request import ChatRequest
from labeling.services.batching import tending
from labeling.services.finishing import Settled, settle
from labeling.services.keys import check_bound
from labeling.services.liveness import is_dead, new_owner
from labeling.services.outcomes import Judged, Troubles, outcome_of_fault, outcome_of_reply
from labeling.storage import claims, runs
from labeling.storage import requests as requests_
from labeling.storage.claims import Claimed
from labeling.storage.store import Session, Store
from labeling.storage.tables import Run, now

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
GATHER_SECONDS = 0.02  # answers that come together are saved together
IDLE_SECONDS = 0.5
BUSY_SECONDS = 0.1  # between claims while something runs and nothing came back
GRACE_SECONDS = 20.0  # at an orderly end, for what is in flight
MOST_IN_FLIGHT = 256
TURN_SECONDS = 2.0  # between looks whether another app's worker is gone
PREPARING_SECONDS = 120.0
FIRST_FAILURES = 20  # that many without a single answer, all alike, and the run stops

_log = logging.getLogger("tiebreak.worker")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Active:
    """A running run as far as claiming needs it."""

    id: int
    purpose: str
    max_tries: int
    budget_usd: float | None
    spent_usd: float
    expected_usd: float | None


@dataclass
class Tally:
    """What this worker saw of a run: enough to know a reply's mean price, and that nothing succeeds."""

    billed: int = 0
    spent_usd: float = 0.0
    answered: int = 0
    failed: int = 0
    reasons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction brought: new claims, whether any run is running, and how long there is nothing to do."""

    claimed: tuple[Claimed, ...]
    active: tuple[Active, ...]
    again_seconds: float


def work(store: Store, *, once: bool = False) -> None:
    """Work until told to end (SIGTERM, Ctrl-C); with `once` until no run has anything left to do.

    Raises:
        StoreError: the database is gone or locked.
    """
    worker = Worker(store)
    asyncio.run(worker.run(once=once))
    if worker.interrupted:
        raise KeyboardInterrupt


class Worker:
    """One process's part in the runs of a database."""

    def __init__(self, store: Store, *, is_app_child: bool = False) -> None:
        self.store = store
        # One worker started by an app is enough for a database and a machine, however many apps there are.
        self.alone_as = f"worker of the app on {socket.gethostname()}" if is_app_child else None
        self.owner = new_owner()
        self.interrupted = False
        self._stopping = asyncio.Event()
        self._finished: asyncio.Queue[tuple[Claimed, Reply | Fault]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._troubles = Troubles()
        self._tallies: dict[int, Tally] = {}
        self._renewed_at = 0.0

    async def run(self, *, once: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = ThreadPoolExecutor(1, "database")
        with self._signals():
            try:
                await self._in_database(self._release_dead)
                await self._wait_for_turn()
                async with ChatClient() as self._client:
                    with tending(self.store, self.owner) as self._tender:
                        await self._work(once=once)
                        self._tender.ask_to_stop()
                        await self._end()
            finally:
                # Also after a fault: what is still held is given back as far as the database allows it.
                with contextlib.suppress(TiebreakError):
                    await self._in_database(self._give_back)
                self._database.shutdown()

    def stop(self) -> None:
        """Begin an orderly end. To be called in the event loop's thread."""
        self._stopping.set()

    async def _wait_for_turn(self) -> None:
        while self.alone_as and not self._stopping.is_set() and not await self._in_database(self._take_turn):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TURN_SECONDS)

    async def _work(self, *, once: bool) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            finished = await self._gather(wait)
            step = await self._in_database(partial(self._step, finished))
            for claimed in step.claimed:
                task = asyncio.create_task(self._ask(claimed))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            harvested = await self._harvest(step.active)
            if once and self._tender.is_idle and not step.active and not self._tasks and self._finished.empty():
                return
            wait = 0.0 if harvested else step.again_seconds

    async def _end(self) -> None:
        """Let what is in flight come home for a while, and store it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        finished = self._drained()
        if finished:
            await self._in_database(lambda: self._step(finished, claim=False))

    async def _gather(self, seconds: float) -> list[tuple[Claimed, Reply | Fault]]:
        """Finished calls, after at most `seconds`, and then those which come right behind the first."""
        if self._finished.empty() and seconds > 0:
            arrived = asyncio.create_task(self._finished.get())
            stopped = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({arrived, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not arrived.done():
                arrived.cancel()
                return []
            first = [arrived.result()]
            await asyncio.sleep(GATHER_SECONDS)
            return first + self._drained()
        return self._drained()

    def _drained(self) -> list[tuple[Claimed, Reply | Fault]]:
        return [self._finished.get_nowait() for _ in range(self._finished.qsize())]

    async def _ask(self, claimed: Claimed) -> None:
        try:
            key = key_value(claimed.key_env)
        except TiebreakError as error:
            self._finished.put_nowait((claimed, Fault("unauthorized", str(error), stops_run=True)))
            return
        request = ChatRequest(claimed.base_url, claimed.model, claimed.body, claimed.sample_number)
        self._finished.put_nowait((claimed, await self._client.ask(request, key)))

    async def _harvest(self, active: Sequence[Active]) -> bool:
        """Let each run make something of its answers; whether there may be more to do at once."""
        more = False
        for run in active:
            more |= await self._in_database(partial(self._harvest_run, run))
        return more

    async def _in_database(self, action: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._database, action)

    # --- in the database's thread --------------------------------------------------------------------------------

    def _step(self, finished: Sequence[tuple[Claimed, Reply | Fault]], *, claim: bool = True) -> Step:
        """Save what is finished and claim what is next, in one transaction."""
        if not finished and not self._is_due():
            with self.store.reading() as session:
                if not runs.running(session):
                    return Step((), (), IDLE_SECONDS)
        with self.store.writing() as session:
            active = {run.id: run for run in map(_active, runs.running(session))}
            judged = [self._judge(claimed, got, active) for claimed, got in finished]
            late = claims.save(session, self.owner, [one.outcome for one in judged])
            if late:
                _log.warning("%d answers came after another worker's and were refused", late)
            for run_id, fault in self._stops(judged).items():
                runs.set_state(session, run_id, "stopped", was=("running",), fault=fault)
                active.pop(run_id, None)
            if self._is_due():
                self._renewed_at = self._loop.time()
                claims.renew(session, self.owner, now() + timedelta(seconds=LEASE_SECONDS))
                runs.touch(session, list(active))
                if self.alone_as and not claims.hold(
                    session, self.alone_as, self.owner, now() + timedelta(seconds=LEASE_SECONDS)
                ):
                    self._loop.call_soon_threadsafe(self._stopping.set)
                runs.give_up_preparing(
                    session,
                    now() - timedelta(seconds=PREPARING_SECONDS),
                    "Its preparation was interrupted; start it again.",
                )
            if not claim:
                return Step((), tuple(active.values()), 0.0)
            if finished:
                active = {run.id: run for run in map(_active, runs.running(session))}
            return self._claim(session, active)

    def _claim(self, session: Session, active: dict[int, Active]) -> Step:
        claimed: list[Claimed] = []
        again = BUSY_SECONDS
        # No run stands behind another one for ever.
        for run in random.sample(list(active.values()), len(active)):
            for endpoint in claims.endpoints_of(session, run.id):
                most = min(MOST_IN_FLIGHT - len(self._tasks) - len(claimed), self._affordable(session, run))
                if most <= 0:
                    break
                allowed, at = claims.allowance(session, endpoint, most)
                if at is not None:
                    again = min(again, max(0.005, (at - now()).total_seconds()))
                if not allowed:
                    continue
                until = now() + timedelta(seconds=LEASE_SECONDS)
                got = claims.claim(session, self.owner, run.id, endpoint, allowed, until)
                claims.take(session, endpoint, len(got))
                claimed += self._sendable(session, got)
        return Step(tuple(claimed), tuple(active.values()), again)

    def _affordable(self, session: Session, run: Active) -> int:
        """How many more requests the budget allows; where it allows none and none is in flight, the run stops."""
        if run.budget_usd is None:
            return MOST_IN_FLIGHT
        tally = self._tallies.get(run.id, Tally())
        each = tally.spent_usd / tally.billed if tally.billed >= FIRST_FAILURES else run.expected_usd
        if not each:
            return MOST_IN_FLIGHT
        in_flight = claims.in_flight_of(session, run.id)
        most = int((run.budget_usd - run.spent_usd) / each) - in_flight
        if most <= 0 and not in_flight and requests_.has_waiting(session, run.id):
            runs.set_state(
                session,
                run.id,
                "stopped",
                was=("running",),
                fault=f"The budget of ${run.budget_usd:.2f} is reached: ${run.spent_usd:.4f} are spent, and the next request "
                f"may cost ${each:.4f}. Resume the run with a higher budget to go on.",
            )
        return most

    def _sendable(self, session: Session, got: Sequence[Claimed]) -> Iterator[Claimed]:
        """Those whose key may go where they go; the others come back as faults at once."""
        checked: dict[tuple[str, str], Fault | None] = {}
        for one in got:
            if one.key_env is None:
                yield one
                continue
            place = (one.key_env, one.base_url)
            if place not in checked:
                try:
                    check_bound(session, *place)
                    checked[place] = None
                except TiebreakError as error:
                    checked[place] = Fault("forbidden", str(error), stops_run=True)
            fault = checked[place]
            if fault is None:
                yield one
            else:
                self._loop.call_soon_threadsafe(self._finished.put_nowait, (one, fault))

    def _judge(self, claimed: Claimed, got: Reply | Fault, active: dict[int, Active]) -> Judged:
        run = active.get(claimed.run_id)
        max_tries = run.max_tries if run else 1_000_000  # a run that stands still gives nothing up
        tally = self._tallies.setdefault(claimed.run_id, Tally())
        if isinstance(got, Fault):
            judged = outcome_of_fault(claimed, got, max_tries, self._troubles, self._loop.time())
        else:
            self._troubles.over(claimed.endpoint)
            judged = outcome_of_reply(claimed, got, max_tries)
        outcome = judged.outcome
        if outcome.was_billed:
            tally.billed += 1
            tally.spent_usd += outcome.cost_usd or 0.0
        tally.answered += outcome.state == "answered"
        if outcome.state == "failed":
            tally.failed += 1
            tally.reasons |= {outcome.reason or ""}
        return judged

    def _stops(self, judged: Sequence[Judged]) -> dict[int, str]:
        """Runs that a person must look at now, and the sentence for each."""
        found: dict[int, str] = {}
        for one in judged:
            run_id = one.outcome.claimed.run_id
            if one.stops:
                found.setdefault(run_id, one.stops)
            tally = self._tallies[run_id]
            if (
                one.outcome.state == "failed"
                and not tally.answered
                and tally.failed >= FIRST_FAILURES
                and len(tally.reasons) == 1
            ):
                found.setdefault(
                    run_id,
                    f"The first {tally.failed} requests failed alike: {one.outcome.message} "
                    "Mend the cause, then resume; retry the failed ones afterwards.",
                )
        for run_id in found:
            self._tallies.pop(run_id, None)
        return found

    def _harvest_run(self, run: Active) -> bool:
        settled = settle(self.store, run.id, run.purpose)
        if settled is Settled.ENDED:
            self._tallies.pop(run.id, None)
        return settled is Settled.MORE

    def _is_due(self) -> bool:
        return self._loop.time() - self._renewed_at >= RENEW_SECONDS or self._renewed_at == 0.0

    def _release_dead(self) -> None:
        """Free what a worker of this machine held when it was killed, without waiting for its leases."""
        with self.store.writing() as session:
            for owner in claims.owners(session):
                if is_dead(owner):
                    claims.release(session, owner)

    def _take_turn(self) -> bool:
        """Take or renew the place of the one worker that apps on this machine have for this database."""
        assert self.alone_as is not None
        with self.store.writing() as session:
            holder = claims.holder(session, self.alone_as)
            if holder is not None and is_dead(holder):
                claims.let_go(session, self.alone_as, holder)
            return claims.hold(session, self.alone_as, self.owner, now() + timedelta(seconds=LEASE_SECONDS))

    def _give_back(self) -> None:
        with self.store.writing() as session:
            claims.release(session, self.owner)
            if self.alone_as:
                claims.let_go(session, self.alone_as, self.owner)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End in order on SIGTERM and Ctrl-C, where this is the main thread; a second signal ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def told(number: signal.Signals) -> None:
            self.interrupted = number == signal.SIGINT
            self._stopping.set()
            for one in before:
                self._loop.remove_signal_handler(one)
                signal.signal(one, signal.SIG_DFL)

        for number in before:
            self._loop.add_signal_handler(number, told, number)
        try:
            yield
        finally:
            for number, handler in before.items():
                self._loop.remove_signal_handler(number)
                signal.signal(number, handler)


def _active(run: Run) -> Active:
    assert run.id is not None
    expected = json.loads(run.spec).get("expected_usd")
    return Active(run.id, run.purpose, run.max_tries, run.budget_usd, run.spent_usd, expected)
