"""Files on a disk are closed again, whatever is in them, and odd but honest files are read."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.readers import PairRow, PromptRow, Refusal, read, understand
from labeling.readers.records import open_quote

# A file left open is a ResourceWarning, and a warning fails the test.


def rows(content: str, name: str) -> list[object]:
    source = content.encode()
    return [row if isinstance(row, Refusal) else row[1] for row in read(source, understand(source, name))]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_closed_after_its_last_row(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "prompts.csv"
    path.write_bytes(gzip.compress(b"prompt\nWhy?\n") if packed else b"prompt\nWhy?\n")
    understanding = understand(path, path.name)
    assert understanding.is_gzip is packed
    assert len(list(read(path, understanding))) == 1


@pytest.mark.parametrize("content", [b"PK\x03\x04 a zip", b"prompt\n\xff\n", b"", b"\x1f\x8b damaged"])
def test_a_file_that_cannot_be_used_is_closed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prompts.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        understand(path, path.name)


def test_a_list_inside_an_object_is_read_on_one_line_and_on_many() -> None:
    document = {"version": 1, "data": [{"prompt": "Why?"}, {"prompt": "How?"}]}
    assert rows(json.dumps(document), "prompts.json") == rows(json.dumps(document, indent=1), "prompts.json")
    assert len(rows(json.dumps(document), "prompts.json")) == 2


OTHERS = [{"prompt": "Other?", "chosen": "x", "rejected": "y"}]
RANKED = [{"text": "No.", "score": 1}, {"text": "So.", "score": 2}]


@pytest.mark.parametrize(
    ("document", "format"),
    [
        ({"instruction": "Why?", "output_1": "So.", "output_2": "No.", "meta": OTHERS, "preference": 1}, "pairs"),
        ({"question": "Why?", "responses": RANKED}, "ranking"),
        ({"question": "Why?", "seen": [{"on": "Monday"}]}, "prompts"),
        ({"data": {"prompt": "Why?", "answer1": "So.", "answer2": "No."}, "annotations": OTHERS}, "label-studio"),
    ],
)
def test_one_record_that_holds_a_list_of_objects_is_the_record_in_a_document_as_on_a_line(
    document: dict[str, object], format: str
) -> None:
    content = json.dumps(document)
    assert understand(content.encode(), "one.json").format == format
    assert rows(content, "one.json") == rows(content, "one.jsonl")


@pytest.mark.parametrize(
    "around",
    [
        {"version": 1},
        {"question": "Which is better?"},
        {"id": 7, "response": "ok"},
        {"label": True, "output": "y", "instruction": "i"},
    ],
)
def test_what_stands_around_a_list_of_records_is_no_record(around: dict[str, object]) -> None:
    assert rows(json.dumps(around | {"data": OTHERS}), "p.json") == rows(json.dumps(OTHERS), "p.json")


@pytest.mark.parametrize("content", ["prompt,id\n", "prompt,id", "prompt,id\n\n \n"])
def test_a_header_without_rows_is_one_sentence(content: str) -> None:
    with pytest.raises(InputError, match=r"prompts.csv has no rows"):
        understand(content.encode(), "prompts.csv")


def test_a_list_that_begins_below_its_name_is_read_and_a_row_that_is_cut_there_costs_that_row() -> None:
    assert rows('{"data":\n[{"prompt": "Why?"}]}', "p.json") == rows('[{"prompt": "Why?"}]', "p.json")
    refusal, row = rows('{"prompt":\n{"prompt": "Why?"}\n', "p.json")
    assert isinstance(refusal, Refusal)
    assert isinstance(row, PromptRow)


@pytest.mark.parametrize(("between", "says"), [("", "two JSON values on one line"), ("\n", "in one document")])
def test_two_values_in_a_document_are_told_as_what_they_are(between: str, says: str) -> None:
    with pytest.raises(InputError, match=rf"{says}: write one a line\. For one object a line, name it \.jsonl"):
        rows(f'[{{"prompt": "Why?"}}]{between}[{{"prompt": "How?"}}]', "p.json")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_in_which_excel_tells_the_delimiter_is_no_header(ending: str) -> None:
    table = ["sep=;", "prompt;chosen;rejected", "Why, and how?;So.;No.", "How?;So.;So."]
    told = understand(ending.join(table).encode(), "p.csv")
    assert (told.delimiter, told.columns) == (";", ("prompt", "chosen", "rejected"))
    row, refusal = rows(ending.join(table), "p.csv")
    assert isinstance(row, PairRow)
    assert isinstance(refusal, Refusal)
    assert refusal.line == 4


def test_a_table_that_begins_with_a_blank_line_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"p\.csv:1: the line names no column.*without a blank line above"):
        rows("\nprompt,chosen,rejected\nWhy?,So.,No.\n", "p.csv")


def test_a_header_that_holds_another_delimiter_more_often_says_what_cut_it() -> None:
    (refusal,) = rows("prompt;chosen;rejected (a,b,c,d,e)\nWhy?;So.;No.\n", "p.csv")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "the row has 1 cells, the header 5, cut at each comma; quote cells that hold one"


def test_whole_numbers_of_a_table_with_gaps_are_verdicts_and_strengths() -> None:
    table = "prompt,response_a,response_b,verdict,strength\nWhy?,So.,No.,2.0,3.0\nHow?,So.,No.,,\n"
    one, two = rows(table, "pairs.csv")
    assert isinstance(one, PairRow)
    assert isinstance(two, PairRow)
    assert (one.verdict, one.strength) == (Verdict.B, 3)
    assert (two.verdict, two.strength) == (None, None)


@pytest.mark.parametrize("content", ["prompt,id\rWhy?,1\r", '"prompt"x,id\nWhy?,1\n'])
def test_a_header_that_cannot_be_read_is_one_sentence(content: str) -> None:
    with pytest.raises(InputError, match=r"prompts.csv:1: the header cannot be read as CSV"):
        rows(content, "prompts.csv")


def test_a_quote_that_is_never_closed_is_refused_and_told() -> None:
    (refusal,) = rows('prompt,id\n"Why?,1\nHow?,2\n', "prompts.csv")
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.code) == (2, "not_csv")


def test_a_quote_without_an_end_is_told_with_the_line_where_it_opened() -> None:
    table = 'prompt,id\nWhy?,1\n"two\nlines, and a ""word""",2\nHow?,"3\n' + "".join(f"p{n},{n}\n" for n in range(99))
    _, _, refused = rows(table, "p.csv")
    assert isinstance(refused, Refusal)
    assert (refused.line, refused.code) == (5, "not_csv")
    assert "a quote opens in line 5 and does not close" in refused.reason
    assert refused.content.startswith('How?,"3\np0,0')
    (late,) = rows('prompt,id\n"one\ntwo","three\n', "p.csv")
    assert isinstance(late, Refusal)
    assert "opens in line 3" in late.reason


@given(st.text(alphabet='a",\n', max_size=30))
def test_an_open_quote_is_found_where_the_reader_misses_an_end(text: str) -> None:
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
        is_open = False
    except csv.Error as error:
        is_open = "unexpected end of data" in str(error)
        if not is_open:  # another fault: nothing is promised
            return
    assert (open_quote(text, ",") is not None) is is_open


def test_an_item_of_many_megabytes_is_refused_in_a_document_as_on_a_line() -> None:
    items = [
        {"prompt": "Why?", "chosen": "a", "rejected": "b"},
        {"prompt": "Why?", "chosen": "x" * (5 << 20), "rejected": "b"},
    ]
    for content, name in ((json.dumps(items), "p.json"), ("\n".join(map(json.dumps, items)), "p.jsonl")):
        _, refusal = rows(content, name)
        assert isinstance(refusal, Refusal)
        assert (refusal.line, refusal.code) == (2, "too_long")


def test_of_a_thousand_unknown_columns_only_the_first_are_named() -> None:
    header = ",".join(f"c{number}" for number in range(1000))
    with pytest.raises(InputError, match="c28, c29 and 970 more"):
        rows(f"{header}\n{header}\n", "wide.csv")


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match=r"p.csv:1: two columns are called 'prompt'"):
        rows("prompt,id,prompt\na,1,b\n", "p.csv")


@pytest.mark.parametrize("content", ["{}\n", "1\n[2]\n{}\n"])
def test_rows_without_any_field_are_one_sentence(content: str) -> None:
    with pytest.raises(InputError, match="no named field in any of them"):
        rows(content, "p.jsonl")
