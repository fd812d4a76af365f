import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters import EXPORTERS
from labeling.domain import Target
from labeling.errors import InputError
from labeling.judging.rubrics import RUBRICS
from labeling.services.spec_fields import base_url, key_variable
from labeling.services.spec_files import generators_toml, judge_toml
from labeling.services.specs import generator_spec, judge_spec, read_generators, read_judge
from labeling.services.targets import TARGETS

EXAMPLE = """
[[generator]]
name = "concise"
base_url = "https://api.openai.com/v1/"
model = "gpt-6-luna"
key_env = "OPENAI_API_KEY"
system_prompt = "Answer in two sentences."
temperature = 0.7
top_p = 0.95
max_tokens = 800
seed = 7
samples = 2
requests_per_minute = 500
extra_body = { reasoning_effort = "none" }

[[generator]]
name = "plain"
base_url = "http://10.0.4.12:8000/v1"
model = "qwen3-14b"
"""
PLAIN = {"name": "plain", "base_url": "http://localhost:8000/v1", "model": "m"}
JUDGE = PLAIN | {"rubric": "helpful"}


def test_a_generators_file_is_read_and_only_what_is_written_is_sent():
    concise, plain = read_generators(EXAMPLE.encode(), "generators.toml")
    assert concise.parameters == {
        "temperature": 0.7,
        "top_p": 0.95,
        "max_tokens": 800,
        "seed": 7,
        "reasoning_effort": "none",
    }
    assert (concise.base_url, concise.key_env, concise.samples) == ("https://api.openai.com/v1", "OPENAI_API_KEY", 2)
    assert (concise.requests_per_minute, concise.system_prompt) == (500, "Answer in two sentences.")
    assert (plain.parameters, plain.key_env, plain.system_prompt, plain.samples) == ({}, None, None, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temprature": 1}, '"temprature" is not known'),
        ({"api_key": "x"}, "name its variable as key_env"),
        ({"name": ""}, "name is missing"),
        ({"name": "two\nlines"}, "name is missing or not one line"),
        ({"model": None}, "model is missing"),
        ({"model": 4}, "model must be text"),
        ({"base_url": None}, "base_url is missing"),
        ({"temperature": "hot"}, "temperature must be a number"),
        ({"temperature": float("nan")}, "temperature must be a number"),
        ({"max_tokens": 0}, "max_tokens must be 1 or more"),
        ({"max_tokens": True}, "max_tokens must be a whole number"),
        ({"max_tokens": 5, "max_completion_tokens": 5}, "keep the one the endpoint takes"),
        ({"samples": 0}, "samples must be from 1"),
        ({"samples": 1.5}, "samples must be a whole number"),
        ({"requests_per_minute": 0}, "requests_per_minute must be 1 or more"),
        ({"stop": []}, "stop must be"),
        ({"extra_body": 3}, "extra_body must be a table"),
        ({"extra_body": {"n": 4}}, "write samples = … instead"),
        ({"extra_body": {"x": float("inf")}}, "cannot be sent from a file"),
        ({"temperature": 1, "extra_body": {"temperature": 1}}, "is written twice"),
        ({"extra_body": {"api_key": "tomato"}}, "keys are named as key_env"),
    ],
)
def test_a_faulty_field_is_told_in_one_sentence_with_its_place(change, said):
    with pytest.raises(InputError) as told:
        generator_spec(PLAIN | change, "g.toml, generator 2")
    assert str(told.value).startswith("g.toml, generator 2")
    assert said in str(told.value)
    assert "tomato" not in str(told.value)


@pytest.mark.parametrize(
    "value",
    [
        "sk-proj-abcdefghijklmnop",
        "sk_live_abcdefgh",
        "hf_AbCdEfGhIjKlMnOp",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9",
        "Zx9Kq2Lm8Pw4Rt6Vy1Bn",
        "d41d8cd98f00b204e9800998ecf8427e",
        "has space",
        "$OPENAI_API_KEY",
        7,
    ],
)
def test_a_key_written_instead_of_its_variable_is_refused_and_never_repeated(value):
    with pytest.raises(InputError) as told:
        key_variable(value, "g.toml, generator 1")
    assert str(value) not in str(told.value).replace("OPENAI_API_KEY", "")
    assert "key_env is not a variable's name" in str(told.value)


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "my_key", "KEY2", "SKYNET_API_KEY"])
def test_names_of_variables_are_taken(name):
    assert key_variable(name, "here") == name


@pytest.mark.parametrize(
    "value",
    [
        "api.openai.com/v1",
        "ftp://host/v1",
        "https://",
        "https://[::1/v1",
        "http://host:99999999/v1",
        "https://me:tomato@host/v1",
        "https://host/v1?key=tomato",
        "https://host/v1/chat/completions",
        "https://ho st/v1",
        3,
    ],
)
def test_a_bad_address_is_refused_without_repeating_what_may_be_secret(value):
    with pytest.raises(InputError, match=r"^here: base_url ") as told:
        base_url(value, "here")
    assert "tomato" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no [[generator]] table"),
        ("[generator]\nname='x'", "with two brackets"),
        ("[[generators]]\nname='x'", '"generators" is not known at the top'),
        ("name = ", "this is not TOML at end of document"),
        ("key = sk-secret", "this is not TOML at line 1"),
        (b"\xff\xfe", "is not UTF-8"),
        ("generator = [1]", "there is no [[generator]] table"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_sentence(text, said):
    with pytest.raises(InputError) as told:
        read_generators(text, "g.toml")
    assert said in str(told.value)
    assert "secret" not in str(told.value)


def test_two_generators_with_one_identity_or_one_name_are_refused():
    twice = EXAMPLE + EXAMPLE[EXAMPLE.rindex("[[") :].replace("plain", "other")
    with pytest.raises(InputError, match="the same model asked in the same way"):
        read_generators(twice, "g.toml")
    with pytest.raises(InputError, match='both called "plain"'):
        read_generators(twice.replace("other", "plain"), "g.toml")


def test_name_key_and_pace_are_not_part_of_the_identity():
    spec = generator_spec(PLAIN, "here")
    other = generator_spec(
        PLAIN | {"name": "x", "key_env": "K", "requests_per_minute": 5, "base_url": PLAIN["base_url"] + "/"}, "here"
    )
    assert spec.digest == other.digest
    assert spec.digest != generator_spec(PLAIN | {"temperature": 0}, "here").digest


def test_a_ready_rubric_is_named_and_brings_its_offer():
    assert judge_spec(JUDGE, "here").rubric == RUBRICS["helpful"].text
    assert judge_spec(JUDGE | {"rubric": "honest"}, "here").offers_both_bad
    assert not judge_spec(JUDGE | {"rubric": "honest", "offers_both_bad": False}, "here").offers_both_bad


def test_a_rubric_file_is_read_beside_the_judge_file(tmp_path):
    (tmp_path / "rubric.md").write_text("Prefer the shorter reply.\n", encoding="utf-8")
    text = '[judge]\nname="j"\nbase_url="http://localhost/v1"\nmodel="m"\nrubric={file="rubric.md"}'
    assert read_judge(text, "judge.toml", tmp_path).rubric == "Prefer the shorter reply."
    with pytest.raises(InputError, match="by the command only"):
        read_judge(text, "judge.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_judge(text.replace("rubric.md", "none.md"), "judge.toml", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rubric": "helpfull"}, "ready are helpful"),
        ({"rubric": None}, "rubric is missing"),
        ({"rubric": {"path": "x"}}, "rubric must be text or"),
        ({"orders": "one"}, 'orders must be "both"'),
        ({"offers_both_bad": 1}, "must be true or false"),
        ({"response_format": {"type": "text"}}, "response_format is set by Tiebreak"),
        ({"system_prompt": "x"}, '"system_prompt" is not known'),
    ],
)
def test_a_faulty_judge_is_told_in_one_sentence(change, said):
    with pytest.raises(InputError, match=r"^j\.toml, judge") as told:
        judge_spec(JUDGE | change, "j.toml, judge")
    assert said in str(told.value)


text = st.text(st.characters(exclude_categories=["Cs"]))
line = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)
plain = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
written = st.fixed_dictionaries(
    {"name": line, "base_url": st.just("http://localhost/v1"), "model": line},
    optional={
        "key_env": st.just("MY_KEY"),
        "temperature": st.floats(0, 2),
        "seed": st.integers(0, 10**6),
        "stop": text.filter(bool) | st.lists(text.filter(bool), min_size=1, max_size=3),
        "samples": st.integers(1, 9),
        "tokens_per_minute": st.integers(1, 10**6),
        "extra_body": st.dictionaries(st.sampled_from(["x", "guided", "reasoning"]), plain, max_size=2),
    },
)


@given(written, text)
def test_a_generator_written_as_toml_reads_back_the_same(table, system_prompt):
    spec = generator_spec(table | {"system_prompt": system_prompt}, "here")
    assert read_generators(generators_toml([spec]), "there") == (spec,)


@given(written, st.sampled_from(sorted(RUBRICS)) | text.map("Prefer what is  {} today".format), st.booleans())
def test_a_judge_written_as_toml_reads_back_the_same(table, rubric, offers):
    spec = judge_spec(table | {"rubric": rubric, "offers_both_bad": offers, "orders": "random"}, "here")
    assert read_judge(judge_toml(spec), "there") == spec


@given(st.text() | st.binary())
def test_any_file_is_read_or_refused_in_a_sentence(data):
    with pytest.raises(InputError, match=r"^g\.toml: "):
        read_generators(data, "g.toml")


def test_every_target_has_defaults_that_a_generator_could_use():
    assert set(TARGETS) == set(Target)
    for defaults in TARGETS.values():
        assert key_variable(defaults.key_env, "here") == (defaults.key_env or None)
        assert not defaults.base_url or base_url(defaults.base_url, "here") == defaults.base_url
        assert defaults.export_format in EXPORTERS
