"""Recording what annotators do: each event once, in order, refused one by one with a reason or stored for good.

A label for a pair that was once served to its annotator is always kept: in the annotator's slot, in another that is
free, else as surplus (in history, votes and agreement, outside overlap and progress).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from labeling.domain import Actor, ScreenVerdict, Verdict, stored_verdict
from labeling.errors import ConflictError
from labeling.render import RENDERER_VERSION
from labeling.services.label_events import LabelEvent, RefusedError, check_asked, read_event, sent_id
from labeling.services.queue import annotator_of
from labeling.services.rounds import Asked, asked_of, is_closed, open_round
from labeling.services.slots import RESERVATION, Slots
from labeling.storage import labels as rows
from labeling.storage import queue as queue_rows
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Round, now

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
    """What became of each event: stored (now or before), or refused."""

    acked: tuple[str, ...]
    refused: tuple[Refusal, ...]


def record(
    store: Store, actor: Actor, slug: str, events: Sequence[object], *, round_name: str | None = None
) -> Recorded:
    """Store the events (JSON objects as `label_events` reads them) of the actor in a round, in their order.

    An event that is known already changes nothing and is acknowledged.

    Raises:
        NotFoundError, ForbiddenError: as `open_round`.
        ConflictError: others changed the same pairs under every one of several tries.
    """
    with store.reading() as session:
        open_round(session, actor, slug, round_name)
    rater_id = annotator_of(store, actor)
    acked: list[str] = []
    refused: list[Refusal] = []
    readable: list[LabelEvent] = []
    for raw in events:
        try:
            readable.append(read_event(raw))
        except RefusedError as error:
            refused.append(Refusal(sent_id(raw), error.code, error.reason, error.retry))
    for start in range(0, len(readable), CHUNK):
        chunk = readable[start : start + CHUNK]
        outcome = _record_chunk(store, actor, slug, round_name, rater_id, chunk)
        acked += outcome.acked
        refused += outcome.refused
    return Recorded(tuple(acked), tuple(refused))


def last_decided(store: Store, actor: Actor, slug: str, round_name: str | None = None) -> tuple[int, str] | None:
    """The pair that the actor labelled or skipped last and can undo, with its newest event."""
    with store.reading() as session:
        _, round_ = open_round(session, actor, slug, round_name)
        assert round_.id is not None
        rater_id = rows.rater_of(session, actor.account_id)
        pair_id = None if rater_id is None else rows.last_decided(session, rater_id, round_.id)
        if rater_id is None or pair_id is None:
            return None
        return pair_id, rows.newest_events(session, rater_id, round_.id, [pair_id])[pair_id].event_id


def _record_chunk(
    store: Store, actor: Actor, slug: str, round_name: str | None, rater_id: int, events: Sequence[LabelEvent]
) -> Recorded:
    for _ in range(TRIES):
        try:
            with store.writing() as session:
                return _Recording(session, actor, slug, round_name, rater_id, events).run()
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
        self, session: Session, actor: Actor, slug: str, round_name: str | None, rater_id: int, events: Sequence[LabelEvent]
    ) -> None:  # fmt: skip
        self._session = session
        self._actor = actor
        self._rater_id = rater_id
        self._events = events
        self._at = now()
        self._written = _Written()
        project, round_ = open_round(session, actor, slug, round_name)
        assert project.id is not None
        assert round_.id is not None
        self._project_id, self._round_id = project.id, round_.id
        self._round: Round = rows.hold_round(session, round_.id)
        self._closed = is_closed(project, self._round)
        self._name = project.name
        self._asked: Asked = asked_of(project)
        pair_ids = sorted({event.pair_id for event in events})
        queue_rows.lock_places(session, round_.id, pair_ids, wait=True)
        self._pairs = rows.pairs_of_project(session, project.id, pair_ids)
        self._slots = Slots(session, self._round, pair_ids, self._at)
        self._known = rows.events_known(session, {event.id for event in events})
        self._standing = self._standings(pair_ids)

    def _standings(self, pair_ids: Iterable[int]) -> dict[int, _Standing]:
        newest = rows.newest_events(self._session, self._rater_id, self._round_id, pair_ids)
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
                self._take(event)
                acked.append(event.sent_id)
            except RefusedError as error:
                refused.append(Refusal(event.sent_id, error.code, error.reason, error.retry))
        self._write()
        return Recorded(tuple(acked), tuple(refused))

    # --- one event ---

    def _take(self, event: LabelEvent) -> None:
        owner = self._known.get(event.id)
        if owner is not None:
            if owner != self._rater_id:
                raise RefusedError("event_id_used", "Another label has this event's id. Make a new id for each event.")
            return
        self._check_place(event)
        check_asked(event, self._asked)
        if event.action == "flag":
            self._flag(event)
        else:
            standing = self._standing[event.pair_id]
            held = None if standing.action in ("undo", "void") and event.after is None else standing.event_id
            if event.after != held:
                raise RefusedError(
                    "changed_elsewhere", "You changed this pair elsewhere since this screen showed it. Open it again to see what is stored."
                )  # fmt: skip
            {"label": self._label, "skip": self._skip, "undo": self._undo}[event.action](event, standing)
        self._known[event.id] = self._rater_id

    def _check_place(self, event: LabelEvent) -> None:
        if event.pair_id not in self._pairs:
            raise RefusedError("unknown_pair", f"The project {self._name!r} has no pair {event.pair_id}.")
        mine = self._slots.assignment(event.pair_id, self._rater_id)
        if mine is None:
            raise RefusedError(
                "never_served", f"Pair {event.pair_id} was never given to you in the round {self._round.name!r}."
            )
        if self._closed:
            raise RefusedError(
                "closed", f"{self._name!r} is closed: no more labels are taken. Ask its lead to open it."
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
        edit_id = self._edit(event, verdict)
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
            is_surplus=self._slots.are_needed and standing.slot is None,
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
            if slot is None and self._slots.are_needed:
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
                "project_id": self._project_id, "pair_id": event.pair_id, "round_id": self._round_id,
                "rater_id": self._rater_id, "event_id": event.id, "comment": event.comment or None,
                "reasons": _json(event.reasons), "created_at": self._at,
            }
        )  # fmt: skip

    def _edit(self, event: LabelEvent, verdict: Verdict) -> int | None:
        if event.edited is None or event.verdict not in (ScreenVerdict.LEFT, ScreenVerdict.RIGHT):
            return None
        pair = self._pairs[event.pair_id]
        parent_id = pair.a_id if verdict is Verdict.A else pair.b_id
        return rows.put_edit(
            self._session, prompt_id=pair.prompt_id, parent_id=parent_id, rater_id=self._rater_id, text=event.edited
        )

    def _append(
        self, event: LabelEvent, standing: _Standing, *, criteria: dict[str, str] | None = None, **columns: object
    ) -> None:
        standing.event_id, standing.action, standing.is_changed = event.id, event.action, True
        standing.revision += 1
        label = {
            "project_id": self._project_id, "pair_id": event.pair_id, "rater_id": self._rater_id,
            "round_id": self._round_id, "revision": standing.revision, "action": event.action, "event_id": event.id,
            "verdict": None, "strength": None, "left_side": None, "edit_id": None, "is_surplus": False,
            "milliseconds": min(event.milliseconds, LONGEST_STORED),
            "away_milliseconds": min(event.away_milliseconds, LONGEST_STORED),
            "guideline_version_id": self._round.guideline_version_id, "renderer_version": RENDERER_VERSION,
            "created_by": self._actor.account_id, "created_at": self._at,
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
        rows.set_done(self._session, self._round_id, {pair_id: self._slots.is_done(pair_id) for pair_id in changed})
        rows.add_flags(self._session, self._written.flags)
        if self._written.labels:
            first = rows.take_seqs(self._session, self._project_id, len(self._written.labels))
            numbered = [label | {"seq": first + place} for place, label in enumerate(self._written.labels)]
            rows.add_labels(self._session, numbered, self._written.notes)


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if value else None
