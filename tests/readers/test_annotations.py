"""Exports of other labelling tools: each annotator's verdict stays under their name."""

import pytest

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.readers import understand
from labeling.rows import NamedVerdict
from tests.readers.reading import format_of, jsonl, pair_in, refusal_in, rows_in, said
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


def answered(*values):
    given = [{"user_id": f"u{number}", "value": value} for number, value in enumerate(values, 1)]
    return ARGILLA | {"responses": {"preference": given}}


@pytest.mark.parametrize("record", [chosen("fluent", "The new one"), answered("The new one")])
def test_a_comparison_in_words_of_its_own_is_told_and_read_when_it_is_said_what_they_mean(record):
    row = pair_in(record)
    assert row.labels == ()
    assert row.unread[-1] == "The new one"
    row = pair_in(record, verdicts={"The new one": "b", "The old one": "a"})
    assert [label.verdict for label in row.labels] == [Verdict.B]


def test_what_one_annotator_cannot_say_leaves_another_s_verdict_as_it_is():
    row = pair_in(answered("response-1", "cannot tell"))
    assert (row.labels, row.unread) == ((NamedVerdict("u1", Verdict.A),), ("cannot tell",))


def test_the_words_of_a_ranking_are_given_a_meaning_too():
    ranked = answered([{"value": "new", "rank": 1}, {"value": "old", "rank": 2}], ["old", "new"])
    assert pair_in(ranked).labels == ()
    row = pair_in(ranked, verdicts={"new": "b", "old": "a"})
    assert [label.verdict for label in row.labels] == [Verdict.B, Verdict.A]


def test_comments_and_ratings_are_no_words_for_verdicts():
    said = "Both are cut off in the middle of a sentence, and neither says why the sky is blue."
    row = pair_in(
        ARGILLA | {"responses": {"why": [{"user_id": "u1", "value": said}], "quality": [{"user_id": "u1", "value": 4}]}}
    )
    assert (row.labels, row.unread) == ((), ())


SIDES = {"prompt": "Why?", "response-1": "So.", "response-2": "No."}


def asked(shown=SIDES, **answers):
    """A record of Argilla: to each question the answers of `u1`, `u2` and so on, in an underscore's place a hyphen."""
    given = {
        name.replace("_", "-"): [{"user_id": f"u{number}", "value": value} for number, value in enumerate(values, 1)]
        for name, values in answers.items()
    }
    return {"fields": shown, "responses": given}


def verdicts(record, **options):
    return [label.verdict for label in pair_in(record, **options).labels]


def question(*records, **options):
    return understand(jsonl(*records), "file.jsonl", **options).mapping.get("verdict")


def test_a_number_is_a_verdict_where_the_question_compares_and_goes_no_further_than_two():
    assert verdicts(asked(quality=[1], preference=["response-2"])) == [Verdict.B]
    assert verdicts(asked(preference=[1, 2])) == [Verdict.A, Verdict.B]
    for rating in (asked(quality=[1]), asked(quality=[1, 4]), asked(rating=["1"])):
        row = pair_in(rating)
        assert (row.labels, row.unread) == ((), ())
    scale = [asked(preference=[1]), asked(preference=[5])]
    assert [row.unread for row in rows_in(jsonl(*scale))] == [("1",), ("5",)]
    meant = {"1": "a", "5": "b"}
    assert [row.verdict for row in rows_in(jsonl(*scale), verdicts=meant)] == [Verdict.A, Verdict.B]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({"unsafe": ["response-1"], "preference": ["response-2"]}, "preference"),
        ({"which_is_better": ["response-2"], "fluency": ["response-1"]}, "which-is-better"),
        ({"preference": ["The new one"], "fluency": ["response-1"]}, "preference"),
        ({"preference": [5], "fluency": ["response-1"]}, "preference"),
        ({"preference": ["response-2"], "why_preferred": ["Shorter."]}, "preference"),
        ({"fluency": ["response-1"], "topic": ["physics"]}, "fluency"),
        ({"fluency": ["response-1"], "depth": ["response-2"]}, None),
        ({"prefer_short": ["response-1"], "prefer_deep": ["response-2"]}, None),
        ({"unsafe": ["response-1"]}, None),
        ({"ranking": [["response-1", "response-2"]], "rating-1": [3], "rating-2": [4]}, "ranking"),
        ({"verdict": ["response-1"], "preference_strength": ["slightly better"]}, "verdict"),
        ({"label": ["response-1"], "reason_for_choice": ["shorter"]}, "label"),
        ({"order": [["response-2", "response-1"]], "best_practice": ["yes"]}, "order"),
        ({"which_is_worse": ["response-1"]}, None),
        ({"best_as_shown": ["response-1"], "notes": ["tie"]}, "best-as-shown"),
        ({"betterAnswer": ["response-1"], "howConfident": ["tie"]}, "betterAnswer"),
    ],
)
def test_the_question_that_compares_is_the_verdict_and_none_where_several_might_be(answers, found):
    record = asked(**answers)
    assert question(record) == found
    if found is None:
        row = pair_in(record)
        assert (row.labels, set(row.unread)) == ((), {value for values in answers.values() for value in values})


def test_a_question_is_taken_for_the_verdict_by_hand():
    record = asked(fluency=["response-1"], depth=["response-2"], preference=["tie"])
    assert verdicts(record, mapping={"verdict": "depth"}) == [Verdict.B]
    assert verdicts(record, mapping={"verdict": ""}) == []
    assert verdicts(asked(quality=[1]), mapping={"verdict": "quality"}) == [Verdict.A]
    assert {"fluency", "depth", "preference"} <= set(understand(jsonl(record), "file.jsonl").columns)
    with pytest.raises(InputError, match=r"has no question 'dept'\. It has: .*depth"):
        pair_in(record, mapping={"verdict": "dept"})
    assert verdicts(asked(), mapping={"verdict": ""}) == []
    with pytest.raises(InputError, match=r"has no question 'depth'\. It has: none"):
        pair_in(asked(), mapping={"verdict": "depth"})


def test_words_are_given_a_meaning_in_the_question_that_is_the_verdict_alone():
    record = asked(fluency=["new"], preference=["response-2", "new"])
    assert verdicts(record, verdicts={"new": "a"}) == [Verdict.B, Verdict.A]


def test_a_question_that_is_first_answered_late_is_found():
    records = [asked()] * 30 + [asked(unsafe=["response-1"], preference=["response-2"])]
    assert question(*records) == "preference"


@pytest.mark.parametrize(
    ("first", "second"),
    [("rating_1", "rating_2"), ("quality1", "quality2"), ("response_1_rating", "response_2_rating")],
)
def test_of_two_ratings_one_for_each_side_the_higher_one_is_the_verdict(first, second):
    record = asked(**{first: [1, 4, 3], second: [5, 2, 3]}, why=["Shorter."])
    assert verdicts(record) == [Verdict.B, Verdict.A, Verdict.TIE]
    assert question(record) == first.replace("_", "-")
    row = pair_in(asked(**{first: [1]}), mapping={"verdict": first.replace("_", "-")})
    assert (row.labels, row.unread) == ((), ())


def test_ratings_of_which_more_may_be_worse_are_none_and_a_comparison_goes_before_any():
    assert verdicts(asked(toxicity_1=[1], toxicity_2=[5])) == []
    assert verdicts(asked(rating_1=[1], rating_2=[5], preference=["response-1"])) == [Verdict.A]
    assert verdicts(asked(rating_1=[1], rating_2=[5], fluency=["response-1"])) == []


def test_ratings_of_annotators_without_a_name_are_not_mixed():
    ratings = {"rating-1": [1, 4], "rating-2": [5, 2]}
    answers = {name: [{"user_id": None, "value": value} for value in values] for name, values in ratings.items()}
    assert verdicts({"fields": SIDES, "responses": answers}) == []


def control(name, **value):
    return {"from_name": name, "type": "pairwise" if "selected" in value else "choices", "value": value}


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([control("unsafe", choices=["Response A"]), control("better", selected="right")], Verdict.B),
        ([control("preferred", choices=["Response A"]), control("pair", selected="right")], Verdict.B),
        ([control("fluent", choices=["Response A"]), control("better", choices=["Response B"])], Verdict.B),
        ([control("fluent", choices=["Response A"]), control("deep", choices=["Response B"])], None),
        ([control("scale", choices=["1"])], None),
    ],
)
def test_a_pairwise_control_goes_before_choices_and_a_choice_of_a_number_is_none(results, verdict):
    task = LABEL_STUDIO | {"annotations": [{"completed_by": 1, "result": results}]}
    assert pair_in(task).verdict is verdict


def test_an_answer_that_was_not_submitted_says_nothing():
    draft = {"preference": [{"user_id": "u1", "value": "The new one", "status": "draft"}]}
    skipped = chosen("The new one")
    skipped["annotations"][0]["was_cancelled"] = True
    for record in (ARGILLA | {"responses": draft}, skipped):
        row = pair_in(record)
        assert (row.labels, row.unread) == ((), ())


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
