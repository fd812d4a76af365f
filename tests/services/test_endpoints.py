from collections.abc import Iterator

import pytest

from labeling.domain import Role
from labeling.errors import ForbiddenError
from labeling.services.endpoints import ask_now, check_endpoint
from tests.llm.endpoint import Endpoint, Step
from tests.services.engine import planned, spec_of
from tests.services.making import make_project


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started


@pytest.fixture
def making(sqlite_store):
    return make_project(sqlite_store, prompts=2)


def test_an_endpoint_that_answers_is_found(making, endpoint):
    check = check_endpoint(*making.place, base_url=endpoint.base_url, model="m", key_env=None)
    assert (check.ok, check.models, check.is_sandbox) == (True, ("served-model",), False)
    assert check.message.startswith(f"m at {endpoint.origin} answered in")
    assert len(endpoint.bodies) == 1


def test_a_model_that_is_not_there_is_told_with_those_that_are(making, endpoint):
    endpoint.otherwise = Step(404, {"error": {"message": "no such model"}})
    check = check_endpoint(*making.place, base_url=endpoint.base_url, model="serve-model", key_env=None)
    assert not check.ok
    assert check.message.endswith("It lists 1 models, such as served-model.")


def test_a_sandbox_is_known_by_its_list_of_models(making, endpoint):
    endpoint.models = Step(body={"data": [{"id": "m", "owned_by": "tiebreak-sandbox"}]})
    assert check_endpoint(*making.place, base_url=endpoint.base_url, model="m", key_env=None).is_sandbox


def test_a_member_without_the_right_sends_no_key_anywhere(making, endpoint, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-test-123456")
    lead = making.member("lea", Role.LEAD)
    with pytest.raises(ForbiddenError, match="not on the list"):
        check_endpoint(
            making.store, lead, making.slug, base_url=endpoint.base_url, model="m", key_env="TEST_KEY"
        )  # fmt: skip
    assert endpoint.headers == []


def test_calls_at_once_come_back_in_order_and_nothing_is_tried_again(making, endpoint):
    endpoint.poison["question 0"] = Step(500, {"error": {"message": "oops"}})
    first, second = ask_now(*making.place, list(planned(making, spec_of(endpoint))))
    assert first.code == "server_error"
    assert second.text == "Answer to question 1"
    assert len(endpoint.bodies) == 2
