"""Recording what annotators do: each event once, in order, refused one by one with a reason or stored for good.

A label for a pair that was once served to its annotator is always kept: in the annotator's slot, in another that is
free, else as surplus (in history, votes and agreement, outside overlap and progress).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from labeling.domain import Actor, Verdict, stored_verdict
from labeling.errors import ConflictError
from labeling.render import RENDERER_VERSION
from labeling.services.desk import Desk, open_desk
from labeling.services.label_events import LabelEvent, RefusedError, check_asked, read_event, sent_id
from labeling.services.progress import Progress, progress_in
from labeling.services.slots import RESERVATION, Slots, slotless
from labeling.storage import desks
from labeling.storage import labels as rows
from labeling.storage import queue as queue_rows
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import now

CHUNK = 25  # events a transaction: keeps each under 50 ms
TRIES = 5
LONGEST_STORED = 2**31 - 1
# How far an annotator's clock may run ahead of ours while a pair is looked at.
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one event was not taken: `code` for programs, `reason` for the annotator; `retry` where sending it again may help."""

    event_id: str
    code: str
    reason: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each event: stored (now or before), or refused; and how far annotator and round then were, where
    there was an event to take."""

    acked: tuple[str, ...]
    refused: tuple[Refusal, ...]
    progress: Progress | None = None


def record(
    store: Store, actor: Actor, slug: str, events: Sequence[object], *, round_name: str | None = None
) -> Recorded:
    """Store the events (JSON objects as `label_events` reads them) of the actor in a round, in their order.

    An event that is known already changes nothing and is acknowledged.

    Raises:
        NotFoundError, ForbiddenError: as `open_round`.
        ConflictError: others changed the same pairs under every one of several tries.
    """
    return record_at(store, open_desk(store, actor, slug, round_name), events)


def record_at(store: Store, desk: Desk, events: Sequence[object], shown_guidelines: int | None = None) -> Recorded:
    """`record` for an annotator whose desk is open; `shown_guidelines` is the version that the screen showed."""
    acked: list[str] = []
    refused: list[Refusal] = []
    readable: list[LabelEvent] = []
    reached: Progress | None = None
    for raw in events:
        try:
            readable.append(read_event(raw))
        except RefusedError as error:
            refused.append(Refusal(sent_id(raw), error.code, error.reason, error.retry))
    for start in range(0, len(readable), CHUNK):
        outcome = _record_chunk(store, desk, readable[start : start + CHUNK], shown_guidelines)
        acked += outcome.acked
        refused += outcome.refused
        reached = outcome.progress
    return Recorded(tuple(acked), tuple(refused), reached)


@dataclass(frozen=True, slots=True)
class Decided:
    """A label or skip that is current and can be undone."""

    pair_id: int
    event_id: str
    action: str


def last_decided(store: Store, desk: Desk, most: int) -> list[Decided]:
    """What the annotator labelled or skipped last and can undo, newest first; in practice, answers stand."""
    with store.reading() as session:
        return [
            Decided(row.pair_id, row.event_id, row.action)
            for row in rows.decided(session, desk.rater_id, desk.round_id, most)
            if not (row.action == "label" and desk.is_practice)
        ]


def guidelines_seen(store: Store, desk: Desk) -> int | None:
    """The newest guideline version by which the annotator has labelled in the project; None where in none."""
    with store.reading() as session:
        return desks.newest_version_seen(session, desk.project_id, desk.rater_id)


def _record_chunk(store: Store, desk: Desk, events: Sequence[LabelEvent], shown_guidelines: int | None) -> Recorded:
    for attempt in range(TRIES):
        try:
            with store.writing() as session:
                outcome = _Recording(session, desk, events, shown_guidelines, looks_first=attempt > 0).run()
                # Here, and not in a transaction of its own, which would cost a label as much as three statements.
                return replace(outcome, progress=progress_in(session, store, desk))
        except IntegrityError:
            continue  # the same event arrived twice at one moment, or the overlap was lowered: look again
    raise ConflictError("Others are changing the same pairs. Send the labels again in a moment.")


@dataclass(slots=True)
class _Standing:
    """What is current of this annotator on one pair, as the events of this transaction change it."""

    event_id: str | None = None
    action: str | None = None
    revision: int = 0
    slot: int | None = None
    state: str = "served"
    reserved_until: datetime | None = None
    is_changed: bool = False

    @property
    def has_decision(self) -> bool:
        return self.action in ("label", "skip")


@dataclass(slots=True)
class _Written:
    """The rows that the transaction will insert, without their numbers."""

    labels: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any] | None] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)


class _Recording:
    """One transaction over some events of one annotator. Locks: the round, then its pairs, last the project's counter."""

    def __init__(
        self,
        session: Session,
        desk: Desk,
        events: Sequence[LabelEvent],
        shown_guidelines: int | None,
        *,
        looks_first: bool,
    ) -> None:
        """With `looks_first`, which of the events are stored already is asked at once; else only of those that cannot be
        taken, or where storing one again breaks the rule that each is stored once: hardly any is sent twice."""
        self._session = session
        self._desk = desk
        self._rater_id = desk.rater_id
        self._events = events
        self._at = now()
        self._written = _Written()
        held = desks.hold_round(session, desk.round_id)
        self._closed = held.round_closed_at is not None or held.project_closed_at is not None
        self._version_id = self._version(shown_guidelines)
        pair_ids = sorted({event.pair_id for event in events})
        places = queue_rows.lock_places(session, desk.round_id, pair_ids, wait=True)
        self._was_done = {place.pair_id: place.is_done for place in places}
        self._slots = Slots(
            session, desk.round_id, pair_ids, self._at, overlap=held.overlap, without=slotless(desk, places)
        )
        self._taken: set[str] = set()
        self._owners: dict[str, int] | None = None
        self._looks_first = looks_first
        self._standing = self._standings(pair_ids)

    def _version(self, shown: int | None) -> int:
        """The guidelines which the annotator had before them."""
        if shown is None or shown == self._desk.guidelines:
            return self._desk.version_id
        return desks.version_with(self._session, self._desk.project_id, shown) or self._desk.version_id

    def _standings(self, pair_ids: Iterable[int]) -> dict[int, _Standing]:
        newest = rows.newest_events(self._session, self._rater_id, self._desk.round_id, pair_ids)
        found = {}
        for pair_id in pair_ids:
            event, mine = newest.get(pair_id), self._slots.assignment(pair_id, self._rater_id)
            standing = found[pair_id] = _Standing()
            if event is not None:
                standing.event_id, standing.action, standing.revision = event.event_id, event.action, event.revision
            if mine is not None:
                standing.slot, standing.state, standing.reserved_until = mine.slot, mine.state, mine.reserved_until
        return found

    def run(self) -> Recorded:
        acked, refused = [], []
        for event in self._events:
            try:
                self._take_once(event)
                acked.append(event.sent_id)
            except RefusedError as error:
                refused.append(Refusal(event.sent_id, error.code, error.reason, error.retry))
        self._write()
        return Recorded(tuple(acked), tuple(refused))

    # --- one event ---

    def _take_once(self, event: LabelEvent) -> None:
        is_asked_first = self._looks_first or event.action == "flag" or event.id in self._taken
        if is_asked_first and self._is_known(event):
            return
        try:
            self._take(event)
        except RefusedError:
            if not self._is_known(event):
                raise
        self._taken.add(event.id)

    def _is_known(self, event: LabelEvent) -> bool:
        """Whether the annotator's event is stored already. Raises RefusedError where it is somebody else's."""
        if event.id in self._taken:
            return True
        if self._owners is None:
            self._owners = rows.events_known(self._session, {one.id for one in self._events})
        owner = self._owners.get(event.id)
        if owner not in (None, self._rater_id):
            raise RefusedError("event_id_used", "Another label has this event's id. Make a new id for each event.")
        return owner is not None

    def _take(self, event: LabelEvent) -> None:
        self._check_place(event)
        check_asked(event, self._desk.asked)
        if event.action == "flag":
            self._flag(event)
        else:
            standing = self._standing[event.pair_id]
            held = None if standing.action in ("undo", "void") and event.after is None else standing.event_id
            if event.after != held:
                raise RefusedError(
                    "changed_elsewhere", "You changed this pair elsewhere since this screen showed it. Open it again to see what is stored."
                )  # fmt: skip
            if standing.action == "label" and self._desk.is_practice:
                raise RefusedError(
                    "told_already",
                    "What is right about this pair was told to you: in practice the first answer stands.",
                )
            {"label": self._label, "skip": self._skip, "undo": self._undo}[event.action](event, standing)

    def _check_place(self, event: LabelEvent) -> None:
        desk = self._desk
        mine = self._slots.assignment(event.pair_id, self._rater_id)
        if mine is None:
            if not rows.pairs_of_project(self._session, desk.project_id, [event.pair_id]):
                raise RefusedError("unknown_pair", f"The project {desk.project_name!r} has no pair {event.pair_id}.")
            raise RefusedError(
                "never_served", f"Pair {event.pair_id} was never given to you in the round {desk.round_name!r}."
            )
        if self._closed:
            raise RefusedError(
                "closed", f"{desk.project_name!r} is closed: no more labels are taken. Ask its lead to open it."
            )
        taken = timedelta(milliseconds=min(event.milliseconds + event.away_milliseconds, 10**14))
        if taken > self._at - mine.served_at + CLOCK_SLACK:
            raise RefusedError(
                "bad_milliseconds", "The time taken is longer than you have had this pair: the clock of this device is wrong."
            )  # fmt: skip

    def _label(self, event: LabelEvent, standing: _Standing) -> None:
        assert event.verdict is not None
        left = self._slots.assignment(event.pair_id, self._rater_id).left_side  # type: ignore[union-attr]  # _check_place has seen it
        verdict = stored_verdict(event.verdict, left)
        edit_id = self._edit(event, verdict if event.edited_side is None else stored_verdict(event.edited_side, left))
        standing.slot = self._slots.take(event.pair_id, self._rater_id)
        standing.state, standing.reserved_until = "labelled", None
        self._slots.make_lasting(event.pair_id, self._rater_id, lasting=standing.slot is not None)
        criteria = {name: stored_verdict(given, left).value for name, given in event.criteria.items()}
        self._append(
            event,
            standing,
            criteria=criteria,
            verdict=verdict.value,
            strength=event.strength,
            left_side=left,
            edit_id=edit_id,
            is_surplus=self._slots.are_needed(event.pair_id) and standing.slot is None,
        )

    def _skip(self, event: LabelEvent, standing: _Standing) -> None:
        self._slots.give_back(event.pair_id, self._rater_id)
        standing.slot, standing.state, standing.reserved_until = None, "skipped", None
        self._append(event, standing)

    def _undo(self, event: LabelEvent, standing: _Standing) -> None:
        if not standing.has_decision:
            raise RefusedError("nothing_to_undo", "There is nothing to undo on this pair.")
        slot = self._slots.slot_of(event.pair_id, self._rater_id)
        if standing.action == "skip":
            slot = self._slots.take(event.pair_id, self._rater_id)
            if slot is None and self._slots.are_needed(event.pair_id):
                raise RefusedError(
                    "no_free_slot", "Since you skipped this pair, others have taken it: it needs no more labels."
                )
        self._slots.make_lasting(event.pair_id, self._rater_id, lasting=False)
        standing.slot, standing.state = slot, "undone"
        standing.reserved_until = None if slot is None else self._at + RESERVATION
        self._append(event, standing)

    def _flag(self, event: LabelEvent) -> None:
        self._written.flags.append(
            {
                "project_id": self._desk.project_id, "pair_id": event.pair_id, "round_id": self._desk.round_id,
                "rater_id": self._rater_id, "event_id": event.id, "comment": event.comment or None,
                "reasons": _json(event.reasons), "created_at": self._at,
            }
        )  # fmt: skip

    def _edit(self, event: LabelEvent, side: Verdict) -> int | None:
        """The edit as a completion of its own; `side`, a or b, is what it was made from."""
        if event.edited is None or side not in (Verdict.A, Verdict.B):
            return None
        pair = rows.pairs_of_project(self._session, self._desk.project_id, [event.pair_id])[event.pair_id]
        parent_id = pair.a_id if side is Verdict.A else pair.b_id
        return rows.put_edit(
            self._session, prompt_id=pair.prompt_id, parent_id=parent_id, rater_id=self._rater_id, text=event.edited
        )

    def _append(
        self, event: LabelEvent, standing: _Standing, *, criteria: dict[str, str] | None = None, **columns: object
    ) -> None:
        standing.event_id, standing.action, standing.is_changed = event.id, event.action, True
        standing.revision += 1
        label = {
            "project_id": self._desk.project_id, "pair_id": event.pair_id, "rater_id": self._rater_id,
            "round_id": self._desk.round_id, "revision": standing.revision, "action": event.action, "event_id": event.id,
            "verdict": None, "strength": None, "left_side": None, "edit_id": None, "is_surplus": False,
            "milliseconds": min(event.milliseconds, LONGEST_STORED),
            "away_milliseconds": min(event.away_milliseconds, LONGEST_STORED),
            "guideline_version_id": self._version_id, "renderer_version": RENDERER_VERSION,
            "created_by": self._desk.actor.account_id, "created_at": self._at,
        }  # fmt: skip
        note = {"comment": event.comment or None, "reasons": _json(event.reasons), "criteria": _json(criteria)}
        self._written.labels.append(label | columns)
        self._written.notes.append(note if any(note.values()) else None)

    # --- all of them ---

    def _write(self) -> None:
        changed = {pair_id: standing for pair_id, standing in self._standing.items() if standing.is_changed}
        queue_rows.change_assignments(
            self._session,
            [
                {
                    "id": self._slots.assignment(pair_id, self._rater_id).id,  # type: ignore[union-attr]  # only served pairs change
                    "slot": standing.slot,
                    "state": standing.state,
                    "reserved_until": standing.reserved_until,
                }
                for pair_id, standing in changed.items()
            ],
        )
        done = {pair_id: self._slots.is_done(pair_id) for pair_id in changed}
        turned = {pair_id: is_done for pair_id, is_done in done.items() if is_done != self._was_done[pair_id]}
        rows.set_done(self._session, self._desk.round_id, turned)
        rows.add_flags(self._session, self._written.flags)
        if self._written.labels:
            first = rows.take_seqs(self._session, self._desk.project_id, len(self._written.labels))
            numbered = [label | {"seq": first + place} for place, label in enumerate(self._written.labels)]
            rows.add_labels(self._session, numbered, self._written.notes)


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None
