"""What a number means as a verdict: many records tell it together, and none alone."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress

from labeling.domain import Json, Verdict
from labeling.readers.columns import FOLLOWING, Columns, number_of, plain_name, verdict_word


def numbers_in(records: Iterable[Json], column: str) -> set[str]:
    """The numbers in a table's column of verdicts, as they are written."""
    return {word for record in records if is_number(word := said_in(record, column))}


def is_number(word: str) -> bool:
    return number_of(word) is not None


def said_in(record: Json, column: str) -> str:
    """The verdict as it is written; empty where it is the name of a model, which may look like a number."""
    with suppress(RecursionError):  # the row is refused when it is read
        word = verdict_word(record.get(column))
        return "" if word in (str(record.get("model_a")), str(record.get("model_b"))) else word
    return ""


def numbers_meant(numbers: AbstractSet[str], columns: Columns) -> dict[str, str]:
    """What numbers mean where they count the two responses, as their columns' names do, from 0 or 1.

    Nothing where there is another: beside a 0 or a 3 a 1 may mean anything. Nothing either where the names count otherwise:
    of response_2 and response_1, or response_1 and response_3, no 1 or 2 says a side by its place.
    """
    a, b = (plain_name(columns.get(role, "")) for role in ("response_a", "response_b"))
    if a[:-1] == b[:-1] and a[-1:].isdigit() and FOLLOWING.get(a[-1]) != b[-1:]:
        return {}
    first = 0 if a.endswith("_0") else 1
    counted = {str(first): Verdict.A, str(first + 1): Verdict.B}
    # A table with gaps writes 1 as 1.0.
    meant = {f"{number}{end}": verdict.value for number, verdict in counted.items() for end in ("", ".0")}
    return meant if numbers and numbers <= meant.keys() else {}
