"""What the Label page does when a button is pressed: one event for the pair that was shown, whatever is shown by then.

Streamlit merges presses that come quickly, and a press says nothing of what was on the screen. So a pair gets one event
id when it is first shown, and all of its buttons carry that: a second press, of the same button or another, is the same
event again, which the store knows already.
"""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from labeling.errors import TiebreakError
from labeling.services.labels import record
from labeling.services.queue import ServedPair
from labeling.services.rounds import Asked
from labeling.ui.context import Here

_KEPT: Final = "label"


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair as it stands on the screen. `after` is what this screen holds as current."""

    pair_id: int
    after: str | None
    event_id: str
    since: float

    @property
    def milliseconds(self) -> int:
        return round((time.monotonic() - self.since) * 1000)

    def key(self, name: str) -> str:
        """The key of a widget that belongs to this pair alone: the next pair begins with empty ones."""
        return f"{name} {self.event_id}"


@dataclass(slots=True)
class Desk:
    """What one tab remembers of its labelling between script runs."""

    slug: str
    shown: Shown | None = None
    refused: str | None = None
    has_saved: bool = False
    raw: bool = False
    flagged: set[int] = field(default_factory=set)


def desk(slug: str) -> Desk:
    kept = st.session_state.get(_KEPT)
    if not isinstance(kept, Desk) or kept.slug != slug:
        kept = st.session_state[_KEPT] = Desk(slug)
    return kept


def show(me: Here, pair: ServedPair) -> Shown:
    """The pair as shown: the same event id for as long as it stands there."""
    mine = desk(me.project)
    kept = mine.shown
    if kept is None or (kept.pair_id, kept.after) != (pair.pair_id, pair.after):
        kept = mine.shown = Shown(pair.pair_id, pair.after, str(uuid.uuid4()), time.monotonic())
    return kept


def decide(me: Here, shown: Shown, asked: Asked, verdict: str) -> None:
    """Label the pair that was shown, with what was entered beside the verdict."""
    entered = st.session_state
    event: dict[str, Any] = {"action": "label", "verdict": verdict, "milliseconds": shown.milliseconds}
    has_side = verdict in ("left", "right")
    if asked.strength and has_side and entered.get(shown.key("strength")):
        event["strength"] = entered[shown.key("strength")]
    if asked.reasons and entered.get(shown.key("reasons")):
        event["reasons"] = list(entered[shown.key("reasons")])
    criteria = {name: entered.get(shown.key(f"criterion {name}")) for name in asked.criteria}
    if any(criteria.values()):
        event["criteria"] = {name: given for name, given in criteria.items() if given}
    if (entered.get(shown.key("comment")) or "").strip():
        event["comment"] = entered[shown.key("comment")]
    edited = entered.get(shown.key(f"edited {verdict}"))
    if asked.edits and has_side and edited and edited != entered.get(shown.key(f"before {verdict}")):
        event["edited"] = edited
    _send(me, shown, event)


def skip(me: Here, shown: Shown) -> None:
    _send(me, shown, {"action": "skip", "milliseconds": shown.milliseconds})


def undo(me: Here, pair_id: int, event_id: str) -> None:
    """Take back the event that is the newest on the pair. One event has one undo, however often it is asked for."""
    event = {"event_id": str(uuid.uuid5(uuid.UUID(event_id), "undo")), "after": event_id, "pair_id": pair_id}
    _record(me, event | {"action": "undo", "milliseconds": 0})


def flag(me: Here, shown: Shown) -> None:
    """Tell the lead about the pair, with what was written in the dialog. It changes no label."""
    comment = str(st.session_state.get(shown.key("flag comment")) or "")
    event = {"event_id": str(uuid.uuid4()), "pair_id": shown.pair_id, "action": "flag", "milliseconds": 0}
    if _record(me, event | ({"comment": comment} if comment.strip() else {})):
        desk(me.project).flagged.add(shown.pair_id)


def _send(me: Here, shown: Shown, event: dict[str, Any]) -> None:
    _record(me, event | {"event_id": shown.event_id, "after": shown.after, "pair_id": shown.pair_id})


def _record(me: Here, event: dict[str, Any]) -> bool:
    mine = desk(me.project)
    try:
        recorded = record(me.store, me.actor, me.project, [event])
    except TiebreakError as error:
        mine.refused = str(error)
        return False
    mine.refused = recorded.refused[0].reason if recorded.refused else None
    mine.has_saved = mine.has_saved or not recorded.refused
    return not recorded.refused
