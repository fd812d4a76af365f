"""The files of a folder that `datasets` finds: which they are, and their rows as the readers of single files have them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from labeling.errors import InputError
from labeling.readers.opening import EmptyFile, open_source
from labeling.readers.records import COLUMNS_IN, DELIMITERS, Record, records, syntax_of
from labeling.readers.refusals import Refusal

DATA_FILES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
# What a configuration of `datasets` says otherwise than how its files are written.
APART = {"name", "version", "data_dir", "data_files", "description", "features", "sep"}


def is_plain(config: Any) -> bool:
    """Whether the files are of the kinds that are read here, and the folder's card says nothing of how they are written.

    Then they need no `datasets`, which guesses types: NA becomes a gap, 007 becomes 7, and a date is no text any more.
    """
    usual = type(config)()
    said = {field.name for field in fields(config)} - APART
    return (
        all(_unpacked_name(Path(name)).endswith(DATA_FILES) for names in config.data_files.values() for name in names)
        and all(getattr(config, name) == getattr(usual, name) for name in said)
        and getattr(config, "sep", ",") in DELIMITERS
    )


def _unpacked_name(file: Path) -> str:
    return file.name.lower().removesuffix(".gz")


def file_rows(files: Sequence[Path], folder: Path, encoding: str) -> Iterator[Record | Refusal]:
    """The rows of one file after the other.

    Raises:
        InputError: a file cannot be read, or a later one has a column that nobody looked for.
    """
    looked_at, columns = 0, set[str]()
    for place, file in enumerate(files):
        name = str(file.relative_to(folder) if file.is_relative_to(folder) else file)
        try:
            opened = open_source(file, name.encode("utf-8", "replace").decode(), encoding)
        except EmptyFile:
            continue  # a part without rows
        with opened.stream:
            for row in records(opened, syntax_of(opened)):
                looked_at += 1
                if isinstance(row, Refusal):
                    pass
                elif looked_at <= COLUMNS_IN:
                    columns.update(row[1])
                elif place and not row[1].keys() <= columns:
                    more = ", ".join(sorted(row[1].keys() - columns)[:9])
                    raise InputError(
                        f"{opened.name} has a column that the first {COLUMNS_IN:,} rows of {folder.name} have not ({more})."
                        " A folder is read as files with the same columns: read this one by itself."
                    )
                yield row


def expect_all_read(folder: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError where a file of the folder is in no split: `datasets` passes it over without a word."""
    from datasets.data_files import FILES_TO_IGNORE

    card = folder / "README.md"
    if card.is_file() and b"\nconfigs:" in card.read_bytes():
        return  # the card says which files there are
    taken = {Path(name) for names in splits.values() for name in names}
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or any(part.startswith((".", "__")) for part in file.relative_to(folder).parts):
            continue  # which nobody takes for data
        is_data = _unpacked_name(file).endswith(DATA_FILES) and file.name not in FILES_TO_IGNORE
        if is_data and file not in taken:
            raise InputError(
                f"{file.relative_to(folder)} would be left out of {folder.name}: a folder is read as files of one kind,"
                f" and where some are named train or test those alone, here {min(taken).relative_to(folder)}."
                " Take it out, or read the files one by one."
            )
