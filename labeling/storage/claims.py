"""What a worker does to requests: claim them for a while, renew the claim, and save what came of them.

A claim is a lease: `due_at` of a leased request is the end of its lease, so that one that was left behind by a dead
worker comes up again by itself. Saving is guarded by the lease: an answer that comes after another one is refused.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, literal_column, select, update
from sqlmodel import Session

from labeling.storage.inserting import insert_rows
from labeling.storage.tables import Answer, Attempt, Request, RequestBody, Run, core, now

MESSAGE_CHARACTERS = 2000

# Built once: an expression costs more than the query it makes. The engine takes the index of waiting requests only
# where it can read the word: a parameter hides it.
REQUEST, BODY, RUN = core(Request).c, core(RequestBody).c, core(Run).c
WAITING = REQUEST.state == literal_column("'waiting'")
DUE = (
    select(
        REQUEST.id, REQUEST.run_id, REQUEST.base_url, REQUEST.model, REQUEST.key_env, REQUEST.endpoint, REQUEST.sample_number,
        REQUEST.attempts, BODY.body,
    )
    .join_from(core(Request), core(RequestBody), BODY.request_id == REQUEST.id)
    .where(
        REQUEST.run_id == bindparam("run_id"),
        REQUEST.endpoint == bindparam("at"),
        WAITING,
        REQUEST.due_at <= bindparam("now"),
    )
    .order_by(REQUEST.due_at, REQUEST.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=core(Request))
)  # fmt: skip
LEASE = (
    update(core(Request))
    .where(REQUEST.id.in_(bindparam("ids", expanding=True)))
    .values(lease_owner=bindparam("owner"), lease_until=bindparam("until"), due_at=bindparam("until"))
)
OWN = (
    update(core(Request))
    .where(
        REQUEST.id.in_(bindparam("ids", expanding=True)),
        REQUEST.lease_owner == bindparam("owner"),
        WAITING,
    )
    .values(
        state=bindparam("becomes"),
        reason=bindparam("why"),
        attempts=bindparam("tries"),
        due_at=bindparam("due"),
        lease_owner=None,
        lease_until=None,
    )
    .returning(REQUEST.id)
)
ANSWERED = (
    "request_id", "run_id", "text", "tool_calls", "finish_reason", "model", "prompt_tokens", "cached_tokens", "completion_tokens",
    "reasoning_tokens", "cost_usd", "is_sandbox", "milliseconds",
)  # fmt: skip
PAY = (
    update(core(Run))
    .where(RUN.id == bindparam("run"))
    .values(
        spent_usd=RUN.spent_usd + bindparam("usd"),
        unpriced=RUN.unpriced + bindparam("unknown"),
        prompt_tokens=RUN.prompt_tokens + bindparam("tokens_in"),
        completion_tokens=RUN.completion_tokens + bindparam("tokens_out"),
    )
)


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
    where it cost one.
    """

    claimed: Claimed
    state: str
    reason: str | None = None
    message: str = ""
    is_kept: bool = True
    attempts: int = 0
    due_at: datetime | None = None
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
    connection = session.connection()
    # Two statements: as a subquery PostgreSQL may run the SELECT again for each row, and lock more than its LIMIT.
    due = connection.execute(DUE, {"run_id": run_id, "at": endpoint, "now": now(), "most": most}).all()
    if due:
        connection.execute(LEASE, {"ids": [row[0] for row in due], "owner": owner, "until": until})
    return [Claimed(*row) for row in due]


def save(session: Session, owner: str, outcomes: Sequence[Outcome]) -> int:
    """Store what came of claims; how many came too late, since another worker has the request or its answer.

    What a late reply cost is counted all the same: it was paid.
    """
    owned = _release(session, owner, outcomes)
    answers = [_answer(one) for one in outcomes if one.state == "answered" and one.claimed.request_id in owned]
    insert_rows(session, core(Answer), ANSWERED, answers, {"created_at": now()})
    tries = [
        one if one.claimed.request_id in owned else replace(one, reason="late", message="Another worker was first.")
        for one in outcomes
        if one.is_kept and (one.state != "answered" or one.claimed.request_id not in owned)
    ]
    if tries:
        session.connection().execute(insert(core(Attempt)), [_attempt(one) for one in tries])
    _add_up(session, outcomes)
    return sum(one.claimed.request_id not in owned for one in outcomes)


def _release(session: Session, owner: str, outcomes: Sequence[Outcome]) -> set[int]:
    """Write what the requests become, where this worker still has them; the ids for which it had."""
    owned: set[int] = set()
    moment = now()
    alike: dict[tuple[Any, ...], list[int]] = {}
    for one in outcomes:
        alike.setdefault((one.state, _reason(one), one.attempts, one.due_at), []).append(one.claimed.request_id)
    for (state, reason, attempts, due_at), ids in alike.items():
        values = {"becomes": state, "why": reason, "tries": attempts, "due": due_at or moment}
        owned.update(session.connection().execute(OWN, {"ids": ids, "owner": owner, **values}).scalars())
    return owned


def _reason(one: Outcome) -> str | None:
    return one.reason if one.state == "failed" else None


def _answer(one: Outcome) -> tuple[Any, ...]:
    return (
        one.claimed.request_id, one.claimed.run_id, one.text, one.tool_calls, one.finish_reason, one.model, one.prompt_tokens,
        one.cached_tokens, one.completion_tokens, one.reasoning_tokens, one.cost_usd, one.is_sandbox, one.milliseconds,
    )  # fmt: skip


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
    """Put what the replies cost on their runs."""
    billed = [one for one in outcomes if one.was_billed]
    for run_id in sorted({one.claimed.run_id for one in billed}):
        ours = [one for one in billed if one.claimed.run_id == run_id]
        session.connection().execute(
            PAY,
            {
                "run": run_id,
                "usd": sum(one.cost_usd or 0.0 for one in ours),
                "unknown": sum(one.cost_usd is None for one in ours),
                "tokens_in": sum(one.prompt_tokens or 0 for one in ours),
                "tokens_out": sum(one.completion_tokens or 0 for one in ours),
            },
        )
