"""Train and validation: by group, never by row."""

import hashlib
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Generic, TypeVar

Row = TypeVar("Row")

# A loss on fewer rows than this says nothing, and OpenAI takes no file below it.
LEAST_VALIDATION_ROWS = 10


class Split:
    """Which groups go to the validation file; `share` is 0 to 1.

    The answer depends on the group and the seed alone: it stays the same as data is added, and a larger share only adds
    groups to the validation file.
    """

    def __init__(self, *, seed: int, share: float) -> None:
        self._begun = hashlib.blake2b(f"{seed}:".encode(), digest_size=8)
        # Digests compare as numbers do: the greatest byte first.
        self._below = _bound(share).to_bytes(8, "big")
        self._is_asked = share > 0

    def place(self, group: str) -> bytes:
        """Where the group stands among all, as bytes that compare: those with the least go to validation first."""
        digest = self._begun.copy()
        digest.update(group.encode())
        return digest.digest()

    def is_validation(self, group: str) -> bool:
        """Whether the rows of `group` go to the validation file."""
        return self._is_asked and self.place(group) < self._below

    def are_validation(self, groups: Sequence[str]) -> list[bool]:
        """The same for many."""
        return [place < self._below for place in map(self.place, groups)] if self._is_asked else [False] * len(groups)


class LeastRows(Generic[Row]):
    """The rows of the first groups, by `Split.place`, that together have at least `count` rows.

    Rows come one by one; only those that may still be among the first are held. Which groups are the first changes as data
    is added: only a memory of earlier data could keep both them and their number.
    """

    def __init__(self, split: Split, count: int) -> None:
        self._split = split
        self._count = count
        self._held: dict[str, list[Row]] = {}
        self._rows = 0
        self._last: list[tuple[int, str]] = []  # a heap of the groups, the last by place on top
        self._bound: int | None = None  # groups from here on are not among the first

    def add(self, group: str, row: Row) -> list[Row]:
        """Take a row; returns those that are not among the first, mostly the row itself."""
        if group in self._held:
            self._held[group].append(row)
        else:
            place = int.from_bytes(self._split.place(group), "big")
            if self._bound is not None and place >= self._bound:
                return [row]
            self._held[group] = [row]
            heappush(self._last, (-place, group))
        self._rows += 1
        out: list[Row] = []
        while self._rows - len(self._held[self._last[0][1]]) >= self._count:
            place, last = heappop(self._last)
            gone = self._held.pop(last)
            self._bound = -place
            self._rows -= len(gone)
            out += gone
        return out

    def rows(self) -> list[Row]:
        """What is held, group by group, in the order in which the groups came."""
        return [row for rows in self._held.values() for row in rows]

    @property
    def share(self) -> float | None:
        """The shortest share by which `Split` draws the same groups of these rows; None where all of them are held."""
        if self._bound is None:
            return None
        last = -self._last[0][0]
        shares = ((last * 10**digits // 2**64 + 1) / 10**digits for digits in range(1, 18))
        return next((share for share in shares if last < _bound(share) <= self._bound), None)


def _bound(share: float) -> int:
    """Groups whose place is a lower number belong to the share."""
    return min(round(share * 2**64), 2**64 - 1)
