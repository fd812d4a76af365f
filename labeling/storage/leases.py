"""What a worker holds: requests for a while, and places that only one process may have."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from labeling.storage.tables import Lease, Request, now

BATCH = "batch "


def renew(session: Session, owner: str, until: datetime) -> None:
    """Keep the requests of a worker that lives."""
    session.execute(
        update(Request)
        .where(col(Request.lease_owner) == owner, col(Request.state) == "waiting")
        .values(lease_until=until, due_at=until)
    )


def release(session: Session, owner: str) -> None:
    """Give back what a worker holds: at its end, or when it is known to be dead."""
    session.execute(
        update(Request)
        .where(col(Request.lease_owner) == owner, col(Request.state) == "waiting")
        .values(lease_owner=None, lease_until=None, due_at=now())
    )


def batch_owner(batch_id: int) -> str:
    """As whom a batch holds its requests."""
    return f"{BATCH}{batch_id}"


def owners(session: Session) -> list[str]:
    """Every worker that holds a request; what is with a batch is nobody's to free."""
    query = select(col(Request.lease_owner)).where(
        col(Request.lease_owner).is_not(None), col(Request.lease_owner).not_like(f"{BATCH}%")
    )
    return [owner for owner in session.scalars(query.distinct()) if owner is not None]


def in_flight_of(session: Session, run_id: int) -> int:
    query = select(func.count()).where(
        col(Request.lease_owner).is_not(None),
        col(Request.lease_until) > now(),
        col(Request.state) == "waiting",
        col(Request.run_id) == run_id,
    )
    count: int = session.execute(query).scalar_one()
    return count


def hold(session: Session, name: str, owner: str, until: datetime) -> bool:
    """Take or renew something that only one process may hold; False while another one has it."""
    held = session.scalars(select(Lease).where(col(Lease.name) == name).with_for_update()).first()
    if held is None:
        session.add(Lease(name=name, owner=owner, until=until))
        session.flush()
        return True
    if held.owner != owner and held.until > now():
        return False
    held.owner, held.until = owner, until
    session.add(held)
    session.flush()
    return True


def holder(session: Session, name: str) -> str | None:
    """Who holds it, or held it last."""
    return session.scalar(select(col(Lease.owner)).where(col(Lease.name) == name))


def let_go(session: Session, name: str, owner: str) -> None:
    session.execute(update(Lease).where(col(Lease.name) == name, col(Lease.owner) == owner).values(until=now()))
