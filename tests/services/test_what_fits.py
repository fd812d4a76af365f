"""What a file refuses: it takes nobody's place in what is drawn, no figure tells of it, and an estimate knows it before."""

import json

import pytest

from labeling.errors import InputError
from labeling.services.estimate import estimate
from labeling.services.export import preview
from labeling.services.label_rules import LabelRules
from labeling.services.rule_effect import Effect, Share, effect, read_texts
from labeling.storage import tables
from tests.services.exporting import Exporting, done, edited, labelled, lines, make_exporting, sides

TOOLS = ({"type": "function", "function": {"name": "f", "parameters": {}}},)
CALL = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
MISFITS = {  # what of a reply a file does not take, and why
    ("trl", "parquet"): ({"a_calls": CALL}, "no_columns"),
    ("openai-dpo", "jsonl"): ({"a": "word " * 70_000}, "too_many_tokens"),
}


def across(folder) -> dict[str, object]:
    return json.loads((folder / "manifest.json").read_bytes())["across_pairs"]


def both_told(making: Exporting, tmp_path, format: str, rules: LabelRules, file_type: str = "jsonl") -> Effect:
    """The estimate, after a look that the export tells the same."""
    told = estimate(*making.place, format=format, rules=rules, file_type=file_type)
    view = done(making, tmp_path, format=format, rules=rules, file_type=file_type)
    assert (view.rows, view.left_out) == (told.rows, told.left_out)
    return told


@pytest.mark.parametrize(("format", "file_type"), list(MISFITS))
def test_of_each_prompt_a_pair_is_drawn_that_the_file_takes(store, tmp_path, format, file_type):
    misfit, code = MISFITS[format, file_type]
    making = make_exporting(store)
    gold = making.imported_rater()
    tools = TOOLS if file_type == "parquet" else ()
    for number in range(12):
        for more in ({"b": "poor"}, {"b": "worse", **misfit}):
            making.label(gold, making.pair(f"question {number}", tools=tools, **more))
    told = both_told(making, tmp_path, format, LabelRules(per_prompt=1), file_type)
    assert (told.kept, told.left_out) == (12, {code: 12})


def test_a_file_is_matched_among_the_rows_that_parquet_has_columns_for(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(6):
        making.label(gold, making.pair(f"longer {number}", a="long " * 5, b="short"))
        making.label(gold, making.pair(f"shorter {number}", a="short", b="long " * 5, a_calls=CALL if number else None))
    told = both_told(making, tmp_path, "trl", LabelRules(length_match=True), "parquet")
    assert (told.longer_before, told.longer_after, told.rows) == (Share(6, 7), Share(1, 2), 2)


@pytest.mark.parametrize(("format", "file_type"), [("openai-dpo", "parquet"), ("trl", "csv")])
def test_an_estimate_is_of_a_file_that_can_be_written(store, format, file_type):
    making = labelled(store, 1)
    for asked in (estimate, preview):
        with pytest.raises(InputError, match=r"Parquet is for|not written as CSV"):
            asked(*making.place, format=format, file_type=file_type)


def test_the_preview_shows_rows_that_parquet_has_columns_for(store):
    making = labelled(store, 4, a_calls=CALL)
    making.label(making.imported_rater("more"), fits := making.pair("fits"))
    assert [row.pair for row in preview(*making.place, format="trl", file_type="parquet")] == [fits]


@pytest.mark.parametrize(
    "rules",
    [{}, {"on_policy": "both_sides"}, {"contradictions": "resolve"}, {"per_prompt": 9}, {"personal_data": "leave_out"}],
)
def test_figures_are_of_the_pairs_in_the_file(store, tmp_path, rules):
    making = make_exporting(store)
    making.change(tables.Project, making.project_id, target_model="m")
    gold, mine = making.imported_rater(), making.generator("mine")
    for number in range(8):
        pair = making.pair(f"question {number}", a_by=mine, b_by=mine, tools=TOOLS if number < 6 else ())
        making.label(gold, pair)
    told = both_told(making, tmp_path, "gemini", LabelRules(**rules))
    assert (told.kept, told.own_both, told.longer_after) == (2, 2, Share(0, 2))
    if rules:
        manifest = across(tmp_path / "out")
        assert manifest["own_replies"] == {"both": 2, "one": 0}
        assert manifest["longer_chosen"]["after"] == {"part": 0, "whole": 2}


def test_edits_contradictions_and_what_was_found_are_told_of_the_pairs_in_the_file(store):
    making = make_exporting(store)
    gold = making.imported_rater()
    for tools in ((), TOOLS):
        for a, b in (("x", "y"), ("y", "z"), ("z", "x")):
            making.label(gold, making.pair("circle", a=a, b=b, tools=tools))
        pair = making.pair("edit", tools=tools)
        edited(making, pair, "a", sides(making, pair)[0], f"Write to bob@example.com {len(tools)}")
    mask = LabelRules(personal_data="mask")
    read_texts(*making.place)
    by_rules, exact = effect(*making.place, mask), estimate(*making.place, format="gemini", rules=mask)
    assert (by_rules.kept, by_rules.edited, by_rules.contradicting, by_rules.found["mail"]) == (8, 2, 6, 2)
    assert (exact.kept, exact.edited, exact.contradicting, exact.found["mail"]) == (4, 1, 3, 1)


def shares(folder) -> Share:
    rows = [
        (len(row["chosen"][0]["content"]), len(row["rejected"][0]["content"])) for row in lines(folder / "train.jsonl")
    ]
    return Share(sum(chosen > rejected for chosen, rejected in rows), len(rows))


def test_both_rows_of_an_edit_are_matched(store, tmp_path):
    making = make_exporting(store)
    for number in range(6):
        pair = making.pair(f"edit {number}", a="x" * 20, b="y" * (21 if number % 2 else 31))
        edited(making, pair, "a", sides(making, pair)[0], "z" * 25 + str(number))
    rules = LabelRules(edits="both", length_match=True)
    told = both_told(making, tmp_path, "trl", rules)
    assert effect(*making.place, rules).rows == told.rows == 6
    assert (told.longer_before, told.longer_after) == (Share(9, 12), Share(3, 6))
    assert shares(tmp_path / "out") == told.longer_after
    assert across(tmp_path / "out")["longer_chosen"]["after"] == {"part": 3, "whole": 6}


def test_of_an_edit_s_two_rows_one_alone_can_be_drawn_out(store, tmp_path):
    making = make_exporting(store)
    pair = making.pair("edit", a="x" * 20, b="y" * 200)
    edited(making, pair, "a", sides(making, pair)[0], "z" * 22)
    making.label(making.imported_rater(), making.pair("plain", a="x" * 200, b="y" * 22))
    told = both_told(making, tmp_path, "trl", LabelRules(edits="both", length_match=True))
    assert (told.kept, told.rows, told.left_out, told.longer_after) == (2, 2, {}, Share(1, 2))
    assert shares(tmp_path / "out") == Share(1, 2)


def test_a_row_of_an_edit_that_the_file_refuses_is_not_matched(store, tmp_path):
    making = make_exporting(store)
    for number, length in enumerate((20, 30)):
        # What was edited called a tool: the row against it has no column.
        pair = making.pair(f"edit {number}", a="x" * 20, b="y" * length, a_calls=CALL, tools=TOOLS)
        edited(making, pair, "a", sides(making, pair)[0], "z" * 25 + str(number))
    for rules in ({"length_match": True}, {"contradictions": "resolve"}):
        told = both_told(making, tmp_path / next(iter(rules)), "trl", LabelRules(edits="both", **rules), "parquet")
        assert (told.rows, told.longer_before, told.longer_after) == (2, Share(1, 2), Share(1, 2))
        manifest = across(tmp_path / next(iter(rules)) / "out")
        assert manifest["longer_chosen"]["before"] == {"part": 1, "whole": 2}


def test_an_edit_of_the_loser_makes_one_row(store):
    making = make_exporting(store)
    pair = making.pair("edit", a="good", b="poor")
    edited(making, pair, "a", sides(making, pair)[1], "best")
    both = LabelRules(edits="both")
    assert effect(*making.place, both).rows == estimate(*making.place, format="trl", rules=both).rows == 1


def test_a_long_reply_and_a_row_of_many_tokens_are_two_reasons(store, tmp_path):
    making = labelled(store, 10)
    gold = making.imported_rater("more")
    making.label(gold, making.pair("brief?", a="long " * 30))
    making.label(gold, making.pair("much " * 70_000, a="yes", b="no"))
    told = both_told(making, tmp_path, "openai-dpo", LabelRules(longest_reply=100))
    assert told.left_out == {"too_long": 1, "too_many_tokens": 1}
