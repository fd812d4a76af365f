"""Files that were made, or came out, to bring a reader down: each is refused in one sentence, or costs its own rows alone."""

import bz2
import copy
import gzip
import io
import json
import lzma
import os
import tarfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from labeling.errors import InputError
from labeling.readers import PairGroup, PairRow, Refusal, read, source_named, understand
from labeling.readers.data_sets import folder
from labeling.ready_rows import RaterNames, ready_pairs
from labeling.rows import pairs_in
from tests.readers.reading import BAD, GOOD, USER, jsonl, refusal_in, rows_in


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


ODD: tuple[Any, ...] = (
    None, True, -1, 2**63, 1e308, "", "nan", "[{", "\x00", [], {}, [None], [[]], [{"role": "assistant"}], {"role": []},
    {"user_id": 1, "value": 2}, {"user_id": None, "value": [1]}, [{"user_id": 1, "value": 2}], nested(300), nested(900),
    "[" * 600 + "]" * 600, [{"role": "user", "content": "x", "name": nested(300)}],
    [{"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": {"a": nested(300)}}}]}],
)  # fmt: skip
TURN = {"from": "human", "value": "Why?"}
CALL = {"from": "function_call", "value": '{"name":"f","arguments":{}}'}
TOOL = {"type": "function", "function": {"name": "f"}}
RECORDS: dict[str, dict[str, Any]] = {
    "openai-dpo": {"input": {"messages": [USER], "tools": [TOOL]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]},
    "label-studio": {
        "data": {"prompt": "p", "response_a": "a", "response_b": "b"},
        "annotations": [{"completed_by": {"email": "e"}, "result": [{"value": {"selected": "left"}}]}],
    },
    "argilla": {
        "fields": {"prompt": "p", "response_a": "a", "response_b": "b"},
        "responses": {"better": [{"user_id": "u", "value": "response_a", "status": "submitted"}]}, "metadata": {"k": 1},
    },
    "argilla flat": {"prompt": "p", "response_a": "a", "response_b": "b", "q.responses": ["response_a"], "q.responses.users": ["u"]},
    "argilla columns": {"prompt": "p", "response_a": "a", "response_b": "b", "q": {"user_id": ["u"], "value": ["response_a"]}},
    "arena-battles": {"model_a": "m", "model_b": "n", "winner": "model_a", "conversation_a": [USER, GOOD], "conversation_b": [USER, BAD]},
    "llmbar": {"input": "p", "output_1": "a", "output_2": "b", "label": 1},
    "hh-rlhf": {"chosen": "\n\nHuman: p\n\nAssistant: a", "rejected": "\n\nHuman: p\n\nAssistant: b"},
    "sharegpt-ranking": {"conversations": [TURN, CALL], "chosen": {"from": "gpt", "value": "a"}, "rejected": {"from": "gpt", "value": "b"}},
    "trl": {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD], "tools": [TOOL], "id": 1, "tags": ["t"]},
    "kto": {"prompt": "p", "completion": "c", "label": True},
    "ranking": {"prompt": "p", "responses": [{"text": "a", "rank": 1}, {"text": "b", "rank": 2}]},
    "pairs": {"prompt": "p", "response_a": "a", "response_b": "b", "verdict": "a", "strength": 1, "annotator": "x"},
    "mt-bench": {"question_id": 1, "turns": ["a", "b"], "reference": ["r"]},
    "arena-answers": {"uid": "u", "model": "m", "messages": [{"role": "assistant", "content": {"answer": "a"}}]},
    "fastchat-answers": {"question_id": 1, "choices": [{"turns": ["a"]}], "model_id": "m"},
    "completions": {"prompt": "p", "response": "a", "model": "m"},
    "prompts": {"messages": [USER, {"role": "assistant", "tool_calls": [TOOL]}, {"role": "tool", "tool_call_id": "1", "content": "x"}]},
}  # fmt: skip


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if before:
        yield before
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*before, key))


def changed(record: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(record)
    holder: Any = whole
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return whole


@pytest.mark.parametrize("name", RECORDS)
def test_nothing_that_stands_in_a_field_ends_the_reading(name: str) -> None:
    record = RECORDS[name]
    content = jsonl(*(changed(record, place, odd) for place in places(record) for odd in ODD))
    read_rows = 0
    for format in ("auto", name.split(maxsplit=1)[0]):
        for row in rows_in(content, format=format):
            read_rows += row.records if isinstance(row, PairGroup) else 1
            if not isinstance(row, Refusal):
                ready_pairs(pairs_in(row), RaterNames("crowd"))
    assert read_rows == 2 * content.count(b"\n")


@pytest.mark.parametrize("odd", [b"\x00", Decimal("1.5"), [Decimal(1)], 2**70])
def test_a_tables_tools_that_json_cannot_say_are_refused(odd: object, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    value = {"prompt": "p", "chosen": "a", "rejected": "b", "tools": [{"odd": odd}]}
    try:
        table = pa.Table.from_pylist([value])
    except (OverflowError, pa.ArrowInvalid):  # no column holds it
        return
    pq.write_table(table, tmp_path / "t.parquet")
    (refusal,) = rows_in(tmp_path / "t.parquet", "t.parquet")
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.reason[:30]) == ("bad_tools", "tools cannot be written as JSO")


def test_a_tables_dates_and_gaps_in_tools_are_kept_as_json_has_them(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    value = {
        "prompt": "p",
        "chosen": "a",
        "rejected": "b",
        "tools": [{"since": date(2020, 1, 2), "share": float("nan")}],
    }
    pq.write_table(pa.Table.from_pylist([value]), tmp_path / "t.parquet")
    (row,) = rows_in(tmp_path / "t.parquet", "t.parquet")
    assert isinstance(row, PairRow)
    assert row.prompt.prompt.tools == ({"since": "2020-01-02", "share": None},)


def test_a_rank_that_is_no_number_orders_nothing() -> None:
    answers = [{"text": "a", "rank": "nan"}, {"text": "b", "rank": 1}]
    assert refusal_in({"prompt": "p", "responses": answers}).code == "not_a_ranking"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("NaN", "JSON has no NaN"),
        ("-Infinity", "JSON has no NaN and no Infinity"),
        ("9" * 400, "write so large a number in quotes"),
        ("[" * 10_000 + "]" * 10_000, "flatten what lies a thousand levels deep"),
        ('"no end', "half-written"),
        ('"\\ud83d"', "half of a surrogate pair is no character"),
        ('1} {"prompt": "q"', "two JSON values on one line"),
    ],
)
def test_a_line_that_is_no_json_says_how_to_mend_it(cell: str, says: str) -> None:
    line = f'{{"prompt": "p", "chosen": "a", "rejected": "b", "x": {cell}}}\n'.encode()
    good, refusal = rows_in(jsonl({"prompt": "p", "chosen": "a", "rejected": "b"}) + line)
    assert isinstance(good, PairRow)
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.code) == (2, "not_json")
    assert says in refusal.reason


def test_rows_that_end_in_carriage_returns_say_so() -> None:
    (refusal,) = rows_in(b'{"prompt": "p"}\r{"prompt": "q"}\r')
    assert isinstance(refusal, Refusal)
    assert "carriage return" in refusal.reason


@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_cannot_be_read_twice_is_one_sentence(kind: str, tmp_path: Path) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "pipe"
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(InputError, match="is a pipe or a device"):
        understand(path, "x")


@pytest.mark.parametrize("name", ["x" * 300, "loop"])
def test_a_path_that_leads_nowhere_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    source, title = source_named(str(tmp_path / name))
    with pytest.raises(InputError, match="cannot be read"):
        understand(source, title)


def tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("rows.jsonl"), io.BytesIO(b""))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (bz2.compress(b"{}\n"), "packed with bzip2"),
        (lzma.compress(b"{}\n"), "packed with xz"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "packed with zstd"),
        (tar(), "is a tar archive"),
        (gzip.compress(tar(), mtime=0), "is a tar archive"),
    ],
)
def test_what_is_packed_otherwise_is_named(content: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        understand(content, "rows.jsonl")


@pytest.mark.parametrize("encoding", ["undefined", "punycode", "idna", "utf-16-le", "cp037", "base64"])
def test_an_encoding_that_does_not_cut_lines_as_files_do_is_one_sentence(encoding: str) -> None:
    with pytest.raises(InputError, match="is not an encoding that is read"):
        understand(b"prompt\nWhy?\n", "rows.csv", encoding=encoding)


# --- small files that unpack to gigabytes --------------------------------------------------------------------------


def test_a_packed_file_that_unpacks_to_gigabytes_is_one_sentence() -> None:
    packed = gzip.compress(jsonl({"prompt": "Why?"}) + b" " * (8 << 20) + b"\n")
    whole = packed * 40  # gzip files that follow each other are one
    understanding = understand(whole, "rows.jsonl.gz")
    with pytest.raises(InputError, match="unpacks to over 200 times its size"):
        list(read(whole, understanding))


def test_a_document_of_millions_of_empty_objects_is_one_sentence() -> None:
    with pytest.raises(InputError, match="too many small values"):
        understand(gzip.compress(b"[" + b"{}," * 10_000_000 + b"{}]", 1), "rows.json.gz")


def parquet(path: Path, **columns: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False, dictionary_pagesize_limit=1 << 30)
    return path


def test_a_dictionary_of_parquet_that_stands_for_gigabytes_is_one_sentence(tmp_path: Path) -> None:
    import pyarrow as pa

    one = pa.DictionaryArray.from_arrays(pa.array([0] * 500, pa.int32()), pa.array(["x" * (9 << 20)]))
    path = parquet(tmp_path / "p.parquet", prompt=[str(n) for n in range(500)], chosen=one)
    assert path.stat().st_size < 50_000
    with pytest.raises(InputError, match=r"column 'chosen' of row group 1 packs gigabytes into"):
        understand(path, path.name)
    with pytest.raises(InputError, match=r"p\.parquet: column 'chosen' of row group 1 packs gigabytes into"):
        understand(folder(tmp_path), "folder")


def test_a_list_of_parquet_with_millions_of_equal_numbers_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np
    import pyarrow as pa

    monkeypatch.setattr("labeling.readers.parquet.MOST_BYTES", 1 << 20)
    numbers = pa.ListArray.from_arrays(pa.array([0, 0, 2 << 20], pa.int32()), pa.array(np.zeros(2 << 20, np.int8)))
    path = parquet(tmp_path / "p.parquet", prompt=["p", "q"], chosen=["a", "a"], rejected=["b", "b"], zeros=numbers)
    with pytest.raises(InputError, match=r"column 'zeros.*' of row group 1 packs gigabytes into"):
        understand(path, path.name)


def test_a_row_of_many_megabytes_in_a_folder_is_refused_and_the_others_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    records = [{"prompt": "p", "chosen": "x" * size, "rejected": "b"} for size in (1, 5 << 20, 2)]
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    one, refusal, two = rows_in(tmp_path / "rows", "rows")
    assert isinstance(one, PairRow)
    assert isinstance(two, PairRow)
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.code) == (2, "too_long")
