"""Where the prompt of two texts may stand, if not in what both begin with: a column that plays no role, but could be it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from labeling.readers.chat import shared_length, unfolded
from labeling.readers.columns import KNOWN_COLUMNS, Columns, cell, listed, plain_name
from labeling.readers.refusals import RowFault

# Columns whose name ends so hold a prompt even where it is one word.
_NAMED = {"prompt", "question", "query", "instruction", "problem"}
# Columns that say something of the two texts or of their row, however many words they take.
_ABOUT = {
    "chosen", "rejected", "reason", "reasoning", "rationale", "explanation", "feedback", "critique", "comment", "comments",
    "note", "notes", "dataset", "url", "license", "date", "time", "timestamp", "created", "updated", "at", "file", "path",
    "justification", "judgment", "judgement", "rubric", "analysis", "evaluation", "score", "rating", "type", "attribution",
}  # fmt: skip
_OTHERS = {name for names in KNOWN_COLUMNS.values() for name in names}
_WORD = re.compile(r"[\u3040-\u9fff]{1,2}|\S+")  # Chinese and Japanese do not part theirs; many have two characters
SEVERAL = 4  # words; tags, names and ids have fewer


def column_like_prompt(records: Iterable[Mapping[str, Any]], columns: Columns) -> str | None:
    """The first column in no role that may hold the prompt of two texts; None where nothing but their beginning can be it.

    That is one which holds turns, is named as a prompt is, or holds a question or several words that both do not begin with.
    """
    for record in records:
        if (begun := _beginning(record, columns)) is None:
            continue
        replies = [cell(record, columns, side).strip() for side in ("chosen", "rejected")]
        for name in record:
            if (
                name not in columns.values()
                and plain_name(name) not in _OTHERS
                and _may_be_prompt(name, record[name], begun, replies)
            ):
                return name
    return None


def _beginning(record: Mapping[str, Any], columns: Columns) -> str | None:
    """What both texts begin with; None where the sides are no texts."""
    try:
        chosen, rejected = (unfolded(cell(record, columns, side), side) for side in ("chosen", "rejected"))
    except RowFault:
        return None
    if not isinstance(chosen, str) or not isinstance(rejected, str):
        return None
    return chosen[: shared_length(chosen, rejected)]


def _may_be_prompt(name: str, value: object, begun: str, replies: list[str]) -> bool:
    value = listed(value)
    if isinstance(value, list):
        return (
            bool(value) and isinstance(value[0], dict) and not value[0].keys().isdisjoint(("role", "from", "speaker"))
        )
    if not isinstance(value, str) or not value.strip() or value.strip() in begun or value.strip() in replies:
        return False
    words = plain_name(name).split("_")
    if words[-1] in _NAMED:
        return True
    is_asked = value.rstrip().endswith(("?", "\uff1f")) or len(_WORD.findall(value)) >= SEVERAL
    return is_asked and _ABOUT.isdisjoint(words)
