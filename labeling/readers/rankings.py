"""Rankings of n answers to one prompt, as the pairs they hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from labeling.domain import Verdict
from labeling.readers.chat import as_reply
from labeling.readers.columns import (
    Columns,
    cell,
    listed,
    needed,
    number_of,
    pair_of,
    plain_name,
    prompt_row,
    suggested,
)
from labeling.readers.preferences import ASSISTANT, turns_of
from labeling.readers.refusals import RowFault
from labeling.rows import PairGroup, PromptRow, Reply

TEXTS = ("text", "response", "answer", "completion", "content", "output", "reply")
MODELS = ("model", "model_name", "generator", "source")
RANKS = ("rank",)  # 1 is better than 2
SCORES = ("score", "overall_score", "rating", "reward", "pm_score")  # 2 is better than 1
MOST_ANSWERS = 32  # 496 pairs


@dataclass(slots=True)
class Ranked:
    """An answer and how good it is, the greater the better: at most and at least, which differ where it is there twice."""

    reply: Reply
    best: float
    worst: float


def is_ranking(record: Mapping[str, Any]) -> bool:
    """Whether a record holds a list of answers that says which is how good."""
    columns = suggested(list(record), ("prompt", "responses", "ranks", "scores"))
    if not {"prompt", "responses"} <= columns.keys():
        return False
    answers = listed(record[columns["responses"]])
    if not isinstance(answers, list) or not answers:
        return False
    if isinstance(listed(cell(record, columns, "ranks")), list) or isinstance(
        listed(cell(record, columns, "scores")), list
    ):
        return True
    return all(isinstance(one, dict) and _field(one, (*RANKS, *SCORES)) is not None for one in answers)


def all_pairs(record: dict[str, Any], columns: Columns) -> PairGroup:
    """Every two answers are a pair; equals are a tie."""
    prompt, ranked = _ranking(record, columns)
    if len(ranked) > MOST_ANSWERS:
        raise RowFault(
            "too_many_answers",
            f"{len(ranked)} answers would make {len(ranked) * (len(ranked) - 1) // 2} pairs;"
            " read the file as ranking-best-worst",
        )
    return _group(prompt, list(combinations(ranked, 2)))


def best_and_worst(record: dict[str, Any], columns: Columns) -> PairGroup:
    """The best answer against the worst: one pair a prompt."""
    prompt, ranked = _ranking(record, columns)
    return _group(prompt, [(ranked[0], ranked[-1])])


def _group(prompt: PromptRow, sides: list[tuple[Ranked, Ranked]]) -> PairGroup:
    return PairGroup(tuple(pair_of(prompt, a.reply, b.reply, _verdict(a, b)) for a, b in sides))


def _verdict(a: Ranked, b: Ranked) -> Verdict | None:
    """The verdict on the better answer and another; None where one is there twice, and once better, once not."""
    if a.worst > b.best:
        return Verdict.A
    return Verdict.TIE if a.best == a.worst == b.best == b.worst else None


def _ranking(record: dict[str, Any], columns: Columns) -> tuple[PromptRow, list[Ranked]]:
    """The prompt, and its answers with the best first."""
    given = needed(record, columns, "responses")
    answers = listed(given)
    name = columns["responses"]
    if not isinstance(answers, list) or len(answers) < 2:
        raise RowFault("not_a_ranking", f'"{name}" holds fewer than two answers')
    text = cell(record, columns, "prompt")
    messages = None
    if isinstance(text, str) and text.lstrip().startswith("Human:") and text.rstrip().endswith(ASSISTANT):
        messages = turns_of(text.rstrip().removesuffix(ASSISTANT), columns["prompt"])
    prompt = prompt_row(record, columns, messages)
    worth = _worth(record, columns, answers)
    replies = [
        as_reply(_said(answer), f"{name}[{place}]", _field(answer, MODELS)) for place, answer in enumerate(answers)
    ]
    ranked = _distinct(zip(replies, worth, strict=True))
    if len(ranked) < 2:
        raise RowFault("identical_sides", "all answers are the same text")
    return prompt, sorted(ranked, key=lambda one: -one.best)


def _distinct(answers: Iterable[tuple[Reply, float]]) -> list[Ranked]:
    """The answers, each once."""
    found: dict[str, list[Ranked]] = {}
    for reply, worth in answers:
        alike = found.setdefault(reply.text, [])
        one = next((one for one in alike if one.reply.tool_calls == reply.tool_calls), None)
        if one is None:
            alike.append(Ranked(reply, worth, worth))
        else:
            one.best, one.worst = max(one.best, worth), min(one.worst, worth)
    return [one for alike in found.values() for one in alike]


def _said(answer: object) -> object:
    return _field(answer, TEXTS) if isinstance(answer, dict) and "role" not in answer else answer


def _worth(record: dict[str, Any], columns: Columns, answers: list[Any]) -> list[float]:
    """How good each answer is, the greater the better; from a column beside the answers or a field in each."""
    for role, sign in (("ranks", -1), ("scores", 1)):
        beside = listed(cell(record, columns, role))
        if isinstance(beside, list):
            if len(beside) != len(answers):
                raise RowFault(
                    "not_a_ranking", f'"{columns[role]}" holds {len(beside)} values for {len(answers)} answers'
                )
            return [sign * _number(one) for one in beside]
    for fields, sign in ((RANKS, -1), (SCORES, 1)):
        inside = [_field(one, fields) for one in answers]
        if None not in inside:
            return [sign * _number(one) for one in inside]
    raise RowFault("not_a_ranking", "not every answer has a rank or a score")


def _field(answer: object, names: tuple[str, ...]) -> Any:
    if not isinstance(answer, dict):
        return None
    known_as = {plain_name(str(key)): key for key in answer}
    return next((answer[known_as[name]] for name in names if answer.get(known_as.get(name)) is not None), None)


def _number(value: object) -> float:
    number = number_of(value)
    if number is None:
        raise RowFault("not_a_ranking", f"{str(value)[:40]!r} is no rank and no score")
    return number
