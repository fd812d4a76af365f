"""A judge's reply, read strictly first and leniently last, and never guessed.

What stands in a reply beside its JSON object is no verdict: a sentence may hold the letter A, the word "first" or
the name of a level for many reasons. Several objects that say different things cannot be read either.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from labeling.judging.template import BOTH_BAD, LEVELS

LONGEST_REPLY = 200_000  # characters; a longer one is a fault of the endpoint, not a judgement
OBJECTS_TRIED = 200
FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
LONGEST_REASONING = 10_000


class ReadState(StrEnum):
    """`contradicts` is readable, but its verdict denies its own scores."""

    READ = "read"
    CONTRADICTORY = "contradicts"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class JudgementRead:
    """One reply as read, in the order in which the judge saw the two replies.

    `level` is one of `LEVELS` or `BOTH_BAD`; `scores` are of the first and the second reply, 1 to 10.
    Both are None where the reply is unreadable, and `reasoning` then tells why.
    """

    state: ReadState
    reasoning: str
    level: str | None = None
    scores: tuple[float, float] | None = None


def read_reply(text: str, *, offers_both_bad: bool = False) -> JudgementRead:
    """Read a judge's reply. Never raises: what cannot be read has that state and says why."""
    if len(text) > LONGEST_REPLY:
        return _unreadable(f"The reply has {len(text):,} characters; more than {LONGEST_REPLY:,} are not read.")
    if not text.strip():
        return _unreadable("The reply is empty.")
    for candidates in (_whole(text), _fenced(text), _embedded(text)):
        found = {read for value in candidates if (read := _judgement(value, offers_both_bad))}
        if len({(read.level, read.scores) for read in found}) > 1:
            return _unreadable("The reply holds several judgements that differ.")
        if found:
            return min(found, key=lambda read: read.reasoning)
    return _unreadable("The reply holds no JSON object with scores from 1 to 10 and one of the offered verdicts.")


@dataclass(frozen=True, slots=True)
class ScoreRead:
    """One reply of a scoring judge. `points` are 1 to 10; None where it is unreadable, and `reasoning` then tells why."""

    reasoning: str
    points: float | None = None


def read_score(text: str) -> ScoreRead:
    """Read a scoring judge's reply. Never raises."""
    if len(text) > LONGEST_REPLY:
        return ScoreRead(f"The reply has {len(text):,} characters; more than {LONGEST_REPLY:,} are not read.")
    for candidates in (_whole(text), _fenced(text), _embedded(text)):
        found = {read for value in candidates if (read := _scored(value))}
        if len({read.points for read in found}) > 1:
            return ScoreRead("The reply holds several scores that differ.")
        if found:
            return min(found, key=lambda read: read.reasoning)
    return ScoreRead("The reply holds no JSON object with a score from 1 to 10.")


def _scored(value: object) -> ScoreRead | None:
    points = _score(value.get("score")) if isinstance(value, dict) else None
    return None if points is None else ScoreRead(_reasoning(value.get("reasoning")), points)  # type: ignore[attr-defined]  # a dictionary, as it has points


def _judgement(value: object, offers_both_bad: bool) -> JudgementRead | None:
    if not isinstance(value, dict):
        return None
    level = _level(value.get("verdict"), offers_both_bad)
    scores = value.get("scores")
    if level is None or not isinstance(scores, dict):
        return None
    first, second = _score(scores.get("first")), _score(scores.get("second"))
    if first is None or second is None:
        return None
    state = ReadState.CONTRADICTORY if contradicts(level, first, second) else ReadState.READ
    return JudgementRead(state, _reasoning(value.get("reasoning")), level, (first, second))


def contradicts(level: str, first: float, second: float) -> bool:
    """Whether a verdict denies its own scores.

    Equal scores may go with "slightly" (ten steps are coarse), not with "much"; a tie may be one step apart;
    both bad needs both in the lower half.
    """
    match level:
        case "tie":
            return abs(first - second) > 1
        case "both_bad":
            return max(first, second) > 5
        case "first_much" | "second_much":
            return (first - second if level == "first_much" else second - first) <= 0
        case _:
            return (first - second if level == "first_slightly" else second - first) < 0


def _reasoning(value: object) -> str:
    """The reasons as text that every store takes: JSON can spell lone surrogates and NUL, databases cannot keep them."""
    text = value[:LONGEST_REASONING] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _level(value: object, offers_both_bad: bool) -> str | None:
    if not isinstance(value, str):
        return None
    level = re.sub(r"[\s-]+", "_", value.strip().casefold())
    return level if level in LEVELS or (offers_both_bad and level == BOTH_BAD) else None


def _score(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,2}(\.\d{1,3})?\s*", value, re.ASCII):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 1 <= value <= 10 else None


def _whole(text: str) -> Iterator[object]:
    yield from _parsed(text.strip())


def _fenced(text: str) -> Iterator[object]:
    for match in FENCE.finditer(_answer(text)):
        yield from _parsed(match[1].strip())


def _embedded(text: str) -> Iterator[object]:
    """Every JSON object in the prose, outermost ones only."""
    text = _answer(text)
    place = text.find("{")
    for _ in range(OBJECTS_TRIED):
        if place < 0:
            return
        try:
            value, end = DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield value
        place = text.find("{", end)


def _answer(text: str) -> str:
    """The reply without a model's thoughts before it: a draft verdict is not the verdict."""
    return text.rpartition("</think>")[2]


def _parsed(text: str) -> Iterator[object]:
    try:
        yield DECODER.decode(text)
    except (ValueError, RecursionError):
        return


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a key that stands twice: `json` would keep the last one, which is a guess."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


def _unreadable(reason: str) -> JudgementRead:
    return JudgementRead(ReadState.UNREADABLE, reason)


DECODER = json.JSONDecoder(object_pairs_hook=_unique, strict=False)
