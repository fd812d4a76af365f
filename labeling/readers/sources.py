"""Where records come from: a file on the disk, an upload's bytes, a folder or a data set's name."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from labeling.errors import InputError
from labeling.readers.data_sets import PREFIX, DataSet, data_set_named, data_set_opened, folder
from labeling.readers.opening import open_source
from labeling.readers.records import Record, delimiter_of, records, syntax_of
from labeling.readers.refusals import Refusal

Source: TypeAlias = Path | bytes | DataSet


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that is open: how it is written, and its records, for one pass. `is_uneven`: one may have columns that others
    have not."""

    syntax: str
    records: Callable[[], Iterator[Record | Refusal]]
    delimiter: str | None = None
    is_gzip: bool = False
    is_uneven: bool = False


def source_named(text: str) -> tuple[Source, str]:
    """What a command's argument names (a file, a folder, or `hf:org/name[:split]`), and the name it goes by.

    Raises:
        InputError: it is empty, or begins with hf: and names no data set.
    """
    if not text.strip():
        raise InputError("No file is named: the name is empty. Name a file, a folder, or hf:org/name[:split].")
    if text.startswith(PREFIX):
        data_set = data_set_named(text)
        return data_set, data_set.title
    path = Path(text)
    # A file's name need not be text.
    return path, path.name.encode("utf-8", "replace").decode()


@contextmanager
def opened(source: Source, name: str, encoding: str = "utf-8", syntax: str | None = None) -> Iterator[Opened]:
    """Open a source for one pass; `syntax` as it was found before, None to look.

    Raises:
        InputError: it cannot be read; also from `records`.
    """
    if isinstance(source, Path) and os.path.isdir(source):  # noqa: PTH112  # which is false, where Path.is_dir raises
        source = folder(source)
    if isinstance(source, DataSet):
        found = data_set_opened(source, encoding)
        yield Opened("datasets", lambda: found.rows, is_uneven=found.is_uneven)
        return
    file = open_source(source, name, encoding)
    with file.stream:
        written = syntax or syntax_of(file)
        delimiter = delimiter_of(file) if written == "csv" else None
        yield Opened(written, lambda: records(file, written), delimiter, file.is_gzip, written in ("jsonl", "json"))
