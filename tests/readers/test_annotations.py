"""Exports of other labelling tools: each annotator's verdict stays under their name."""

import pytest

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.rows import NamedVerdict
from tests.readers.reading import format_of, pair_in, refusal_in, said
from tests.readers.records import ARGILLA, LABEL_STUDIO, SHOWN


def test_label_studios_comparisons_are_kept_by_annotator():
    assert format_of(LABEL_STUDIO) == "label-studio"
    row = pair_in(LABEL_STUDIO)
    assert said(row) == ("Why?", "So.", "No.")
    assert row.labels == (
        NamedVerdict("one@example.org", Verdict.A), NamedVerdict("annotator 4", Verdict.B),
        NamedVerdict("annotator 5", Verdict.A),
    )  # fmt: skip
    assert row.verdict is Verdict.A
    assert row.prompt.external_id == "12"


def test_a_choice_that_names_a_side_counts_and_any_other_does_not():
    choice = {"type": "choices", "value": {"choices": ["left"]}}
    quality = {"type": "choices", "value": {"choices": ["fluent"]}}
    task = LABEL_STUDIO | {"annotations": [{"completed_by": 1, "result": [quality, choice]}]}
    assert pair_in(task).labels == (NamedVerdict("annotator 1", Verdict.A),)


@pytest.mark.parametrize(("word", "verdict"), [("Response B", Verdict.B), ("Both bad", Verdict.BOTH_BAD)])
def test_choices_may_be_written_as_people_write_them(word, verdict):
    task = LABEL_STUDIO | {"annotations": [{"completed_by": 1, "result": [{"value": {"choices": [word]}}]}]}
    assert pair_in(task).verdict is verdict
    answers = {"preference": [{"user_id": "u1", "value": word}]}
    assert pair_in(ARGILLA | {"responses": answers}).verdict is verdict


def chosen(*words):
    results = [{"type": "choices", "value": {"choices": [word]}} for word in words]
    return LABEL_STUDIO | {"annotations": [{"completed_by": 1, "result": results}]}


def answered(word):
    return ARGILLA | {"responses": {"preference": [{"user_id": "u1", "value": word}]}}


@pytest.mark.parametrize("record", [chosen("The new one"), answered("The new one")])
def test_a_comparison_in_words_of_its_own_is_refused_until_it_is_said_what_they_mean(record):
    refusal = refusal_in(record)
    assert (refusal.code, refusal.word) == ("unknown_verdict", "The new one")
    row = pair_in(record, verdicts={"The new one": "b", "The old one": "a"})
    assert [label.verdict for label in row.labels] == [Verdict.B]


def test_of_several_choices_in_words_of_their_own_none_is_taken_for_the_comparison():
    assert pair_in(chosen("fluent", "polite")).labels == ()
    row = pair_in(chosen("fluent", "The new one"), verdicts={"The new one": "b"})
    assert row.labels == (NamedVerdict("annotator 1", Verdict.B),)


def test_one_annotator_s_own_words_are_not_passed_over_beside_another_s_known_ones():
    both = [{"user_id": "u1", "value": "response_a"}, {"user_id": "u2", "value": "The new one"}]
    beside = {"why": [{"user_id": "u1", "value": "It is shorter."}], "preference": both}
    assert refusal_in(ARGILLA | {"responses": beside}).word == "The new one"
    row = pair_in(ARGILLA | {"responses": beside}, verdicts={"The new one": "b"})
    assert [label.verdict for label in row.labels] == [Verdict.A, Verdict.B]


def test_a_rating_of_one_is_no_verdict_for_the_first():
    rated = ARGILLA["responses"] | {"quality": [{"user_id": "u1", "value": 1}, {"user_id": "u2", "value": 2}]}
    assert pair_in(ARGILLA | {"responses": rated}).labels == pair_in(ARGILLA).labels


def test_an_answer_that_was_not_submitted_says_nothing():
    draft = {"preference": [{"user_id": "u1", "value": "The new one", "status": "draft"}]}
    assert pair_in(ARGILLA | {"responses": draft}).labels == ()
    skipped = chosen("The new one")
    skipped["annotations"][0]["was_cancelled"] = True
    assert pair_in(skipped).labels == ()


def test_words_for_verdicts_cannot_be_given_a_meaning_where_there_are_none():
    with pytest.raises(InputError, match="trl has no column whose words for verdicts"):
        pair_in({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, verdicts={"much better": "a"})


def test_one_row_an_annotation_is_read_too():
    row = pair_in(SHOWN | {"id": 12, "annotator": 4, "comparison": {"selected": "right"}})
    assert row.labels == (NamedVerdict("4", Verdict.B),)


def test_fields_of_other_names_are_mapped_by_hand():
    task = LABEL_STUDIO | {"data": {"task": "Why?", "x": "So.", "y": "No."}}
    assert refusal_in(task).reason.startswith("no column is mapped to prompt: say which with --map prompt=COLUMN")
    assert said(pair_in(task, mapping={"prompt": "task", "response_a": "x", "response_b": "y"})) == (
        "Why?",
        "So.",
        "No.",
    )


LABELS = (NamedVerdict("u1", Verdict.B), NamedVerdict("u2", Verdict.TIE))


def test_argillas_answers_are_kept_by_annotator():
    assert format_of(ARGILLA) == "argilla"
    row = pair_in(ARGILLA)
    assert said(row) == ("Why?", "So.", "No.")
    assert (row.labels, row.verdict, row.a.source) == (LABELS, None, "alpha")


@pytest.mark.parametrize(
    "answers",
    [
        {"preference.responses": ["response-2", "tie"], "preference.responses.users": ["u1", "u2"]},
        {"preference": [{"user_id": "u1", "value": "response-2", "status": "submitted"}, {"user_id": "u2", "value": "tie"}]},
        {"preference": {"user_id": ["u1", "u2"], "value": ["response-2", "tie"], "status": ["submitted", "submitted"]}},
    ],
    ids=["flat", "list", "columns"],
)  # fmt: skip
def test_argillas_records_are_read_in_every_form_they_are_saved_in(answers):
    record = {"prompt": "Why?", "response-1": "So.", "response-2": "No."} | answers
    assert format_of(record) == "argilla"
    assert pair_in(record).labels == LABELS


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (["response-2", "response-1"], Verdict.B),
        ([{"value": "response-1", "rank": 1}, {"value": "response-2", "rank": 2}], Verdict.A),
        ([{"value": "response-1", "rank": 1}, {"value": "response-2", "rank": 1}], Verdict.TIE),
    ],
)
def test_a_ranking_of_the_two_is_a_verdict(value, verdict):
    record = ARGILLA | {"responses": {"order": [{"user_id": "u1", "value": value}]}}
    assert pair_in(record).labels == (NamedVerdict("u1", verdict),)
