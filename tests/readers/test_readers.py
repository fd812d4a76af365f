"""Files as people have them become rows, or refusals that say what, where and how to mend it."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.readers import CompletionRow, PairRow, PromptRow, Refusal, Row, read, understand

USER = {"role": "user", "content": "Why is the sky blue?"}
GOOD = {"role": "assistant", "content": "Air scatters blue light most."}
BAD = {"role": "assistant", "content": "Because it is."}


def rows_of(content: bytes | str, name: str = "file.jsonl", **options: Any) -> list[Row | Refusal]:
    source = content.encode() if isinstance(content, str) else content
    found = read(source, understand(source, name, **options))
    return [row if isinstance(row, Refusal) else row[1] for row in found]


def jsonl(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def the_pair(content: bytes | str, name: str = "file.jsonl", **options: Any) -> PairRow:
    (row,) = rows_of(content, name, **options)
    assert isinstance(row, PairRow), row
    return row


def the_refusal(content: bytes | str, name: str = "file.jsonl", **options: Any) -> Refusal:
    (row,) = rows_of(content, name, **options)
    assert isinstance(row, Refusal), row
    return row


def the_prompt(content: bytes | str, name: str = "file.jsonl", **options: Any) -> PromptRow:
    (row,) = rows_of(content, name, **options)
    assert isinstance(row, PromptRow), row
    return row


# --- prompts


def test_a_text_file_holds_one_prompt_a_line() -> None:
    rows = rows_of("First?\n\nSecond?\r\n", "prompts.txt")
    assert [row.prompt.messages[0]["content"] for row in rows if isinstance(row, PromptRow)] == ["First?", "Second?"]


@pytest.mark.parametrize("column", ["prompt", "instruction", "question", "input", "Prompt"])
def test_a_tables_prompt_is_known_by_its_columns_name(column: str) -> None:
    assert the_prompt(f'{column},id,tags\nHello?,7,"a, b"\n', "p.csv").tags == ("a", "b")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    row = the_prompt(
        f"id{delimiter}prompt\n1{delimiter}Hello, you; there\n".replace("Hello, you; there", "Hello"), "p.csv"
    )
    assert row.external_id == "1"


def test_quoted_cells_may_hold_line_breaks() -> None:
    assert the_prompt('id,prompt\n1,"one\ntwo"\n', "p.csv").prompt.messages[0]["content"] == "one\ntwo"


def test_chat_messages_keep_system_turns_tools_and_tool_calls() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."}, USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "rain", "tool_call_id": "c1"},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {}}}]
    row = the_prompt(jsonl({"messages": messages, "tools": tools}))
    assert [message["role"] for message in row.prompt.messages] == ["system", "user", "assistant", "tool"]
    assert row.prompt.messages[2]["tool_calls"] == [call]
    assert row.prompt.tools == tuple(tools)


def test_the_first_turn_of_a_question_is_its_prompt_and_later_ones_are_follow_ups() -> None:
    row = the_prompt(jsonl({"question_id": 81, "category": "writing", "turns": ["Write.", "Now shorter."]}))
    assert (row.prompt.messages[0]["content"], row.follow_ups, row.external_id) == ("Write.", ("Now shorter.",), "81")


def test_content_parts_of_text_become_one_text() -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert (
        the_prompt(jsonl({"messages": [{"role": "user", "content": parts}]})).prompt.messages[0]["content"] == "one two"
    )


@pytest.mark.parametrize("name", ["pairs.txt", "pairs", "pairs.jsonl", "pairs.txt.gz"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_table_is_known_whatever_its_name(name: str, delimiter: str) -> None:
    lines = "prompt,chosen,rejected,my_note\nWhat is red?,A colour,Nothing,\n\nAnd blue?,Another,No,\n"
    first, second = rows_of(lines.replace(",", delimiter), name)
    assert isinstance(first, PairRow)
    assert isinstance(second, PairRow)
    assert (first.a.text, second.b.text) == ("A colour", "No")


def test_a_table_is_known_where_a_cell_goes_on_after_what_is_looked_at() -> None:
    lines = "Prompt,Response A,Response B\n" + f'Q,x,"{"y, " * 3_000}"\n' * 8
    assert understand(lines.encode(), "pairs.txt").format == "pairs"


@pytest.mark.parametrize(
    "content",
    [
        "Name a, b and c.\nName d, e and f.\n",
        "Question, answer.\nA rhyme, please.\n",
        "question, answer\nOne, two, three: what comes next?\n",
        "left, right\nup, down\n",
        "prompt, write a poem\nprompt, write a song\n",
        "prompt\nWhy?\n",
        "What is the answer, label\nWhy, oh why\n",
    ],
)
def test_prompts_with_commas_are_prompts(content: str) -> None:
    rows = rows_of(content, "prompts.txt")
    assert [row.prompt.messages[0]["content"] for row in rows if isinstance(row, PromptRow)] == content.splitlines()


# --- pairs


def test_openai_preference_lines_are_read_by_either_name_of_their_outputs() -> None:
    for names in (("preferred_output", "non_preferred_output"), ("preferred_completion", "non_preferred_completion")):
        row = the_pair(jsonl({"input": {"messages": [USER]}, names[0]: [GOOD], names[1]: [BAD]}))
        assert (row.a.text, row.b.text, row.verdict) == (GOOD["content"], BAD["content"], Verdict.A)


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": USER["content"], "chosen": GOOD["content"], "rejected": BAD["content"]},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": USER["content"], "chosen": [USER, GOOD], "rejected": [USER, BAD], "score_chosen": 9.0},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    ],
    ids=["standard", "conversational", "ultrafeedback-binarized", "implicit"],
)
def test_every_form_of_chosen_and_rejected_is_the_same_pair(record: dict[str, object]) -> None:
    row = the_pair(jsonl(record))
    assert row.prompt.prompt.messages == (USER,)
    assert (row.a.text, row.b.text, row.verdict) == (GOOD["content"], BAD["content"], Verdict.A)


def test_a_column_that_only_later_rows_have_takes_no_other_s_place() -> None:
    rows = [
        {"question": f"Why {number}?", "response_a": "So.", "response_b": "No.", "label": 1} for number in range(60)
    ]
    rows[-1] |= {"prompt": "Why at all?", "verdict": "b"}
    found = rows_of(jsonl(*rows))
    assert [row.verdict for row in found if isinstance(row, PairRow)] == [Verdict.A] * 60


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_a_column_that_only_later_rows_have_is_read(name: str) -> None:
    rows = [{"prompt": f"Why {number}?", "response_a": "So.", "response_b": "No."} for number in range(3_000)]
    rows[-1] |= {"verdict": "b", "annotator": "r1", "system": "Be brief.", "hand": "r2"}
    content = jsonl(*rows) if name == "rows.jsonl" else json.dumps(rows)
    last = rows_of(content, name)[-1]
    assert isinstance(last, PairRow)
    assert (last.verdict, last.labels[0].rater, last.prompt.prompt.messages[0]["content"]) == (
        Verdict.B,
        "r1",
        "Be brief.",
    )
    by_hand = rows_of(content, name, mapping={"rater": "hand"})[-1]
    assert isinstance(by_hand, PairRow)
    assert by_hand.labels[0].rater == "r2"


def test_a_mapping_overrules_the_columns_names() -> None:
    content = json.dumps([{"input": "Q", "output_1": "x", "output_2": "y", "label": 2, "other": "O"}])
    assert the_pair(content, "dataset.json").verdict is Verdict.B
    mapped = the_pair(content, "dataset.json", mapping={"prompt": "other"})
    assert mapped.prompt.prompt.messages[0]["content"] == "O"


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("a", Verdict.A),
        ("B", Verdict.B),
        (1, Verdict.A),
        ("2", Verdict.B),
        ("tie", Verdict.TIE),
        ("Response A", Verdict.A),
        ("Both Bad", Verdict.BOTH_BAD),
        ("both_bad", Verdict.BOTH_BAD),
        ("", None),
    ],
)
def test_verdicts_are_read_as_files_write_them(said: object, verdict: Verdict | None) -> None:
    assert the_pair(jsonl({"prompt": "Q", "response_a": "x", "response_b": "y", "verdict": said})).verdict is verdict


# --- completions


def test_completions_are_known_by_the_prompts_id_and_their_model() -> None:
    arena = {"uid": "u1", "model": "gpt", "messages": [USER, {"role": "assistant", "content": {"answer": "It is."}}]}
    fastchat = {"question_id": 81, "model_id": "vicuna", "choices": [{"index": 0, "turns": ["It is.", "later"]}]}
    table = {"id": "u1", "response": "It is.", "model": "m"}
    for record, key, source in ((arena, "u1", "gpt"), (fastchat, "81", "vicuna"), (table, "u1", "m")):
        (row,) = rows_of(jsonl(record))
        assert isinstance(row, CompletionRow)
        assert (row.external_id, row.reply.source, row.reply.text) == (key, source, "It is.")


# --- what is refused, and why


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"prompt": "Q", "response_a": "same", "response_b": "same"}, "identical_sides"),
        ({"prompt": "Q", "response_a": "  ", "response_b": "y"}, "empty_side"),
        ({"prompt": "", "response_a": "x", "response_b": "y"}, "empty_prompt"),
        ({"prompt": "Q", "response_a": "x", "response_b": None}, "missing_field"),
        ({"prompt": "Q", "response_a": "x", "response_b": "y", "verdict": "neither?"}, "unknown_verdict"),
        ({"prompt": [USER, GOOD], "response_a": "x", "response_b": "y"}, "prompt_ends_wrong"),
        ({"prompt": "Q\x00", "response_a": "x", "response_b": "y"}, "not_text"),
        ({"prompt": "Q", "chosen": [USER, GOOD], "rejected": [{"role": "user", "content": "other"}, BAD]}, "different_prompts"),
        ({"prompt": "Q", "chosen": "x"}, "missing_field"),
        ({"input": {"messages": []}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}, "empty_prompt"),
        ({"input": {"messages": [USER]}, "preferred_output": [GOOD, GOOD], "non_preferred_output": [BAD]}, "not_one_reply"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "not_messages"),
    ],
)  # fmt: skip
def test_a_row_is_refused_with_its_own_reason(record: dict[str, object], code: str) -> None:
    kind = "prompts" if "messages" in record else "pairs"
    format_ = {"chosen": "trl", "input": "openai-dpo"}.get(
        next((k for k in ("chosen", "input") if k in record), ""), "auto"
    )
    assert the_refusal(jsonl(record), kind=kind, format=format_).code == code


def test_one_bad_line_holds_nothing_back_and_names_its_place() -> None:
    good = jsonl({"prompt": "One?"}, {"prompt": "Two?"})
    rows = rows_of(good + '{"prompt": "half-wri\n' + "[1]\n" + good)
    refusals = [row for row in rows if isinstance(row, Refusal)]
    assert len(rows) == 6
    assert [(row.line, row.code) for row in refusals] == [(3, "not_json"), (4, "not_an_object")]


def test_a_line_separator_inside_a_text_cuts_nothing() -> None:
    text = "one\u2028two\u2029three\x85four\x0bfive"
    assert the_prompt(jsonl({"prompt": text})).prompt.messages[0]["content"] == text


def test_a_line_over_four_mebibytes_is_refused_and_the_next_one_read() -> None:
    rows = rows_of(jsonl({"prompt": "first"}, {"prompt": "x" * (5 << 20)}, {"prompt": "last"}))
    assert [row.code if isinstance(row, Refusal) else "row" for row in rows] == ["row", "too_long", "row"]


def test_a_lone_surrogate_is_refused() -> None:
    assert the_refusal('{"prompt": "a\\ud800b"}\n').code in ("not_text", "not_json")


def test_bytes_that_are_no_utf8_are_named_and_another_encoding_may_be_given() -> None:
    content = "prompt\nCafé?\n".encode("latin-1")
    with pytest.raises(InputError, match=r"p.csv:2: byte 0xE9 is not UTF-8 text.*--encoding latin-1"):
        rows_of(content, "p.csv")
    assert the_prompt(content, "p.csv", encoding="latin-1").prompt.messages[0]["content"] == "Café?"


def test_bad_bytes_far_into_a_file_refuse_their_row_only() -> None:
    content = (
        jsonl(*({"prompt": f"{number} " + "x" * 100} for number in range(1000))).encode() + b'{"prompt": "\xe9"}\n'
    )
    rows = rows_of(content)
    assert len(rows) == 1001
    assert isinstance(rows[-1], Refusal)
    assert rows[-1].code == "not_text"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"PK\x03\x04rest", "table.csv", "zip file"),
        (b"PAR1rest", "data.jsonl", "Parquet"),
        ("prompt\nx\n".encode("utf-16"), "p.csv", "UTF-16"),
        ("prompt\nx\n".encode("utf-16-le"), "p.csv", "UTF-16"),
        ("prompt\nx\n".encode("utf-16-be"), "p.csv", "UTF-16"),
        (b"", "p.csv", "is empty"),
        (b"  \n \n", "p.txt", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "p.csv", "is not text. Import text, CSV"),
        (b'[{"prompt": "x"}, {"pro', "p.json", "half-written"),
        (
            b'{"messages": [{"role": "assistant", "candidates": [{"content": [{"text": "x"}]}]}]}\n',
            "p.jsonl",
            "Amazon Nova",
        ),
        (b"colour,size\nred,3\n", "p.csv", "no columns that are known.*colour, size"),
        (b"prompt#response\nx#y\n", "p.csv", "one column is: prompt#response.*comma"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(content: bytes, name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        rows_of(content, name)


def test_a_damaged_gzip_file_is_one_sentence() -> None:
    whole = gzip.compress(jsonl(*({"prompt": f"{number}"} for number in range(50_000))).encode())
    with pytest.raises(InputError, match="damaged"):
        rows_of(whole[: len(whole) // 2], "p.jsonl.gz")


def test_gzip_and_byte_order_marks_are_seen_by_content() -> None:
    content = jsonl({"prompt": "Hello?"}).encode()
    for form in (gzip.compress(content), b"\xef\xbb\xbf" + content, gzip.compress(b"\xef\xbb\xbf" + content)):
        assert the_prompt(form, "p.jsonl").prompt.messages[0]["content"] == "Hello?"


def test_an_array_in_a_jsonl_file_and_pretty_printed_json_are_read() -> None:
    assert len(rows_of(json.dumps([{"prompt": "a"}, {"prompt": "b"}], indent=1), "p.jsonl")) == 2
    assert len(rows_of(json.dumps({"prompt": "a"}, indent=1), "p.json")) == 1
    assert len(rows_of(json.dumps({"rows": [{"prompt": "a"}, {"prompt": "b"}]}, indent=1), "p.json")) == 2


def test_a_row_with_a_cell_too_many_is_refused() -> None:
    assert the_refusal("prompt,id\na,b,c\n", "p.csv").code == "wrong_cells"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"format": "xml"}, "no format 'xml'.*Known are: auto, openai-dpo"),
        ({"kind": "pears"}, "not as 'pears'"),
        ({"mapping": {"prompt": "nowhere"}}, "no column 'nowhere' for prompt. It has: prompt"),
        ({"format": "prompts", "mapping": {"colour": "prompt"}}, "no 'colour' to map"),
        ({"format": "prompts", "kind": "pairs"}, "holds prompts, not pairs"),
    ],
)
def test_a_wrong_wish_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        rows_of(jsonl({"prompt": "x"}), **options)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv cannot be read"):
        understand(tmp_path / "gone.csv", "gone.csv")


# --- properties

texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), min_size=1).filter(str.strip)


@given(texts)
def test_any_text_comes_out_of_jsonl_as_it_went_in(text: str) -> None:
    assert the_prompt(jsonl({"prompt": [{"role": "user", "content": text}]})).prompt.messages[0]["content"] == text


@given(texts)
def test_any_text_comes_out_of_csv_as_it_went_in(text: str) -> None:
    if "\r" in text:
        text = text.replace("\r", " ") + "."
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([["id", "prompt"], ["1", text]])
    assert the_prompt(out.getvalue(), "p.csv").prompt.messages[0]["content"] == text


@given(st.binary(max_size=300))
def test_no_bytes_bring_a_traceback(content: bytes) -> None:
    for name in ("x.jsonl", "x.csv", "x.txt", "x.json"):
        try:
            rows_of(content, name)
        except InputError:
            continue
