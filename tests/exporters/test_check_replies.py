"""Replies as the check compares them: with each other, with the tools that are offered, and with those of other rows."""

import pytest

from exporters.formats import EXPORTERS
from exporters.jsonl import json_line
from exporters.rows import PreferenceRow
from tests.exporters.checking import CALLING, changed, findings, good
from tests.exporters.samples import WEATHER, ask, call
from tests.exporters.sound import GEMINI, KTO, TRL


def test_sides_that_an_extra_key_tells_apart_are_still_the_same_for_gemini(tmp_path):
    better = {**GEMINI["completions"][0], "completion": {**GEMINI["completions"][1]["completion"], "k": 1}}
    found = findings(tmp_path, good("gemini") + json_line(changed(GEMINI, "completions.0", better)), "gemini")
    assert [(one.line, one.field) for one in found] == [(61, "completions[0].completion.k"), (61, "completions")]


def calls_twice(format, one, other):
    """A record in which both sides are a call of the same tool."""
    record = EXPORTERS[format].record(PreferenceRow(ask("Hi"), "a", "b", (WEATHER,), (call("Oslo"),), (call("Rome"),)))
    better, worse = [key for key in record if key in ("preferred_output", "chosen", "non_preferred_output", "rejected")]
    reply = {"role": "assistant", "content": ""}
    return record | {better: [{**reply, "tool_calls": [one]}], worse: [{**reply, "tool_calls": [other]}]}


@pytest.mark.parametrize("format", ["openai-dpo", "trl"])
def test_the_same_call_with_another_id_or_other_spaces_is_the_same_reply(tmp_path, format):
    other = {**call("Oslo", 2), "function": {"name": "weather", "arguments": '{ "city": "Oslo" }'}}
    found = findings(tmp_path, json_line(calls_twice(format, call("Oslo", 1), other)) + good(format), format)
    assert [(one.line, one.field) for one in found if one.severity == "error"] == [
        (1, {"trl": "rejected"}.get(format, "non_preferred_output"))
    ]


def test_calls_with_true_and_with_1_are_two_replies(tmp_path):
    said = [{"function": {"name": "weather", "arguments": {"n": value}}} for value in (1, True)]
    assert findings(tmp_path, json_line(calls_twice("trl", *said)) + good("trl"), "trl") == []


def test_a_reply_calls_only_what_is_offered(tmp_path):
    other = {**call("Oslo"), "function": {"name": "tides", "arguments": "{}"}}
    record = calls_twice("openai-dpo", call("Oslo"), other)
    found = [one for one in findings(tmp_path, json_line(record) + good()) if one.severity == "error"]
    assert [(one.line, one.field) for one in found] == [(1, "non_preferred_output[0].tool_calls")]
    assert "calls 'tides'" in found[0].message
    chat = {"messages": [*TRL["prompt"], {**CALLING, "tool_calls": [other]}], "tools": [WEATHER]}
    found = [one for one in findings(tmp_path, json_line(chat) + good("sft"), "sft") if one.severity == "error"]
    assert [(one.line, one.field) for one in found] == [(1, "messages[1].tool_calls")]


def test_further_turns_of_a_side_may_be_calls_and_results_for_trl(tmp_path):
    result = {"role": "tool", "content": "3 °C", "tool_call_id": "call_1"}
    side = [{**CALLING, "tool_calls": [call("Oslo")]}, result, {"role": "assistant", "content": "3 °C"}]
    assert findings(tmp_path, json_line(changed(TRL, "chosen", side)) + good("trl"), "trl") == []


def test_a_completion_that_is_true_and_false_is_a_warning_at_the_later_row(tmp_path):
    called = [{**CALLING, "tool_calls": [call("Oslo", number)]} for number in (1, 2)]
    rows = [{**KTO, "completion": [reply], "label": label} for reply, label in zip(called, (True, False), strict=True)]
    content = json_line(KTO) + good("trl-kto") + json_line({**KTO, "label": False}) + b"".join(map(json_line, rows))
    found = findings(tmp_path, content, "trl-kto")
    assert [(one.line, one.field, one.severity) for one in found] == [
        (62, "label", "warning"),
        (64, "label", "warning"),
    ]
    assert "is false, and true" in found[0].message
    repeated = (json_line(KTO) + json_line({**KTO, "prompt": [*ask("Why?")], "label": False})) * 30
    assert findings(tmp_path, repeated, "trl-kto") == []


def test_a_file_of_single_completions_tells_its_balance_as_the_export_does(tmp_path):
    rows = good("trl-kto", 120).splitlines(keepends=True)
    desirable = [line for line in rows if b'"label":true' in line]
    (found,) = findings(tmp_path, b"".join(desirable), "trl-kto")
    assert (found.field, found.severity, found.message) == ("label", "warning", "No completion is undesirable")
    (found,) = findings(tmp_path, b"".join(rows + desirable), "trl-kto")
    assert "120 completions are desirable and 60 undesirable" in found.message
