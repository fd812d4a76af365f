from datetime import timedelta

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from labeling.domain import GeneratorSpec, RunMode, RunState
from labeling.services import runs
from labeling.services.ingest import ingest_path
from labeling.services.parts import write_files
from labeling.services.run_progress import run_progress
from labeling.storage.tables import Answer, Request, Run, now
from tests.services.batch_files import lines_of, result_of, write
from tests.services.engine import adds_up, start
from tests.services.making import Making, make_project
from tests.services.pricing import prices

SPEC = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/v1", model="m", parameters={"max_tokens": 100})


@pytest.fixture
def priced():
    """A dollar for a thousand tokens out, live."""
    with prices(costly=1000):
        yield


# Whether a model has a price is remembered: this one is asked for only where it has one.
COSTLY = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/v1", model="costly", parameters={"max_tokens": 100})


def answer(making: Making, count: int, *, seconds_ago: float = 0.0, cost: float | None = None) -> None:
    """Good answers to the next requests that wait, each put to use."""
    waiting = [row for row in making.rows(Request) if row.state == "waiting"][:count]
    with making.store.writing() as session:
        for number, row in enumerate(waiting):
            session.execute(
                insert(Answer).values(
                    request_id=row.id,
                    run_id=row.run_id,
                    text=f"Answer {row.id}",
                    completion_tokens=7,
                    cost_usd=None if cost is None else cost * (1 + 0.1 * (number % 3)),
                    is_sandbox=False,
                    created_at=now() - timedelta(seconds=seconds_ago),
                )
            )
        ids = [row.id for row in waiting]
        session.execute(update(Request).where(col(Request.id).in_(ids)).values(state="answered"))
    begin(making, seconds_ago + 1)


def begin(making: Making, seconds_ago: float) -> None:
    with making.store.writing() as session:
        session.execute(update(Run).values(started_at=now() - timedelta(seconds=seconds_ago)))


def test_the_pace_is_of_the_last_minute_and_tells_the_time_left(store):
    making = make_project(store, prompts=100)
    run = start(making, [SPEC])
    answer(making, 10, seconds_ago=600)
    answer(making, 30)
    begin(making, 1000)
    found = run_progress(*making.place, run.id)
    assert adds_up(found.run)
    assert (found.run.answered, found.run.waiting) == (40, 60)
    assert found.requests_per_minute == 30
    assert found.seconds_left == pytest.approx(120, rel=0.01)


def test_before_the_first_answer_nothing_is_said_of_the_time(store):
    making = make_project(store, prompts=3)
    run = start(making, [SPEC])
    begin(making, 100)
    found = run_progress(*making.place, run.id)
    assert (found.requests_per_minute, found.seconds_left, found.answers) == (0, None, ())


def test_money_to_come_is_the_estimate_at_first_and_sharpens_with_the_answers(store, priced):
    making = make_project(store, prompts=100)
    run = start(making, [COSTLY])
    low, high = run_progress(*making.place, run.id).to_come_usd
    assert (low, high) == pytest.approx((5.0, 10.0), rel=0.01)
    answer(making, 10, cost=0.06)
    assert run_progress(*making.place, run.id).to_come_usd == pytest.approx((4.5, 9.0), rel=0.01)
    answer(making, 30, cost=0.06)
    low, high = run_progress(*making.place, run.id).to_come_usd
    assert low < 60 * 0.066 < high
    assert high - low < 0.6
    answer(making, 50, cost=0.06)
    narrower = run_progress(*making.place, run.id).to_come_usd
    assert narrower[1] - narrower[0] < (high - low) / 2
    answer(making, 10, cost=0.06)
    assert run_progress(*making.place, run.id).to_come_usd == (0.0, 0.0)


def test_money_to_come_is_unknown_where_a_price_is(store):
    making = make_project(store, prompts=50)
    run = start(making, [SPEC])
    assert run_progress(*making.place, run.id).to_come_usd is None
    answer(making, 30)
    assert run_progress(*making.place, run.id).to_come_usd is None


def test_the_last_answers_are_shown_and_a_judges_are_not_read(store):
    making = make_project(store, prompts=9)
    run = start(making, [SPEC])
    answer(making, 3, seconds_ago=50)
    answer(making, 4)
    found = run_progress(*making.place, run.id).answers
    assert [one.text for one in found] == [f"Answer {row.id}" for row in reversed(making.rows(Request)[2:7])]
    assert {one.prompt_id for one in found} <= set(making.prompts)
    with store.writing() as session:
        session.execute(update(Run).values(purpose="judge"))
    assert {one.text for one in run_progress(*making.place, run.id).answers} == {None}


def test_parts_are_told_with_what_is_open(store, tmp_path):
    making = make_project(store, prompts=4)
    spec = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/sandbox/v1", model="sandbox-large")
    run = start(making, [spec], mode=RunMode.FILE)
    results = [result_of(line) for line in lines_of(write_files(*making.place, run.id, tmp_path))[:3]]
    ingest_path(*making.place, write(tmp_path / "results.jsonl", results))
    found = run_progress(*making.place, run.id)
    assert [(part.part, part.state, part.lines, part.open) for part in found.parts] == [(1, "ready", 4, 1)]
    assert (found.run.state, found.run.in_flight, found.seconds_left) == (RunState.RUNNING, 1, None)
    assert adds_up(found.run)
    assert runs.list_runs(*making.place, purpose="judge") == []
    assert [view.id for view in runs.list_runs(*making.place, purpose="generate", limit=1)] == [run.id]
