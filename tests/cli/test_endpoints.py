import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import endpoints
from labeling.cli.context import choose_database
from labeling.errors import TiebreakError
from labeling.services.generate import save_generators
from labeling.services.headers import kept_headers
from labeling.services.specs import generator_spec
from tests.services.making import make_project

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def making(sqlite_store, tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_PRICES", str(tmp_path / "prices.toml"))
    made = make_project(sqlite_store)
    table = {"name": "first", "base_url": URL, "model": "m", "key_env": "MY_KEY"}
    save_generators(*made.place, [generator_spec(table, "here")])
    return made


@pytest.fixture
def command(making, sqlite_store_url):
    choose_database(sqlite_store_url)
    app = typer.Typer()
    endpoints.register(app)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["endpoints", *arguments, "--project", making.slug])


def test_headers_are_set_shown_and_removed(command, making):
    assert command("headers", URL).stdout == f"No further header goes to {URL}.\n"
    assert command("headers", URL, "--set", "X-Team: red", "--set", "X-Auth: Bearer ${TEAM_KEY}").exit_code == 0
    assert command("headers", URL).stdout == "x-auth: Bearer ${TEAM_KEY}\nx-team: red\n"
    command("headers", URL, "--remove", "X-Team", "--set", "x-auth: ${TEAM_KEY}")
    assert json.loads(command("headers", URL, "--json").stdout)["headers"] == {"x-auth": "${TEAM_KEY}"}
    assert kept_headers(*making.place, URL) == {"x-auth": "${TEAM_KEY}"}
    missing = command("headers", URL, "--remove", "X-Other").exception
    assert isinstance(missing, TiebreakError)
    assert "No header 'X-Other' goes to" in str(missing)


def test_a_secret_in_the_open_is_refused_unseen_and_a_line_without_a_colon_too(command, making):
    for written, told in (("X-Auth: hunter2", "looks like a secret"), ("hunter2", "has no colon")):
        fault = command("headers", URL, "--set", written).exception
        assert isinstance(fault, TiebreakError)
        assert told in str(fault)
        assert "hunter2" not in str(fault)
    assert kept_headers(*making.place, URL) == {}


def test_endpoints_are_listed_with_keys_headers_and_models(command, tmp_path):
    (tmp_path / "prices.toml").write_text('[[price]]\nmodel = "m"\ninput = 0.5\noutput = 2\n')
    command("headers", URL, "--set", "X-Team: red")
    told = command("list").stdout
    for part in (URL, "MY_KEY is not set", "header: x-team: red", "m (used by generator first): $0.5 in, $2 out"):
        assert part in told
    (one,) = json.loads(command("list", "--json").stdout)["endpoints"]
    assert (one["base_url"], one["models"][0]["price"]["is_own"]) == (URL, True)
