"""A request is refused as a provider refuses it, and answered in its form."""

import json
from typing import Any

import pytest

from labeling.sandbox.chat import complete, models
from labeling.sandbox.request import MODELS, RequestFault, checked

HELLO = {"model": "sandbox-large", "messages": [{"role": "user", "content": "How do I keep bread fresh?"}]}
TOOL = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}},
}


def answer(**options: Any) -> dict[str, Any]:
    return complete({**HELLO, **options})


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": "gpt-4.1"}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"n": 0.5}, "n"),
        ({"n": 129}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "gone"}}}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"model": "sandbox-reasoner", "max_tokens": 5}, "max_tokens"),
        ({"model": "sandbox-reasoner", "top_p": 0.5}, "top_p"),
    ],
)
def test_a_refusal_names_the_parameter(options, param):
    with pytest.raises(RequestFault) as caught:
        answer(**options)
    assert caught.value.body["error"]["param"] == param
    assert caught.value.body["error"]["message"]


def test_what_is_left_out_or_null_is_the_default():
    assert checked({**HELLO, "temperature": None, "n": None, "seed": None})["temperature"] == 1
    assert checked({**HELLO, "model": "sandbox-reasoner", "temperature": 1})["n"] == 1
    with pytest.raises(RequestFault):
        checked([])


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answers_any_prompt(model):
    for content in (
        "How do I keep bread fresh?",
        "",
        "?",
        "فعل",
        "```python\nx\n```",
        [{"type": "text", "text": "x"}],
    ):
        (choice,) = complete({"model": model, "messages": [{"role": "user", "content": content}]})["choices"]
        assert choice["message"]["content"]
        assert choice["finish_reason"] == "stop"


def test_a_seed_gives_the_same_reply_and_temperature_0_needs_none():
    def text(**options: Any) -> str:
        return str(answer(**options)["choices"][0]["message"]["content"])

    assert text(seed=3) == text(seed=3)
    assert text(temperature=0) == text(temperature=0)
    assert len({text(seed=seed) for seed in range(12)}) > 1


def test_a_tool_that_is_demanded_is_called_with_arguments_that_fit():
    for choice in ("required", {"type": "function", "function": {"name": "find"}}):
        (given,) = answer(tools=[TOOL], tool_choice=choice)["choices"]
        assert given["finish_reason"] == "tool_calls"
        (call,) = given["message"]["tool_calls"]
        assert call["function"]["name"] == "find"
        assert set(json.loads(call["function"]["arguments"])) == {"q"}
    assert answer(tools=[TOOL])["choices"][0]["finish_reason"] == "stop"


def test_a_reply_ends_at_a_stop_text_and_at_the_limit():
    whole = answer(seed=1)["choices"][0]["message"]["content"]
    word = whole.split()[3]
    cut = answer(seed=1, stop=word)["choices"][0]
    assert (word in cut["message"]["content"], cut["finish_reason"]) == (False, "stop")
    short = answer(seed=1, max_completion_tokens=2)["choices"][0]
    assert (short["message"]["content"], short["finish_reason"]) == (whole[:8], "length")


def test_tokens_add_up_and_reasoning_is_counted():
    usage = answer(model="sandbox-reasoner", n=2)["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]
    assert [one["id"] for one in models()["data"]] == list(MODELS)
