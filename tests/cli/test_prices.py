import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import prices
from labeling.cli.context import choose_database
from labeling.errors import InputError


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_PRICES", str(tmp_path / "prices.toml"))
    (tmp_path / "prices.toml").write_text('[[price]]\nmodel = "ours"\ninput = 0.5\noutput = 2\n')
    app = typer.Typer()
    prices.register(app)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["prices", *arguments])


def test_ones_own_prices_are_listed_as_they_were_understood(command):
    assert command().stdout == "ours at any address: $0.5 in, $2 out for a million tokens\n"
    (row,) = json.loads(command("--json").stdout)["prices"]
    assert (row["model"], row["input"], row["cached_input"], row["output"]) == ("ours", 0.5, 0.5, 2.0)


def test_what_a_model_costs_is_told_with_its_source(command):
    own = json.loads(command("ours", "--base-url", "http://127.0.0.1:9/v1", "--json").stdout)
    assert (own["input"], own["output"]) == (0.5, 2.0)
    assert own["source"].endswith("prices.toml")
    listed = json.loads(command("gpt-4o-mini", "--json").stdout)
    assert listed["input"] > 0
    assert listed["source"].startswith("genai-prices")
    unknown = command("theirs", "--base-url", "http://127.0.0.1:9/v1")
    assert "is not known. Write it in" in unknown.stdout


def test_a_price_is_set_and_forgotten(command, tmp_path, sqlite_store_url):
    choose_database(sqlite_store_url)
    here = ("--base-url", "http://127.0.0.1:9/v1")
    told = command("theirs", *here, "--input", "0.15", "--output", "0.6").stdout
    assert told.startswith("theirs at http://127.0.0.1:9/v1: $0.15 in, $0.6 out for a million tokens, by ")
    assert "ours at any address" in command().stdout
    assert "is not known" in command("theirs", *here, "--forget").stdout
    for wrong in (
        ("--input", "1"),
        ("--input", "-1", "--output", "1"),
        ("--input", "nan", "--output", "1"),
        ("--forget",),
    ):
        assert isinstance(command("theirs", *here, *wrong).exception, InputError)
    assert (tmp_path / "prices.toml").read_text() == '[[price]]\nmodel = "ours"\ninput = 0.5\noutput = 2\n'
