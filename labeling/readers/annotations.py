"""What other labelling tools export of pairwise work: pairs with the verdicts of each annotator by name.

An annotator answers several questions, of which one compares the two sides. A record is laid out with its answers by
question, and the role `verdict` names the one that is taken: no record tells it alone, so that a file's first records do.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from labeling.domain import Verdict
from labeling.readers.columns import (
    Columns,
    listed,
    number_of,
    plain_name,
    rater_of,
    side_by_side,
    verdict_called,
    verdict_word,
)
from labeling.readers.refusals import RowFault
from labeling.rows import NamedVerdict, PairRow

ANNOTATIONS = "annotations"
ANSWERS = "responses"
LONGEST_LABEL = 60  # characters
# Of a deleted or half-filled answer nothing is taken.
GIVEN_STATES = (None, "submitted", "")
# With what a word in the name of a question begins that asks for the better side, for something about the comparison, and
# for the worse side.
COMPARES = ("prefer", "better", "best", "chosen", "choice", "compar", "winner", "which", "verdict", "rank")
ABOUT = ("strength", "reason", "why", "practice", "comment", "confiden", "expla", "justif", "note", "how")
OPPOSITE = ("worse", "worst", "reject", "dispref", "least", "unsafe", "harmful", "toxic", "bad")
# Ratings of one side of which more is surely better; of toxicity it is not.
RATED = ("rating", "score", "quality", "overall", "overall_rating", "overall_score", "overall_quality")
BETWEEN_WORDS = re.compile(r"[\W\d_]+|(?<=[a-z])(?=[A-Z])")
SIDE_END = re.compile(r"(?:\d+|(?:(?<=_)|\A)[ab])\Z")

Answer = tuple[Any, Any]  # who, what
Answers = dict[str, list[Answer]]  # by question


def is_label_studio(record: Mapping[str, Any]) -> bool:
    """A task of Label Studio's JSON export: `data` with what was shown, `annotations` with what was said."""
    return isinstance(record.get("data"), dict) and isinstance(record.get(ANNOTATIONS), list)


def label_studio_fields(record: dict[str, Any]) -> dict[str, Any]:
    """What was shown as columns, with the answers of each annotator who did not skip it beside them by control."""
    if not is_label_studio(record):
        return {**record, ANSWERS: {}}
    given: Answers = {}
    for annotation in record[ANNOTATIONS]:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        for result in _list(annotation.get("result")):
            if isinstance(result, dict) and (said := _chosen(result.get("value"))) is not None:
                control = str(result.get("from_name") or result.get("type") or "result")
                given.setdefault(control, []).append((annotation.get("completed_by"), said))
    return {"id": record.get("id"), **record["data"], ANSWERS: given}


def _chosen(value: object) -> object:
    """The side that a comparison names, as Label Studio writes it, or the one choice; None for any other result."""
    if not isinstance(value, dict):
        return None
    if value.get("selected") is not None:
        return {"selected": value["selected"]}
    choices = value.get("choices")
    return choices[0] if isinstance(choices, list) and len(choices) == 1 else None


def _annotator(value: object) -> str:
    if isinstance(value, dict):
        name = " ".join(str(value[part]) for part in ("first_name", "last_name") if value.get(part)).strip()
        value = value.get("email") or value.get("username") or name or value.get("id")
    named = rater_of(value)
    return f"annotator {named}" if named is None or named.isdigit() else named


def is_argilla(record: Mapping[str, Any]) -> bool:
    """A record of Argilla: `fields` with `responses` by question, or the same as flat columns."""
    if isinstance(record.get("fields"), dict) and ANSWERS in record:
        return True
    return any(name.endswith(".responses") or _is_answers(value) for name, value in record.items())


def _is_answers(value: object) -> bool:
    """Whether a column holds answers with who gave them, as the older exports write it."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) and {"user_id", "value"} <= one.keys() for one in value)
    return isinstance(value, dict) and {"user_id", "value"} <= value.keys()


def argilla_fields(record: dict[str, Any]) -> dict[str, Any]:
    """The fields as columns, and the answers that were submitted beside them by question."""
    given: Answers = {}
    shown = dict(record.get("fields") or {}) if isinstance(record.get("fields"), dict) else {}
    metadata = record.get("metadata")
    beside = {"id": record.get("id"), **(metadata if isinstance(metadata, dict) else {})}
    if shown:
        answers = record.get(ANSWERS)
        given = {question: _answers(one) for question, one in answers.items()} if isinstance(answers, dict) else {}
    else:
        for name, value in record.items():
            if name.endswith(".responses") and isinstance(value, list):
                beside_them = {"user_id": record.get(f"{name}.users"), "status": record.get(f"{name}.status")}
                given[name.removesuffix(".responses")] = _answers({"value": value, **beside_them})
            elif _is_answers(value):
                given[name] = _answers(value)
            elif "." not in name:
                shown[name] = value
    return beside | shown | {ANSWERS: given}


def _answers(value: object) -> list[Answer]:
    if isinstance(value, dict):  # a sequence of records, stored column by column
        said = _list(value.get("value"))
        who, states = (_list(value.get(name)) or [None] * len(said) for name in ("user_id", "status"))
        rows = list(zip(who, said, states, strict=False))
    else:
        rows = [
            (one.get("user_id"), one.get("value"), one.get("status")) for one in _list(value) if isinstance(one, dict)
        ]
    return [(who, said) for who, said, state in rows if state in GIVEN_STATES]


def spelled(record: dict[str, Any], verdicts: Mapping[str, str], question: str | None) -> dict[str, Any]:
    """The record with the answers to the question, to each where it is None, said in our words; a ranking keeps its order."""

    def said(value: Any) -> Any:
        if isinstance(value, dict):
            key = "selected" if "selected" in value else "value"
            return {**value, key: said(value.get(key))}
        if isinstance(value := listed(value), list):
            return [said(one) for one in value]
        return verdicts.get(str(value).strip(), value)

    given = {
        name: [(who, said(value)) for who, value in answers] if question in (None, name) else answers
        for name, answers in record[ANSWERS].items()
    }
    return {**record, ANSWERS: given}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass(slots=True)
class Question:
    """What the answers to a question are, over many records; `numbers` as they are written."""

    orders_both: bool = False
    names_a_side: bool = False
    has_words: bool = False
    numbers: set[str] = field(default_factory=set)


def questions_in(
    records: Iterable[dict[str, Any]], columns: Columns, verdicts: Mapping[str, str]
) -> dict[str, Question]:
    """The questions that were answered in the records, which are laid out, by name; `verdicts` as in `spelled`."""
    sides = _sides(columns)
    found: dict[str, Question] = {}
    for record in records:
        with suppress(RecursionError):  # the row is refused when it is read
            for name, answers in spelled(record, verdicts, None)[ANSWERS].items():
                _note(found.setdefault(name, Question()), answers, sides)
    return found


def _note(question: Question, answers: Iterable[Answer], sides: Mapping[str, Verdict]) -> None:
    for _, value in answers:
        is_answered = _answered(value, sides) is not None
        question.orders_both |= isinstance(value, dict) and "selected" in value
        question.orders_both |= is_answered and isinstance(listed(value), list)
        if is_answered:
            question.names_a_side = True
        elif number_of(value) is not None:
            question.numbers.add(verdict_word(value))
        elif _word(value):
            question.has_words = True


def verdict_question(questions: Mapping[str, Question], columns: Columns) -> str | None:
    """The question that is the verdict: a pairwise control or a ranking before one whose name says that it compares, before
    any other whose answers name a side; of two ratings, one for each side, the first. None where more than one is left.

    A number alone may rate anything: it counts only where the name compares.
    """
    numbers = {plain_name(name): question.numbers for name, question in questions.items()}
    pairs = {name: _rating_pair(name, columns) for name in questions}
    rated = {
        name for name, pair in pairs.items() if pair and plain_name(name) == pair[0] and all(map(numbers.get, pair))
    }

    def says_more(name: str) -> bool:
        return name in rated or questions[name].names_a_side or (_compares(name) and bool(questions[name].numbers))

    left = [name for name in questions if says_more(name) or questions[name].has_words]
    left = [name for name in left if not _says(name, OPPOSITE)]
    for is_nearer in (lambda name: questions[name].orders_both, _compares, says_more):
        left = [name for name in left if is_nearer(name)] or left
    return left[0] if len(left) == 1 else None


def numbers_of(question: str | None, questions: Mapping[str, Question], columns: Columns) -> set[str]:
    """The numbers that its answers say which side is better with; of a rating of one side, which says how good it is, none."""
    return set() if question is None or _rating_pair(question, columns) else questions[question].numbers


def _says(name: str, beginnings: tuple[str, ...]) -> bool:
    return any(word.lower().startswith(beginnings) for word in BETWEEN_WORDS.split(name))


def _compares(name: str) -> bool:
    return _says(name, COMPARES) and not _says(name, OPPOSITE) and not _says(name, ABOUT)


def _rating_pair(question: str, columns: Columns) -> tuple[str, str] | None:
    """The plain names of the questions that rate the first and the second side, where this is one of them: `rating-1` or
    `response-1-rating`."""
    if not {"response_a", "response_b"} <= columns.keys():
        return None
    a, b = plain_name(columns["response_a"]), plain_name(columns["response_b"])
    pairs = [(f"{a}_{rated}", f"{b}_{rated}") for rated in RATED]
    if (first := SIDE_END.search(a)) and (second := SIDE_END.search(b)):
        pairs += [(f"{rated}{gap}{first[0]}", f"{rated}{gap}{second[0]}") for rated in RATED for gap in ("_", "")]
    return next((pair for pair in pairs if plain_name(question) in pair), None)


def label_studio(record: dict[str, Any], columns: Columns) -> PairRow:
    """One task: `<Pairwise>` results, or choices that name a side, of each annotator."""
    return _compared(record, columns, _annotator)


def argilla(record: dict[str, Any], columns: Columns) -> PairRow:
    """One record: answers that name a side by a label or by a ranking of the two, or ratings of each."""
    return _compared(record, columns, lambda who: rater_of(who) or "annotator")


def _compared(record: dict[str, Any], columns: Columns, named: Callable[[object], str]) -> PairRow:
    for role in ("prompt", "response_a", "response_b"):
        if role not in columns:
            raise RowFault("missing_field", f"no column is mapped to {role}: say which with --map {role}=COLUMN")
    labels, unread = _verdicts(record[ANSWERS], columns, named)
    row = side_by_side(record, columns, leading(label.verdict for label in labels), labels=tuple(labels))
    return replace(row, unread=tuple(dict.fromkeys(unread)))


def _verdicts(given: Answers, columns: Columns, named: Callable[[object], str]) -> tuple[list[NamedVerdict], list[str]]:
    """The verdicts of the question that is taken, and the words in it that name none; of each question where none is taken."""
    question = columns.get("verdict")
    if question is None:
        return [], [_word(value) for answers in given.values() for _, value in answers if _word(value)]
    if pair := _rating_pair(question, columns):
        plain = {plain_name(name): answers for name, answers in given.items()}
        first, second = ([(named(who), value) for who, value in plain.get(name, ())] for name in pair)
        return _higher(first, second), []
    sides = _sides(columns)
    labels, unread = [], []
    for who, value in given.get(question, ()):
        if (verdict := _answered(value, sides)) is not None:
            labels.append(NamedVerdict(named(who), verdict))
        else:
            unread.append(_word(value) or (verdict_word(value) if number_of(value) is not None else ""))
    return labels, [word for word in unread if word]


def _higher(first: list[tuple[str, Any]], second: list[tuple[str, Any]]) -> list[NamedVerdict]:
    """The side that each annotator rates higher, a tie where both are alike; none where annotators are not told apart."""
    ratings = dict(second)
    if len(ratings) < len(second) or len(dict(first)) < len(first):
        return []
    labels = []
    for who, value in first:
        a, b = number_of(value), number_of(ratings.get(who))
        if a is not None and b is not None:
            labels.append(NamedVerdict(who, Verdict.TIE if a == b else Verdict.A if a > b else Verdict.B))
    return labels


def _word(value: object) -> str:
    """An answer that may be one of a few, and is neither a number nor a comment; empty for any other."""
    word = verdict_word(value)
    is_label = len(word) <= LONGEST_LABEL and number_of(word) is None and isinstance(value, str | dict)
    return word if is_label and not isinstance(listed(word), list) else ""


def _sides(columns: Columns) -> dict[str, Verdict]:
    sides = {"response_a": Verdict.A, "response_b": Verdict.B}
    named = {plain_name(columns[role]): verdict for role, verdict in sides.items() if role in columns}
    return {"a": Verdict.A, "b": Verdict.B} | named


def _answered(value: object, sides: Mapping[str, Verdict]) -> Verdict | None:
    """What an answer says of the two sides: the name of one, a tie, or their names in order, ranked or not."""
    value = listed(value)
    if isinstance(value, list):
        ranks: dict[Verdict, float] = {}
        for place, one in enumerate(value, 1):
            name, rank = (one.get("value"), one.get("rank")) if isinstance(one, dict) else (one, place)
            side = sides.get(plain_name(str(name)))
            if side is not None and isinstance(rank, int | float):
                ranks[side] = rank
        if len(ranks) < 2:
            return None
        if ranks[Verdict.A] == ranks[Verdict.B]:
            return Verdict.TIE
        return min(ranks, key=lambda side: ranks[side])
    word = verdict_word(value)
    return sides.get(plain_name(word)) or verdict_called(word)


def leading(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that more raters gave than any other; None where none leads."""
    counted = Counter(verdicts).most_common(2)
    if not counted or (len(counted) == 2 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]
