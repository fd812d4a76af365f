"""The sandbox is asked as any endpoint is: by the real SDK, over a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from openai import APIStatusError, OpenAI

from labeling.domain import Prompt
from labeling.judging.reading import read_reply
from labeling.judging.rubrics import RUBRICS
from labeling.judging.template import Reply, judge_messages, response_format
from labeling.sandbox.samples import BETTER_FILE, PAIRS_FILE
from labeling.web.sandbox import sandbox_app


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    # The socket listens before the server runs: who comes early waits in its queue.
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(sandbox_app(), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/sandbox/v1"
    with OpenAI(base_url=base_url, api_key="none", max_retries=0) as opened:
        yield opened
    server.should_exit = True
    thread.join()


def ask(client: OpenAI, text: str = "How do I keep bread fresh?", model: str = "sandbox-large", **options: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **options)


def text_of(answer: Any) -> str:
    return str(answer.choices[0].message.content)


def test_the_models_are_listed_and_marked(client: OpenAI) -> None:
    models = client.models.list().data
    assert {"sandbox-large", "sandbox-small", "sandbox-judge", "sandbox-reasoner"} <= {model.id for model in models}
    assert {model.owned_by for model in models} == {"tiebreak-sandbox"}


def test_a_reply_says_what_it_used_and_is_marked(client: OpenAI) -> None:
    answer = ask(client)
    assert text_of(answer)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 0
    assert answer.system_fingerprint == "tiebreak-sandbox"
    raw = client.chat.completions.with_raw_response.create(
        model="sandbox-small", messages=[{"role": "user", "content": "Hello?"}]
    )
    assert raw.headers["x-tiebreak-sandbox"] == "1"


def test_a_seed_gives_the_same_reply_and_without_one_replies_vary_by_arrival(client: OpenAI) -> None:
    assert text_of(ask(client, seed=7)) == text_of(ask(client, seed=7))
    assert len({text_of(ask(client)) for _ in range(8)}) > 1


def test_prompt_system_prompt_temperature_and_seed_each_matter(client: OpenAI) -> None:
    def reply(text: str = "How do I keep bread fresh?", system: str = "", **options: Any) -> str:
        messages = [{"role": "system", "content": system}] * bool(system) + [{"role": "user", "content": text}]
        return text_of(client.chat.completions.create(model="sandbox-large", messages=messages, **options))

    base = reply(seed=1, temperature=1.0)
    assert reply("How do I store cheese?", seed=1, temperature=1.0) != base
    assert {reply(system=f"Answer in style {n}.", seed=1, temperature=1.0) for n in range(6)} != {base}
    assert len({reply(seed=seed, temperature=1.0) for seed in range(8)}) > 1
    assert len({reply(seed=1, temperature=step / 4) for step in range(8)}) > 1


def test_n_replies_come_in_one_answer(client: OpenAI) -> None:
    assert len(ask(client, n=3).choices) == 3


def test_a_short_limit_cuts_the_reply_and_says_so(client: OpenAI) -> None:
    assert ask(client, max_tokens=3).choices[0].finish_reason == "length"


def test_any_json_schema_is_answered_by_its_own_rules(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "mood": {"type": "string", "enum": ["calm", "wild"]},
            "score": {"type": "integer", "minimum": 3, "maximum": 5},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["mood", "score", "tags"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    value = json.loads(text_of(ask(client, response_format=form)))
    assert set(value) == {"mood", "score", "tags"}
    assert value["mood"] in ("calm", "wild")
    assert 3 <= value["score"] <= 5


def test_the_judge_prefers_the_better_sample_text_in_whatever_order(client: OpenAI) -> None:
    better = json.loads(BETTER_FILE.read_text("utf-8"))
    rows = [json.loads(line) for line in PAIRS_FILE.read_text("utf-8").split("\n") if line]
    right = asked = 0
    for row in rows[:16]:
        for first, second in (("a", "b"), ("b", "a")):
            messages = judge_messages(
                RUBRICS["helpful"].text,
                Prompt(tuple(row["prompt"])),
                Reply(row[f"response_{first}"]),
                Reply(row[f"response_{second}"]),
            )
            answer = client.chat.completions.create(
                model="sandbox-judge", messages=messages, response_format=response_format(offers_both_bad=False)
            )
            read = read_reply(text_of(answer), offers_both_bad=False)
            assert read.level is not None
            asked += 1
            right += str(read.level).startswith("first") == (better[row["id"]] == first)
    assert right / asked > 0.85


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"model": "sandbox-reasoner", "temperature": 0.5}, 400, "temperature"),
        ({"model": "gpt-unknown"}, 404, "gpt-unknown"),
        ({"stream": True}, 400, "stream"),
        ({"n": 100_000}, 400, "n"),
    ],
)
def test_what_it_refuses_it_refuses_as_a_provider_does(
    client: OpenAI, options: dict[str, Any], status: int, says: str
) -> None:
    with pytest.raises(APIStatusError) as caught:
        ask(client, **options)
    assert caught.value.status_code == status
    assert says in str(caught.value)


def test_a_body_that_is_no_json_is_told_in_a_sentence(client: OpenAI) -> None:
    with pytest.raises(APIStatusError) as caught:
        client.post("/chat/completions", content=b"{half", cast_to=object)
    assert caught.value.status_code == 400


HELLO = b'"model": "sandbox-large", "messages": [{"role": "user", "content": "Hi"}]'
FORM = b'"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": %b}}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "sandbox-large", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b"{" + HELLO + b', "temperature": NaN}',
        b"{" + HELLO + b', "tools": [], "tool_choice": {"function": 3}}',
        b"{" + HELLO + b", " + FORM % b'{"type": "array", "minItems": "x"}' + b"}",
        b"{" + HELLO + b", " + FORM % b'{"allOf": [3]}' + b"}",
        b"{" + HELLO + b", " + FORM % b'{"$ref": "#/none"}' + b"}",
        b"{" + HELLO + b", " + FORM % b'{"$ref": "#"}' + b"}",
    ],
    ids=["surrogate", "nan", "tool choice", "keyword", "allOf", "reference", "endless reference"],
)
def test_what_cannot_be_understood_is_refused_and_never_breaks_it(client: OpenAI, body: bytes) -> None:
    with pytest.raises(APIStatusError) as caught:
        client.post("/chat/completions", content=body, cast_to=object)
    assert caught.value.status_code == 400
    assert caught.value.response.headers["x-tiebreak-sandbox"] == "1"
