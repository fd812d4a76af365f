import asyncio
import socket

import pytest

from labeling.llm.chat import ChatClient, key_header
from labeling.llm.faults import Fault
from labeling.llm.reply import Reply
from labeling.llm.request import ChatRequest, chat_request
from tests.llm.endpoint import Endpoint, Step, reply

KEY = "sk-test-9f8e7d6c5b4a"


def request_to(base_url: str, **parameters: object) -> ChatRequest:
    return chat_request(base_url, "model-1", [{"role": "user", "content": "Hi"}], parameters=parameters)


def ask(request: ChatRequest, key: str | None = KEY, timeout_seconds: float = 20) -> Reply | Fault:
    async def once() -> Reply | Fault:
        async with ChatClient(timeout_seconds) as client:
            return await client.ask(request, key)

    return asyncio.run(once())


def fault_of(endpoint: Endpoint, step: Step, **parameters: object) -> Fault:
    endpoint.steps.append(step)
    got = ask(request_to(endpoint.base_url, **parameters))
    assert isinstance(got, Fault)
    assert KEY not in repr(got)
    assert got.message.startswith(f"model-1 at {endpoint.origin} ")
    assert got.message.endswith(".")
    return got


def reply_of(endpoint: Endpoint, body: dict[str, object]) -> Reply:
    endpoint.steps.append(Step(body=body))
    got = ask(request_to(endpoint.base_url))
    assert isinstance(got, Reply)
    return got


def test_a_reply_is_read_with_its_tokens(endpoint):
    body = reply("Four.")
    body["usage"] |= {
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_tokens_details": {"cached_tokens": 8},
    }
    got = reply_of(endpoint, body)
    assert (got.text, got.state, got.finish_reason, got.model) == ("Four.", "good", "stop", "served-model")
    assert (got.prompt_tokens, got.completion_tokens, got.reasoning_tokens, got.cached_tokens) == (12, 5, 3, 8)


def test_just_the_body_is_sent_and_the_key_only_in_its_header(endpoint):
    ask(request_to(endpoint.base_url, temperature=0.5))
    assert endpoint.bodies == [
        {"model": "model-1", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}
    ]
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    assert [name for name, value in endpoint.headers[0].items() if KEY in value] == ["authorization"]


def test_without_a_key_no_authorization_is_sent(endpoint):
    ask(request_to(endpoint.base_url), key=None)
    assert "authorization" not in endpoint.headers[0]


def test_azure_has_its_own_header():
    assert key_header("https://mine.openai.azure.com/openai/v1", "k") == {"api-key": "k"}
    assert key_header("https://openai.azure.com.example.org/v1", "k") == {"Authorization": "Bearer k"}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (reply(None), "empty"),
        (reply("  \n"), "empty"),
        (reply("Half a", finish_reason="length"), "cut"),
        (reply("", finish_reason="length"), "cut"),
        (reply(None, refusal="I can't help with that."), "refused"),
        (reply("", finish_reason="content_filter"), "refused"),
        (reply(None, tool_calls=[{"id": "1", "type": "function"}], finish_reason="tool_calls"), "good"),
        (reply("Yes."), "good"),
    ],
)
def test_an_empty_a_cut_and_a_refused_reply_are_never_good(endpoint, body, state):
    assert reply_of(endpoint, body).state == state


def test_a_reply_in_parts_is_one_text(endpoint):
    parts = [{"type": "text", "text": "One. "}, {"type": "text", "text": "Two."}]
    assert reply_of(endpoint, reply(parts)).text == "One. Two."


@pytest.mark.parametrize("missing", ["usage", "model"])
def test_a_reply_without_usage_or_model_is_still_a_reply(endpoint, missing):
    body = reply("Yes.")
    del body[missing]
    got = reply_of(endpoint, body)
    assert got.text == "Yes."
    assert got.prompt_tokens is None or got.model is None


def test_the_sandbox_is_recognised(endpoint):
    assert reply_of(endpoint, reply() | {"system_fingerprint": "tiebreak-sandbox"}).is_sandbox
    assert not reply_of(endpoint, reply()).is_sandbox


def error(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("step", "code", "acts"),
    [
        (Step(429, error("Rate limit reached")), "rate_limited", "retry free"),
        (Step(429, error("You exceeded your current quota", code="insufficient_quota")), "quota", "stop"),
        (Step(429, error("Limit 200 requests per day (RPD)")), "quota", "stop"),
        (Step(429, error("Slow down"), {"Retry-After": "20000"}), "quota", "stop"),
        (Step(402, error("Payment Required")), "quota", "stop"),
        (Step(400, error("Your credit balance is too low")), "quota", "stop"),
        (Step(500, error("oops")), "server_error", "retry"),
        (Step(503, "upstream connect error"), "server_error", "retry"),
        (Step(408, error("timed out")), "server_error", "retry"),
        (Step(401, error("Incorrect API key provided")), "unauthorized", "stop"),
        (Step(400, error("API key not valid. Please pass a valid API key.")), "unauthorized", "stop"),
        (Step(403, error("Project has no access")), "forbidden", "stop"),
        (Step(403, error("Your input was flagged by moderation")), "refused", "item"),
        (Step(400, error("blocked", code="content_filter")), "refused", "item"),
        (Step(404, error("The model `model-1` does not exist")), "not_found", "stop"),
        (Step(404, "<html>Not here</html>"), "not_found", "stop"),
        (Step(400, error("no such model: model-1", code="model_not_found")), "not_found", "stop"),
        (Step(400, error("bad", param="model")), "not_found", "stop"),
        (Step(400, error("messages[0] is broken", param="messages")), "bad_request", "item"),
        (Step(422, {"detail": [{"loc": ["body", "messages", 0], "msg": "field required"}]}), "bad_request", "item"),
        (Step(400, error("This model's maximum context length is 8192 tokens")), "too_large", "item"),
        (Step(413, "Payload Too Large"), "too_large", "item"),
        (Step(301, "", {"Location": "https://elsewhere.example/v1"}), "redirect", "stop"),
        (Step(200, "<!DOCTYPE html><html><title>Sign in</title></html>"), "not_json", "stop"),
        (Step(200, "{ half"), "not_json", "retry"),
        (Step(200, {"object": "list"}), "not_json", "retry"),
        (Step(200, ["no"]), "not_json", "retry"),
        (Step(200, error("Provider returned error", code=502)), "server_error", "retry"),
        (Step(200, error("Rate limited", code=429)), "rate_limited", "retry free"),
        (Step(wire="drop"), "connection", "retry"),
        (Step(wire="garbage"), "connection", "retry"),
        (Step(wire="cut"), "cut_body", "retry"),
    ],
)
def test_every_fault_has_a_code_that_says_what_to_do(endpoint, step, code, acts):
    fault = fault_of(endpoint, step)
    assert fault.code == code
    expected = {
        "item": (False, False, True),
        "stop": (False, True, True),
        "retry": (True, False, True),
        "retry free": (True, False, False),
    }
    assert (fault.retry, fault.stops_run, fault.counts_as_attempt) == expected[acts]
    assert len(endpoint.bodies) == 1, "the client itself never tries again"


@pytest.mark.parametrize(
    ("message", "more", "refused"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.7 with this model.",
            {"param": "temperature"},
            "temperature",
        ),
        ("Unsupported parameter: 'max_tokens' is not supported.", {"code": "unsupported_parameter"}, "max_tokens"),
        ("`temperature` is deprecated for this model.", {}, "temperature"),
        ("Unrecognized request argument supplied: top_k", {}, "top_k"),
        ("Invalid schema", {"param": "response_format.json_schema"}, "response_format"),
        ("'stop' must be shorter", {"param": "messages"}, None),
        ("The user said 'seed'", {}, None),
        ("Unknown field 'colour'", {}, None),
    ],
)
def test_a_parameter_that_the_model_refuses_is_named(endpoint, message, more, refused):
    fault = fault_of(
        endpoint,
        Step(400, error(message, **more)),
        temperature=0.7,
        max_tokens=9,
        top_k=4,
        seed=1,
        stop=["x"],
        response_format={"type": "json_schema"},
    )
    assert fault.refused_parameter == refused
    assert fault.stops_run is (refused is not None)


def test_a_refused_parameter_comes_with_what_to_vary_instead(endpoint):
    fault = fault_of(endpoint, Step(400, error("Unsupported", param="temperature")), temperature=0.7)
    assert "vary the system prompt or the model instead" in fault.message
    fault = fault_of(endpoint, Step(400, error("Unsupported", param="max_tokens")), max_tokens=7)
    assert "max_completion_tokens" in fault.message


def test_a_parameter_in_a_list_of_places_is_named(endpoint):
    step = Step(422, {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]})
    assert fault_of(endpoint, step, top_k=4).refused_parameter == "top_k"


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "7"}, "", 7),
        ({"retry-after-ms": "250", "Retry-After": "1"}, "", 0.25),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30.5s"}, "", 90.5),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1m"}, "", None),
        ({}, "Please try again in 1.5s.", 1.5),
        ({}, "Please try again in 120ms.", 0.12),
        ({"Retry-After": "soon"}, "", None),
        ({}, "", None),
    ],
)
def test_the_wait_that_a_limiter_asks_for_is_read(endpoint, headers, message, seconds):
    fault = fault_of(endpoint, Step(429, error(message or "Rate limit reached"), headers))
    assert fault.retry_after == (None if seconds is None else pytest.approx(seconds))


def test_a_key_that_the_server_repeats_is_not_shown(endpoint):
    fault = fault_of(endpoint, Step(401, error(f"Incorrect API key provided: {KEY}. Also sk-other-12345678.")))
    assert "[key]" in fault.message
    assert "sk-" not in fault.message


def test_a_redirect_is_not_followed(endpoint):
    with Endpoint() as elsewhere:
        fault_of(endpoint, Step(307, "", {"Location": f"{elsewhere.base_url}/chat/completions"}))
        assert elsewhere.bodies == []


def test_an_endpoint_that_is_down_is_one_sentence_and_costs_no_attempt():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    fault = ask(request_to(f"http://127.0.0.1:{port}/v1"))
    assert isinstance(fault, Fault)
    assert (fault.code, fault.retry, fault.counts_as_attempt) == ("unreachable", True, False)
    assert f"model-1 at http://127.0.0.1:{port} cannot be reached" in fault.message


def test_an_unknown_host_is_one_sentence():
    fault = ask(request_to("http://no-such-host.invalid/v1"))
    assert isinstance(fault, Fault)
    assert fault.code == "unreachable"
    assert fault.message.startswith("model-1 at http://no-such-host.invalid cannot be reached: its name is unknown.")


def test_an_endpoint_that_never_answers_is_a_timeout(endpoint):
    endpoint.steps.append(Step(wire="hang"))
    fault = ask(request_to(endpoint.base_url), timeout_seconds=0.3)
    assert isinstance(fault, Fault)
    assert (fault.code, fault.retry) == ("timeout", True)


def test_https_asked_of_a_plain_server_is_a_fault_and_no_exception(endpoint):
    fault = ask(request_to(endpoint.base_url.replace("http:", "https:")))
    assert isinstance(fault, Fault)
    assert fault.code in ("unreachable", "certificate")


def test_an_answer_without_end_is_cut_off(endpoint):
    fault = fault_of(endpoint, Step(200, "x" * 21_000_000))
    assert fault.code == "too_large"
