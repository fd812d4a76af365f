"""Arena battles and LLMBar: two answers side by side, with who won."""

import pytest

from labeling.domain import Verdict
from labeling.rows import NamedVerdict
from tests.readers.reading import BAD, GOOD, USER, format_of, pair_in, refusal_in, said
from tests.readers.records import BATTLE


def test_a_battle_keeps_models_winner_and_judge():
    assert format_of(BATTLE) == "arena-battles"
    row = pair_in(BATTLE)
    assert said(row) == (USER["content"], GOOD["content"], BAD["content"])
    assert (row.a.source, row.b.source, row.prompt.external_id) == ("alpha", "beta", "q1")
    assert row.labels == (NamedVerdict("arena_user_7", Verdict.B),)


@pytest.mark.parametrize(
    ("winner", "verdict"),
    [
        ("model_a", Verdict.A), ("tie", Verdict.TIE), ("tie (bothbad)", Verdict.BOTH_BAD), ("beta", Verdict.B), ("", None),
    ],
)  # fmt: skip
def test_winners_are_read_as_arenas_write_them(winner, verdict):
    assert pair_in(BATTLE | {"winner": winner}).verdict is verdict


def test_the_judged_turn_is_the_completion():
    more = [{"role": "user", "content": "Shorter."}, {"role": "assistant", "content": "Air."}]
    row = pair_in(BATTLE | {"conversation_a": [USER, GOOD, *more], "conversation_b": [USER, BAD, *more]})
    assert said(row) == (USER["content"], GOOD["content"], BAD["content"])


def test_a_second_turn_after_different_answers_has_no_common_prompt():
    more = [{"role": "user", "content": "Shorter."}, {"role": "assistant", "content": "Air."}]
    two = BATTLE | {"conversation_a": [USER, GOOD, *more], "conversation_b": [USER, BAD, *more], "turn": 2}
    assert refusal_in(two).code == "different_prompts"


def test_a_battle_as_a_table_holds_lists_and_three_winner_columns():
    record = {
        "id": 5, "model_a": "alpha", "model_b": "beta", "prompt": '["Why?"]', "response_a": '["So."]', "response_b": '["No."]',
        "winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1,
    }  # fmt: skip
    assert format_of(record) == "arena-battles"
    row = pair_in(record)
    assert said(row) == ("Why?", "So.", "No.")
    assert row.verdict is Verdict.TIE
    assert refusal_in(record | {"winner_model_a": 1}).code == "unknown_verdict"
    lists = {"prompt": '["a", "b"]', "response_a": '["c", "d"]', "response_b": '["e", "f"]'}
    assert refusal_in(record | lists).code == "different_prompts"


def test_llmbars_gold_label_is_the_verdict():
    record = {"input": "Why?", "output_1": "No.", "output_2": "So.", "label": 2}
    assert format_of(record) == "llmbar"
    row = pair_in(record)
    assert (said(row), row.verdict, row.labels) == (("Why?", "No.", "So."), Verdict.B, ())


@pytest.mark.parametrize(
    ("better", "verdict"), [(0, Verdict.A), (1, Verdict.B), ("1.0", Verdict.B), ("tie", Verdict.TIE)]
)
def test_responses_that_are_counted_from_0_have_their_verdict_counted_so_too(better, verdict):
    row = pair_in({"prompt": "Q", "response_0": "x", "response_1": "y", "better_response_id": better})
    assert (said(row), row.verdict) == (("Q", "x", "y"), verdict)
    row = pair_in({"prompt": "Q", "response_1": "x", "response_2": "y", "label": 1})
    assert (said(row), row.verdict) == (("Q", "x", "y"), Verdict.A)


def test_a_tables_column_of_raters_names_whose_verdict_it_is():
    row = pair_in(
        {"prompt": "Q", "response_a": "x", "response_b": "y", "verdict": "a", "strength": 2, "annotator": "r1"}
    )
    assert row.labels == (NamedVerdict("r1", Verdict.A, 2),)
