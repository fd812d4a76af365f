"""Check any training file, with or without a project."""

from collections.abc import Iterator
from pathlib import Path

from exporters import Finding, check_file
from exporters.votes import VOTES
from labeling.errors import InputError
from labeling.services.export_choices import format_named


def check(path: Path, format: str, most_tokens: int | None = None) -> Iterator[Finding]:
    """Every fault of the file, by line; votes are checked too. `most_tokens` takes the place of the format's limit for one row.

    Raises:
        InputError: there is no such format, or the file cannot be read.
    """
    if format != VOTES:
        format_named(format)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Name a file in it, such as {path / 'train.jsonl'}.")
        yield from check_file(path, format, most_tokens=most_tokens)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Check its name and your right to read it."
        ) from error
