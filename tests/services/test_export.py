import json

import pytest

from labeling.domain import Role
from labeling.errors import ExportError, ForbiddenError, InputError, NotFoundError
from labeling.services import export as service
from labeling.services.export import counted, export, preview, usable
from labeling.services.export_choices import ExportChoices
from labeling.services.export_files import export_file
from labeling.services.export_list import export_view, exports
from labeling.services.label_rules import LabelRules
from labeling.storage import tables
from tests.services.exporting import done, labelled, lines, make_exporting, one_edited


def test_every_pair_is_counted_once_with_its_reason(store):
    making = make_exporting(store)
    gold, judge = making.imported_rater(), making.judge("strict")
    pairs = making.pairs(8)
    making.label(gold, pairs[0], "a")
    making.label(gold, pairs[1], "tie")
    making.label(gold, pairs[2], "both_bad")
    label = making.label(judge, pairs[3], "b")
    making.judged(judge, pairs[3], "decided", label)
    making.judged(judge, pairs[4], "undecided")
    making.judged(judge, pairs[5], "unreadable")
    making.label(gold, pairs[6], None, action="skip")
    found = usable(*making.place)
    assert (found.pairs, found.rows) == (8, 2)
    assert found.left_out == {
        "tie": 1, "both_bad": 1, "judge_undecided": 1, "judge_unreadable": 1, "only_skipped": 1, "no_label": 1,
    }  # fmt: skip


def test_people_s_labels_come_from_the_real_label_service(store, tmp_path):
    making = make_exporting(store, overlap=2)
    pairs = making.pairs(3)
    ana, ben = making.member("Ana"), making.member("Ben")
    for actor, verdicts in ((ana, ["a", "b", "a"]), (ben, ["a", "b", "b"])):
        left = making.serve_all(actor)
        for pair, verdict in zip(pairs, verdicts, strict=True):
            making.says(actor, pair, verdict, left[pair])
    assert usable(*making.place).left_out == {"annotators_differ": 1}
    view = done(making, tmp_path)
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert [row["chosen"][0]["content"] for row in rows] == ["good question 0", "a poor reply to question 1"]
    assert {tuple(row["raters"]) for row in lines(tmp_path / "out" / "provenance.jsonl")} == {("Ana", "Ben")}
    assert view.rows == 2


@pytest.mark.parametrize("format", ["trl", "trl-kto", "votes"])
def test_an_annotator_and_a_file_s_rater_of_one_name_are_two_raters(store, tmp_path, format):
    making = make_exporting(store)
    pairs = making.pairs(3)
    ana, gold = making.member("Ana"), making.imported_rater("Ana")
    left = making.serve_all(ana)
    making.says(ana, pairs[0], "a", left[pairs[0]])
    for pair in pairs[1:]:
        making.label(gold, pair)
    asked = {} if format == "votes" else {"rules": LabelRules(who="all")}
    done(making, tmp_path, format=format, **asked)
    assert "2 raters" in (tmp_path / "out" / "README.md").read_text()


def test_an_edit_beats_the_loser(store, tmp_path):
    making, _ = one_edited(store)
    done(making, tmp_path)
    (row,) = lines(tmp_path / "out" / "train.jsonl")
    (origin,) = lines(tmp_path / "out" / "provenance.jsonl")
    assert row["chosen"][0]["content"] == "the best of all replies"
    assert row["rejected"][0]["content"] == "a poor reply to question 0"
    assert origin["chosen_by"] == "edit by Ana"
    (row,) = preview(*making.place, format="trl", rules=LabelRules(edits="ignore"))
    assert row.chosen == "good question 0"


def test_the_folder_the_list_and_the_manifest_say_the_same(store, tmp_path):
    making = labelled(store, 40)
    making.pair("unlabelled")
    view = done(making, tmp_path, format="openai-dpo", validation_share=0.4, seed=3)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert view.state == "done"
    assert (view.pairs, view.rows, view.left_out) == (41, 40, {"no_label": 1})
    assert manifest["pairs"] == manifest["rows"] + sum(manifest["left_out"].values()) == 41
    assert manifest["label_seq"] == view.label_seq == 40
    assert manifest["label_rules"] == view.rules == LabelRules().as_dict()
    assert manifest["split"]["seed"] == view.seed == 3
    assert {file.name: file.sha256 for file in view.files} == {
        file["name"]: file["sha256"] for file in manifest["files"]
    }
    assert view.train_rows + view.validation_rows == 40
    assert view.validation_rows >= 10
    assert [one.id for one in exports(*making.place)] == [view.id]


def test_the_same_state_rules_and_seed_give_the_same_bytes(store, tmp_path):
    making = labelled(store, 40)
    for name in ("one", "two"):
        done(making, tmp_path, out=tmp_path / name, format="openai-dpo", validation_share=0.4)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_no_prompt_is_in_both_files_and_the_split_stays_as_data_grows(store, tmp_path):
    making = labelled(store, 40)
    gold = making.imported_rater("second")
    for number in range(40):
        making.label(gold, making.pair(f"question {number}", a=f"other {number}", b=f"worse {number}"))

    def validation(name: str) -> set[str]:
        done(making, tmp_path, out=tmp_path / name, validation_share=0.4)
        sides = [
            {row["prompt"][0]["content"] for row in lines(tmp_path / name / f"{part}.jsonl")}
            for part in ("train", "validation")
        ]
        assert not sides[0] & sides[1]
        return sides[1]

    before = validation("before")
    for number in range(40, 60):
        making.label(gold, making.pair(f"question {number}"))
    assert before <= validation("after")
    assert len(before) >= 5


def test_prompts_of_one_group_stay_together(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(80):
        making.label(gold, making.pair(f"question {number}", prompt={"group_key": f"talk {number % 20}"}))
    done(making, tmp_path, validation_share=0.4)
    origins = lines(tmp_path / "out" / "provenance.jsonl")
    sides = [{row["prompt"] for row in origins if row["split"] == split} for split in ("train", "validation")]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 20


def test_below_ten_validation_rows_there_is_no_validation_file_and_the_list_says_so(store, tmp_path):
    making = labelled(store, 20)
    view = done(making, tmp_path, validation_share=0.1)
    assert "fewer than 10" in view.note
    assert (view.train_rows, view.validation_rows) == (20, 0)


def system_of(tmp_path) -> list[object]:
    rows = lines(tmp_path / "out" / "train.jsonl")
    return [row["prompt"][0]["content"] if row["prompt"][0]["role"] == "system" else None for row in rows]


def test_a_system_prompt_common_to_both_sides_is_exported_and_differing_ones_are_not(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    brief, again = making.generator("brief", "Be brief."), making.generator("again", "Be brief.")
    other, none = making.generator("other", "Be long."), making.generator("none")
    asked = ({"role": "system", "content": "Speak Dutch."}, {"role": "user", "content": "own"})
    for pair in (
        making.pair("common", a_by=brief, b_by=again),
        making.pair("differing", a_by=brief, b_by=other),
        making.pair("one side", a_by=brief, b_by=none),
        making.pair("imported", a_by=brief),
        making.pair("own", messages=asked, a_by=brief, b_by=again),
    ):
        making.label(gold, pair)
    done(making, tmp_path)
    assert system_of(tmp_path) == ["Be brief.", None, None, None, "Be brief.\n\nSpeak Dutch."]
    assert next(row["chosen_by"] for row in lines(tmp_path / "out" / "provenance.jsonl")) == "brief"


def test_one_fixed_system_prompt_takes_the_place_of_the_generators_own(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    brief = making.generator("brief", "Be brief.")
    for pair in (making.pair("common", a_by=brief, b_by=brief), making.pair("plain")):
        making.label(gold, pair)
    view = done(making, tmp_path, system_prompt="You work for the library.")
    assert system_of(tmp_path) == ["You work for the library."] * 2
    assert view.system_prompt == "You work for the library."
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["system_prompt"] == view.system_prompt


def test_what_the_sandbox_wrote_or_judged_is_marked(store, tmp_path):
    making = make_exporting(store)
    judge, gold = making.judge("toy", is_sandbox=True), making.imported_rater()
    pairs = making.pairs(3)
    with store.reading() as session:
        side = session.get_one(tables.Pair, pairs[0]).a_id
    making.change(tables.Completion, side, is_sandbox=True)
    making.label(gold, pairs[0])
    making.judged(judge, pairs[1], "decided", making.label(judge, pairs[1]))
    making.label(gold, pairs[2])
    view = done(making, tmp_path)
    assert view.sandbox == {"chosen": 1, "judge": 1, "rows": 2}
    assert json.loads((tmp_path / "out" / "manifest.json").read_bytes())["sandbox"] == view.sandbox
    assert [row["sandbox"] for row in lines(tmp_path / "out" / "provenance.jsonl")] == [["chosen"], ["judge"], []]


def test_who_wrote_what_is_told_the_same_beside_completions_from_elsewhere(store, tmp_path):
    making = make_exporting(store)
    gold, toy = making.imported_rater(), making.generator("toy", "Be brief.")
    for pair in making.pairs(3, a_by=toy, b_by=toy):
        making.label(gold, pair)
    alone = done(making, tmp_path, out=tmp_path / "alone")
    making.label(gold, making.pair("from a file", a_by=toy))
    done(making, tmp_path, out=tmp_path / "beside")
    for name in ("train.jsonl", "provenance.jsonl"):
        assert lines(tmp_path / "beside" / name)[: alone.rows] == lines(tmp_path / "alone" / name)
    writers = [(row["chosen_by"], row["rejected_by"]) for row in lines(tmp_path / "beside" / "provenance.jsonl")]
    assert writers[: alone.rows] == [("toy", "toy")] * 3
    assert writers[-1][0] == "toy"
    assert writers[-1][1].startswith("file ")
    roles = [[message["role"] for message in row["prompt"]] for row in lines(tmp_path / "beside" / "train.jsonl")]
    assert roles == [["system", "user"]] * 3 + [["user"]]


def test_rows_of_an_import_that_is_being_written_are_invisible(store, tmp_path):
    making = labelled(store, 3)
    file = making.add(
        tables.Import, project_id=making.project_id, kind="pairs", format="trl", file_name="x.jsonl", state="writing",
        created_by=making.owner.account_id,
    )  # fmt: skip
    hidden = making.pair("hidden", pair={"import_id": file})
    making.label(making.imported_rater("file"), hidden, import_id=file)
    assert usable(*making.place).pairs == 3
    assert done(making, tmp_path).pairs == 3
    making.change(tables.Import, file, state="done")
    assert usable(*making.place).rows == 4


def test_prompts_reserved_for_evaluation_are_never_exported(store, tmp_path):
    making = labelled(store, 3)
    gold = making.imported_rater("more")
    making.label(gold, making.pair("secret", prompt={"is_reserved": True}))
    view = done(making, tmp_path)
    assert view.left_out == {"reserved": 1}
    assert b"secret" not in (tmp_path / "out" / "train.jsonl").read_bytes()


def test_what_a_format_refuses_is_counted_with_its_reason(store, tmp_path):
    making = labelled(store, 3)
    gold = making.imported_rater("more")
    turns = (
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "?"},
    )
    making.label(gold, making.pair("turns", messages=turns))
    making.label(gold, making.pair("empty", b=" "))
    expected = {"needs_roles": 1, "empty_side": 1}
    assert counted(*making.place, format="trl-standard").left_out == expected
    view = done(making, tmp_path, format="trl-standard")
    assert (view.rows, view.left_out) == (3, expected)


def test_rows_with_tools_stand_first(store, tmp_path):
    making = labelled(store, 5)
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    making.label(making.imported_rater("more"), making.pair("Oslo", tools=(tool,)))
    view = done(making, tmp_path)
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert view.rows == len(rows) == 6
    assert [("tools" in row) for row in rows] == [True] + [False] * 5


def test_a_prompt_that_only_speaks_of_tools_does_not_stand_first(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    asked = ["Oslo", "Tool calls, what are they?", "tool-calls?", "Name", "name"]
    for text in asked:
        making.label(gold, making.pair(text))
    done(making, tmp_path)
    assert [row["prompt"][0]["content"] for row in lines(tmp_path / "out" / "train.jsonl")] == asked


def test_the_preview_shows_three_rows_as_they_are_written(store, tmp_path):
    making = labelled(store, 12)
    rows = preview(*making.place, format="openai-dpo")
    done(making, tmp_path, format="openai-dpo")
    assert [json.loads(row.record) for row in rows] == lines(tmp_path / "out" / "train.jsonl")[:3]
    assert rows[0].decided_by == "gold"
    assert rows[0].prompt == "question 0"


def test_progress_ends_with_every_pair_looked_at(store, tmp_path):
    making = labelled(store, 12)
    seen: list[tuple[int, int]] = []
    done(making, tmp_path, progress=lambda looked, pairs: seen.append((looked, pairs)))
    assert seen[-1] == (12, 12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "jsonl"}, "openai-dpo, azure-dpo"),
        ({"format": "trl", "has_mark": True}, "azure-dpo may have one"),
        ({"validation_share": 1.0}, "below 1"),
        ({"validation_share": -0.1}, "0 or more"),
        ({"system_prompt": "  "}, "empty"),
        ({"system_prompt": "Be\0brief."}, "NUL"),
        ({"licence": "yes"}, "no licence's short name"),
        ({"licence": "1.0"}, "no licence's short name"),
        ({"licence": "mit\nconfigs: []"}, "no licence's short name"),
        ({"system_prompt": "To ana@mail.example", "rules": LabelRules(personal_data="leave_out")}, "personal data"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_written(store, tmp_path, options, words):
    making = labelled(store, 12)
    with pytest.raises(InputError, match=words):
        done(making, tmp_path, **options)
    assert exports(*making.place) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("ties", "desirable", "left_out"), [("say_nothing", 11, {"tie": 1}), ("both_good", 13, {})])
def test_single_completions_come_of_both_bad_too_and_of_ties_where_the_rules_say_so(
    store, tmp_path, ties, desirable, left_out
):
    making = labelled(store, 11)
    gold = making.imported_rater("crowd")
    making.label(gold, making.pair("no good"), "both_bad")
    making.label(gold, making.pair("all good"), "tie")
    view = done(making, tmp_path, format="trl-kto", rules=LabelRules(ties=ties), validation_share=0)
    told = [line["label"] for line in lines(tmp_path / "out" / "train.jsonl")]
    assert (told.count(True), told.count(False)) == (desirable, 13)
    assert (view.pairs, view.left_out) == (13, left_out)
    origins = lines(tmp_path / "out" / "provenance.jsonl")
    assert all(origin["raters"] and origin["labels"] for origin in origins)
    found = counted(*making.place, format="trl-kto", rules=LabelRules(ties=ties))
    assert found.left_out == left_out


def test_a_margin_is_what_the_raters_gave_and_pairs_without_one_are_left_out(store, tmp_path):
    making = labelled(store, 1)
    gold = making.imported_rater("crowd")
    making.label(gold, making.pair("a clear case"), "b", strength=3)
    view = done(making, tmp_path, format="trl-reward", validation_share=0)
    assert [line["margin"] for line in lines(tmp_path / "out" / "train.jsonl")] == [3.0]
    assert view.left_out == {"no_strength": 1}


def test_a_pair_whose_strengths_speak_against_its_majority_has_no_margin(store, tmp_path):
    making = make_exporting(store)
    torn, clear = making.pair("torn"), making.pair("clear")
    raters = [making.imported_rater(name) for name in ("one", "two", "three")]
    for rater, verdict, strength in zip(raters, "aab", (1, 1, 3), strict=True):
        making.label(rater, torn, verdict, strength=strength)
        making.label(rater, clear, verdict, strength=2)
    view = done(making, tmp_path, format="trl-reward")
    assert [line["margin"] for line in lines(tmp_path / "out" / "train.jsonl")] == [0.667]
    assert view.left_out == {"opposed_strength": 1}


def test_a_side_that_always_wins_is_told_of_the_labels_that_the_rows_rest_on(store, tmp_path):
    making = make_exporting(store, overlap=3)
    gold, people = making.imported_rater(), [making.member(name) for name in ("Ana", "Ben", "Cem")]
    for pair in making.pairs(20):
        making.label(gold, pair)
    for person in people:
        left = making.serve_all(person)
        for number, (pair, side) in enumerate(left.items()):
            other = "b" if side == "a" else "a"
            said = {"Ana": side, "Ben": other, "Cem": (side, other)[number % 2]}[person.name]
            making.says(person, pair, said, side)
    told = {}
    for name in ("Ana", "Ben", "Cem", "gold"):
        view = done(making, tmp_path, rules=LabelRules(people=(name,)), out=tmp_path / name)
        told[name] = [warning for warning in view.warnings if "side that stood" in warning]
    assert "stood left was preferred in 20 of 20 labels" in told["Ana"][0]
    assert "stood right was preferred in 20 of 20 labels" in told["Ben"][0]
    assert told["Cem"] == told["gold"] == []


def test_provenance_tells_how_far_the_raters_of_a_row_agree(store, tmp_path):
    making = labelled(store, 12)
    raters = [making.imported_rater(name) for name in ("one", "two", "three")]
    pair = making.pair("in doubt")
    for rater, verdict in zip(raters, "aab", strict=True):
        making.label(rater, pair, verdict)
    done(making, tmp_path, format="trl", validation_share=0, licence="cc-by-4.0")
    told = {row["pair"]: row["agreed"] for row in lines(tmp_path / "out" / "provenance.jsonl")}
    assert told.pop(pair) == 0.667
    assert set(told.values()) == {1.0}
    assert "license: cc-by-4.0" in (tmp_path / "out" / "README.md").read_text()


def test_nothing_to_export_says_what_is_missing(store, tmp_path):
    making = make_exporting(store)
    with pytest.raises(ExportError, match="There are no pairs"):
        done(making, tmp_path)
    making.pairs(2)
    with pytest.raises(ExportError, match=r"None of 2 pairs makes a row \(no label 2\)"):
        done(making, tmp_path)


def test_the_rights_are_checked(store, tmp_path):
    making = labelled(store, 12)
    annotator, stranger = making.member("Ana"), making.member("Ben", Role.LEAD)
    assert usable(store, annotator, making.slug).rows == 12
    view = done(making, tmp_path)
    for call in (
        lambda: export(store, annotator, making.slug, ExportChoices("trl")),
        lambda: preview(store, annotator, making.slug, format="trl"),
        lambda: counted(store, annotator, making.slug, format="trl"),
        lambda: exports(store, annotator, making.slug),
        lambda: export_file(store, annotator, making.slug, view.id, "train.jsonl"),
    ):
        with pytest.raises(ForbiddenError):
            call()
    assert export_view(store, stranger, making.slug, view.id) == view
    with pytest.raises(NotFoundError):
        usable(store, stranger, "elsewhere")


def test_a_slow_count_is_told_again_for_a_while(store, monkeypatch):
    monkeypatch.setattr(service, "SLOW_SECONDS", -1)
    monkeypatch.setattr(service, "KEPT_FOR", 1_000_000)
    making = labelled(store, 3)
    assert usable(*making.place).rows == 3
    making.label(making.imported_rater("more"), making.pair("new"))
    assert usable(*making.place).rows == 3
    service._kept.clear()
    assert usable(*making.place).rows == 4


def test_other_projects_pairs_in_between_do_not_mix(store, tmp_path):
    first, second = make_exporting(store, name="First"), make_exporting(store, name="Second")
    golds = first.imported_rater(), second.imported_rater()
    for number in range(6):
        for making, gold, verdict in ((first, golds[0], "a"), (second, golds[1], "tie")):
            making.label(gold, making.pair(f"question {number}"), verdict)
    assert usable(*first.place).rows == 6
    assert usable(*second.place).left_out == {"tie": 6}
    assert done(first, tmp_path).rows == 6


def test_more_pairs_than_a_chunk_come_out_in_order(store, tmp_path, monkeypatch):
    monkeypatch.setattr("labeling.services.deciding.CHUNK", 7)
    monkeypatch.setattr("labeling.services.export_rows.TEXT_CHUNK", 3)
    making = labelled(store, 30)
    view = done(making, tmp_path)
    assert view.rows == 30
    pairs = [row["pair"] for row in lines(tmp_path / "out" / "provenance.jsonl")]
    assert pairs == sorted(pairs)


def test_services_own_check_and_datasets_take_what_is_exported(store, tmp_path, together_check_file, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    making = labelled(store, 60)
    view = done(making, tmp_path, format="openai-dpo", validation_share=0.3)
    for name, rows in (("train", view.train_rows), ("validation", view.validation_rows)):
        path = tmp_path / "out" / f"{name}.jsonl"
        assert together_check_file(path)["is_check_passed"]
        assert load_dataset("json", data_files=str(path), cache_dir=str(tmp_path / "cache"))["train"].num_rows == rows


def test_a_voided_label_brings_the_pair_back_to_the_queue_of_reasons(store):
    making = labelled(store, 1)
    with store.reading() as session:
        (label,) = session.execute(tables.Label.__table__.select())
    making.label(label.rater_id, label.pair_id, None, action="void", revision=2)
    assert usable(*making.place).left_out == {"no_label": 1}
