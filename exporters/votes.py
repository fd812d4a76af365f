"""`votes`: every label of every rater, a row each, as CSV or Parquet, for statistics elsewhere.

The first columns are those that agreement and ranking are read from: item, rater, verdict; model_a, model_b, verdict,
group.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import orjson

from exporters.card import plural, yaml_head
from exporters.files import begin_folder, discard_folder, finish_folder, write_file
from exporters.jsonl import FileFacts, JsonlFile, json_line
from exporters.parquet import ParquetFile

VOTES = "votes"
# What a spreadsheet would run as a formula when it opens the file; some read signs of full width as such.
FORMULA = re.compile(r"[\t\r]|\s*[-=+@\uff0d\uff1d\uff0b\uff20]")


class VoteRow(NamedTuple):
    """One label. `verdict` is in stored order: a, b, tie, both_bad. `is_current` is false for what was changed later.

    `group` is the prompt; `kind` annotator, judge, imported or rule; `purpose` of the round, "" without one; `left` the
    side that stood left, "" where none did; `seconds` on the screen; `labelled_at` in UTC.
    """

    item: int
    rater: str
    verdict: str
    model_a: str
    model_b: str
    group: str
    kind: str
    strength: int | None
    purpose: str
    left: str
    seconds: float | None
    revision: int
    is_current: bool
    labelled_at: str


class VotesWriter:
    """Writes votes one by one into a folder, which appears whole or not at all.

    Raises:
        FolderFault: from any method, when the disk refuses.
    """

    def __init__(self, out: Path, file_type: Literal["csv", "parquet"] = "csv") -> None:
        self._out = out
        self._type = file_type

    def __enter__(self) -> Self:
        self._folder = begin_folder(self._out)
        path = self._folder / f"votes.{self._type}"
        self._file: JsonlFile | ParquetFile
        if self._type == "csv":
            self._file = JsonlFile(path)
            self._file.write(_cells(VoteRow._fields))
        else:
            self._file = ParquetFile(path, _schema())
        self._rows = 0
        self._raters: set[tuple[str, str]] = set()
        self._finished = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if not self._finished:
            self._file.abandon()
            discard_folder(self._folder)
        return False

    @property
    def rows(self) -> int:
        return self._rows

    def add(self, vote: VoteRow) -> None:
        self._rows += 1
        self._raters.add((vote.kind, vote.rater))
        self._file.write(_cells(vote) if self._type == "csv" else json_line(vote._asdict()))

    def finish(self, facts: dict[str, Any], *, licence: str = "unknown") -> FileFacts:
        """Close the file, write manifest and card, and give the folder its name. `licence` stands on the card."""
        self._file.close()
        content = self._file.path.stat().st_size
        told = FileFacts(self._file.path.name, VOTES, 1, self._rows, content, self._file.sha256)
        manifest = {"manifest_version": 1, "format": VOTES, "rows": self._rows, "files": [asdict(told)], **facts}
        write_file(
            self._folder / "manifest.json",
            orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        )
        write_file(
            self._folder / "README.md", _card(told, len(self._raters), licence, facts.get("left_out") or {}).encode()
        )
        finish_folder(self._folder, self._out)
        self._finished = True
        return told


def _card(file: FileFacts, raters: int, licence: str, left_out: Mapping[str, int]) -> str:
    """The card of every label; it names no rater, but the file does, and it says so."""
    lines = yaml_head(licence, [file], file.rows, ("preference", VOTES, "tiebreak"))
    lines += [
        "# Votes",
        "",
        f"{plural(file.rows, 'label')} of {plural(raters, 'rater')}, each as it was given, also those that were changed later.",
        "",
        "- `item` is the pair; `verdict` is in stored order: a, b, tie or both_bad; `is_current` is false for what was changed.",
        "- `rater` names the raters. Leave the column out where their names shall not be published.",
        "- Preferences are those of these raters under their guidelines; others may prefer otherwise.",
        *(f"- {plural(count, 'label')} left out: {reason}." for reason, count in left_out.items()),
        "",
    ]
    return "\n".join(lines)


def _cells(values: tuple[Any, ...]) -> bytes:
    held = io.StringIO()
    csv.writer(held, lineterminator="\n").writerow([_cell(value) for value in values])
    return held.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_cell(value) if isinstance(value, str) else value


def safe_cell(text: str) -> str:
    """`text` as no spreadsheet takes it for a formula: with an apostrophe before it, where it looks like one."""
    return f"'{text}" if FORMULA.match(text) else text


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"item": pa.int64(), "strength": pa.int8(), "seconds": pa.float64(), "revision": pa.int32(), "is_current": pa.bool_()}  # fmt: skip
    return pa.schema([(name, kinds.get(name, pa.string())) for name in VoteRow._fields])
