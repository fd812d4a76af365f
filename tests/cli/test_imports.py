"""`tiebreak import`, as people type it and as scripts read it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from labeling.cli import imports
from labeling.errors import InputError
from labeling.services.access import local_actor
from labeling.services.projects import create_project, project_view
from labeling.storage.store import Store

PAIRS = '{"prompt": "Why?", "response_a": "So.", "response_b": "No.", "verdict": "a"}\n'
BROKEN = '{"prompt": "Why?", "response_a": "Same.", "response_b": "Same."}\n'


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    create_project(sqlite_store, local_actor(sqlite_store), name="P")
    return sqlite_store


@pytest.fixture
def command(store, sqlite_store_url, monkeypatch, tmp_path):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    app = typer.Typer()
    imports.register(app)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments), "--project", "p"])

    return run


@pytest.fixture
def file(tmp_path):
    def written(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content)
        return path

    return written


def test_counts_are_told_and_add_up(command, file):
    done = command(file("pairs.jsonl", PAIRS + PAIRS), "--labels-as", "crowd")
    assert done.exit_code == 0, done.stderr
    assert "2 rows read as pairs = 1 taken + 1 there already + 0 refused" in done.stdout
    assert "1 prompts, 2 completions, 1 pairs, 1 labels" in done.stdout


def test_labels_that_contradict_an_earlier_one_of_their_rater_are_told_before_and_after(command, file):
    votes = file("votes.jsonl", PAIRS + PAIRS.replace('"a"', '"b"') + PAIRS)
    told = "contradicting: 1 label left out (line 2): earlier in the file the same rater says otherwise of the pair"
    for more in (["--dry-run"], []):
        done = command(votes, "--labels-as", "crowd", *more)
        assert done.exit_code == 0, done.stderr
        assert told in done.stdout
        assert "name each of them in a column" in done.stdout
        one = json.loads(command(votes, "--labels-as", "crowd", "--json", *more).stdout)["imports"][0]
        assert (one["contradicting"], one["contradicting_lines"]) == (1, [2])


def test_json_is_one_object_with_an_entry_a_file(command, file):
    done = command(file("pairs.jsonl", PAIRS), file("more.txt", "One?\nTwo?\n"), "--json")
    told = json.loads(done.stdout)["imports"]
    assert [(one["file_name"], one["format"], one["taken"]) for one in told] == [
        ("pairs.jsonl", "pairs", 1), ("more.txt", "prompts", 2),
    ]  # fmt: skip


def test_refused_rows_are_exit_status_1_and_go_to_a_file(command, file, tmp_path):
    left = tmp_path / "left.jsonl"
    done = command(file("pairs.jsonl", PAIRS + BROKEN + "{half\n"), "--refused", left)
    assert done.exit_code == 1
    assert "refused: 1 identical_sides" in done.stdout
    rows = [json.loads(line) for line in left.read_text().splitlines()]
    assert [(row["file"], row["line"], row["code"]) for row in rows] == [
        ("pairs.jsonl", 2, "identical_sides"), ("pairs.jsonl", 3, "not_json"),
    ]  # fmt: skip


def test_a_dry_run_stores_nothing_and_says_why_a_row_would_be_refused(command, file, store):
    done = command(file("pairs.jsonl", PAIRS + "{half\n{half\n"), "--dry-run")
    assert done.exit_code == 1
    assert "1 can be taken (new: 1 prompts, 1 pairs), nothing stored" in done.stdout
    assert "refused: 2 not_json, the first in line 2: not JSON" in done.stdout
    assert project_view(store, local_actor(store), "p").prompts == 0


def test_a_dry_run_shows_which_column_plays_which_role_and_what_the_first_rows_become(command, file):
    table = file("odd.csv", "question,response_a,response_b,winner,weight\nWhy \x1b[2J?,So.,No.,b,7\n")
    said = command(table, "--dry-run").stdout
    assert "prompt='question'" in said
    assert "in no role: 'weight'" in said
    assert (
        r"row 2: Prompt: 'Why \x1b[2J?', a, first reply: 'So.', b, second reply: 'No.', Verdict: 'b', Turns: 1" in said
    )
    told = json.loads(command(table, "--dry-run", "--json").stdout)["imports"][0]
    assert (told["mapping"]["prompt"], told["columns"][-1]) == ("question", "weight")
    assert told["first_rows"][0]["b, second reply"] == "No."


def test_a_dry_run_tells_which_side_of_a_pair_was_passed_over(command, file):
    rows = file("rows.jsonl", '{"prompt": "Q", "rejected": "y", "taken": "x"}\n')
    assert "read as prompts without 'rejected': where the rows are pairs," in command(rows, "--dry-run").stdout
    assert "without" not in command(rows, "--dry-run", "--map", "chosen=taken").stdout


def test_answers_that_name_no_verdict_are_told(command, file):
    task = {"data": {"prompt": "Why?", "response_a": "So.", "response_b": "No."}}
    task["annotations"] = [{"completed_by": 1, "result": [{"value": {"choices": ["New wins"]}}]}]
    tasks = file("tasks.json", json.dumps([task]))
    assert (
        "no verdicts by themselves: 'New wins'; say what they mean with --verdict" in command(tasks, "--dry-run").stdout
    )
    assert json.loads(command(tasks, "--dry-run", "--json").stdout)["imports"][0]["words"] == ["New wins"]
    assert "no labels: --dry-run tells which answers name no verdict" in command(tasks).stdout
    assert "no labels" not in command(tasks, "--verdict", "b=New wins").stdout


def test_a_dry_run_tells_which_question_of_another_tool_s_export_is_the_verdict(command, file):
    given = {
        name: [{"user_id": "u", "value": side}] for name, side in (("safer", "response1"), ("deeper", "response2"))
    }
    rows = file(
        "rows.jsonl",
        json.dumps({"fields": {"prompt": "Why?", "response1": "So.", "response2": "No."}, "responses": given}),
    )
    assert (
        "no question is surely the verdict: say which with --map verdict=QUESTION" in command(rows, "--dry-run").stdout
    )
    taken = command(rows, "--dry-run", "--map", "verdict=deeper").stdout
    assert "verdict='deeper'" in taken
    assert json.loads(command(rows, "--map", "verdict=deeper", "--json").stdout)["imports"][0]["labels"] == 1


def test_words_that_are_many_are_not_offered_as_verdicts(command, file):
    rows = "".join(f"Why {n}?,So.,No.,word {n}\n" for n in range(9))
    table = file("odd.csv", f"prompt,response_a,response_b,winner\n{rows}")
    done = command(table, "--dry-run")
    assert "refused: 9 unknown_verdict, the first in line 2" in done.stdout
    assert "no verdicts by themselves" not in done.stdout


def test_columns_are_mapped_by_hand(command, file, store):
    table = file("odd.csv", "q,left,right,pick\nWhy?,So.,No.,2\n")
    mapped = [f"--map={pair}" for pair in ("prompt=q", "response_a=left", "response_b=right", "verdict=pick")]
    told = json.loads(command(table, *mapped, "--labels-as", "gold", "--json").stdout)["imports"]
    assert (told[0]["pairs"], told[0]["labels"]) == (1, 1)


def test_the_files_own_words_for_verdicts_are_said_in_ours(command, file):
    table = file("odd.csv", "prompt,response_a,response_b,winner\nWhy?,So.,No.,new\nHow?,So.,No.,old=er\n")
    said = ("--verdict", "b=new", "--labels-as", "gold")
    assert json.loads(command(table, *said, "--json").stdout)["imports"][0]["refused"] == 1
    done = json.loads(command(table, *said, "--verdict", "a=old=er", "--json").stdout)["imports"][0]
    assert (done["taken"], done["labels"]) == (1, 1)
    assert "'new' cannot mean 'better'" in str(command(table, "--verdict", "better=new").exception)
    assert "not 'new'" in str(command(table, "--verdict", "new").exception)


def test_the_answers_of_three_models_are_joined_and_paired_up(command, file, store):
    questions = file(
        "questions.jsonl", "".join(json.dumps({"uid": f"u{n}", "prompt": f"Q{n}?"}) + "\n" for n in range(3))
    )
    answers = [
        file(f"{model}.jsonl", "".join(json.dumps({"uid": f"u{n}", "response": f"{model} {n}"}) + "\n" for n in (2, 0, 1)))
        for model in ("one", "two", "three")
    ]  # fmt: skip
    assert command(questions).exit_code == 0
    for path in answers:
        assert command(path, "--model", path.stem, "--pair-up").exit_code == 0
    assert project_view(store, local_actor(store), "p").pairs == 9


def test_a_file_that_cannot_be_read_does_not_hide_what_came_before_it(command, file, tmp_path):
    done = command(file("pairs.jsonl", PAIRS), tmp_path / "nowhere.jsonl")
    assert done.exit_code == 1
    assert "nowhere.jsonl cannot be read" in done.stderr
    assert "pairs.jsonl: 1 rows read" in done.stdout


def test_a_folder_that_is_not_there_is_told_before_anything_is_stored(command, file, store, tmp_path):
    done = command(file("pairs.jsonl", PAIRS), "--refused", tmp_path / "nowhere" / "left.jsonl")
    assert isinstance(done.exception, InputError)
    assert project_view(store, local_actor(store), "p").prompts == 0


@pytest.mark.parametrize("taken", ["pairs.jsonl", "."])
def test_refused_rows_are_never_written_over_a_file(command, file, store, tmp_path, taken):
    content = PAIRS + "{half\n"
    path = file("pairs.jsonl", content)
    done = command(path, "--refused", tmp_path / taken)
    assert isinstance(done.exception, InputError)
    assert "for --refused is already there" in str(done.exception)
    assert path.read_text() == content
    assert project_view(store, local_actor(store), "p").pairs == 0


def test_refused_rows_that_cannot_be_written_hide_neither_what_was_imported_nor_another_fault(command, file):
    broken = file("broken.jsonl", "")
    done = command(file("pairs.jsonl", PAIRS + "{half\n"), broken, "--refused", "/proc/left.jsonl")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "2 rows read as pairs = 1 taken" in done.stdout
    assert "broken.jsonl is empty" in done.stderr
    assert "/proc/left.jsonl cannot be written" in done.stderr


@pytest.mark.parametrize(
    "options", [["--map", "prompt=a", "--map", "prompt=b"], ["--verdict", "a=new", "--verdict", "b=new"]]
)
def test_what_is_said_twice_and_otherwise_is_refused(command, file, options):
    done = command(file("pairs.jsonl", PAIRS), *options)
    assert isinstance(done.exception, InputError)
    assert "Leave one of them out" in str(done.exception)


def test_a_mapping_without_its_column_is_told_how_it_is_written(command, file):
    path = file("pairs.jsonl", PAIRS)
    assert "not 'prompt'" in str(command(path, "--map", "prompt").exception)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("PK\x03\x04", [], "is a zip file"),
        ("only one column\nhere\n", [], "Its one column is: only one column"),
        (PAIRS, ["--format", "xml"], "There is no format 'xml'"),
        (PAIRS, ["--project", "nobody"], "no project 'nobody'"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_status_1(store, sqlite_store_url, file, content, options, words):
    path = file("pairs.csv", content)
    line = [sys.executable, "-m", "tiebreak", "--database", sqlite_store_url, "import", str(path), "--project", "p"]
    done = subprocess.run([*line, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
