"""Parquet files, a few rows at a time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from labeling.errors import InputError
from labeling.readers.opening import MAX_ROW_BYTES
from labeling.readers.refusals import Refusal, too_long

if TYPE_CHECKING:
    from pyarrow import RecordBatch

BATCH_ROWS = 500
BUFFER_BYTES = 1 << 20
QUICK_BYTES = 1 << 20


def parquet_records(stream: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """Every row with its number from 1; memory is that of a few hundred rows, however large the file.

    A row that is larger than a line may be is refused: some bytes of Parquet can unpack to gigabytes.

    Raises:
        InputError: the file is damaged, or two columns have one name.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        # Without a buffer of its own the reader takes in whole row groups, which may be the whole file.
        with ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            names = file.schema_arrow.names
            if twice := next((one for one in names if names.count(one) > 1), None):
                raise InputError(f"{name} has two columns called {twice!r}. Rename one of them, or take it out.")
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                for row in _rows(batch):
                    number += 1
                    yield too_long(number) if row is None else (number, row)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        after = f" after row {number:,}" if number else ""
        raise InputError(f"{name} is damaged: it cannot be read as Parquet{after} ({_first_line(error)}).") from error


def _rows(batch: "RecordBatch") -> Iterator[dict[str, Any] | None]:
    """The rows of a batch; None for one that is too large. Those of a large batch are taken out one by one."""
    if batch.nbytes <= QUICK_BYTES:
        yield from batch.to_pylist()
        return
    for place in range(batch.num_rows):
        row = batch.slice(place, 1).to_pylist()[0]
        yield row if len(orjson.dumps(row, default=str)) <= MAX_ROW_BYTES else None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(".")
