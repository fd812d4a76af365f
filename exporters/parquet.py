"""Parquet: the records of the JSONL file as columns, written in row groups, so that memory does not grow.

Columns have one type for all rows. A message has a role and a content; what only some rows have (calls with arguments
of their own, names of speakers) has no such type, and its rows are refused with a reason.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from exporters.files import folder_fault
from exporters.jsonl import FileFacts
from exporters.rows import CompletionRow, Message, PreferenceRow

GROUP_BYTES, GROUP_ROWS = 4 << 20, 10_000
MAGIC = b"PAR1"

# The columns of each format that is read from Parquet too, in the order of its records. `messages` is a list of role
# and content, `message` one of them, `turns` and `turn` the same as LLaMA-Factory calls them.
_TRL = {"prompt": "messages", "chosen": "messages", "rejected": "messages"}
COLUMNS: dict[str, dict[str, str]] = {
    "trl": {**_TRL, "tools": "text"},
    "trl-standard": dict.fromkeys(("prompt", "chosen", "rejected"), "text"),
    "trl-kto": {"prompt": "messages", "completion": "messages", "label": "flag", "tools": "text"},
    "trl-reward": {**_TRL, "margin": "number", "tools": "text"},
    "sft": {"messages": "messages"},
    "axolotl": {"messages": "messages", "chosen": "message", "rejected": "message"},
    "llama-factory": {"conversations": "turns", "chosen": "turn", "rejected": "turn", "system": "text", "tools": "text"},
}  # fmt: skip
# In these a call is a text or no row has any, and names are dropped.
WITHOUT_KEYS = ("llama-factory", "axolotl", "trl-standard")


def parquet_refusal(row: PreferenceRow | CompletionRow, format: str) -> str | None:
    """`no_columns` where the row has what has no column."""
    if format in WITHOUT_KEYS:
        return None
    calls = row.tool_calls if isinstance(row, CompletionRow) else row.chosen_tool_calls or row.rejected_tool_calls
    has_offer = bool(row.tools) and "tools" not in COLUMNS[format]
    # A third key of a message is a speaker's name or a call.
    return "no_columns" if calls or has_offer or any(len(message) > 2 for message in row.prompt) else None


def schema_of(format: str) -> Any:
    """The Arrow schema of a format's file."""
    import pyarrow as pa

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    turn = pa.struct([("from", pa.string()), ("value", pa.string())])
    types = {
        "messages": pa.list_(message), "message": message, "turns": pa.list_(turn), "turn": turn, "text": pa.string(),
        "flag": pa.bool_(), "number": pa.float64(),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in COLUMNS[format].items()])


class ParquetFile:
    """A file that is being written from lines of JSON; its digest is made on the way.

    Raises:
        FolderFault: from any method, when the disk refuses.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self.rows = 0
        self._schema = schema
        self._lines: list[bytes] = []
        self._held = 0
        try:
            self._sink = _HashedFile(path)
        except OSError as error:
            raise folder_fault(error, path) from error
        self._writer = pq.ParquetWriter(self._sink, schema, compression="zstd", compression_level=1)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._sink.size

    @property
    def sha256(self) -> str:
        return self._sink.digest.hexdigest()

    def write(self, line: bytes) -> None:
        """Take the next row; lines of several rows are no lines."""
        self._lines.append(line)
        self._held += len(line)
        self.rows += 1
        if self._held >= GROUP_BYTES or len(self._lines) == GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        """Write what is left and put it on the disk."""
        self._write_group()
        try:
            self._writer.close()
            self._sink.end()
        except OSError as error:
            raise folder_fault(error, self.path) from error

    def abandon(self) -> None:
        self._lines.clear()
        for part in (self._writer, self._sink):
            with suppress(OSError):  # each writes what it still holds, on a disk that may be full
                part.close()

    def _write_group(self) -> None:
        if not self._lines:
            return
        from pyarrow import json

        content = b"".join(self._lines)
        self._lines.clear()
        self._held = 0
        table = json.read_json(
            BytesIO(content),
            json.ReadOptions(use_threads=False, block_size=len(content) + 1),
            json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="error"),
        )
        try:
            self._writer.write_table(table.select(self._schema.names), row_group_size=GROUP_ROWS)
        except OSError as error:
            raise folder_fault(error, self.path) from error


class ParquetParts:
    """The one Parquet file of a split: no trainer that reads Parquet has a limit for one file."""

    def __init__(self, folder: Path, split: str, format: str) -> None:
        self._folder, self._split, self._format = folder, split, format
        self._file: ParquetFile | None = None

    @property
    def rows(self) -> int:
        return 0 if self._file is None else self._file.rows

    def write(self, line: bytes) -> tuple[int, int]:
        """Write a row, given as its line of JSON; returns its part, which is 1, and its row, from 1."""
        if self._file is None:
            self._file = ParquetFile(self._folder / f"{self._split}.partial", schema_of(self._format))
        self._file.write(line)
        return 1, self._file.rows

    @property
    def room(self) -> int:
        """How many bytes the file takes still: there is no limit."""
        return sys.maxsize

    @property
    def open_rows(self) -> int:
        """How many rows the file has."""
        return self.rows

    def write_all(self, lines: Sequence[bytes]) -> Iterable[tuple[int, int]]:
        """Write rows; returns what `write` does for each."""
        return [self.write(line) for line in lines]

    def close(self) -> list[FileFacts]:
        """Close the file and give it its name."""
        if self._file is None:
            return []
        self._file.close()
        name = f"{self._split}.parquet"
        self._file.path.rename(self._folder / name)
        return [FileFacts(name, self._split, 1, self._file.rows, self._file.size, self._file.sha256)]

    def abandon(self) -> None:
        if self._file is not None:
            self._file.abandon()


def parquet_columns(path: Path) -> list[str]:
    """The names of a Parquet file's columns. Raises OSError as `parquet_records`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path, memory_map=False).names)
    except pa.ArrowInvalid as error:
        raise _damaged(path, error) from error


def parquet_records(path: Path, batch_rows: int = 1000) -> Iterator[Message]:
    """Each row of a Parquet file as a record; columns that are empty in it are left out.

    Raises:
        OSError: it cannot be read, or is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=batch_rows, use_threads=False):
                empty = [
                    name for name, column in zip(batch.schema.names, batch.columns, strict=True) if column.null_count
                ]
                for record in batch.to_pylist():
                    for name in empty:
                        if record[name] is None:
                            del record[name]
                    yield record
    except pa.ArrowInvalid as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> OSError:
    return OSError(f"{path} is damaged: {error}")


class _HashedFile:
    """What pyarrow writes into: a file, and its digest."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.digest = hashlib.sha256()
        self.size = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: Any) -> int:
        content = memoryview(data)
        self.digest.update(content)
        self.size += content.nbytes
        return self._file.write(content)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def end(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        self._file.close()
