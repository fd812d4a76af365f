"""Runs: their rows, their states, and counts that add up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal_column, select, update
from sqlmodel import Session, col

from labeling.storage.requests import up_to_the_last_answer
from labeling.storage.tables import Answer, Attempt, Pace, Request, Run, RunRequest, core, now

RUN = core(Run).c
# In words, not as parameters: those hide a partial index.
WAITING = core(Request).c.state == literal_column("'waiting'")
FAILED = core(Request).c.state == literal_column("'failed'")
RUNNING = (
    select(RUN.id, RUN.purpose, RUN.max_tries, RUN.budget_usd, RUN.spent_usd, RUN.spec)
    .where(RUN.state == literal_column("'running'"), RUN.mode == literal_column("'live'"))
    .order_by(RUN.id)
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes of what a run asked for: answered + failed by reason + waiting make up all of it."""

    answered: int
    failed: dict[str, int]
    waiting: int
    in_flight: int
    harvested: int


@dataclass(frozen=True, slots=True)
class RunningRow:
    """A running run as a worker needs it, many times a second."""

    id: int
    purpose: str
    max_tries: int
    budget_usd: float | None
    spent_usd: float
    spec: str


@dataclass(frozen=True, slots=True)
class Failure:
    number: int
    reason: str
    message: str
    prompt_id: int | None
    pair_id: int | None


def run_with_key(session: Session, idempotency_key: str) -> Run | None:
    return session.scalars(select(Run).where(col(Run.idempotency_key) == idempotency_key)).first()


def run_of_project(session: Session, project_id: int, run_id: int) -> Run | None:
    return session.scalars(select(Run).where(col(Run.id) == run_id, col(Run.project_id) == project_id)).first()


def run_with_id(session: Session, run_id: int) -> Run:
    return session.get_one(Run, run_id)


def runs_of_project(session: Session, project_id: int, limit: int | None, purpose: str | None = None) -> Sequence[Run]:
    """The newest runs first, of one purpose where it is named; `limit` is None for all."""
    query = select(Run).where(col(Run.project_id) == project_id)
    if purpose is not None:
        query = query.where(col(Run.purpose) == purpose)
    return session.scalars(query.order_by(col(Run.id).desc()).limit(limit)).all()


def add_run(session: Session, run: Run) -> Run:
    session.add(run)
    session.flush()
    return run


def remove_run(session: Session, run: Run) -> None:
    session.delete(run)
    session.flush()


def set_state(
    session: Session, run_id: int, state: str, *, was: Collection[str], fault: str | None = None, budget_usd: float | None = None
) -> bool:  # fmt: skip
    """Bring a run from one of the states `was` into another; False where it is in none of them."""
    moment = now()
    times: dict[str, datetime | None] = (
        {"ended_at": None} if state in ("running", "preparing", "paused") else {"ended_at": moment}
    )
    if state == "running":
        times["started_at"] = moment
    budget = {} if budget_usd is None else {"budget_usd": budget_usd}
    changed = session.execute(
        update(Run)
        .where(col(Run.id) == run_id, col(Run.state).in_(was))
        .values(state=state, fault=fault, **times, **budget)
        .returning(col(Run.id))
    )
    return changed.first() is not None


def running(session: Session) -> list[RunningRow]:
    """The runs whose requests are to be sent, oldest first."""
    return [RunningRow(*row) for row in session.connection().execute(RUNNING)]


def touch(session: Session, run_ids: Sequence[int]) -> None:
    """Say that a worker is at these runs."""
    session.execute(update(Run).where(col(Run.id).in_(run_ids)).values(heartbeat_at=now()))


def give_up_preparing(session: Session, before: datetime, fault: str) -> None:
    """End runs whose preparation was killed: nobody wrote their requests since `before`."""
    session.execute(
        update(Run)
        .where(col(Run.state) == "preparing", func.coalesce(col(Run.heartbeat_at), col(Run.created_at)) < before)
        .values(state="cancelled", fault=fault, ended_at=now())
    )


def counts(session: Session, run: Run) -> Counts:
    """What became of a run's requests. Of those that were put to use nothing is read: they are answered, all of them."""
    own = session.execute(select(func.count()).where(col(Request.run_id) == run.id, WAITING)).scalar_one()
    open_ = (col(RunRequest.run_id) == run.id, col(RunRequest.harvested_at).is_(None))
    wanted = session.execute(select(func.count()).where(*open_)).scalar_one()
    failed = _failed(session, run)
    unused = session.execute(
        select(func.count())
        .join_from(RunRequest, Answer, col(Answer.request_id) == col(RunRequest.request_id))
        .where(*open_, up_to_the_last_answer())
    ).scalar_one()
    if own + sum(failed.values()) + unused == wanted:
        # A run's own requests are all wanted by it, so that there is nothing else: indexes tell a long queue.
        answered = run.asked - own - sum(failed.values())
        return Counts(answered, failed, own, _leased(session, run), run.asked - wanted)
    query = (
        select(
            col(Request.state), col(Request.reason), func.count(), func.count(case((col(Request.lease_until) > now(), 1)))
        )
        .select_from(RunRequest)
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .where(*open_)
        .group_by(col(Request.state), col(Request.reason))
    )  # fmt: skip
    rows = session.execute(query).all()
    harvested = run.asked - sum(count for _, _, count, _ in rows)
    return Counts(
        answered=harvested + sum(count for state, _, count, _ in rows if state == "answered"),
        failed={reason or "unknown": count for state, reason, count, _ in rows if state == "failed"},
        waiting=sum(count for state, _, count, _ in rows if state == "waiting"),
        in_flight=sum(leased for state, _, _, leased in rows if state == "waiting"),
        harvested=harvested,
    )


def _failed(session: Session, run: Run) -> dict[str, int]:
    """How many of the run's own requests failed, by reason."""
    query = (
        select(col(Request.reason), func.count())
        .where(col(Request.run_id) == run.id, FAILED)
        .group_by(col(Request.reason))
    )
    return {reason or "unknown": count for reason, count in session.execute(query)}


def _leased(session: Session, run: Run) -> int:
    """How many of the run's requests somebody holds."""
    # The sum keeps SQLite from walking all that wait: what is leased has an index of its own.
    query = select(func.count()).where(
        col(Request.lease_owner).is_not(None), col(Request.run_id) + 0 == run.id, col(Request.lease_until) > now()
    )
    count: int = session.execute(query).scalar_one()
    return count


def waits_until(session: Session, run_id: int) -> datetime | None:
    """When the last of the run's endpoints that are held back may be asked again; None where none is."""
    waiting = select(col(Request.id)).where(
        col(Request.run_id) == run_id, col(Request.endpoint) == col(Pace.endpoint), col(Request.state) == "waiting"
    )
    query = select(func.max(col(Pace.blocked_until))).where(col(Pace.blocked_until) > now(), waiting.exists())
    until: datetime | None = session.execute(query).scalar_one()
    return until


def failures(session: Session, run_id: int, most: int) -> list[Failure]:
    """Failed requests of a run with the words of their last try."""
    last = (
        select(func.max(col(Attempt.id))).where(col(Attempt.request_id) == col(Request.id)).correlate(Request).scalar_subquery()
    )  # fmt: skip
    query = (
        select(
            col(RunRequest.number), col(Request.reason), col(Attempt.message), col(RunRequest.prompt_id), col(RunRequest.pair_id)
        )
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .outerjoin(Attempt, col(Attempt.id) == last)
        .where(col(RunRequest.run_id) == run_id, col(Request.state) == "failed")
        .order_by(col(RunRequest.number))
        .limit(most)
    )  # fmt: skip
    return [
        Failure(number, reason or "unknown", message or "", prompt_id, pair_id)
        for number, reason, message, prompt_id, pair_id in session.execute(query)
    ]


def retry_failed(session: Session, run_id: int, most: int) -> int:
    """Let up to `most` failed requests of a run be tried anew; how many."""
    failed = (
        select(col(RunRequest.request_id))
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .where(col(RunRequest.run_id) == run_id, col(Request.state) == "failed")
        .limit(most)
    )
    changed = session.execute(
        update(Request)
        .where(col(Request.id).in_(failed), col(Request.state) == "failed")
        .values(state="waiting", reason=None, attempts=0, due_at=now(), run_id=run_id)
        .returning(col(Request.id))
    )
    return len(changed.all())
