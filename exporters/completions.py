"""A comparison as single completions, each desirable or not, and every completion of a file only once.

The same completion stands in many pairs where a prompt has more than two. It becomes one row; where it is desirable in
one pair and undesirable in another, it says nothing, and is dropped.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from exporters.rows import CompletionRow, PreferenceRow, what_calls_ask

# Only one bucket of the digests is in memory at once as Python objects: 2,000,000 completions take 16 MB, not 160.
BUCKETS = 16


def both_sides(row: PreferenceRow) -> tuple[CompletionRow, ...]:
    """Better and worse as desirable and undesirable; two desirable ones of a tie, two undesirable ones of both bad."""
    return (
        _piece(row, is_first=True, is_desirable=row.outcome != "both_bad"),
        _piece(row, is_first=False, is_desirable=row.outcome == "tie"),
    )


def better_side(row: PreferenceRow) -> tuple[CompletionRow, ...]:
    """The chosen completion alone."""
    return (_piece(row, is_first=True, is_desirable=True),)


def _piece(row: PreferenceRow, *, is_first: bool, is_desirable: bool) -> CompletionRow:
    text, calls = (row.chosen, row.chosen_tool_calls) if is_first else (row.rejected, row.rejected_tool_calls)
    return CompletionRow(row.prompt, text, is_desirable, is_first, row.tools, calls)


@dataclass(slots=True)
class Single:
    """How completions became rows: completions = rows + repeated + conflicting. A completion that is dropped counts as
    conflicting once, and where it stands again as repeated."""

    desirable: int = 0
    undesirable: int = 0
    repeated: int = 0
    conflicting: int = 0


class EachOnce:
    """Remembers completions in the order they come in, and says at the end which of them are rows."""

    def __init__(self) -> None:
        self._keys = array("Q")

    def add(self, completion: CompletionRow, asked: str = "") -> None:
        """Take the next one; `asked` as in `RowOrigin`."""
        calls = what_calls_ask(completion.tool_calls) if completion.tool_calls else ""
        said = orjson.dumps((asked or completion.prompt, completion.tools, completion.text, calls))
        digest = hashlib.blake2b(said, digest_size=8).digest()
        # The last bit says whether it is desirable; 63 bits tell millions of completions apart.
        self._keys.append(int.from_bytes(digest, "big") & ~1 | completion.is_desirable)

    def settled(self) -> tuple[Iterator[bool], Single]:
        """For each completion, in order, whether it is a row (the first of its kind, not in conflict); and the counts."""
        marks = bytearray(len(self._keys))
        counts = Single()
        for bucket in range(BUCKETS):
            first: dict[int, int] = {}
            opposed: set[int] = set()
            for place, key in enumerate(self._keys):
                if key >> 60 != bucket:
                    continue
                known = first.setdefault(key >> 1, place)
                if known == place:
                    continue
                marks[place] = _REPEATED
                if self._keys[known] != key:
                    opposed.add(known)
            for place in opposed:
                marks[place] = _CONFLICTING
        for key, mark in zip(self._keys, marks, strict=True):
            if mark == _REPEATED:
                counts.repeated += 1
            elif mark == _CONFLICTING:
                counts.conflicting += 1
            elif key & 1:
                counts.desirable += 1
            else:
                counts.undesirable += 1
        return (mark == _ROW for mark in marks), counts


_ROW, _REPEATED, _CONFLICTING = 0, 1, 2
