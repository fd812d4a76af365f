import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.check import check_file
from exporters.formats import EXPORTERS
from exporters.jsonl import json_line
from exporters.line_check import LONGEST_LINE, LineCheck, repeated_prompts
from tests.exporters.checking import CALLING, changed, findings, good
from tests.exporters.samples import TOOLS, WEATHER, call
from tests.exporters.sound import AXOLOTL, CHAT, GEMINI, GOOD, SHAREGPT, SOUND, TRL

FROM_SYSTEM = {"from": "system", "value": "Be brief."}
ANSWERED = [
    *TRL["prompt"],
    {**CALLING, "tool_calls": [call("Oslo")]},
    {"role": "tool", "content": "3", "tool_call_id": "call_1"},
]
WEIGHED = [*TRL["prompt"], {**TRL["chosen"][0], "weight": 1.0}, *TRL["prompt"]]


@pytest.mark.parametrize("format", EXPORTERS)
def test_a_sound_file_has_no_finding(tmp_path, format):
    assert findings(tmp_path, good(format), format) == []


def test_a_sound_file_with_tools_has_no_error_but_says_who_refuses_tools(tmp_path):
    assert findings(tmp_path, json_line(EXPORTERS["trl"].record(TOOLS)) + good("trl"), "trl") == []
    (found,) = findings(tmp_path, json_line(EXPORTERS["openai-dpo"].record(TOOLS)) + good())
    assert found.severity == "warning"
    assert "1 row; OpenAI and Azure take them" in found.message
    called = changed(changed(CHAT, "messages.1", CALLING), "tools", [WEATHER])
    (found,) = findings(tmp_path, json_line(called) + good("sft"), "sft")
    assert (found.severity, "Together does not" in found.message) == ("warning", True)


@pytest.mark.parametrize(
    ("format", "path", "value", "field"),
    [
        ("openai-dpo", "input", ..., "input"),
        ("openai-dpo", "input", "Hi", "input"),
        ("openai-dpo", "preferred_output", ..., "preferred_output"),
        ("openai-dpo", "preferred_completion", [], "preferred_completion"),
        ("openai-dpo", "id", 7, "id"),
        ("openai-dpo", "input.id", 7, "input.id"),
        ("openai-dpo", "input.messages", ..., "input.messages"),
        ("openai-dpo", "input.messages", [], "input.messages"),
        ("openai-dpo", "input.messages", {"role": "user"}, "input.messages"),
        ("openai-dpo", "input.messages.0", "Hi", "input.messages[0]"),
        ("openai-dpo", "input.messages.0.role", "developer", "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.role", "human", "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.role", None, "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.role", ["user"], "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.role", "assistant", "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.role", "system", "input.messages[0].role"),
        ("openai-dpo", "input.messages.0.content", " ", "input.messages[0].content"),
        ("openai-dpo", "input.messages.0.content", None, "input.messages[0].content"),
        ("openai-dpo", "input.messages.0.content", [{"type": "text", "text": "Hi"}], "input.messages[0].content"),
        ("openai-dpo", "input.messages.0.content", ..., "input.messages[0].content"),
        ("openai-dpo", "input.messages.0.weight", 1, "input.messages[0].weight"),
        ("openai-dpo", "input.messages", WEIGHED, "input.messages[1].weight"),
        ("openai-dpo", "input.tools", {}, "input.tools"),
        ("openai-dpo", "input.tools", [{}], "input.tools[0]"),
        ("openai-dpo", "input.parallel_tool_calls", "yes", "input.parallel_tool_calls"),
        ("openai-dpo", "preferred_output", {"role": "assistant", "content": "Hello"}, "preferred_output"),
        ("openai-dpo", "preferred_output", [GOOD["preferred_output"][0]] * 2, "preferred_output"),
        ("openai-dpo", "preferred_output.0", "Hello", "preferred_output[0]"),
        ("openai-dpo", "preferred_output.0.role", "user", "preferred_output[0].role"),
        ("openai-dpo", "preferred_output.0.content", "", "preferred_output[0].content"),
        ("openai-dpo", "preferred_output.0.content", None, "preferred_output[0].content"),
        ("openai-dpo", "preferred_output.0.weight", 1, "preferred_output[0].weight"),
        ("openai-dpo", "preferred_output.0.tool_calls", [], "preferred_output[0].tool_calls"),
        ("openai-dpo", "preferred_output.0.tool_calls", TOOLS.rejected_tool_calls, "preferred_output[0].tool_calls"),
        ("openai-dpo", "non_preferred_output", GOOD["preferred_output"], "non_preferred_output"),
        (
            "openai-dpo",
            "preferred_output",
            [{**GOOD["non_preferred_output"][0], "refusal": None}],
            "non_preferred_output",
        ),
        ("openai-dpo", "preferred_output", [{**GOOD["non_preferred_output"][0], "name": "A"}], "non_preferred_output"),
        ("openai-dpo", "preferred_output.0.name", 7, "preferred_output[0].name"),
        ("openai-dpo", "input.messages.0.name", 7, "input.messages[0].name"),
        ("openai-dpo", "input.messages.0.refusal", ["No."], "input.messages[0].refusal"),
        ("openai-dpo", "input.messages.0.tool_call_id", 7, "input.messages[0].tool_call_id"),
        ("openai-dpo", "input.messages.0.role", "tool", "input.messages[0].tool_call_id"),
        ("openai-dpo", "input.tools", [{"type": "function", "function": {"name": "bad name!"}}], "input.tools[0]"),
        ("openai-dpo", "input.tools", [{"type": "function", "function": {"name": "x" * 65}}], "input.tools[0]"),
        ("trl", "prompt", "Hi", "prompt"),
        ("trl", "prompt", [], "prompt"),
        ("trl", "prompt.0.role", "assistant", "prompt[0].role"),
        ("trl", "chosen", ..., "chosen"),
        ("trl", "chosen", "Hello", "chosen"),
        ("trl", "chosen.0.role", "user", "chosen[0].role"),
        ("trl", "chosen.0.content", "\n", "chosen[0].content"),
        ("trl", "rejected", TRL["chosen"], "rejected"),
        ("trl", "rejected", [{**TRL["chosen"][0], "name": "Ana"}], "rejected"),
        ("trl", "chosen", [*TRL["chosen"], {"role": "nonsense", "content": "Hi"}], "chosen[1].role"),
        ("trl", "chosen", [*TRL["chosen"], 7], "chosen[1]"),
        ("trl", "rejected", [*TRL["rejected"], {"role": "user", "content": 5}], "rejected[1].content"),
        ("trl", "label", True, "label"),
        ("trl", "tools", 3, "tools"),
        ("trl", "tools", "weather", "tools"),
        ("trl", "tools", '["weather"]', "tools"),
        ("trl", "tools", ["weather"], "tools"),
        ("trl", "images", [], "images"),
        ("trl-standard", "prompt", ["Hi"], "prompt"),
        ("trl-standard", "prompt", ..., "prompt"),
        ("trl-standard", "chosen", " ", "chosen"),
        ("trl-standard", "rejected", "Hello", "rejected"),
        ("trl-standard", "completion", "Hello", "completion"),
        ("azure-dpo", "id", 7, "id"),
        ("together-dpo", "input.messages", ANSWERED, "input.messages[2].role"),
        ("together-dpo", "input.messages", [TRL["prompt"][0]] * 2, "input.messages[1].role"),
        ("fireworks-dpo", "input.messages", [*TRL["prompt"], *TRL["chosen"], *TRL["prompt"]], "input.messages[1].role"),
        ("fireworks-dpo", "preferred_output.0.content", "", "preferred_output[0].content"),
        ("trl-kto", "label", 1, "label"),
        ("trl-kto", "label", ..., "label"),
        ("trl-kto", "completion", "Hello", "completion"),
        ("trl-kto", "completion.0.content", " ", "completion[0].content"),
        (
            "trl-kto",
            "completion",
            [*TRL["chosen"], *TRL["prompt"], {**CALLING, "tool_calls": [{}]}],
            "completion[2].tool_calls[0]",
        ),
        ("trl-kto", "chosen", TRL["chosen"], "chosen"),
        ("trl-kto", "image", None, "image"),
        ("trl-kto", "prompt.0.role", "assistant", "prompt[0].role"),
        ("trl-reward", "margin", ..., "margin"),
        ("trl-reward", "margin", "2", "margin"),
        ("trl-reward", "margin", True, "margin"),
        ("trl-reward", "margin", -1, "margin"),
        ("trl-reward", "rejected", TRL["chosen"], "rejected"),
        ("sft", "messages", "Hi", "messages"),
        ("sft", "messages", [TRL["prompt"][0]], "messages"),
        ("sft", "messages.1.role", "user", "messages[1].role"),
        ("sft", "messages.1.content", "", "messages[1].content"),
        ("sft", "messages.1", CALLING, "messages[1].tool_calls"),
        ("sft", "messages.1.weight", True, "messages[1].weight"),
        ("sft", "messages.1.weight", 2, "messages[1].weight"),
        ("sft", "messages.0.name", 7, "messages[0].name"),
        ("sft", "messages.1.refusal", 7, "messages[1].refusal"),
        ("sft", "id", 3, "id"),
        ("axolotl", "messages", "Hi", "messages"),
        ("axolotl", "messages", [{"role": "developer", "content": "Be brief."}, *TRL["prompt"]], "messages[0].role"),
        ("axolotl", "chosen", [TRL["chosen"]], "chosen"),
        ("axolotl", "chosen", CALLING, "chosen.tool_calls[0]"),
        ("axolotl", "rejected.content", None, "rejected.content"),
        ("axolotl", "rejected", TRL["chosen"][0], "rejected"),
        ("axolotl", "rejected", {**TRL["chosen"][0], "refusal": "No."}, "rejected"),
        ("llama-factory", "conversations", [], "conversations"),
        ("llama-factory", "conversations.0.from", "gpt", "conversations[0].from"),
        ("llama-factory", "conversations.0.value", " ", "conversations[0].value"),
        ("llama-factory", "chosen", [SHAREGPT["chosen"]], "chosen"),
        ("llama-factory", "chosen", "Hello", "chosen"),
        ("llama-factory", "chosen.from", "human", "chosen.from"),
        ("llama-factory", "chosen", {"from": "function_call", "value": "now"}, "chosen.value"),
        ("llama-factory", "chosen", {"from": "function_call", "value": '{"arguments":{}}'}, "chosen.value"),
        ("llama-factory", "rejected", {"from": "function_call", "value": '[{"name":"f"}]'}, "rejected.value"),
        ("llama-factory", "conversations", [FROM_SYSTEM], "conversations"),
        ("llama-factory", "conversations", [FROM_SYSTEM, SHAREGPT["chosen"]], "conversations[1].from"),
        ("llama-factory", "conversations.0", {"value": "Hi"}, "conversations[0]"),
        ("llama-factory", "tools", [], "tools"),
        ("llama-factory", "tools", '["weather"]', "tools"),
        ("llama-factory", "system", None, "system"),
        ("llama-factory", "rejected", SHAREGPT["chosen"], "rejected"),
        ("llama-factory", "rejected", {**SHAREGPT["chosen"], "id": 3}, "rejected"),
        ("gemini", "contents", [], "contents"),
        ("gemini", "contents.0.role", "assistant", "contents[0].role"),
        ("gemini", "contents.0.parts.0.text", " ", "contents[0].parts[0].text"),
        ("gemini", "contents.0.parts", [{"file": "x"}], "contents[0].parts[0]"),
        ("gemini", "completions.0.score", 0, "completions"),
        ("gemini", "completions", [GEMINI["completions"][0]], "completions"),
        ("gemini", "completions.1.completion", GEMINI["completions"][0]["completion"], "completions"),
        ("gemini", "completions.0.completion.role", "user", "completions[0].completion.role"),
        ("gemini", "contents.0.k", 1, "contents[0].k"),
        ("gemini", "completions.0.k", 1, "completions[0].k"),
        ("gemini", "completions.1.completion.k", 1, "completions[1].completion.k"),
        ("gemini", "system_instruction", {"parts": [{"text": "Be brief."}], "k": 1}, "system_instruction.k"),
        ("gemini", "system_instruction", "Be brief", "system_instruction.parts"),
        ("gemini", "id", 3, "id"),
    ],
)
def test_a_faulty_record_is_an_error_that_names_line_and_field(tmp_path, format, path, value, field):
    content = good(format, 20) + json_line(changed(SOUND[format], path, value)) + good(format, 40)
    errors = [finding for finding in findings(tmp_path, content, format) if finding.severity == "error"]
    assert [(finding.line, finding.field) for finding in errors] == [(21, field)]
    assert all(finding.message and finding.remedy for finding in errors)


words = st.sampled_from(
    [
        "input",
        "messages",
        "role",
        "content",
        "user",
        "assistant",
        "tool",
        "tool_calls",
        "tool_call_id",
        "tools",
        "id",
        "preferred_output",
        "non_preferred_output",
        "prompt",
        "chosen",
        "rejected",
        "function",
        "arguments",
        "name",
        "completion",
        "label",
        "margin",
        "conversations",
        "from",
        "value",
        "contents",
        "completions",
        "parts",
        "text",
        "score",
        "system_instruction",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.parametrize("format", EXPORTERS)
@given(
    record=st.dictionaries(words, anything, max_size=5),
    place=st.sampled_from(["input", "prompt", "chosen", "messages", "contents"]),
)
def test_no_record_however_broken_stops_the_check(format, record, place):
    plain, faults = EXPORTERS[format].plain, EXPORTERS[format].faults
    broken = SOUND[format] | record
    if isinstance(broken.get(place), list):
        broken[place] = [record, *broken[place]]
    found = list(faults(broken))
    assert plain(broken) is None or found == []
    EXPORTERS[format].parts(broken)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input.tools", []),
        ("input.parallel_tool_calls", True),
        ("input.messages", [{"role": "user", "content": "Hi"}, {"role": "user", "content": "You?"}]),
    ],
)
def test_what_some_services_refuse_is_a_warning(tmp_path, path, value):
    found = findings(tmp_path, good() + json_line(changed(GOOD, path, value)))
    assert [(finding.line, finding.severity) for finding in found] == [(61, "warning")]


def test_a_tool_message_has_to_answer_a_call(tmp_path):
    messages = [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "3", "tool_call_id": "nobody"}]
    found = findings(tmp_path, good() + json_line(changed(GOOD, "input.messages", messages)))
    assert (found[0].line, found[0].field) == (61, "input.messages[1].tool_call_id")


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"\xef\xbb\xbf" + good(), 1, "byte-order mark"),
        (good(count=20) + b"\n" + good(count=40), 21, "blank"),
        (good() + b" \n", 61, "blank"),
        (good().replace(b"\n", b"\r\n"), 1, "60 of them"),
        (good() + good(count=1)[:40], 61, "cut off"),
        (good() + b'{"input": {broken}\n', 61, "not JSON"),
        (good() + b"[1, 2]\n", 61, "JSON array"),
        (good() + b"7\n", 61, "not a JSON object"),
        (good() + b'{"input": "a\0b"}\n', 61, "NUL"),
        (good() + '{"input": "é"}\n'.encode("latin-1"), 61, "not UTF-8"),
        (good() + b'{"input": NaN}\n', 61, "not JSON"),
        (b"", None, "empty"),
        (json.dumps([GOOD] * 12, indent=1).encode(), 1, "several lines"),
        (json.dumps([GOOD] * 12).encode() + b"\n", 1, "JSON array"),
        (json.dumps(GOOD, indent=1).encode(), 1, "several lines"),
        (b"\x1f\x8b\x08\x00abc", None, "gzip"),
        (b"PK\x03\x04abc", None, "zip"),
        (b"PAR1abc", None, "Parquet"),
        ("hello".encode("utf-16"), None, "UTF-16"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_sound_jsonl_says_where_and_why(tmp_path, content, line, words):
    found = findings(tmp_path, content)
    assert found[0].line == line
    assert words in found[0].message
    assert found[0].severity == "error"


def test_a_pretty_printed_file_is_one_finding_and_the_missing_rows(tmp_path):
    assert len(findings(tmp_path, json.dumps([GOOD] * 500, indent=2).encode())) == 2


def test_a_byte_order_mark_is_no_fault_where_the_service_documents_it(tmp_path):
    content = b"\xef\xbb\xbf" + good("azure-dpo")
    assert findings(tmp_path, content, "azure-dpo") == []
    assert [finding.line for finding in findings(tmp_path, good() + content, "azure-dpo")] == [61]


def test_a_row_over_the_token_limit_is_an_error_and_the_limit_can_be_set(tmp_path):
    words = "word and another " * 20_000
    content = good() + json_line(changed(GOOD, "preferred_output.0.content", words))
    (found,) = [finding for finding in findings(tmp_path, content) if finding.severity == "error"]
    assert (found.line, "limit is 65,536" in found.message) == (61, True)
    path = tmp_path / "file.jsonl"
    assert [finding.line for finding in check_file(path, "openai-dpo", most_tokens=100_000)] == []
    assert len(list(check_file(path, "openai-dpo", most_tokens=10))) == 61


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b'{"prompt":"Hi","chosen":"Hello","chosen":"Hello","rejected":"No"}', "chosen"),
        (b'{"prompt": "Hi", "chosen": "Hello", "rejected": "No", "chosen": "Hello"}', "chosen"),
        (b'{"prompt":"Hi","chosen":"Hello","rejected":"No","note":{"a":1,"b":{"c":2,"c":3}}}', "c"),
        (b'{"chosen":"Hello","prompt":"Hi","rejected":"No","note":1,"note":1}', "note"),
    ],
)
def test_a_key_that_stands_twice_is_an_error_as_datasets_refuses_the_file(tmp_path, line, field):
    content = good("trl-standard") + line + b"\n" + good("trl-standard")
    assert [(found.line, found.field) for found in findings(tmp_path, content, "trl-standard")] == [(61, field)]


@pytest.mark.parametrize(
    "line",
    [
        b'{"prompt" : "Hi", "chosen":"say \\"chosen\\": \\u0022chosen\\":", "rejected": "\\u00e9"}\n',
        b'{"prompt":"Hi","chosen":"{\\"a\\":1,\\"a\\":1}","rejected":"No","n":1E5}\n',
    ],
)
def test_a_text_that_looks_like_keys_is_none(tmp_path, line):
    assert findings(tmp_path, good("trl-standard") + line, "trl-standard") == []


def test_a_row_nested_hundreds_of_levels_deep_is_an_error(tmp_path):
    deep = b'{"prompt":"Hi","chosen":"Hello","rejected":"No","a":' + b"[" * 1000 + b"]" * 1000 + b"}\n"
    (found,) = findings(tmp_path, good("trl-standard") + deep, "trl-standard")
    assert (found.line, found.severity) == (61, "error")


def test_template_settings_in_some_rows_alone_are_an_error_as_trl_stops_at_the_others(tmp_path):
    set_up = json_line({**TRL, "chat_template_kwargs": {"enable_thinking": False}})
    (found,) = findings(tmp_path, good("trl") + set_up, "trl")
    assert (found.field, found.severity, "in 1 of 61 rows" in found.message) == ("chat_template_kwargs", "error", True)
    assert findings(tmp_path, set_up * 60, "trl") == []


@pytest.mark.parametrize(
    ("path", "value"), [("id", 7), ("conversations.0.weight", 1), ("chosen.id", 3), ("conversations", None)]
)
def test_what_llama_factory_takes_is_no_error(tmp_path, path, value):
    if value is None:
        value = [FROM_SYSTEM, *SHAREGPT["conversations"]]
    found = findings(tmp_path, good("llama-factory") + json_line(changed(SHAREGPT, path, value)), "llama-factory")
    assert [finding.severity for finding in found] == ["warning"] * (path != "conversations")


def test_a_column_that_axolotl_does_not_read_is_no_error(tmp_path):
    (found,) = findings(tmp_path, good("axolotl") + json_line(changed(AXOLOTL, "id", 7)), "axolotl")
    assert (found.line, found.field, found.severity) == (61, "id", "warning")


@pytest.mark.parametrize(("format", "severity"), [("trl", "warning"), ("openai-dpo", "error")])
def test_a_packed_file_is_told_and_its_rows_are_checked(tmp_path, format, severity):
    content = good(format) + b"{}\n"
    found = findings(tmp_path, gzip.compress(content), format)
    assert (found[0].severity, "gzip" in found[0].message) == (severity, True)
    assert found[1:] == findings(tmp_path, content, format)
    cut = findings(tmp_path, gzip.compress(content)[:-9], format)
    assert any(finding.severity == "error" and "damaged" in finding.message for finding in cut)


def test_a_record_after_a_byte_order_mark_is_still_read(tmp_path):
    assert len(findings(tmp_path, b"\xef\xbb\xbf" + good())) == 1


def test_line_separators_inside_a_text_end_no_line(tmp_path):
    content = json_line(changed(GOOD, "preferred_output.0.content", "a\u2028b\u0085c\x0bd")) + good()
    assert findings(tmp_path, content) == []


def test_a_line_of_monstrous_length_is_told_and_the_next_is_read(tmp_path):
    content = good(count=30) + b'{"input": "' + b"x" * (LONGEST_LINE * 2) + b'"}\n' + good(count=30)
    (found,) = findings(tmp_path, content)
    assert found.line == 31
    assert "longer than" in found.message


def test_a_line_of_five_megabytes_is_an_ordinary_line(tmp_path):
    content = good("trl") + json_line(changed(TRL, "rejected.0.content", "x" * 5_000_000))
    assert findings(tmp_path, content, "trl") == []


def test_the_last_line_may_lack_its_line_feed(tmp_path):
    assert findings(tmp_path, good().removesuffix(b"\n")) == []


@pytest.mark.parametrize(("count", "severity"), [(9, "error"), (10, "warning"), (49, "warning")])
def test_few_rows_are_told_for_openai(tmp_path, count, severity):
    (found,) = findings(tmp_path, good(count=count))
    assert (found.line, found.severity) == (None, severity)
    assert str(count) in found.message


def test_few_rows_are_only_a_warning_for_trl(tmp_path):
    assert [finding.severity for finding in findings(tmp_path, good("trl", 3), "trl")] == ["warning"]


def test_a_better_reply_that_is_always_longer_is_a_warning(tmp_path):
    content = b"".join(
        json_line(changed(GOOD, "preferred_output.0.content", "long " * (10 + number))) for number in range(60)
    )
    (found,) = findings(tmp_path, content)
    assert "60 of 60" in found.message
    assert found.severity == "warning"


def test_a_file_over_the_limit_of_the_service_is_an_error(tmp_path):
    path = tmp_path / "file.jsonl"
    with path.open("wb") as file:
        file.write(good())
        file.truncate(EXPORTERS["openai-dpo"].most_bytes + 1)  # a hole: it takes no room on the disk
    found = list(check_file(path, "openai-dpo"))
    assert any("512,000,000" in finding.message for finding in found)


def test_tools_that_appear_late_are_a_warning_as_datasets_stops_there(tmp_path):
    long = json_line(changed(TRL, "rejected.0.content", "x" * 1_000_000))
    tools = json_line(EXPORTERS["trl"].record(TOOLS))
    late = findings(tmp_path, good("trl") + long * 12 + tools, "trl")
    assert [finding.line for finding in late] == [73]
    assert findings(tmp_path, tools + good("trl") + long * 12, "trl") == []


def test_prompts_in_both_files_are_found():
    checks = [LineCheck(EXPORTERS["openai-dpo"], keeps_prompts=True) for _ in ("validation", "train")]
    for check, count in zip(checks, (10, 60), strict=True):
        for line in good(count=count).splitlines(keepends=True):
            assert list(check.line(line)) == []
    validation, train = (check.prompts for check in checks)
    found = list(repeated_prompts(train, set(validation)))
    assert [(finding.line, finding.severity) for finding in found] == [(line, "error") for line in range(1, 11)]


def test_a_finding_reads_as_a_sentence(tmp_path):
    found = findings(tmp_path, good() + json_line(changed(GOOD, "preferred_output.0.content", "")))
    assert str(found[0]) == ("line 61, preferred_output[0].content: is empty. Replace the reply, or leave the row out.")
