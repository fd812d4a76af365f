"""`tiebreak convert`, as people type it and as scripts read it."""

import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import convert

PAIR = '{"prompt": "Why?", "chosen": "So.", "rejected": "No."}\n'
BROKEN = '{"prompt": "Why?", "chosen": "So.", "rejected": "So."}\n'


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    convert.register(app)
    return lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)])


def test_one_line_makes_the_file_and_tells_its_counts_on_stderr(command, tmp_path):
    (tmp_path / "in.jsonl").write_text(PAIR)
    done = command("in.jsonl", "--to", "openai-dpo", "--out", "out.jsonl")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 rows read as trl = 1 converted + 0 refused" in done.stderr
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert line["preferred_output"] == [{"role": "assistant", "content": "So."}]


def test_refused_rows_make_the_exit_status_1_and_are_counted_by_reason(command, tmp_path):
    (tmp_path / "in.jsonl").write_text(PAIR + BROKEN)
    done = command("in.jsonl", "--to", "trl", "--out", "out.jsonl", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["read"], told["refused_by_reason"]) == (2, {"identical_sides": 1})
    assert json.loads((tmp_path / "out.jsonl.refused.jsonl").read_text())["line"] == 2
    again = command("in.jsonl", "--to", "trl", "--out", "more.jsonl")
    assert "refused: 1 identical_sides" in again.stderr


def test_a_mapping_and_a_format_overrule_what_is_found(command, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"q": "Why?", "x": "So.", "y": "No.", "who": "2"}\n')
    maps = ("prompt=q", "response_a=x", "response_b=y", "verdict=who")
    options = [part for one in maps for part in ("--map", one)]
    done = command("in.jsonl", "--from", "pairs", *options, "--to", "trl-standard", "--out", "out.jsonl")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out.jsonl").read_text())["chosen"] == "No."


def test_the_file_s_own_words_for_verdicts_are_given_a_meaning(command, tmp_path):
    rows = ({"prompt": "Why?", "response_a": "So.", "response_b": "No.", "verdict": word} for word in ("old", "new"))
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = command("in.jsonl", "--to", "trl-standard", "--out", "plain.jsonl")
    assert "unknown_verdict" in plain.stderr + str(plain.exception)
    refused = command("in.jsonl", "--verdict", "a=old", "--to", "trl-standard", "--out", "one.jsonl")
    assert "refused: 1 unknown_verdict" in refused.stderr
    assert "--verdict VERDICT=WORD" in json.loads((tmp_path / "one.jsonl.refused.jsonl").read_text())["reason"]
    done = command("in.jsonl", "--verdict", "a=old", "--verdict", "b=new", "--to", "trl-standard", "--out", "out.jsonl")
    assert done.exit_code == 0, done.output
    chosen = [json.loads(line)["chosen"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert chosen == ["So.", "No."]


def test_answers_that_name_no_verdict_are_told_with_the_option_that_gives_them_a_meaning(command, tmp_path):
    task = {"data": {"prompt": "Why?", "response_a": "So.", "response_b": "No."}}
    rows = (
        task | {"annotations": [{"completed_by": 1, "result": [{"type": "choices", "value": {"choices": [word]}}]}]}
        for word in ("a", "New is better")
    )
    (tmp_path / "in.json").write_text(json.dumps(list(rows)))
    refused = command("in.json", "--to", "trl", "--out", "one.jsonl")
    assert "1 converted + 1 refused" in refused.stderr
    reason = json.loads((tmp_path / "one.jsonl.refused.jsonl").read_text())["reason"]
    assert "'New is better'; say what it means with --verdict VERDICT=WORD" in reason
    done = command("in.json", "--verdict", "b=New is better", "--to", "trl", "--out", "out.jsonl")
    assert "2 converted + 0 refused" in done.stderr


def test_completions_that_are_no_rows_are_told(command, tmp_path):
    (tmp_path / "in.jsonl").write_text(PAIR + PAIR.replace("So.", "Hm.").replace("No.", "So."))
    done = command("in.jsonl", "--to", "trl-kto", "--out", "out.jsonl")
    assert "2 rows of trl-kto" in done.stderr
    assert "completions: 1 desirable, 1 undesirable, 1 repeated, 1 conflicting; what is" in done.stderr
