from pathlib import Path

import pytest

from labeling.errors import InputError
from labeling.llm.keys import is_loopback, key_state, key_value, origin_of

URL = "https://api.example.org/v1"


def test_a_key_is_found_in_the_environment_before_the_file(monkeypatch):
    Path(".env").write_text("MY_KEY=from-file\nOTHER_KEY='quoted'\n")
    assert (key_value("MY_KEY"), key_state("MY_KEY", URL).where) == ("from-file", ".env")
    assert key_value("OTHER_KEY") == "quoted"
    monkeypatch.setenv("MY_KEY", " from-environment\n")
    assert (key_value("MY_KEY"), key_state("MY_KEY", URL).where) == ("from-environment", "environment")


def test_a_missing_key_is_told_by_its_name():
    state = key_state("MY_KEY", URL)
    assert (state.found, state.needed) == (False, True)
    assert state.sentence.startswith("MY_KEY is not set")
    with pytest.raises(InputError, match="MY_KEY is not set"):
        key_value("MY_KEY")


def test_an_endpoint_on_this_machine_needs_no_key():
    assert not key_state(None, "http://127.0.0.1:8000/v1").needed
    assert key_value(None) is None


@pytest.mark.parametrize("pasted", ["sk-abc123", "TIEBREAK_DATABASE_URL", "", "A B"])
def test_a_key_where_its_name_belongs_is_refused_and_not_repeated(pasted):
    with pytest.raises(InputError) as caught:
        key_state(pasted, URL)
    assert not pasted or pasted not in str(caught.value)


def test_a_value_that_is_no_key_is_refused_and_not_repeated(monkeypatch):
    monkeypatch.setenv("MY_KEY", "two words")
    with pytest.raises(InputError, match="MY_KEY holds characters") as caught:
        key_value("MY_KEY")
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://API.example.org:443/v1", "https://api.example.org"),
        ("http://x:8000/v1?api-version=1", "http://x:8000"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_scheme_host_and_port(base_url, origin):
    assert origin_of(base_url) == origin


@pytest.mark.parametrize(
    ("base_url", "is_here"),
    [
        ("http://127.0.0.1/v1", True),
        ("http://localhost:1/v1", True),
        ("http://[::1]/v1", True),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://10.0.0.1/v1", False),
    ],
)
def test_this_machine_is_known_by_its_address(base_url, is_here):
    assert is_loopback(base_url) is is_here
