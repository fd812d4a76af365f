"""Arena battles and LLMBar: two answers side by side, with who won."""

import json

import pytest

from labeling.domain import Verdict
from labeling.readers import Refusal
from labeling.rows import NamedVerdict
from tests.readers.reading import BAD, GOOD, USER, format_of, pair_in, refusal_in, rows_in, said
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


def parts(role: str, text: str) -> dict[str, object]:
    return {"role": role, "content": [{"type": "text", "text": text, "image": None, "mimeType": None}]}


def session(*turns: tuple[str, str, str]) -> dict[str, object]:
    """The last battle of a session, with all of its turns beside it."""
    full = [
        {"user": parts("user", asked), "model_side_a": parts("assistant", a), "model_side_b": parts("assistant", b)}
        for asked, a, b in turns
    ]
    last = {f"conversation_{side}": [full[-1]["user"], full[-1][f"model_side_{side}"]] for side in "ab"}
    return BATTLE | last | {"evaluation_order": len(turns), "full_conversation": full}


def test_a_later_battle_of_a_session_has_the_earlier_turns_in_its_prompt():
    first = ("Write a poem.", "The sea.", "The sea.")
    row = pair_in(session(first, ("Shorter.", "Sea.", "Sea!")))
    assert [message["content"] for message in row.prompt.prompt.messages] == ["Write a poem.", "The sea.", "Shorter."]
    assert (row.a.text, row.b.text) == ("Sea.", "Sea!")
    as_json = session(first, ("Shorter.", "Sea.", "Sea!"))
    as_json["full_conversation"] = json.dumps(as_json["full_conversation"])
    assert pair_in(as_json).prompt == row.prompt
    assert len(pair_in(session(("Shorter.", "Sea.", "Sea!"))).prompt.prompt.messages) == 1


def test_a_later_battle_after_different_answers_has_no_common_prompt():
    assert (
        refusal_in(session(("Write.", "The sea.", "A lake."), ("Shorter.", "Sea.", "Lake."))).code
        == "different_prompts"
    )
    unnumbered = session(("Write.", "The sea.", "A lake."), ("Shorter.", "Sea.", "Lake.")) | {"evaluation_order": None}
    assert refusal_in(unnumbered).code == "different_prompts"


@pytest.mark.parametrize(
    "full", [None, [], "gone", [{"user": "x"}], session(("Other.", "x", "y"))["full_conversation"]]
)
def test_a_later_battle_whose_earlier_turns_are_nowhere_is_refused(full):
    later = session(("Write.", "Sea.", "Sea."), ("Shorter.", "S.", "s.")) | {"full_conversation": full}
    found = refusal_in(later)
    assert (found.code, "earlier turns" in found.reason) == ("missing_field", True)


SYSTEM = {"role": "system", "content": "Be brief."}
OTHER_SHAPES = [
    [USER, GOOD, BAD],
    [SYSTEM, {"user": USER, "model_side_a": GOOD, "model_side_b": BAD}],
    [{"user": USER, "model_side_a": GOOD, "model_side_b": BAD}, {"user": parts("user", "And now?")}],
]


@pytest.mark.parametrize("full", OTHER_SHAPES)
@pytest.mark.parametrize("order", [None, 1, "1"])
def test_a_battle_that_is_not_said_to_be_a_later_one_has_the_turns_of_its_own(order, full):
    row = pair_in(BATTLE | {"evaluation_order": order, "full_conversation": full})
    assert (said(row), len(row.prompt.prompt.messages)) == ((USER["content"], GOOD["content"], BAD["content"]), 1)


def test_the_first_battle_of_a_session_has_no_turns_before_it_whatever_follows():
    turns = session(("Write.", "Sea.", "Sea."), ("Shorter.", "S.", "s."))
    first = turns | {"evaluation_order": 1}
    assert len(pair_in(first).prompt.prompt.messages) == 1
    assert len(pair_in(turns).prompt.prompt.messages) == 3


@pytest.mark.parametrize("order", [2, None])
def test_the_system_prompt_of_a_later_battle_stays_before_the_earlier_turns(order):
    later = session(("Write.", "Sea.", "Sea."), ("Shorter.", "S.", "s.")) | {"evaluation_order": order}
    sides = {f"conversation_{side}": [SYSTEM, *later[f"conversation_{side}"]] for side in "ab"}
    messages = pair_in(later | sides).prompt.prompt.messages
    assert [message["content"] for message in messages] == ["Be brief.", "Write.", "Sea.", "Shorter."]


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


TURNS = {"prompt": '["Why?", "So?"]', "response_a": '["So.", "Yes."]', "response_b": '["No.", "No."]'}
FIGHT = {"model_a": "m", "model_b": "n", "winner": "model_a"}


@pytest.mark.parametrize("field", TURNS)
@pytest.mark.parametrize("broken", [r'["x \ud83d", "y"]', '["x", "y', '["x\n", "y"]', "['x', 'y']", r'["\udc3d"]'])
def test_turns_of_a_battle_that_are_no_json_are_refused_and_not_taken_for_text(field, broken):
    assert refusal_in(TURNS | FIGHT | {field: broken}).code == "not_json"


def test_turns_of_a_battle_as_python_prints_them_are_refused():
    assert refusal_in({field: str(["x", "it's", field]) for field in TURNS} | FIGHT).code == "not_json"


def test_a_list_beside_texts_is_a_text_of_a_battle():
    texts = {"prompt": "[MASK] is what?", "response_a": "['x']", "response_b": '["x"]'}
    assert said(pair_in(texts | FIGHT)) == tuple(texts.values())
    texts = {"prompt": '["a", "b"] sort it', "response_a": '["b"] first', "response_b": '["a", "b"]'}
    assert said(pair_in(texts | FIGHT)) == tuple(texts.values())


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


def table(column: str, *numbers: object, sides: str = "response_1,response_2", **options: object) -> list[object]:
    """The verdict of each row of a table, or the word that a row was refused for."""
    lines = "".join(f"Q{place},x,y,{number},m,n\n" for place, number in enumerate(numbers))
    content = f"prompt,{sides},{column},model_a,model_b\n{lines}".encode()
    return [row.word if isinstance(row, Refusal) else row.verdict for row in rows_in(content, "f.csv", **options)]


@pytest.mark.parametrize("column", ["label", "winner"])
@pytest.mark.parametrize("numbers", [("0", "1"), ("-1", "1"), ("1", "2", "3"), ("1.0", "0.0"), ("tie", "1", "0")])
def test_a_number_is_no_verdict_where_its_column_holds_others_than_1_and_2(column, numbers):
    assert table(column, *numbers) == [Verdict.TIE if number == "tie" else number for number in numbers]


def test_where_one_number_is_given_a_meaning_each_other_needs_one_too():
    assert table("label", "0", "1", verdicts={"0": "a"}) == [Verdict.A, "1"]
    assert table("label", "1", "2", verdicts={"1": "b"}) == [Verdict.B, "2"]
    assert table("label", "0", "1", verdicts={"0": "a", "1": "b"}) == [Verdict.A, Verdict.B]


def test_a_number_that_comes_after_many_rows_is_looked_for():
    assert table("label", *["1"] * 30, "0") == [*["1"] * 30, "0"]
    assert table("label", *[""] * 30, "1", "2") == [*[None] * 30, Verdict.A, Verdict.B]
    assert table("label", *["tie"] * 30, "1", "2") == [*[Verdict.TIE] * 30, Verdict.A, Verdict.B]


def test_responses_that_are_counted_from_0_have_no_verdict_2():
    sides = "response_0,response_1"
    assert table("label", "0", "1", sides=sides) == [Verdict.A, Verdict.B]
    assert table("label", "0", "1", "2", sides=sides) == ["0", "1", "2"]


@pytest.mark.parametrize("sides", ["response_2,response_1", "response_1,response_3", "response_0,response_2"])
def test_a_number_is_no_verdict_on_responses_that_are_counted_otherwise(sides):
    mapping = dict(zip(("response_a", "response_b"), sides.split(","), strict=True))
    assert table("label", "1", "2", sides=sides, mapping=mapping) == ["1", "2"]
    assert table("label", "1", "2", sides=sides, mapping=mapping, verdicts={"1": "b", "2": "a"}) == [
        Verdict.B,
        Verdict.A,
    ]


def test_models_whose_names_are_numbers_win_by_their_names():
    content = b"prompt,response_a,response_b,model_a,model_b,winner\nQ,x,y,17,1,1\nP,x,y,1,17,1\nR,x,y,m,n,1\n"
    assert [row.verdict for row in rows_in(content, "f.csv")] == [Verdict.B, Verdict.A, Verdict.A]
