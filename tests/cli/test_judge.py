import csv
import json

import pytest

from labeling.cli import judge, rubric, verdicts
from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.services.gold import set_gold
from labeling.services.pairing import make_pairs
from labeling.storage.tables import Pair, RoundPair
from tests.cli.running import commands
from tests.services.making import make_project


@pytest.fixture
def making(store):
    making = make_project(store)
    for prompt in making.prompts:
        making.add_completions(prompt, ["a good reply", "a bad reply"])
    make_pairs(*making.place)
    return making


@pytest.fixture
def command(making, store_url, monkeypatch):
    """Runs a command on the project."""
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", store_url)
    run = commands(judge, rubric, verdicts)
    return lambda name, *arguments, code=0: run(*name.split(), "--project", making.slug, *arguments, code=code)


@pytest.fixture
def judge_file(tmp_path, chat_endpoint):
    chat_endpoint.reply = prefers_good
    (tmp_path / "rubric.md").write_text("Prefer the reply that is good.", encoding="utf-8")
    path = tmp_path / "judge.toml"
    path.write_text(table("judge", "strict", chat_endpoint, 'rubric = { file = "rubric.md" }'), encoding="utf-8")
    return path


def table(head, name, endpoint, *lines):
    return "\n".join([f"[{head}]", f'name = "{name}"', f'base_url = "{endpoint.url}"', f'model = "{name}"', *lines, ""])


def prefers_good(body):
    text = body["messages"][-1]["content"]
    first = text.find("a good") < text.find("a bad")
    scores = {"first": 9, "second": 2} if first else {"first": 2, "second": 9}
    return json.dumps({"reasoning": "=One.", "scores": scores, "verdict": "first_much" if first else "second_much"})


def test_judge_reads_the_pairs_and_tells_what_they_came_to(command, judge_file):
    assert command("judge", "--judge", judge_file, "--estimate", "--json")["requests"] == 6
    told = command("judge", "--judge", judge_file, "--json")
    assert (told["run"]["state"], told["outcomes"]["decided"], told["same_family"]) == ("done", 3, [])
    outcomes = told["outcomes"]
    assert (outcomes["first_slot"], outcomes["preferring"], outcomes["first_slot_share"]) == (3, 6, 0.5)
    with pytest.raises(InputError, match="no unlabelled pairs"):
        command("judge", "--judge", judge_file)


def test_the_share_of_the_first_slot_is_told_in_words(command, judge_file):
    told = command("judge", "--judge", judge_file)
    assert "The reply that stood first was preferred in 50.0% of 6 judgements (18.8% to 81.2%)" in told


def test_verdicts_are_told_as_csv_or_json_or_written_to_a_file(command, judge_file, making, tmp_path):
    command("judge", "--judge", judge_file)
    hidden = command("verdicts", "--judge", "strict")
    assert len(list(csv.reader(hidden.splitlines()))) == 1
    told = command("verdicts", "--judge", "strict", "--json")["verdicts"]
    assert [(one["is_hidden"], one["verdict"], one["reasons"]) for one in told] == [(True, None, [])] * 3
    with making.store.writing() as session:
        for row in making.rows(RoundPair):
            session.get_one(RoundPair, (row.round_id, row.pair_id)).is_done = True
    told = command("verdicts", "--judge", "strict", "--limit", 2, "--json")
    assert (told["judge"], [one["verdict"] for one in told["verdicts"]]) == ("strict, version 1", ["a", "a"])
    out = tmp_path / "verdicts.csv"
    command("verdicts", "--judge", "strict", "--csv", out)
    with out.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["verdict"] for line in lines] == ["a"] * 3
    assert command("verdicts", "--judge", "strict", "--only", "flips", "--json")["verdicts"] == []
    with pytest.raises(InputError, match="no filter"):
        command("verdicts", "--judge", "strict", "--only", "odd")


def test_a_jury_in_one_file_is_estimated_and_run_together(command, tmp_path, chat_endpoint, judge_file):
    path = tmp_path / "jury.toml"
    tables = [table("[judge]", name, chat_endpoint, 'rubric = "honest"') for name in ("one", "two")]
    path.write_text("\n".join(tables), encoding="utf-8")
    assert command("judge", "--judge", path, "--judge", judge_file, "--estimate", "--json")["requests"] == 18
    told = command("judge", "--judge", path, "--json")
    assert [one["run"]["spec"]["judge"] for one in told["judges"]] == ["one, version 1", "two, version 1"]
    assert [one["outcomes"]["decided"] for one in told["judges"]] == [3, 3]
    assert "2 judges" not in command("verdicts", "--judge", "two")


def test_what_the_judge_would_read_can_be_seen_first(command, judge_file, making, chat_endpoint):
    told = command("judge", "--judge", judge_file, "--show-prompt")
    assert "--- strict, system" in told
    assert "Prefer the reply that is good." in told
    assert "question 0" in told
    assert chat_endpoint.bodies == []


def test_rubrics_are_tried_compared_and_looked_at_by_command(command, judge_file, making, tmp_path, chat_endpoint):
    for row in making.rows(Pair):
        set_gold(*making.place, row.id, Verdict.A)
    assert "No judge has read the tune half" in command("rubric bench")
    command("judge", "--judge", judge_file, "--pairs", "tune")
    (tmp_path / "rubric.md").write_text("Prefer the reply that is bad.", encoding="utf-8")
    chat_endpoint.reply = lambda body: json.dumps(
        {"reasoning": "", "scores": {"first": 9, "second": 2}, "verdict": "first_much"}
    )
    command("judge", "--judge", judge_file, "--pairs", "tune")
    told = command("rubric bench")
    assert "2 gold pairs to tune on, 1 held out; nobody has looked at the held-out half." in told
    assert "strict, version 1: 2 of 2 right, 100.0% (34.2% to 100.0%, Wilson), 0 undecided, 0 unreadable" in told
    assert "against strict, version 1: 0 fixed, 2 broken (pairs " in told
    compared = command("rubric compare", "strict, version 1", "strict", "--json")
    assert (compared["only_first"], compared["only_second"], compared["difference"]) == (2, 0, -1.0)
    command("judge", "--judge", judge_file, "--pairs", "held-out")
    assert "This is look 1 at it" in command("rubric look", "strict")
    assert command("rubric bench", "--json")["looks"] == 1
