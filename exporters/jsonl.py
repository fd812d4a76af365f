"""JSON Lines: one object a line, UTF-8 without a byte-order mark, exactly one `\\n` after each."""

import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import orjson

from exporters.files import folder_fault
from exporters.rows import RowRefused

BUFFER_BYTES = 1 << 18
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def json_line(record: object) -> bytes:
    """`record` as one line.

    Raises:
        RowRefused: a text in it cannot be written as UTF-8 (half of a surrogate pair).
    """
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise RowRefused("not_unicode", f"a text of the row cannot be written: {error}") from error


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One written file: its name in the folder, its part of the split, and what it holds."""

    name: str
    split: str
    part: int
    rows: int
    bytes: int
    sha256: str


class JsonlFile:
    """A file that is being written; its digest is made on the way.

    Raises:
        FolderFault: from any method, when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.bytes = 0
        self._digest = hashlib.sha256()
        try:
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise folder_fault(error, path) from error
        self._lines: list[bytes] = []
        self._flushed = 0

    def write(self, line: bytes) -> None:
        self._lines.append(line)
        self.rows += 1
        self.bytes += len(line)
        if self.bytes - self._flushed >= BUFFER_BYTES:
            self._flush()

    def write_all(self, lines: Sequence[bytes]) -> None:
        self._lines += lines
        self.rows += len(lines)
        self.bytes += sum(map(len, lines))
        if self.bytes - self._flushed >= BUFFER_BYTES:
            self._flush()

    def begin(self, mark: bytes) -> None:
        """Put bytes that are no line before the first one."""
        self._lines.append(mark)
        self.bytes += len(mark)

    def close(self) -> None:
        """Write what is left and put it on the disk."""
        self._flush()
        try:
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise folder_fault(error, self.path) from error

    def abandon(self) -> None:
        """Let go of the file without caring for what is in it."""
        self._lines.clear()
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def facts(self, name: str, split: str, part: int) -> FileFacts:
        """What is told of the file once it is closed."""
        return FileFacts(name, split, part, self.rows, self.bytes, self.sha256)

    def _flush(self) -> None:
        block = memoryview(b"".join(self._lines))
        self._lines.clear()
        self._flushed = self.bytes
        self._digest.update(block)
        try:
            while block:
                block = block[self._file.write(block) :]
        except OSError as error:
            raise folder_fault(error, self.path) from error


class JsonlParts:
    """The files of one split: a next part is begun where a service's limit for one file would be passed."""

    def __init__(
        self, folder: Path, split: str, extension: str, most_bytes: int | None, *, is_marked: bool = False
    ) -> None:
        self._folder = folder
        self._split = split
        self._extension = extension
        self._most_bytes = sys.maxsize if most_bytes is None else most_bytes
        self._is_marked = is_marked  # each file begins with a byte-order mark
        self._parts: list[JsonlFile] = []
        self._open: JsonlFile | None = None  # the last of them

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self._parts)

    def write(self, line: bytes) -> tuple[int, int]:
        """Write a line; returns its part and its line in that part, both from 1."""
        part = self._open or self._next()
        if part.bytes + len(line) > self._most_bytes and part.rows:
            part.close()
            part = self._next()
        part.write(line)
        return len(self._parts), part.rows

    @property
    def room(self) -> int:
        """How many bytes the open part takes still, or the first one, where none is open."""
        begun = len(BYTE_ORDER_MARK) if self._is_marked else 0
        return self._most_bytes - (begun if self._open is None else self._open.bytes)

    @property
    def open_rows(self) -> int:
        """How many rows the open part has."""
        return 0 if self._open is None else self._open.rows

    def begin_next(self) -> None:
        """Close the open part; the next line begins another."""
        if self._open is not None:
            self._open.close()
        self._next()

    def write_all(self, lines: Sequence[bytes]) -> Iterable[tuple[int, int]]:
        """Write lines for which there is room; returns what `write` does for each."""
        part = self._open or self._next()
        first = part.rows + 1
        part.write_all(lines)
        return zip(repeat(len(self._parts)), range(first, first + len(lines)), strict=False)  # the one never ends

    def close(self) -> list[FileFacts]:
        """Close the last part and give all of them their names: `train.jsonl`, or `train-00001-of-00003.jsonl`."""
        if self._parts:
            self._parts[-1].close()
        facts = []
        for number, part in enumerate(self._parts, 1):
            name = f"{self._split}.{self._extension}"
            if len(self._parts) > 1:
                name = f"{self._split}-{number:05}-of-{len(self._parts):05}.{self._extension}"
            part.path.rename(self._folder / name)
            facts.append(part.facts(name, self._split, number))
        return facts

    def abandon(self) -> None:
        for part in self._parts:
            part.abandon()

    def _next(self) -> JsonlFile:
        part = JsonlFile(self._folder / f"{self._split}-{len(self._parts) + 1:05}.partial")
        if self._is_marked:
            part.begin(BYTE_ORDER_MARK)
        self._parts.append(part)
        self._open = part
        return part
