"""Why a row of a file is not taken, and where it stands."""

from dataclasses import dataclass, field

import orjson

from labeling.readers.opening import MAX_ROW_BYTES


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be taken: `line` counts from 1 (lines of text files, items of a JSON array). `word`: the one that is
    not known, where a hand may say what it means."""

    line: int
    code: str
    reason: str
    content: str = field(default="", repr=False)
    word: str = ""


def too_long(line: int) -> Refusal:
    return Refusal(line, "too_long", f"the row is over {MAX_ROW_BYTES >> 20} MiB")


def too_deep(line: int) -> Refusal:
    return Refusal(line, "too_deep", "the row holds lists or objects hundreds of levels deep; flatten them")


def size_fault(line: int, row: object) -> Refusal | None:
    """What speaks against the size of a row that came otherwise than as a line of a file; None where nothing does."""
    try:
        is_large = len(orjson.dumps(row, default=_unread)) > MAX_ROW_BYTES
    except TypeError:
        return too_deep(line)
    return too_long(line) if is_large else None


def _unread(value: object) -> str:
    """What JSON has no form for. Of bytes (pictures, sounds) nothing is taken, whatever their size."""
    return "" if isinstance(value, bytes) else str(value)


class RowFault(Exception):
    """Raised by a format for one row; it becomes a `Refusal` with the row's place."""

    def __init__(self, code: str, reason: str, word: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.word = word
