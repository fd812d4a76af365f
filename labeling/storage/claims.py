"""What a worker does to requests: claim them for a while, renew the claim, and save what came of them.

A claim is a lease: `due_at` of a leased request is the end of its lease, so that one that was left behind by a dead
worker comes up again by itself. Saving is guarded by the lease: an answer that comes after another one is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from labeling.storage.tables import Answer, Attempt, Lease, Pace, Request, RequestBody, Run, now

IN_FLIGHT = 32  # of an endpoint, where nothing is stated
BURST_SECONDS = 0.5  # of a stated pace, that may go out at once
TOKENS_BURST_SECONDS = 10.0
TOKENS_GUESS = 500  # a request's tokens, before they are known
MESSAGE_CHARACTERS = 2000
BATCH = "batch "


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that this worker has to do now."""

    request_id: int
    run_id: int
    base_url: str
    model: str
    key_env: str | None
    endpoint: str
    sample_number: int
    attempts: int
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a claim: an answer, a last failure, or another try at `due_at`.

    `state` is what the request becomes. `reason` and `message` tell why there is no answer; a try is kept (`is_kept`)
    where it cost one. `blocked_until` holds back the whole endpoint.
    """

    claimed: Claimed
    state: str
    reason: str | None = None
    message: str = ""
    is_kept: bool = True
    attempts: int = 0
    due_at: datetime | None = None
    blocked_until: datetime | None = None
    text: str | None = None
    tool_calls: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    is_sandbox: bool = False
    milliseconds: int | None = None

    @property
    def was_billed(self) -> bool:
        """Whether the endpoint sent a reply, good or not: its tokens are paid for."""
        return self.text is not None


def claim(session: Session, owner: str, run_id: int, endpoint: str, most: int, until: datetime) -> list[Claimed]:
    """Lease up to `most` due requests of a run at an endpoint until `until`."""
    due = (
        select(col(Request.id))
        .where(
            col(Request.run_id) == run_id,
            col(Request.endpoint) == endpoint,
            col(Request.state) == "waiting",
            col(Request.due_at) <= now(),
        )
        .order_by(col(Request.due_at), col(Request.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    # Two statements: as a subquery PostgreSQL may run the SELECT again for each row, and lock more than its LIMIT.
    ids = list(session.scalars(due))
    if not ids:
        return []
    leased = session.execute(
        update(Request)
        .where(col(Request.id).in_(ids))
        .values(lease_owner=owner, lease_until=until, due_at=until)
        .returning(
            col(Request.id), col(Request.run_id), col(Request.base_url), col(Request.model), col(Request.key_env), col(Request.endpoint),
            col(Request.sample_number), col(Request.attempts),
        )
    ).all()  # fmt: skip
    bodies = _bodies(session, [row[0] for row in leased])
    return [
        Claimed(id_, run_id, base_url, model, key_env, endpoint, sample_number, attempts, bodies[id_])
        for id_, run_id, base_url, model, key_env, endpoint, sample_number, attempts in leased
        if id_ is not None
    ]


def save(session: Session, owner: str, outcomes: Sequence[Outcome]) -> int:
    """Store what came of claims; how many came too late, since another worker has the request or its answer.

    What a late reply cost is counted all the same: it was paid.
    """
    owned = _release(session, owner, outcomes)
    answers = [one for one in outcomes if one.state == "answered" and one.claimed.request_id in owned]
    if answers:
        session.execute(insert(Answer), [_answer(one) for one in answers])
    tries = [
        one if one.claimed.request_id in owned else replace(one, reason="late", message="Another worker was first.")
        for one in outcomes
        if one.is_kept and (one.state != "answered" or one.claimed.request_id not in owned)
    ]
    if tries:
        session.execute(insert(Attempt), [_attempt(one) for one in tries])
    _add_up(session, outcomes)
    for one in outcomes:
        if one.blocked_until is not None:
            block(session, one.claimed.endpoint, one.blocked_until)
    return sum(one.claimed.request_id not in owned for one in outcomes)


def block(session: Session, endpoint: str, until: datetime) -> None:
    """Ask nobody at this endpoint before `until`; a longer wait that is known already stands."""
    longer = (col(Pace.blocked_until).is_(None)) | (col(Pace.blocked_until) < until)
    session.execute(update(Pace).where(col(Pace.endpoint) == endpoint, longer).values(blocked_until=until))


def endpoints_of(session: Session, run_id: int) -> list[str]:
    """The endpoints at which a run has requests waiting."""
    waiting = select(col(Request.id)).where(
        col(Request.run_id) == run_id, col(Request.endpoint) == col(Pace.endpoint), col(Request.state) == "waiting"
    )
    return list(session.scalars(select(col(Pace.endpoint)).where(waiting.exists()).order_by(col(Pace.endpoint))))


def allowance(session: Session, endpoint: str, most: int) -> tuple[int, datetime | None]:
    """How many requests the endpoint may be sent now, at most `most`, and else when to ask again.

    Takes them out of its bucket. The row is locked, so that all workers share one pace.
    """
    pace = session.scalars(select(Pace).where(col(Pace.endpoint) == endpoint).with_for_update()).one()
    moment = now()
    if pace.blocked_until is not None and pace.blocked_until > moment:
        return 0, pace.blocked_until
    allowed = min(most, (pace.max_in_flight or IN_FLIGHT) - in_flight_at(session, endpoint))
    again = None
    seconds = max(0.0, (moment - pace.refilled_at).total_seconds())
    if pace.requests_per_minute:
        per_second = pace.requests_per_minute / 60
        pace.requests_left = min(max(1.0, per_second * BURST_SECONDS), pace.requests_left + seconds * per_second)
        if pace.requests_left < 1:
            again = moment + timedelta(seconds=(1 - pace.requests_left) / per_second)
        allowed = min(allowed, int(pace.requests_left))
    if pace.tokens_per_minute:
        per_second = pace.tokens_per_minute / 60
        # Tokens are taken when they are known, after the reply: the bucket may fall below nothing and then waits.
        pace.tokens_left = min(per_second * TOKENS_BURST_SECONDS, pace.tokens_left + seconds * per_second)
        if pace.tokens_left <= 0:
            again = moment + timedelta(seconds=-pace.tokens_left / per_second)
        allowed = min(allowed, max(1, int(pace.tokens_left / TOKENS_GUESS)) if pace.tokens_left > 0 else 0)
    pace.refilled_at = moment
    session.add(pace)
    session.flush()
    return max(0, allowed), again


def take(session: Session, endpoint: str, requests: int) -> None:
    """Take what was claimed out of the endpoint's bucket."""
    session.execute(
        update(Pace)
        .where(col(Pace.endpoint) == endpoint, col(Pace.requests_per_minute).is_not(None))
        .values(requests_left=col(Pace.requests_left) - requests)
    )


def in_flight_at(session: Session, endpoint: str) -> int:
    return _in_flight(session, col(Request.endpoint) == endpoint)


def in_flight_of(session: Session, run_id: int) -> int:
    return _in_flight(session, col(Request.run_id) == run_id)


def renew(session: Session, owner: str, until: datetime) -> None:
    """Keep the leases of a worker that lives."""
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
    query = query.distinct()
    return [owner for owner in session.scalars(query) if owner is not None]


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


def _in_flight(session: Session, where: Any) -> int:
    query = select(func.count()).where(
        col(Request.lease_owner).is_not(None), col(Request.lease_until) > now(), col(Request.state) == "waiting", where
    )
    count: int = session.execute(query).scalar_one()
    return count


def _bodies(session: Session, ids: Sequence[int]) -> dict[int, str]:
    if not ids:
        return {}
    query = select(col(RequestBody.request_id), col(RequestBody.body)).where(col(RequestBody.request_id).in_(ids))
    return dict(session.execute(query).all())


def _release(session: Session, owner: str, outcomes: Sequence[Outcome]) -> set[int]:
    """Write what the requests become, where this worker still has them; the ids for which it had."""
    owned: set[int] = set()
    alike: dict[tuple[Any, ...], list[int]] = {}
    for one in outcomes:
        alike.setdefault((one.state, _reason(one), one.attempts, one.due_at), []).append(one.claimed.request_id)
    for (state, reason, attempts, due_at), ids in alike.items():
        values = {"state": state, "reason": reason, "attempts": attempts, "lease_owner": None, "lease_until": None}
        changed = session.scalars(
            update(Request)
            .where(col(Request.id).in_(ids), col(Request.lease_owner) == owner, col(Request.state) == "waiting")
            .values(**values, **({"due_at": due_at} if due_at else {}))
            .returning(col(Request.id))
        )
        owned.update(id_ for id_ in changed if id_ is not None)
    return owned


def _reason(one: Outcome) -> str | None:
    return one.reason if one.state == "failed" else None


def _answer(one: Outcome) -> dict[str, Any]:
    return {
        "request_id": one.claimed.request_id,
        "run_id": one.claimed.run_id,
        "text": one.text,
        "tool_calls": one.tool_calls,
        "finish_reason": one.finish_reason,
        "model": one.model,
        "prompt_tokens": one.prompt_tokens,
        "cached_tokens": one.cached_tokens,
        "completion_tokens": one.completion_tokens,
        "reasoning_tokens": one.reasoning_tokens,
        "cost_usd": one.cost_usd,
        "is_sandbox": one.is_sandbox,
        "milliseconds": one.milliseconds,
        "created_at": now(),
    }


def _attempt(one: Outcome) -> dict[str, Any]:
    return {
        "request_id": one.claimed.request_id,
        "run_id": one.claimed.run_id,
        "reason": one.reason,
        "message": one.message[:MESSAGE_CHARACTERS],
        "text": one.text,
        "prompt_tokens": one.prompt_tokens,
        "completion_tokens": one.completion_tokens,
        "cost_usd": one.cost_usd,
        "created_at": now(),
    }


def _add_up(session: Session, outcomes: Iterable[Outcome]) -> None:
    """Put what the replies cost on their runs, and their tokens on the endpoints' buckets."""
    billed = [one for one in outcomes if one.was_billed]
    for run_id in sorted({one.claimed.run_id for one in billed}):
        ours = [one for one in billed if one.claimed.run_id == run_id]
        session.execute(
            update(Run)
            .where(col(Run.id) == run_id)
            .values(
                spent_usd=col(Run.spent_usd) + sum(one.cost_usd or 0.0 for one in ours),
                unpriced=col(Run.unpriced) + sum(one.cost_usd is None for one in ours),
                prompt_tokens=col(Run.prompt_tokens) + sum(one.prompt_tokens or 0 for one in ours),
                completion_tokens=col(Run.completion_tokens) + sum(one.completion_tokens or 0 for one in ours),
            )
        )
    for endpoint in sorted({one.claimed.endpoint for one in billed}):
        tokens = sum(
            (one.prompt_tokens or 0) + (one.completion_tokens or 0)
            for one in billed
            if one.claimed.endpoint == endpoint
        )
        session.execute(
            update(Pace)
            .where(col(Pace.endpoint) == endpoint, col(Pace.tokens_per_minute).is_not(None))
            .values(tokens_left=col(Pace.tokens_left) - tokens)
        )
