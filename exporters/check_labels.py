"""What the rows of a file of single completions say together: the same completion is true here and false there, or one
kind outweighs the other."""

from collections.abc import Iterator
from typing import Any

import orjson

from exporters.balance import class_balance
from exporters.check_messages import said
from exporters.completions import Single
from exporters.findings import Fault, Finding
from exporters.rows import Message


class Labels:
    """Remembers what each completion is labelled, by a number of 64 bits: that of a million takes some 100 MB."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._counts = Single()

    def faults(self, record: Message) -> Iterator[Fault]:
        """The fault of the next row's label, where an earlier row says the opposite."""
        label = record.get("label")
        if not isinstance(label, bool):
            return
        self._counts.desirable += label
        self._counts.undesirable += not label
        try:
            key = _known_as(record) & ~1 | label
        except (TypeError, RecursionError):  # nested hundreds of levels deep, which is told of the line
            return
        if key ^ 1 in self._known:
            told = "is true, and false" if label else "is false, and true"
            yield Fault(
                "label",
                f"{told} for the same completion further up",
                "Leave out both: together they say nothing",
                "warning",
            )
        self._known.add(key)

    def together(self) -> Iterator[Finding]:
        """A warning where one kind of rows outweighs the other."""
        if self._counts.desirable or self._counts.undesirable:
            yield from class_balance(self._counts)


def _known_as(record: Message) -> int:
    """A number for the prompt and the completion of a row: its last bit is free."""
    asked: Any = record.get("prompt"), record.get("tools"), said(record.get("completion"))
    return hash(orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))
