"""A round's queue: which pairs stand in it, which are free for an annotator, and who holds their slots.

Rows of `round_pair` are what is locked: whoever gives or takes a slot of a pair holds its row. Serving passes over rows
that are locked (another annotator is being served them), recording waits for them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from labeling.domain import RoundPurpose
from labeling.storage.projects import visible
from labeling.storage.tables import Assignment, Pair, Round, RoundMember, RoundPair

mine = aliased(Assignment)  # made once: an alias is dear to make
SLOTLESS = (RoundPurpose.PRACTICE, RoundPurpose.REVIEW)


@dataclass(frozen=True, slots=True)
class Place:
    """A pair's place in a round's queue. Those below 0 are to be looked at first."""

    pair_id: int
    position: int


# --- filling a queue ---------------------------------------------------------------------------------------------


def enqueue(session: Session, project_id: int, pair_ids: Iterable[int]) -> int:
    """Put the pairs into every open round of the project that takes all of them; return how many places were new."""
    pair_ids = list(pair_ids)
    if not pair_ids:
        return 0
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rounds = session.scalars(
        select(Round).where(
            col(Round.project_id) == project_id, col(Round.takes_all_pairs), col(Round.closed_at).is_(None)
        )
    )
    added = 0
    for round_ in rounds.all():
        values = [
            {
                "round_id": round_.id, "pair_id": pair_id, "project_id": project_id, "is_done": False,
                "position": place_of(pair_id, round_.ordering, round_.seed),
            }
            for pair_id in pair_ids
        ]  # fmt: skip
        known = set(
            session.scalars(
                select(col(RoundPair.pair_id)).where(
                    col(RoundPair.round_id) == round_.id, col(RoundPair.pair_id).in_(pair_ids)
                )
            )
        )
        new = [value for value in values if value["pair_id"] not in known]
        if new:
            session.execute(dialect.insert(RoundPair).on_conflict_do_nothing(), new)
        added += len(new)
    return added


def place_of(pair_id: int, ordering: str, seed: int) -> int:
    """Where a pair stands: in the order of its coming, or shuffled by the round's seed, alike in every process."""
    if ordering != "random":
        return pair_id
    digest = hashlib.blake2b(f"{seed}:{pair_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2


def put_first(session: Session, project_id: int, pair_ids: Iterable[int]) -> None:
    """Move the pairs to the head of the project's queues: a judge could not decide them, so people should."""
    places = RoundPair.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    session.execute(
        update(RoundPair)
        .where(places.project_id == project_id, places.pair_id.in_(list(pair_ids)), places.position >= 0)
        .values(position=-1 - places.position)
    )


def pairs_without_place(session: Session, project_id: int, after: int, limit: int) -> Sequence[int]:
    """Visible pairs of the project that are missing in a round which takes all pairs, by id."""
    missing = (
        select(col(Round.id))
        .where(
            col(Round.project_id) == project_id,
            col(Round.takes_all_pairs),
            col(Round.closed_at).is_(None),
            ~select(col(RoundPair.pair_id))
            .where(col(RoundPair.round_id) == col(Round.id), col(RoundPair.pair_id) == col(Pair.id))
            .correlate(Round, Pair)
            .exists(),
        )
        .correlate(Pair)
        .exists()
    )
    query = select(col(Pair.id)).where(
        col(Pair.project_id) == project_id, col(Pair.id) > after, visible(Pair, project_id), missing
    )
    return [pair_id for pair_id in session.scalars(query.order_by(col(Pair.id)).limit(limit)) if pair_id is not None]


def pairs_with_assignments(session: Session, round_id: int, after: int, limit: int) -> Sequence[int]:
    """Pairs of the round that were served to anyone, by id."""
    query = select(col(Assignment.pair_id)).where(col(Assignment.round_id) == round_id, col(Assignment.pair_id) > after)
    return session.scalars(query.distinct().order_by(col(Assignment.pair_id)).limit(limit)).all()


def settle(session: Session, round_id: int, pair_ids: Sequence[int], overlap: int) -> None:
    """Say anew which of the pairs are done: as many labels hold their slots as the overlap asks for."""
    lasting = (
        select(func.count())
        .select_from(Assignment)
        .where(
            col(Assignment.round_id) == col(RoundPair.round_id),
            col(Assignment.pair_id) == col(RoundPair.pair_id),
            col(Assignment.slot).is_not(None),
            col(Assignment.reserved_until).is_(None),
        )
        .scalar_subquery()
    )
    session.execute(
        update(RoundPair)
        .where(col(RoundPair.round_id) == round_id, col(RoundPair.pair_id).in_(pair_ids))
        .values(is_done=lasting >= overlap)
        .execution_options(synchronize_session=False)
    )


# --- reading it --------------------------------------------------------------------------------------------------


def may_enter(session: Session, round_id: int, account_id: int) -> bool:
    """A round without members is open to everyone in the project."""
    members = select(col(RoundMember.account_id)).where(col(RoundMember.round_id) == round_id)
    if session.execute(members.limit(1)).first() is None:
        return True
    return session.execute(members.where(col(RoundMember.account_id) == account_id)).first() is not None


def round_counts(session: Session, round_id: int) -> tuple[int, int]:
    """How many pairs stand in the round, and how many of them are done."""
    all_pairs = select(func.count()).select_from(RoundPair).where(col(RoundPair.round_id) == round_id)
    total = session.scalar(all_pairs) or 0
    return total, total - (session.scalar(all_pairs.where(~col(RoundPair.is_done))) or 0)


def counts_of(session: Session, round_id: int, rater_id: int) -> dict[str, int]:
    """How many of an annotator's assignments in the round are in which state."""
    query = (
        select(col(Assignment.state), func.count())
        .where(col(Assignment.rater_id) == rater_id, col(Assignment.round_id) == round_id)
        .group_by(col(Assignment.state))
    )
    return dict(session.execute(query).all())


def others_at_work(session: Session, round_id: int, rater_id: int, at: datetime) -> int:
    """How many other annotators hold reservations in the round now."""
    query = select(func.count(col(Assignment.rater_id).distinct())).where(
        col(Assignment.round_id) == round_id, col(Assignment.reserved_until) > at, col(Assignment.rater_id) != rater_id
    )
    return session.scalar(query) or 0


def unfinished(session: Session, round_: Round, rater_id: int, at: datetime, limit: int) -> Sequence[Row[Any]]:
    """What the annotator was served and has not decided, undone ones first: pair_id, state.

    What was served, lost its slot and has no free one any more is left out: others label it.
    """
    servable = ~col(RoundPair.is_done)
    if round_.purpose not in SLOTLESS:
        servable &= col(mine.slot).is_not(None) | (_held(at) < round_.overlap)
    query = (
        select(col(mine.pair_id), col(mine.state))
        .join(
            RoundPair,
            (col(RoundPair.round_id) == col(mine.round_id)) & (col(RoundPair.pair_id) == col(mine.pair_id)),
        )
        .where(
            col(mine.rater_id) == rater_id,
            col(mine.round_id) == round_.id,
            col(mine.state).in_(("served", "undone")),
            (col(mine.state) == "undone") | servable,
        )
        .order_by(col(mine.state).desc(), col(mine.position), col(mine.pair_id))
    )
    return session.execute(query.limit(limit)).all()


def last_position(session: Session, round_id: int, rater_id: int) -> int:
    """How far in the queue the annotator has been served; -1 where not at all."""
    found = session.scalar(
        select(func.max(Assignment.position)).where(
            col(Assignment.rater_id) == rater_id, col(Assignment.round_id) == round_id
        )
    )
    return -1 if found is None else max(-1, found)


def free_places(
    session: Session, round_: Round, rater_id: int, at: datetime, limit: int, *, above: int | None, upto: int | None
) -> list[Place]:
    """Pairs with a free slot that the annotator was never served, at positions in (above, upto], in queue order."""
    place = select(col(RoundPair.pair_id), col(RoundPair.position)).where(
        col(RoundPair.round_id) == round_.id, ~col(RoundPair.is_done)
    )
    if above is not None:
        place = place.where(col(RoundPair.position) > above)
    if upto is not None:
        place = place.where(col(RoundPair.position) <= upto)
    served = _of_place(select(col(Assignment.id))).where(col(Assignment.rater_id) == rater_id).exists()
    place = place.where(~served)
    if round_.purpose not in SLOTLESS:
        place = place.where(_held(at) < round_.overlap)
    place = place.order_by(col(RoundPair.position), col(RoundPair.pair_id)).limit(limit)
    return [Place(*row) for row in session.execute(place)]


def _held(at: datetime) -> ScalarSelect[int]:
    """How many slots of a place are held at this moment."""
    lasting = col(Assignment.reserved_until).is_(None) | (col(Assignment.reserved_until) > at)
    return _of_place(select(func.count())).where(col(Assignment.slot).is_not(None), lasting).scalar_subquery()


def _of_place(query: Select[Any]) -> Select[Any]:
    return query.select_from(Assignment).where(
        col(Assignment.round_id) == col(RoundPair.round_id), col(Assignment.pair_id) == col(RoundPair.pair_id)
    )


# --- giving and taking slots -------------------------------------------------------------------------------------


def lock_places(session: Session, round_id: int, pair_ids: Iterable[int], *, wait: bool) -> list[Place]:
    """Hold the pairs' rows until the transaction ends; without `wait`, only those nobody else holds.

    On SQLite a writer is alone already.
    """
    query = (
        select(col(RoundPair.pair_id), col(RoundPair.position))
        .where(col(RoundPair.round_id) == round_id, col(RoundPair.pair_id).in_(sorted(set(pair_ids))))
        .order_by(col(RoundPair.pair_id))
        .with_for_update(key_share=True, skip_locked=not wait)
    )
    return [Place(*row) for row in session.execute(query)]


def assignments_of(
    session: Session, round_id: int, pair_ids: Iterable[int], rater_id: int | None = None
) -> Sequence[Row[Any]]:
    """The assignments of the pairs: everybody's, or one annotator's."""
    query = select(
        col(Assignment.id), col(Assignment.pair_id), col(Assignment.rater_id), col(Assignment.left_side),
        col(Assignment.state), col(Assignment.slot), col(Assignment.reserved_until), col(Assignment.served_at),
    ).where(col(Assignment.round_id) == round_id, col(Assignment.pair_id).in_(sorted(set(pair_ids))))  # fmt: skip
    if rater_id is not None:
        query = query.where(col(Assignment.rater_id) == rater_id)
    return session.execute(query).all()


def empty_slots(session: Session, assignment_ids: Sequence[int]) -> None:
    """Take the slots of these assignments away; the rows stay."""
    session.execute(
        update(Assignment)
        .where(col(Assignment.id).in_(assignment_ids))
        .values(slot=None, reserved_until=None)
        .execution_options(synchronize_session=False)
    )


def change_assignments(session: Session, changes: Sequence[dict[str, object]]) -> None:
    """Write what is named beside the row's `id`: state, slot, reserved_until."""
    if changes:
        session.execute(update(Assignment), list(changes))


def add_assignments(session: Session, values: Sequence[dict[str, object]]) -> None:
    if values:
        session.execute(insert(Assignment), list(values))
