import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import tokens
from labeling.errors import NotFoundError
from labeling.services.tokens import actor_of_token
from tests.services.labelling import make_labelling


@pytest.fixture
def command(sqlite_store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    app = typer.Typer()
    tokens.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["token", *arguments])


def test_a_token_is_printed_once_and_works(command, sqlite_store):
    talk = make_labelling(sqlite_store)
    done = command("create", "--annotator", "ann", "--project", talk.slug, "--json")
    made = json.loads(done.stdout)
    assert (made["annotator"], made["project"], made["made_account"]) == ("ann", talk.slug, True)
    assert actor_of_token(sqlite_store, made["secret"]).project_id == talk.project_id
    human = command("create", "--annotator", "ann", "--project", talk.slug)
    assert human.exit_code == 0
    assert human.stdout.splitlines()[0].startswith("tbk_")
    assert "not shown again" in human.stdout


def test_an_unknown_project_is_a_fault(command):
    assert isinstance(command("create", "--annotator", "ann", "--project", "nowhere").exception, NotFoundError)


def test_the_annotator_must_be_named(command):
    assert command("create").exit_code == 2
