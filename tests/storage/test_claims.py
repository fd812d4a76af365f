"""The rules of claims, told to the database by two workers."""

from datetime import timedelta

import pytest

from labeling.services.runs import pause
from labeling.storage import claims, leases, paces
from labeling.storage.claims import Claimed, Outcome
from labeling.storage.store import IntegrityError, Store
from labeling.storage.tables import Answer, Attempt, Request, Run, now
from tests.llm.endpoint import Endpoint
from tests.services.engine import spec_of, start
from tests.services.making import Making, make_project


@pytest.fixture
def making(store):
    return make_project(store, prompts=6)


@pytest.fixture
def run_id(making):
    with Endpoint() as endpoint:
        return start(making, [spec_of(endpoint, max_in_flight=4)]).id


def claimed_by(store: Store, owner: str, run_id: int, most: int, *, seconds: float = 60) -> list[Claimed]:
    with store.writing() as session:
        ((_, endpoint),) = paces.open_places(session) or [(run_id, "none")]
        return claims.claim(session, owner, run_id, endpoint, most, now() + timedelta(seconds=seconds))


def answer(claimed: Claimed, text: str = "Yes.") -> Outcome:
    return Outcome(claimed, "answered", attempts=1, text=text, prompt_tokens=3, completion_tokens=1, cost_usd=0.5)


def save(store: Store, owner: str, *outcomes: Outcome) -> int:
    with store.writing() as session:
        return claims.save(session, owner, outcomes)


def test_two_workers_never_hold_the_same_request(making, run_id):
    first = claimed_by(making.store, "one", run_id, 4)
    second = claimed_by(making.store, "two", run_id, 4)
    assert len(first) == 4
    assert len(second) == 2
    assert not {one.request_id for one in first} & {one.request_id for one in second}
    assert claimed_by(making.store, "three", run_id, 4) == []


def test_a_claim_brings_what_is_to_be_sent(making, run_id):
    (one,) = claimed_by(making.store, "one", run_id, 1)
    assert one.body == '{"messages":[{"content":"question 0","role":"user"}],"model":"m"}'
    assert (one.model, one.attempts, one.sample_number) == ("m", 0, 0)


def test_a_lease_that_ran_out_comes_up_again_and_the_late_answer_is_refused(making, run_id):
    (lost,) = claimed_by(making.store, "one", run_id, 1, seconds=-1)
    again = claimed_by(making.store, "two", run_id, 6)
    taken = next(one for one in again if one.request_id == lost.request_id)
    assert save(making.store, "two", answer(taken, "First.")) == 0
    assert save(making.store, "one", answer(lost, "Late.")) == 1
    assert [row.text for row in making.rows(Answer)] == ["First."]
    assert [(row.reason, row.text) for row in making.rows(Attempt)] == [("late", "Late.")]
    assert making.rows(Run)[0].spent_usd == 1.0, "both were paid, and are counted"


def test_an_answer_that_is_saved_twice_is_there_once(making, run_id):
    (one,) = claimed_by(making.store, "one", run_id, 1)
    assert save(making.store, "one", answer(one)) == 0
    assert save(making.store, "one", answer(one, "Again.")) == 1
    assert [row.text for row in making.rows(Answer)] == ["Yes."]


def test_the_schema_refuses_a_second_answer(making, run_id):
    (one,) = claimed_by(making.store, "one", run_id, 1)
    save(making.store, "one", answer(one))
    with pytest.raises(IntegrityError), making.store.writing() as session:
        session.add(Answer(request_id=one.request_id, run_id=run_id, text="Another."))


def test_a_lease_is_kept_while_it_is_renewed_and_given_back_at_the_end(making, run_id):
    claimed_by(making.store, "one", run_id, 6, seconds=-1)
    with making.store.writing() as session:
        leases.renew(session, "one", now() + timedelta(seconds=60))
    assert claimed_by(making.store, "two", run_id, 6) == []
    with making.store.writing() as session:
        leases.release(session, "one")
    assert len(claimed_by(making.store, "two", run_id, 6)) == 6


def test_another_try_comes_up_when_it_is_due(making, run_id):
    (one,) = claimed_by(making.store, "one", run_id, 1)
    later = now() + timedelta(seconds=60)
    save(making.store, "one", Outcome(one, "waiting", "server_error", "oops", attempts=1, due_at=later))
    assert one.request_id not in {again.request_id for again in claimed_by(making.store, "one", run_id, 6)}
    row = next(row for row in making.rows(Request) if row.id == one.request_id)
    assert (row.state, row.attempts, row.lease_owner) == ("waiting", 1, None)


def test_what_was_in_flight_when_a_run_was_paused_is_kept(making, run_id):
    (one,) = claimed_by(making.store, "one", run_id, 1)
    view = pause(*making.place, run_id)
    assert (view.in_flight, view.waiting) == (1, 6)
    assert save(making.store, "one", answer(one)) == 0
    assert len(making.rows(Answer)) == 1


def test_a_claim_looks_at_open_requests_only(making: Making, run_id):
    """A claim must not get slower with what is answered: the index holds what waits, and the engine takes it."""
    if not making.store.is_sqlite:
        return
    with making.store.reading() as session:
        dialect = session.connection().dialect
        for statement in (claims.DUE, paces.OPEN):
            words = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": False}))
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", (1,) * words.count("?")).all()
            assert any("ix_request_open" in str(row) for row in plan), plan
