"""Two responses beside numbers that say which is better: HelpSteer's preferences, WebGPT's scores, SHP's labels."""

import re
from collections.abc import Mapping
from typing import Any

from labeling.domain import Json, Verdict
from labeling.readers.columns import Columns, cell, listed, needed, number_of, prompt_messages, side_by_side, suggested
from labeling.readers.refusals import RowFault
from labeling.rows import PairRow

HELPSTEER = (
    {"context", "response1", "response2", "overall_preference"},  # HelpSteer3
    {"prompt", "response_1", "response_2", "preference_strength"},  # HelpSteer2
)
WEBGPT = {"question", "answer_0", "answer_1", "score_0", "score_1"}
SHP = {"history", "human_ref_A", "human_ref_B", "labels"}
# How HelpSteer2 writes several turns in one text that begins with the user's.
TURN = re.compile(r"\n?^<extra_id_1>(User|Assistant)\n", re.MULTILINE)


def is_helpsteer(record: Mapping[str, Any]) -> bool:
    """Whether a record is a pair of HelpSteer; beside a verdict a strength has no direction of its own."""
    return any(fields <= record.keys() for fields in HELPSTEER) and not suggested(list(record), ("verdict",))


def helpsteer(record: dict[str, Any], columns: Columns) -> PairRow:
    """A pair with one number from -3, the first is much better, over 0, about the same, to 3, the second is much better.

    Source: the cards of nvidia/HelpSteer2 and nvidia/HelpSteer3.
    """
    verdict, strength = _preference(cell(record, columns, "preference"))
    return side_by_side(record, columns, verdict, strength, messages=marked_turns(record, columns))


def _preference(value: object) -> tuple[Verdict | None, int | None]:
    said = str(value).strip().removesuffix(".0")
    if value is None or not said:
        return None, None
    if said not in ("-3", "-2", "-1", "-0", "0", "1", "2", "3"):  # -0.0 is what becomes of a rounded -0.3
        raise RowFault("unknown_strength", f"the preference says {said[:60]!r}; known are whole numbers from -3 to 3")
    number = int(said)
    if number == 0:
        return Verdict.TIE, None
    return (Verdict.A if number < 0 else Verdict.B), abs(number)


def marked_turns(record: Mapping[str, Any], columns: Columns) -> list[Json]:
    """The prompt's messages, in which those that HelpSteer2 marks inside one text are several."""
    prompt = needed(record, columns, "prompt")
    messages = prompt_messages(record, columns, prompt)
    if not isinstance(prompt, str) or len(messages) > 1:
        return messages
    first, *later = TURN.split(messages[0]["content"])
    turns = zip(later[::2], later[1::2], strict=True)
    begun = [{"role": "user", "content": first}] if first.strip() or not later else []  # the first may be marked, too
    return begun + [{"role": who.lower(), "content": text} for who, text in turns]


def is_webgpt(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of OpenAI's WebGPT comparisons: their question is an object."""
    return record.keys() >= WEBGPT and isinstance(listed(record["question"]), dict)


def webgpt_fields(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the text of its question in place of the object, and the question's id."""
    question = listed(record.get("question"))
    if not isinstance(question, dict):
        return record
    return {"id": question.get("id"), **record, "question": question.get("full_text")}


def webgpt(record: dict[str, Any], columns: Columns) -> PairRow:
    """A pair of which the answer with the greater score is the better one, and equal scores are a tie.

    No strength is made of the scores, from -1 to 1: their scale is not ours. Source: the card of openai/webgpt_comparisons.
    """
    return side_by_side(record, columns, _higher(record.get("score_0"), record.get("score_1")))


def _higher(first: object, second: object) -> Verdict | None:
    if first in (None, "") and second in (None, ""):
        return None
    a, b = number_of(first), number_of(second)
    if a is None or b is None:
        raise RowFault(
            "unknown_verdict", f"the scores say {str(first)[:40]!r} and {str(second)[:40]!r}, not two numbers"
        )
    if a == b:
        return Verdict.TIE
    return Verdict.A if a > b else Verdict.B


def is_shp(record: Mapping[str, Any]) -> bool:
    """Whether a record is one of the Stanford Human Preferences."""
    return record.keys() >= SHP


def shp_fields(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its columns by what they are: what SHP calls history is the post that both comments answer."""
    names = {"history": "prompt", "human_ref_A": "response_a", "human_ref_B": "response_b", "post_id": "id"}
    return {names.get(name, name): value for name, value in record.items()}


def shp(record: dict[str, Any], columns: Columns) -> PairRow:
    """A pair of which 1 says that the first comment is the better one, and 0 the second.

    Source: the card of stanfordnlp/SHP.
    """
    number = number_of(record.get("labels"))
    if number not in (0, 1):
        raise RowFault("unknown_verdict", f"labels says {str(record.get('labels'))[:60]!r}; known are 1 and 0")
    return side_by_side(record, columns, Verdict.A if number == 1 else Verdict.B)
