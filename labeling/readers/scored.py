"""Two responses beside a number that says which is better: HelpSteer's preferences."""

import re
from collections.abc import Mapping
from typing import Any

from labeling.domain import Json, Verdict
from labeling.readers.chat import as_messages
from labeling.readers.columns import Columns, cell, needed, side_by_side, suggested
from labeling.readers.refusals import RowFault
from labeling.rows import PairRow

HELPSTEER = (
    {"context", "response1", "response2", "overall_preference"},  # HelpSteer3
    {"prompt", "response_1", "response_2", "preference_strength"},  # HelpSteer2
)
# How HelpSteer2 writes several turns in one text that begins with the user's.
TURN = re.compile(r"\n?<extra_id_1>(User|Assistant)\n")


def is_helpsteer(record: Mapping[str, Any]) -> bool:
    """Whether a record is a pair of HelpSteer; beside a verdict a strength has no direction of its own."""
    return any(fields <= record.keys() for fields in HELPSTEER) and not suggested(list(record), ("verdict",))


def helpsteer(record: dict[str, Any], columns: Columns) -> PairRow:
    """A pair with one number from -3, the first is much better, over 0, about the same, to 3, the second is much better.

    Source: the cards of nvidia/HelpSteer2 and nvidia/HelpSteer3.
    """
    verdict, strength = _preference(cell(record, columns, "preference"))
    return side_by_side(record, columns, verdict, strength, messages=_turns(record, columns))


def _preference(value: object) -> tuple[Verdict | None, int | None]:
    said = str(value).strip().removesuffix(".0")
    if value is None or not said:
        return None, None
    if said not in ("-3", "-2", "-1", "0", "1", "2", "3"):
        raise RowFault("unknown_strength", f"the preference says {said[:60]!r}; known are whole numbers from -3 to 3")
    number = int(said)
    if number == 0:
        return Verdict.TIE, None
    return (Verdict.A if number < 0 else Verdict.B), abs(number)


def _turns(record: Mapping[str, Any], columns: Columns) -> list[Json]:
    prompt = needed(record, columns, "prompt")
    messages = as_messages(prompt, columns["prompt"])
    if not isinstance(prompt, str) or len(messages) > 1:
        return messages
    first, *later = TURN.split(messages[0]["content"])
    turns = zip(later[::2], later[1::2], strict=True)
    return [{"role": "user", "content": first}, *({"role": who.lower(), "content": text} for who, text in turns)]
