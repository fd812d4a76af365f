"""Runs: started once, adding up, never paying twice, and stopping for what a person must mend."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labeling.domain import Role, RunState
from labeling.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from labeling.llm import pacing
from labeling.services import runs
from labeling.services.keys import bind_key
from labeling.services.worker import work
from labeling.storage.tables import Answer, Attempt, Completion, Request, RequestBody, Run, RunRequest
from tests.llm.endpoint import Endpoint, Step, reply
from tests.services.engine import adds_up, planned, spec_of, start, until
from tests.services.making import Making, make_project

KEY = "sk-test-1a2b3c4d5e6f"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started


@pytest.fixture
def making(store):
    return make_project(store, prompts=4)


def worked(making: Making, run: runs.RunView) -> runs.RunView:
    work(making.store, once=True)
    view = runs.run_view(*making.place, run.id)
    assert adds_up(view)
    return view


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


def test_a_run_asks_each_request_once_and_stores_every_answer(making, endpoint):
    view = worked(making, start(making, [spec_of(endpoint)]))
    assert (view.state, view.asked, view.answered, view.harvested) == (RunState.DONE, 4, 4, 4)
    assert sorted(endpoint.asked) == [f"question {number}" for number in range(4)]
    assert sorted(row.text for row in making.rows(Answer)) == [f"Answer to question {number}" for number in range(4)]
    assert len(making.rows(Completion)) == 4
    assert (view.prompt_tokens, view.completion_tokens) == (48, 20)


def test_a_second_click_starts_nothing(making, endpoint):
    first = start(making, [spec_of(endpoint)])
    assert start(making, [spec_of(endpoint, "other")]).id == first.id
    assert len(making.rows(Run)) == 1
    assert len(making.rows(Request)) == 4


def test_the_same_words_in_another_project_are_another_run(making, endpoint):
    other = make_project(making.store, name="Other")
    assert start(making, [spec_of(endpoint)]).id != start(other, [spec_of(endpoint)]).id


def test_an_answered_key_is_never_sent_again_in_another_run_or_project(making, endpoint):
    worked(making, start(making, [spec_of(endpoint)]))
    other = make_project(making.store, prompts=5, name="Other")
    found = runs.estimate(*other.place, planned(other, spec_of(endpoint)))
    assert (found.requests, found.already_answered) == (5, 4)
    view = worked(other, start(other, [spec_of(endpoint)]))
    assert (view.state, view.asked, view.answered, view.harvested) == (RunState.DONE, 5, 5, 5)
    assert len(endpoint.bodies) == 5, "one prompt more costs one request more"


def test_two_purposes_may_share_one_call(making, endpoint):
    """Two generators whose seeds meet."""
    specs = [spec_of(endpoint, parameters={"seed": 7}), spec_of(endpoint, parameters={"seed": 8})]
    view = worked(making, start(making, specs, samples=2))
    assert (view.asked, view.answered, view.harvested) == (16, 16, 16)
    assert len(endpoint.bodies) == 12
    assert len(making.rows(Completion)) == 16


def test_nothing_to_ask_is_one_sentence_and_leaves_no_run(making):
    with pytest.raises(InputError, match="nothing to ask"):
        runs.start_run(*making.place, purpose="generate", planned=[], spec={}, idempotency_key="k")
    assert making.rows(Run) == []


def test_a_plan_that_fails_half_way_leaves_nothing_behind(making, endpoint):
    def broken():
        yield from planned(making, spec_of(endpoint))
        raise InputError("a prompt cannot be read")

    with pytest.raises(InputError, match="cannot be read"):
        runs.start_run(*making.place, purpose="generate", planned=broken(), spec={}, idempotency_key="k")
    assert making.rows(Run) == making.rows(Request) == making.rows(RequestBody) == making.rows(RunRequest) == []


def test_a_budget_needs_a_known_price(making, endpoint):
    with pytest.raises(InputError, match=r"price of m at .* is not known.* tiebreak prices"):
        start(making, [spec_of(endpoint)], budget_usd=1.0)
    assert making.rows(Run) == making.rows(Request) == []


def test_an_unknown_price_stays_unknown(making, endpoint):
    view = worked(making, start(making, [spec_of(endpoint)]))
    assert (view.spent_usd, view.unpriced) == (None, 4)


def test_a_member_without_the_right_starts_and_sees_nothing(making, endpoint):
    run = start(making, [spec_of(endpoint)])
    annotator = making.member("ann", Role.ANNOTATOR)
    with pytest.raises(ForbiddenError):
        runs.run_view(making.store, annotator, making.slug, run.id)
    with pytest.raises(ForbiddenError):
        runs.cancel(making.store, annotator, making.slug, run.id)


def test_another_projects_run_is_not_there(making, endpoint):
    run = start(making, [spec_of(endpoint)])
    other = make_project(making.store, name="Other")
    with pytest.raises(NotFoundError):
        runs.run_view(*other.place, run.id)


def test_one_bad_item_costs_one_item(making, endpoint):
    endpoint.poison["question 2"] = Step(400, error("messages are odd", param="messages"))
    view = worked(making, start(making, [spec_of(endpoint)]))
    assert (view.state, view.answered, view.failed) == (RunState.DONE, 3, {"bad_request": 1})
    assert endpoint.asked.count("question 2") == 1
    (failure,) = runs.failures(*making.place, view.id)
    assert (failure.reason, failure.count, failure.prompt_id) == ("bad_request", 1, making.prompts[2])
    assert "answered 400: messages are odd" in failure.message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (reply("Half", finish_reason="length"), "cut"),
        (reply(None, refusal="No."), "refused"),
        (reply(""), "empty"),
    ],
)
def test_a_reply_that_is_not_good_is_no_completion_and_keeps_its_reason(making, endpoint, body, reason):
    endpoint.poison["question 1"] = Step(body=body)
    run = start(making, [spec_of(endpoint)])
    with making.store.writing() as session:
        session.get_one(Run, run.id).max_tries = 2
    view = worked(making, run)
    assert (view.answered, view.failed) == (3, {reason: 1})
    assert len(making.rows(Completion)) == 3
    assert all(row.completion_tokens == 5 for row in making.rows(Attempt)), "what it cost is kept"
    assert view.completion_tokens == 5 * len(endpoint.bodies)


def test_what_may_pass_is_tried_again_and_bounded(making, endpoint):
    endpoint.steps.extend([Step(500, error("oops")), Step(wire="drop"), Step(wire="cut"), Step(body=reply(""))])
    endpoint.poison["question 3"] = Step(500, error("always"))
    run = start(making, [spec_of(endpoint)])
    with making.store.writing() as session:
        session.get_one(Run, run.id).max_tries = 3
    view = worked(making, run)
    assert (view.state, view.answered, view.failed) == (RunState.DONE, 3, {"server_error": 1})
    assert endpoint.asked.count("question 3") == 3
    assert all(count == 1 for count in endpoint.answered.values() if count != 2), "nothing is paid for twice"


def test_a_limiter_is_waited_for_and_costs_no_attempt(making, endpoint):
    endpoint.steps.extend([Step(429, error("slow"), {"Retry-After": "1"})] * 2)
    view = worked(making, start(making, [spec_of(endpoint, max_in_flight=1)]))
    assert (view.state, view.answered) == (RunState.DONE, 4)
    assert making.rows(Attempt) == []
    assert {row.attempts for row in making.rows(Request)} == {1}
    first, second, third = endpoint.times[:3]
    assert min(second - first, third - second) >= 0.95, "nobody asks the endpoint again before its Retry-After"


def test_only_the_failed_are_tried_again(making, endpoint):
    endpoint.poison["question 2"] = Step(400, error("odd"))
    run = worked(making, start(making, [spec_of(endpoint)]))
    endpoint.poison.clear()
    endpoint.bodies.clear()
    view = worked(making, runs.retry_failed(*making.place, run.id))
    assert (view.state, view.answered, view.failed) == (RunState.DONE, 4, {})
    assert endpoint.asked == ["question 2"]
    with pytest.raises(ConflictError, match="no failed requests"):
        runs.retry_failed(*making.place, run.id)


def test_what_another_run_took_up_and_left_is_tried_again(making, endpoint):
    endpoint.otherwise = Step(400, error("odd"))
    first = worked(making, start(making, [spec_of(endpoint)]))
    assert first.failed == {"bad_request": 4}
    second = start(making, [spec_of(endpoint)], key="second")
    runs.cancel(*making.place, second.id)
    assert runs.run_view(*making.place, first.id).waiting == 4
    endpoint.otherwise = None
    view = worked(making, runs.retry_failed(*making.place, first.id))
    assert (view.state, view.answered) == (RunState.DONE, 4)


def test_a_refused_key_stops_the_run_at_once_and_resuming_goes_on(making, endpoint):
    endpoint.otherwise = Step(401, error("Incorrect API key provided"))
    run = worked(making, start(making, [spec_of(endpoint, max_in_flight=2)]))
    assert run.state is RunState.STOPPED
    assert run.fault is not None
    assert run.fault.startswith(f"m at {endpoint.origin} answered 401")
    assert (run.waiting, run.failed) == (4, {})
    assert len(endpoint.bodies) <= 2
    endpoint.otherwise = None
    view = worked(making, runs.resume(*making.place, run.id))
    assert (view.state, view.answered, view.fault) == (RunState.DONE, 4, None)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(404, error("no such model")), "Check the model's name"),
        (Step(429, error("You exceeded your current quota", code="insufficient_quota")), "quota is used up"),
        (Step(200, "<!DOCTYPE html><title>Welcome</title>"), "a web page, not with JSON"),
        (Step(301, "", {"Location": "https://x.example/"}), "Redirects are not followed"),
    ],
)
def test_what_a_person_must_mend_stops_the_run_with_one_sentence(making, endpoint, step, words):
    endpoint.otherwise = step
    view = worked(making, start(making, [spec_of(endpoint)]))
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert words in view.fault
    assert len(endpoint.bodies) <= 4, "no request is tried a second time"


def test_a_parameter_that_the_model_refuses_stops_the_run_with_its_name(making, endpoint):
    endpoint.otherwise = Step(400, error("Unsupported value: 'temperature'", param="temperature"))
    view = worked(making, start(making, [spec_of(endpoint, parameters={"temperature": 0.7})]))
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert "refuses temperature" in view.fault
    assert "vary the system prompt or the model" in view.fault


def test_an_endpoint_that_is_down_stops_the_run_and_costs_no_attempt(making):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with Endpoint() as endpoint:
        spec = spec_of(endpoint, base_url=f"http://127.0.0.1:{port}/v1")
        view = worked(making, start(making, [spec]))
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert f"m at http://127.0.0.1:{port} cannot be reached" in view.fault
    assert (view.waiting, view.failed) == (4, {})
    assert {row.attempts for row in making.rows(Request)} == {0}


def test_when_the_first_requests_all_fail_alike_the_run_stops(store, endpoint):
    making = make_project(store, prompts=60)
    endpoint.otherwise = Step(400, error("the schema is wrong"))
    view = worked(making, start(making, [spec_of(endpoint, max_in_flight=5)]))
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert "failed alike" in view.fault
    assert len(endpoint.bodies) < 40


def test_a_paused_run_sends_nothing_until_it_is_resumed(making, endpoint):
    run = start(making, [spec_of(endpoint)])
    assert runs.pause(*making.place, run.id).state is RunState.PAUSED
    work(making.store, once=True)
    assert endpoint.bodies == []
    view = worked(making, runs.resume(*making.place, run.id))
    assert (view.state, view.answered) == (RunState.DONE, 4)


def test_a_cancelled_run_is_over_and_another_run_takes_its_requests(making, endpoint):
    run = start(making, [spec_of(endpoint)])
    cancelled = runs.cancel(*making.place, run.id)
    assert cancelled.state is RunState.CANCELLED
    assert adds_up(cancelled)
    work(making.store, once=True)
    assert endpoint.bodies == []
    with pytest.raises(ConflictError, match="is cancelled and cannot be resumed"):
        runs.resume(*making.place, run.id)
    view = worked(making, start(making, [spec_of(endpoint)], key="second"))
    assert (view.state, view.answered) == (RunState.DONE, 4)


def test_what_a_paused_run_leaves_waiting_is_taken_up_by_another_that_wants_it(making, endpoint):
    first = start(making, [spec_of(endpoint)])
    second = start(making, [spec_of(endpoint)], key="second")
    runs.pause(*making.place, first.id)
    view = worked(making, second)
    assert (view.state, view.answered) == (RunState.DONE, 4)
    assert len(endpoint.bodies) == 4


def test_a_stated_pace_is_kept(store, endpoint):
    making = make_project(store, prompts=12)
    began = time.monotonic()
    view = worked(making, start(making, [spec_of(endpoint, requests_per_minute=540)]))
    assert (view.state, view.answered) == (RunState.DONE, 12)
    assert len(endpoint.bodies) == 12
    # Nine a second, of which a burst may go out at once; a slow machine only takes longer.
    assert endpoint.times[-1] - began >= (12 - 9 * pacing.BURST_SECONDS - 1) / 9


def test_no_more_than_the_stated_number_is_in_flight(store, endpoint):
    making = make_project(store, prompts=12)
    endpoint.hold()
    run = start(making, [spec_of(endpoint, max_in_flight=3)])
    working = threading.Thread(target=work, args=(making.store,), kwargs={"once": True})
    working.start()
    until(lambda: endpoint.in_flight == 3)
    endpoint.go_on()
    working.join()
    assert runs.run_view(*making.place, run.id).answered == 12
    assert endpoint.high_water == 3


def test_a_key_is_nowhere_but_in_its_header(sqlite_store, endpoint, monkeypatch, capfd, caplog):
    making = make_project(sqlite_store, prompts=3)
    monkeypatch.setenv("TEST_KEY", KEY)
    bind_key(*making.place, "TEST_KEY", endpoint.base_url)
    endpoint.steps.append(Step(500, error(f"broken for {KEY}")))
    endpoint.poison["question 2"] = Step(401, error(f"Incorrect API key provided: {KEY}"))
    view = worked(making, start(making, [spec_of(endpoint, key_env="TEST_KEY")]))
    assert view.state is RunState.STOPPED
    assert {headers["authorization"] for headers in endpoint.headers} == {f"Bearer {KEY}"}
    file = making.store.url.database
    making.store.close()
    written = b"".join(path.read_bytes() for path in Path(file).parent.glob("store.db*"))
    assert b"TEST_KEY" in written
    assert KEY.encode() not in written
    out = capfd.readouterr()
    assert KEY not in out.out + out.err + caplog.text + repr(view)


def test_a_key_that_is_not_set_stops_the_run_with_the_variables_name(making, endpoint, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    bind_key(*making.place, "TEST_KEY", endpoint.base_url)
    run = start(making, [spec_of(endpoint, key_env="TEST_KEY")])
    monkeypatch.delenv("TEST_KEY")
    view = worked(making, run)
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert "TEST_KEY is not set" in view.fault
    assert endpoint.bodies == []


def test_a_key_goes_to_its_own_origin_only(making, endpoint, monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    bind_key(*making.place, "TEST_KEY", "https://api.openai.com/v1")
    view = worked(making, start(making, [spec_of(endpoint, key_env="TEST_KEY")]))
    assert view.state is RunState.STOPPED
    assert view.fault is not None
    assert "is bound to https://api.openai.com" in view.fault
    assert endpoint.bodies == []


def test_an_estimate_learns_from_the_last_answers_of_the_model(store, endpoint):
    making = make_project(store, prompts=6)
    before = runs.estimate(*making.place, planned(making, spec_of(endpoint, parameters={"max_tokens": 80})))
    assert (before.completion_tokens_low, before.completion_tokens_high) == (6 * 50, 6 * 80)
    worked(making, start(making, [spec_of(endpoint)]))
    after = runs.estimate(*making.place, planned(making, spec_of(endpoint, parameters={"max_tokens": 80})))
    assert (after.completion_tokens_low, after.completion_tokens_high) == (6 * 4, 6 * 6)
    assert after.usd_low is after.usd_high is None
    assert after.unpriced_models == ("m",)


def test_an_estimate_tells_money_where_the_price_is_known(making):
    with Endpoint() as endpoint:
        spec = spec_of(endpoint, "gpt-4o-mini", base_url="https://api.openai.com/v1")
        found = runs.estimate(*making.place, planned(making, spec))
    assert found.usd_low is not None
    assert found.usd_high is not None
    assert 0 < found.usd_low < found.usd_high < 0.01
    assert found.unpriced_models == ()


@pytest.mark.parametrize("usd", [float("inf"), float("nan"), -0.01])
def test_a_budget_is_an_amount(making, endpoint, usd):
    with pytest.raises(InputError, match="A budget is an amount"):
        start(making, [spec_of(endpoint)], budget_usd=usd)
    run = start(making, [spec_of(endpoint)])
    runs.pause(*making.place, run.id)
    with pytest.raises(InputError, match="A budget is an amount"):
        runs.resume(*making.place, run.id, budget_usd=usd)
