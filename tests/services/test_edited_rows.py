"""What label rules make of pairs with an annotator's edit: they look at what stands in the rows."""

import json

import pytest

from labeling.services.estimate import estimate
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.label_rules import LabelRules
from labeling.services.rule_effect import Singles, effect, read_texts
from tests.services.exporting import done, edited, lines, make_exporting, sides

REFUSAL = "I'm sorry, but I can't help with that."
MAIL = "Write to bob@example.com."
MANY = frozenset({"better", "tie", "both_bad"})
EDITS = ("beat_loser", "beat_original", "both", "ignore")


def edit_of(making, side: str, text: str, *, verdict: str = "a", a: str = "good", b: str = "poor", **more) -> int:
    """A pair of which one side was edited."""
    pair = making.pair(f"asked {text}", a=a, b=b)
    edited(making, pair, verdict, sides(making, pair)["ab".index(side)], text, **more)
    return pair


@pytest.mark.parametrize("edits", EDITS)
def test_both_bad_makes_two_undesirable_completions_beside_its_edit(store, tmp_path, edits):
    making = make_exporting(store)
    edit_of(making, "a", "best", verdict="both_bad", a="bad", b="worse")
    rules = LabelRules(edits=edits)
    view = done(making, tmp_path, format="trl-kto", rules=rules)
    labels = {row["completion"][0]["content"]: row["label"] for row in lines(tmp_path / "out" / "train.jsonl")}
    assert labels == {"bad": False, "worse": False} | ({} if edits == "ignore" else {"best": True})
    told, exact = effect(*making.place, rules, takes=MANY), estimate(*making.place, format="trl-kto", rules=rules)
    assert told.singles == exact.singles == Singles(int(edits != "ignore"), 2, 0)
    assert told.rows == exact.rows == view.rows == len(labels)


def test_an_edit_that_changes_nothing_of_a_bad_reply_makes_it_no_desirable_one(store, tmp_path):
    making = make_exporting(store)
    edit_of(making, "a", "bad", verdict="both_bad", a="bad", b="worse")
    done(making, tmp_path, format="trl-kto")
    (row,) = lines(tmp_path / "out" / "train.jsonl")
    assert (row["completion"][0]["content"], row["label"]) == ("worse", False)


@pytest.mark.parametrize(("format", "left_out"), [("trl", {}), ("trl-kto", {"too_long": 1})])
def test_a_long_reply_counts_where_both_bad_ones_stand_in_the_file(store, format, left_out):
    making = make_exporting(store)
    edit_of(making, "a", "best", verdict="both_bad", a="bad " * 50, b="worse")
    assert estimate(*making.place, format=format, rules=LabelRules(longest_reply=40)).left_out == left_out


@pytest.mark.parametrize(
    ("edits", "rows", "left_out"),
    [
        ("beat_loser", [("best", "poor", 3.0)], {}),
        ("both", [("best", "poor", 3.0)], {}),
        ("beat_original", [], {"no_strength": 1}),
        ("ignore", [("good", "poor", 3.0)], {}),
    ],
)
def test_nobody_gave_a_strength_for_an_edit_against_what_it_was_made_from(store, tmp_path, edits, rows, left_out):
    making = make_exporting(store)
    making.label(making.imported_rater(), making.pair("plain", a="yes", b="no"), strength=1)
    edit_of(making, "a", "best", strength=3)
    rules = LabelRules(edits=edits)
    view = done(making, tmp_path, format="trl-reward", rules=rules)
    found = lines(tmp_path / "out" / "train.jsonl")
    written = [(row["chosen"][0]["content"], row["rejected"][0]["content"], row["margin"]) for row in found]
    assert written == [("yes", "no", 1.0), *rows]
    exact = estimate(*making.place, format="trl-reward", rules=rules)
    assert view.left_out == exact.left_out == left_out
    assert effect(*making.place, rules).without_strength == len(left_out)
    assert (view.rows, exact.without_strength) == (exact.rows, 0)  # the format refuses them


def test_provenance_tells_a_strength_only_for_the_comparison_it_was_given_for(store, tmp_path):
    making = make_exporting(store)
    edit_of(making, "a", "best", strength=3)
    edit_of(making, "b", "better", verdict="both_bad")
    done(making, tmp_path, rules=LabelRules(edits="both"))
    assert [row["strength"] for row in lines(tmp_path / "out" / "provenance.jsonl")] == [3.0, None, None, None]
    assert effect(*making.place, LabelRules(edits="both")).without_strength == 1


@pytest.mark.parametrize(
    ("edits", "leave_out_chosen", "leave_out"),
    [
        ("beat_loser", {"became one"}, {"became one", "the loser is one"}),
        ("beat_original", {"became one"}, {"became one", "was one"}),
        ("both", {"became one"}, {"became one", "the loser is one", "was one"}),
        ("ignore", {"was one"}, {"the loser is one", "was one"}),
    ],
)
def test_a_refusal_is_looked_for_in_the_edit_and_in_what_stands_beside_it(
    store, tmp_path, edits, leave_out_chosen, leave_out
):
    making = make_exporting(store)
    for text, a, b, edit in (
        ("became one", "good", "poor", REFUSAL),
        ("was one", REFUSAL, "poor", "Here is help."),
        ("the loser is one", "good", REFUSAL, "Here is more help."),
        ("none", "good", "poor", "best"),
    ):
        pair = making.pair(text, a=a, b=b)
        edited(making, pair, "a", sides(making, pair)[0], edit)
    for refusals, gone in (("leave_out_chosen", leave_out_chosen), ("leave_out", leave_out)):
        rules = LabelRules(edits=edits, refusals=refusals)
        view = done(making, tmp_path, rules=rules, out=tmp_path / refusals)
        asked = {row["prompt"][0]["content"] for row in lines(tmp_path / refusals / "train.jsonl")}
        assert asked == {"became one", "was one", "the loser is one", "none"} - gone
        assert effect(*making.place, rules).left_out == view.left_out == {"refusal": len(gone)}


def test_personal_data_is_looked_for_in_the_edit_and_in_what_stands_beside_it(store, tmp_path):
    making = make_exporting(store)
    call = [{"id": "c", "type": "function", "function": {"name": "mail", "arguments": '{"to": "bob@example.com"}'}}]
    for text, a, b, edit in (
        ("cleaned", MAIL, "poor", "Write to the office."),
        ("brought in", "good", "poor", MAIL),
        ("in the loser", "good", MAIL, "best"),
        ("asked by eve@example.com", "good", "poor", "best"),
    ):
        pair = making.pair(text, a=a, b=b)
        edited(making, pair, "a", sides(making, pair)[0], edit)
    called = making.pair("called", a="good", b="poor", a_calls=call)
    edited(making, called, "a", sides(making, called)[0], "No need to write.")
    read_texts(*making.place)
    for edits, asked in (("beat_loser", {"cleaned", "called"}), ("beat_original", {"in the loser"}), ("both", set())):
        rules = LabelRules(edits=edits, personal_data="leave_out")
        told = effect(*making.place, rules)
        assert (told.kept, told.left_out) == (len(asked), {"personal_data": 5 - len(asked)})
        assert told.found == {"mail": 5 - len(asked), "phone": 0, "card": 0, "key": 0}
        if asked:
            out = tmp_path / edits
            export(*making.place, ExportChoices("trl", rules=rules, validation_share=0.0), out=out)
            assert {row["prompt"][0]["content"] for row in lines(out / "train.jsonl")} == asked
            assert json.loads((out / "manifest.json").read_bytes())["across_pairs"]["found"] == told.found
