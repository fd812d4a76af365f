"""Completions on their way into a file: on the disk until it is known which of them are rows."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from exporters.completions import EachOnce, Single
from exporters.files import folder_fault
from exporters.jsonl import JsonlFile, json_line
from exporters.provenance import Told
from exporters.rows import CompletionRow, RowOrigin


class Spool:
    """Takes completions with their lines, and gives back those that are rows, in the same order.

    Raises:
        FolderFault: from any method, when the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "completions.partial"
        self._file = JsonlFile(self._path)
        self._once = EachOnce()
        self.counts = Single()

    def add(self, piece: CompletionRow, line: bytes, origin: RowOrigin, told: Told) -> None:
        self._once.add(piece, origin.asked)
        self._file.write(json_line([origin.group, origin.rater_ids, told]))
        self._file.write(line)

    def rows(self) -> Iterator[tuple[bytes, str, list[int], Told]]:
        """The line, the group, the raters and the provenance of each row. Afterwards `counts` is filled, and the spool is gone."""
        self._file.close()
        kept, self.counts = self._once.settled()
        try:
            with self._path.open("rb") as file:
                for is_row in kept:
                    told, line = file.readline(), file.readline()
                    if is_row:
                        group, rater_ids, what = orjson.loads(told)
                        yield line, group, rater_ids, what
            self._path.unlink()
        except OSError as error:
            raise folder_fault(error, self._path) from error

    def abandon(self) -> None:
        self._file.abandon()
