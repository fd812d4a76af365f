"""The Data page, run by Streamlit's test runner: a file is looked at, corrected, and taken or discarded."""

import html
import json

import pytest
import sqlmodel

from labeling.errors import StoreError
from labeling.services.access import local_actor
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project, project_view
from labeling.storage.tables import PromptText
from labeling.ui.import_preview import KEY, NONE, ChosenFile
from tests.readers.reading import write_parquet
from tests.readers.records import STEER, SWIFT, WEBGPT
from tests.ui.opening import button, open_page, run, run_to_end, texts

PAIRS = [{"prompt": f"Q{n}?", "response_a": f"good {n}", "response_b": f"bad {n}", "verdict": "a"} for n in range(3)]


def jsonl(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.fixture
def store(sqlite_store):
    create_project(sqlite_store, local_actor(sqlite_store), name="P")
    return sqlite_store


@pytest.fixture
def page(store, sqlite_store_url, monkeypatch):
    return open_page("data", "p", sqlite_store_url, monkeypatch)


def choose(page, name: str, content: bytes):
    page.session_state[KEY] = ChosenFile(name, content)
    return run(page)


def metrics(page) -> dict[str, str]:
    return {one.label: one.value for one in page.metric}


def fault(page) -> str:
    """The one fault on the page, as it is read."""
    (box,) = page.error
    return html.unescape(box.value)


def project(store):
    return project_view(store, local_actor(store), "p")


def test_an_empty_project_says_what_can_be_brought_and_names_the_limit(page):
    assert "Bring prompts or pairs" in texts(page)
    assert "MB" in texts(page)
    assert button(page, "Choose a file")


def test_a_file_is_shown_in_figures_that_add_up_before_anything_is_stored(page, store):
    choose(page, "pairs.jsonl", jsonl(*PAIRS) + b"{half\n")
    shown = metrics(page)
    assert (shown["Rows read"], shown["Rows to take"], shown["Rows refused"]) == ("4", "3", "1")
    assert shown["Labels to keep"] == "3"
    assert page.dataframe[0].value["Prompt"].to_list() == ["Q0?", "Q1?", "Q2?"]
    assert "not JSON" in page.dataframe[1].value["Reason"][0]
    assert project(store).prompts == 0


def test_each_reason_why_rows_are_refused_is_told(page):
    nul = [PAIRS[0] | {field: "x\0"} for field in ("model_a", "response_a", "prompt", "prompt")]
    choose(page, "pairs.jsonl", jsonl(PAIRS[0], *nul))
    table = page.dataframe[1].value
    assert (table["Rows"].to_list(), table["First line"].to_list()) == ([1, 1, 2], [2, 3, 4])
    assert "After the import they can be downloaded" in texts(page)


def test_of_many_reasons_of_a_kind_the_first_is_told_and_nothing_of_others_where_there_are_none(page):
    choose(page, "words.jsonl", jsonl(*(PAIRS[0] | {"verdict": f"word {n}"} for n in range(9))))
    (line,) = page.dataframe[0].value.to_dict("records")
    assert (line["Rows"], line["First line"]) == (9, 1)
    assert line["Reason"].startswith("the first of them: the verdict says 'word 0'")
    assert "not held back" not in texts(page)
    assert "After the import" not in texts(page)


def test_both_replies_stand_before_what_is_told_of_them_and_a_verdict_is_said_in_words(page):
    choose(page, "pairs.jsonl", jsonl(PAIRS[0] | {"verdict": "both_bad"}))
    shown = page.dataframe[0].value
    assert shown.columns.to_list() == ["Prompt", "a, first reply", "b, second reply", "Verdict", "Turns", "Row"]
    assert shown["Verdict"].to_list() == ["both bad"]


def test_how_many_turns_the_prompt_of_a_pair_has_is_shown_beside_the_last_of_them(page):
    turns = [{"role": role, "content": role} for role in ("system", "user")]
    choose(page, "chats.jsonl", jsonl({"prompt": turns, "chosen": "x", "rejected": "y"}))
    shown = page.dataframe[0].value
    assert (shown["Turns"].to_list(), shown["Prompt"].to_list()) == ([2], ["user"])


def test_an_import_ends_on_the_overview_with_its_counts(page, store):
    choose(page, "pairs.jsonl", jsonl(*PAIRS) + b"{half\n")
    button(page, "Import 3 pairs").click()
    run_to_end(page)
    assert "4 rows read = 3 taken + 0 there already + 1 refused" in texts(page)
    assert "3 pairs, 3 labels" in texts(page)
    assert metrics(page)["Pairs"] == "3"
    assert [one.proto.label for one in page.get("download_button")] == ["Download 1 refused row of import 1"]
    assert project(store).labelled_pairs == 3


def test_a_chosen_file_stays_when_another_of_its_name_was_imported_in_another_tab(
    page, store, sqlite_store_url, monkeypatch
):
    other = open_page("data", "p", sqlite_store_url, monkeypatch)
    choose(page, "pairs.jsonl", jsonl(*PAIRS))
    choose(other, "pairs.jsonl", jsonl({"prompt": "Other?", "response_a": "x", "response_b": "y"}))
    with store.writing() as session:
        session.connection()  # with it the lock: the import does not end before its page was drawn
        button(other, "Import 1 pair").click()
        run(other)
    run_to_end(page)
    assert project(store).pairs == 1
    assert button(page, "Import 3 pairs")


def test_verdicts_are_dropped_where_no_rater_is_named(page, store):
    choose(page, "pairs.jsonl", jsonl(*PAIRS))
    page.text_input[0].input("")
    run(page)
    button(page, "Import 3 pairs").click()
    run_to_end(page)
    assert (project(store).pairs, project(store).labelled_pairs) == (3, 0)


def test_a_column_that_was_guessed_wrong_is_put_right(page, store):
    choose(page, "pairs.csv", b"question,prompt,response_a,response_b\nthe real one,a note,x,y\n")
    assert page.dataframe[0].value["Prompt"][0] == "a note"
    next(one for one in page.selectbox if one.label == "Prompt").select("question")
    run(page)
    assert page.dataframe[0].value["Prompt"][0] == "the real one"
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert project(store).pairs == 1


def select(page, label: str, choice: str):
    next(one for one in page.selectbox if one.label == label).select(choice)
    return run(page)


def test_columns_that_nobody_knows_are_told_by_hand(page, store):
    choose(page, "support.csv", b"customer,old,new,pick\nWhy?,x,y,a\nHow?,v,w,2\n")
    assert "Its columns are: customer, old, new, pick.** It is read as " in fault(page)
    assert "say under Columns which one is which" in fault(page)
    assert "--" not in texts(page)
    for label, column in (("Prompt", "customer"), ("First reply", "old"), ("Second reply", "new"), ("Verdict", "pick")):
        select(page, label, column)
    assert not page.error
    assert metrics(page)["Labels to keep"] == "2"
    button(page, "Import 2 pairs").click()
    run_to_end(page)
    assert (project(store).pairs, project(store).labelled_pairs) == (2, 2)


def test_a_file_whose_columns_nobody_knows_may_be_left_to_its_content_again(page):
    choose(page, "support.csv", b"customer,old,new,pick\nWhy?,x,y,a\n")
    select(page, "Format", "auto")
    assert "Choose a format above, such as " in fault(page)
    assert "--" not in fault(page)
    select(page, "Format", "prompts")
    select(page, "Prompt", "customer")
    assert button(page, "Import 1 prompt")


def test_a_column_of_a_lesser_role_is_told_by_hand_too(page, store):
    choose(page, "support.csv", b"sysprompt,prompt,response_a,response_b\nBe brief.,Why?,x,y\n")
    select(page, "System prompt", "sysprompt")
    button(page, "Import 1 pair").click()
    run_to_end(page)
    with store.reading() as session:
        assert "Be brief." in session.exec(sqlmodel.select(PromptText.messages)).one()


def test_a_file_s_own_words_for_verdicts_are_told_by_hand(page, store):
    table = "prompt,response_a,response_b,winner\n" + "".join(
        f"Q{n}?,x{n},y{n},{word}\n" for n, word in enumerate(("old *one*", "new", "New", "same", "a"))
    )
    choose(page, "pairs.csv", table.encode())
    assert metrics(page)["Rows refused"] == "3"
    for word, verdict in (("old *one*", "a"), ("new", "b"), ("New", "tie")):
        label = next(one.label for one in page.selectbox if html.unescape(one.label) == f"“{word}” means")
        select(page, label, verdict)
    assert metrics(page)["Rows refused"] == "0"
    assert page.dataframe[0].value["Verdict"].to_list() == ["a", "b", "tie", "tie", "a"]
    button(page, "Import 5 pairs").click()
    run_to_end(page)
    assert project(store).labelled_pairs == 5


def test_the_own_words_of_another_tool_s_export_are_told_by_hand(page, store):
    tasks = [
        {
            "data": {"prompt": f"Q{n}?", "response_a": f"x{n}", "response_b": f"y{n}"},
            "annotations": [{"completed_by": 1, "result": [{"value": {"choices": [word]}}]}],
        }
        for n, word in enumerate(("New wins", "left"))
    ]
    choose(page, "tasks.json", json.dumps(tasks).encode())
    assert (metrics(page)["Rows refused"], metrics(page)["Labels to keep"]) == ("0", "1")
    select(page, "“New wins” means", "b")
    assert metrics(page)["Labels to keep"] == "2"
    button(page, "Import 2 pairs").click()
    run_to_end(page)
    assert project(store).labelled_pairs == 2


def test_the_question_of_another_tool_s_export_that_is_the_verdict_is_chosen(page, store):
    given = {
        name: [{"user_id": "u", "value": side}] for name, side in (("safer", "response1"), ("deeper", "response2"))
    }
    row = {"fields": {"prompt": "Q?", "response1": "x", "response2": "y"}, "responses": given}
    choose(page, "rows.jsonl", jsonl(row))
    assert "Labels to keep" not in metrics(page)
    assert any("No question is surely the verdict" in one.value for one in page.caption)
    select(page, "Verdict", "deeper")
    assert metrics(page)["Labels to keep"] == "1"
    assert page.dataframe[0].value["Verdict"].to_list() == ["b"]
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert project(store).labelled_pairs == 1


def test_a_file_is_read_again_only_where_it_would_be_understood_otherwise(page):
    choose(page, "pairs.jsonl", jsonl(*PAIRS))
    first = page.session_state[KEY].seen[1]
    next(one for one in page.toggle if one.label == "Keep these prompts for evaluation").set_value(True)
    run(page)
    page.text_input[0].input("somebody else")
    run(page)
    assert page.session_state[KEY].seen[1] is first
    select(page, "Verdict", NONE)
    assert page.session_state[KEY].seen[1] is not first


def test_a_column_that_was_taken_for_a_verdict_can_be_set_aside(page, store):
    choose(page, "pairs.jsonl", jsonl(*PAIRS, PAIRS[0] | {"prompt": "Q3?", "verdict": "unsure"}))
    assert metrics(page)["Rows refused"] == "1"
    select(page, "Verdict", NONE)
    assert metrics(page)["Rows refused"] == "0"
    assert "Labels to keep" not in metrics(page)
    button(page, "Import 4 pairs").click()
    run_to_end(page)
    assert (project(store).pairs, project(store).labelled_pairs) == (4, 0)


def test_another_format_can_be_chosen_after_a_column_was(page):
    choose(page, "rows.jsonl", jsonl(*RANKING))
    select(page, "Ranks, 1 is best", "prompt")
    select(page, "Format", "pairs")
    assert not page.error
    select(page, "Format", "auto")
    assert button(page, "Import 3 pairs")


def test_the_verdicts_of_several_raters_are_seen_before_the_import(page):
    votes = [{"value": value, "user_id": user} for user, value in (("r1", "a"), ("r2", "tie"))]
    record = {"fields": {"prompt": "Q?", "response_a": "x", "response_b": "y"}, "responses": {"preference": votes}}
    choose(page, "records.json", json.dumps([record]).encode())
    assert page.dataframe[0].value["Verdict"].to_list() == ["a, tie"]


def test_a_file_that_cannot_be_read_is_one_box_and_can_be_discarded(page):
    choose(page, "table.csv", b"PK\x03\x04 not a table")
    assert "is a zip file" in fault(page)
    button(page, "Discard").click()
    run(page)
    assert "Bring prompts or pairs" in texts(page)


def test_which_two_of_three_responses_are_compared_is_chosen_on_the_page(page, store):
    choose(page, "three.csv", b"prompt,response_0,response_1,response_2,note\nQ,x,y,z,n\n")
    assert "the two that would be compared, response_0 and response_1: also response_2." in fault(page)
    assert "Choose First reply and Second reply under Columns" in fault(page)
    assert "--map" not in texts(page)
    select(page, "Tags", "note")
    select(page, "First reply", "response_0")
    assert fault(page)
    assert button(page, "Import 0 rows").disabled
    select(page, "Second reply", "response_2")
    assert not page.error
    shown = page.dataframe[0].value
    assert (shown["a, first reply"][0], shown["b, second reply"][0]) == ("x", "z")
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert project(store).pairs == 1


def test_a_column_that_may_be_the_prompt_is_taken_for_it_until_no_column_is_chosen(page, store):
    row = {
        "ask": "Why is the sky blue in the morning?",
        "chosen": "The sky: it scatters.",
        "rejected": "The sky: no idea.",
    }
    choose(page, "rows.jsonl", jsonl(row))
    assert not page.error
    told = "has no column that is known as the prompt, but 'ask', which may be it. It is taken as the prompt."
    assert told in html.unescape(texts(page))
    assert "--map" not in texts(page)
    assert page.dataframe[0].value["Prompt"].to_list() == [row["ask"]]
    select(page, "Prompt", NONE)
    assert told not in html.unescape(texts(page))
    select(page, "Prompt", "ask")
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert project(store).pairs == 1


def test_a_latin_1_file_is_read_once_its_encoding_is_chosen(page):
    choose(page, "prompts.txt", "Où est le café?\n".encode("latin-1"))
    assert "is not UTF-8 text" in fault(page)
    next(one for one in page.selectbox if one.label == "Written in").select("latin-1")
    run(page)
    assert not page.error
    assert page.dataframe[0].value["Prompt"][0] == "Où est le café?"


def test_every_encoding_that_is_offered_can_be_read(page):
    choose(page, "prompts.txt", b"Why?\n")
    box = next(one for one in page.selectbox if one.label == "Written in")
    for encoding in box.options:
        next(one for one in page.selectbox if one.label == "Written in").select(encoding)
        run(page)
        assert page.dataframe[0].value["Prompt"][0] == "Why?"


def test_a_file_s_text_is_never_read_as_markdown(page):
    hostile = "![x](https://example.org/x.png) :red[shout] <script>alert(1)</script>"
    row = {"prompt": hostile, "response_a": hostile + " a", "response_b": hostile + " b"}
    choose(page, ":red[shout].jsonl", jsonl(row, {"prompt": hostile}))
    assert page.dataframe[0].value["Prompt"][0] == hostile
    assert ":red[shout]" not in texts(page)
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert ":red[shout]" not in texts(page)


def test_why_nothing_of_an_import_is_kept_is_said(store, sqlite_store_url, monkeypatch):
    def stumble(_rows: int) -> None:
        raise StoreError("The disk is full. Free some space.")

    with pytest.raises(StoreError):
        run_import(store, local_actor(store), "p", jsonl(*PAIRS), "pairs.jsonl", ImportOptions(), stumble)
    page = open_page("data", "p", sqlite_store_url, monkeypatch)
    assert "Bring prompts or pairs" in texts(page)
    assert "0 prompts" not in texts(page)
    assert "Nothing of pairs.jsonl is kept. The disk is full. Free some space." in html.unescape(texts(page))
    (line,) = page.dataframe[-1].value.to_dict("records")
    assert (line["State"], line["Taken"], line["Why not"]) == ("Failed", 0, "The disk is full. Free some space.")


def test_a_file_name_turns_nothing_round(page):
    choose(page, "\u202egnp.jsonl", jsonl(*PAIRS))
    assert "⟨U+202E RLO⟩gnp.jsonl" in html.unescape(texts(page))
    assert page.text_input[0].value == "gnp"
    button(page, "Import 3 pairs").click()
    run_to_end(page)
    assert page.dataframe[-1].value["File"].to_list() == ["⟨U+202E RLO⟩gnp.jsonl"]


def test_prompts_are_shown_a_page_at_a_time(store, sqlite_store_url, monkeypatch):
    lines = "".join(f"Question {n}?\n" for n in range(60)).encode()
    run_import(store, local_actor(store), "p", lines, "prompts.txt", ImportOptions())
    page = open_page("data", "p", sqlite_store_url, monkeypatch)
    assert len(page.dataframe[0].value) == 25
    page.number_input[0].set_value(3)
    run(page)
    assert page.dataframe[0].value["Prompt"].to_list() == [f"Question {n}?" for n in range(50, 60)]


def test_the_prompts_text_stands_first(page, store):
    run_import(store, local_actor(store), "p", jsonl(*PAIRS), "pairs.jsonl", ImportOptions())
    run(page)
    assert next(iter(page.dataframe[0].value.columns)) == "Prompt"


TRL = [{"prompt": f"Q{n}?", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(3)]
RANKING = [{"prompt": "Q?", "responses": ["best", "fair", "poor"], "ranks": [1, 2, 3]}]
NAMED = [PAIRS[0] | {"annotator": "r1"}, PAIRS[0] | {"annotator": "r2", "verdict": "b"}]


@pytest.mark.parametrize(
    ("records", "understood", "button_says"),
    [
        (TRL, "understood as chosen and rejected", "Import 3 pairs"),
        (RANKING, "understood as rankings, every two answers a pair", "Import 3 pairs"),
        ([{"chosen": "\n\nHuman: Q\n\nAssistant: x", "rejected": "\n\nHuman: Q\n\nAssistant: y"}], "HH-RLHF", "Import 1 pair"),
        ([{"prompt": "Q", "completion": "x", "label": True}, {"prompt": "Q", "completion": "y", "label": False}], "KTO", "Import 1 pair"),
        ([STEER], "understood as HelpSteer: two responses and a preference from -3 to 3", "Import 1 pair"),
        ([WEBGPT], "understood as WebGPT: two answers with a score each", "Import 1 pair"),
        ([SWIFT], "understood as ms-swift: a reply and the rejected one", "Import 1 pair"),
    ],
)  # fmt: skip
def test_what_a_file_was_understood_as_is_said_and_its_columns_can_be_mapped(page, records, understood, button_says):
    choose(page, "rows.jsonl", jsonl(*records))
    assert understood in html.unescape(texts(page))
    assert button(page, button_says)


def test_parquet_is_looked_at_like_any_file(page, tmp_path):
    choose(page, "rows.parquet", write_parquet(tmp_path / "rows.parquet", TRL).read_bytes())
    assert "Parquet" in html.unescape(texts(page))
    assert [one.label for one in page.selectbox if one.label.endswith("reply")] == ["Better reply", "Worse reply"]


def test_a_ranking_can_be_read_as_best_against_worst(page):
    choose(page, "rows.jsonl", jsonl(*RANKING))
    next(one for one in page.selectbox if one.label == "Format").select("ranking-best-worst")
    run(page)
    assert button(page, "Import 1 pair")


def test_labels_of_raters_whom_the_file_names_are_kept_unless_switched_off(page, store):
    choose(page, "votes.jsonl", jsonl(*NAMED))
    assert any(one.label == "Keep the labels of the 2 raters the file names" for one in page.toggle)
    assert (metrics(page)["Rows to take"], metrics(page)["New pairs"]) == ("2", "1")
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert "1 pair, 2 labels" in texts(page)


def test_a_file_that_comes_again_has_no_new_pairs(page, store):
    run_import(store, local_actor(store), "p", jsonl(*PAIRS[:2]), "pairs.jsonl", ImportOptions())
    choose(page, "pairs.jsonl", jsonl(*PAIRS[:2]))
    assert (metrics(page)["New prompts"], metrics(page)["New pairs"]) == ("0", "0")
    assert "All pairs are in the project already." in texts(page)
    assert button(page, "Import 2 rows")
    choose(page, "pairs.jsonl", jsonl(*PAIRS, PAIRS[0] | {"response_b": "worse"}))
    assert (metrics(page)["New prompts"], metrics(page)["New pairs"]) == ("1", "2")
    assert button(page, "Import 2 pairs")


def test_labels_that_contradict_an_earlier_one_of_their_rater_are_told_before_and_after_the_import(page, store):
    choose(page, "votes.jsonl", jsonl(PAIRS[0], PAIRS[0] | {"verdict": "b"}))
    told = "1 label left out (line 2): earlier in the file the same rater says otherwise of the pair"
    assert told in texts(page)
    assert metrics(page)["Labels to keep"] == "1"
    button(page, "Import 1 pair").click()
    run_to_end(page)
    assert "2 rows read = 1 taken + 1 there already + 0 refused" in texts(page)
    assert told in texts(page)


def test_labels_that_are_not_kept_are_neither_counted_nor_contradicting(page):
    choose(page, "votes.jsonl", jsonl(PAIRS[0], PAIRS[0] | {"verdict": "b"}))
    field = next(one for one in page.text_input if one.label == "Keep the verdicts as rater")
    field.set_value("")
    run(page)
    assert "1 label left out" not in texts(page)
    assert "Labels to keep" not in metrics(page)


def test_a_side_of_a_pair_that_would_be_passed_over_is_told(page):
    choose(page, "rows.jsonl", jsonl({"prompt": "Why?", "rejected": "No.", "taken": "So."}))
    assert "Read as prompts without 'rejected': where the rows are pairs" in html.unescape(texts(page))


def test_near_duplicates_are_shown_after_the_import(page, store):
    rows = [
        {"prompt": text, "chosen": "It is so.", "rejected": "it is so"} for text in ("Why is it so?", "why is it so")
    ]
    choose(page, "rows.jsonl", jsonl(*rows))
    button(page, "Import 2 pairs").click()
    run_to_end(page)
    assert "2 prompts now in groups that ask nearly the same and 2 pairs whose sides say nearly the same" in texts(page)
    assert "Prompts that ask nearly the same" in texts(page)
    assert "2 prompts in 1 group; no split parts a group" in texts(page)
    assert "Pairs whose sides say nearly the same" in texts(page)
    group = next(one.value for one in page.dataframe if "The last of them" in one.value)
    assert group.iloc[0].to_list() == [2, "Why is it so?", "why is it so"]


@pytest.mark.parametrize(("labels_as", "leads_to"), [("crowd", "Export"), (None, "Label 3 pairs")])
def test_what_came_with_its_labels_leads_to_the_export_and_what_did_not_to_the_labelling(
    store, sqlite_store_url, monkeypatch, tmp_path, labels_as, leads_to
):
    (file := tmp_path / "pairs.jsonl").write_bytes(jsonl(*PAIRS))
    run_import(store, local_actor(store), "p", file, file.name, ImportOptions(labels_as=labels_as))
    page = run(open_page("data", "p", sqlite_store_url, monkeypatch))
    assert [one.label for one in page.button if one.proto.type == "primary"] == [leads_to]
