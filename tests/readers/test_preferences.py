"""Chosen and rejected, however a file writes them, become one prompt with two completions."""

import json
import shlex

import pytest

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.readers import Refusal, understand
from tests.readers.reading import BAD, GOOD, USER, format_of, jsonl, pair_in, refusal_in, rows_in, said, table
from tests.readers.records import SWIFT

HUMAN = {"from": "human", "value": "Why?"}
GPT, POOR = {"from": "gpt", "value": "So."}, {"from": "gpt", "value": "No."}
TALK = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Why?\n\nAssistant:"


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"chosen": "The sky is blue.", "rejected": "The sky is green."}, ("The sky is", " blue.", " green.")),
        ({"chosen": "Why?\nSo.", "rejected": "Why?\nNo."}, ("Why?\n", "So.", "No.")),
        ({"instruction": "Why?", "chosen_response": "So.", "rejected_response": "No."}, ("Why?", "So.", "No.")),
        ({"input": "Why?", "accepted": "So.", "rejected": "No.", "ID": 1}, ("Why?", "So.", "No.")),
        ({"instruction": "Add.", "input": "1 + 1", "chosen": "2", "rejected": "3"}, ("Add.\n1 + 1", "2", "3")),
        ({"question": "Why?", "system": "Be brief.", "chosen": "So.", "rejected": "No."}, ("Why?", "So.", "No.")),
    ],
    ids=["implicit", "implicit, line", "argilla's names", "accepted", "alpaca", "orca"],
)  # fmt: skip
def test_the_prompt_is_found_where_it_stands(record, found):
    assert format_of(record) == "trl"
    row = pair_in(record)
    assert said(row) == found
    assert row.verdict is Verdict.A


ALIKE = {"chosen": "Step 1: add them.", "rejected": "Step 1: subtract them."}


@pytest.mark.parametrize(
    ("column", "held"),
    [
        ("trajectory", [{"from": "user", "value": "Add."}]),
        ("turns", [{"role": "user", "content": "Add."}]),
        ("turns", [{"speaker": "user", "text": "Add."}]),
        ("problem", "Add!"),
        ("User Question", "3 + 4"),
        ("task", "Add 3 and 4."),
        ("post", "3 + 4?"),
        ("post", "三加四再减五是多少"),
    ],
)
@pytest.mark.parametrize("written", [jsonl, table])
def test_what_two_texts_begin_with_is_no_prompt_beside_a_column_that_may_be_it(written, column, held):
    record = {"dataset": "d", column: held, "source": "a site"} | ALIKE
    source = written({**record, "id": "0"}, {**record, "id": "1"})
    name = f"file.{'csv' if written is table else 'jsonl'}"
    with pytest.raises(InputError, match=f"--map {shlex.quote(f'prompt={column}')}"):
        understand(source, name)
    rows = rows_in(source, name, mapping={"prompt": ""})
    assert [said(row) for row in rows] == [("Step 1:", " add them.", " subtract them.")] * 2


@pytest.mark.parametrize(
    "fields",
    [
        {"task": "Math", "dataset": "Anthropic helpful and harmless", "model": "one of ours, new"},
        {"source": "What people asked on a site", "url": "see it there, page 3", "prompt_id": "q1"},
        {"reason": "The first one adds as it should.", "chosen_feedback": "Why would it subtract?", "score": 0.5},
        {"annotations": [{"who": "r1", "stars": 4}], "tags": ["a", "b"], "question": None, "problem": " "},
        {"begun": "Step 1:", "prompt": None},
        {"created_at": "Mon, 01 Jan 2024 10:00:00", "file": "my own files/of the year.json"},
        {"justification": "It adds as it should.", "rubric": "Is the sum right?", "score": "4 out of 5 stars"},
        {"judgment": "The first one is better.", "question_type": "sums of two numbers", "attribution": "by one of us"},
        {"text": " Step 1: add them.", "domain": "数学推理", "来源": "数学推理"},
    ],
)
def test_what_else_is_said_of_two_texts_is_not_taken_for_their_prompt(fields):
    assert said(pair_in(fields | ALIKE)) == ("Step 1:", " add them.", " subtract them.")


@pytest.mark.parametrize("history", ["What is 3 + 4?", [USER], [["Hi", "Hello."]]])
def test_a_history_is_not_lost_for_what_two_texts_begin_with(history):
    found = refusal_in({"history": history} | ALIKE)
    can_be_prompt = isinstance(history, str) or isinstance(history[0], dict)
    assert (found.code, "--map prompt=history" in found.reason) == ("missing_field", can_be_prompt)
    assert found.reason.endswith("--map history=")
    row = pair_in({"history": history} | ALIKE, mapping={"history": ""})
    assert said(row) == ("Step 1:", " add them.", " subtract them.")


def test_conversations_share_their_prompt_up_to_where_they_part():
    turns = [{"role": "system", "content": "Be brief."}, USER, GOOD, {"role": "user", "content": "Shorter."}]
    row = pair_in({"chosen": [*turns, GOOD], "rejected": [*turns, BAD]})
    assert list(row.prompt.prompt.messages) == turns
    assert (row.a.text, row.b.text) == (GOOD["content"], BAD["content"])


SYSTEM, OTHER = {"role": "system", "content": "Be brief."}, {"role": "system", "content": "Be kind."}
MORE = {"role": "user", "content": "Shorter."}


@pytest.mark.parametrize(
    ("before", "turns", "found"),
    [
        ([USER], [USER], [USER]),
        ([USER], [USER, GOOD, MORE], [USER, GOOD, MORE]),
        ([USER, GOOD], [USER], [USER]),
        ([USER, BAD], [USER], [USER]),
        ([SYSTEM, USER, GOOD], [USER], [SYSTEM, USER]),
        ([SYSTEM, USER], [USER], [SYSTEM, USER]),
        ([USER], [SYSTEM, USER], [SYSTEM, USER]),
        ([SYSTEM], [USER], [SYSTEM, USER]),
        ([SYSTEM, USER], [USER, GOOD, MORE], [SYSTEM, USER, GOOD, MORE]),
        (USER, [SYSTEM, USER], [SYSTEM, USER]),
        ([USER, BAD], [MORE], [USER, BAD, MORE]),
        ([SYSTEM, USER], [BAD, MORE], [SYSTEM, USER, BAD, MORE]),
    ],
)
@pytest.mark.parametrize("name", ["prompt", "messages"])
def test_what_stands_beside_whole_conversations_is_in_their_prompt_once(name, before, turns, found):
    row = pair_in({name: before, "chosen": [*turns, GOOD], "rejected": [*turns, BAD]})
    assert (list(row.prompt.prompt.messages), row.a.text, row.b.text) == (found, GOOD["content"], BAD["content"])


@pytest.mark.parametrize(
    ("before", "turns"),
    [
        ([SYSTEM, USER], [OTHER, USER]),
        ([SYSTEM], [OTHER, USER]),
        ([USER], [MORE]),
        ([USER], [SYSTEM, MORE]),
        ([USER, {"role": "assistant", "content": "A third answer."}], [USER]),
        ([USER, GOOD, MORE], [MORE]),
        ([USER], [SYSTEM]),
    ],
)
def test_what_stands_beside_conversations_that_are_others_is_no_part_of_them(before, turns):
    record = {"prompt": before, "chosen": [*turns, GOOD], "rejected": [*turns, BAD]}
    found = refusal_in(record)
    assert (found.code, "--map prompt=" in found.reason) == ("different_prompts", True)
    if turns != [SYSTEM]:
        assert list(pair_in(record, mapping={"prompt": ""}).prompt.prompt.messages) == turns


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"chosen": "Yes.", "rejected": "No."}, "no_common_prompt"),
        ({"chosen": "Same.", "rejected": "Same."}, "identical_sides"),
        ({"chosen": [USER, GOOD], "rejected": [USER, GOOD]}, "identical_sides"),
        ({"chosen": [USER, GOOD, USER, GOOD], "rejected": [USER, BAD, USER, GOOD]}, "different_prompts"),
        ({"chosen": [USER, GOOD], "rejected": [USER]}, "different_prompts"),
        ({"instruction": "Q", "history": [["only a question"]], "chosen": "x", "rejected": "y"}, "not_messages"),
        ({"chosen": "\n\nHuman: a\n\nAssistant: x", "rejected": "\n\nHuman: b\n\nAssistant: y"}, "different_prompts"),
        ({"chosen": TALK + " x\n\nHuman: c\n\nAssistant: d", "rejected": TALK + " y"}, "different_prompts"),
        ({"chosen": TALK, "rejected": TALK + " y"}, "empty_side"),
        ({"conversations": [{"from": "cat", "value": "meow"}], "chosen": GPT, "rejected": POOR}, "not_messages"),
        ({"conversations": [HUMAN], "chosen": GPT, "rejected": None}, "missing_field"),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_refused_with_its_own_reason(record, code):
    assert refusal_in(record).code == code


def test_earlier_turns_of_an_alpaca_row_are_part_of_the_prompt():
    row = pair_in({"instruction": "And now?", "history": [["Hi", "Hello."]], "chosen": "So.", "rejected": "No."})
    assert [message["content"] for message in row.prompt.prompt.messages] == ["Hi", "Hello.", "And now?"]


def test_earlier_turns_that_are_no_turns_are_refused_and_not_left_out():
    record = {"instruction": "And now?", "chosen": "So.", "rejected": "No.", "history": "Hi"}
    assert refusal_in(record).code == "not_messages"
    assert all(len(pair_in(record | {"history": none}).prompt.prompt.messages) == 1 for none in (None, "", []))


def test_the_models_of_both_sides_are_kept():
    row = pair_in({"prompt": "Q", "chosen": "x", "rejected": "y", "chosen-model": "m1", "rejected-model": "m2"})
    assert (row.a.source, row.b.source) == ("m1", "m2")


def test_a_margin_is_no_strength_of_a_rater_and_can_be_set_aside():
    record = {"prompt": "Q", "chosen": "x", "rejected": "y", "margin": 2}
    row = pair_in(record)
    assert (row.margin, row.strength) == (2, None)
    assert pair_in(record, mapping={"margin": ""}).margin is None
    assert pair_in({"query": "Q", "response": "x", "rejected_response": "y", "margin": 0.5}).margin == 0.5


def test_a_transcript_becomes_turns_and_the_last_one_is_the_completion():
    record = {"chosen": f"{TALK} So.", "rejected": f"{TALK} No, never."}
    assert format_of(record) == "hh-rlhf"
    row = pair_in(record)
    assert said(row) == ("Why?", "So.", "No, never.")
    assert [message["role"] for message in row.prompt.prompt.messages] == ["user", "assistant", "user"]


CODE = "    return 1\n\n  # done\n"


@pytest.mark.parametrize(
    "record",
    [
        {"chosen": f"{TALK} {CODE}", "rejected": f"{TALK} No."},
        {"chosen": f"{TALK}\n{CODE}", "rejected": f"{TALK}\nNo."},
        {"prompt": TALK, "chosen": f" {CODE}", "rejected": " No."},
        {"prompt": f"{TALK} ", "chosen": CODE, "rejected": "No."},
    ],
)
def test_a_reply_in_a_transcript_keeps_its_indentation_and_its_last_line_feeds(record):
    assert format_of(record) == "hh-rlhf"
    assert said(pair_in(record)) == ("Why?", CODE, "No.")


def test_a_turn_in_a_transcript_keeps_its_indentation():
    before = f"\n\nHuman: {CODE}\n\nAssistant: {CODE}\n\nHuman: Why?\n\nAssistant:"
    messages = pair_in({"chosen": f"{before} So.", "rejected": f"{before} No."}).prompt.prompt.messages
    assert [message["content"] for message in messages] == [CODE, CODE, "Why?"]


def test_a_prompt_that_is_a_transcript_is_read_as_turns():
    record = {"prompt": f"{TALK} ", "chosen": "So.", "rejected": "No."}
    assert format_of(record) == "hh-rlhf"
    assert len(pair_in(record).prompt.prompt.messages) == 3


@pytest.mark.parametrize("marker", ["Assistant: ", "\n\nAssistant: ", "Assistant:\n"])
def test_a_transcript_is_one_too_where_its_replies_hold_the_last_marker(marker):
    record = {"prompt": TALK.removesuffix("\n\nAssistant:"), "chosen": f"{marker}So.", "rejected": f"{marker}No."}
    assert format_of(record) == "hh-rlhf"
    row = pair_in(record)
    assert said(row) == ("Why?", "So.", "No.")
    assert len(row.prompt.prompt.messages) == 3


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "What follows?\n\nHuman: Hi", "chosen": "Assistant: So.", "rejected": "Assistant: No."},
        {"prompt": "Human: is a word.", "chosen": "Assistant: So.", "rejected": "No."},
        {"prompt": "Human: Why?\nAssistant:", "chosen": " So.", "rejected": " No."},
    ],
)
def test_a_text_that_has_not_both_markers_where_a_transcript_has_them_stays_as_it_is(record):
    assert format_of(record) == "trl"
    assert said(pair_in(record)) == tuple(record.values())


@pytest.mark.parametrize("ending", [" Assistant:", "\nAssistant:", "\nAssistant: "])
def test_the_last_marker_of_a_transcript_needs_no_blank_line_before_it(ending):
    talk = TALK.removesuffix("\n\nAssistant:")
    record = {"prompt": talk + ending, "chosen": "So.", "rejected": "No."}
    row = pair_in(record, format="hh-rlhf")
    assert said(row) == ("Why?", "So.", "No.")
    assert len(row.prompt.prompt.messages) == 3
    loose = talk.replace("\n\n", "\n") + ending
    found = refusal_in(record | {"prompt": loose}, format="hh-rlhf")
    assert (found.code, "no blank line" in found.reason) == ("not_messages", True)


MARKED = {"chosen": "Assistant: So.", "rejected": "Assistant: No."}


@pytest.mark.parametrize("ending", [" Assistant:", "\nAssistant: "])
def test_the_last_marker_of_a_transcript_may_be_before_its_replies_too(ending):
    row = pair_in({"prompt": f"Human: Why?{ending}"} | MARKED)
    assert (said(row), len(row.prompt.prompt.messages)) == (("Why?", "So.", "No."), 1)


@pytest.mark.parametrize("ending", ["", "\nAssistant:"])
def test_turns_of_a_transcript_that_no_blank_line_parts_are_refused_where_the_replies_are_marked(ending):
    found = refusal_in({"prompt": f"Human: Hi\nAssistant: Hello.\nHuman: Why?{ending}"} | MARKED)
    assert (found.code, "no blank line" in found.reason) == ("not_messages", True)


@pytest.mark.parametrize("transcript", [{"prompt": "Human: Why?"} | MARKED, {"prompt": TALK} | ALIKE])
def test_a_row_without_markers_among_transcripts_stays_as_it_is(transcript):
    plain = {"prompt": " What is\n1 + 1? ", "chosen": " 2\n", "rejected": "Assistant: 3", "history": [], "margin": 2}
    assert format_of(plain, transcript, plain) == "hh-rlhf"
    first, marked, last = rows_in(jsonl(plain, transcript, plain))
    assert first == last == pair_in(plain)
    assert said(marked)[0] == "Why?"
    cut = refusal_in(plain | {"prompt": "Hi\nAssistant: Hello."}, format="hh-rlhf")
    assert (cut.code, "begins with Human:" in cut.reason) == ("not_messages", True)
    earlier = plain | {"history": [["Hi", "Hello."]]}
    assert rows_in(jsonl(transcript, earlier))[1] == pair_in(earlier)


@pytest.mark.parametrize("written", [jsonl, table])
@pytest.mark.parametrize("turns", [[HUMAN], [{"from": "user", "value": "Hi"}, GPT, HUMAN]])
def test_a_prompt_beside_texts_may_be_turns_as_sharegpt_writes_them(written, turns):
    name = f"file.{'csv' if written is table else 'jsonl'}"
    for record, mapping in (
        ({"trajectory": turns, "chosen": "So.", "rejected": "No."}, {"prompt": "trajectory"}),
        ({"prompt": turns, "chosen": "So.", "rejected": "No."}, {}),
    ):
        (row,) = rows_in(written(record), name, mapping=mapping)
        assert said(row) == ("Why?", "So.", "No.")
        assert len(row.prompt.prompt.messages) == len(turns)


def test_sharegpt_rows_keep_system_prompt_tools_calls_and_observations():
    record = {
        "conversations": [
            HUMAN,
            {"from": "function_call", "value": '{"name": "look", "arguments": {"where": "up"}}'},
            {"from": "observation", "value": "blue"},
        ],
        "system": "Be brief.", "tools": '[{"name": "look", "parameters": {}}]', "chosen": GPT, "rejected": POOR,
    }  # fmt: skip
    assert format_of(record) == "sharegpt-ranking"
    prompt = pair_in(record).prompt.prompt
    assert [message["role"] for message in prompt.messages] == ["system", "user", "assistant", "tool"]
    (call,) = prompt.messages[2]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"where":"up"}'}
    assert prompt.messages[3]["tool_call_id"] == call["id"]
    assert prompt.tools[0]["function"]["name"] == "look"


def test_arguments_that_are_an_object_become_the_string_that_services_read():
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": {"where": "up"}}}
    row = pair_in({"prompt": "Q", "chosen": [{"role": "assistant", "tool_calls": [call]}], "rejected": [BAD]})
    assert row.a.tool_calls[0]["function"]["arguments"] == '{"where":"up"}'


@pytest.mark.parametrize(
    ("record", "turns"),
    [
        (SWIFT, 1),
        (SWIFT | {"system": "Be brief."}, 2),
        (SWIFT | {"rejected_messages": None, "images": []}, 1),
        (SWIFT | {"rejected_response": [BAD]}, 1),
        ({"messages": [USER, GOOD], "rejected_messages": [USER, BAD]}, 1),
        ({"messages": [USER, GOOD], "rejected_message": BAD, "split": "TRAIN"}, 1),
        ({"messages": [USER, BAD, USER, GOOD], "rejected_messages": [USER, BAD, USER, BAD], "rejected_response": None}, 3),
        ({"query": USER["content"], "response": GOOD["content"], "rejected_response": BAD["content"], "history": []}, 1),
        (
            {"query": USER["content"], "response": GOOD["content"], "rejected_response": BAD["content"],
             "system": "Be brief.", "history": [["Hi", "Hello."]]},
            4,
        ),
    ],
)  # fmt: skip
def test_a_reply_and_the_rejected_one_are_a_pair_however_ms_swift_writes_them(record, turns):
    assert format_of(record) == "ms-swift"
    row = pair_in(record)
    assert said(row) == (USER["content"], GOOD["content"], BAD["content"])
    assert (row.verdict, len(row.prompt.prompt.messages)) == (Verdict.A, turns)


def test_calls_and_results_of_ms_swift_become_those_of_chat_completions():
    talk = [
        USER, {"role": "tool_call", "content": '{"name": "look", "arguments": {"where": "up"}}'},
        {"role": "tool_response", "content": "blue"}, GOOD,
    ]  # fmt: skip
    tools = '[{"type": "function", "function": {"name": "look", "parameters": {}}}]'
    prompt = pair_in({"messages": talk, "tools": tools, "rejected_messages": [*talk[:-1], BAD]}).prompt.prompt
    assert [message["role"] for message in prompt.messages] == ["user", "assistant", "tool"]
    (call,) = prompt.messages[1]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": '{"where":"up"}'}
    assert (prompt.messages[2]["tool_call_id"], prompt.tools[0]["function"]["name"]) == (call["id"], "look")


def test_calls_in_a_row_are_one_message_and_their_results_answer_them_in_order():
    calls = [{"role": "tool_call", "content": f'{{"name": "look", "arguments": {{"at": {at}}}}}'} for at in (1, 2)]
    results = [{"role": "tool_response", "content": said} for said in ("blue", "red")]
    talk = [USER, {"role": "assistant", "content": "I look."}, *calls, *results, GOOD]
    row = pair_in({"messages": talk, "rejected_messages": [*talk[:-1], BAD]})
    _, asked, *answers = row.prompt.prompt.messages
    assert (asked["content"], [call["function"]["arguments"] for call in asked["tool_calls"]]) == (
        "I look.", ['{"at":1}', '{"at":2}'],
    )  # fmt: skip
    assert [answer["tool_call_id"] for answer in answers] == [call["id"] for call in asked["tool_calls"]]
    assert len({call["id"] for call in asked["tool_calls"]}) == 2


def test_a_worse_reply_of_ms_swift_may_be_a_list_of_calls():
    calls = [{"role": "tool_call", "content": f'{{"name": "look", "arguments": {{"at": {at}}}}}'} for at in (1, 2)]
    before = [USER, calls[0], {"role": "tool_response", "content": "blue"}, GOOD, USER]
    row = pair_in(
        {"messages": [*before, GOOD], "rejected_response": [{"role": "assistant", "content": "I look."}, *calls]}
    )
    of_prompt = [call["id"] for message in row.prompt.prompt.messages for call in message.get("tool_calls", ())]
    assert len({*of_prompt, *(call["id"] for call in row.b.tool_calls)}) == 3
    assert (row.b.text, [call["function"]["arguments"] for call in row.b.tool_calls]) == (
        "I look.", ['{"at":1}', '{"at":2}'],
    )  # fmt: skip


@pytest.mark.parametrize("role", ["tool", "tool_response"])
@pytest.mark.parametrize("rejected", ["I do not know.", [BAD], [{"role": "tool_call", "content": '{"name": "look"}'}]])
def test_a_worse_reply_that_stands_where_the_better_one_begins_with_a_call_is_no_reply_to_what_the_tool_said(
    rejected, role
):
    talk = [
        USER, {"role": "tool_call", "content": '{"name": "look", "arguments": {"where": "up"}}'},
        {"role": role, "content": "blue"}, GOOD,
    ]  # fmt: skip
    found = refusal_in({"messages": talk, "rejected_response": rejected})
    assert (found.code, "give the worse conversation as rejected_messages" in found.reason) == ("not_one_reply", True)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"rejected_response": None}, "missing_field"),
        ({"rejected_response": " "}, "empty_side"),
        ({"rejected_response": GOOD["content"]}, "identical_sides"),
        ({"rejected_response": ["No.", "Never."]}, "not_one_reply"),
        ({"messages": [USER]}, "empty_prompt"),
        ({"messages": [GOOD, USER]}, "prompt_ends_wrong"),
        ({"messages": []}, "empty_prompt"),
        ({"rejected_messages": [USER, GOOD]}, "identical_sides"),
        ({"rejected_messages": [GOOD, BAD]}, "different_prompts"),
    ],
)
def test_a_row_of_ms_swift_that_is_no_pair_is_refused_with_its_own_reason(fields, code):
    assert refusal_in(SWIFT | fields).code == code


@pytest.mark.parametrize("written", [jsonl, table])
@pytest.mark.parametrize(
    ("record", "format"),
    [
        ({"prompt": "Open it.", "completion": "No.", "rejected_message": "Blocked by policy 4."}, "completions"),
        ({"messages": [USER], "rejected_message": "Blocked by policy 4."}, "prompts"),
        ({"messages": [USER], "rejected_message": None}, "prompts"),
        ({"messages": [USER, GOOD], "rejected_message": BAD}, "ms-swift"),
    ],
)
def test_a_rejected_message_is_a_worse_reply_only_beside_messages_that_end_in_the_better_one(written, record, format):
    source, name = written(record), f"file.{'csv' if written is table else 'jsonl'}"
    assert understand(source, name).format == format
    (row,) = rows_in(source, name)
    assert not isinstance(row, Refusal), row


def test_a_chosen_reply_beside_messages_is_no_row_of_ms_swift():
    record = {"messages": [USER], "chosen_response": GOOD["content"], "rejected_response": BAD["content"]}
    assert format_of(record) == "trl"
    assert said(pair_in(record)) == (USER["content"], GOOD["content"], BAD["content"])


NO_PICTURES = ([], "[]", [None], {"bytes": None, "path": None}, "", None)


@pytest.mark.parametrize("held", [["sky.png"], '["sky.png"]', {"bytes": "…"}, "sky.png"])
@pytest.mark.parametrize("name", ["images", "audio"])
def test_a_row_whose_prompt_shows_what_no_text_says_is_refused(name, held):
    row = {"prompt": "What is to be seen?", "chosen": "The sky.", "rejected": "Nothing."}
    found = refusal_in(row | {name: held})
    assert (found.code, f'"{name}" holds' in found.reason) == ("has_media", True)


@pytest.mark.parametrize("kind", ["image", "image_url", "input_audio"])
def test_a_message_with_a_part_that_is_no_text_is_refused_as_media(kind):
    parts = [{"type": "text", "text": "What is to be seen?"}, {"type": kind, kind: {"url": "x"}}]
    found = refusal_in({"prompt": [{"role": "user", "content": parts}], "chosen": "The sky.", "rejected": "Nothing."})
    assert (found.code, repr(kind) in found.reason) == ("has_media", True)


def test_a_picture_is_told_before_the_shape_of_the_messages_beside_it():
    row = {"prompt": [[USER]], "chosen": [[GOOD]], "rejected": [[BAD]]}
    assert refusal_in(row).code == "not_messages"
    assert refusal_in(row | {"images": [{"bytes": "…"}]}).code == "has_media"
    deep = json.dumps(row)[:-1] + ', "images": %s}' % ("[" * 1000 + "]" * 1000)
    (found,) = rows_in(deep.encode())
    assert isinstance(found, Refusal)


@pytest.mark.parametrize(("chosen", "rejected"), [(["x"], ["y", "z"]), (["x", "y"], ["z", "w"])])
def test_several_replies_to_one_prompt_are_told_to_be_rows_of_their_own(chosen, rejected):
    found = refusal_in({"prompt": "Q", "chosen": chosen, "rejected": rejected})
    assert (found.code, "make a row for each pair" in found.reason) == ("not_a_pair", True)


@pytest.mark.parametrize("held", NO_PICTURES)
def test_a_column_for_pictures_in_which_none_is_does_no_harm(held):
    row = {"prompt": "What is to be seen?", "chosen": "The sky.", "rejected": "Nothing."}
    assert pair_in(row | {"images": held}).a.text == "The sky."


def test_a_column_that_is_called_like_media_may_be_the_prompt():
    row = {"video": "What is to be seen?", "chosen": "The sky.", "rejected": "Nothing."}
    assert pair_in(row, format="trl", mapping={"prompt": "video"}).a.text == "The sky."
