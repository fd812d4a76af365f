"""Check any training file, with or without a project."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from exporters import Finding, check_file
from exporters.balance import SIDES, WRITERS
from exporters.votes import VOTES
from labeling.errors import InputError
from labeling.services.export_choices import format_named


def check(path: Path, format: str, most_tokens: int | None = None) -> Iterator[Finding]:
    """Every fault of the file, by line; votes are checked too. Of a file that lies as it was exported, also what only the
    labels tell, which its manifest keeps. `most_tokens` takes the place of the format's limit for one row.

    Raises:
        InputError: there is no such format, or the file cannot be read.
    """
    if format != VOTES:
        format_named(format)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Name a file in it, such as {path / 'train.jsonl'}.")
        if path.exists() and not path.is_file():
            raise InputError(
                f"{path} is a pipe or a device, which is not read twice. Write what it gives to a file first."
            )
        yield from check_file(path, format, most_tokens=most_tokens)
        yield from _known_of_labels(path)
    except OSError as error:
        if error.errno is None:  # not the disk says so, but what is in it
            words = str(error).strip().partition("\n")[0].removeprefix(f"{path} is damaged: ").rstrip(".")
            raise InputError(f"{path} is damaged ({words}). Export it again.") from error
        raise InputError(
            f"{path} cannot be read ({error.strerror}). Check its name and your right to read it."
        ) from error


def _known_of_labels(path: Path) -> Iterator[Finding]:
    """Warnings of the manifest beside an exported file: one writer or one side always wins, rows rest on the sandbox."""
    try:
        told = json.loads((path.parent / "manifest.json").read_bytes())
        digests = {file["name"]: file["sha256"] for file in told["files"]}
        warnings = [Finding(**one) for one in told.get("warnings", ()) if one["field"] in (WRITERS, SIDES)]
        sandbox = int(told.get("sandbox", {}).get("rows", 0))
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return
    with path.open("rb") as file:
        if digests.get(path.name) != hashlib.file_digest(file, "sha256").hexdigest():
            return
    yield from warnings
    if sandbox:
        yield Finding(
            None, "sandbox", f"{sandbox:,} rows of the export rest on the offline sandbox", "Use it for trying things out, not for tuning", "warning"
        )  # fmt: skip
