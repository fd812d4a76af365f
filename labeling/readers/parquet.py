"""Parquet files, a few rows at a time."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from labeling.errors import InputError
from labeling.readers.arrow import ColumnFault, batch_rows
from labeling.readers.opening import MOST_BYTES, MOST_TIMES
from labeling.readers.refusals import Refusal

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyarrow.parquet import ColumnChunkMetaData, ParquetFile, RowGroupMetaData

BATCH_ROWS = 500
BATCH_BYTES = 64 << 20
BUFFER_BYTES = 1 << 20


def parquet_records(stream: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any]] | Refusal]:
    """Every row with its number from 1; memory is that of a few hundred rows, however large the file.

    A row that is larger than a line may be is refused: some bytes of Parquet can unpack to gigabytes.

    Raises:
        InputError: the file is damaged, packs gigabytes into some bytes, has two columns of one name, or one that
            cannot be read.
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
            for batch in _batches(file, name):
                yield from batch_rows(batch, number + 1)
                number += batch.num_rows
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        after = f" after row {number:,}" if number else ""
        raise InputError(f"{name} is damaged: it cannot be read as Parquet{after} ({_first_line(error)}).") from error
    except ColumnFault as fault:
        raise InputError(f"{name}: {fault}. Take that column out, or write it as text.") from fault


def expect_no_bombs(path: Path) -> None:
    """Raise InputError where a file packs gigabytes into some bytes; what is no Parquet at all is told when it is read."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    with suppress(ArrowException, OSError), ParquetFile(path) as file:
        for _ in _groups(file, path.name):
            continue


def _batches(file: "ParquetFile", name: str) -> Iterator["RecordBatch"]:
    for place, (group, chunks) in enumerate(_groups(file, name)):
        yield from file.iter_batches(_batch_rows(group, chunks), row_groups=[place], use_threads=False)


def _groups(file: "ParquetFile", name: str) -> Iterator[tuple["RowGroupMetaData", list["ColumnChunkMetaData"]]]:
    """The row groups with their columns, none of which is a bomb."""
    for place in range(file.num_row_groups):
        group = file.metadata.row_group(place)
        chunks = [group.column(column) for column in range(group.num_columns)]
        if bomb := next((chunk for chunk in chunks if _is_bomb(chunk)), None):
            raise InputError(
                f"{name}: column {bomb.path_in_schema!r} of row group {place + 1} packs gigabytes into"
                f" {bomb.total_compressed_size:,} bytes. Take that column out, or write its rows as JSONL."
            )
        yield group, chunks


def _is_bomb(chunk: "ColumnChunkMetaData") -> bool:
    """Whether so much comes out of so little that it cannot be rows of text."""
    packed, unpacked, values = map(int, (chunk.total_compressed_size, chunk.total_uncompressed_size, chunk.num_values))
    if chunk.physical_type != "BYTE_ARRAY":
        return values > MOST_TIMES * packed and values > MOST_BYTES
    # Every value may be the largest of the chunk's dictionary.
    return unpacked > MOST_TIMES * packed and unpacked * (values if chunk.has_dictionary_page else 1) > 4 * MOST_BYTES


def _batch_rows(group: "RowGroupMetaData", chunks: Sequence["ColumnChunkMetaData"]) -> int:
    """How many rows of the group are taken at once: fewer where they are large."""
    unpacked = int(group.total_byte_size) + sum(int(chunk.num_values) for chunk in chunks)
    return max(1, min(BATCH_ROWS, BATCH_BYTES * int(group.num_rows) // max(1, unpacked)))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(".")
