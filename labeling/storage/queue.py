"""A round's queue: which pairs stand in it, which are free for an annotator, and who holds their slots.

Rows of `round_pair` are what is locked: whoever gives or takes a slot of a pair holds its row. Serving passes over rows
that are locked (another annotator is being served them), recording waits for them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    Executable,
    Row,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    union_all,
    update,
)
from sqlmodel import Session, col

from labeling.domain import RoundPurpose
from labeling.storage.bulk import plain_rows
from labeling.storage.inserting import insert_rows
from labeling.storage.projects import visible
from labeling.storage.tables import Assignment, Pair, PromptRow, Round, RoundMember, RoundPair, UtcDateTime, core
from labeling.storage.tables.rounds import ASSIGNMENT_STATES

# Before the first place and behind the last one.
FIRST, LAST = -(2**63), 2**63 - 1
SLOTLESS = (RoundPurpose.PRACTICE, RoundPurpose.REVIEW)


_place, _assignment = core(RoundPair), core(Assignment)
_PAIRS: BindParameter[Any] = bindparam("pair_ids", expanding=True)
# Made once: these are asked with every label, and to make a statement costs more than to run it.
_PLACES = (
    select(_place.c.pair_id, _place.c.position, _place.c.is_done, _place.c.is_gold)
    .where(_place.c.round_id == bindparam("round_id"), _place.c.pair_id.in_(_PAIRS))
    .order_by(_place.c.pair_id)
)
_LOCK = _PLACES.with_for_update(key_share=True)
_LOCK_FREE = _PLACES.with_for_update(key_share=True, skip_locked=True)
_ASSIGNMENTS = select(
    _assignment.c.id, _assignment.c.pair_id, _assignment.c.rater_id, _assignment.c.left_side, _assignment.c.state,
    _assignment.c.slot, _assignment.c.reserved_until, _assignment.c.served_at,
).where(_assignment.c.round_id == bindparam("round_id"), _assignment.c.pair_id.in_(_PAIRS))  # fmt: skip
_ALL_ASSIGNMENTS: Executable = _ASSIGNMENTS
_OWN_ASSIGNMENTS: Executable = (
    _ASSIGNMENTS.add_columns(_place.c.is_gold)
    .join(_place, (_place.c.round_id == _assignment.c.round_id) & (_place.c.pair_id == _assignment.c.pair_id))
    .where(_assignment.c.rater_id == bindparam("rater_id"))
)
_AT: BindParameter[Any] = bindparam("at", type_=UtcDateTime)
_COUNT = select(func.count()).select_from(_place).where(_place.c.round_id == bindparam("round_id"))
_COUNT_OUT = _COUNT.where(_place.c.is_out)
_COUNT_OPEN = _COUNT.where(~_place.c.is_done, ~_place.c.is_out)
_MINE = (_assignment.c.rater_id == bindparam("rater_id")) & (_assignment.c.round_id == bindparam("round_id"))
_COUNT_MINE = select(func.count()).select_from(_assignment).where(_MINE)
_COUNT_GOLD = (
    select(func.count())
    .select_from(_assignment)
    .join(_place, (_place.c.round_id == _assignment.c.round_id) & (_place.c.pair_id == _assignment.c.pair_id))
    .where(_MINE, _assignment.c.state == "labelled", _place.c.is_gold)
)
_HAS_GOLD = exists().where(_place.c.round_id == bindparam("round_id"), _place.c.is_gold)
_ROUND_COUNTS: Executable = select(
    _COUNT.scalar_subquery(), _COUNT_OUT.scalar_subquery(), _COUNT_OPEN.scalar_subquery()
)
_MY_COUNTS: Executable = select(
    _COUNT_MINE.where(_assignment.c.state == "labelled").scalar_subquery().label("labelled"),
    _COUNT_MINE.where(_assignment.c.state == "skipped").scalar_subquery().label("skipped"),
    case((_HAS_GOLD, _COUNT_GOLD.scalar_subquery()), else_=0).label("gold"),
)
_OTHERS = select(func.count(_assignment.c.rater_id.distinct())).where(
    _assignment.c.round_id == bindparam("round_id"),
    _assignment.c.reserved_until > _AT,
    _assignment.c.rater_id != bindparam("rater_id"),
)
# State by state: the index has the state before the position, so each of them is one look at its end.
_LAST_BY_STATE = [
    select(func.max(_assignment.c.position).label("position")).where(_MINE, _assignment.c.state == state)
    for state in ASSIGNMENT_STATES
]
_LAST = select(func.max(union_all(*_LAST_BY_STATE).subquery().c.position))
_other = _assignment.alias("other")
_OF_PLACE = (_other.c.round_id == _place.c.round_id) & (_other.c.pair_id == _place.c.pair_id)
# How many slots of a place are held at this moment.
_HELD = (
    select(func.count())
    .select_from(_other)
    .where(_OF_PLACE, _other.c.slot.is_not(None), _other.c.reserved_until.is_(None) | (_other.c.reserved_until > _AT))
    .scalar_subquery()
)
_HAS_FREE_SLOT = _place.c.is_gold | (bindparam("overlap") > _HELD)
_SERVED = select(_assignment.c.pair_id, _assignment.c.state).join(
    _place, (_place.c.round_id == _assignment.c.round_id) & (_place.c.pair_id == _assignment.c.pair_id)
)
_IN_ORDER = (_assignment.c.state.desc(), _assignment.c.position, _assignment.c.pair_id)
_IS_UNDONE = _assignment.c.state == "undone"
_IS_OPEN = _MINE & _assignment.c.state.in_(("served", "undone"))
_UNFINISHED = (
    _SERVED.where(_IS_OPEN, ~_place.c.is_out, _IS_UNDONE | ~_place.c.is_done)
    .order_by(*_IN_ORDER)
    .limit(bindparam("limit"))
)
_UNFINISHED_WITH_SLOTS = _UNFINISHED.where(_IS_UNDONE | _assignment.c.slot.is_not(None) | _HAS_FREE_SLOT)
_FREE = (
    select(_place.c.pair_id, _place.c.position)
    .where(
        _place.c.round_id == bindparam("round_id"),
        ~_place.c.is_done,
        ~_place.c.is_out,
        _place.c.position > bindparam("above"),
        _place.c.position <= bindparam("upto"),
        ~select(_other.c.id).where(_OF_PLACE, _other.c.rater_id == bindparam("rater_id")).exists(),
    )
    .order_by(_place.c.position, _place.c.pair_id)
    .limit(bindparam("limit"))
)
_FREE_WITH_SLOTS = _FREE.where(_HAS_FREE_SLOT)
_pair, _prompt = core(Pair), core(PromptRow)
# Only for annotators who do not take everything: it looks at the prompt behind each place.
_FITS = (
    select(_prompt.c.id)
    .join(_pair, _pair.c.prompt_id == _prompt.c.id)
    .where(
        _pair.c.id == _place.c.pair_id,
        ~_prompt.c.is_sensitive | bindparam("takes_sensitive", type_=Boolean),
        _prompt.c.language.is_(None)
        | bindparam("any_language", type_=Boolean)
        | func.lower(_prompt.c.language).in_(bindparam("languages", expanding=True)),
    )
    .exists()
)
# By whether the round has slots, and whether the annotator takes only some prompts.
_UNFINISHED_BY: dict[tuple[bool, bool], Executable] = {
    (False, False): _UNFINISHED,
    (True, False): _UNFINISHED_WITH_SLOTS,
    (False, True): _UNFINISHED.where(_FITS),
    (True, True): _UNFINISHED_WITH_SLOTS.where(_FITS),
}
_FREE_BY: dict[tuple[bool, bool], Executable] = {
    (False, False): _FREE,
    (True, False): _FREE_WITH_SLOTS,
    (False, True): _FREE.where(_FITS),
    (True, True): _FREE_WITH_SLOTS.where(_FITS),
}
_HOLD = (
    update(_assignment)
    .where(_assignment.c.id == bindparam("of_id"))
    .values(slot=bindparam("slot"), reserved_until=bindparam("reserved_until"))
)
_DECIDE = _HOLD.values(state=bindparam("state"))
_ASSIGN = insert(_assignment)


@dataclass(frozen=True, slots=True)
class Place:
    """A pair's place in a round's queue. Those below 0 are to be looked at first."""

    pair_id: int
    position: int
    is_done: bool = False
    is_gold: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Which prompts an annotator takes: in one of the `languages` or in none that is named (all, where there are none),
    sensitive ones or not."""

    languages: tuple[str, ...]
    sensitive: bool


# --- filling a queue ---------------------------------------------------------------------------------------------


def enqueue(session: Session, project_id: int, pair_ids: Iterable[int]) -> int:
    """Put the pairs into every open round of the project that takes all of them; return how many places were new."""
    pair_ids = list(pair_ids)
    if not pair_ids:
        return 0
    rounds = session.scalars(
        select(Round).where(
            col(Round.project_id) == project_id, col(Round.takes_all_pairs), col(Round.closed_at).is_(None)
        )
    )
    added = 0
    for round_ in rounds.all():
        ordering, seed = round_.ordering, round_.seed
        added += insert_rows(
            session,
            core(RoundPair),
            ("pair_id", "position"),
            [(pair_id, place_of(pair_id, ordering, seed)) for pair_id in pair_ids],
            {"round_id": round_.id, "project_id": project_id},
            passes_over_known=True,
        )
    return added


def place_of(pair_id: int, ordering: str, seed: int) -> int:
    """Where a pair stands: in the order of its coming, or shuffled by the round's seed, alike in every process.

    Always an even number: gold pairs are mixed in at odd ones.
    """
    if ordering != "random":
        return 2 * pair_id
    digest = hashlib.blake2b(f"{seed}:{pair_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 3 << 1


def put_first(session: Session, project_id: int, pair_ids: Iterable[int]) -> None:
    """Move the pairs to the head of the project's queues: a judge could not decide them, so people should."""
    places = RoundPair.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    session.execute(
        update(RoundPair)
        .where(places.project_id == project_id, places.pair_id.in_(list(pair_ids)), places.position >= 0)
        .values(position=-1 - places.position)
    )


def pairs_without_place(
    session: Session, project_id: int, after: int, limit: int, import_id: int | None = None
) -> Sequence[int]:
    """Visible pairs of the project, or of one import into it, that are missing in a round which takes all pairs, by id."""
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
        col(Pair.project_id) == project_id if import_id is None else col(Pair.import_id) == import_id,
        col(Pair.id) > after,
        ~col(Pair.is_left_out),
        visible(Pair, project_id),
        missing,
    )
    return [pair_id for (pair_id,) in plain_rows(session, query.order_by(col(Pair.id)).limit(limit))]


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
    """How many pairs stand in the round (those left out do not count), and how many of them are done."""
    places, out, open_ones = session.connection().execute(_ROUND_COUNTS, {"round_id": round_id}).one()
    return places - out, places - out - open_ones


def counts_of(session: Session, round_id: int, rater_id: int) -> Row[Any]:
    """How many pairs of the round the annotator has `labelled` and `skipped`; `gold` of the labelled ones are gold, and so
    never done although nothing more is asked there."""
    return session.connection().execute(_MY_COUNTS, {"round_id": round_id, "rater_id": rater_id}).one()


def others_at_work(session: Session, round_id: int, rater_id: int, at: datetime) -> int:
    """How many other annotators hold reservations in the round now."""
    values = {"round_id": round_id, "rater_id": rater_id, "at": at}
    return int(session.connection().execute(_OTHERS, values).scalar_one())


def unfinished(
    session: Session, round_id: int, rater_id: int, at: datetime, limit: int, *, overlap: int | None, taken: Taken | None
) -> Sequence[Row[Any]]:  # fmt: skip
    """What the annotator was served and has not decided, undone ones first: pair_id, state.

    What was served, lost its slot and has no free one any more is left out: others label it. `overlap` is None where
    the round has no slots, `taken` where the annotator takes every prompt.
    """
    values: dict[str, Any] = {"round_id": round_id, "rater_id": rater_id, "limit": limit}
    return _served(session, _UNFINISHED_BY, values, at, overlap, taken)


def _served(
    session: Session,
    statements: dict[tuple[bool, bool], Executable],
    values: dict[str, Any],
    at: datetime,
    overlap: int | None,
    taken: Taken | None,
) -> Sequence[Row[Any]]:
    if overlap is not None:
        values |= {"at": at, "overlap": overlap}
    if taken is not None:
        values |= {
            "languages": [language.lower() for language in taken.languages],
            "any_language": not taken.languages,
            "takes_sensitive": taken.sensitive,
        }
    return session.connection().execute(statements[overlap is not None, taken is not None], values).all()


def last_position(session: Session, round_id: int, rater_id: int) -> int:
    """How far in the queue the annotator has been served; -1 where not at all."""
    found = session.connection().execute(_LAST, {"round_id": round_id, "rater_id": rater_id}).scalar()
    return -1 if found is None else max(-1, found)


def free_places(
    session: Session, round_id: int, rater_id: int, at: datetime, limit: int, *, overlap: int | None, taken: Taken | None,
    above: int, upto: int,
) -> list[Place]:  # fmt: skip
    """Pairs with a free slot that the annotator takes and was never served, at positions in (above, upto], in queue order."""
    values: dict[str, Any] = {"round_id": round_id, "rater_id": rater_id, "limit": limit, "above": above, "upto": upto}
    return [Place(row.pair_id, row.position) for row in _served(session, _FREE_BY, values, at, overlap, taken)]


# --- giving and taking slots -------------------------------------------------------------------------------------


def lock_places(session: Session, round_id: int, pair_ids: Iterable[int], *, wait: bool) -> list[Place]:
    """Hold the pairs' rows until the transaction ends; without `wait`, only those nobody else holds.

    On SQLite a writer is alone already.
    """
    values = {"round_id": round_id, "pair_ids": sorted(set(pair_ids))}
    return [Place(*row) for row in session.connection().execute(_LOCK if wait else _LOCK_FREE, values)]


def assignments_of(
    session: Session, round_id: int, pair_ids: Iterable[int], rater_id: int | None = None
) -> Sequence[Row[Any]]:
    """The assignments of the pairs: everybody's, or one annotator's."""
    values: dict[str, Any] = {"round_id": round_id, "pair_ids": sorted(set(pair_ids))}
    if rater_id is None:
        return session.connection().execute(_ALL_ASSIGNMENTS, values).all()
    return session.connection().execute(_OWN_ASSIGNMENTS, values | {"rater_id": rater_id}).all()


def empty_slots(session: Session, assignment_ids: Sequence[int]) -> None:
    """Take the slots of these assignments away; the rows stay."""
    session.execute(
        update(Assignment)
        .where(col(Assignment.id).in_(assignment_ids))
        .values(slot=None, reserved_until=None)
        .execution_options(synchronize_session=False)
    )


def change_assignments(session: Session, changes: Sequence[dict[str, object]]) -> None:
    """Write slot and reserved_until of the rows named by `id`, and the state where each has one."""
    if changes:
        values = [
            {"of_id": change["id"], **{name: change[name] for name in change if name != "id"}} for change in changes
        ]
        session.connection().execute(_DECIDE if "state" in changes[0] else _HOLD, values)


def add_assignments(session: Session, values: Sequence[dict[str, object]]) -> None:
    if values:
        session.connection().execute(_ASSIGN, list(values))
