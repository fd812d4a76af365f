"""Parquet holds what JSONL holds, in columns, and is checked by the same rules."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporters import DatasetWriter, PreferenceRow, RowOrigin, check_file
from exporters.formats import EXPORTERS
from exporters.jsonl import json_line
from exporters.parquet import COLUMNS, ParquetFile, parquet_records, schema_of
from tests.exporters.samples import AWKWARD, ONE_CALL, TOOLS, TURNS, WEATHER, ask, many

SPECIAL = (
    (AWKWARD, RowOrigin(900, "a")),
    (TURNS, RowOrigin(901, "b")),
    (PreferenceRow(ask("With tools?"), "yes", "no", tools=(WEATHER,), margin=1.0), RowOrigin(902, "c")),
)


def written(out: Path, format: str, file_type: str, rows=None, **options):
    with DatasetWriter(out, format, file_type=file_type, **options) as writer:
        for row, origin in rows or (*SPECIAL, *many(150)):
            writer.add(row, origin)
        return writer.finish({})


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.mark.parametrize("format", COLUMNS)
def test_parquet_holds_the_same_records_as_jsonl(tmp_path, format):
    lines = written(tmp_path / "jsonl", format, "jsonl", validation_share=0.2)
    columns = written(tmp_path / "parquet", format, "parquet", validation_share=0.2)
    refused = columns.left_out.get("no_columns", 0)
    assert lines.rows == columns.rows + refused
    assert refused == (format == "sft")  # offered tools have a column everywhere else
    for split in ("train", "validation"):
        found = list(parquet_records(tmp_path / "parquet" / f"{split}.parquet"))
        expected = [
            line for line in records(tmp_path / "jsonl" / f"{split}.jsonl") if not refused or "tools" not in line
        ]
        assert found == expected


@pytest.mark.parametrize("format", COLUMNS)
def test_what_is_found_while_writing_is_what_the_check_finds_in_the_parquet_files(tmp_path, format):
    rows = (
        (PreferenceRow(ask(f"Q{n}"), f"A long answer {n}", f"b{n}", margin=1.0), RowOrigin(n, f"g{n}"))
        for n in range(60)
    )
    result = written(tmp_path / "out", format, "parquet", rows, validation_share=0.6)
    assert result.validation_rows
    files = [(tmp_path / "out" / f"{name}.parquet", name == "validation") for name in ("validation", "train")]
    found = [finding for path, is_part in files for finding in check_file(path, format, is_part=is_part)]
    assert bool(found) is (format != "trl-kto")  # there, no side stands against another
    assert list(result.warnings[: len(found)]) == found


def test_the_digest_and_size_of_a_parquet_file_are_those_on_the_disk(tmp_path):
    result = written(tmp_path / "out", "trl", "parquet")
    (train, _) = result.files
    content = (tmp_path / "out" / "train.parquet").read_bytes()
    assert (train.name, train.rows, train.bytes) == ("train.parquet", result.rows, len(content))
    assert train.sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_rows_give_the_same_parquet_bytes(tmp_path):
    one, two = (written(tmp_path / name, "trl-kto", "parquet") for name in ("one", "two"))
    assert [file.sha256 for file in one.files] == [file.sha256 for file in two.files]


def test_a_large_file_has_several_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("exporters.parquet.GROUP_ROWS", 40)
    written(tmp_path / "out", "trl-standard", "parquet", many(100))
    assert pq.ParquetFile(tmp_path / "out" / "train.parquet").num_row_groups == 3
    assert [record["prompt"] for record in parquet_records(tmp_path / "out" / "train.parquet")][99] == "Question 99?"


@pytest.mark.parametrize("format", ["trl", "trl-kto", "trl-reward"])
def test_calls_are_refused_with_a_reason(tmp_path, format):
    rows = [*many(3), (TOOLS, RowOrigin(901, "tools")), (ONE_CALL, RowOrigin(902, "call"))]
    result = written(tmp_path / "out", format, "parquet", rows)
    assert result.left_out == {"no_columns": 2 - (format == "trl-reward"), **({"no_strength": 1} if format == "trl-reward" else {})}  # fmt: skip


def test_llama_factory_has_a_column_for_a_call(tmp_path):
    written(tmp_path / "out", "llama-factory", "parquet", [(ONE_CALL, RowOrigin(1, "call")), *many(3)])
    (first, *_) = parquet_records(tmp_path / "out" / "train.parquet")
    assert first["conversations"][1]["from"] == "function_call"
    assert '"file_name": "train.parquet"' in (tmp_path / "out" / "dataset_info.json").read_text()


def test_what_services_read_is_jsonl_alone(tmp_path):
    with pytest.raises(ValueError, match="JSONL alone"):
        DatasetWriter(tmp_path / "out", "openai-dpo", file_type="parquet")


def test_faults_of_a_parquet_file_are_found_by_row(tmp_path):
    path = tmp_path / "train.parquet"
    file = ParquetFile(path, schema_of("trl-standard"))
    for row, _ in many(60):
        file.write(json_line(EXPORTERS["trl-standard"].record(row)))
    file.write(json_line({"prompt": "Hi", "chosen": "same", "rejected": "same"}))
    file.write(json_line({"prompt": "Hi", "chosen": "a", "rejected": None}))
    file.close()
    found = [(one.line, one.field) for one in check_file(path, "trl-standard") if one.severity == "error"]
    assert found == [(61, "rejected"), (62, "rejected")]
    assert "is a Parquet file" in next(check_file(path, "openai-dpo")).message
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OSError, match="is damaged"):
        list(check_file(path, "trl-standard"))


def test_rows_of_a_parquet_file_have_the_token_limit_of_jsonl(tmp_path):
    long = PreferenceRow(ask("Hi"), "word " * 2000, "b")
    origin = RowOrigin(60, "long", ("Ana",), (60,))
    for file_type in ("jsonl", "parquet"):
        written(tmp_path / file_type, "trl", file_type, [*many(60), (long, origin)])
        found = list(check_file(tmp_path / file_type / f"train.{file_type}", "trl", most_tokens=1000))
        assert [(one.line, one.severity, "limit is 1,000" in one.message) for one in found] == [(61, "error", True)]


def test_a_margin_that_is_no_number_in_parquet_is_an_error(tmp_path):
    rows = [EXPORTERS["trl-reward"].record(row) for row, _ in many(60)]
    for place, margin in ((7, float("nan")), (9, float("inf"))):
        rows[place]["margin"] = margin
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    found = list(check_file(tmp_path / "train.parquet", "trl-reward"))
    assert [(one.line, one.field, one.severity) for one in found] == [(8, "margin", "error"), (10, "margin", "error")]


def test_a_fault_half_way_leaves_nothing_behind(tmp_path):
    def rows():
        yield from many(3)
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError):
        written(tmp_path / "out", "trl", "parquet", rows())
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, sys
from pathlib import Path
from exporters.files import FolderFault
from exporters.votes import VoteRow, VotesWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (4, 4))  # not even a beginning has room
try:
    with VotesWriter(Path(sys.argv[1]), "parquet") as writer:
        writer.add(VoteRow(1, "Ana", "a", "", "", "", "annotator", 1, "", "", 1.0, 1, True, "2026-01-01T00:00:00+00:00"))
        writer.finish({})
except FolderFault as fault:
    print(fault)
"""


def test_a_disk_without_room_is_one_sentence_and_leaves_nothing(tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert told.stdout.endswith("Choose another folder.\n"), told.stderr
    assert list(tmp_path.iterdir()) == []


def test_datasets_loads_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    result = written(tmp_path / "out", "trl", "parquet", validation_share=0.2)
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in loaded.items()} == {
        "train": result.train_rows,
        "validation": result.validation_rows,
    }
    assert loaded["train"][0]["chosen"][0]["role"] == "assistant"
