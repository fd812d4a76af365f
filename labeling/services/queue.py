"""Serving pairs: each with a side for ever and a slot for a while; and progress.

What an annotator holds is found by reading; only what is new, taken again or about to run out is written, in one short
transaction that passes over pairs which somebody else is being served at this moment.
"""

import json
import math
import random
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from labeling.domain import Actor, Prompt, ScreenVerdict, Side, Verdict, screen_verdict
from labeling.errors import ConflictError
from labeling.services.desk import Desk, open_desk
from labeling.services.practice import must_practise
from labeling.services.slots import RENEWED_BEFORE, RESERVATION, Slots, slotless
from labeling.storage import labels as label_rows
from labeling.storage import projects as project_rows
from labeling.storage import queue as rows
from labeling.storage.queue import FIRST, LAST, Place
from labeling.storage.served import Reply, texts_of_pairs
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import now

MOST_WANTED = 50
# With so few pairs left in hand the whole queue is searched for pairs that came free behind the annotator.
FEW = 3
CHUNK = 500
MANY_PAIRS = 1_000
COUNTS_LAST = 1.0  # seconds
TRIES = 10


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """What an annotator said of a pair, as it was on the screen. `edited_side` is what the edit was made from."""

    verdict: ScreenVerdict
    strength: int | None
    criteria: Mapping[str, ScreenVerdict]
    reasons: tuple[str, ...]
    comment: str | None
    edited: str | None
    edited_side: ScreenVerdict | None


@dataclass(frozen=True, slots=True)
class ServedPair:
    """A pair as one annotator sees it. `after` is the annotator's newest event on it, `mine` the last label, also where
    it was undone; None where there is none."""

    pair_id: int
    prompt: Prompt
    left: Reply
    right: Reply
    after: str | None
    mine: GivenLabel | None
    language: str | None
    is_sensitive: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """`mine`: pairs the annotator has labelled, `skipped` has passed over; `done` of `total` pairs of the round have all their labels."""

    mine: int
    skipped: int
    done: int
    total: int

    @property
    def behind_me(self) -> int:
        """Pairs that ask nothing of this annotator any more: the figure of a progress bar that reaches its end."""
        return max(self.mine, self.done)


def next_pairs(
    store: Store, actor: Actor, slug: str, have: Iterable[int], want: int, round_name: str | None = None
) -> list[ServedPair]:
    """Return pairs to label until the annotator holds `want` of them; `have` are those held already.

    First those whose label was undone, then those served and never decided, then new ones in the order of the round.
    Naming a pair in `have` keeps its reservation alive. None come from a closed project or round.

    Raises:
        NotFoundError, ForbiddenError: as `open_round`.
        ConflictError: the slots changed under every one of several tries.
    """
    return next_pairs_at(store, open_desk(store, actor, slug, round_name), have, want)


def next_pairs_at(
    store: Store, desk: Desk, have: Iterable[int], want: int, opened: int | None = None
) -> list[ServedPair]:
    """`next_pairs` for an annotator whose desk is open. A pair that is `opened` comes before all others, whatever was
    decided on it, if the annotator was ever served it."""
    if desk.is_closed or must_practise(store, desk):
        return []
    first = _once_served(store, desk, opened)
    held = set(have)
    wanted = min(want, MOST_WANTED) - len(held)
    if wanted <= 0 and not held:
        return with_texts(store, desk, first)
    for attempt in range(TRIES):
        try:
            served = _serve(store, desk, held, wanted, attempt)
        except IntegrityError:
            continue  # the overlap was lowered between reading and writing
        # None means that every pair found was in other hands by then: that is not yet the end of the queue.
        if served is not None:
            return with_texts(store, desk, first + [pair_id for pair_id in served if pair_id not in first])
    raise ConflictError("The queue is changing too fast to be served from it. Try again in a moment.")


def progress(store: Store, actor: Actor, slug: str, round_name: str | None = None) -> Progress:
    """How far the annotator and the round are."""
    return progress_at(store, open_desk(store, actor, slug, round_name))


def progress_at(store: Store, desk: Desk) -> Progress:
    with store.reading() as session:
        return progress_in(session, store, desk)


def progress_in(session: Session, store: Store, desk: Desk) -> Progress:
    """`progress_at` within a transaction of the store."""
    mine = rows.counts_of(session, desk.round_id, desk.rater_id)
    total, done = _round_counts(session, store, desk.round_id)
    return Progress(mine.labelled, mine.skipped, done + mine.gold, total)


def _once_served(store: Store, desk: Desk, pair_id: int | None) -> list[int]:
    if pair_id is None:
        return []
    with store.reading() as session:
        return [row.pair_id for row in rows.assignments_of(session, desk.round_id, [pair_id], desk.rater_id)]


_kept_counts: WeakKeyDictionary[Store, dict[int, tuple[float, tuple[int, int]]]] = WeakKeyDictionary()


def _round_counts(session: Session, store: Store, round_id: int) -> tuple[int, int]:
    """Pairs in the round, and done ones. In a large round the answer may be a second old or some more: to count it may take
    longer than to store a label, so it is done at most a fiftieth of the time."""
    kept = _kept_counts.setdefault(store, {})
    until, counts = kept.get(round_id, (0.0, (0, 0)))
    if time.monotonic() < until:
        return counts
    began = time.monotonic()
    found = rows.round_counts(session, round_id)
    took = time.monotonic() - began
    if found[0] > MANY_PAIRS:
        kept[round_id] = (time.monotonic() + max(COUNTS_LAST, 50 * took), found)
    return found


def recount_round(store: Store, project_id: int, round_name: str) -> None:
    """Say anew which pairs of the round are done, after its overlap changed."""
    after = 0
    while True:
        with store.writing() as session:
            round_ = project_rows.round_named(session, project_id, round_name)
            assert round_ is not None
            assert round_.id is not None
            pair_ids = rows.pairs_with_assignments(session, round_.id, after, CHUNK)
            if not pair_ids:
                return
            rows.lock_places(session, round_.id, pair_ids, wait=True)
            rows.settle(session, round_.id, pair_ids, round_.overlap)
        after = pair_ids[-1]


def _serve(store: Store, desk: Desk, held: Collection[int], wanted: int, attempt: int) -> list[int] | None:
    """The pairs to show, each held by the annotator from now on; None where others were quicker at all of them.

    A later attempt looks at more pairs, and in the end waits for those that somebody else is being served now.
    """
    at = now()
    with store.reading() as session:
        open_ones = _unfinished(session, desk, at, held, wanted)
        wanted -= len(open_ones)
        in_hand, sought = len(held) + len(open_ones), wanted * (1 + 4 * attempt)
        places = _new_places(session, desk, at, sought, in_hand) if wanted > 0 else []
        if len(places) < sought and desk.needs_slots:
            wanted = min(wanted, _fair_part(session, desk, at, len(places)))
        loose = _to_hold(session, desk, [*held, *open_ones], at)
    if not places and not loose:
        return list(open_ones)
    with store.writing() as session:
        got = _claim(session, desk, loose, places, at, most=wanted, wait=attempt > 1)
    undone = {pair_id for pair_id, state in open_ones.items() if state == "undone"}
    # What was served before and has lost its slot for good is not shown again: others have labelled it.
    served = [pair_id for pair_id in open_ones if pair_id in undone or pair_id not in loose or pair_id in got] + [
        place.pair_id for place in places if place.pair_id in got
    ]
    return served if served or not (places or open_ones) else None


def _unfinished(session: Session, desk: Desk, at: datetime, held: Collection[int], wanted: int) -> dict[int, str]:
    """What the annotator was served and does not hold in hand, undone ones first: pair and state."""
    found = rows.unfinished(
        session, desk.round_id, desk.rater_id, at, max(wanted, 1) + len(held), overlap=_slots_of(desk), taken=desk.taken
    )  # fmt: skip
    states = {row.pair_id: row.state for row in found if row.pair_id not in held}
    # A pair whose label was undone comes back even into a full hand.
    return {
        pair_id: state
        for number, (pair_id, state) in enumerate(states.items())
        if number < wanted or (number == 0 and state == "undone")
    }


def _new_places(session: Session, desk: Desk, at: datetime, wanted: int, in_hand: int) -> list[Place]:
    """Pairs to be served for the first time, in queue order."""
    last = rows.last_position(session, desk.round_id, desk.rater_id)

    def free(limit: int, above: int, upto: int) -> list[Place]:
        return rows.free_places(
            session,
            desk.round_id,
            desk.rater_id,
            at,
            limit,
            overlap=_slots_of(desk),
            taken=desk.taken,
            above=above,
            upto=upto,
        )

    found = free(wanted, FIRST, -1)
    if len(found) < wanted:
        found += free(wanted - len(found), last, LAST)
    if in_hand + len(found) < FEW and last >= 0:
        found += free(wanted - len(found), -1, last)
    return found


def _slots_of(desk: Desk) -> int | None:
    return desk.overlap if desk.needs_slots else None


def _fair_part(session: Session, desk: Desk, at: datetime, left: int) -> int:
    """Near the end of the round nobody takes more than an equal part of what is left."""
    return math.ceil(left / (rows.others_at_work(session, desk.round_id, desk.rater_id, at) + 1))


def _to_hold(session: Session, desk: Desk, pair_ids: Collection[int], at: datetime) -> set[int]:
    """Those of the annotator's open pairs that have no slot, or not for long."""
    if not desk.needs_slots or not pair_ids:
        return set()
    mine = rows.assignments_of(session, desk.round_id, pair_ids, desk.rater_id)
    return {
        row.pair_id
        for row in mine
        if row.state in ("served", "undone")
        and not row.is_gold
        and (row.slot is None or row.reserved_until < at + RENEWED_BEFORE)
    }


def _claim(
    session: Session, desk: Desk, loose: Collection[int], places: Sequence[Place], at: datetime, *, most: int, wait: bool
) -> set[int]:  # fmt: skip
    """Take or renew a slot for the `loose` pairs and `most` of the new ones; return those that have one.

    Without `wait`, pairs that somebody else has in hand at this moment are passed over.
    """
    locked = rows.lock_places(session, desk.round_id, [*loose, *(place.pair_id for place in places)], wait=wait)
    pair_ids = [place.pair_id for place in locked]
    slots = Slots(session, desk.round_id, pair_ids, at, overlap=desk.overlap, without=slotless(desk, locked))
    new: list[dict[str, object]] = []
    changed: list[dict[str, object]] = []
    got: set[int] = set()
    for place in sorted(locked, key=lambda place: place.position):
        if place.pair_id not in loose and len(new) >= most:
            continue
        mine = slots.assignment(place.pair_id, desk.rater_id)
        slot = slots.take(place.pair_id, desk.rater_id)
        if slot is None and slots.are_needed(place.pair_id):
            continue
        reserved_until = at + RESERVATION if slots.are_needed(place.pair_id) else None
        if mine is not None:
            if mine.state not in ("served", "undone"):
                continue  # labelled or skipped in another tab meanwhile
            changed.append({"id": mine.id, "slot": slot, "reserved_until": reserved_until})
        else:
            new.append(
                {
                    "round_id": desk.round_id, "pair_id": place.pair_id, "rater_id": desk.rater_id, "position": place.position,
                    "left_side": random.choice("ab"), "state": "served", "slot": slot, "served_at": at,
                    "reserved_until": reserved_until,
                }
            )  # fmt: skip
        got.add(place.pair_id)
    rows.change_assignments(session, changed)
    rows.add_assignments(session, new)
    return got


def with_texts(store: Store, desk: Desk, pair_ids: Sequence[int]) -> list[ServedPair]:
    """The pairs as the annotator sees them, who was served each of them before."""
    if not pair_ids:
        return []
    with store.reading() as session:
        mine = {row.pair_id: row for row in rows.assignments_of(session, desk.round_id, pair_ids, desk.rater_id)}
        texts = texts_of_pairs(session, pair_ids)
        newest = label_rows.newest_events(session, desk.rater_id, desk.round_id, pair_ids)
        given = given_labels(session, desk, {pair_id: mine[pair_id].left_side for pair_id in newest})
    pairs = []
    for pair_id in pair_ids:
        found = texts[pair_id]
        left, right = (found.a, found.b) if mine[pair_id].left_side == "a" else (found.b, found.a)
        event = newest.get(pair_id)
        pairs.append(
            ServedPair(
                pair_id,
                found.prompt,
                left,
                right,
                after=event.event_id if event else None,
                mine=given.get(pair_id),
                language=found.language,
                is_sensitive=found.is_sensitive,
            )
        )
    return pairs


def given_labels(session: Session, desk: Desk, sides: Mapping[int, Side]) -> dict[int, GivenLabel]:
    """The annotator's last label on each of the pairs, also where it was undone, told as it was on the screen."""
    if not sides:
        return {}
    found = label_rows.given(session, desk.rater_id, desk.round_id, sides)
    edits = {row.edit_id for row in found.values() if row.edit_id is not None}
    texts = label_rows.edit_texts(session, edits) if edits else {}
    parents = label_rows.edited_sides(session, edits) if edits else {}

    def on_screen(pair_id: int, verdict: str) -> ScreenVerdict:
        return screen_verdict(Verdict(verdict), sides[pair_id])

    return {
        pair_id: GivenLabel(
            on_screen(pair_id, row.verdict),
            row.strength,
            {name: on_screen(pair_id, verdict) for name, verdict in json.loads(row.criteria or "{}").items()},
            tuple(json.loads(row.reasons or "[]")),
            row.comment,
            texts.get(row.edit_id),
            on_screen(pair_id, parents[pair_id, row.edit_id]) if row.edit_id is not None else None,
        )
        for pair_id, row in found.items()
    }
