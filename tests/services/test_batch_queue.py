"""A provider's queue that is full, and judges by batch whose first replies cannot be read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update

from labeling.domain import Json, RunMode, RunState
from labeling.sandbox.chat import complete
from labeling.services import runs
from labeling.services.judge import start_judging
from labeling.services.pairing import make_pairs
from labeling.services.parts import list_parts
from labeling.services.specs import judge_spec
from labeling.services.verdicts import outcome_counts
from labeling.services.worker import work
from labeling.storage.store import Store
from labeling.storage.tables import Answer, Batch, Judgement, JudgeResult, RunRequest, now
from tests.services.batch_server import BatchServer, spec_of
from tests.services.engine import adds_up, start, until
from tests.services.making import Making, make_project

MANY = 1_000_000


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as started:
        yield started


@contextmanager
def impatient(store: Store) -> Iterator[None]:
    """What waits for room in the queue is due at once, again and again."""
    is_over = threading.Event()

    def hurry() -> None:
        while not is_over.wait(0.05):
            with store.writing() as session:
                session.execute(update(Batch).where(Batch.state == "uploaded").values(due_at=now()))

    thread = threading.Thread(target=hurry)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def by_batch(making: Making, server: BatchServer, model: str = "sandbox-large") -> runs.RunView:
    return start(making, [spec_of(server, model)], mode=RunMode.BATCH)


def test_a_part_that_is_too_large_for_the_queue_is_halved_until_it_fits(store, server):
    making = make_project(store, prompts=9)
    server.desk.most_queued = 200  # tokens: two or three lines
    run = by_batch(making, server)
    with impatient(store):
        work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.answered, view.failed) == (RunState.DONE, 9, {})
    parts = list_parts(*making.place, run.id)
    assert [part.lines for part in parts if part.state == "failed"][:2] == [9, 4]
    assert sum(part.lines for part in parts if part.state == "done") == 9
    assert max(part.lines for part in parts if part.state == "done") <= 4
    assert "part_lines" not in view.spec
    assert len(making.rows(Answer)) == 9


def test_one_line_that_is_too_large_stops_the_run_with_the_providers_words(store, server):
    making = make_project(store, prompts=2)
    server.desk.most_queued = 5
    run = by_batch(making, server)
    with impatient(store):
        work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert view.state is RunState.STOPPED
    assert "Enqueued token limit reached" in (view.fault or "")
    assert adds_up(view)
    assert view.waiting == 2, "nothing of it was done, and nothing is lost"


def refused_for_room(store, server):
    """A batch that finds no room beside another project's: both projects with their runs, and the thread that works."""
    making, other = make_project(store, prompts=4), make_project(store, prompts=30, name="Other")
    server.desk.seconds = 1000
    first = by_batch(other, server, "sandbox-small")
    waiting = threading.Thread(target=work, args=(store,), kwargs={"once": True})
    waiting.start()
    until(lambda: any(part.provider_status == "in_progress" for part in list_parts(*other.place, first.id)))
    server.desk.most_queued = sum(one.queued for one in server.desk._batches.values())  # there is no room left
    run = by_batch(making, server)
    until(lambda: any(part.provider_status == "failed" for part in list_parts(*making.place, run.id)))
    return making, run, other, first, waiting


def test_a_queue_that_others_fill_is_waited_for(store, server):
    making, run, other, first, waiting = refused_for_room(store, server)
    (part,) = list_parts(*making.place, run.id)
    assert part.state == "uploaded"
    assert "Enqueued token limit" in (part.fault or "")
    server.desk.most_queued = MANY
    server.clock.now += 5000
    with impatient(store):
        until(lambda: runs.run_view(*making.place, run.id).state is RunState.DONE or _hurried(server))
        waiting.join()
    assert [one.lines for one in list_parts(*making.place, run.id)] == [4]
    assert runs.run_view(*making.place, run.id).answered == 4
    assert runs.run_view(*other.place, first.id).answered == 30


def test_a_queue_that_stays_full_for_a_day_stops_the_run_until_it_is_resumed(store, server):
    making, run, _, _, waiting = refused_for_room(store, server)
    assert runs.run_view(*making.place, run.id).state is RunState.RUNNING
    with store.writing() as session:
        session.execute(update(Batch).where(Batch.run_id == run.id).values(full_since=now() - timedelta(hours=25)))
    with impatient(store):
        until(lambda: runs.run_view(*making.place, run.id).state is RunState.STOPPED)
        view = runs.run_view(*making.place, run.id)
        assert "has had no room" in (view.fault or "")
        assert (adds_up(view), view.waiting) == (True, 4)
        server.desk.most_queued = MANY
        runs.resume(*making.place, run.id)
        until(lambda: runs.run_view(*making.place, run.id).state is RunState.DONE or _hurried(server))
        waiting.join()
    assert [one.lines for one in list_parts(*making.place, run.id)] == [4]
    assert runs.run_view(*making.place, run.id).answered == 4


def _hurried(server: BatchServer) -> bool:
    """The newest batch has had its time now; no clock runs on to where batches expire, however slow the machine is."""
    newest = max(batch.shown["created_at"] for batch in server.desk._batches.values())
    server.clock.now = max(server.clock.now, newest + server.desk.seconds + 1)
    return False


# --- repairs ----------------------------------------------------------------------------------------------------


def judging(store: Store, server: BatchServer, pairs: int = 3) -> tuple[Making, runs.RunView]:
    making = make_project(store, prompts=pairs)
    for prompt in making.prompts:
        making.add_completions(prompt, ["It is four.", "Nobody can say what it is, but it may be five or so."])
    make_pairs(*making.place)
    table = {"name": "strict", "base_url": server.base_url, "model": "sandbox-judge", "rubric": "helpful"}
    run = start_judging(
        *making.place, judge_spec(table, "here"), "all", idempotency_key="once", mode=RunMode.BATCH
    )  # fmt: skip
    return making, run


def unreadable(body: Json, *, also_again: bool = False) -> Json:
    """A reply that nobody can read to the first request for a pair; with `also_again` to its repair, too."""
    found = complete(body)
    is_repair = any(message["role"] == "assistant" for message in body["messages"])
    if also_again or not is_repair:
        found["choices"][0]["message"]["content"] = "Both have their merits."
    return found


def test_a_judge_by_batch_is_asked_again_once_in_a_part_of_its_own(store, server):
    making, run = judging(store, server)
    server.desk.answer = unreadable
    work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.asked, view.answered, view.harvested) == (RunState.DONE, 12, 12, 12)
    assert [part.lines for part in list_parts(*making.place, run.id)] == [6, 6]
    counts = outcome_counts(*making.place, view.spec["judge_id"])
    assert (counts.pairs, counts.unreadable, counts.repairs) == (3, 0, 6)
    assert len(making.rows(Judgement)) == 6
    assert sum(row.is_repair for row in making.rows(RunRequest)) == 6


def test_a_judge_by_batch_that_cannot_be_read_twice_is_unreadable(store, server):
    making, run = judging(store, server)
    server.desk.answer = lambda body: unreadable(body, also_again=True)
    work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.asked) == (RunState.DONE, 12)
    counts = outcome_counts(*making.place, view.spec["judge_id"])
    assert (counts.pairs, counts.unreadable) == (3, 3)
    assert {row.state for row in making.rows(JudgeResult)} == {"unreadable"}


def test_a_run_cancelled_while_its_repairs_are_at_work_keeps_what_was_read(store, server):
    making, run = judging(store, server)
    server.desk.answer = lambda body: unreadable(body) if "question 0" in str(body["messages"]) else complete(body)
    begun: list[str] = []

    def slow_second(method: str, path: str) -> None:
        if (method, path) == ("POST", "/batches"):
            begun.append(path)
            if len(begun) == 2:
                server.desk.seconds = MANY
                runs.cancel(*making.place, run.id)

    server.before_answer = slow_second
    work(store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert view.state is RunState.CANCELLED
    assert adds_up(view)
    assert (view.asked, view.answered, view.waiting) == (8, 6, 2)
    assert outcome_counts(*making.place, view.spec["judge_id"]).pairs == 2
