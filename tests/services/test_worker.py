"""Workers as processes: killed, ended in order, two at once, and tied to the app that started them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from labeling.domain import RunState
from labeling.services import runs
from labeling.services.worker import work
from labeling.services.worker_process import ROOT, spawn_worker
from labeling.storage.tables import Answer, Completion, Pace, Request, Run
from tests.llm.endpoint import Endpoint
from tests.services.engine import PATIENCE, spec_of, start, until, worker_processes
from tests.services.making import Making, make_project
from tests.services.pricing import prices

STARTS_A_WORKER = """
import sys, time
from labeling.services.worker_process import spawn_worker
print(spawn_worker(sys.argv[1]).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started


@pytest.fixture
def workers(store_url) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    with worker_processes(store_url) as begin:
        yield begin


def view_of(making: Making, run: runs.RunView) -> runs.RunView:
    return runs.run_view(*making.place, run.id)


def test_kill_9_loses_no_answer_and_repeats_at_most_what_was_in_flight(store, endpoint, workers):
    making = make_project(store, prompts=60)
    endpoint.delay = 0.1
    run = start(making, [spec_of(endpoint, max_in_flight=6)])
    worker = workers()
    until(lambda: len(making.rows(Answer)) >= 20)
    worker.kill()
    worker.wait()
    stored = {row.request_id for row in making.rows(Answer)}
    work(store, once=True)
    view = view_of(making, run)
    assert (view.state, view.answered, view.harvested) == (RunState.DONE, 60, 60)
    assert stored <= {row.request_id for row in making.rows(Answer)}
    assert len(endpoint.bodies) <= 60 + 6
    assert len(making.rows(Completion)) == 60


def test_two_workers_share_a_run_and_ask_nothing_twice(store, endpoint, workers):
    making = make_project(store, prompts=60)
    endpoint.delay = 0.05
    run = start(making, [spec_of(endpoint, max_in_flight=8)])
    workers(), workers()
    until(lambda: view_of(making, run).state is RunState.DONE)
    assert sorted(endpoint.asked) == sorted(f"question {number}" for number in range(60))
    assert endpoint.high_water <= 8, "the number in flight is shared"
    assert len(making.rows(Completion)) == 60


def test_sigterm_ends_in_order_and_keeps_what_was_in_flight(store, endpoint, workers):
    making = make_project(store, prompts=40)
    endpoint.delay = 0.5
    endpoint.hold()
    run = start(making, [spec_of(endpoint, max_in_flight=4)])
    worker = workers()
    until(lambda: endpoint.in_flight == 4)
    worker.send_signal(signal.SIGTERM)
    endpoint.go_on()
    assert worker.wait(PATIENCE) == 0
    view = view_of(making, run)
    assert (view.state, view.in_flight) == (RunState.RUNNING, 0)
    assert view.answered == len(endpoint.bodies)
    assert view.answered >= 4


@pytest.mark.parametrize("end", [runs.pause, runs.cancel])
def test_what_comes_home_after_a_pause_or_a_cancel_is_put_to_use(store, endpoint, workers, end):
    making = make_project(store, prompts=40)
    endpoint.hold()
    run = start(making, [spec_of(endpoint, max_in_flight=4)])
    workers()
    until(lambda: endpoint.in_flight == 4)
    end(*making.place, run.id)
    endpoint.go_on()
    until(lambda: view_of(making, run).harvested == 4)
    assert view_of(making, run).answered == len(making.rows(Completion)) == 4


def test_the_apps_worker_ends_with_its_app_and_there_is_one(sqlite_store, sqlite_store_url, endpoint):
    making = make_project(sqlite_store, prompts=3)
    first = spawn_worker(sqlite_store_url)
    second = spawn_worker(sqlite_store_url)
    try:
        run = start(making, [spec_of(endpoint)])
        until(lambda: view_of(making, run).state is RunState.DONE)
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: not first.is_alive())
        again = start(making, [spec_of(endpoint, "other")], key="again")
        until(lambda: view_of(making, again).state is RunState.DONE)
    finally:
        second.stop()
        first.stop()
    assert not second.is_alive()
    assert len(endpoint.bodies) == 6


def test_a_worker_ends_when_its_app_is_killed(sqlite_store, sqlite_store_url, tmp_path):
    app = subprocess.Popen(
        [
            sys.executable,
            "-c",
            STARTS_A_WORKER,
            sqlite_store_url,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert app.stdout is not None
    pid = int(app.stdout.readline())
    app.kill()
    app.wait()
    app.stdout.close()
    until(lambda: not _lives(pid))


@pytest.fixture
def priced() -> Iterator[None]:
    """Prices for this machine's endpoints: a cent for five tokens out."""
    with prices(m=2000):
        yield


def test_a_budget_stops_the_run_before_it_is_passed(sqlite_store, endpoint, priced):
    making = make_project(sqlite_store, prompts=30)
    spec = spec_of(endpoint, max_in_flight=4, parameters={"max_tokens": 5})
    run = start(making, [spec], budget_usd=0.1)
    work(making.store, once=True)
    view = view_of(making, run)
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert "budget of $0.10 is reached" in view.fault
    assert view.spent_usd is not None
    assert 0.09 <= view.spent_usd <= 0.1 + 1e-9
    assert view.answered == len(endpoint.bodies) <= 10
    runs.resume(*making.place, run.id, budget_usd=1.0)
    work(making.store, once=True)
    assert (view_of(making, run).state, view_of(making, run).answered) == (RunState.DONE, 30)


def test_a_budget_under_one_request_sends_nothing_and_is_told_as_it_is(sqlite_store, endpoint, priced):
    making = make_project(sqlite_store, prompts=2)
    run = start(making, [spec_of(endpoint, parameters={"max_tokens": 5})], budget_usd=0.0004)
    work(making.store, once=True)
    view = view_of(making, run)
    assert (view.state, view.answered, endpoint.bodies) == (RunState.STOPPED, 0, [])
    assert "The budget of $0.0004 is reached: $0.0000 are spent" in (view.fault or "")


def test_a_run_whose_preparation_was_killed_is_ended_with_a_sentence(sqlite_store, endpoint):
    making = make_project(sqlite_store)
    run = start(making, [spec_of(endpoint)])
    with making.store.writing() as session:
        long_ago = run.created_at.replace(year=2020)
        session.execute(update(Run).where(col(Run.id) == run.id).values(state="preparing", heartbeat_at=long_ago))
    work(making.store, once=True)
    view = view_of(making, run)
    assert view.state is RunState.CANCELLED
    assert view.fault == "Its preparation was interrupted; start it again."


def test_what_is_in_flight_is_told_while_it_is(sqlite_store, endpoint, sqlite_store_url):
    making = make_project(sqlite_store, prompts=6)
    endpoint.hold()
    run = start(making, [spec_of(endpoint, max_in_flight=3)])
    worker = spawn_worker(sqlite_store_url)
    try:
        until(lambda: view_of(making, run).in_flight == 3)
        view = view_of(making, run)
        assert view.is_working
        assert (view.waiting, view.answered) == (6, 0)
    finally:
        endpoint.go_on()
        worker.stop()
    assert all(row.lease_owner is None for row in making.rows(Request))
    assert len(making.rows(Pace)) == 1


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended is a zombie until its new parent looks.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
