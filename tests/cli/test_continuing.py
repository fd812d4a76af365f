import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import continuing
from labeling.errors import InputError
from labeling.storage.tables import PromptRow
from tests.services.continuing import conversations, labelled


@pytest.fixture
def command(sqlite_store, sqlite_store_url, monkeypatch):
    """Run a command on the store; what it printed on stdout, as JSON where asked for."""
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    app = typer.Typer()
    app.callback()(lambda: None)  # with one command alone, its name would not be asked for
    continuing.register(app)

    def run(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    return run


def test_the_next_turns_are_told_before_they_are_made(sqlite_store, command, tmp_path):
    making = conversations(sqlite_store)
    labelled(making)
    rules = tmp_path / "rules.toml"
    rules.write_text('rule_raters = ["rule: big over small"]\n', encoding="utf-8")
    arguments = ("continue", "--project", making.slug, "--after", "chosen", "--rules", rules)
    assert command(*arguments, "--dry-run").startswith(
        "2 prompts would be made. Of 2 prompts with a turn to come 2 go on"
    )
    assert len(making.rows(PromptRow)) == 2
    assert command(*arguments, "--json")["made"] == 2
    assert len(making.rows(PromptRow)) == 4


def test_without_rules_the_usual_ones_count(sqlite_store, command):
    making = conversations(sqlite_store)
    labelled(making)
    assert "2 have no chosen reply" in command("continue", "--project", making.slug, "--after", "chosen")


def test_another_way_is_refused_with_what_there_is(sqlite_store, command):
    making = conversations(sqlite_store)
    with pytest.raises(InputError, match="write chosen or own"):
        command("continue", "--project", making.slug, "--after", "best")
