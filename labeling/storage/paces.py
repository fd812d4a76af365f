"""The paces of endpoints: what was stated, what their pacers remember, and where requests wait for them.

What a worker asks many times a second is built once: an expression costs more than the query it makes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, literal_column, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from labeling.storage.leases import BATCH
from labeling.storage.tables import Pace, Request, Run, core, now

PACE, REQUEST, RUN = core(Pace).c, core(Request).c, core(Run).c
# The engine takes an index of waiting requests only where it can read the word: a parameter hides it.
WAITING = REQUEST.state == literal_column("'waiting'")
DUE = (
    select(REQUEST.id)
    .where(REQUEST.run_id == RUN.id, REQUEST.endpoint == PACE.endpoint, WAITING, REQUEST.due_at <= bindparam("now"))
    .exists()
)
OPEN = (
    select(RUN.id, PACE.endpoint)
    .join_from(core(Run), core(Pace), true())
    .where(RUN.state == literal_column("'running'"), RUN.mode == literal_column("'live'"), DUE)
    .order_by(RUN.id, PACE.endpoint)
)
LOCKED = (
    select(PACE.endpoint, PACE.requests_per_minute, PACE.tokens_per_minute, PACE.max_in_flight, PACE.memory)
    .where(PACE.endpoint.in_(bindparam("endpoints", expanding=True)))
    # In one order, so that two workers never wait for each other.
    .order_by(PACE.endpoint)
    .with_for_update()
)
IN_FLIGHT = (
    select(REQUEST.endpoint, func.count())
    # What is with a batch has limits of its own.
    .where(
        REQUEST.lease_owner.is_not(None),
        REQUEST.lease_owner.not_like(f"{BATCH}%"),
        REQUEST.lease_until > bindparam("now"),
        WAITING,
    )
    .group_by(REQUEST.endpoint)
)
REMEMBER = (
    update(core(Pace))
    .where(PACE.endpoint == bindparam("at"))
    .values(memory=bindparam("memory"), blocked_until=bindparam("blocked_until"))
)


@dataclass(frozen=True, slots=True)
class PaceRow:
    """An endpoint's pace, locked until the transaction ends. `in_flight` counts the requests of all workers there."""

    endpoint: str
    requests_per_minute: float | None
    tokens_per_minute: float | None
    max_in_flight: int | None
    memory: str
    in_flight: int


def put_pace(
    session: Session, endpoint: str, requests_per_minute: float | None, tokens_per_minute: float | None, max_in_flight: int | None
) -> None:  # fmt: skip
    """Keep the stated pace of an endpoint; what was stated last counts, for all who use it."""
    stated = {
        "requests_per_minute": requests_per_minute,
        "tokens_per_minute": tokens_per_minute,
        "max_in_flight": max_in_flight,
    }
    insert = sqlite.insert if session.connection().dialect.name == "sqlite" else postgresql.insert
    statement = insert(Pace).values({"endpoint": endpoint, "memory": "{}", **stated})
    session.execute(statement.on_conflict_do_update(index_elements=["endpoint"], set_=stated))


def open_places(session: Session) -> list[tuple[int, str]]:
    """(run, endpoint) wherever a running run has a request that may be sent now."""
    return [(run_id, endpoint) for run_id, endpoint in session.connection().execute(OPEN, {"now": now()})]


def locked_paces(session: Session, endpoints: Iterable[str]) -> list[PaceRow]:
    """The paces of these endpoints, for this transaction alone: all workers share one pace."""
    wanted = sorted(set(endpoints))
    if not wanted:
        return []
    connection = session.connection()
    rows = connection.execute(LOCKED, {"endpoints": wanted}).all()
    flying: dict[str, int] = dict(connection.execute(IN_FLIGHT, {"now": now()}).all()) if rows else {}
    return [PaceRow(*row, in_flight=flying.get(row[0], 0)) for row in rows]


def remember(session: Session, endpoint: str, memory: str, blocked_until: datetime | None) -> None:
    values = {"at": endpoint, "memory": memory, "blocked_until": blocked_until}
    session.connection().execute(REMEMBER, values)
