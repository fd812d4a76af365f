"""The lines that a row becomes in a file of one kind, or why its format, Parquet or their tokens let it become none."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from exporters.formats import Format
from exporters.jsonl import json_line
from exporters.parquet import parquet_refusal
from exporters.refusals import refused
from exporters.rows import CompletionRow, PreferenceRow, RowRefused
from exporters.tokens import BYTES_PER_TOKEN, about_tokens

TOO_MANY_TOKENS = "too_many_tokens"


@dataclass(frozen=True, slots=True)
class Lines:
    """What files of a format take; in Parquet only what has a column."""

    format: Format
    is_parquet: bool = False

    def of(self, row: PreferenceRow) -> list[tuple[PreferenceRow | CompletionRow, bytes]]:
        """Each line that `row` becomes, after what stands in it: the row, or one of its completions.

        Raises:
            RowRefused: the file takes no such row; all lines or none are written.
        """
        return [(piece, self._line(piece)) for piece in self._pieces(row)]

    def pieces(self, row: PreferenceRow) -> Sequence[PreferenceRow | CompletionRow]:
        """What stands in each of these lines; they are not made where nothing hangs on them. Raises as `of`."""
        if self.is_parquet or self.format.most_tokens:
            return [piece for piece, _ in self.of(row)]
        return self._pieces(row)

    def refusal(self, row: PreferenceRow) -> str | None:
        """The code of why the file does not take `row`; None where it does."""
        try:
            self.pieces(row)
        except RowRefused as fault:
            return fault.code
        return None

    @property
    def many_bytes(self) -> int:
        """No line of fewer bytes has too many tokens."""
        return BYTES_PER_TOKEN * self._most_tokens

    def is_too_long(self, line: bytes) -> bool:
        """Whether a line has more tokens than the service takes."""
        return len(line) > self.many_bytes and about_tokens(line) > self._most_tokens

    @property
    def _most_tokens(self) -> int:
        return self.format.most_tokens or sys.maxsize

    def _pieces(self, row: PreferenceRow) -> Sequence[PreferenceRow | CompletionRow]:
        if code := self.format.refusal(row):
            raise refused(code)
        return (row,) if self.format.pieces is None else self.format.pieces(row)

    def _line(self, piece: PreferenceRow | CompletionRow) -> bytes:
        if self.is_parquet and (code := parquet_refusal(piece, self.format.name)):
            raise refused(code)
        line = json_line(self.format.record(piece))
        if self.is_too_long(line):
            raise refused(TOO_MANY_TOKENS)
        return line
