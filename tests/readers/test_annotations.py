"""Exports of other labelling tools: each annotator's verdict stays under their name."""

import pytest

from labeling.domain import Verdict
from labeling.rows import NamedVerdict
from tests.readers.reading import format_of, pair_in, refusal_in, said

SHOWN = {"prompt": "Why?", "answer1": "So.", "answer2": "No."}


def annotation(who: object, selected: str, **fields: object) -> dict[str, object]:
    result = [
        {"type": "pairwise", "from_name": "comparison", "to_name": "answer1,answer2", "value": {"selected": selected}}
    ]
    return {"completed_by": who, "result": result, "was_cancelled": False} | fields


TASK = {
    "id": 12,
    "data": SHOWN,
    "annotations": [
        annotation({"id": 3, "email": "one@example.org"}, "left"), annotation(4, "right"), annotation(5, "left"),
        annotation(6, "right", was_cancelled=True),
    ],
}  # fmt: skip


def test_label_studios_comparisons_are_kept_by_annotator():
    assert format_of(TASK) == "label-studio"
    row = pair_in(TASK)
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
    task = TASK | {"annotations": [{"completed_by": 1, "result": [quality, choice]}]}
    assert pair_in(task).labels == (NamedVerdict("annotator 1", Verdict.A),)


def test_one_row_an_annotation_is_read_too():
    row = pair_in(SHOWN | {"id": 12, "annotator": 4, "comparison": {"selected": "right"}})
    assert row.labels == (NamedVerdict("4", Verdict.B),)


def test_fields_of_other_names_are_mapped_by_hand():
    task = TASK | {"data": {"task": "Why?", "x": "So.", "y": "No."}}
    assert refusal_in(task).reason.startswith("no column is mapped to prompt: say which with --map prompt=COLUMN")
    assert said(pair_in(task, mapping={"prompt": "task", "response_a": "x", "response_b": "y"})) == (
        "Why?",
        "So.",
        "No.",
    )


RECORD = {
    "id": "r1",
    "fields": {"prompt": "Why?", "response-1": "So.", "response-2": "No."},
    "metadata": {"model_a": "alpha"},
    "responses": {
        "quality": [{"user_id": "u1", "value": 4}],
        "preference": [
            {"user_id": "u1", "value": "response-2"}, {"user_id": "u2", "value": "tie"},
            {"user_id": "u3", "value": "response-1", "status": "discarded"},
        ],
    },
}  # fmt: skip
LABELS = (NamedVerdict("u1", Verdict.B), NamedVerdict("u2", Verdict.TIE))


def test_argillas_answers_are_kept_by_annotator():
    assert format_of(RECORD) == "argilla"
    row = pair_in(RECORD)
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
    record = RECORD | {"responses": {"order": [{"user_id": "u1", "value": value}]}}
    assert pair_in(record).labels == (NamedVerdict("u1", verdict),)
