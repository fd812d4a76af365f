"""Parquet files, a few rows at a time."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from labeling.errors import InputError

BATCH_ROWS = 500
BUFFER_BYTES = 1 << 20


def parquet_records(stream: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every row with its number from 1; memory is that of a few hundred rows, however large the file.

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
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        after = f" after row {number:,}" if number else ""
        raise InputError(f"{name} is damaged: it cannot be read as Parquet{after} ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(".")
