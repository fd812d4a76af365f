"""Runs by Batch API against the sandbox's, through the real client, with the worker that people start."""

import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import update

from labeling.domain import GeneratorSpec, RunMode, RunState
from labeling.services import parts as parts_service
from labeling.services import runs
from labeling.services.ingest import ingest_path
from labeling.services.keys import bind_key
from labeling.services.liveness import new_owner
from labeling.services.parts import list_parts
from labeling.services.worker import work
from labeling.storage import claims, leases
from labeling.storage.tables import Answer, Attempt, Batch, Completion, Request, now
from tests.services.batch_files import lines_of, result_of, write
from tests.services.batch_server import BatchServer, spec_of
from tests.services.engine import adds_up, start, until, worker_processes
from tests.services.making import Making, make_project
from tests.services.pricing import prices


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as started:
        yield started


@pytest.fixture
def workers(store_url) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    with worker_processes(store_url, "--until-idle") as begin:
        yield begin


def by_batch(making: Making, specs: list[GeneratorSpec], **options: object) -> runs.RunView:
    return start(making, specs, mode=RunMode.BATCH, **options)


def view_of(making: Making, run: runs.RunView) -> runs.RunView:
    return runs.run_view(*making.place, run.id)


def parts_of(making: Making, run: runs.RunView):
    return list_parts(*making.place, run.id)


def begun(making: Making, server: BatchServer, run: runs.RunView, workers) -> subprocess.Popen[bytes]:
    """A worker that has brought all lines of the run to the server, which works at them."""
    worker = workers()
    until(
        lambda: parts_of(making, run) and all(part.provider_status == "in_progress" for part in parts_of(making, run))
    )
    return worker


def test_a_run_by_batch_is_uploaded_created_looked_after_and_fetched(store, server):
    making = make_project(store, prompts=6)
    run = by_batch(making, [spec_of(server)], samples=2)
    assert (run.mode, run.waiting) == ("batch", 12)
    work(store, once=True)
    view = view_of(making, run)
    assert (view.state, view.answered, view.harvested) == (RunState.DONE, 12, 12)
    assert len(making.rows(Completion)) == 12
    assert all(row.is_sandbox and row.milliseconds is None for row in making.rows(Answer))
    (part,) = parts_of(making, run)
    assert (part.state, part.lines, part.provider_status, part.provider_done) == ("done", 12, "completed", 12)
    assert server.count("POST", "/files") == server.count("POST", "/batches") == 1
    assert server.count("POST", "/chat/completions") == 0


def test_killed_at_any_call_nothing_is_sent_or_paid_twice(store, server, workers):
    making = make_project(store, prompts=5)
    run = by_batch(making, [spec_of(server), spec_of(server, "sandbox-small")])
    server.desk.seconds = 100
    kills = Counter[str]()
    alive: list[subprocess.Popen[bytes]] = []

    def kill(method: str, path: str) -> None:
        kind = f"{method} {path.replace('file-', 'id/').replace('batch_', 'id/').split('/id/')[0]}{' content' * path.endswith('/content')}"
        if not kills[kind] and alive[-1].poll() is None:
            kills[kind] += 1
            alive[-1].send_signal(signal.SIGKILL)

    server.before_answer = kill
    while view_of(making, run).state is RunState.RUNNING:
        alive.append(workers())
        assert len(alive) < 40
        until(
            lambda: (
                alive[-1].poll() is not None
                or any(part.provider_status == "in_progress" for part in parts_of(making, run))
            )
        )
        server.clock.now += 1000
        until(lambda: alive[-1].poll() is not None)
    assert set(kills) == {
        "POST /files", "GET /files", "POST /batches", "GET /batches", "GET /files content",
    }, "each kind of call was cut off, looking a batch up by number included"  # fmt: skip
    view = view_of(making, run)
    assert (view.state, view.answered, view.failed, view.harvested) == (RunState.DONE, 10, {}, 10)
    assert len(making.rows(Answer)) == len(making.rows(Completion)) == 10
    assert making.rows(Attempt) == []
    assert server.count("POST", "/files") == server.count("POST", "/batches") == 2, "one of each part"


def test_results_that_are_read_again_change_nothing(sqlite_store, server):
    making = make_project(sqlite_store, prompts=4)
    run = by_batch(making, [spec_of(server)])
    work(making.store, once=True)
    before = (making.rows(Answer), making.rows(Attempt), view_of(making, run).prompt_tokens)
    with making.store.writing() as session:
        session.execute(update(Batch).values(state="fetching", ended_at=None))
    work(making.store, once=True)
    assert (making.rows(Answer), making.rows(Attempt), view_of(making, run).prompt_tokens) == before
    assert parts_of(making, run)[0].state == "done"


def test_lines_that_expire_go_back_to_the_queue_and_only_those_are_sent_again(store, server, workers):
    making = make_project(store, prompts=10)
    server.desk.seconds = 100
    run = by_batch(making, [spec_of(server)])
    worker = begun(making, server, run, workers)
    server.clock.now += 50
    until(lambda: parts_of(making, run)[0].provider_done == 5)
    server.desk.window_seconds = 60
    server.clock.now += 10
    until(lambda: len(parts_of(making, run)) == 2)
    server.desk.seconds, server.desk.window_seconds = 0, 1000
    assert worker.wait(200) == 0
    first, second = parts_of(making, run)
    assert (first.state, first.provider_status, first.lines) == ("done", "expired", 10)
    view = view_of(making, run)
    assert (view.state, view.answered, view.failed) == (RunState.DONE, 10, {})
    assert first.provider_done < 10
    assert second.lines == 10 - first.provider_done
    assert making.rows(Attempt) == [], "an expiry costs no try"


def test_a_cancel_keeps_what_is_finished_and_frees_the_rest(store, server, workers):
    making = make_project(store, prompts=8)
    server.desk.seconds = 100
    run = by_batch(making, [spec_of(server)])
    worker = begun(making, server, run, workers)
    server.clock.now += 50
    until(lambda: parts_of(making, run)[0].provider_done == 4)
    runs.cancel(*making.place, run.id)
    assert worker.wait(200) == 0
    view = view_of(making, run)
    assert (view.state, view.answered, view.waiting, view.in_flight) == (RunState.CANCELLED, 4, 4, 0)
    assert (view.harvested, len(making.rows(Completion))) == (4, 4), "what was paid for is put to use"
    assert parts_of(making, run)[0].state == "cancelled"
    server.desk.seconds = 0
    again = by_batch(making, [spec_of(server)], key="again")
    work(store, once=True)
    assert (view_of(making, again).state, view_of(making, again).answered) == (RunState.DONE, 8)
    assert parts_of(making, again)[0].lines == 4, "what was answered is not asked again"


def test_a_paused_run_takes_what_comes_and_sends_nothing(sqlite_store, server, workers, sqlite_store_url, monkeypatch):
    making = make_project(sqlite_store, prompts=4)
    run = by_batch(making, [spec_of(server)])
    runs.pause(*making.place, run.id)
    work(making.store, once=True)
    assert server.calls == []
    runs.resume(*making.place, run.id)
    work(making.store, once=True)
    assert view_of(making, run).state is RunState.DONE


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setenv("BATCH_TEST_API_KEY", "sk-first-secret")

    def another() -> None:
        monkeypatch.setenv("BATCH_TEST_API_KEY", "sk-other-secret")

    return another


def test_another_key_stops_the_run_with_one_sentence_and_the_first_one_goes_on(sqlite_store, server, keys, monkeypatch):
    making = make_project(sqlite_store, prompts=3)
    spec = spec_of(server, key_env="BATCH_TEST_API_KEY")
    bind_key(*making.place, spec.key_env, spec.base_url)
    run = by_batch(making, [spec])
    server.before_answer = lambda method, path: keys() if (method, path) == ("POST", "/batches") else None
    work(making.store, once=True)
    view = view_of(making, run)
    (part,) = parts_of(making, run)
    assert view.state is RunState.STOPPED
    assert view.fault == (
        f"The batch {part.provider_id} of run {run.id} is not known at http://127.0.0.1:{server.port} with the key "
        "BATCH_TEST_API_KEY: it was made with another key, or deleted. Put that key back, then resume; or take its results in "
        "with `tiebreak runs ingest`; or cancel the run, which frees its requests."
    )
    assert (view.waiting, view.in_flight) == (3, 3), "the requests are still the batch's"
    monkeypatch.setenv("BATCH_TEST_API_KEY", "sk-first-secret")
    runs.resume(*making.place, run.id)
    work(making.store, once=True)
    assert (view_of(making, run).state, view_of(making, run).answered) == (RunState.DONE, 3)


def test_a_batch_that_nobody_knows_any_more_is_let_go_by_a_cancel(sqlite_store, server, keys):
    making = make_project(sqlite_store, prompts=3)
    spec = spec_of(server, key_env="BATCH_TEST_API_KEY")
    bind_key(*making.place, spec.key_env, spec.base_url)
    run = by_batch(making, [spec])
    server.before_answer = lambda method, path: keys() if (method, path) == ("POST", "/batches") else None
    work(making.store, once=True)
    runs.cancel(*making.place, run.id)
    work(making.store, once=True)
    assert (view_of(making, run).state, view_of(making, run).in_flight) == (RunState.CANCELLED, 0)
    assert "not known at" in (parts_of(making, run)[0].fault or "")


def test_a_vanished_file_is_one_clear_sentence(sqlite_store, server):
    making = make_project(sqlite_store, prompts=3)
    run = by_batch(making, [spec_of(server)])

    def delete_results(method: str, path: str) -> None:
        for owner, shown in list(server.desk._files.values()):
            if shown["purpose"] == "batch_output":
                server.desk.delete_file(owner, shown["id"])

    server.before_answer = delete_results
    work(making.store, once=True)
    view = view_of(making, run)
    assert view.state is RunState.STOPPED
    assert "The results of the batch batch_" in (view.fault or "")
    assert "cancel the run, which frees its requests" in (view.fault or "")

    def delete_uploads(method: str, path: str) -> None:
        for owner, shown in list(server.desk._files.values()):
            if shown["purpose"] == "batch":
                server.desk.delete_file(owner, shown["id"])

    server.before_answer = delete_uploads
    again = by_batch(making, [spec_of(server, "sandbox-small")], key="again")
    work(making.store, once=True)
    view = view_of(making, again)
    assert view.state is RunState.STOPPED
    assert "Resume the run to upload it again." in (view.fault or "")
    server.before_answer = lambda method, path: None
    runs.resume(*making.place, again.id)
    work(making.store, once=True)
    assert (view_of(making, again).state, view_of(making, again).answered) == (RunState.DONE, 3)


def test_error_lines_fail_alone_and_retry_sends_only_those(sqlite_store, server):
    making = make_project(sqlite_store, prompts=3)
    good, bad = spec_of(server), spec_of(server, name="hot", parameters={"logit_bias": 1, "stop": 5})
    run = by_batch(making, [good, bad])
    work(making.store, once=True)
    view = view_of(making, run)
    assert adds_up(view)
    assert view.state is RunState.STOPPED, "a parameter that is refused stops the run"
    assert "refuses stop" in (view.fault or "")
    assert view.answered == 3


def test_a_model_that_is_not_there_is_told_as_such(sqlite_store, server):
    making = make_project(sqlite_store, prompts=3)
    run = by_batch(making, [spec_of(server, "sandbox-huge")])
    work(making.store, once=True)
    view = view_of(making, run)
    assert view.state is RunState.STOPPED
    assert "The model `sandbox-huge` does not exist" in (view.fault or "")


def test_an_endpoint_without_a_batch_api_is_told_at_once(sqlite_store, server):
    making = make_project(sqlite_store, prompts=2)
    run = by_batch(making, [spec_of(server, base_url=server.base_url + "/elsewhere")])
    work(making.store, once=True)
    view = view_of(making, run)
    assert view.state is RunState.STOPPED
    assert "has no Batch API (404 for /files)" in (view.fault or "")


def test_a_large_run_has_several_batches(sqlite_store, server, monkeypatch):
    making = make_project(sqlite_store, prompts=7)
    monkeypatch.setattr(parts_service, "MOST_LINES", 3)
    run = by_batch(making, [spec_of(server)])
    work(making.store, once=True)
    assert [part.lines for part in parts_of(making, run)] == [3, 3, 1]
    assert view_of(making, run).answered == 7


@pytest.fixture
def priced() -> Iterator[None]:
    """Prices for this machine's endpoints: a cent for five tokens out."""
    with prices(sandbox_large=2000):
        yield


def test_a_budget_bounds_what_is_put_into_batches(sqlite_store, server, priced):
    making = make_project(sqlite_store, prompts=9)
    spec = spec_of(server, parameters={"max_tokens": 500})
    run = by_batch(making, [spec], budget_usd=2.0)  # at most half a dollar each, at half the price
    server.desk.seconds = 1e9
    with making.store.writing() as session:
        session.execute(update(Request).values(due_at=now()))
    work_until_created(making, run)
    assert parts_of(making, run)[0].lines == 4


def work_until_created(making: Making, run: runs.RunView) -> None:
    from labeling.services.batching import Tender

    tender = Tender(making.store, new_owner())
    until(lambda: (tender.turn() or True) and parts_of(making, run)[0].provider_status is not None)
    with making.store.writing() as session:
        leases.let_go(session, "batches", tender.owner)


def test_results_downloaded_by_hand_are_taken_in_and_the_batch_goes_on_without_them(sqlite_store, server, tmp_path):
    making = make_project(sqlite_store, prompts=4)
    server.desk.seconds = 1e9
    run = by_batch(making, [spec_of(server)])
    work_until_created(making, run)
    lines = lines_of([server.desk.path_of(owner, shown["id"]) for owner, shown in server.desk._files.values()])
    taken = ingest_path(*making.place, write(tmp_path / "results.jsonl", [result_of(line) for line in lines[:3]]))
    assert taken.answered == 3
    server.desk.seconds = 0
    work(making.store, once=True)
    view = view_of(making, run)
    assert (view.state, view.answered) == (RunState.DONE, 4)
    assert len(making.rows(Answer)) == 4


def test_a_live_run_leaves_alone_what_is_with_a_batch(sqlite_store, server):
    making = make_project(sqlite_store, prompts=3)
    server.desk.seconds = 1e9
    run = by_batch(making, [spec_of(server)])
    work_until_created(making, run)
    live = start(making, [spec_of(server)], key="live")
    runs.pause(*making.place, run.id)
    assert view_of(making, live).waiting == 3
    with making.store.writing() as session:
        assert claims.claim(session, "w", run.id, making.rows(Request)[0].endpoint, 10, now()) == []
        assert leases.owners(session) == []
    server.desk.seconds = 0
    runs.resume(*making.place, run.id)
    work(making.store, once=True)
    assert (view_of(making, run).state, view_of(making, live).state) == (RunState.DONE, RunState.DONE)
    assert server.count("POST", "/chat/completions") == 0
