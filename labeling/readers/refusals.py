"""Why a row of a file is not taken, and where it stands."""

from dataclasses import dataclass, field

from labeling.readers.opening import MAX_ROW_BYTES


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be taken: `line` counts from 1 (lines of text files, items of a JSON array)."""

    line: int
    code: str
    reason: str
    content: str = field(default="", repr=False)


def too_long(line: int) -> Refusal:
    return Refusal(line, "too_long", f"the row is over {MAX_ROW_BYTES >> 20} MiB")


class RowFault(Exception):
    """Raised by a format for one row; it becomes a `Refusal` with the row's place."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
