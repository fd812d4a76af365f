"""A worker's transaction: what is finished is saved, and what is next is claimed, as far as pace and budget allow."""

import gc
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from labeling.errors import TiebreakError
from labeling.llm.faults import Fault
from labeling.llm.headers import Headers
from labeling.llm.pacing import Room
from labeling.llm.prices import load_list
from labeling.llm.reply import Reply
from labeling.services.headers import headers_of_run
from labeling.services.keys import check_bound
from labeling.services.outcomes import Judged, Troubles, outcome_of_fault, outcome_of_reply, outcome_of_unsent
from labeling.services.pacing import Finished, Paced, news_of
from labeling.services.tallies import Active, Tallies, active_run, budget_reached
from labeling.services.worker_place import LEASE_SECONDS
from labeling.storage import claims, leases, paces, runs
from labeling.storage import requests as requests_
from labeling.storage.claims import Claimed
from labeling.storage.store import Session, Store
from labeling.storage.tables import now

RENEW_SECONDS = 10.0
IDLE_SECONDS = 0.5
BUSY_SECONDS = 0.1  # between claims while something runs and nothing came back
MOST_IN_FLIGHT = 256
PREPARING_SECONDS = 120.0
NEVER = 1_000_000  # tries of a run that stands still: it gives nothing up


@dataclass(frozen=True, slots=True)
class ToSend:
    """A claimed request with the further headers of its endpoint, and the seconds until its turn: what is claimed
    together need not go together."""

    claimed: Claimed
    extra: Headers
    in_seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction brought: new claims, the running runs, and how long there is nothing to do.

    `finished` came to its end at once, since its key may not go where it would be sent.
    """

    to_send: tuple[ToSend, ...]
    active: tuple[Active, ...]
    again_seconds: float
    answered: int = 0
    finished: tuple[Finished, ...] = ()
    lost_place: bool = False


class Claims:
    """What one worker does in the database. All of it happens in one thread."""

    def __init__(self, store: Store, owner: str, place: str | None) -> None:
        self.store = store
        self.owner = owner
        self.place = place  # where this is the one worker that apps of this machine have
        self.tallies = Tallies()
        self._troubles = Troubles()
        self._tokens_kept: dict[int, float] = {}
        self._renewed_at = 0.0
        self._is_ready = False

    def get_ready(self) -> None:
        """Load what the first reply needs, where a run is there: a pause after the first requests would cost pace."""
        if not self._is_ready:
            with self.store.reading() as session:
                self._is_ready = bool(_active(session))
            if self._is_ready:
                _load()

    def step(self, finished: Sequence[Finished], in_flight: int, *, claim: bool = True) -> Step:
        """Save what is finished and claim what is next. `in_flight` of this worker, without what is finished."""
        self.get_ready()
        is_due = time.monotonic() - self._renewed_at >= RENEW_SECONDS
        if not finished and not is_due:
            with self.store.reading() as session:
                active = _active(session)
                if not active:
                    return Step((), (), IDLE_SECONDS)
                if in_flight >= MOST_IN_FLIGHT or not paces.open_places(session):
                    return Step((), tuple(active.values()), BUSY_SECONDS)
        with self.store.writing() as session:
            active = _active(session)
            judged = [self._judge(one, active) for one in finished]
            late = claims.save(session, self.owner, [one.outcome for one in judged]) if judged else 0
            for run_id, fault in self.tallies.stops(judged).items():
                runs.set_state(session, run_id, "stopped", was=("running",), fault=fault)
                active.pop(run_id, None)
            if judged and any(run.budget_usd is not None for run in active.values()):
                active = {id_: run for id_, run in _active(session).items() if id_ in active}  # with what was spent now
            lost_place = is_due and not self._renew(session, active)
            step, spent = self._claim(session, active, judged, finished, in_flight, claim=claim)
        for run, each_usd in spent:
            self._stop_spent(run, each_usd)
        answered = sum(one.outcome.state == "answered" for one in judged) - late
        return Step(step.to_send, step.active, step.again_seconds, answered, step.finished, lost_place)

    def _claim(
        self,
        session: Session,
        active: dict[int, Active],
        judged: Sequence[Judged],
        finished: Sequence[Finished],
        in_flight: int,
        *,
        claim: bool,
    ) -> tuple[Step, list[tuple[Active, float]]]:
        """Learn the pace from what is finished and claim by it; with the runs whose budget allows no request more.

        The paces are locked late and together: the transaction of another worker waits for the rest of this one only.
        """
        places = [one for one in paces.open_places(session) if one[0] in active] if claim else []
        moment = time.time()
        news = news_of(finished, self._tokens_kept)
        paced = Paced(session, [*news, *(endpoint for _, endpoint in places)], moment)
        for endpoint, one in news.items():
            held = [j.holds_endpoint for j in judged if j.outcome.claimed.endpoint == endpoint and j.holds_endpoint]
            paced.learn(endpoint, one, moment + max(held, default=0.0) if held else 0.0)
        to_send: list[ToSend] = []
        refused: list[Finished] = []
        spent: list[tuple[Active, float]] = []
        again = BUSY_SECONDS
        is_full = bool(places)
        # No run stands behind another one for ever.
        for run_id, endpoint in random.sample(places, len(places)):
            run = active[run_id]
            most = MOST_IN_FLIGHT - in_flight - len(to_send)
            each_usd = self.tallies.usd_each(run)
            if run.budget_usd is not None and each_usd:
                flying = leases.in_flight_of(session, run_id)
                most = min(most, int((run.budget_usd - run.spent_usd) / each_usd) - flying)
                if most <= 0 and not flying:
                    spent.append((run, each_usd))
            room = paced.room(endpoint, most) if most > 0 else Room(0)
            if room.again_at is not None:
                again = min(again, max(0.005, room.again_at - moment))
                is_full = False
            if not room.requests:
                continue
            until = now() + timedelta(seconds=LEASE_SECONDS)
            got = claims.claim(session, self.owner, run_id, endpoint, room.requests, until)
            is_full = is_full and len(got) == room.requests
            tokens = paced.take(endpoint, len(got))
            for number, (claimed, extra) in enumerate(_checked(session, got)):
                self._tokens_kept[claimed.request_id] = tokens
                if isinstance(extra, Fault):
                    refused.append(Finished(claimed, extra))
                else:
                    to_send.append(ToSend(claimed, extra, number * room.gap_seconds))
        paced.remember()
        if is_full and (in_flight or to_send):
            again = IDLE_SECONDS  # nothing but an answer makes room, and that one wakes the worker
        return Step(tuple(to_send), tuple(active.values()), again, finished=tuple(refused)), spent

    def _judge(self, one: Finished, active: dict[int, Active]) -> Judged:
        run = active.get(one.claimed.run_id)
        max_tries = run.max_tries if run else NEVER
        if one.got is None:
            judged = outcome_of_unsent(one.claimed)
        elif isinstance(one.got, Fault):
            judged = outcome_of_fault(one.claimed, one.got, max_tries, self._troubles, time.monotonic())
        else:
            assert isinstance(one.got, Reply)
            self._troubles.over(one.claimed.endpoint)
            judged = outcome_of_reply(one.claimed, one.got, max_tries)
        self.tallies.add(judged)
        return judged

    def _renew(self, session: Session, active: dict[int, Active]) -> bool:
        """Keep what is held, and say that a worker is here; False where another one took this one's place."""
        self._renewed_at = time.monotonic()
        until = now() + timedelta(seconds=LEASE_SECONDS)
        leases.renew(session, self.owner, until)
        runs.touch(session, list(active))
        runs.give_up_preparing(
            session,
            now() - timedelta(seconds=PREPARING_SECONDS),
            "Its preparation was interrupted; start it again.",
        )
        return self.place is None or leases.hold(session, self.place, self.owner, until)

    def _stop_spent(self, run: Active, each_usd: float) -> None:
        # In a transaction of its own: the row of a run is never waited for while paces are held.
        with self.store.writing() as session:
            if requests_.has_waiting(session, run.id) and not leases.in_flight_of(session, run.id):
                runs.set_state(session, run.id, "stopped", was=("running",), fault=budget_reached(run, each_usd))


@cache
def _load() -> None:
    """Once in a process: what is loaded now stays to the end, and is looked through for garbage no more."""
    load_list()
    gc.collect()
    gc.freeze()


def _active(session: Session) -> dict[int, Active]:
    return {run.id: run for run in map(active_run, runs.running(session))}


def _checked(session: Session, got: Sequence[Claimed]) -> Iterator[tuple[Claimed, Headers | Fault]]:
    """Each with the headers of its endpoint, or with the fault of a key or secret that may not be sent there."""
    checked: dict[tuple[int, str | None, str], Headers | Fault] = {}
    for one in got:
        place = (one.run_id, one.key_env, one.base_url)
        if place not in checked:
            checked[place] = _headers_or_fault(session, *place)
        yield one, checked[place]


def _headers_or_fault(session: Session, run_id: int, key_env: str | None, base_url: str) -> Headers | Fault:
    try:
        if key_env is not None:
            check_bound(session, key_env, base_url)
        return headers_of_run(session, run_id, base_url)
    except TiebreakError as error:
        return Fault("forbidden", str(error), stops_run=True)
