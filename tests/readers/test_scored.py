"""Two responses with a number that says which is better, and by how much."""

import pytest

from labeling.domain import Verdict
from labeling.readers import CompletionRow
from tests.readers.reading import format_of, jsonl, pair_in, refusal_in, rows_in, said, write_parquet
from tests.readers.records import SHP, STEER, TALK, WEBGPT

STEER2 = {
    "split": "train", "prompt": "Why?", "response_1": "So.", "response_2": "No.", "preference_strength": 3,
    "preference_statement": "@Response 2 is much better.", "three_most_similar_preferences": [{"strength": 3}],
}  # fmt: skip
SCALE = [
    (-3, Verdict.A, 3), (-1, Verdict.A, 1), (0, Verdict.TIE, None), (1, Verdict.B, 1), (2.0, Verdict.B, 2), ("3", Verdict.B, 3),
    (-0.0, Verdict.TIE, None), (None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("number", "verdict", "strength"), SCALE)
@pytest.mark.parametrize(("record", "column"), [(STEER, "overall_preference"), (STEER2, "preference_strength")])
def test_below_nought_the_first_response_is_better_and_the_number_is_the_strength(
    record, column, number, verdict, strength
):
    assert format_of(record | {column: number}) == "helpsteer"
    row = pair_in(record | {column: number})
    assert (row.verdict, row.strength, row.labels) == (verdict, strength, ())


def test_the_sides_of_helpsteer_stay_in_the_order_of_the_file():
    row = pair_in(STEER)
    assert list(row.prompt.prompt.messages) == TALK
    assert said(row) == ("Shorter.", "Air.", "Light, and then air.")
    assert said(pair_in(STEER2)) == ("Why?", "So.", "No.")


def test_turns_that_helpsteer2_marks_inside_a_text_are_messages():
    marked = "Why is\nit?\n<extra_id_1>Assistant\nSo.\n<extra_id_1>User\nAnd now?"
    messages = pair_in(STEER2 | {"prompt": marked}).prompt.prompt.messages
    assert [(message["role"], message["content"]) for message in messages] == [
        ("user", "Why is\nit?"), ("assistant", "So."), ("user", "And now?"),
    ]  # fmt: skip
    assert refusal_in(STEER2 | {"prompt": marked.rpartition("\n<")[0]}).code == "prompt_ends_wrong"


@pytest.mark.parametrize(
    ("prompt", "turns"),
    [
        ("Why?\n<extra_id_1>Assistant\nSo.\n<extra_id_1>User\nAnd now?", 3),
        ("Why is <extra_id_1>User\nno turn?", 1),
        ("<extra_id_1>User\nWhy?", 1),
        ("<extra_id_1>User\nWhy?\n<extra_id_1>Assistant\nSo.\n<extra_id_1>User\nAnd now?", 3),
        ("Why is it?\n <extra_id_1>Assistant\n", 1),
    ],
)
def test_a_single_answer_of_helpsteer2_has_the_prompt_of_its_pair(prompt, turns):
    answer = {"prompt": prompt, "response": "So.", "helpfulness": 3, "verbosity": 2}
    assert format_of(answer) == "completions"
    (row,) = rows_in(jsonl(answer))
    assert isinstance(row, CompletionRow), row
    assert row.prompt.prompt == pair_in(STEER2 | {"prompt": prompt}).prompt.prompt
    assert len(row.prompt.prompt.messages) == turns
    assert row.prompt.prompt.messages[0]["content"].startswith("Why")


@pytest.mark.parametrize("number", [-100, 4, 0.5, "much", True, [1]])
def test_a_preference_off_the_scale_is_refused_and_no_tie(number):
    refusal = refusal_in(STEER | {"overall_preference": number}, format="helpsteer")
    assert (refusal.code, "from -3 to 3" in refusal.reason) == ("unknown_strength", True)


def test_a_strength_beside_a_verdict_is_not_taken_for_a_direction():
    table = {"prompt": "Why?", "response_1": "So.", "response_2": "No.", "preference_strength": 2, "winner": "1"}
    assert format_of(table) == "pairs"
    assert (pair_in(table).verdict, pair_in(table).strength) == (Verdict.A, None)


def test_another_table_of_that_scale_is_read_by_hand():
    row = pair_in(
        {"q": "Why?", "x": "So.", "y": "No.", "how": -1}, format="helpsteer",
        mapping={"prompt": "q", "response_a": "x", "response_b": "y", "preference": "how"},
    )  # fmt: skip
    assert (row.verdict, row.strength) == (Verdict.A, 1)


def test_a_column_that_is_mapped_to_the_preference_says_how_the_table_is_read():
    row = pair_in({"prompt": "Why?", "response_a": "So.", "response_b": "No.", "how": 2}, mapping={"preference": "how"})
    assert (row.verdict, row.strength) == (Verdict.B, 2)


def test_parquet_holds_the_same_preferences(tmp_path):
    path = write_parquet(tmp_path / "steer.parquet", [STEER, STEER | {"overall_preference": 0}])
    assert [row.verdict for row in rows_in(path, path.name)] == [Verdict.A, Verdict.TIE]


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((0.25, -0.25), Verdict.A), ((-1.0, 1.0), Verdict.B), ((0.0, 0.0), Verdict.TIE), ((0, "-0.0"), Verdict.TIE),
        ((None, None), None),
    ],
)  # fmt: skip
def test_the_answer_with_the_greater_score_is_the_better_one_and_equal_scores_are_a_tie(scores, verdict):
    record = WEBGPT | dict(zip(("score_0", "score_1"), scores, strict=True))
    assert format_of(record) == "webgpt"
    row = pair_in(record)
    assert (said(row), row.verdict, row.strength) == (("Why is the sky blue?", "Air [1].", "Because."), verdict, None)
    assert row.prompt.external_id == "q7"


def test_a_question_that_a_table_holds_as_json_is_read_alike(tmp_path):
    header = "question,answer_0,answer_1,score_0,score_1"
    table = header + '\n"{""full_text"": ""Why?"", ""id"": ""q1""}",So.,No.,-0.5,0.5\n'
    (row,) = rows_in(table.encode(), "table.csv")
    assert (said(row), row.verdict, row.prompt.external_id) == (("Why?", "So.", "No."), Verdict.B, "q1")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"score_0": None}, "unknown_verdict"),
        ({"score_1": "high"}, "unknown_verdict"),
        ({"score_0": "nan"}, "unknown_verdict"),
        ({"question": {"id": "q7"}}, "empty_prompt"),
        ({"answer_1": ""}, "empty_side"),
        ({"answer_1": WEBGPT["answer_0"]}, "identical_sides"),
    ],
)
def test_a_comparison_with_a_fault_is_refused_with_its_own_reason(fields, code):
    assert refusal_in(WEBGPT | fields).code == code


@pytest.mark.parametrize(("labels", "verdict"), [(0, Verdict.B), (1, Verdict.A), ("1", Verdict.A), (0.0, Verdict.B)])
def test_shp_prefers_the_first_comment_by_1_and_the_second_by_0(labels, verdict):
    record = SHP | {"labels": labels}
    assert format_of(record) == "shp"
    row = pair_in(record)
    assert (said(row), row.verdict) == (("Why did it sink?", "The oven.", "It was opened too early."), verdict)
    assert row.prompt.external_id == "p1"


def test_another_label_of_shp_is_refused():
    assert [refusal_in(SHP | {"labels": labels}).code for labels in (2, None, "A")] == ["unknown_verdict"] * 3
