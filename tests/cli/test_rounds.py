import json

import pytest
import typer
from typer.testing import CliRunner

from labeling.cli import rounds
from labeling.errors import InputError, NotFoundError
from labeling.services.labels import record
from tests.services.labelling import act, make_labelling


@pytest.fixture
def command(sqlite_store_url, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    app = typer.Typer()
    rounds.register(app)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture
def talk(sqlite_store):
    return make_labelling(sqlite_store, pairs=10)


def told(done):
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_gold_is_set_taken_from_a_rater_mixed_in_and_its_results_are_told(command, talk):
    here = ("--project", talk.slug, "--json")
    assert told(command("gold", "set", str(talk.pairs[0]), "a", "--why", "It answers.", *here))["verdict"] == "a"
    assert "Nobody has labelled" in command("gold", "results", "-p", talk.slug).stdout
    ann = talk.actor("ann")
    for pair in talk.next(ann, want=3):
        record(talk.store, ann, talk.slug, [act(pair.pair_id, verdict="tie")])
    assert told(command("gold", "take", "ann", *here))["pairs"] == 3
    assert told(command("gold", "mix", "0.2", *here)) == {"round": "work", "gold": 2}
    assert told(command("gold", "results", *here))["results"] == [{"annotator": "ann", "answered": 3, "correct": 3}]
    assert isinstance(command("gold", "take", "nobody", *here).exception, InputError)


def test_rounds_are_made_listed_closed_and_opened(command, talk):
    here = ("-p", talk.slug)
    talk.actor("ann")
    talk.actor("bob")
    command("gold", "set", str(talk.pairs[0]), "b", *here)
    made = command("round", "make", "trial", "--purpose", "practice", "--pass-mark", "0.8", *here)
    assert "pairs: 1." in made.stdout
    same = ("--purpose", "calibration", "--annotator", "ann", "--annotator", "bob", "--pairs", "4", "--json")
    assert told(command("round", "make", "same", *same, *here)) == {"round": "same", "pairs": 4}
    assert told(command("round", "close", "same", "--json", *here))["closed"]
    found = {one["name"]: one for one in told(command("round", "list", "--json", *here))["rounds"]}
    assert list(found) == ["work", "trial", "same"]
    assert (found["same"]["is_closed"], found["same"]["members"]) == (True, ["ann", "bob"])
    assert not told(command("round", "close", "same", "--open", "--json", *here))["closed"]
    assert "calibration" in command("round", "list", *here).stdout


@pytest.mark.parametrize(
    ("purpose", "annotators", "kind"),
    [("repeat", [], InputError), ("calibration", ["ann"], InputError), ("review", ["owner"], InputError), ("review", ["x"], NotFoundError)],
)  # fmt: skip
def test_a_round_that_cannot_be_is_a_fault(command, talk, purpose, annotators, kind):
    people = [part for name in annotators for part in ("--annotator", name)]
    done = command("round", "make", "new", "--purpose", purpose, "-p", talk.slug, *people)
    assert isinstance(done.exception, kind), done.exception


def test_a_round_asks_for_more_annotators_and_gives_its_pairs_out_in_another_order(command, talk):
    here = ("-p", talk.slug)
    changed = told(command("round", "change", "work", "--overlap", "3", "--order", "random", "--json", *here))
    assert changed == {"round": "work", "overlap": 3, "order": "random"}
    work = told(command("round", "list", "--json", *here))["rounds"][0]
    assert (work["overlap"], work["ordering"]) == (3, "random")
    assert isinstance(command("round", "change", "work", *here).exception, InputError)
    assert isinstance(command("round", "change", "work", "--overlap", "0", *here).exception, InputError)
