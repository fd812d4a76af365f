import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labeling.cli import command
from labeling.storage import tables
from tests.llm.endpoint import Endpoint, Step
from tests.services.batch_files import run_files
from tests.services.engine import spec_of, start
from tests.services.making import make_project


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as started:
        yield started


@pytest.fixture
def run(sqlite_store_url, monkeypatch):
    """Runs a command with --json; its exit status and object."""
    monkeypatch.setattr("labeling.cli.context._database", [])

    def call(*arguments: str) -> tuple[int, dict[str, object]]:
        result = CliRunner().invoke(command, ["--database", sqlite_store_url, *arguments, "--json"])
        return result.exit_code, json.loads(result.stdout) if result.stdout else {}

    return call


def test_a_run_is_paused_resumed_worked_shown_and_tried_again(sqlite_store, endpoint, run):
    making = make_project(sqlite_store, prompts=3)
    endpoint.poison["question 1"] = Step(400, {"error": {"message": "odd"}})
    number = str(start(making, [spec_of(endpoint)]).id)
    where = (number, "--project", making.slug)
    assert run("runs", "pause", *where)[1]["run"]["state"] == "paused"
    assert run("runs", "resume", *where)[1]["run"]["state"] == "running"
    assert run("worker", "--until-idle") == (0, {"idle": True})
    _, shown = run("runs", "show", *where)
    assert (shown["run"]["state"], shown["run"]["failed"]) == ("done", {"bad_request": 1})
    assert shown["failures"][0]["message"].endswith("answered 400: odd.")
    endpoint.poison.clear()
    assert run("runs", "retry", *where)[1]["run"]["waiting"] == 1
    run("worker", "--until-idle")
    (listed,) = run("runs", "list", "--project", making.slug)[1]["runs"]
    assert (listed["state"], listed["answered"], listed["failed"]) == ("done", 3, {})
    assert run("runs", "cancel", *where)[0] == 1


GENERATORS = """
[[generator]]
name = "g"
base_url = "http://127.0.0.1:9/sandbox/v1"
model = "sandbox-large"
"""


def test_requests_leave_as_files_and_results_come_back(sqlite_store, run, tmp_path):
    making = make_project(sqlite_store, prompts=3)
    (tmp_path / "g.toml").write_text(GENERATORS)
    where = ("--project", making.slug)
    status, begun = run(
        "generate", *where, "--generators", str(tmp_path / "g.toml"), "--mode", "file", "--out", str(tmp_path / "out"), "--samples", "2"
    )  # fmt: skip
    assert (status, begun["run"]["state"], begun["run"]["waiting"]) == (0, "running", 6)
    number = str(begun["run"]["id"])
    assert begun["files"] == [str(tmp_path / "out" / f"talk-run-{number}-part-00001.jsonl")]
    results = run_files([Path(begun["files"][0])], tmp_path / "results.jsonl")
    with results.open("a") as file:
        file.write("{}\n")
    status, taken = run("runs", "ingest", str(results), *where)
    assert (status, taken["runs"][0]["state"]) == (1, "done")
    (told,) = taken["files"]
    assert (told["answered"], told["refused"]) == (6, 1)
    assert told["refusals"] == [{"file": "results.jsonl", "line": 7, "reason": 'it has no "custom_id"'}]
    status, again = run("runs", "ingest", str(results), *where)
    assert (status, again["files"][0]["taken_before"]) == (0, True)
    assert run("runs", "files", number, *where) == (0, {"files": []})


def test_the_list_holds_every_run(sqlite_store, run):
    making = make_project(sqlite_store)
    with sqlite_store.writing() as session:
        session.add_all(
            tables.Run(
                project_id=making.project_id, purpose="generate", state="done", idempotency_key=str(number),
                created_by=making.owner.account_id,
            )
            for number in range(51)
        )  # fmt: skip
    assert len(run("runs", "list", "--project", making.slug)[1]["runs"]) == 51
