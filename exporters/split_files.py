"""The files of one split: each line is checked as it is written, by the rules that `check_file` has for a finished file."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

from exporters.findings import CheckFailed, Finding
from exporters.formats import MEGABYTE, Format
from exporters.jsonl import FileFacts, JsonlParts
from exporters.line_check import LineCheck, Tally, repeated_prompts
from exporters.parquet import ParquetParts
from exporters.plain import Parts, PlainPair

# More of them tell nobody more, and a million of them would not fit into memory.
MOST_FINDINGS = 100
# More than any row has that is below the token limit of a service which also limits files.
LONG_ROW = MEGABYTE

# A row's part and line in that part, both from 1, and what its provenance tells.
Place: TypeAlias = tuple[int, int, bytes]


class SplitFiles:
    """The train or the validation files; with `keeps_prompts` their prompts can be compared.

    Rows near the end of a file wait until it is known how many come after them, so that the last file has as many as
    the service takes: of a full file the last ones are then in the next.

    Raises:
        FolderFault: from any method, when the disk refuses.
        CheckFailed: from `write` and `end`, where there are more errors than anyone reads.
    """

    def __init__(
        self, folder: Path, split: str, format: Format, *, is_marked: bool, is_parquet: bool, keeps_prompts: bool
    ) -> None:
        self.split = split
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self._format = format
        self._keeps_prompts = keeps_prompts
        self._parts: JsonlParts | ParquetParts
        if is_parquet:
            self._parts = ParquetParts(folder, split, format.name)
        else:
            self._parts = JsonlParts(folder, split, "jsonl", format.most_bytes, is_marked=is_marked)
        self._checks: list[LineCheck] = []  # of each part
        self._tally = Tally()
        self._least = format.least_rows
        self._near = LONG_ROW * (self._least - 1)  # with less room than this, rows wait
        self._waiting: list[tuple[bytes, bytes, Parts | None]] = []

    @property
    def rows(self) -> int:
        return self._parts.rows + len(self._waiting)

    def has_room(self, size: int) -> bool:
        """Whether lines of so many bytes have their place at once."""
        return not self._waiting and self._parts.room >= size + self._near

    def write(self, line: bytes, told: bytes, parts: Parts | None = None) -> list[Place]:
        """Take a row; returns those that have their place now, mostly the row itself. `parts` as `LineCheck.line`."""
        if self.has_room(len(line)):
            return [self._place(line, told, parts)]
        self._waiting.append((line, told, parts))
        placed: list[Place] = []
        while len(self._waiting) - (fitting := self._fitting()) >= self._least:
            placed += self._place_first(fitting + 1)  # the last of these begins the next file
        if fitting == len(self._waiting):
            is_far = self._parts.room >= self._near + sum(len(line) for line, _, _ in self._waiting)
            placed += self._place_first(fitting if is_far else max(0, fitting - self._least + 1))
        return placed

    def write_all(self, lines: Sequence[bytes], parts: Sequence[PlainPair]) -> Iterable[tuple[int, int]]:
        """Write lines that have room, in which `LineCheck.plain` finds these parts; returns part and line of each."""
        if not lines:
            return ()
        self._check(max(1, len(self._checks))).plain_lines(parts, sum(map(len, lines)))
        return self._parts.write_all(lines)

    def settle(self) -> list[Place]:
        """Give the rows that wait their places, as no other comes."""
        fitting = self._fitting()
        beyond = len(self._waiting) - fitting
        moved = self._least - beyond
        placed: list[Place] = []
        if beyond and moved <= fitting and self._parts.open_rows + fitting - moved >= self._least:
            assert isinstance(self._parts, JsonlParts)  # nothing waits for a place in Parquet
            placed = self._place_first(fitting - moved)
            self._parts.begin_next()
        return placed + self._place_first(len(self._waiting))

    def end(self, elsewhere: set[int] | frozenset[int] = frozenset()) -> list[FileFacts]:
        """Close the files and give them their names; none of their prompts may stand `elsewhere`."""
        files = self._parts.close()
        for file, check in zip(files, self._checks, strict=True):
            if not elsewhere.isdisjoint(check.prompts or ()):
                self._keep(repeated_prompts(check.prompts or (), elsewhere))
            self._keep(check.file(file.bytes))
        if self._checks:
            self._keep(self._checks[-1].together())
        return files

    @property
    def has_rich(self) -> bool:
        """Whether some row has keys that plain rows have not."""
        return any(check.has_rich for check in self._checks)

    @property
    def prompts(self) -> set[int]:
        """What the prompts of the rows are known by, where they are kept."""
        return {prompt for check in self._checks for prompt in check.prompts or ()}

    def abandon(self) -> None:
        self._parts.abandon()

    def _fitting(self) -> int:
        """How many of the rows that wait fit into the open file; one does, however long, where that has none."""
        ends = list(accumulate(len(line) for line, _, _ in self._waiting))
        return max(bisect_right(ends, self._parts.room), not self._parts.open_rows and len(ends) > 0)

    def _place_first(self, count: int) -> list[Place]:
        """Write and check so many of the rows that wait."""
        rows, self._waiting = self._waiting[:count], self._waiting[count:]
        return [self._place(*row) for row in rows]

    def _place(self, line: bytes, told: bytes, parts: Parts | None) -> Place:
        part, number = self._parts.write(line)
        if findings := self._check(part).line(line, parts):
            self._keep(findings)
        return part, number, told

    def _check(self, part: int) -> LineCheck:
        if part > len(self._checks):
            is_part = self.split == "validation"
            self._checks.append(
                LineCheck(self._format, is_part=is_part, keeps_prompts=self._keeps_prompts, tally=self._tally)
            )
        return self._checks[-1]

    def _keep(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            kept = self.errors if finding.severity == "error" else self.warnings
            if len(kept) < MOST_FINDINGS:
                kept.append(finding)
            elif finding.severity == "error":
                raise CheckFailed(self.errors)
