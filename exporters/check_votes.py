"""Check a file of votes, CSV or Parquet: every fault with its line, its field and what to do about it."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from exporters.balance import always_winning, side_always_winning
from exporters.findings import Fault, Finding
from exporters.formats import MEGABYTE
from exporters.line_check import LONGEST_LINE
from exporters.parquet import parquet_columns, parquet_records
from exporters.votes import FORMULA, VoteRow

NEEDED = ("item", "rater", "verdict")
NO_TEXT = re.compile("[\0\ud800-\udfff]")
SIDES = {"a": "b", "b": "a"}
LONGEST_CELL = 4 << 20


def check_votes(path: Path, *, is_parquet: bool) -> Iterator[Finding]:
    """Find every fault of the file at `path`. Columns beside those of `VoteRow` are passed over.

    Raises:
        OSError: the file cannot be read.
    """
    rows, left = 0, [0, 0]  # of the labels with a side of the screen, those for the left one, and all
    writers: Counter[tuple[str, str]] = Counter()
    for found in (_parquet if is_parquet else _csv)(path):
        if isinstance(found, Finding):
            yield found
            continue
        line, vote = found
        rows += 1
        for fault in _faults(vote, is_csv=not is_parquet):
            yield Finding(line, *fault)
        if (verdict := vote.get("verdict", "")) in SIDES:
            winner, loser = (vote.get(f"model_{side}", "") for side in (verdict, SIDES[verdict]))
            writers[winner, loser] += bool(winner and loser)
            left[0] += vote.get("left") == verdict
            left[1] += bool(vote.get("left"))
    if not rows:
        yield Finding(None, "", "The file has no vote", "Label pairs, and export again")
    yield from always_winning(writers)
    if warning := side_always_winning(*left):
        yield warning


def _parquet(path: Path) -> Iterator[Finding | tuple[int, dict[str, str]]]:
    names = parquet_columns(path)
    faults = list(_header(names))
    yield from faults
    if not any(fault.severity == "error" for fault in faults):
        for number, record in enumerate(parquet_records(path), 1):
            yield number, {name: _text(record.get(name)) for name in names}


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _csv(path: Path) -> Iterator[Finding | tuple[int, dict[str, str]]]:
    """The votes with the line each begins in, or what is wrong with it."""
    csv.field_size_limit(LONGEST_CELL)
    # What is no UTF-8 becomes half a pair of surrogates, which no text can hold: the other lines are read all the same.
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        if file.read(1) == "\ufeff":
            yield Finding(1, "", "A byte-order mark stands before the text", "Save the file as UTF-8 without it")
        else:
            file.seek(0)
        reader = csv.reader(_bounded(file), strict=True)
        names: Sequence[str] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Finding(
                    line, "", f"The line is not CSV ({error})", "Close each quote, and double those inside a cell"
                )
                continue
            if names is None:
                names = cells
                faults = list(_header(names))
                yield from faults
                if any(fault.severity == "error" for fault in faults):
                    return
            elif not cells:
                yield Finding(line, "", "The line is blank", "Delete it")
            elif len(cells) != len(names):
                yield Finding(
                    line,
                    "",
                    f"The row has {len(cells)} cells, the header {len(names)}",
                    "Quote cells that hold a comma",
                )
            else:
                yield line, dict(zip(names, cells, strict=True))


def _bounded(file: TextIO) -> Iterator[str]:
    """The lines of a file; a line that is none of CSV is not taken in as a whole. Raises csv.Error."""
    while line := file.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise csv.Error(f"it is longer than {LONGEST_LINE // MEGABYTE} MB")
        yield line


def _header(names: Sequence[str]) -> Iterator[Finding]:
    for name in NEEDED:
        if name not in names:
            yield Finding(1, name, "The column is missing", f"Name a column {name} in the first row")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding(1, name, "Two columns have this name", "Rename one of them, or take it out")


def _faults(vote: dict[str, str], *, is_csv: bool) -> Iterator[Fault]:
    for name, value in vote.items():
        if NO_TEXT.search(value):
            yield Fault(name, "The cell holds bytes that are no text", "Save the file as UTF-8")
        elif name in NEEDED and not value.strip():
            yield Fault(name, "The cell is empty", f"Write the {name}, or delete the row")
        elif value and name in RULES and not RULES[name][0](value):
            yield Fault(name, f"{value[:40]!r} is not {RULES[name][1]}", f"Write {RULES[name][2]}")
        elif is_csv and name in VoteRow._fields and name not in RULES and FORMULA.match(value):
            yield Fault(name, "A spreadsheet runs the cell as a formula", "Begin it with an apostrophe", "warning")


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda value: value.lower().removesuffix(".0") in words  # a table with gaps writes 1 as 1.0


def _is_number(value: str) -> bool:
    try:
        return 0 <= float(value) < float("inf")
    except ValueError:
        return False


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value) is not None
    except ValueError:
        return False


# By column: whether a cell is right that is not empty, what it should be, and what to write.
RULES: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "verdict": (lambda value: value in ("a", "b", "tie", "both_bad"), "a verdict", "a, b, tie or both_bad, in stored order"),
    "kind": (_one_of("annotator", "judge", "imported", "rule"), "a kind of rater", "annotator, judge, imported or rule"),
    "strength": (_one_of("1", "2", "3"), "a strength", "1, 2 or 3, or nothing"),
    "left": (_one_of("a", "b"), "a side", "a or b for the side that stood left, or nothing"),
    "seconds": (_is_number, "a number of seconds", "0 or more, or nothing"),
    "revision": (lambda value: value.removesuffix(".0").isdecimal() and float(value) > 0, "a revision", "a whole number from 1"),
    "is_current": (_one_of("true", "false"), "true or false", "true or false"),
    "labelled_at": (_is_time, "a time", "it as 2026-01-31T12:00:00+00:00"),
}  # fmt: skip
