import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from exporters.formats import EXPORTERS
from exporters.jsonl import json_line
from exporters.line_check import LineCheck
from exporters.provenance import Source, lines_of, placed, told_of
from exporters.refusals import REFUSALS
from exporters.rows import PreferenceRow, RowOrigin, RowRefused
from labeling.domain import canonical_messages
from tests.exporters.samples import AWKWARD, ONE_CALL, PLAIN, ROWS, TOOLS, TURNS, ask, call, odd_rows, preference_rows
from tests.exporters.schemas import SCHEMAS

GOLDEN = Path(__file__).parent / "golden"
SIDES = {"openai-dpo": ("preferred_output", "non_preferred_output")} | dict.fromkeys(
    ("azure-dpo", "together-dpo", "fireworks-dpo"), ("preferred_output", "non_preferred_output")
)
PAIRS = [name for name, format in EXPORTERS.items() if format.pieces is None]
SIDE_BY_SIDE = [name for name in PAIRS if name != "gemini"]  # there the sides are one list


def lines(format: str, rows: tuple[PreferenceRow, ...]) -> bytes:
    exporter = EXPORTERS[format]
    return b"".join(
        json_line(record) for row in rows if exporter.refusal(row) is None for record in exporter.records(row)
    )


@pytest.mark.parametrize("format", EXPORTERS)
def test_the_golden_file_is_written_byte_for_byte(format):
    assert lines(format, ROWS) == (GOLDEN / f"{format}.jsonl").read_bytes()


@pytest.mark.parametrize("format", EXPORTERS)
@given(row=preference_rows())
def test_a_row_is_refused_with_a_known_reason_or_written_as_the_schema_says(format, row):
    exporter = EXPORTERS[format]
    refusal = exporter.refusal(row)
    if refusal is not None:
        assert refusal in REFUSALS
        return
    for record in exporter.records(row):
        Draft202012Validator(SCHEMAS[format]).validate(json.loads(json_line(record)))


@pytest.mark.parametrize("format", EXPORTERS)
@given(row=preference_rows())
def test_what_is_written_passes_our_own_check(format, row):
    exporter = EXPORTERS[format]
    if exporter.refusal(row) is None:
        for record in exporter.records(row):
            assert list(exporter.faults(json.loads(json_line(record)))) == []


@pytest.mark.parametrize("format", EXPORTERS)
@given(row=odd_rows())
def test_a_row_that_our_own_check_would_refuse_is_left_out_and_fails_no_export(format, row):
    exporter = EXPORTERS[format]
    if exporter.refusal(row) is None:
        for record in exporter.records(row):
            faults = exporter.faults(json.loads(json_line(record)))
            assert [fault for fault in faults if fault.severity == "error"] == []


@pytest.mark.parametrize("format", EXPORTERS)
@given(row=preference_rows())
def test_the_texts_come_back_as_they_went_in(format, row):
    exporter = EXPORTERS[format]
    if exporter.refusal(row) is not None or (format == "llama-factory" and row.rejected_tool_calls):
        return
    found = [exporter.parts(json.loads(json_line(record)))[1:] for record in exporter.records(row)]
    if exporter.pieces is None:
        assert found == [(row.chosen, row.rejected)]
    else:
        assert found == [(piece.text, None) for piece in exporter.pieces(row)]


@pytest.mark.parametrize("format", ["openai-dpo", "azure-dpo", "together-dpo", "fireworks-dpo", "trl", "trl-standard", "trl-kto", "sft", "axolotl"])  # fmt: skip
@given(row=preference_rows())
def test_the_prompt_comes_back_as_it_went_in(format, row):
    exporter = EXPORTERS[format]
    if exporter.refusal(row) is None:
        for record in exporter.records(row):
            prompt = exporter.parts(json.loads(json_line(record)))[0]
            said = [prompt] if isinstance(prompt, str) else [message["content"] for message in prompt]
            assert said == [message["content"] or "" for message in row.prompt]


@pytest.mark.parametrize("format", SIDE_BY_SIDE)
@given(row=preference_rows())
def test_swapping_the_sides_swaps_them_in_the_record_and_nothing_else(format, row):
    exporter = EXPORTERS[format]
    swapped = PreferenceRow(
        row.prompt, row.rejected, row.chosen, row.tools, row.rejected_tool_calls, row.chosen_tool_calls, margin=row.margin
    )  # fmt: skip
    assert exporter.refusal(swapped) == exporter.refusal(row)
    if exporter.refusal(row) is None:
        better, worse = SIDES.get(format, ("chosen", "rejected"))
        record = exporter.record(row)
        assert exporter.record(swapped) == record | {better: record[worse], worse: record[better]}


@pytest.mark.parametrize("format", EXPORTERS)
@given(row=preference_rows())
def test_a_record_that_is_plain_at_a_glance_has_no_fault(format, row):
    exporter = EXPORTERS[format]
    if exporter.refusal(row) is None:
        for record in exporter.records(row):
            read = json.loads(json_line(record))
            plain = exporter.plain(read)
            assert plain is None or (plain == exporter.parts(read) and not row.has_tools)


@pytest.mark.parametrize("format", ["openai-dpo", "azure-dpo", "together-dpo", "trl", "trl-standard", "trl-kto"])
def test_an_ordinary_row_is_known_at_a_glance(format):
    assert all(EXPORTERS[format].plain(record) is not None for record in EXPORTERS[format].records(PLAIN))


@pytest.mark.parametrize("line", lines("openai-dpo", ROWS).decode().removesuffix("\n").split("\n"))
def test_a_line_of_ours_holds_no_raw_line_feed(line):
    assert json.loads(line)


def test_tools_stand_only_where_the_prompt_has_tools():
    plain = EXPORTERS["openai-dpo"].record(PLAIN)["input"]
    assert plain.keys() == {"messages"}
    assert EXPORTERS["openai-dpo"].record(TOOLS)["input"].keys() == {"messages", "tools", "parallel_tool_calls"}


def test_plain_strings_refuse_what_needs_roles():
    refusal = EXPORTERS["trl-standard"].refusal
    assert [refusal(row) for row in (PLAIN, AWKWARD, TURNS, TOOLS)] == [None, None, "needs_roles", "needs_roles"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (PreferenceRow((*ask("One"), *ask("Two")), "a", "b"), "repeated_role"),
        (PreferenceRow(({"role": "system", "content": " "}, *ask("Hi")), "a", "b"), "empty_message"),
        (PreferenceRow(({"role": "user", "content": "Hi", "audio": {}},), "a", "b"), "unknown_key"),
        (PreferenceRow(({"role": "tool", "content": "3", "tool_call_id": "x"},), "a", "b"), "tool_message"),
        (PreferenceRow(ask("Hi"), "a", "b", chosen_tool_calls=(call("Oslo"),)), "calls_without_tools"),
        (PreferenceRow(({"role": "user", "content": "Hi", "name": 7},), "a", "b"), "unknown_key"),
        (PreferenceRow(ask("Hi"), "a", "b", tools=({"type": "function", "function": {"name": "a b"}},)), "tool"),
        (
            PreferenceRow(ask("Hi"), "a", "b", ({"type": "function", "function": {"name": "f"}},), (), (call("Oslo"),)),
            "calls_without_tools",
        ),
        (PreferenceRow(ask("Hi"), "a", "b", tools=({"type": "function"},)), "tool"),
        (PreferenceRow(ask("Hi"), "a", "b", TOOLS.tools, ({"id": "1"},)), "tool_call"),
    ],
)
def test_openai_files_refuse_what_a_service_turns_a_whole_file_down_for(row, code):
    assert EXPORTERS["openai-dpo"].refusal(row) == code
    assert code in REFUSALS


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "code"),
    [
        (ask("Hi"), "same", "same", "identical_sides"),
        (ask("Hi"), " \n", "b", "empty_side"),
        (ask("Hi"), "a", "", "empty_side"),
        ((), "a", "b", "prompt_end"),
        ((*ask("Hi"), {"role": "assistant", "content": "Hello"}), "a", "b", "prompt_end"),
        (({"role": "system", "content": "Be brief"},), "a", "b", "prompt_end"),
        (({"role": "bot", "content": "Hi"},), "a", "b", "unknown_role"),
        (({"content": "Hi"},), "a", "b", "unknown_role"),
        (({"role": "user", "content": [{"type": "text", "text": "Hi"}]},), "a", "b", "content_not_text"),
        (({"role": "user", "content": None},), "a", "b", "content_not_text"),
    ],
)
def test_what_may_never_stand_in_a_file_is_refused_where_the_row_is_made(prompt, chosen, rejected, code):
    with pytest.raises(RowRefused) as refused:
        PreferenceRow(prompt, chosen, rejected)
    assert refused.value.code == code
    assert code in REFUSALS


def test_calls_that_ask_for_the_same_are_the_same_whatever_their_ids_and_spaces():
    spaced = {"name": "weather", "arguments": '{ "city": "Oslo" }'}
    for other in (call("Oslo", 2), call("Oslo") | {"function": spaced}):
        with pytest.raises(RowRefused) as refused:
            PreferenceRow(ask("Hi"), "", "", TOOLS.tools, (call("Oslo", 1),), (other,))
        assert refused.value.code == "identical_sides"
    one, true = ({"id": "1", "function": {"name": "wait", "arguments": f'{{"n":{said}}}'}} for said in ("1", "true"))
    PreferenceRow(ask("Hi"), "", "", TOOLS.tools, (one,), (true,))
    PreferenceRow(ask("Hi"), "", "", TOOLS.tools, (call("Oslo", 1),), (call("Rome", 1),))
    PreferenceRow(ask("Hi"), "", "", TOOLS.tools, ({"id": "1", "function": {"arguments": "{half"}},), ({"id": "1"},))


def test_a_text_that_is_no_unicode_is_refused():
    with pytest.raises(RowRefused) as refused:
        json_line(EXPORTERS["trl"].record(PreferenceRow(ask("Hi"), "half a pair \ud83d", "b")))
    assert refused.value.code == "not_unicode"


def test_every_format_says_who_reads_it_and_openai_says_pft_and_dpo():
    assert all(format.title and format.description for format in EXPORTERS.values())
    assert "PFT" in EXPORTERS["openai-dpo"].description
    assert "DPO" in EXPORTERS["openai-dpo"].description


REASONS = {
    "azure-dpo": [None, None, None, None],
    "together-dpo": [None, None, None, "tool_turns"],
    "fireworks-dpo": [None, None, "several_turns", "tool_turns"],
    "trl": [None, None, None, None],
    "trl-kto": [None, None, None, None],
    "trl-reward": ["no_strength", "no_strength", None, "no_strength"],
    "sft": [None, None, None, None],
    "axolotl": [None, None, None, "no_tools"],
    "llama-factory": [None, None, None, "turns_alternate"],
    "gemini": [None, None, None, "no_tools"],
}


@pytest.mark.parametrize("format", REASONS)
def test_what_a_format_cannot_hold_is_refused_with_a_reason(format):
    assert [EXPORTERS[format].refusal(row) for row in (PLAIN, AWKWARD, TURNS, TOOLS)] == REASONS[format]


def test_llama_factory_keeps_single_calls_and_their_results():
    record = EXPORTERS["llama-factory"].record(ONE_CALL)
    assert [turn["from"] for turn in record["conversations"]] == ["human", "function_call", "observation"]
    assert json.loads(record["conversations"][1]["value"]) == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert json.loads(record["tools"])[0]["name"] == "weather"


def test_a_tie_is_two_desirable_completions_and_both_bad_are_two_undesirable_ones():
    kto = EXPORTERS["trl-kto"]
    labels = {
        outcome: [record["label"] for record in kto.records(PreferenceRow(ask("Hi"), "one", "two", outcome=outcome))]
        for outcome in ("better", "tie", "both_bad")
    }
    assert labels == {"better": [True, False], "tie": [True, True], "both_bad": [False, False]}
    assert [name for name, format in EXPORTERS.items() if "tie" in format.takes] == ["trl-kto"]


def test_the_margin_is_the_strength_that_the_raters_gave():
    record = EXPORTERS["trl-reward"].record(TURNS)
    assert record["margin"] == 2.5
    assert record == {**EXPORTERS["trl"].record(TURNS), "margin": 2.5}


def at_once(format, prompt, chosen, rejected):
    """The line of an ordinary pair, put together with its prompt's JSON; None where the pair is not ordinary."""
    exporter = EXPORTERS[format]
    made = exporter.shape.line(json.dumps(prompt, ensure_ascii=False, separators=(",", ":")), chosen, rejected)
    stored = canonical_messages(prompt)
    assert exporter.shape.line(stored, chosen, rejected) == exporter.shape.around(json.loads(stored), chosen, rejected)
    if made is None:
        return None
    line, (messages, *texts) = made
    # What is said of it without reading it is what a check finds that reads it.
    assert LineCheck(exporter).plain(line) == (json.loads(messages), *texts)
    assert exporter.shape.around(prompt, chosen, rejected) == made
    return line


SHAPED = [name for name, format in EXPORTERS.items() if format.shape is not None]


@pytest.mark.parametrize("format", SHAPED)
@given(row=preference_rows())
def test_a_line_put_together_is_that_of_the_formats_function_byte_for_byte(format, row):
    exporter = EXPORTERS[format]
    if not row.has_tools:
        line = at_once(format, row.prompt, row.chosen, row.rejected)
        assert line is None or exporter.refusal(row) is None
        assert (line is None) == (row.prompt[0]["role"] == "developer")
        assert line is None or line == json_line(exporter.record(row))


@pytest.mark.parametrize("format", SHAPED)
def test_a_stored_prompt_is_put_into_a_line_as_the_formats_function_writes_it(format):
    every = "".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    stored = canonical_messages([{"role": "system", "content": every}, {"role": "user", "content": every}])
    row = PreferenceRow(tuple(json.loads(stored)), f"{every} a", f"{every} b")
    line, _ = EXPORTERS[format].shape.line(stored, row.chosen, row.rejected)
    assert line == json_line(EXPORTERS[format].record(row))


@pytest.mark.parametrize("origin", [
    RowOrigin(7, "g"),
    RowOrigin(
        7, 'a "group" é', ("Ana", 'B"en'), (1, 22), 2.333, 0.667, 3, 4, "large", "edit by Zoë", ("annotator", "judge"),
        ("chosen", "judge"),
    ),
])  # fmt: skip
def test_provenance_told_by_its_source_is_that_of_the_row_byte_for_byte(origin):
    told = (
        origin.pair, origin.group, origin.labels, origin.strength, origin.agreed, origin.chosen_id, origin.rejected_id
    )  # fmt: skip
    source = Source(told_of(replace(origin, pair=0, labels=())))
    assert source.told(*told) == json_line(told_of(origin))
    (line,) = lines_of([(b"train", (1, 9))], [(source, *told)])
    assert line == placed("train", 1, 9, source.told(*told))
    line = json.loads(line)
    assert list(line)[:4] == ["split", "part", "line", "pair"]
    assert (line["split"], line["part"], line["line"]) == ("train", 1, 9)


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected"),
    [
        (ask("Hi"), "same", "same"),
        (ask("Hi"), " ", "b"),
        (ask("Hi"), "a", "\n"),
        (ask("Hi"), "half a pair \ud83d", "b"),
        (ask(" "), "a", "b"),
        (ask(""), "a", "b"),
        (ask("\n"), "a", "b"),
        (({"role": "assistant", "content": "Hi"},), "a", "b"),
        ((*ask("Hi"), *ask("Hello?")), "a", "b"),
        (({"role": "user", "content": [{"type": "text", "text": "Hi"}]},), "a", "b"),
        (({"role": "user", "content": None},), "a", "b"),
        (({"role": ["user"], "content": "Hi"},), "a", "b"),
        (({"role": "user", "content": "Hi", "name": "Ana"},), "a", "b"),
        ((), "a", "b"),
    ],
)
def test_what_is_not_ordinary_is_not_written_at_once(prompt, chosen, rejected):
    assert [format for format in SHAPED if at_once(format, prompt, chosen, rejected) is not None] == []
