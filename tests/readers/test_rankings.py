"""A ranking of n answers is the pairs it holds."""

import pytest

from labeling.domain import Verdict
from tests.readers.reading import format_of, group_in, jsonl, refusal_in, rows_in
from tests.readers.records import NECTAR


def sides(record: object, **options: str) -> list[tuple[str, str]]:
    return [(pair.a.text, pair.b.text) for pair in group_in(record, **options).pairs]


def test_every_two_answers_are_a_pair_with_the_better_one_first():
    assert format_of(NECTAR) == "ranking"
    group = group_in(NECTAR)
    assert sides(NECTAR) == [("best", "fair"), ("best", "poor"), ("fair", "poor")]
    assert {pair.verdict for pair in group.pairs} == {Verdict.A}
    assert group.pairs[0].prompt.prompt.messages[0] == {"role": "user", "content": "Why?"}


def test_asked_for_by_hand_only_the_best_meets_the_worst():
    assert sides(NECTAR, format="ranking-best-worst") == [("best", "poor")]


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Q", "completions": [{"response": "x", "overall_score": 2.5}, {"response": "y", "overall_score": 9}]},
        {"prompt": "Q", "responses": ["x", "y"], "scores": [1, 4]},
        {"prompt": "Q", "responses": ["x", "y"], "ranks": [2, 1]},
        {"prompt": "Q", "responses": '["x", "y"]', "ranks": "[2, 1]"},
        {"context": [{"role": "user", "content": "Q"}], "completions": [
            {"rank": 1, "completion": [{"role": "assistant", "content": "x"}]},
            {"rank": 0, "completion": [{"role": "assistant", "content": "y"}]},
        ]},
    ],
    ids=["scores inside", "scores beside", "ranks beside", "a table's JSON", "messages"],
)  # fmt: skip
def test_ranks_and_scores_are_read_inside_and_beside_the_answers(record):
    assert format_of(record) == "ranking"
    assert sides(record) == [("y", "x")]


def verdicts(record: object, **options: str) -> list[tuple[str, str, Verdict | None]]:
    return [(pair.a.text, pair.b.text, pair.verdict) for pair in group_in(record, **options).pairs]


def test_answers_of_equal_rank_are_a_tie_and_equal_texts_no_pair():
    record = {"prompt": "Q", "responses": ["x", "x", "y"], "scores": [2, 2, 2]}
    assert verdicts(record) == [("x", "y", Verdict.TIE)]


@pytest.mark.parametrize("format", ["ranking", "ranking-best-worst"])
def test_an_answer_that_stands_above_and_below_another_has_no_verdict_against_it(format):
    record = {"prompt": "Q", "responses": ["a", "b", "a"], "ranks": [1, 2, 3]}
    assert verdicts(record, format=format) == [("a", "b", None)]


def test_an_answer_that_is_there_twice_keeps_its_verdicts_against_those_below_or_above_both():
    record = {"prompt": "Q", "responses": ["b", "a", "c", "a", "d"], "scores": [9, 5, 4, 3, 1]}
    assert verdicts(record) == [
        ("b", "a", Verdict.A), ("b", "c", Verdict.A), ("b", "d", Verdict.A),
        ("a", "c", None), ("a", "d", Verdict.A), ("c", "d", Verdict.A),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"prompt": "Q", "responses": ["x", "y"], "scores": [1]}, "not_a_ranking"),
        ({"prompt": "Q", "responses": ["x", "y"], "scores": [1, "good"]}, "not_a_ranking"),
        ({"prompt": "Q", "responses": ["x"], "scores": [1]}, "not_a_ranking"),
        ({"prompt": "Q", "responses": ["x", "x"], "scores": [1, 2]}, "identical_sides"),
        ({"prompt": "Q", "responses": [str(n) for n in range(40)], "scores": list(range(40))}, "too_many_answers"),
    ],
)  # fmt: skip
def test_what_is_no_ranking_is_refused_with_its_own_reason(record, code):
    assert refusal_in(record).code == code


def test_a_ranking_with_a_fault_holds_no_other_back():
    rows = rows_in(jsonl(NECTAR, {"prompt": "Q", "answers": [{"answer": "x"}, {"answer": "y"}]}, NECTAR))
    assert [getattr(row, "code", "group") for row in rows] == ["group", "not_a_ranking", "group"]
