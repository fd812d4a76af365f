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
