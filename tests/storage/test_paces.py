"""The paces of endpoints as all workers share them."""

from datetime import timedelta

import pytest

from labeling.storage import claims, leases, paces
from labeling.storage.tables import Pace, now
from tests.llm.endpoint import Endpoint
from tests.services.engine import spec_of, start
from tests.services.making import make_project


@pytest.fixture
def making(store):
    return make_project(store, prompts=6)


@pytest.fixture
def run_id(making):
    with Endpoint() as endpoint:
        return start(making, [spec_of(endpoint, max_in_flight=4, requests_per_minute=90)]).id


def test_a_place_is_open_while_something_may_be_sent_there(making, run_id):
    with making.store.writing() as session:
        ((found, endpoint),) = paces.open_places(session)
        assert found == run_id
        claims.claim(session, "one", run_id, endpoint, 6, now() + timedelta(seconds=60))
        assert paces.open_places(session) == []


def test_all_workers_see_what_is_in_flight_but_not_what_is_with_a_batch(making, run_id):
    with making.store.writing() as session:
        ((_, endpoint),) = paces.open_places(session)
        until = now() + timedelta(seconds=60)
        claims.claim(session, "one", run_id, endpoint, 2, until)
        claims.claim(session, "two", run_id, endpoint, 1, until)
        claims.claim(session, leases.batch_owner(7), run_id, endpoint, 1, until)
        (pace,) = paces.locked_paces(session, [endpoint, endpoint])
    assert (pace.in_flight, pace.max_in_flight, pace.requests_per_minute) == (3, 4, 90)


def test_a_pace_remembers_what_it_is_told_and_what_is_stated_anew_counts(making, run_id):
    until = now() + timedelta(seconds=60)
    with making.store.writing() as session:
        ((_, endpoint),) = paces.open_places(session)
        paces.remember(session, endpoint, '{"rate": 3.5}', until)
        paces.put_pace(session, endpoint, None, 1000, 9)
        (pace,) = paces.locked_paces(session, [endpoint])
    assert (pace.memory, pace.requests_per_minute, pace.tokens_per_minute, pace.max_in_flight) == (
        '{"rate": 3.5}',
        None,
        1000,
        9,
    )
    assert making.rows(Pace)[0].blocked_until == until
