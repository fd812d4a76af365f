"""Runs: started once, watched, paused, resumed, cancelled, and tried again for what failed."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from labeling.domain import Actor, Json, Right, RunMode, RunState
from labeling.errors import ConflictError, InputError, NotFoundError, NothingToAskError
from labeling.services.access import managed_project, open_project
from labeling.services.parts import PART_LINES, gather, let_go_unsent
from labeling.services.planning import Estimate, Expectation, PlannedRequest, chunks, estimate
from labeling.services.prices import unknown_price
from labeling.storage import requests as request_rows
from labeling.storage import runs as rows
from labeling.storage.paces import put_pace
from labeling.storage.requests import NewRequest
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Run, now

__all__ = [
    "Estimate", "FailureView", "PlannedRequest", "RunView", "cancel", "estimate", "failures", "list_runs", "pause", "resume",
    "retry_failed", "run_view", "start_run",
]  # fmt: skip

MAX_TRIES = 5
MOST_TRIES = 100
SEEN_SECONDS = 15.0  # a worker that was here so lately is taken to be at it
FAILURES_READ = 5000
RETRY_CHUNK = 1000
# In a run's spec: what one request costs at most, and all of them at least and at most, as far as the estimate knew.
EXPECTED = ("expected_usd", "expected_total_usd")


@dataclass(frozen=True, slots=True)
class RunView:
    """A run in figures: asked = answered + the sum of failed + waiting, always.

    `spent_usd` is None where nothing that was paid has a known price; `unpriced` counts the replies without one.
    `requests_per_minute` is the mean since the run was started or resumed.
    """

    id: int
    purpose: str
    mode: str
    state: RunState
    spec: Json
    budget_usd: float | None
    spent_usd: float | None
    unpriced: int
    prompt_tokens: int
    completion_tokens: int
    asked: int
    answered: int
    failed: dict[str, int]
    waiting: int
    in_flight: int
    harvested: int
    fault: str | None
    waits_until: datetime | None
    requests_per_minute: int
    created_by: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    is_working: bool

    @property
    def subject(self) -> str:
        """Who replies in it: the generators, or the judge."""
        return str(self.spec.get("judge") or ", ".join(one["name"] for one in self.spec.get("generators", ())))


@dataclass(frozen=True, slots=True)
class FailureView:
    """Requests of a run that failed for one reason with the same words, and an example of what they were for."""

    reason: str
    message: str
    count: int
    prompt_id: int | None
    pair_id: int | None


def start_run(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    purpose: Literal["generate", "judge", "score"],
    planned: Iterable[PlannedRequest],
    spec: Json,
    idempotency_key: str,
    budget_usd: float | None = None,
    judge_id: int | None = None,
    mode: RunMode = RunMode.LIVE,
    max_tries: int = MAX_TRIES,
) -> RunView:
    """Write a run with its requests, in short transactions, and let the workers have it.

    The same `idempotency_key` in a project is the same run: a second click starts nothing.

    Raises:
        NothingToAskError: everything that was wanted is there already.
        InputError: there is a budget that is no amount, or the price of a model is unknown.
    """
    _check_budget(budget_usd)
    if not 1 <= max_tries <= MOST_TRIES:
        raise InputError(f"A request is tried from 1 to {MOST_TRIES} times, not {max_tries}.")
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        key = f"{project_id} {idempotency_key}"
    run = Run(
        project_id=project_id, purpose=purpose, mode=mode, judge_id=judge_id, budget_usd=budget_usd, max_tries=max_tries,
        idempotency_key=key, created_by=actor.account_id, heartbeat_at=now(), spec=json.dumps(spec),
    )  # fmt: skip
    try:
        with store.writing() as session:
            rows.add_run(session, run)
    except IntegrityError:
        with store.reading() as session:
            found = rows.run_with_key(session, key)
        if found is None:
            raise
        return run_view(store, actor, slug, _id(found))
    run_id = _id(run)
    try:
        expected = _write(store, run_id, planned, mode, has_budget=budget_usd is not None)
        with store.writing() as session:
            written = rows.run_of_project(session, project_id, run_id)
            assert written is not None
            written.spec = json.dumps({**spec, **expected})
            session.add(written)
            session.flush()
            # Cancelled in the meantime, it stays so.
            rows.set_state(session, run_id, "running", was=("preparing",))
    except BaseException:
        _discard(store, project_id, run_id)
        raise
    if mode is RunMode.FILE:
        gather(store, run_id)
    return run_view(store, actor, slug, run_id)


def run_view(store: Store, actor: Actor, slug: str, run_id: int) -> RunView:
    with store.reading() as session:
        return _view(session, _run(session, actor, slug, run_id))


def list_runs(
    store: Store, actor: Actor, slug: str, *, limit: int | None = None, purpose: str | None = None
) -> list[RunView]:
    """The project's runs, newest first; those of one purpose where it is named. `limit` is None for all."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return [_view(session, run) for run in rows.runs_of_project(session, project_id, limit, purpose)]


def failures(store: Store, actor: Actor, slug: str, run_id: int, *, limit: int = 20) -> list[FailureView]:
    """Why requests of a run failed, the most frequent first; what says the same stands once."""
    with store.reading() as session:
        _run(session, actor, slug, run_id)
        found = rows.failures(session, run_id, FAILURES_READ)
    alike: dict[tuple[str, str], list[rows.Failure]] = {}
    for one in found:
        alike.setdefault((one.reason, one.message), []).append(one)
    views = [
        FailureView(reason, message, len(ones), ones[0].prompt_id, ones[0].pair_id)
        for (reason, message), ones in alike.items()
    ]
    return sorted(views, key=lambda view: -view.count)[:limit]


def pause(store: Store, actor: Actor, slug: str, run_id: int) -> RunView:
    """Send nothing more for now. What is in flight is still answered and kept."""
    return _change(store, actor, slug, run_id, RunState.PAUSED, was=(RunState.RUNNING,), doing="paused")


def resume(store: Store, actor: Actor, slug: str, run_id: int, *, budget_usd: float | None = None) -> RunView:
    """Go on with a run that was paused or stopped, with a new budget where one is given."""
    _check_budget(budget_usd)
    was = (RunState.PAUSED, RunState.STOPPED)
    return _change(store, actor, slug, run_id, RunState.RUNNING, was=was, doing="resumed", budget_usd=budget_usd)


def cancel(store: Store, actor: Actor, slug: str, run_id: int) -> RunView:
    """End a run for good; what is answered stays."""
    was = (RunState.PREPARING, RunState.RUNNING, RunState.PAUSED, RunState.STOPPED)
    _change(store, actor, slug, run_id, RunState.CANCELLED, was=was, doing="cancelled")
    let_go_unsent(store, run_id)
    return run_view(store, actor, slug, run_id)


def retry_failed(store: Store, actor: Actor, slug: str, run_id: int) -> RunView:
    """Try the failed requests of a run again, and only those; the run goes on.

    What failed may wait again because another run asked for it too and stopped before it came: then the run goes on with that.
    """
    with store.reading() as session:
        run = _run(session, actor, slug, run_id)
        if run.state == RunState.PREPARING:
            raise ConflictError(f"Run {run_id} is still being prepared; wait until it runs.")
    retried = 0
    while True:
        with store.writing() as session:
            count = rows.retry_failed(session, run_id, RETRY_CHUNK)
        retried += count
        if count < RETRY_CHUNK:
            break
    if not retried and not (run.state == RunState.DONE and run_view(store, actor, slug, run_id).waiting):
        raise ConflictError(f"Run {run_id} has no failed requests to try again.")
    others = tuple(state for state in RunState if state is not RunState.PREPARING)
    view = _change(store, actor, slug, run_id, RunState.RUNNING, was=others, doing="tried again")
    if view.mode == RunMode.FILE:
        gather(store, run_id)
    return view


def _check_budget(usd: float | None) -> None:
    if usd is not None and not (math.isfinite(usd) and usd >= 0):
        raise InputError(f"A budget is an amount in US dollars, not {usd:g}. Leave it out for none.")


def _write(store: Store, run_id: int, planned: Iterable[PlannedRequest], mode: RunMode, *, has_budget: bool) -> Json:
    """Write the requests; what is expected of them (`EXPECTED`), None where a price is unknown."""
    expectation = Expectation(store, mode)
    highest: float | None = 0.0
    total = [0.0, 0.0]
    count = 0
    for chunk in chunks(planned):
        for one in chunk:
            usd = expectation.of(one).usd
            if usd is None and has_budget:
                raise unknown_price(one.request.base_url, one.request.model)
            highest = None if usd is None or highest is None else max(highest, usd[1])
            total = [total[0] + usd[0], total[1] + usd[1]] if usd else total
        wanted = [_new_request(one) for one in chunk]
        paces = {one.endpoint: one.pace for one in chunk}
        with store.writing() as session:
            for endpoint, pace in paces.items():
                put_pace(session, endpoint, pace.requests_per_minute, pace.tokens_per_minute, pace.max_in_flight)
            request_rows.plan(session, run_id, count, wanted)
        count += len(chunk)
    if not count:
        raise NothingToAskError("There is nothing to ask for: everything that was wanted is there already.")
    return dict(zip(EXPECTED, (highest, None if highest is None else total), strict=True))


def _new_request(one: PlannedRequest) -> NewRequest:
    return NewRequest(
        key=one.request.key,
        base_url=one.request.base_url,
        model=one.request.model,
        key_env=one.key_env,
        endpoint=one.endpoint,
        body=one.request.content,
        sample_number=one.sample_number,
        generator_id=one.generator_id,
        prompt_id=one.prompt_id,
        pair_id=one.pair_id,
        pair_order=one.pair_order,
        completion_id=one.completion_id,
    )


def _discard(store: Store, project_id: int, run_id: int) -> None:
    """Remove a run that could not be prepared, as if it had never been begun."""
    while True:
        with store.writing() as session:
            if not request_rows.discard(session, run_id, 500):
                run = rows.run_of_project(session, project_id, run_id)
                if run is not None:
                    try:
                        with session.begin_nested():
                            rows.remove_run(session, run)
                    except IntegrityError:  # another run leans on a request of this one
                        rows.set_state(session, run_id, "cancelled", was=("preparing",))
                return


def _change(
    store: Store,
    actor: Actor,
    slug: str,
    run_id: int,
    state: RunState,
    *,
    was: Sequence[RunState],
    doing: str,
    budget_usd: float | None = None,
) -> RunView:
    with store.writing() as session:
        run = _run(session, actor, slug, run_id)
        before = run.state
        if not rows.set_state(session, run_id, state, was=was, budget_usd=budget_usd):
            raise ConflictError(f"Run {run_id} is {before} and cannot be {doing}; look at it again.")
    return run_view(store, actor, slug, run_id)


def _run(session: Session, actor: Actor, slug: str, run_id: int) -> Run:
    project = open_project(session, actor, slug, Right.MANAGE)
    assert project.id is not None
    run = rows.run_of_project(session, project.id, run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id} in {project.name!r}. See the list with: tiebreak runs list")
    return run


def _view(session: Session, run: Run) -> RunView:
    run_id = _id(run)
    found = rows.counts(session, run)
    is_active = run.state in (RunState.PREPARING, RunState.RUNNING)
    seen = run.heartbeat_at is not None and run.heartbeat_at > now() - timedelta(seconds=SEEN_SECONDS)
    priced = run.spent_usd > 0 or not run.unpriced
    spec = {name: value for name, value in json.loads(run.spec).items() if name not in (*EXPECTED, PART_LINES)}
    return RunView(
        id=run_id,
        purpose=run.purpose,
        mode=run.mode,
        state=RunState(run.state),
        spec=spec,
        budget_usd=run.budget_usd,
        spent_usd=run.spent_usd if priced else None,
        unpriced=run.unpriced,
        prompt_tokens=run.prompt_tokens,
        completion_tokens=run.completion_tokens,
        asked=run.asked,
        answered=found.answered,
        failed=found.failed,
        waiting=found.waiting,
        in_flight=found.in_flight,
        harvested=found.harvested,
        fault=run.fault,
        waits_until=rows.waits_until(session, run_id) if is_active else None,
        requests_per_minute=_rate(run, found.answered + sum(found.failed.values())),
        created_by=run.created_by,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        is_working=run.state == RunState.RUNNING and seen,
    )


def _rate(run: Run, done: int) -> int:
    if run.started_at is None:
        return 0
    seconds = ((run.ended_at or now()) - run.started_at).total_seconds()
    return round(60 * done / seconds) if seconds >= 1 else 0


def _id(run: Run) -> int:
    assert run.id is not None
    return run.id
