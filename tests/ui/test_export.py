import json
from contextlib import contextmanager
from html import unescape

import pytest

from labeling.services.export_choices import ExportChoices
from labeling.services.export_list import exports
from labeling.services.label_rules import LabelRules
from labeling.services.reserving import reserve
from labeling.storage import tables
from labeling.ui import building
from labeling.ui.context import Here
from labeling.ui.rule_words import LABELS, in_words
from tests.services.exporting import done, labelled, lines, make_exporting
from tests.ui.exporting import build, opening, table
from tests.ui.opening import button, run, run_to_end, texts


@pytest.fixture
def opened(sqlite_store_url, monkeypatch, tmp_path):
    return opening(sqlite_store_url, monkeypatch, tmp_path)


def labels(page) -> list[str]:
    return [one.proto.label for one in page.get("download_button") if "row" in one.proto.label]


@pytest.fixture
def held(sqlite_store, monkeypatch):
    """While it is entered no export can begin; it waits for its turn, however slow the machine is."""
    monkeypatch.setattr("labeling.storage.store.BUSY_SECONDS", 600)

    @contextmanager
    def holding():
        with sqlite_store.writing() as session:
            session.connection()
            yield

    return holding


def downloads(page) -> list[str]:
    """Those of exports, in the head and in the list."""
    buttons = [one.proto.label for one in page.get("download_button")]
    return [label for label in buttons if label.startswith(("Download 12", "Download No."))]


def test_without_pairs_the_page_sends_to_the_import(sqlite_store, opened):
    page = opened(make_exporting(sqlite_store))
    assert button(page, "Import prompts")


def test_every_pair_is_counted_once_with_what_would_bring_it_in(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    making.pair("unlabelled")
    making.label(making.imported_rater("more"), making.pair("even"), "tie")
    page = opened(making)
    assert "Usable rows: 12 of 14" in texts(page)
    shown = table(page)
    assert dict(zip(shown["Pairs"], shown["n"], strict=True)) == {"In the file": 12, "No label": 1, "Tie": 1}
    assert sum(shown["n"]) == 14
    assert "- No label: Label them, or let a judge read them" in texts(page)


def test_a_build_ends_in_a_checked_download(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    page = opened(making)
    assert labels(page) == []
    page = build(page)
    assert labels(page) == ["Download 12 rows"]
    assert "Every line is" in texts(page)
    (view,) = exports(*making.place)
    assert len(lines(view.folder / "train.jsonl")) == 12


def test_a_label_that_comes_later_takes_the_download_away(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    page = build(opened(making))
    making.label(making.imported_rater("more"), making.pair("new"))
    assert labels(run(page)) == []
    assert button(page, "Build 13 rows")


@pytest.mark.parametrize("format", ["openai-dpo", "votes"])
def test_an_export_that_was_edited_is_offered_for_no_download_and_told(sqlite_store, opened, held, format):
    making = labelled(sqlite_store, 12)
    page = build(select(opened(making), "Format", format))
    (view,) = exports(*making.place)
    assert len(downloads(page)) == 2
    (view.folder / "README.md").write_text("# Our pairs")
    assert "README.md was edited after the export. It is downloaded and sent as it stands." in texts(run(page))
    assert len(downloads(page)) == 2
    manifest = view.folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("12", "13"))
    told = unescape(texts(run(page)))
    assert told.count(f"No. {view.id} is not handed out any more:") == 2
    assert "manifest.json is not what was exported any more" in told
    assert downloads(page) == []
    assert button(page, "Build 12")
    manifest.unlink()
    assert "manifest.json is gone" in unescape(texts(run(page)))
    with held():
        button(page, "Build 12").click()
        assert texts(run(page)).count("is not handed out any more:") == 1
    assert "is not handed out any more:" not in texts(run_to_end(page))


def test_another_choice_asks_for_another_build(sqlite_store, opened):
    page = build(opened(labelled(sqlite_store, 12)))
    page.selectbox[0].select("trl")
    run(page)
    assert labels(page) == []
    assert button(page, "Build 12 rows")


def test_too_few_rows_for_a_service_are_told_before_the_build(sqlite_store, opened):
    page = opened(labelled(sqlite_store, 7))
    assert button(page, "Build 7 rows").disabled
    assert "3 more are needed. Import or generate more pairs." in texts(page)


def test_pairs_without_a_label_are_where_lacking_rows_come_from(sqlite_store, opened):
    making = labelled(sqlite_store, 7)
    for number in range(3):
        making.pair(f"unlabelled {number}")
    assert "3 more to label" in texts(opened(making))


def test_rules_that_leave_no_pair_are_told_as_the_cause(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    making.pair("unlabelled")
    page = opened(making, **{f"rules/{making.slug}/kept": LabelRules(least_labels=9)})
    assert "The label rules leave out all 12 labelled pairs, most as “Too few labels”." in texts(page)
    assert "to label." not in texts(page)


def test_a_small_validation_share_says_that_there_will_be_no_file(sqlite_store, opened):
    page = opened(labelled(sqlite_store, 30))
    assert "about 3 rows. Below 10 there is no validation file" in texts(page)
    page = build(page)
    assert "No validation file" in texts(page)


def test_the_first_three_rows_are_shown_as_they_are_written(sqlite_store, opened):
    page = opened(labelled(sqlite_store, 12))
    shown = table(page, 1)
    assert shown["Prompt"] == ["question 0", "question 1", "question 2"]
    assert json.loads(page.code[0].value)["input"]["messages"][0]["content"] == "question 0"


def test_a_system_prompt_for_every_row_stands_in_the_preview(sqlite_store, opened):
    page = opened(labelled(sqlite_store, 12))
    page.text_area[0].input("You work for the library.")
    run(page)
    assert json.loads(page.code[0].value)["input"]["messages"][0]["role"] == "system"


def test_what_plain_strings_cannot_hold_is_counted_for_that_format(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    turns = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    making.label(making.imported_rater("more"), making.pair("turns", messages=turns))
    page = opened(making)
    page.selectbox[0].select("trl-standard")
    run(page)
    assert "Plain strings hold one user message" in table(page)["Pairs"]


def test_a_model_s_text_is_never_read_as_markdown(sqlite_store, opened):
    making = make_exporting(sqlite_store)
    hostile = "![x](https://example.org/x.png) :red[shout] <script>alert(1)</script>"
    making.label(making.imported_rater(":red[rater]"), making.pair(hostile, a=hostile + " a", b=hostile + " b"))
    page = opened(making)
    assert "shout" not in texts(page)
    assert table(page, 1)["Prompt"] == [hostile]


def test_a_fault_of_the_disk_is_one_sentence_on_the_page(sqlite_store, opened, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    page = build(opened(labelled(sqlite_store, 12)))
    assert len(page.error) == 1
    assert labels(page) == []


def test_one_export_at_a_time_is_built_for_a_project(sqlite_store, tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", str(tmp_path / "data"))
    making = labelled(sqlite_store, 12)
    me = Here(making.store, making.owner, making.slug)
    first = building.build(me, ExportChoices("trl"))
    assert building.build(me, ExportChoices("trl")) is first or first.is_over
    first.thread.join()
    taken = building.take(me)
    assert taken is not None
    assert building.take(me) is None


def test_an_export_of_which_all_is_counted_is_not_said_to_be_stopped(sqlite_store, tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", str(tmp_path / "data"))
    making = labelled(sqlite_store, 12)
    me = Here(making.store, making.owner, making.slug)
    going = building.build(me, ExportChoices("trl"))
    going.thread.join()
    going.stop()
    assert (going.can_stop, going.is_stopped) == (False, False)
    assert building.take(me) is going


def select(page, label: str, value):
    next(one for one in page.selectbox if one.label == label).select(value)
    return run(page)


def test_votes_are_built_without_label_rules(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    more = making.imported_rater("more")
    making.label(more, making.pair("even"), "tie")
    page = select(opened(making), "Format", "votes")
    assert "Whose labels count" not in [one.label for one in page.selectbox]
    assert table(page)["Labels"] == [13]
    button(page, "Build 13 labels")
    build(page)
    (view,) = exports(*making.place)
    assert (view.rows, view.file_type) == (13, "csv")
    making.label(more, making.pair("later"))
    run(page)
    assert button(page, "Build 14 labels")


@pytest.mark.parametrize("format", ["openai-dpo", "votes"])
def test_an_export_that_is_stopped_is_told_as_stopped_and_leaves_nothing(sqlite_store, opened, held, tmp_path, format):
    making = labelled(sqlite_store, 12)
    page = select(opened(making), "Format", format)
    with held():
        button(page, "Build 12").click()
        run(page)
        button(page, "Stop").click()
        run(page)
        assert "Stopping" in [bar.proto.text.split(" · ")[0] for bar in page.get("progress")]
    for going in list(building._buildings.values()):
        going.thread.join()
    run(page)
    assert "The export was stopped: nothing of it is kept." in texts(page)
    assert not page.error
    shown = table(page, len(page.dataframe) - 1)
    assert (shown["State"], shown["No."]) == (["Removed"], ["1"])
    assert "No. 1: The export was stopped: nothing of it is kept." in unescape(texts(page))
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    run(page)
    assert not page.error
    build(page)
    assert [view.state for view in exports(*making.place)] == ["done", "removed"]


@pytest.mark.parametrize(("kind", "asked", "kept"), [("Rows", 15, (15, 0.0)), ("Share", 15.3, (None, 0.153))])
def test_a_licence_and_any_number_or_share_of_validation_rows_are_asked_for(sqlite_store, opened, kind, asked, kept):
    making = labelled(sqlite_store, 40)
    page = opened(making)
    page.segmented_control[0].select(kind)
    run(page)
    next(one for one in page.number_input if one.label.startswith("Validation")).set_value(asked)
    select(page, "Licence of the data", "cc-by-4.0")
    build(page)
    (view,) = exports(*making.place)
    assert (view.asked_validation_rows, view.validation_share, view.licence) == (*kept, "cc-by-4.0")
    assert view.validation_rows >= (kept[0] or 0)
    assert labels(page) == ["Download 40 rows"]


def test_the_usual_number_of_validation_rows_fits_the_project_and_more_than_there_are_is_told_before_the_build(
    sqlite_store, opened
):
    page = opened(labelled(sqlite_store, 40))
    page.segmented_control[0].select("Rows")
    run(page)
    (asked,) = [one for one in page.number_input if one.label.startswith("Validation")]
    assert asked.value == 10
    assert not button(page, "Build 40 rows").disabled
    asked.set_value(40)
    run(page)
    assert "40 rows are asked for validation, and there are 40: none is left to train on" in texts(page)
    assert button(page, "Build 40 rows").disabled


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        ("Rows", 5, "5 validation rows say nothing; ask for 10 or more."),
        ("Share", 100, "below 1, such as 0.1, which is 10 %"),
    ],
)
def test_a_validation_file_that_cannot_be_is_told_and_no_other_is_built(sqlite_store, opened, kind, asked, told):
    page = opened(labelled(sqlite_store, 40))
    page.segmented_control[0].select(kind)
    run(page)
    (field,) = [one for one in page.number_input if one.label.startswith("Validation")]
    field.set_value(asked)
    run(page)
    assert told in unescape(texts(page))
    assert button(page, "Build 40 rows").disabled
    assert (field.proto.has_min, field.proto.has_max) == (False, False)  # beyond them the field would tell nobody


def test_an_export_is_made_again_and_compared_with_a_later_one(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    more, pair = making.imported_rater("more"), making.pair("new")
    page = build(opened(making))
    making.label(more, pair)
    page = build(run(page))
    button(page, "Make again").click()
    told = texts(run(page))
    for going in list(building._buildings.values()):
        going.thread.join()
    told += texts(run(page))
    newest, second, first = exports(*making.place)
    assert f"Export {second.id} is made again as {newest.id}: the same bytes" in told
    assert f"the same bytes as No. {second.id}" in texts(page)
    select(page, "Open an export", second.id)
    assert second.digest in texts(page)
    select(page, "What changed since", first.id)
    figures = {one.label: one.value for one in page.metric}
    assert (figures["As they were"], figures["Added"], figures["Removed"]) == ("12", "1", "0")
    assert table(page, len(page.dataframe) - 1) == {"What": ["Added"], "Pair": [pair], "Prompt": ["new"]}


def test_an_export_that_is_done_is_opened_also_if_the_page_was_drawn_while_it_was_written(
    sqlite_store, opened, tmp_path
):
    making = labelled(sqlite_store, 12)
    page = build(opened(making))
    view = done(making, tmp_path, progress=lambda _looked, _pairs: run(page))
    run(page)
    assert next(one for one in page.selectbox if one.label == "Open an export").value == view.id


def test_a_name_that_no_hub_knows_is_refused_before_anything_is_sent(sqlite_store, opened):
    page = build(opened(labelled(sqlite_store, 12)))
    assert button(page, "Push 12 rows, private").disabled
    next(one for one in page.text_input if one.label == "Data set").input("no organization")
    run(page)
    button(page, "Push 12 rows, private").click()
    run(page)
    assert "Write hf" in texts(page)
    assert not building._buildings


def test_a_prompt_reserved_after_the_build_takes_the_download_away(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    page = build(opened(making))
    reserve(*making.place, count=1)
    run(page)
    assert labels(page) == []
    assert button(page, "Build 11 rows")


def test_rows_that_are_not_one_a_pair_are_told_beside_the_pairs(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    making.label(making.imported_rater("more"), making.pair("even"), "tie")
    page = select(opened(making), "Format", "trl-kto")
    assert "Usable rows: 24 from 12 of 13 pairs" in texts(page)


def test_what_parquet_has_no_column_for_is_known_before_the_build(sqlite_store, opened):
    making = make_exporting(sqlite_store)
    gold, tools = making.imported_rater(), [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    call = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    for number in range(12):
        making.label(gold, making.pair(f"question {number}", tools=tools, a_calls=call if number < 9 else None))
    page = opened(making)
    select(page, "Format", "trl")
    next(one for one in page.button_group if one.label == "File type").set_value("parquet").run()
    assert "Usable rows: 3 of 12" in texts(page)
    assert table(page)["n"] == [3, 9]
    assert labels(build(page)) == ["Download 3 rows"]


def test_shares_are_of_the_pairs_that_the_format_takes(sqlite_store, opened):
    making = make_exporting(sqlite_store)
    making.change(tables.Project, making.project_id, target_model="m")
    gold, mine = making.imported_rater(), making.generator("mine")
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    for number in range(4):
        pair = making.pair(f"question {number}", a_by=mine, b_by=mine, tools=tools if number else [])
        making.label(gold, pair)
    page = opened(making)
    select(page, "Format", "gemini")
    assert {one.label: one.value for one in page.metric}["With own replies"] == "100 %"


def test_a_seed_that_cannot_be_is_told_and_no_other_is_built(sqlite_store, opened):
    page = opened(labelled(sqlite_store, 40))
    next(one for one in page.number_input if one.label == "Seed of the split").set_value(2**31)
    run(page)
    assert "The seed of the split is 2147483648; it is a whole number from" in unescape(texts(page))
    assert button(page, "Build 40 rows").disabled


def test_an_opened_export_tells_its_folder_and_every_file_of_its_zip(sqlite_store, opened, tmp_path):
    making = labelled(sqlite_store, 12)
    view = done(making, tmp_path, out=tmp_path / "usual")
    page = opened(making)
    assert f"In {view.folder}" in unescape(texts(page))
    names = {path.name for path in view.folder.iterdir()}
    assert names == set(table(page, len(page.dataframe) - 1)["File"])
    assert f"{len(names)} files" in [one.label for one in page.expander]


def test_exports_tell_their_label_rules_in_words(sqlite_store, opened, tmp_path):
    making = labelled(sqlite_store, 12)
    done(making, tmp_path, out=tmp_path / "usual")
    done(making, tmp_path, out=tmp_path / "other", rules=LabelRules(longest_reply=1000, refusals="leave_out"))
    page = opened(making)
    assert table(page, len(page.dataframe) - 2)["Label rules"] == ["2 changed", "As by default"]
    assert "Label rules: Longest reply, characters: 1,000; Refusals: Leave out" in unescape(texts(page))
    assert "made of the labels up to number 12" in texts(page)
    select(page, "Open an export", exports(*making.place)[1].id)
    assert "Label rules: As by default" in unescape(texts(page))


def test_every_label_rule_has_words_for_each_of_its_values():
    told = in_words(
        LabelRules(
            who="all",
            people=("Ana",),
            rounds=("review",),
            only_both_orders=False,
            weights=(("Ana", 0.5),),
            agreement="weighted",
            least_strength=1.2,
            name="Strict",
        )
    )
    assert told == (
        "Strict; Whose labels count: People and judges alike; Only these people: Ana; Labels of these rounds: Review; "
        "Only judges that read both orders: no; When raters differ: Weighted; Weights: Ana 0.5; Least strength: 1.2"
    )
    assert LABELS.keys() == LabelRules().as_dict().keys() - {"name", "version"}


def test_exports_beyond_the_newest_are_a_button_away(sqlite_store, opened, tmp_path):
    making = labelled(sqlite_store, 1)
    done(making, tmp_path, out=tmp_path / "0")
    page = opened(making)
    assert not [one for one in page.button if one.label == "Show older ones"]
    for number in range(20):
        done(making, tmp_path, out=tmp_path / f"{number + 1}")
    page = run(page)
    assert "the newest 20" in texts(page)
    assert len(table(page, len(page.dataframe) - 2)["No."]) == 20
    button(page, "Show older ones").click()
    page = run(page)
    assert len(table(page, len(page.dataframe) - 2)["No."]) == 21
    assert "the newest" not in texts(page)


def test_what_was_masked_is_told_as_found(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    making.label(making.imported_rater("more"), making.pair("Write to ada@example.org"))
    page = opened(making, **{f"rules/{making.slug}/kept": LabelRules(personal_data="mask")})
    build(page)
    assert "Found and masked in 1 row: mail in 1" in texts(page)
    (view,) = exports(*making.place)
    assert view.masked == {"mail": 1, "rows": 1}


def test_prompts_are_kept_for_evaluation_and_let_go_on_the_page(sqlite_store, opened):
    making = labelled(sqlite_store, 12)
    page = opened(making)
    next(one for one in page.number_input if one.label == "Keep in all, at least").set_value(3)
    button(run(page), "Keep them").click()
    run(page)
    assert "3 of 12 prompts are kept for evaluation" in texts(page)
    next(one for one in page.number_input if one.label == "Keep in all, at least").set_value(2)
    assert button(run(page), "Keep them").disabled
    assert dict(zip(table(page)["Pairs"], table(page)["n"], strict=True))["Reserved for evaluation"] == 3
    button(page, "Let all go").click()
    run(page)
    assert "0 of 12 prompts are kept for evaluation" in texts(page)
    assert "Reserved for evaluation" not in list(table(page)["Pairs"])
