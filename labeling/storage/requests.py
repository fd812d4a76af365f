"""Requests of a run: planned, and read again as answers by what the run was for."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from labeling.domain import Json
from labeling.storage.tables import Answer, Attempt, Request, RequestBody, Run, RunRequest, core, now

ACTIVE = ("preparing", "running")


@dataclass(frozen=True, slots=True)
class NewRequest:
    """One wanted call, with what the run wants it for. `endpoint` is the name of its pace."""

    key: str
    base_url: str
    model: str
    key_env: str | None
    endpoint: str
    body: str
    sample_number: int
    generator_id: int | None
    prompt_id: int | None
    pair_id: int | None
    pair_order: str | None
    completion_id: int | None = None
    is_repair: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was sent; `body` is its JSON."""

    id: int
    base_url: str
    model: str
    key_env: str | None
    endpoint: str
    sample_number: int
    body: str


@dataclass(frozen=True, slots=True)
class HarvestRow:
    """An answered request that the run has not made anything of yet."""

    project_id: int
    run_id: int
    number: int
    request_id: int
    generator_id: int | None
    prompt_id: int | None
    pair_id: int | None
    pair_order: str | None
    completion_id: int | None
    sample_number: int
    is_repair: bool
    text: str
    tool_calls: tuple[Json, ...]
    finish_reason: str | None
    model: str | None
    is_sandbox: bool


def up_to_the_last_answer() -> ColumnElement[bool]:
    """Of a run's open requests only those that may be answered: the long rest of a queue is not looked through."""
    return col(RunRequest.request_id) <= select(func.max(col(Answer.request_id))).scalar_subquery()


# Built once: an expression costs more than the query it makes.
WANTED, ANSWER = core(RunRequest).c, core(Answer).c
OPEN_ANSWERS = (
    select(
        core(Run).c.project_id, WANTED.run_id, WANTED.number, WANTED.request_id, WANTED.generator_id, WANTED.prompt_id, WANTED.pair_id,
        WANTED.pair_order, WANTED.completion_id, WANTED.sample_number, WANTED.is_repair, ANSWER.text, ANSWER.tool_calls,
        ANSWER.finish_reason, ANSWER.model, ANSWER.is_sandbox,
    )
    .join_from(core(RunRequest), core(Run), core(Run).c.id == WANTED.run_id)
    .join(core(Answer), ANSWER.request_id == WANTED.request_id)
    .where(WANTED.run_id == bindparam("run"), WANTED.harvested_at.is_(None), up_to_the_last_answer())
    .order_by(WANTED.request_id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=core(RunRequest))
)  # fmt: skip
OWN_WAITING = (
    select(core(Request).c.id)
    .where(core(Request).c.run_id == bindparam("run"), core(Request).c.state == literal_column("'waiting'"))
    .limit(1)
)
MARK_HARVESTED = (
    update(core(RunRequest))
    .where(
        core(RunRequest).c.run_id == bindparam("run"),
        core(RunRequest).c.number.in_(bindparam("numbers", expanding=True)),
    )
    .values(harvested_at=bindparam("at"))
)
HARVESTED = tuple(field.name for field in fields(HarvestRow))


def plan(session: Session, run_id: int, first: int, wanted: Sequence[NewRequest]) -> None:
    """Put `wanted` into a run under the numbers from `first`.

    A key that is known is linked: answered, it is never sent again; waiting in a run that stands still, or failed, it
    becomes this run's; waiting in a running one, it is left to that run.
    """
    distinct = {one.key: one for one in wanted}
    inserted = _insert_new(session, run_id, distinct)
    if inserted:
        session.execute(
            insert(RequestBody), [{"request_id": id_, "body": distinct[key].body} for key, id_ in inserted.items()]
        )
    known = _ids_of(session, [key for key in distinct if key not in inserted])
    for key, id_ in known.items():
        _take_over(session, run_id, id_, distinct[key])
    ids = inserted | known
    session.execute(
        insert(RunRequest),
        [
            {
                "run_id": run_id,
                "number": number,
                "request_id": ids[one.key],
                "generator_id": one.generator_id,
                "prompt_id": one.prompt_id,
                "pair_id": one.pair_id,
                "pair_order": one.pair_order,
                "completion_id": one.completion_id,
                "sample_number": one.sample_number,
                "is_repair": one.is_repair,
            }
            for number, one in enumerate(wanted, first)
        ],
    )
    session.execute(update(Run).where(col(Run.id) == run_id).values(asked=first + len(wanted), heartbeat_at=now()))


def discard(session: Session, run_id: int, most: int) -> int:
    """Remove links of a run that was never started, and the requests that only it wanted; 0 when none is left."""
    ids = list(
        session.scalars(
            select(col(RunRequest.number)).where(col(RunRequest.run_id) == run_id).order_by(col(RunRequest.number)).limit(most)
        )
    )  # fmt: skip
    ours = col(RunRequest.run_id) == run_id
    requests = list(
        session.scalars(select(col(RunRequest.request_id)).where(ours, col(RunRequest.number).in_(ids)).distinct())
    )
    session.execute(delete(RunRequest).where(ours, col(RunRequest.number).in_(ids)))
    linked = select(col(RunRequest.request_id)).where(col(RunRequest.request_id) == col(Request.id)).exists()
    tried = select(col(Attempt.id)).where(col(Attempt.request_id) == col(Request.id)).exists()
    gone = list(
        session.scalars(
            select(col(Request.id)).where(
                col(Request.id).in_(requests), col(Request.run_id) == run_id, col(Request.state) == "waiting", ~linked, ~tried
            )
        )
    )  # fmt: skip
    session.execute(delete(RequestBody).where(col(RequestBody.request_id).in_(gone)))
    session.execute(delete(Request).where(col(Request.id).in_(gone)))
    return len(ids)


def answered_keys(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that are answered already."""
    query = select(col(Request.key)).where(col(Request.key).in_(keys), col(Request.state) == "answered")
    return set(session.scalars(query))


def recent_tokens(session: Session, most: int = 1000) -> dict[tuple[str, str], tuple[int, float]]:
    """(address, model) -> answers among the last ones, and their mean tokens out."""
    recent = select(col(Answer.request_id)).order_by(col(Answer.request_id).desc()).limit(most).subquery()
    query = (
        select(col(Request.base_url), col(Request.model), func.count(), func.avg(col(Answer.completion_tokens)))
        .join(Answer, col(Answer.request_id) == col(Request.id))
        .where(col(Request.id).in_(select(recent.c.request_id)), col(Answer.completion_tokens).is_not(None))
        .group_by(col(Request.base_url), col(Request.model))
    )
    return {(base_url, model): (count, float(mean)) for base_url, model, count, mean in session.execute(query)}


def open_answers(session: Session, run_id: int, limit: int) -> list[HarvestRow]:
    """Up to `limit` answers of a run that were not harvested, in the order of the plan.

    Locked until the transaction ends: two workers that harvest one run get different ones.
    """
    return sorted(
        (_harvest_row(row) for row in session.connection().execute(OPEN_ANSWERS, {"run": run_id, "most": limit})),
        key=lambda row: row.number,
    )


def sent(session: Session, request_ids: Sequence[int]) -> dict[int, Sent]:
    """The requests as they were sent, by id."""
    query = (
        select(
            col(Request.id), col(Request.base_url), col(Request.model), col(Request.key_env), col(Request.endpoint),
            col(Request.sample_number), col(RequestBody.body),
        )
        .join(RequestBody, col(RequestBody.request_id) == col(Request.id))
        .where(col(Request.id).in_(request_ids))
    )  # fmt: skip
    return {row[0]: Sent(*row) for row in session.execute(query) if row[0] is not None}


def repaired_of(session: Session, base_url: str, model: str, most: int = 2000) -> tuple[int, int]:
    """Of the last judging replies of a model: how many first ones were read, and how many of them had to be asked again."""
    last = (
        select(col(RunRequest.is_repair))
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .where(
            col(Request.base_url) == base_url,
            col(Request.model) == model,
            col(RunRequest.pair_id).is_not(None),
            col(RunRequest.harvested_at).is_not(None) | col(RunRequest.is_repair),
        )
        .order_by(col(RunRequest.request_id).desc())
        .limit(most)
        .subquery()
    )
    found = dict(session.execute(select(last.c.is_repair, func.count()).group_by(last.c.is_repair)).all())
    return found.get(False, 0), found.get(True, 0)


def mark_harvested(session: Session, run_id: int, numbers: Sequence[int]) -> None:
    """Say that the run made what it wanted of the answers under these numbers of its plan."""
    values = {"run": run_id, "numbers": list(numbers), "at": now()}
    session.connection().execute(MARK_HARVESTED, values)


def has_unharvested(session: Session, run_id: int) -> bool:
    query = (
        select(col(RunRequest.number))
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .where(
            col(RunRequest.run_id) == run_id, col(RunRequest.harvested_at).is_(None), col(Request.state) == "answered"
        )
    )
    return session.execute(query.limit(1)).first() is not None


def has_waiting(session: Session, run_id: int) -> bool:
    """Whether a request that the run wants is still without an outcome, whichever run has it done."""
    return has_own_waiting(session, run_id) or next(_linked_waiting(session, run_id, 1), None) is not None


def has_own_waiting(session: Session, run_id: int) -> bool:
    return session.connection().execute(OWN_WAITING, {"run": run_id}).first() is not None


def adoptable(session: Session, run_id: int, most: int = 500) -> list[int]:
    """Waiting requests that this run wants and that belong to runs which stand still."""
    query = (
        select(col(RunRequest.request_id))
        .join(Request, col(Request.id) == col(RunRequest.request_id))
        .join(Run, col(Run.id) == col(Request.run_id))
        .where(
            col(RunRequest.run_id) == run_id,
            col(RunRequest.harvested_at).is_(None),
            col(Request.state) == "waiting",
            col(Run.state).not_in(ACTIVE),
        )
    )
    return list(session.scalars(query.limit(most)))


def adopt(session: Session, run_id: int, request_ids: Sequence[int]) -> None:
    """Make these waiting requests the run's own, where they still belong to runs that stand still."""
    idle = select(col(Run.id)).where(col(Run.state).not_in(ACTIVE))
    session.execute(
        update(Request)
        .where(
            col(Request.id).in_(request_ids),
            col(Request.state) == "waiting",
            col(Request.run_id).in_(idle),
        )
        .values(run_id=run_id)
        .execution_options(synchronize_session=False)
    )


def _linked_waiting(session: Session, run_id: int, most: int) -> Iterator[int]:
    query = (
        select(col(Request.id))
        .join(RunRequest, col(RunRequest.request_id) == col(Request.id))
        .where(
            col(RunRequest.run_id) == run_id, col(RunRequest.harvested_at).is_(None), col(Request.state) == "waiting"
        )
        .limit(most)
    )
    yield from (id_ for id_ in session.scalars(query) if id_ is not None)


def _upsert(session: Session) -> Any:
    """`insert` of the engine in use, with ON CONFLICT: the call is the same on both."""
    return sqlite.insert if session.connection().dialect.name == "sqlite" else postgresql.insert


def _insert_new(session: Session, run_id: int, distinct: dict[str, NewRequest]) -> dict[str, int]:
    statement = _upsert(session)(Request).on_conflict_do_nothing(index_elements=["key"])
    due = now()
    rows = [
        {
            "key": one.key,
            "base_url": one.base_url,
            "model": one.model,
            "key_env": one.key_env,
            "endpoint": one.endpoint,
            "sample_number": one.sample_number,
            "run_id": run_id,
            "state": "waiting",
            "attempts": 0,
            "due_at": due,
        }
        for one in distinct.values()
    ]
    inserted = session.execute(statement.returning(col(Request.key), col(Request.id)), rows)
    return {key: id_ for key, id_ in inserted if id_ is not None}


def _ids_of(session: Session, keys: Sequence[str]) -> dict[str, int]:
    if not keys:
        return {}
    query = select(col(Request.key), col(Request.id)).where(col(Request.key).in_(keys))
    return {key: id_ for key, id_ in session.execute(query) if id_ is not None}


def _take_over(session: Session, run_id: int, request_id: int, wanted: NewRequest) -> None:
    idle = select(col(Run.id)).where(col(Run.state).not_in(ACTIVE))
    session.execute(
        update(Request)
        .where(
            col(Request.id) == request_id,
            or_(
                col(Request.state) == "failed", (col(Request.state) == "waiting") & col(Request.run_id).in_(idle)
            ),
            # What is in flight stays whose it is until its answer or the end of its lease.
            or_(col(Request.lease_until).is_(None), col(Request.lease_until) < now()),
        )
        .values(
            run_id=run_id,
            key_env=wanted.key_env,
            endpoint=wanted.endpoint,
            state="waiting",
            reason=None,
            attempts=0,
            due_at=now(),
            lease_owner=None,
            lease_until=None,
        )
    )  # fmt: skip


def _harvest_row(row: Any) -> HarvestRow:
    values = dict(zip(HARVESTED, row, strict=True))
    values["tool_calls"] = tuple(json.loads(values["tool_calls"])) if values["tool_calls"] else ()
    return HarvestRow(**values)
