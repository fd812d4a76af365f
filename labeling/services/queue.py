"""Serving pairs: each with a side for ever and a slot for a while.

What an annotator holds is found by reading; only what is new, taken again or about to run out is written, in one short
transaction that passes over pairs which somebody else is being served at this moment.
"""

import math
import random
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from labeling.domain import Actor
from labeling.errors import ConflictError
from labeling.services.desk import Desk, open_desk
from labeling.services.practice import must_practise
from labeling.services.served import ServedPair, with_texts
from labeling.services.slots import RENEWED_BEFORE, RESERVATION, Slots, slotless
from labeling.storage import projects as project_rows
from labeling.storage import queue as rows
from labeling.storage.queue import FIRST, LAST, Place
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import now

MOST_WANTED = 50
# With so few pairs left in hand the whole queue is searched for pairs that came free behind the annotator.
FEW = 3
CHUNK = 500
TRIES = 10


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


def _once_served(store: Store, desk: Desk, pair_id: int | None) -> list[int]:
    if pair_id is None:
        return []
    with store.reading() as session:
        return [row.pair_id for row in rows.assignments_of(session, desk.round_id, [pair_id], desk.rater_id)]


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
