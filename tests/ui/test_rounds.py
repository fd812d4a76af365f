"""The Rounds page, run by Streamlit's test runner."""

import pytest

from labeling.domain import RoundPurpose, Verdict
from labeling.services.gold import gold_pairs, set_gold
from labeling.services.inbox import flags
from labeling.services.labels import record
from labeling.services.leaving_out import left_out_pairs
from labeling.services.projects import project_view
from labeling.services.round_setup import rounds_of
from labeling.services.rounds import Asked, asked_in
from labeling.storage.tables import Label
from tests.services.labelling import Labelling, act, make_labelling
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def talk(sqlite_store) -> Labelling:
    return make_labelling(sqlite_store, pairs=10)


@pytest.fixture
def open_rounds(talk, sqlite_store_url, monkeypatch):
    return lambda: open_page("rounds", talk.slug, sqlite_store_url, monkeypatch)


def field(page, kind, label):
    return next(one for one in page.get(kind) if one.label.startswith(label))


def press(page, label):
    button(page, label).click()
    return run(page)


def test_a_new_project_has_its_work_round_and_an_empty_inbox(open_rounds):
    page = open_rounds()
    assert "1 round · 0 open flags" in texts(page)
    assert "Nothing was flagged or skipped." in texts(page)
    assert page.dataframe[0].value["Round"].tolist() == ["work"]


def test_what_is_asked_is_changed_and_a_wrong_wish_is_told(open_rounds, talk):
    page = open_rounds()
    field(page, "checkbox", "Strength").check()
    field(page, "text_area", "Reasons, one").input("Wrong fact\n\nToo long ")
    field(page, "multiselect", "Required").select("reasons")
    press(page, "Save what is asked")
    asked = asked_in(talk.store, talk.owner, talk.slug)
    assert asked == Asked(strength=True, reasons=("Wrong fact", "Too long"), required=("reasons",))
    field(page, "text_area", "Reasons, one").input("Twice\nTwice")
    press(page, "Save what is asked")
    assert "Name each reason once" in texts(page)


def test_new_guidelines_are_the_next_version(open_rounds, talk):
    page = open_rounds()
    field(page, "text_area", "Guidelines").input("Prefer the kind one.")
    press(page, "Save as the next version")
    view = project_view(talk.store, talk.owner, talk.slug)
    assert (view.guideline_number, view.guidelines) == (2, "Prefer the kind one.")


def test_gold_is_made_and_mixed_in(open_rounds, talk):
    page = open_rounds()
    field(page, "number_input", "Pair").set_value(talk.pairs[0])
    press(page, "Make gold")
    assert [(one.pair_id, one.verdict) for one in gold_pairs(talk.store, talk.owner, talk.slug)] == [
        (talk.pairs[0], Verdict.A)
    ]
    field(page, "number_input", "Share").set_value(10)
    press(page, "Mix in")
    assert rounds_of(talk.store, talk.owner, talk.slug)[0].gold == 1


def test_a_flag_is_read_and_settled(open_rounds, talk):
    ann = talk.actor("ann")
    pair = talk.next(ann)[0]
    record(talk.store, ann, talk.slug, [act(pair.pair_id, "flag", comment="Broken.", reasons=["Broken text"])])
    page = open_rounds()
    assert page.dataframe[1].value["Comment"].tolist() == ["Broken."]
    assert f"**Pair {pair.pair_id}**" in texts(page)
    said = "".join(one.value for one in page.get("html"))
    assert pair.left.text in said
    assert pair.right.text in said
    press(page, "Settle flag")
    assert flags(talk.store, talk.owner, talk.slug) == []


def test_labels_are_counted_before_they_are_taken_back(open_rounds, talk):
    ann = talk.actor("ann")
    for pair in talk.next(ann, want=3):
        record(talk.store, ann, talk.slug, [act(pair.pair_id)])
    page = open_rounds()
    field(page, "text_input", "Annotator").input("ann")
    run(page)
    assert "3 labels would be taken back." in texts(page)
    field(page, "text_input", "Why, kept").input("Tried out.")
    run(page)
    press(page, "Take back 3 labels")
    assert [row.action for row in talk.rows(Label)] == ["label"] * 3 + ["void"] * 3


def test_a_project_with_gold_can_have_practice(open_rounds, talk):
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[0], Verdict.B, "Because.")
    page = open_rounds()
    press(page, "New round")
    button(page, "New round").click()  # the runner runs the whole page: the dialog is opened anew each time
    press(page, "Make round")
    practice = rounds_of(talk.store, talk.owner, talk.slug)[1]
    assert (practice.name, practice.pairs, practice.pass_mark) == ("practice", 1, 0.8)


def test_a_flagged_pair_is_left_out_and_taken_in_again(open_rounds, talk):
    ann = talk.actor("ann")
    pair = talk.next(ann)[0]
    record(talk.store, ann, talk.slug, [act(pair.pair_id, "flag", comment="Broken.")])
    page = press(open_rounds(), "Leave the pair out")
    assert left_out_pairs(talk.store, talk.owner, talk.slug) == [pair.pair_id]
    assert page.dataframe[1].value["Pair is"].tolist() == ["left out"]
    press(page, "Take in again")
    assert left_out_pairs(talk.store, talk.owner, talk.slug) == []


def test_what_a_rater_says_is_made_gold(open_rounds, talk):
    ann = talk.actor("ann")
    for pair in talk.next(ann, want=3):
        record(talk.store, ann, talk.slug, [act(pair.pair_id)])
    page = open_rounds()
    field(page, "text_input", "All that").input("ann")
    run(page)
    press(page, "Make it gold")
    assert len(gold_pairs(talk.store, talk.owner, talk.slug)) == 3


def test_flagged_pairs_are_reviewed_by_who_is_named_and_others_can_take_over(open_rounds, talk):
    ann = talk.actor("ann")
    talk.actor("bo")
    pair = talk.next(ann)[0]
    record(talk.store, ann, talk.slug, [act(pair.pair_id, "flag", comment="Broken.")])
    page = open_rounds()

    def new_round():
        button(page, "New round").click()  # the dialog is opened anew each time
        return run(page)

    new_round()
    field(page, "button_group", "Purpose").set_value(RoundPurpose.REVIEW)
    new_round()
    field(page, "button_group", "Which pairs").set_value("flagged")
    field(page, "multiselect", "Annotators").select("ann")
    button(page, "New round").click()
    press(page, "Make round")
    review = rounds_of(talk.store, talk.owner, talk.slug)[1]
    assert (review.name, review.pairs, review.members) == ("review", 1, ("ann",))
    field(page, "selectbox", "Round").select("review")
    press(page, "Who works in it")
    people = field(page, "multiselect", "Annotators")
    people.unselect("ann")
    people.select("bo")
    button(page, "Who works in it").click()
    press(page, "Save who works")
    assert rounds_of(talk.store, talk.owner, talk.slug)[1].members == ("bo",)


def test_the_work_round_can_ask_for_more_annotators_a_pair(open_rounds, talk):
    page = open_rounds()
    field(page, "number_input", "Annotators a pair").set_value(2)
    run(page)
    assert rounds_of(talk.store, talk.owner, talk.slug)[0].overlap == 2
    assert page.dataframe[0].value["Overlap"].tolist() == [2]
