"""The worker: claims requests of running runs, sends them, and stores what comes back within 50 ms.

One thread talks to the database, and one transaction saves what is finished and claims what is next. All that a worker
knows is in the database, so that it may be killed at any moment: what it held comes up again, and what it stored stays.
"""

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from labeling.errors import TiebreakError
from labeling.llm.chat import ChatClient
from labeling.llm.faults import Fault
from labeling.llm.headers import Headers
from labeling.llm.keys import key_value
from labeling.llm.reply import Reply
from labeling.llm.request import ChatRequest
from labeling.services.batching import tending
from labeling.services.claiming import Claims, ToSend
from labeling.services.harvest_rounds import HarvestRounds
from labeling.services.liveness import new_owner
from labeling.services.pacing import Finished
from labeling.services.worker_place import app_place, give_back, release_dead, take_turn
from labeling.storage.claims import Claimed
from labeling.storage.store import Store

GATHER_SECONDS = 0.03  # answers that come together are saved together
GRACE_SECONDS = 20.0  # at an orderly end, for what is in flight
TURN_SECONDS = 2.0  # between looks whether another app's worker is gone

T = TypeVar("T")


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
        self.place = app_place() if is_app_child else None
        self.owner = new_owner()
        self.interrupted = False
        self._claims = Claims(store, self.owner, self.place)
        self._harvests = HarvestRounds(store)
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        self._finished: list[Finished] = []
        self._first_finished_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused_at: dict[str, float] = {}

    async def run(self, *, once: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._database = ThreadPoolExecutor(1, "database")
        with self._signals():
            try:
                await self._in_database(partial(release_dead, self.store))
                await self._wait_for_turn()
                async with ChatClient() as self._client:
                    with tending(self.store, self.owner) as self._tender:
                        await self._work(once=once)
                        self._tender.ask_to_stop()
                        await self._end()
            finally:
                # Also after a fault: what is still held is given back as far as the database allows it.
                with contextlib.suppress(TiebreakError):
                    await self._in_database(partial(give_back, self.store, self.owner, self.place))
                self._database.shutdown()

    def stop(self) -> None:
        """Begin an orderly end. To be called in the event loop's thread."""
        self._stopping.set()
        self._woken.set()

    async def _wait_for_turn(self) -> None:
        while self.place and not self._stopping.is_set():
            if await self._in_database(partial(take_turn, self.store, self.place, self.owner)):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TURN_SECONDS)

    async def _work(self, *, once: bool) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            finished = await self._gather(wait)
            step = await self._in_database(partial(self._claims.step, finished, len(self._tasks)))
            for one in step.to_send:
                task = asyncio.create_task(self._ask(one))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            for refused in step.finished:
                self._finish(refused)
            if step.lost_place:
                self.stop()
            more, is_quiet = False, not (self._tasks or self._finished)
            if self._harvests.is_due(step.answered, is_quiet=is_quiet):
                harvest = partial(self._harvests.harvest, step.active, is_quiet=is_quiet)
                more, ended = await self._in_database(harvest)
                for run_id in ended:
                    self._claims.tallies.forget(run_id)
            is_idle = not (step.active or self._tasks or self._finished or more)
            if once and is_idle and self._tender.is_idle:
                return
            wait = 0.0 if more else step.again_seconds

    async def _end(self) -> None:
        """Let what is in flight come home for a while, and store it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        finished = self._drained()
        if finished:
            await self._in_database(lambda: self._claims.step(finished, 0, claim=False))

    async def _gather(self, seconds: float) -> list[Finished]:
        """Finished calls, after at most `seconds`, and with them those which come right behind the first."""
        if not self._finished and seconds > 0 and not self._stopping.is_set():
            self._woken.clear()
            timer = self._loop.call_later(seconds, self._woken.set)
            await self._woken.wait()
            timer.cancel()
        if self._finished:
            await asyncio.sleep(max(0.0, self._first_finished_at + GATHER_SECONDS - self._loop.time()))
        return self._drained()

    def _drained(self) -> list[Finished]:
        finished, self._finished = self._finished, []
        return finished

    def _finish(self, one: Finished) -> None:
        if not self._finished:
            self._first_finished_at = self._loop.time()
        self._finished.append(one)
        self._woken.set()

    async def _ask(self, one: ToSend) -> None:
        claimed, began = one.claimed, self._loop.time()
        if one.in_seconds:
            await asyncio.sleep(one.in_seconds)
        sent_at = time.time()
        got: Reply | Fault | None
        if self._stopping.is_set() or self._refused_at.get(claimed.endpoint, 0.0) > began:
            got = None  # its turn has not come, and the endpoint refuses
        else:
            got = await self._call(claimed, one.extra)
            if isinstance(got, Fault) and got.code == "rate_limited":
                self._refused_at[claimed.endpoint] = self._loop.time()
        self._finish(Finished(claimed, got, sent_at))

    async def _call(self, claimed: Claimed, extra: Headers) -> Reply | Fault:
        try:
            key = key_value(claimed.key_env)
        except TiebreakError as error:
            return Fault("unauthorized", str(error), stops_run=True)
        request = ChatRequest(claimed.base_url, claimed.model, claimed.body, claimed.sample_number)
        return await self._client.ask(request, key, extra)

    async def _in_database(self, action: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._database, action)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End in order on SIGTERM and Ctrl-C, where this is the main thread; a second signal ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def told(number: signal.Signals) -> None:
            self.interrupted = number == signal.SIGINT
            self.stop()
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
