import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from labeling.domain import Role, text_digest
from labeling.errors import InputError
from labeling.services.estimate import estimate
from labeling.services.export import export, export_again, usable
from labeling.services.export_choices import ExportChoices
from labeling.services.imports import ImportOptions, run_import
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.rule_effect import Share, Singles, effect, rater_names, read_texts
from labeling.storage import tables
from labeling.storage import vote_columns as columns
from tests.services.exporting import Exporting, edited, lines, make_exporting, sides
from tests.services.importing import pairs

REFUSAL = "I'm sorry, but I can't help with that."
MANY = frozenset({"better", "tie", "both_bad"})


def chosen_of(making: Exporting, tmp_path, rules: LabelRules) -> list[str]:
    """What an export by the rules holds as better, and that it leaves out what the effect said."""
    out = tmp_path / f"out {len(list(tmp_path.iterdir()))}"
    told = effect(*making.place, rules)
    view = export(*making.place, ExportChoices("trl", rules=rules, validation_share=0.0), out=out)
    assert (view.rows, view.left_out) == (told.rows, told.left_out)
    assert told.pairs == told.kept + sum(told.left_out.values())
    return [row["chosen"][0]["content"] for row in lines(out / "train.jsonl")]


def test_the_default_rules_count_what_the_sidebar_counts(store):
    making = make_exporting(store)
    gold = making.imported_rater()
    for pair, verdict in zip(making.pairs(5), ["a", "b", "tie", "both_bad", "a"], strict=True):
        making.label(gold, pair, verdict)
    making.pair("unlabelled")
    told = effect(*making.place)
    assert (told.pairs, told.kept, told.rows) == (6, 3, 3)
    assert told.left_out == {"no_label": 1, "tie": 1, "both_bad": 1} == usable(*making.place).left_out


def test_what_comes_later_is_taken_in(store):
    making = make_exporting(store)
    gold, judge = making.imported_rater(), making.judge("strict")
    first, second = making.pairs(2)
    assert effect(*making.place).left_out == {"no_label": 2}
    making.label(gold, first)
    assert effect(*making.place).left_out == {"no_label": 1}
    making.label(gold, first, "tie", revision=2)
    making.label(making.imported_rater("second"), making.pair("third"))
    assert effect(*making.place).left_out == {"no_label": 1, "tie": 1}
    making.judged(judge, second, "undecided")
    assert effect(*making.place).left_out == {"judge_undecided": 1, "tie": 1}
    making.change(tables.Pair, second, is_left_out=True)
    assert effect(*making.place).left_out == {"left_out": 1, "tie": 1}


def test_rows_of_an_import_that_is_still_written_are_counted_when_it_ends(store):
    making = make_exporting(store)
    gold = making.imported_rater()
    import_id = making.add(
        tables.Import, project_id=making.project_id, kind="pairs", format="pairs", file_name="f", state="writing",
        created_by=making.owner.account_id,
    )  # fmt: skip
    making.label(gold, making.pair("seen"))
    making.label(gold, making.pair("hidden", pair={"import_id": import_id}), import_id=import_id)
    assert effect(*making.place).pairs == 1
    making.change(tables.Import, import_id, state="done")
    assert (effect(*making.place).pairs, effect(*making.place).kept) == (2, 2)


def test_a_pair_stored_late_with_a_smaller_id_is_found(store):
    making = make_exporting(store)
    first, _ = making.pairs(2)
    with store.writing() as session:
        row = session.execute(tables.Pair.__table__.select().where(tables.Pair.id == first)).mappings().one()
        session.execute(tables.Pair.__table__.delete().where(tables.Pair.id == first))
    assert effect(*making.place).pairs == 1
    making.add(tables.Pair, **row)
    making.label(making.imported_rater(), first)
    assert effect(*making.place).pairs == 2
    assert effect(*making.place).kept == 1


def test_longer_replies_than_asked_for_stay_out(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    making.label(gold, making.pair("short", a="yes", b="no"))
    making.label(gold, making.pair("long", a="yes", b="n" * 50))
    assert chosen_of(making, tmp_path, LabelRules(longest_reply=49)) == ["yes"]
    assert effect(*making.place, LabelRules(longest_reply=50)).kept == 2


def test_an_edit_that_shortens_a_reply_keeps_its_row_where_the_reply_stands_in_none(store, tmp_path):
    making = make_exporting(store)
    making.change(tables.Project, making.project_id, settings=json.dumps({"edits": True}))
    making.pair("long", a="yes " * 50, b="no")
    ana = making.member("Ana")
    ((pair, left),) = making.serve_all(ana).items()
    making.says(ana, pair, "a", left, edited="yes, in short")
    for edits, left_out in (("beat_loser", {}), ("both", {"too_long": 1}), ("beat_original", {"too_long": 1})):
        assert effect(*making.place, LabelRules(longest_reply=40, edits=edits)).left_out == left_out
    assert chosen_of(making, tmp_path, LabelRules(longest_reply=40)) == ["yes, in short"]


def test_at_most_so_many_pairs_of_a_prompt_are_exported(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(5):
        making.label(gold, making.pair("one", a=f"a{number}", b=f"b{number}"))
    making.label(gold, making.pair("two"))
    rules = LabelRules(per_prompt=2)
    assert len(chosen_of(making, tmp_path, rules)) == 3
    assert effect(*making.place, rules).left_out == {"over_cap": 3}
    assert chosen_of(making, tmp_path, rules) == chosen_of(making, tmp_path, rules)
    seeds = {tuple(chosen_of(making, tmp_path, replace(rules, seed=seed))) for seed in range(6)}
    assert len(seeds) > 1


def circle(making: Exporting, *strengths: int) -> None:
    """One prompt whose replies beat each other in a circle: x over y, y over z, z over x."""
    gold = making.imported_rater()
    for (a, b), strength in zip((("x", "y"), ("y", "z"), ("z", "x")), strengths, strict=True):
        making.label(gold, making.pair("one", a=a, b=b), strength=strength)


def test_pairs_that_contradict_each_other_are_told_resolved_or_left_out(store, tmp_path):
    making = make_exporting(store)
    circle(making, 3, 1, 2)
    making.label(making.imported_rater("other"), making.pair("two"))
    assert effect(*making.place).contradicting == 3
    assert effect(*making.place).kept == 4
    assert chosen_of(making, tmp_path, LabelRules(contradictions="resolve")) == ["x", "z", "good two"]
    told = effect(*making.place, LabelRules(contradictions="leave_out"))
    assert (told.left_out, told.contradicting) == ({"contradiction": 3}, 0)


def test_matching_lengths_leaves_no_side_longer_and_tells_before_and_after(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(8):
        making.label(
            gold, making.pair(f"question {number}", a="l" * (40 + number), b="s" * 20), "a" if number < 6 else "b"
        )
    rules = LabelRules(length_match=True)
    told = effect(*making.place, rules)
    assert (told.longer_before, told.longer_after) == (Share(6, 8), Share(2, 4))
    assert told.left_out == {"length_match": 4}
    assert len(chosen_of(making, tmp_path, rules)) == 4
    (manifest,) = (json.loads(path.read_bytes()) for path in tmp_path.glob("*/manifest.json"))
    shares = {"before": {"part": 6, "whole": 8}, "after": {"part": 2, "whole": 4}}
    assert manifest["across_pairs"]["longer_chosen"] == shares
    assert manifest["strength_scale"] == {"people": [1, 2, 3], "judges": [1, 3], "tie": 0}
    assert effect(*making.place).longer_after == Share(6, 8)


def test_pairs_are_drawn_among_those_that_the_format_takes(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": "go on"},
    ]
    for number in range(6):
        making.label(gold, making.pair(f"longer {number}", a="long " * 5, b="short"))
        making.label(
            gold, making.pair("", messages=[*turns[:2], turns[2] | {"content": f"{number}"}], a="short", b="long " * 5)
        )
    for number in range(3):
        making.label(gold, making.pair(f"shorter {number}", a="short", b="long " * 5))
    rules = LabelRules(length_match=True)
    view = export(*making.place, ExportChoices("trl-standard", rules=rules, validation_share=0.0), out=tmp_path / "out")
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert sum(len(row["chosen"]) > len(row["rejected"]) for row in rows) == 3 == len(rows) / 2
    assert view.left_out == {"length_match": 3, "needs_roles": 6}
    told = json.loads((tmp_path / "out" / "manifest.json").read_bytes())["across_pairs"]["longer_chosen"]
    assert told == {"before": {"part": 6, "whole": 9}, "after": {"part": 3, "whole": 6}}
    found = estimate(*making.place, format="trl-standard", rules=rules)
    assert (found.left_out, found.longer_before, found.longer_after) == (view.left_out, Share(6, 9), Share(3, 6))


def test_a_pair_that_is_no_row_takes_no_place_of_its_prompt(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(4):
        for reply in ("said", "  "):
            making.label(gold, making.pair(f"question {number}", a="good", b=reply * (number + 1)))
    for seed in range(4):
        asked = ExportChoices("trl", rules=LabelRules(per_prompt=1, seed=seed), validation_share=0.0)
        view = export(*making.place, asked, out=tmp_path / f"out {seed}")
        assert (view.rows, view.left_out) == (4, {"empty_side": 4})


def test_refusals_are_left_out_where_chosen_or_anywhere(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    making.label(gold, making.pair("one", a=REFUSAL, b="Of course."), "a")
    making.label(gold, making.pair("two", a=REFUSAL, b="Certainly."), "b")
    making.label(gold, making.pair("three"))
    rules = LabelRules(refusals="leave_out_chosen")
    before = effect(*making.place, rules)
    assert (before.unread, before.kept) == (3, 3)
    seen = []
    read_texts(*making.place, progress=lambda done, pairs: seen.append((done, pairs)))
    assert seen == [(3, 3)]
    assert effect(*making.place, rules).unread == 0
    assert chosen_of(making, tmp_path, rules) == ["Certainly.", "good three"]
    assert chosen_of(making, tmp_path, LabelRules(refusals="leave_out")) == ["good three"]


def test_personal_data_is_counted_by_kind_left_out_or_masked(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    making.label(gold, making.pair("Write to ana@mail.example", a="Done, 4111 1111 1111 1111", b="No"))
    making.label(gold, making.pair("two", a="Call +44 20 7946 0958", b="No"))
    making.label(gold, making.pair("three"))
    masking = LabelRules(personal_data="mask")
    assert chosen_of(making, tmp_path, masking) == ["Done, [card]", "Call [phone]", "good three"]
    read_texts(*making.place)
    told = effect(*making.place, masking)
    assert told.found == {"mail": 1, "phone": 1, "card": 1, "key": 0}
    assert told.kept == 3
    leaving = LabelRules(personal_data="leave_out")
    assert chosen_of(making, tmp_path, leaving) == ["good three"]
    assert effect(*making.place, leaving).left_out == {"personal_data": 2}
    assert effect(*making.place, leaving).found == told.found
    assert effect(*making.place).found is None


def test_personal_data_is_found_wherever_a_row_would_show_it(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    writer = making.generator("one", system_prompt="Send them to help@desk.example")
    arguments = json.dumps({"to": "x\n+44 20 7946 0958"})
    call = [{"id": "c", "type": "function", "function": {"name": "call", "arguments": arguments}}]
    prompts = (
        {"messages": [{"role": "user", "name": "eve@mail.example", "content": "named"}]},
        {"messages": [{"role": "user", "content": "ring"}, {"role": "assistant", "content": None, "tool_calls": call},
                      {"role": "tool", "tool_call_id": "c", "content": "rang"}]},
        {"tools": [{"type": "function", "function": {"name": "f", "description": "Of:\n+44 20 7946 0958"}}]},
        {"a_by": writer, "b_by": writer},
    )  # fmt: skip
    for number, more in enumerate(prompts):
        making.label(gold, making.pair(f"question {number}", **more))
    making.label(gold, making.pair("nothing", a_by=writer))  # of one side alone: it does not stand in the row
    read_texts(*making.place)
    leaving = LabelRules(personal_data="leave_out")
    assert chosen_of(making, tmp_path, leaving) == ["good nothing"]
    assert effect(*making.place, leaving).found == {"mail": 2, "phone": 2, "card": 0, "key": 0}


def test_the_target_model_s_own_replies_are_counted_and_can_be_asked_for(store, tmp_path):
    making = make_exporting(store, target_model="tuned")
    own, other = making.generator("own"), making.generator("other")
    making.change(tables.Project, making.project_id, target_model="m")
    making.change(tables.Generator, other, name="other")
    foreign = making.add(
        tables.Generator, project_id=making.project_id, digest="d", base_url="sandbox", model="else", name="foreign"
    )
    gold = making.imported_rater()
    making.label(gold, making.pair("both", a_by=own, b_by=other))
    making.label(gold, making.pair("one", a_by=foreign, b_by=own))
    making.label(gold, making.pair("none", a_by=foreign, b_by=foreign, b="else"))
    told = effect(*making.place)
    assert (told.target_model, told.own_both, told.own_one) == ("m", 1, 1)
    assert chosen_of(making, tmp_path, LabelRules(on_policy="both_sides")) == ["good both"]
    assert chosen_of(making, tmp_path, LabelRules(on_policy="one_side")) == ["good both", "good one"]


def test_without_a_target_model_no_reply_is_its_own_and_no_share_is_told(store, tmp_path):
    making = make_exporting(store)
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in pairs(3)))
    run_import(*making.place, file, file.name, ImportOptions(kind="pairs", labels_as="file"))
    told = effect(*making.place)
    assert (told.kept, told.target_model, told.own_both, told.own_one) == (3, None, None, None)
    with store.reading() as session:
        read = columns.sides(session, making.project_id, None, [])
    assert [*read.a_own, *read.b_own] == [0] * 6
    out = tmp_path / "out"
    export(*making.place, ExportChoices("trl", rules=LabelRules(longest_reply=99), validation_share=0.0), out=out)
    across = json.loads((out / "manifest.json").read_bytes())["across_pairs"]
    assert (across["target_model"], across["own_replies"]) == (None, None)


def test_a_rule_about_a_target_model_that_is_not_named_says_so(store):
    making = make_exporting(store)
    with pytest.raises(InputError, match="names none"):
        effect(*making.place, LabelRules(on_policy="one_side"))


@pytest.mark.parametrize(
    ("edits", "rows"),
    [
        ("beat_loser", [("best", "poor")]),
        ("beat_original", [("best", "good")]),
        ("both", [("best", "poor"), ("best", "good")]),
        ("ignore", [("good", "poor")]),
    ],
)
def test_an_edit_beats_the_loser_its_original_or_both(store, tmp_path, edits, rows):
    making = make_exporting(store)
    pair = making.pair("one", a="good", b="poor")
    edited(making, pair, "a", sides(making, pair)[0], "best")
    rules = LabelRules(edits=edits)
    assert chosen_of(making, tmp_path, rules) == [chosen for chosen, _ in rows]
    told = effect(*making.place, rules)
    assert (told.kept, told.rows, told.edited) == (1, len(rows), int(edits != "ignore"))
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("out"))
    assert [row["rejected"][0]["content"] for row in lines(written / "train.jsonl")] == [worse for _, worse in rows]


@pytest.mark.parametrize(
    ("edits", "rejected"),
    [("beat_loser", ["bad"]), ("beat_original", ["worse"]), ("both", ["bad", "worse"]), ("ignore", None)],
)
def test_both_bad_with_an_edit_makes_rows(store, tmp_path, edits, rejected):
    making = make_exporting(store)
    pair = making.pair("one", a="bad", b="worse")
    edited(making, pair, "both_bad", sides(making, pair)[1], "best")
    rules = LabelRules(edits=edits)
    if rejected is None:
        assert effect(*making.place, rules).left_out == {"both_bad": 1}
        return
    assert chosen_of(making, tmp_path, rules) == ["best"] * len(rejected)
    written = next(path for path in tmp_path.iterdir() if path.name.startswith("out"))
    assert [row["rejected"][0]["content"] for row in lines(written / "train.jsonl")] == rejected


def test_single_completions_are_counted_once_and_conflicts_dropped(store):
    making = make_exporting(store)
    gold = making.imported_rater()
    making.label(gold, making.pair("one", a="x", b="y"), "a")
    making.label(gold, making.pair("one", a="y", b="z"), "a")  # y is undesirable above, desirable here
    making.label(gold, making.pair("two", a="p", b="q"), "both_bad")
    making.label(gold, making.pair("three", a="r", b="s"), "tie")
    told = effect(*making.place, takes=MANY)
    assert told.singles == Singles(desirable=1, undesirable=3, conflicting=1)
    assert (told.kept, told.rows, told.left_out) == (3, 4, {"tie": 1})
    told = effect(*making.place, LabelRules(ties="both_good"), takes=MANY)
    assert told.singles == Singles(desirable=3, undesirable=3, conflicting=1)
    assert told.left_out == {}


@pytest.mark.parametrize("edits", ["beat_loser", "beat_original", "both", "ignore"])
def test_single_completions_with_edits_are_counted_as_they_are_exported(store, tmp_path, edits):
    making = make_exporting(store)
    good, bad, blank = making.pair("one"), making.pair("two", a="bad", b="worse"), making.pair("three", a="x", b=" ")
    edited(making, good, "a", sides(making, good)[0], "best")
    edited(making, bad, "both_bad", sides(making, bad)[1], "better")
    rules = LabelRules(edits=edits)
    told = effect(*making.place, rules, takes=MANY)
    making.label(making.imported_rater(), blank)
    exact = estimate(*making.place, format="trl-kto", rules=rules)
    view = export(*making.place, ExportChoices("trl-kto", rules=rules, validation_share=0.0), out=tmp_path / "out")
    labels = [line["label"] for line in lines(tmp_path / "out" / "train.jsonl")]
    found = Singles(labels.count(True), labels.count(False), 0)
    assert told.singles == found == exact.singles
    assert (view.rows, view.left_out) == (exact.rows, exact.left_out) == (len(labels), {"empty_side": 1})


def test_a_completion_is_one_row_whatever_system_prompt_its_pairs_have_in_common(store, tmp_path):
    making = make_exporting(store)
    gold, brief, free = making.imported_rater(), making.generator("brief", "Be brief."), making.generator("free")
    making.label(gold, making.pair("one", a="first", b="second", a_by=brief, b_by=brief))
    with store.reading() as session:
        first, second = session.scalars(select(tables.Completion.id).order_by(tables.Completion.id))
        prompt = session.scalars(select(tables.Completion.prompt_id)).first()
    third = making.completion(prompt, "third", free)
    for one, verdict in ((first, "a"), (second, "a")):
        digest = text_digest("first" if one == first else "second")
        pair = making.add(
            tables.Pair, project_id=making.project_id, prompt_id=prompt, a_id=one, b_id=third, a_digest=digest, b_digest=text_digest("third")
        )  # fmt: skip
        making.label(gold, pair, verdict)
    told = effect(*making.place, takes=MANY)
    view = export(*making.place, ExportChoices("trl-kto", validation_share=0.0), out=tmp_path / "out")
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert [(row["completion"][0]["content"], row["label"]) for row in rows] == [("first", True), ("third", False)]
    assert told.singles == Singles(1, 1, 1)
    assert view.rows == told.rows == estimate(*making.place, format="trl-kto").rows == 2


def test_an_estimate_counts_the_rows_that_are_written(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    for pair in (making.pair("one"), making.pair("turns", messages=turns)):
        edited(making, pair, "a", sides(making, pair)[0], f"best {pair}")
    for worse in "xyz":
        making.label(gold, making.pair("same", a="good", b=worse))
    both = LabelRules(edits="both")
    assert estimate(*making.place, format="trl-standard", rules=both).rows == 2 + 3
    assert export(*making.place, ExportChoices("trl-standard", rules=both), out=tmp_path / "out").rows == 2 + 3
    assert estimate(*making.place, format="trl-kto").singles == Singles(3, 5, 0)


def test_people_and_weights_are_chosen_by_name(store):
    making = make_exporting(store, overlap=3)
    (pair,) = making.pairs(1)
    for name, verdict in (("Ana", "a"), ("Ben", "b"), ("Chidi", "b")):
        annotator = making.member(name, Role.ANNOTATOR)
        making.says(annotator, pair, verdict, making.serve_all(annotator)[pair])
    assert effect(*making.place).kept == 1
    assert effect(*making.place, LabelRules(people=("Ana", "Ben"))).left_out == {"annotators_differ": 1}
    weighted = LabelRules(agreement="weighted", weights=(("Ana", 2.0),))
    assert effect(*making.place, weighted).left_out == {"annotators_differ": 1}


def test_rounds_are_chosen_by_name(store, tmp_path):
    making = make_exporting(store)
    (pair,) = making.pairs(1)
    annotator = making.member("Ana", Role.ANNOTATOR)
    making.says(annotator, pair, "a", making.serve_all(annotator)[pair])
    assert len(chosen_of(making, tmp_path, LabelRules(only_rounds=("work",)))) == 1
    assert effect(*making.place, LabelRules(only_rounds=("second",))).left_out == {"not_counted": 1}
    assert effect(*making.place).kept == 1
    assert rater_names(*making.place) == {"people": ["Ana"], "judges": [], "rule_raters": [], "only_rounds": ["work"]}


def test_the_default_rules_are_stored_with_an_export_and_read_back(store, tmp_path):
    making = make_exporting(store)
    making.label(making.imported_rater(), making.pair("one"))
    view = export(*making.place, ExportChoices("trl", validation_share=0.0), out=tmp_path / "out")
    assert view.rules == DEFAULT_RULES.as_dict()
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["label_rules"]["version"] == 1


def test_an_export_made_again_draws_the_same_lots_as_data_grows(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(6):
        making.label(gold, making.pair("one", a=f"a{number}", b=f"b{number}"))
    rules = LabelRules(per_prompt=3, contradictions="resolve")
    view = export(*making.place, ExportChoices("trl", rules=rules, validation_share=0.0), out=tmp_path / "first")
    for number in range(6, 12):
        making.label(gold, making.pair("one", a=f"a{number}", b=f"b{number}"))
    export_again(*making.place, view.id, out=tmp_path / "again")
    assert (tmp_path / "first" / "train.jsonl").read_bytes() == (tmp_path / "again" / "train.jsonl").read_bytes()
