import csv
import io
import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import hours
from labeling.errors import InputError, NotFoundError
from labeling.services.labels import record
from tests.services.labelling import act, make_labelling


@pytest.fixture
def talk(sqlite_store):
    talk = make_labelling(sqlite_store)
    ann = talk.actor("ann")
    (pair,) = talk.next(ann)
    record(sqlite_store, ann, talk.slug, [act(pair.pair_id, milliseconds=36_000)])
    return talk


@pytest.fixture
def command(sqlite_store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    app = typer.Typer()
    hours.register(app)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_hours_are_told_by_person_and_day(command, talk):
    done = command("--project", talk.slug)
    assert done.exit_code == 0
    assert "0.01 h" in done.stdout
    assert "1 labels" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["total", "0.01", "h", "ann"]
    (day,) = json.loads(command("--project", talk.slug, "--zone", "Asia/Tokyo", "--json").stdout)["days"]
    assert (day["annotator"], day["seconds"], day["zone"]) == ("ann", 36.0, "Asia/Tokyo")


def test_hours_are_written_as_csv(command, talk, tmp_path):
    assert command("--project", talk.slug, "--csv", str(tmp_path / "hours.csv")).exit_code == 0
    (row,) = csv.DictReader(io.StringIO((tmp_path / "hours.csv").read_text("utf-8")))
    assert (row["annotator"], row["hours"]) == ("ann", "0.0100")
    assert isinstance(command("--project", talk.slug, "--csv", str(tmp_path)).exception, InputError)


def test_days_without_work_say_so(command, talk):
    assert "No time" in command("--project", talk.slug, "--to", "2001-01-01").stdout
    assert json.loads(command("--project", talk.slug, "--to", "2001-01-01", "--json").stdout)["days"] == []


def test_a_wrong_day_zone_or_project_is_refused(command, talk):
    assert command("--project", talk.slug, "--from", "yesterday").exit_code == 2
    assert isinstance(command("--project", talk.slug, "--zone", "Moon").exception, InputError)
    assert isinstance(command("--project", "nowhere").exception, NotFoundError)
