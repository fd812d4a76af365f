import json
import os

import pytest

from labeling.domain import Target
from labeling.storage import tables
from tests.services.exporting import labelled, lines, make_exporting


@pytest.fixture
def project(sqlite_store, sqlite_store_url):
    making = labelled(sqlite_store, 12)
    making.pair("unlabelled")
    return ["--database", sqlite_store_url], making


def test_an_export_is_written_told_and_passes_the_check(tiebreak, project, tmp_path):
    database, making = project
    out = tmp_path / "out"
    done = tiebreak(*database, "export", "-p", making.slug, "--format", "openai-dpo", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "12 rows of 13 pairs" in done.stdout
    assert "left out: no_label" in done.stdout
    assert "13 of 13 pairs" in done.stderr
    checked = tiebreak("check", out / "train.jsonl", "--format", "openai-dpo")
    assert checked.returncode == 0, checked.stdout
    assert "0 errors" in checked.stdout


def test_an_estimate_is_of_the_file_type_that_is_asked_for(tiebreak, project):
    database, making = project
    asked = ["export", "-p", making.slug, "--estimate", "--file-type", "parquet", "-f"]
    assert tiebreak(*database, *asked, "trl").returncode == 0
    refused = tiebreak(*database, *asked, "openai-dpo")
    assert refused.returncode > 0
    assert "openai-dpo is read from JSONL alone" in refused.stderr


@pytest.mark.parametrize("target", [Target.AZURE, Target.TOGETHER, Target.FIREWORKS, Target.OWN])
def test_without_a_format_it_is_that_of_the_target(tiebreak, project, tmp_path, target):
    database, making = project
    making.change(tables.Project, making.project_id, target=target.value)
    done = tiebreak(*database, "export", "-p", making.slug, "--out", tmp_path / "out", "--json")
    assert json.loads(done.stdout)["format"] == ("trl" if target == Target.OWN else f"{target.value}-dpo")
    told = tiebreak(*database, "export", "-p", making.slug, "--estimate", "--json")
    assert json.loads(told.stdout)["kept"] == 12


def test_json_is_one_object_on_stdout(tiebreak, project, tmp_path):
    database, making = project
    (tmp_path / "rules.toml").write_text('who = "people"')
    (tmp_path / "system.txt").write_text("You work for the library.\n")
    done = tiebreak(
        *database, "export", "-p", making.slug, "--format", "trl", "--out", tmp_path / "out", "--json", "--seed", 4,
        "--rules", tmp_path / "rules.toml", "--system-prompt", tmp_path / "system.txt", "--validation-share", 0,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["rows"], told["pairs"], told["left_out"]) == (12, 13, {"no_label": 1})
    assert told["rules"]["who"] == "people"
    assert told["seed"] == 4
    assert told["folder"] == str(tmp_path / "out")
    row = lines(tmp_path / "out" / "train.jsonl")[0]
    assert row["prompt"][0] == {"role": "system", "content": "You work for the library."}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "parquet"], "There is no format 'parquet'"),
        (["--format", "trl", "--validation-share", "2"], "below 1"),
        (["--format", "trl", "--project", "nobody"], "There is no project 'nobody'"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_status_1(tiebreak, project, tmp_path, options, words):
    database, making = project
    done = tiebreak(*database, "export", "-p", making.slug, "--out", tmp_path / "out", *options)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_check_tells_what_only_the_labels_of_an_export_know(tiebreak, sqlite_store, sqlite_store_url, tmp_path):
    making = make_exporting(sqlite_store)
    large, small = making.generator("large"), making.generator("small")
    toy = making.judge("toy", is_sandbox=True)
    for number in range(30):
        making.label(toy, making.pair(f"question {number}", a_by=large, b_by=small))
    out = tmp_path / "out"
    tiebreak("--database", sqlite_store_url, "export", "-p", making.slug, "-f", "trl", "-o", out)
    told = tiebreak("check", out / "train.jsonl", "-f", "trl")
    assert told.returncode == 0
    assert "large wins 30 of 30 rows" in told.stdout
    assert "30 rows of the export rest on the offline sandbox" in told.stdout
    with (out / "train.jsonl").open("a") as file:  # a file of one's own: the manifest says nothing of it
        file.write((out / "train.jsonl").read_text().splitlines()[0] + "\n")
    assert "large" not in tiebreak("check", out / "train.jsonl", "-f", "trl").stdout


def test_wrong_usage_is_exit_status_2(tiebreak, tmp_path):
    assert tiebreak("check", tmp_path / "x.jsonl").returncode == 2
    assert tiebreak("export", "--format", "trl").returncode == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--public"],
        ["--validation-rows", 20, "--validation-share", 0.3],
        ["--estimate", "--push", "hf:a/b"],
        ["--estimate", "--since", 1],
    ],
)
def test_options_that_shut_each_other_out_are_wrong_usage(tiebreak, project, tmp_path, options):
    database, making = project
    done = tiebreak(*database, "export", "-p", making.slug, "--out", tmp_path / "out", *options)
    assert (done.returncode, options[0] in done.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_every_fault_of_a_file_is_told_with_its_line_and_exit_status_1(tiebreak, tmp_path):
    (tmp_path / "x.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "b"}\n\nnothing\n')
    done = tiebreak("check", tmp_path / "x.jsonl", "--format", "trl-standard")
    assert done.returncode == 1
    assert [line.split(": ")[1:3] for line in done.stdout.splitlines()[:3]] == [
        ["error", "line 1, rejected"], ["error", "line 2"], ["error", "line 3"],
    ]  # fmt: skip
    told = json.loads(tiebreak("check", tmp_path / "x.jsonl", "--format", "trl-standard", "--json").stdout)
    assert told["errors"] == 3
    assert told["findings"][0]["line"] == 1


def test_votes_are_checked_as_they_are_exported(tiebreak, tmp_path):
    (tmp_path / "votes.csv").write_text("item,rater,verdict\n1,Ana,a\n2,Ana,left\n")
    done = tiebreak("check", tmp_path / "votes.csv", "--format", "votes")
    assert done.returncode == 1
    assert "error: line 3, verdict: 'left' is not a verdict. Write a, b, tie or both_bad" in done.stdout


def test_many_findings_are_cut_for_people_and_whole_in_json(tiebreak, tmp_path):
    (tmp_path / "x.jsonl").write_text("nothing\n" * 300)
    done = tiebreak("check", tmp_path / "x.jsonl", "--format", "trl")
    assert "251 more; see all with --json" in done.stdout
    told = json.loads(tiebreak("check", tmp_path / "x.jsonl", "--format", "trl", "--json").stdout)
    assert len(told["findings"]) == told["errors"] == 301


@pytest.mark.parametrize("cut", [slice(-20), slice(0, 40)])
def test_a_damaged_parquet_file_is_called_so(tiebreak, project, tmp_path, cut):
    database, making = project
    out = tmp_path / "out"
    tiebreak(*database, "export", "-p", making.slug, "-f", "trl", "-o", out, "--file-type", "parquet")
    (out / "train.parquet").write_bytes((out / "train.parquet").read_bytes()[cut])
    done = tiebreak("check", out / "train.parquet", "-f", "trl")
    assert (done.returncode, "train.parquet is damaged (Parquet " in done.stderr) == (1, True)
    assert "None" not in done.stderr


def test_a_pipe_is_refused_and_not_waited_for(tiebreak, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = tiebreak("check", tmp_path / "pipe", "-f", "trl")
    assert (done.returncode, "is a pipe or a device" in done.stderr) == (1, True)


def test_a_file_that_is_not_there_is_one_sentence(tiebreak, tmp_path):
    for path, words in ((tmp_path / "x.jsonl", "cannot be read"), (tmp_path, "is a folder")):
        done = tiebreak("check", path, "--format", "trl")
        assert done.returncode == 1
        assert words in done.stderr
