"""Check a training file before a service does: every fault with its line, in one pass, whatever the size.

Services say what is wrong only after the upload, and mostly one fault at a time.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from exporters.check_labels import Labels
from exporters.check_votes import check_votes
from exporters.findings import Finding
from exporters.formats import EXPORTERS
from exporters.line_check import LONGEST_LINE, LineCheck, goes_on
from exporters.parquet import COLUMNS, MAGIC, parquet_records
from exporters.votes import VOTES

# What a file is that is no JSONL at all, by its first bytes.
GZIP = b"\x1f\x8b"
OTHER_FILES = (
    (b"PK\x03\x04", "is a zip archive", "Unpack it, and check the JSONL file in it"),
    (b"PAR1", "is a Parquet file", "Write it as JSONL"),
    (b"SQLite format 3", "is a SQLite database", "Export from it, and check the JSONL file"),
    (b"\xff\xfe", "is UTF-16 text", "Save it as UTF-8 without a byte-order mark"),
    (b"\xfe\xff", "is UTF-16 text", "Save it as UTF-8 without a byte-order mark"),
)


def check_file(path: Path, format: str, *, is_part: bool = False, most_tokens: int | None = None) -> Iterator[Finding]:
    """Find every fault of the file at `path`, read as `format` (a key of `EXPORTERS`, or votes); lines are split on `\\n` alone.

    `is_part` says that other files of the same split hold more rows. `most_tokens` takes the place of the format's
    limit for one row.

    Raises:
        OSError: the file cannot be read.
        KeyError: there is no such format.
    """
    if format == VOTES:
        yield from _vote_findings(path)
        return
    labels = Labels() if len(EXPORTERS[format].takes) > 1 else None  # its rows are good or bad by themselves
    check = LineCheck(EXPORTERS[format], is_part=is_part, most_tokens=most_tokens, labels=labels)
    size = path.stat().st_size
    with path.open("rb", buffering=1 << 20) as file:
        start = file.read(4096)
        file.seek(0)
        if start.startswith(MAGIC) and format in COLUMNS:
            for record in parquet_records(path):
                yield from check.record(record)
        elif start.startswith(GZIP):
            yield _packed(format)
            try:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield from _line_findings(unpacked, check)
                    size = unpacked.tell()
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                yield Finding(None, "", f"The file is damaged ({error})", "Pack it again")
        elif other := _other_file(start):
            yield other
            return
        else:
            yield from _line_findings(file, check)
    yield from check.whole(size)


def _packed(format: str) -> Finding:
    told = "The file is compressed with gzip"
    if format not in COLUMNS:
        return Finding(None, "", told, "Unpack it first: services take plain JSONL")
    return Finding(
        None, "", f"{told}: `datasets` opens it, services and LLaMA-Factory do not", "Unpack it for them", "warning"
    )


def _vote_findings(path: Path) -> Iterator[Finding]:
    with path.open("rb") as file:
        start = file.read(4096)
    is_parquet = start.startswith(MAGIC)
    if not is_parquet and (other := _other_file(start)):
        yield replace(other, remedy="Check votes as CSV in UTF-8, or as Parquet")
    else:
        yield from check_votes(path, is_parquet=is_parquet)


def _line_findings(file: BinaryIO | gzip.GzipFile, check: LineCheck) -> Iterator[Finding]:
    number = 0
    glance = check.plain if not check.has_labels else _looked_at
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            length = len(line)
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                length += len(rest)
            yield check.pass_over(length + len(rest))
            continue
        for finding in check.line(line, glance(line)):
            yield finding
            if number == 1 and goes_on(line):
                return  # every further line would be the same fault


def _looked_at(_line: bytes) -> None:
    """For files in which every row is compared with those before: a glance is not enough."""


def _other_file(start: bytes) -> Finding | None:
    if not start:
        return Finding(None, "", "The file is empty", "Export again")
    for magic, message, remedy in OTHER_FILES:
        if start.startswith(magic):
            return Finding(None, "", f"The file {message}", remedy)
    return None
