import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.domain import GeneratorSpec, JudgeSpec, Prompt
from labeling.errors import InputError
from labeling.llm.request import Pace, address_of, chat_request, endpoint_address, generator_request, pace_of

URL = "http://127.0.0.1:9/v1"
HI = {"role": "user", "content": "Hi"}


def spec(**fields: object) -> GeneratorSpec:
    return GeneratorSpec(**{"name": "one", "base_url": URL, "model": "m", **fields})  # type: ignore[arg-type]  # test helper


def test_nothing_is_sent_that_nobody_wrote():
    request = generator_request(spec(), Prompt((HI,)), 0)
    assert request.body == {"model": "m", "messages": [HI]}


def test_extra_body_is_merged_at_the_top_level():
    request = generator_request(
        spec(parameters={"temperature": 0.7, "extra_body": {"reasoning_effort": "none"}}), Prompt((HI,)), 0
    )
    assert request.body == {"model": "m", "messages": [HI], "temperature": 0.7, "reasoning_effort": "none"}


def test_tools_are_sent_only_where_the_prompt_has_them():
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert generator_request(spec(), Prompt((HI,), (tool,)), 0).body["tools"] == [tool]


def test_the_system_prompt_stands_first():
    body = generator_request(spec(system_prompt="Be brief."), Prompt((HI,)), 0).body
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, HI]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_prompts_own_system_turn_is_kept_and_there_is_only_one(role):
    own = {"role": role, "content": "You are a cook."}
    body = generator_request(spec(system_prompt="Be brief."), Prompt((own, HI)), 0).body
    assert body["messages"] == [{"role": role, "content": "Be brief.\n\nYou are a cook."}, HI]


def test_with_a_seed_each_sample_sends_its_own():
    sent = [generator_request(spec(parameters={"seed": 7}), Prompt((HI,)), sample) for sample in range(3)]
    assert [request.body["seed"] for request in sent] == [7, 8, 9]
    assert len({request.key for request in sent}) == 3


def test_two_ways_to_the_same_seed_are_the_same_call():
    first = generator_request(spec(parameters={"seed": 7}), Prompt((HI,)), 1)
    second = generator_request(spec(parameters={"seed": 8}), Prompt((HI,)), 0)
    assert first.key == second.key


def test_without_a_seed_the_sample_number_distinguishes_the_key():
    sent = [generator_request(spec(), Prompt((HI,)), sample) for sample in range(3)]
    assert len({request.content for request in sent}) == 1
    assert len({request.key for request in sent}) == 3


def test_the_name_and_the_key_variable_are_no_part_of_the_key():
    first = generator_request(spec(), Prompt((HI,)), 0)
    second = generator_request(spec(name="other", key_env="OTHER", requests_per_minute=3), Prompt((HI,)), 0)
    assert first.key == second.key


@given(st.dictionaries(st.text(min_size=1, max_size=5).map("x_".__add__), st.integers() | st.text(), max_size=6))
def test_the_order_in_which_parameters_are_written_does_not_matter(parameters):
    backwards = dict(reversed(parameters.items()))
    assert (
        chat_request(URL, "m", [HI], parameters=parameters).key
        == chat_request(URL, "m", [HI], parameters=backwards).key
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"base_url": "http://127.0.0.1:8/v1"}, {}),
        ({"model": "n"}, {}),
        ({"parameters": {"temperature": 0.1}}, {"parameters": {"temperature": 0.2}}),
        ({"system_prompt": "Be brief."}, {}),
    ],
)
def test_what_decides_the_reply_decides_the_key(one, other):
    assert (
        generator_request(spec(**one), Prompt((HI,)), 0).key != generator_request(spec(**other), Prompt((HI,)), 0).key
    )


@pytest.mark.parametrize("name", ["model", "messages", "tools", "stream", "n", "api_key", "Authorization"])
def test_what_tiebreak_sets_itself_and_secrets_are_refused_as_parameters(name):
    with pytest.raises(InputError, match=name):
        chat_request(URL, "m", [HI], parameters={"extra_body": {name: "x"}})


def test_a_parameter_with_two_values_is_refused():
    with pytest.raises(InputError, match="top_p twice"):
        chat_request(URL, "m", [HI], parameters={"top_p": 0.5, "extra_body": {"top_p": 0.6}})


def test_a_seed_must_be_a_whole_number():
    with pytest.raises(InputError, match="whole number"):
        chat_request(URL, "m", [HI], parameters={"seed": "7"})


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://API.openai.com/v1/", "https://api.openai.com/v1"),
        (" http://localhost:8000/v1 ", "http://localhost:8000/v1"),
        ("https://x.openai.azure.com/openai?api-version=1", "https://x.openai.azure.com/openai?api-version=1"),
    ],
)
def test_an_address_has_one_spelling(written, kept):
    assert endpoint_address(written) == kept


@pytest.mark.parametrize(
    "address",
    [
        "api.openai.com/v1",
        "ftp://x/v1",
        "http://",
        "http://x:99999/v1",
        "https://me:secret@x/v1",
        "https://x/v1?key=secret",
        "https://x/v1/chat/completions",
        "",
    ],
)
def test_what_is_no_address_or_holds_a_secret_is_refused(address):
    with pytest.raises(InputError) as caught:
        endpoint_address(address)
    assert "secret" not in str(caught.value)


def test_azures_version_stays_behind_the_path():
    assert (
        address_of("https://x/openai/deployments/d?api-version=1", "chat/completions")
        == "https://x/openai/deployments/d/chat/completions?api-version=1"
    )


def test_the_pace_is_what_was_stated():
    judge = JudgeSpec("j", URL, "m", "helpful", requests_per_minute=5, max_in_flight=2)
    assert pace_of(judge) == Pace(5, None, 2)
    assert pace_of(spec()) == Pace(None, None, None)


def test_the_content_is_what_is_sent_character_for_character():
    request = chat_request(URL, "m", [{"role": "user", "content": "ü\u2028é 😀"}])
    assert json.loads(request.content)["messages"][0]["content"] == "ü\u2028é 😀"
    assert "\\u" not in request.content
