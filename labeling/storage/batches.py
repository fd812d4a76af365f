"""Batches: parts of a run's requests that are with a provider, or in a file that is run elsewhere.

A part holds its requests by a lease without an end, so that no worker sends them meanwhile.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlmodel import Session, col

from labeling.storage.claims import Claimed
from labeling.storage.leases import batch_owner
from labeling.storage.tables import Answer, Batch, Ingest, Request, RequestBody, Run, RunRequest, now

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
ENDED = ("done", "cancelled", "failed")
UNSENT = ("gathering", "ready")


@dataclass(frozen=True, slots=True)
class Free:
    """A waiting request that nobody holds."""

    id: int
    key: str
    base_url: str
    model: str
    key_env: str | None
    body: str

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What the requests of one part have in common."""
        return self.base_url, self.model, self.key_env


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that a results file names: `run_id` has it done, `state` is what it is."""

    id: int
    key: str
    run_id: int
    state: str


def locked_run(session: Session, run_id: int) -> Run:
    """The run; nobody else shares out its requests until the transaction ends."""
    query = select(Run).where(col(Run.id) == run_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def free_requests(session: Session, run_id: int, most: int) -> list[Free]:
    """Up to `most` requests that may be sent now, endpoint by endpoint."""
    query = (
        select(
            col(Request.id), col(Request.key), col(Request.base_url), col(Request.model), col(Request.key_env), col(RequestBody.body)
        )
        .join(RequestBody, col(RequestBody.request_id) == col(Request.id))
        .where(
            col(Request.run_id) == run_id, col(Request.state) == "waiting", col(Request.lease_owner).is_(None), col(Request.due_at) <= now()
        )
        .order_by(col(Request.endpoint), col(Request.due_at), col(Request.id))
        .limit(most)
    )  # fmt: skip
    return [Free(*row) for row in session.execute(query)]


def gathering(session: Session, run_id: int) -> list[Batch]:
    return list(session.scalars(select(Batch).where(col(Batch.run_id) == run_id, col(Batch.state) == "gathering")))


def add_part(session: Session, run_id: int, place: tuple[str, str, str | None]) -> Batch:
    last = session.scalar(select(func.max(col(Batch.part))).where(col(Batch.run_id) == run_id)) or 0
    base_url, model, key_env = place
    part = Batch(
        run_id=run_id, part=last + 1, base_url=base_url, model=model, key_env=key_env, token=uuid.uuid4().hex, due_at=now()
    )  # fmt: skip
    session.add(part)
    session.flush()
    return part


def put(session: Session, part: Batch, request_ids: Sequence[int], size: int) -> None:
    """Make these requests lines of the part; `size` is the bytes of their lines."""
    assert part.id is not None
    session.execute(
        update(Request)
        .where(col(Request.id).in_(request_ids))
        .values(lease_owner=batch_owner(part.id), lease_until=FOREVER, due_at=FOREVER)
    )
    part.lines += len(request_ids)
    part.bytes += size
    session.add(part)
    session.flush()


def part_with_id(session: Session, batch_id: int) -> Batch:
    return session.get_one(Batch, batch_id)


def parts_of(session: Session, run_id: int) -> list[Batch]:
    return list(session.scalars(select(Batch).where(col(Batch.run_id) == run_id).order_by(col(Batch.part))))


def open_parts(session: Session, run_id: int, states: Collection[str] = ()) -> list[Batch]:
    """Parts that have not ended, those in `states` where some are named."""
    query = select(Batch).where(col(Batch.run_id) == run_id, col(Batch.state).not_in(ENDED))
    if states:
        query = query.where(col(Batch.state).in_(states))
    return list(session.scalars(query.order_by(col(Batch.part))))


def lines_after(session: Session, batch_id: int, after: int, most: int) -> list[tuple[int, str, str]]:
    """(request id, key, body) of what the part still waits for, in order of id."""
    query = (
        select(col(Request.id), col(Request.key), col(RequestBody.body))
        .join(RequestBody, col(RequestBody.request_id) == col(Request.id))
        .where(
            col(Request.lease_owner) == batch_owner(batch_id), col(Request.state) == "waiting", col(Request.id) > after
        )
        .order_by(col(Request.id))
        .limit(most)
    )
    return [(id_, key, body) for id_, key, body in session.execute(query) if id_ is not None]


def count_open(session: Session, batch_id: int) -> int:
    """How many of a part's lines have no outcome yet."""
    # A lease ends with the outcome, so that the index alone tells the number.
    query = select(func.count()).where(col(Request.lease_owner) == batch_owner(batch_id))
    count: int = session.execute(query).scalar_one()
    return count


def release(session: Session, batch_id: int, most: int) -> int:
    """Give up to `most` of a part's requests back to the queue; how many."""
    held = (
        select(col(Request.id))
        .where(col(Request.lease_owner) == batch_owner(batch_id), col(Request.state) == "waiting")
        .limit(most)
    )
    freed = session.execute(
        update(Request)
        .where(col(Request.id).in_(held))
        .values(lease_owner=None, lease_until=None, due_at=now())
        .returning(col(Request.id))
        .execution_options(synchronize_session=False)
    )
    return len(freed.all())


def end(session: Session, part: Batch, state: str, fault: str | None = None) -> None:
    part.state, part.fault, part.ended_at = state, fault, now()
    session.add(part)
    session.flush()


def change(session: Session, batch_id: int, values: Mapping[str, object]) -> None:
    session.execute(update(Batch).where(col(Batch.id) == batch_id).values(**values))


def next_due(session: Session) -> datetime | None:
    """When the next part of a run by batch has something to be done."""
    query = (
        select(func.min(col(Batch.due_at)))
        .join(Run, col(Run.id) == col(Batch.run_id))
        .where(col(Batch.state).not_in(ENDED), col(Run.mode) == "batch", col(Run.state) != "stopped")
    )
    due: datetime | None = session.execute(query).scalar_one()
    return due


def held(session: Session, batch_id: int, most: int) -> list[Claimed]:
    """Up to `most` of the requests that the part still waits for."""
    keys = [key for _, key, _ in lines_after(session, batch_id, 0, most)]
    return list(held_among(session, batch_id, keys).values())


def held_among(session: Session, batch_id: int, keys: Sequence[str]) -> dict[str, Claimed]:
    """Those of `keys` whose request the part still waits for, as claims of the part's run."""
    query = (
        select(
            col(Request.key), col(Request.id), col(Batch.run_id), col(Request.base_url), col(Request.model), col(Request.key_env),
            col(Request.endpoint), col(Request.sample_number), col(Request.attempts), col(RequestBody.body),
        )
        .join(RequestBody, col(RequestBody.request_id) == col(Request.id))
        .join(Batch, col(Batch.id) == batch_id)
        .where(col(Request.key).in_(keys), col(Request.lease_owner) == batch_owner(batch_id), col(Request.state) == "waiting")
    )  # fmt: skip
    return {key: Claimed(*rest) for key, *rest in session.execute(query)}


# --- results files -----------------------------------------------------------------------------------------------


def wanted_among(session: Session, project_id: int, keys: Sequence[str]) -> dict[str, OpenRequest]:
    """Those of `keys` that a run of the project asked for."""
    asked = (
        select(col(RunRequest.number))
        .join(Run, col(Run.id) == col(RunRequest.run_id))
        .where(col(RunRequest.request_id) == col(Request.id), col(Run.project_id) == project_id)
    )
    query = select(col(Request.id), col(Request.key), col(Request.run_id), col(Request.state)).where(
        col(Request.key).in_(keys), asked.exists()
    )
    return {key: OpenRequest(id_, key, run_id, state) for id_, key, run_id, state in session.execute(query)}


def seize(session: Session, owner: str, request_ids: Sequence[int]) -> dict[int, Claimed]:
    """Take requests for a result that lies here, unless a worker is asking them at this moment."""
    until = now() + timedelta(minutes=5)
    free = or_(
        col(Request.lease_owner).is_(None), col(Request.lease_owner).like("batch %"), col(Request.lease_until) < now()
    )
    taken = session.execute(
        update(Request)
        .where(
            col(Request.id).in_(request_ids),
            or_(col(Request.state) == "failed", (col(Request.state) == "waiting") & free),
        )
        .values(state="waiting", reason=None, lease_owner=owner, lease_until=until, due_at=until)
        .returning(
            col(Request.id), col(Request.run_id), col(Request.base_url), col(Request.model), col(Request.key_env), col(Request.endpoint),
            col(Request.sample_number), col(Request.attempts),
        )
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    ids = [row[0] for row in taken]
    bodies = dict(
        session.execute(
            select(col(RequestBody.request_id), col(RequestBody.body)).where(col(RequestBody.request_id).in_(ids))
        ).all()
    )
    return {
        id_: Claimed(id_, run_id, base_url, model, key_env, endpoint, sample_number, attempts, bodies[id_])
        for id_, run_id, base_url, model, key_env, endpoint, sample_number, attempts in taken
    }


def ingest_of(session: Session, project_id: int, digest: str) -> Ingest | None:
    query = select(Ingest).where(col(Ingest.project_id) == project_id, col(Ingest.digest) == digest)
    return session.scalars(query).first()


def add_ingest(session: Session, ingest: Ingest) -> None:
    session.add(ingest)
    session.flush()


def runs_with_batches(session: Session) -> Sequence[Run]:
    """Runs that a worker looks after here: running ones by batch or file, and others of which a part is still open."""
    open_ = select(col(Batch.id)).where(col(Batch.run_id) == col(Run.id), col(Batch.state).not_in(ENDED)).exists()
    query = (
        select(Run)
        .where(
            col(Run.mode) != "live",
            or_(col(Run.state) == "running", col(Run.state).in_(("paused", "cancelled", "done")) & open_),
        )
        .order_by(col(Run.id))
    )
    return session.scalars(query.execution_options(populate_existing=True)).all()


def mean_cost(session: Session, run_id: int, most: int = 500) -> tuple[int, float | None]:
    """Of a run's last answers: how many, and what one cost in the mean; None where a price is unknown."""
    last = (
        select(col(Answer.cost_usd)).where(col(Answer.run_id) == run_id).order_by(col(Answer.request_id).desc()).limit(most).subquery()
    )  # fmt: skip
    count, priced, mean = session.execute(
        select(func.count(), func.count(last.c.cost_usd), func.avg(last.c.cost_usd)).select_from(last)
    ).one()
    return count, float(mean) if count and count == priced else None
