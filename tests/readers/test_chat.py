"""Messages that a table or a text holds as their JSON are messages; other JSON is the text that it is."""

import json

import pytest

from labeling.readers import PairGroup, PairRow
from tests.readers.reading import BAD, GOOD, USER, jsonl, pair_in, refusal_in, rows_in, said, table

SIDES = {"chosen": GOOD, "rejected": BAD}
TURN = {"from": "human", "value": USER["content"]}
REPLIES = {"chosen": {"from": "gpt", "value": "So."}, "rejected": {"from": "gpt", "value": "No."}}
RECORDS = {
    "pairs": [{"prompt": [USER], "response_a": [GOOD], "response_b": BAD, "verdict": "a"}],
    "trl": [{"prompt": [USER], **SIDES}],
    "trl, whole": [{"chosen": [USER, GOOD], "rejected": [USER, BAD]}],
    "trl, question before": [{"prompt": [USER], "chosen": [USER, GOOD], "rejected": [USER, BAD]}],
    "openai-dpo": [{"input": {"messages": [USER]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}],
    "sharegpt-ranking": [{"conversations": [TURN], **REPLIES}],
    "ms-swift": [{"messages": [USER, GOOD], "rejected_response": [BAD]}],
    "kto": [
        {"prompt": [USER], "completion": [GOOD], "label": "true"},
        {"prompt": [USER], "completion": [BAD], "label": "false"},
    ],
    "completions": [{"prompt": [USER], "response": [GOOD], "model": "m"}],
}
# As pandas writes a column of lists.
PRINTED = [str([GOOD]), str([{"content": "So.", "role": "assistant"}]), str({"from": "gpt", "value": "So."})]
SWIFT_CALL = {"role": "tool_call", "content": '{"name": "look", "arguments": {}}'}
# Replies and prompts of models that are asked for JSON.
JSON = [
    '[{"a": 1}]',
    '{"role": "admin"}',
    '{"role": "assistant", "content": "x", "mood": 1}',
    '{"role": "Engineer", "content": "x"}',
    '[{"from": "user", "value": 3}]',
    '{"from": "EUR", "to": "USD", "value": "3"}',
    "[]",
    "[1, 2]",
    '["So."]',
    "{'a': 1}",
]


@pytest.mark.parametrize("records", RECORDS.values(), ids=RECORDS)
def test_messages_in_the_cells_of_a_table_are_read_as_those_of_a_line(records):
    assert rows_in(table(*records), "rows.csv") == rows_in(jsonl(*records))


@pytest.mark.parametrize("text", JSON)
def test_other_json_is_a_text_of_the_prompt_or_the_reply(text):
    assert said(pair_in({"prompt": text, "chosen": text, "rejected": "No."})) == (text, text, "No.")
    assert said(pair_in({"prompt": "Q", "chosen": text, "rejected": text + " "})) == ("Q", text, text + " ")
    assert said(pair_in({"prompt": text, "response_a": text, "response_b": "No."})) == (text, text, "No.")
    battle = {"model_a": "m", "model_b": "n", "winner": "tie"}
    assert said(pair_in({"prompt": "Q", "response_a": text, "response_b": "No."} | battle)) == ("Q", text, "No.")


@pytest.mark.parametrize("printed", PRINTED)
@pytest.mark.parametrize("field", ["prompt", "chosen", "rejected"])
def test_messages_as_python_prints_them_are_refused_and_not_taken_for_text(printed, field):
    found = refusal_in({"prompt": "Q", "chosen": "x", "rejected": "y"} | {field: printed})
    assert (found.code, f"{field} holds messages as Python prints them" in found.reason) == ("not_messages", True)


CUT = json.dumps([GOOD, USER])


@pytest.mark.parametrize(
    "broken",
    [
        json.dumps([GOOD]).replace("most.", r"most \ud83d"),
        json.dumps([GOOD]).replace("most.", "most.\n"),
        json.dumps([GOOD | {"score": float("nan")}]),
        json.dumps([{"id": 7, **GOOD, "score": float("nan")}]),
        json.dumps({"content": "most\\", "role": "assistant"}).replace("most", r"\udc3d"),
        json.dumps({"from": "gpt", "value": "So."})[:-1],
        '[{"role": "assistant", "content": "He said "so"."}]',
        CUT[:40], CUT[:-1], CUT[:-5], '[{"content": "Air scatt',
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["prompt", "chosen", "rejected"])
def test_messages_in_a_cell_whose_json_is_broken_are_refused_and_not_taken_for_text(broken, field):
    found = refusal_in({"prompt": "Q", "chosen": "x", "rejected": "y"} | {field: broken})
    assert (found.code, f"{field} holds messages that are not JSON" in found.reason) == ("not_json", True)


@pytest.mark.parametrize(
    "asked",
    [
        CUT + "\nIs this JSON?",
        '{"role": "user", "content": hi}\nWhat is wrong here?',
        "What is wrong with " + CUT[:-1],
        '{"model": "m", "messages": [{"role": "user", "content": "hi"}],}',
        '{"content": "Air scatt',
        '[{"role": "Engineer", "content": "x"},]',
        '[{"role": "Engineer", "content": "x", "id": 1}]',
        '[{"role": "user", "since": 2019}]',
        '[{"id": 1, "title": "Book one"}, {"id": 2, "title": "Bo',
        '[{"value": 1, "label": "x"}, {"val',
        '[{"content": "a", "score": 1}, {"content": "b", "sco',
        '[{"role": "Data Engineer", "years": 3}, {"role": "QA',
        '[{"id": 1, "name": "Ann", "role": "user"}, {"id": 2, "role": "admin"},]',
        '{"role": "user", "name": "Ann",}',
        '{"from": "system", "to": "bob", "body": "x"',
    ],
)
def test_a_question_about_messages_stays_the_text_it_is(asked):
    assert said(pair_in({"prompt": asked, "chosen": asked, "rejected": "No."})) == (asked, asked, "No.")


MORE = {"id": "17", "timestamp": 3}


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": [USER | MORE], "chosen": [GOOD | MORE], "rejected": [BAD]},
        {"chosen": [USER | MORE, GOOD], "rejected": [USER, BAD | MORE]},
        {"prompt": [USER], "response": GOOD["content"], "rejected_response": [SWIFT_CALL]},
    ],
)
def test_a_list_of_messages_in_a_cell_may_hold_what_one_of_a_line_may(record):
    assert rows_in(table(record), "rows.csv") == rows_in(jsonl(record))
    assert isinstance(rows_in(table(record), "rows.csv")[0], PairRow)


@pytest.mark.parametrize(
    "odd",
    [
        {"prompt": [USER | {"role": "human"}]},
        {"prompt": [USER, {"role": "assistant"}, USER]},
        {"prompt": [USER, {"note": 1}]},
        {"chosen": [GOOD | {"role": "gpt"}]},
        {"chosen": [GOOD | {"role": "Assistant"}]},
    ],
)
def test_messages_of_a_cell_that_are_none_are_refused_as_those_of_a_line(odd):
    record = {"prompt": [USER], **SIDES} | odd
    in_cells, in_line = rows_in(table(record), "rows.csv") + rows_in(jsonl(record))
    assert (in_cells.code, in_cells.reason) == (in_line.code, in_line.reason)


def test_several_messages_in_a_cell_are_no_reply():
    row = {"prompt": "Q", "response_a": "x", "response_b": json.dumps([GOOD, GOOD])}
    assert refusal_in(row).code == "not_one_reply"


LOOK = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}
TALKS = [{"conversations": [TURN, REPLIES[side]], "kto_tag": side == "chosen"} for side in REPLIES]


@pytest.mark.parametrize("tool", [LOOK, {"type": "function", **LOOK}, {"type": "function", "function": LOOK}])
@pytest.mark.parametrize("written", [json.dumps, list])
@pytest.mark.parametrize("records", [TALKS, RECORDS["trl"], RECORDS["pairs"], RECORDS["sharegpt-ranking"]])
def test_tools_that_are_bare_functions_are_offered_as_chat_completions_have_them(records, written, tool):
    (row,) = rows_in(jsonl(*({**record, "tools": written([tool])} for record in records)))
    pair = row.pairs[0] if isinstance(row, PairGroup) else row
    assert pair.prompt.prompt.tools == ({"type": "function", "function": LOOK},)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search"},
        {"type": "custom", "name": "c"},
        {"name": "m", "inputSchema": {}},
        {"name": "look", "input_schema": {"type": "object"}},
    ],
)
def test_tools_that_are_no_functions_are_left_as_they_are(tool):
    assert pair_in(RECORDS["trl"][0] | {"tools": [tool]}).prompt.prompt.tools == (tool,)


@pytest.mark.parametrize("source", [jsonl, table])
@pytest.mark.parametrize("name", ["reasoning_content", "thinking"])
def test_replies_that_differ_in_their_reasoning_alone_are_told_so(source, name):
    (found,) = rows_in(
        source({"prompt": "Q", "chosen": [GOOD | {name: "Sky, air."}], "rejected": [GOOD | {name: "So?"}]})
    )
    assert (found.code, "reasoning_content and thinking, in which they may differ" in found.reason) == (
        "identical_sides",
        True,
    )


@pytest.mark.parametrize("nothing", [{}, {"thinking": None}, {"reasoning_content": ""}])
def test_replies_without_reasoning_are_the_same_text_and_no_more(nothing):
    found = refusal_in({"prompt": "Q", "chosen": [GOOD | nothing], "rejected": [GOOD | nothing]})
    assert found.reason == "both completions are the same text"


def test_the_same_replies_beside_a_thousand_levels_are_refused_in_words():
    deep = '{"prompt": "Q", "chosen": "x", "rejected": "x", "more": %s}' % ("[" * 1000 + "]" * 1000)
    (found,) = rows_in(deep.encode())
    assert found.code == "identical_sides"
