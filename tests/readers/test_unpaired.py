"""Single completions called desirable or not become pairs where one prompt has both."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.readers import PairGroup, Refusal, read, understand
from labeling.rows import records_of
from tests.readers.reading import BAD, GOOD, USER, format_of, jsonl, rows_in


def rated(prompt: str, completion: str, label: object) -> dict[str, object]:
    return {"prompt": prompt, "completion": completion, "label": label}


def pairs(rows: list[object]) -> list[tuple[str, str]]:
    return [(row.pairs[0].a.text, row.pairs[0].b.text) for row in rows if isinstance(row, PairGroup)]


def test_a_desirable_and_an_undesirable_completion_of_one_prompt_are_a_pair():
    records = [rated("Q", "good", True), rated("R", "fine", True), rated("Q", "bad", False), rated("R", "poor", False)]
    assert format_of(*records) == "kto"
    assert pairs(rows_in(jsonl(*records))) == [("good", "bad"), ("fine", "poor")]


def test_one_alone_is_refused_and_counted():
    good, refused = rows_in(jsonl(rated("Q", "x", True), rated("R", "y", True), rated("Q", "z", False)))
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.code) == (2, "no_counterpart")
    assert isinstance(good, PairGroup)
    assert good.records == 2


def test_more_of_one_kind_meet_the_first_of_the_other():
    records = [rated("Q", "good", True), *(rated("Q", f"bad {n}", False) for n in range(3))]
    assert pairs(rows_in(jsonl(*records))) == [("good", "bad 0"), ("good", "bad 1"), ("good", "bad 2")]


def test_the_same_text_called_both_is_a_contradiction_of_both_rows():
    rows = rows_in(jsonl(rated("Q", "same", True), rated("Q", "same", False)))
    assert [row.code for row in rows if isinstance(row, Refusal)] == ["contradiction", "contradiction"]


@pytest.mark.parametrize(
    ("rows", "made"),
    [
        ("A+ A- B-", []),
        ("A- A+ B-", []),
        ("A- B- A+", []),
        ("A+ A- B- C+", ["C>B"]),
        ("B- A- A+ C+", ["C>B"]),
        ("A+ A+ A- B- B-", []),
        ("A+ B- A- D-", ["A>B"]),
        ("A+ B- A- C+ D-", ["A>B", "C>D"]),
        ("A+ B- A- C+ D- E-", ["A>B", "C>D", "C>E"]),
        ("A+ X- B+ Y- A- Z-", ["A>X", "B>Y", "B>Z"]),
        ("A+ X- B+ Y- X+ Z+", ["A>X", "B>Y", "Z>Y"]),
        ("A+ B+ X- Y- A- B- Z- C+ V- W-", ["A>X", "B>Y", "C>Z", "C>V", "C>W"]),
    ],
)
def test_no_pair_is_made_of_a_completion_once_it_was_called_both(rows, made):
    found = rows_in(jsonl(*(rated("Q", one[0], one[1] == "+") for one in rows.split())))
    assert [f"{good}>{bad}" for good, bad in pairs(found)] == made


def test_a_completion_that_is_called_the_opposite_after_its_pair_was_made_is_told_with_the_pair():
    records = [rated("Q", "x", True), rated("Q", "y", False), rated("Q", "x", False)]
    (refused,) = [row for row in rows_in(jsonl(*records)) if isinstance(row, Refusal)]
    assert (refused.line, refused.code) == (3, "contradiction")
    assert refused.reason.endswith("; pairs made with it before this row was read stay, the last in line 2")


def test_one_whose_counterparts_are_in_pairs_already_and_no_longer_held_is_told_so():
    paired = "".join(f"{good}+ {bad}- " for good, bad in zip("ABCDE", "VWXYZ", strict=True))
    *made, refused = rows_in(jsonl(*(rated("Q", one[0], one[1] == "+") for one in f"{paired} A- B- C- D- Q-".split())))
    assert pairs(made)[-1] == ("E", "Z")
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.code) == (15, "no_counterpart")
    assert "are in pairs already and no longer held" in refused.reason


def test_conversations_and_messages_that_end_in_the_reply_are_read():
    talk = {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "x"}], "kto_tag": True}
    other = {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "y"}], "kto_tag": False}
    assert pairs(rows_in(jsonl(talk, other))) == [("x", "y")]
    messages = [
        {"messages": [USER, GOOD], "label": True},
        {"messages": [USER, {**GOOD, "content": "?"}], "label": False},
    ]
    assert pairs(rows_in(jsonl(*messages))) == [(GOOD["content"], "?")]


MORE = {"role": "user", "content": "Shorter."}


def whole(prompt: dict[str, object], turns: list[object]) -> list[dict[str, object]]:
    """Two rows whose completion is the whole conversation, with what stands beside it."""
    return [prompt | {"completion": [*turns, side], "label": side is GOOD} for side in (GOOD, BAD)]


@pytest.mark.parametrize("turns", [[USER], [USER, BAD, MORE], [{"role": "system", "content": "Be brief."}, USER]])
@pytest.mark.parametrize("prompt", [{}, {"prompt": None}, {"prompt": USER["content"]}, {"prompt": [USER]}])
def test_a_completion_that_is_a_whole_conversation_holds_its_prompt_once(prompt, turns):
    records = whole(prompt, turns)
    assert format_of(*records) == "kto"
    (row,) = rows_in(jsonl(*records))
    assert isinstance(row, PairGroup), row
    (pair,) = row.pairs
    assert (list(pair.prompt.prompt.messages), pair.a.text, pair.b.text) == (turns, GOOD["content"], BAD["content"])


def test_turns_of_a_prompt_and_of_a_completion_may_be_those_of_sharegpt():
    talk = {"from": "human", "value": "Q"}
    alone = [{"prompt": [talk], "completion": text, "label": text == "x"} for text in "xy"]
    assert pairs(rows_in(jsonl(*alone))) == [("x", "y")]
    in_both = [one | {"completion": [talk, {"from": "gpt", "value": one["completion"]}]} for one in alone]
    (row,) = rows_in(jsonl(*in_both))
    assert isinstance(row, PairGroup), row
    assert list(row.pairs[0].prompt.prompt.messages) == [{"role": "user", "content": "Q"}]


def test_a_completion_may_go_on_from_its_prompt_for_several_turns():
    (row,) = rows_in(jsonl(*whole({"prompt": USER["content"]}, [BAD, MORE])))
    assert isinstance(row, PairGroup), row
    assert list(row.pairs[0].prompt.prompt.messages) == [USER, BAD, MORE]


def test_the_input_of_an_empty_instruction_is_what_a_completion_of_several_turns_goes_on_from():
    (row,) = rows_in(jsonl(*whole({"instruction": "", "input": USER["content"]}, [BAD, MORE])))
    assert isinstance(row, PairGroup), row
    assert list(row.pairs[0].prompt.prompt.messages) == [USER, BAD, MORE]


CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("beside", "turns"),
    [
        ({"prompt": ""}, [BAD, MORE]),
        ({"prompt": None}, [{"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "blue"}]),
        ({"prompt": "", "history": [["Hi", "Hello."]]}, [USER]),
        ({"ask": "Why?"}, [BAD, MORE]),
    ],
)
def test_a_completion_of_several_turns_whose_question_is_nowhere_is_refused(beside, turns):
    found = rows_in(jsonl(*whole(beside, turns)), format="kto")
    assert [isinstance(row, Refusal) and row.code in ("empty_prompt", "missing_field") for row in found] == [True, True]


def test_a_table_writes_an_empty_history_beside_a_whole_conversation():
    records = whole({"prompt": "", "history": "[]", "system": "Be brief."}, [USER])
    assert pairs(rows_in(jsonl(*records))) == [(GOOD["content"], BAD["content"])]


def test_a_prompt_beside_a_conversation_that_is_another_is_refused_until_it_is_set_aside():
    records = whole({"prompt": "Who?"}, [USER])
    found = rows_in(jsonl(*records))
    assert [row.code for row in found if isinstance(row, Refusal)] == ["different_prompts", "different_prompts"]
    assert all("--map prompt=" in row.reason for row in found if isinstance(row, Refusal))
    assert pairs(rows_in(jsonl(*records), mapping={"prompt": ""})) == [(GOOD["content"], BAD["content"])]


def test_a_table_writes_yes_and_no_as_words():
    table = b"prompt,completion,label\nQ,x,True\nQ,y,False\n"
    assert pairs(rows_in(table, "kto.csv")) == [("x", "y")]


@given(st.lists(st.tuples(st.sampled_from("QRS"), st.sampled_from("xyz"), st.booleans()), min_size=1))
def test_every_row_is_part_of_a_pair_or_refused_and_a_pair_that_is_contradicted_is_told(records):
    source = jsonl(*(rated(*one) for one in records))
    found = list(read(source, understand(source, "kto.jsonl", format="kto")))
    both = {one[:2] for one in records if (*one[:2], not one[2]) in records}
    told = {row.content for row in found if isinstance(row, Refusal) and "stay" in row.reason}
    counted = Counter()
    for row in found:
        for pair in () if isinstance(row, Refusal) else row[1].pairs:
            prompt = str(pair.prompt.prompt.messages[-1]["content"])
            assert all((prompt, reply.text) not in both or reply.text in told for reply in (pair.a, pair.b))
        counted["rows"] += 1 if isinstance(row, Refusal) else records_of(row[1])
    assert counted["rows"] == len(records)


def test_numbers_are_yes_and_no_only_where_that_is_said():
    rows = jsonl(rated("Q", "x", 1), rated("Q", "y", 0))
    assert pairs(rows_in(rows, format="kto")) == [("x", "y")]
    assert format_of(rated("Q", "x", 1) | {"id": 1}, rated("Q", "y", 0) | {"id": 2}) == "completions"


def numbered(*labels: str, names: str = "prompt,completion,label", **options: str) -> str:
    rows = "".join(f"Q,reply {place},{label}\n" for place, label in enumerate(labels))
    return understand(f"{names}\n{rows}".encode(), "file.csv", **options).format


def test_a_spreadsheets_1_and_0_are_true_and_false_under_trls_names():
    assert (numbered("1", "0"), numbered("0.0", "1.0", "1")) == ("kto", "kto")
    assert format_of(rated("Q", "x", 1), rated("Q", "y", 0)) == "kto"
    assert pairs(rows_in(b"prompt,completion,label\nQ,poor,0\nQ,good,1\n", "file.csv")) == [("good", "poor")]
    assert numbered("1", "0", kind="completions") == "completions"
    assert numbered("1", "0", names="Prompt,Completion,Label") == "kto"


@pytest.mark.parametrize("mapping", [{"desirable": ""}, {"tags": "label"}, {"id": "label"}])
def test_1_and_0_are_no_labels_where_the_column_is_said_to_be_something_else(mapping):
    assert numbered("1", "0", mapping=mapping) == "completions"


@pytest.mark.parametrize(
    "labels", [("1", "1"), ("1", "0", "2"), ("1", "0", ""), ("1", "0", "-1"), ["1", "0"] * 30 + ["3"]]
)
def test_numbers_that_may_be_of_a_scale_are_no_labels(labels):
    assert numbered(*labels) == "completions"


@pytest.mark.parametrize("names", ["prompt,response,label", "prompt,completion,score", "question,completion,label"])
def test_1_and_0_are_no_labels_under_other_names(names):
    assert numbered("1", "0", names=names) == "completions"
