"""The files of one split: each line is checked as it is written, by the rules that `check_file` has for a finished file."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from exporters.findings import CheckFailed, Finding
from exporters.formats import Format
from exporters.jsonl import FileFacts, JsonlParts
from exporters.line_check import LineCheck, repeated_prompts
from exporters.parquet import ParquetParts
from exporters.plain import Parts, PlainPair

# More of them tell nobody more, and a million of them would not fit into memory.
MOST_FINDINGS = 100


class SplitFiles:
    """The train or the validation files; with `keeps_prompts` their prompts can be compared.

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

    @property
    def rows(self) -> int:
        return self._parts.rows

    def write(self, line: bytes, parts: Parts | None = None) -> tuple[int, int]:
        """Write and check a line; returns its part and its line in that part, both from 1. `parts` as `LineCheck.line`."""
        part, number = self._parts.write(line)
        if part > len(self._checks):
            is_part = part > 1 or self.split == "validation"
            self._checks.append(LineCheck(self._format, is_part=is_part, keeps_prompts=self._keeps_prompts))
        if findings := self._checks[-1].line(line, parts):
            self._keep(findings)
        return part, number

    def write_all(self, lines: Sequence[bytes], parts: Sequence[PlainPair]) -> Iterable[tuple[int, int]]:
        """Write lines in which `LineCheck.plain` finds these parts; returns what `write` does for each."""
        size = sum(map(len, lines))
        if not lines or not self._parts.has_room(size):
            return [self.write(line, found) for line, found in zip(lines, parts, strict=True)]
        self._checks[-1].plain_lines(parts, size)
        return self._parts.write_all(lines)

    def end(self, elsewhere: set[int] | frozenset[int] = frozenset()) -> list[FileFacts]:
        """Close the files and give them their names; none of their prompts may stand `elsewhere`."""
        files = self._parts.close()
        for file, check in zip(files, self._checks, strict=True):
            if not elsewhere.isdisjoint(check.prompts or ()):
                self._keep(repeated_prompts(check.prompts or (), elsewhere))
            self._keep(check.whole(file.bytes))
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

    def _keep(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            kept = self.errors if finding.severity == "error" else self.warnings
            if len(kept) < MOST_FINDINGS:
                kept.append(finding)
            elif finding.severity == "error":
                raise CheckFailed(self.errors)
