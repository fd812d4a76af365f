"""Pairs that a lead leaves out: of the queues (where each place says so too), the judges' work and the exports."""

from sqlalchemy import select, update
from sqlmodel import Session

from labeling.storage.tables import Pair, RoundPair, core

_pair, _place = core(Pair), core(RoundPair)


def leave_out(session: Session, project_id: int, pair_id: int, *, out: bool) -> bool:
    """Take a pair out, or in again; whether the project has that pair."""
    found = session.execute(
        update(_pair).where(_pair.c.project_id == project_id, _pair.c.id == pair_id).values(is_left_out=out)
    )
    session.execute(
        update(_place).where(_place.c.project_id == project_id, _place.c.pair_id == pair_id).values(is_out=out)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]  # an update's result has it


def left_out(session: Session, project_id: int) -> list[int]:
    query = select(_pair.c.id).where(_pair.c.project_id == project_id, _pair.c.is_left_out)
    return list(session.scalars(query.order_by(_pair.c.id)))
