"""Rows that are refused, by their reason: each reason is told, unless one kind has many."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from labeling.readers import Refusal

MOST_REASONS = 5  # of one kind; where there are more, they quote the rows


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """So many rows of one reason, or of several of one kind, if they `are_various`; of these the first is told."""

    first: Refusal
    rows: int
    are_various: bool


@dataclass(slots=True)
class Reasons:
    """Why the rows of a file so far are refused. `codes`: how many for each kind of reason."""

    codes: Counter[str] = field(default_factory=Counter)
    _first: dict[str, dict[str, Refusal]] = field(default_factory=dict)
    _rows: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, row: Refusal) -> None:
        self.codes[row.code] += 1
        known = self._first.setdefault(row.code, {})
        if row.reason in known or len(known) <= MOST_REASONS:
            known.setdefault(row.reason, row)
            self._rows[row.code, row.reason] += 1

    def told(self) -> Iterator[RefusedRows]:
        """Each reason with the first of its rows, in the order of the file; one for all of a kind that has many."""
        for code, known in self._first.items():
            if len(known) > MOST_REASONS:
                yield RefusedRows(next(iter(known.values())), self.codes[code], are_various=True)
                continue
            yield from (RefusedRows(row, self._rows[code, row.reason], are_various=False) for row in known.values())
