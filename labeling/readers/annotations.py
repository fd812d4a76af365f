"""What other labelling tools export of pairwise work: pairs with the verdicts of each annotator by name."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from labeling.domain import Verdict
from labeling.readers.columns import Columns, listed, plain_name, rater_of, side_by_side, verdict_called
from labeling.readers.refusals import RowFault
from labeling.rows import NamedVerdict, PairRow

ANNOTATIONS = "annotations"
ANSWERS = "responses"
LONGEST_LABEL = 60  # characters
# Of a deleted or half-filled answer nothing is taken.
GIVEN_STATES = (None, "submitted", "")


def is_label_studio(record: Mapping[str, Any]) -> bool:
    """A task of Label Studio's JSON export: `data` with what was shown, `annotations` with what was said."""
    return isinstance(record.get("data"), dict) and isinstance(record.get(ANNOTATIONS), list)


def label_studio_fields(record: dict[str, Any]) -> dict[str, Any]:
    """What was shown as columns, with the annotations beside them."""
    if not is_label_studio(record):
        return record
    return {"id": record.get("id"), **record["data"], ANNOTATIONS: record[ANNOTATIONS]}


def label_studio(record: dict[str, Any], columns: Columns) -> PairRow:
    """One task: `<Pairwise>` results, or a choice that names a side, of each annotator who did not skip it."""
    labels, unread = [], []
    for annotation in _list(record.get(ANNOTATIONS)):
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        words = [word for result in _list(annotation.get("result")) if (word := _word(result))]
        verdict = next(filter(None, map(verdict_called, words)), None)
        if verdict is None:
            unread += words
        else:
            labels.append(NamedVerdict(_annotator(annotation.get("completed_by")), verdict))
    return _pair(record, columns, labels, unread)


def label_studio_spelled(record: dict[str, Any], verdicts: Mapping[str, str]) -> dict[str, Any]:
    """The record with its choices said in our words."""

    def spelled(result: object) -> object:
        meant = verdicts.get(_word(result))
        return result if meant is None else {"value": {"selected": meant}}

    annotations = [
        {**one, "result": [spelled(result) for result in _list(one.get("result"))]} if isinstance(one, dict) else one
        for one in _list(record.get(ANNOTATIONS))
    ]
    return {**record, ANNOTATIONS: annotations}


def _word(result: object) -> str:
    """The side or the one choice that a result of Label Studio names; empty for any other."""
    value = result.get("value") if isinstance(result, dict) else None
    if not isinstance(value, dict):
        return ""
    said = value.get("selected")
    if said is None and isinstance(choices := value.get("choices"), list) and len(choices) == 1:
        said = choices[0]
    return "" if said is None else str(said).strip()


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
    """The fields as columns, and the answers to each question beside them in one shape: who, what, state."""
    given: dict[str, list[tuple[Any, Any, Any]]] = {}
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


def _answers(value: object) -> list[tuple[Any, Any, Any]]:
    if isinstance(value, dict):  # a sequence of records, stored column by column
        said = _list(value.get("value"))
        who, states = (_list(value.get(name)) or [None] * len(said) for name in ("user_id", "status"))
        return list(zip(who, said, states, strict=False))
    return [(one.get("user_id"), one.get("value"), one.get("status")) for one in _list(value) if isinstance(one, dict)]


def argilla_spelled(record: dict[str, Any], verdicts: Mapping[str, str]) -> dict[str, Any]:
    """The record with its answers said in our words; those of a ranking keep their order."""

    def spelled(value: Any) -> Any:
        if isinstance(value, dict):
            return {**value, "value": spelled(value.get("value"))}
        if isinstance(value := listed(value), list):
            return [spelled(one) for one in value]
        return verdicts.get(str(value).strip(), value)

    given = {
        question: [(who, spelled(value), state) for who, value, state in answers]
        for question, answers in record[ANSWERS].items()
    }
    return {**record, ANSWERS: given}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def argilla(record: dict[str, Any], columns: Columns) -> PairRow:
    """One record: a question whose answers name a side, by a label or by a ranking of the two."""
    named = {plain_name(columns[role]): verdict for role, verdict in _SIDES.items() if role in columns}
    sides = {"a": Verdict.A, "b": Verdict.B} | named
    labels: list[NamedVerdict] = []
    rated: list[NamedVerdict] = []
    unread: list[str] = []
    for given in record[ANSWERS].values():
        submitted = [(who, value) for who, value, state in given if state in GIVEN_STATES]
        found = [(who, value, _answered(value, sides)) for who, value in submitted]
        unread += [value.strip() for _, value, verdict in found if verdict is None and _is_label(value)]
        said = [NamedVerdict(rater_of(who) or "annotator", verdict) for who, _, verdict in found if verdict is not None]
        if not any(isinstance(value, int | float) for _, value in submitted):
            labels = labels or said
        elif len(said) == len(submitted):  # a rating that goes beyond 2 is of something else
            rated = rated or said
    # The first question that compares the two; one in words before one in numbers, which may rate how good they are.
    labels = labels or rated
    return _pair(record, columns, labels, unread)


def _is_label(value: object) -> bool:
    """Whether an answer may be one of a few, and is no comment."""
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_LABEL and not isinstance(listed(value), list)


_SIDES = {"response_a": Verdict.A, "response_b": Verdict.B}


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
    return sides.get(plain_name(str(value))) or verdict_called(str(value))


def _pair(record: dict[str, Any], columns: Columns, labels: list[NamedVerdict], unread: list[str]) -> PairRow:
    for role in ("prompt", "response_a", "response_b"):
        if role not in columns:
            raise RowFault("missing_field", f"no column is mapped to {role}: say which with --map {role}=COLUMN")
    row = side_by_side(record, columns, leading(label.verdict for label in labels), labels=tuple(labels))
    return replace(row, unread=tuple(dict.fromkeys(unread)))


def leading(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that more raters gave than any other; None where none leads."""
    counted = Counter(verdicts).most_common(2)
    if not counted or (len(counted) == 2 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]
