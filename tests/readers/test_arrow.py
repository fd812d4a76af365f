"""Rows of Parquet files and of what `save_to_disk` wrote are the objects that were put in."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from labeling.errors import InputError
from labeling.readers import PairRow, Refusal
from labeling.readers.parquet import parquet_records
from tests.readers.reading import BAD, GOOD, USER, rows_in, said, write_parquet

CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":null}'}}],
}


def json_column(*values: object) -> Any:
    """As `datasets` writes values of mixed shape: each as its JSON, in lists where they are lists of such."""
    import pyarrow as pa

    if not all(isinstance(value, list) for value in values):
        return pa.array([None if value is None else json.dumps(value) for value in values], pa.json_())
    ends = [sum(map(len, values[:place])) for place in range(len(values) + 1)]
    return pa.ListArray.from_arrays(ends, json_column(*[one for value in values for one in [*value]] or [None]))


def write(path: Path, **columns: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def asked(name: str, properties: dict[str, object], arguments: object) -> dict[str, object]:
    """A row whose better reply calls a tool."""
    call = {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    parameters = {"type": "object", "properties": properties}
    return {
        "prompt": [USER],
        "chosen": [{"role": "assistant", "content": "", "tool_calls": [call]}],
        "rejected": [BAD],
        "tools": [{"type": "function", "function": {"name": name, "parameters": parameters}}],
    }


def test_messages_that_parquet_holds_as_json_are_messages(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", prompt=["p", "q"], chosen=json_column([GOOD], [CALL]), rejected=["a", "b"])
    one, two = rows_in(path, "p.parquet")
    assert isinstance(one, PairRow)
    assert isinstance(two, PairRow)
    assert (one.a.text, one.a.tool_calls) == (GOOD["content"], ())
    assert (two.a.text, list(two.a.tool_calls)) == ("", CALL["tool_calls"])


def test_values_of_mixed_shape_are_texts_numbers_and_messages_again(tmp_path: Path) -> None:
    prompts, verdicts = json_column([USER], 'He said "hi"\nthere', None), json_column(2, "b", None)
    path = write(
        tmp_path / "p.parquet", prompt=prompts, response_a=["a"] * 3, response_b=["b"] * 3, verdict=verdicts
    )  # fmt: skip
    one, two, refusal = rows_in(path, "p.parquet")
    assert (said(one)[0], said(two)[0]) == (USER["content"], 'He said "hi"\nthere')
    assert (one.verdict, two.verdict) == ("b", "b")
    assert (refusal.line, refusal.code) == (3, "empty_prompt")


def test_json_of_parquet_that_is_broken_costs_its_row(tmp_path: Path) -> None:
    import pyarrow as pa

    broken = pa.array(['"p"', '{"role": "us', '"r"'], pa.json_())
    path = write(tmp_path / "p.parquet", prompt=broken, chosen=["a"] * 3, rejected=["b"] * 3)
    one, refusal, two = rows_in(path, "p.parquet")
    assert [said(row)[0] for row in (one, two)] == ["p", "r"]
    assert (refusal.line, refusal.code, refusal.content) == (2, "not_json", '{"role": "us')
    assert refusal.reason.startswith('"prompt" holds what is not JSON')


def test_a_large_batch_of_json_is_read_as_a_small_one(tmp_path: Path) -> None:
    long = {**GOOD, "content": "x" * (2 << 20)}
    path = write(tmp_path / "p.parquet", prompt=["p", "q"], chosen=json_column([long], [GOOD]), rejected=["a", "b"])
    assert [len(row.a.text) for row in rows_in(path, "p.parquet")] == [2 << 20, len(GOOD["content"])]


def test_the_gaps_of_a_tables_objects_are_no_arguments_and_no_parameters(tmp_path: Path) -> None:
    records = [asked("f", {"x": {"type": "string"}}, {"x": "1"}), asked("g", {"y": {"type": "integer"}}, {"y": 2})]
    rows = rows_in(write_parquet(tmp_path / "p.parquet", records), "p.parquet")
    assert rows == rows_in("".join(json.dumps(record) + "\n" for record in records).encode())
    assert rows[1].a.tool_calls[0]["function"]["arguments"] == '{"y":2}'
    assert list(rows[1].prompt.prompt.tools[0]["function"]["parameters"]["properties"]) == ["y"]


def test_a_null_that_an_openai_row_says_in_its_json_is_kept(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"default": None}}}
    inputs = json_column({"messages": [USER], "tools": [tool]}, {"messages": [USER]})
    path = write(
        tmp_path / "p.parquet", input=inputs, preferred_output=json_column([CALL], [GOOD]),
        non_preferred_output=json_column([BAD], [BAD]),
    )  # fmt: skip
    one, two = rows_in(path, "p.parquet")
    assert one.prompt.prompt.tools == (tool,)
    assert one.a.tool_calls[0]["function"]["arguments"] == '{"a":null}'
    assert two.prompt.prompt.tools == ()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """`datasets` keeps its locks here."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))


def test_what_save_to_disk_wrote_is_read_as_it_was(tmp_path: Path, cache: None) -> None:
    import datasets

    datasets.disable_progress_bars()
    records = [asked("f", {"x": {"type": "string"}}, {"x": "1"}), asked("g", {"y": {"type": "integer"}}, {"y": 2})]
    records += [{"prompt": [USER], "chosen": [GOOD], "rejected": [BAD], "tools": None}]
    datasets.Dataset.from_list(records, on_mixed_types="use_json").save_to_disk(str(tmp_path / "set"))
    rows = rows_in(tmp_path / "set", "set")
    assert rows == rows_in("".join(json.dumps(record) + "\n" for record in records).encode())


def test_a_saved_data_set_with_pictures_is_refused_row_by_row_without_unpacking_them(
    tmp_path: Path, cache: None
) -> None:
    import datasets

    datasets.disable_progress_bars()
    features = datasets.Features(
        {name: datasets.Value("string") for name in ("prompt", "chosen", "rejected")} | {"audio": datasets.Audio()}
    )
    rows = {"prompt": ["p"], "chosen": ["a"], "rejected": ["b"], "audio": [{"bytes": b"no sound", "path": None}]}
    datasets.Dataset.from_dict(rows).cast(features).save_to_disk(str(tmp_path / "set"))
    (refusal,) = rows_in(tmp_path / "set", "set")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "has_media"


def test_a_day_beyond_the_calendar_is_text_and_the_days_beside_it_are_what_they_were(tmp_path: Path) -> None:
    import pyarrow as pa

    days = pa.array([19_000, None, 10_000_000], pa.date32())
    path = write(tmp_path / "p.parquet", prompt=["p", "q", "r"], chosen=["a"] * 3, rejected=["b"] * 3, on=days)
    assert [said(row) for row in rows_in(path, "p.parquet")] == [("p", "a", "b"), ("q", "a", "b"), ("r", "a", "b")]  # type: ignore[arg-type]
    with path.open("rb") as stream:
        found = [row[1]["on"] for row in parquet_records(stream, "p.parquet") if not isinstance(row, Refusal)]
    assert found == [date(2022, 1, 8), None, "29349-01-26"]


@pytest.mark.parametrize("kind", ["clock", "twins"])
def test_a_column_of_a_type_that_cannot_be_read_is_named(kind: str, tmp_path: Path) -> None:
    import pyarrow as pa

    clock = pa.array([1, 2], pa.timestamp("us", "Nowhere/Foo"))
    twins = pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["x", "x"])
    odd = {"clock": clock, "twins": twins}[kind]
    path = write(tmp_path / "p.parquet", prompt=["p", "q"], chosen=["a"] * 2, rejected=["b"] * 2, odd=odd)
    with pytest.raises(
        InputError, match=r"^p\.parquet: column 'odd' holds what cannot be read \(.*Take that column out"
    ):
        rows_in(path, "p.parquet")
