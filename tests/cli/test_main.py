"""What every command does alike: faults, objects for scripts, names as people type them, output that is no text."""

import io
import json
import os
import sys

import pytest

from labeling.services.access import local_actor
from labeling.services.projects import create_project


@pytest.fixture
def command(sqlite_store, sqlite_store_url, monkeypatch, tiebreak):
    """`tiebreak` where there is one project."""
    create_project(sqlite_store, local_actor(sqlite_store), name="Big Help")
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    return tiebreak


def test_a_fault_is_one_sentence_and_for_scripts_one_object_too(command):
    code, out, err = command("project", "show", "nowhere", "--json")
    assert code == 1
    assert "no project" in json.loads(out)["error"]
    assert err == f"tiebreak: {json.loads(out)['error']}\n"
    assert command("project", "show", "nowhere")[:2] == (1, "")


def test_a_fault_after_the_first_file_leaves_one_object_with_both(command, tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("Why?\n")
    code, out, err = command("import", file, tmp_path / "gone.txt", "--project", "big-help", "--json")
    told = json.loads(out)
    assert code == 1
    assert [one["taken"] for one in told["imports"]] == [1]
    assert "gone.txt cannot be read" in told["error"]
    assert err.endswith(f"tiebreak: {told['error']}\n")


def test_a_project_is_found_by_the_name_it_was_given(command):
    assert json.loads(command("project", "show", "Big Help", "--json")[1])["slug"] == "big-help"
    assert command("runs", "list", "--project", "Big Help")[0] == 0


def test_codes_that_a_terminal_obeys_are_not_passed_on(command, tmp_path):
    file = tmp_path / "a\x1b[31m.txt"
    file.write_text("Why?\n")
    code, out, err = command("import", file, "--project", "big-help")
    assert code == 0
    assert "\x1b" not in out + err
    assert "\x1b" not in command("project", "show", "\x1b[2J x")[2]


def test_a_files_name_need_not_be_text(command, tmp_path):
    file = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(file, "w") as opened:  # noqa: PTH123  # a name in bytes
        opened.write("Why?\n")
    code, out, _ = command("import", os.fsdecode(file), "--project", "big-help", "--json")
    assert code == 0
    assert json.loads(out)["imports"][0]["file_name"] == "?.txt"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_text_can_be_printed_anywhere(command, sqlite_store, monkeypatch, encoding):
    create_project(sqlite_store, local_actor(sqlite_store), name="项目 é 😀")
    printed = io.BytesIO()
    for options in ((), ("--json",)):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(printed, encoding, write_through=True))
        assert command("project", "list", *options)[0] == 0
    _, last = printed.getvalue().rstrip().rsplit(b"\n", 1)
    assert "项目 é 😀" in {one["name"] for one in json.loads(last.decode(encoding))["projects"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("project", "create", "a\udcff"), "a character that cannot be stored"),
        (("token", "create", "--annotator", "a\udcff"), "a character that cannot be stored"),
        (("runs", "show", 10**30, "--project", "big-help"), "larger than can be stored"),
    ],
)
def test_what_no_database_stores_is_one_sentence(command, arguments, says):
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert says in err
    assert len(err.splitlines()) == 1


def test_how_far_it_is_is_said_when_it_changed(command, tmp_path):
    from labeling.cli.context import progress

    file = tmp_path / "prompts.txt"
    file.write_text("Why?\n")
    for sentence in ("1 of 3", "1 of 3", "2 of 3"):
        progress(sentence)
    assert command("import", file, "--project", "big-help")[2].splitlines()[:2] == ["1 of 3", "2 of 3"]
