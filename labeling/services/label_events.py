"""What a screen or a script sends: one event read, checked by itself and against what the project asks.

A fault is told with a code for programs and a sentence for the annotator; it concerns that event alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args
from uuid import UUID

from labeling.domain import ScreenVerdict
from labeling.services.rounds import Asked

Act: TypeAlias = Literal["label", "undo", "skip", "flag"]

LONGEST_COMMENT = 10_000
LONGEST_EDIT = 200_000
LARGEST_KEY = 2**63 - 1
FIELDS = frozenset(
    "event_id after pair_id action verdict strength criteria reasons comment edited edited_side milliseconds away_milliseconds".split()
)


class RefusedError(Exception):
    """An event is not taken: `code` for programs, `reason` for the annotator, `retry` where sending it again may help."""

    def __init__(self, code: str, reason: str, *, retry: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.retry = retry


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One act of an annotator. `id` is the client's, in the spelling that is stored; `sent_id` as it was sent."""

    id: str
    sent_id: str
    pair_id: int
    action: Act
    after: str | None = None
    verdict: ScreenVerdict | None = None
    strength: int | None = None
    criteria: Mapping[str, ScreenVerdict] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    comment: str | None = None
    edited: str | None = None
    edited_side: ScreenVerdict | None = None
    milliseconds: int = 0
    away_milliseconds: int = 0


def sent_id(raw: object) -> str:
    """How the event is named in the answer, even where it cannot be read."""
    found = raw.get("event_id") if isinstance(raw, Mapping) else None
    return found[:100] if isinstance(found, str) else ""


def read_event(raw: object) -> LabelEvent:
    """Read one event of the route's JSON. Raises RefusedError."""
    if not isinstance(raw, Mapping):
        raise RefusedError("malformed", "An event must be a JSON object.")
    unknown = sorted(str(key)[:40] for key in raw if key not in FIELDS)
    if unknown:
        raise RefusedError("malformed", f"The event has the unknown field {unknown[0]!r}.")
    action = _action(raw.get("action"))
    verdict = raw.get("verdict")
    if (verdict is not None) != (action == "label"):
        raise RefusedError("malformed", "A verdict comes with a label, and only with a label.")
    try:
        event_id = str(UUID(raw.get("event_id")))
        after = None if raw.get("after") is None else str(UUID(raw.get("after")))
    except (TypeError, ValueError, AttributeError):
        raise RefusedError("malformed", "event_id and after are UUIDs; after may be null.") from None
    return LabelEvent(
        id=event_id,
        sent_id=sent_id(raw),
        pair_id=_pair_id(raw.get("pair_id")),
        action=action,
        after=after,
        verdict=None if verdict is None else _verdict(verdict, "The verdict"),
        strength=_strength(raw.get("strength")),
        criteria=_criteria(raw.get("criteria")),
        reasons=_reasons(raw.get("reasons")),
        comment=_text(raw.get("comment"), "comment", LONGEST_COMMENT),
        edited=_text(raw.get("edited"), "edited answer", LONGEST_EDIT),
        edited_side=_edited_side(raw.get("edited_side")),
        milliseconds=_milliseconds(raw.get("milliseconds", None if action == "label" else 0)),
        away_milliseconds=_milliseconds(raw.get("away_milliseconds", 0)),
    )


def check_asked(event: LabelEvent, asked: Asked) -> None:
    """Compare a label with what the project asks. Raises RefusedError."""
    if event.action != "label":
        return
    unknown = [reason for reason in event.reasons if reason not in asked.reasons]
    if unknown:
        raise RefusedError("not_asked", f"This project has no reason {unknown[0][:80]!r} on its list.")
    if event.verdict is ScreenVerdict.TIE and not asked.ties:
        raise RefusedError("verdict_not_allowed", "This project takes no ties: choose the better reply, or skip.")
    if event.verdict is ScreenVerdict.BOTH_BAD and not asked.both_bad:
        raise RefusedError("verdict_not_allowed", "This project does not offer “both bad”: choose a reply, or skip.")
    has_side = event.verdict in (ScreenVerdict.LEFT, ScreenVerdict.RIGHT)
    if event.strength is not None and not (asked.strength and has_side):
        raise RefusedError("not_asked", "A strength goes with left or right, in a project that asks for it.")
    strange = [name for name in event.criteria if name not in asked.criteria]
    if strange:
        raise RefusedError("not_asked", f"This project has no criterion {strange[0][:80]!r}.")
    # Who finds both bad says of which one the edit was made; with left or right it is that one.
    is_placed = has_side if event.edited_side is None else event.verdict in (ScreenVerdict.BOTH_BAD, event.edited_side)
    if event.edited is not None and not (asked.edits and is_placed):
        raise RefusedError(
            "not_asked",
            "An edited answer goes with left, right, or both bad with its edited_side, in a project that asks for edits.",
        )
    if event.edited is not None and not event.edited.strip():
        raise RefusedError("malformed", "The edited answer is empty.")
    _check_required(event, asked, has_side)


def _edited_side(value: object) -> ScreenVerdict | None:
    if value is None:
        return None
    if value not in ("left", "right"):
        raise RefusedError("malformed", "edited_side is left or right: the answer that the edit was made from.")
    return ScreenVerdict(str(value))


def _check_required(event: LabelEvent, asked: Asked, has_side: bool) -> None:
    missing = {
        "strength": asked.strength and has_side and event.strength is None,
        "reasons": bool(asked.reasons) and not event.reasons,
        "criteria": any(name not in event.criteria for name in asked.criteria),
        "comment": not (event.comment or "").strip(),
    }
    for name in asked.required:
        if missing.get(name):
            raise RefusedError("missing", f"This project asks for {name} with every label; it is missing here.")


def _action(value: object) -> Act:
    for known in get_args(Act):
        if value == known:
            return known  # type: ignore[no-any-return]  # get_args does not say what it returns
    raise RefusedError("malformed", f"The action is one of {', '.join(get_args(Act))}.")


def _pair_id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= LARGEST_KEY:
        raise RefusedError("malformed", "pair_id is the number of a pair.")
    return value


def _verdict(value: object, what: str) -> ScreenVerdict:
    if not isinstance(value, str) or value not in set(ScreenVerdict):
        raise RefusedError("malformed", f"{what} is one of {', '.join(ScreenVerdict)}.")
    return ScreenVerdict(value)


def _strength(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value not in (1, 2, 3):
        raise RefusedError("malformed", "The strength is 1 (slightly), 2 (clearly) or 3 (much).")
    return value


def _criteria(value: object) -> dict[str, ScreenVerdict]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RefusedError("malformed", "criteria is an object of names and verdicts.")
    return {str(name): _verdict(verdict, f"The verdict on {str(name)[:80]!r}") for name, verdict in value.items()}


def _reasons(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 100 or not all(isinstance(reason, str) for reason in value):
        raise RefusedError("malformed", "reasons is a list of at most 100 texts.")
    return tuple(dict.fromkeys(_text(reason, "reason", LONGEST_COMMENT) or "" for reason in value))


def _text(value: object, what: str, longest: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise RefusedError("malformed", f"The {what} is text.")
    if len(value) > longest:
        raise RefusedError("too_long", f"The {what} has {len(value):,} characters; at most {longest:,} can be kept.")
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for character in value):
        raise RefusedError("malformed", f"The {what} has characters that cannot be stored (NUL or half a character).")
    return value


def _milliseconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RefusedError("bad_milliseconds", "The time taken is a whole number of milliseconds.")
    if value < 0:
        raise RefusedError("bad_milliseconds", "The time taken is negative: the clock of this device was set back.")
    return value
