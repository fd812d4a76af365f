"""Figures of a run from its last answers: they are read again and again while it goes, so that few rows must do."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from labeling.storage.tables import Answer, RunRequest

RECENT = 500


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """An answer of a run, and what the run wanted it for. `text` is its beginning."""

    request_id: int
    text: str
    characters: int
    prompt_id: int | None
    pair_id: int | None
    finish_reason: str | None
    completion_tokens: int | None
    cost_usd: float | None
    is_sandbox: bool
    created_at: datetime


def recent_costs(session: Session, run_id: int) -> list[tuple[datetime, float | None]]:
    """When a run's last answers came, and what each cost; in no order."""
    query = (
        select(col(Answer.created_at), col(Answer.cost_usd))
        .where(col(Answer.run_id) == run_id)
        .order_by(col(Answer.request_id).desc())
        .limit(RECENT)
    )
    return [(at, cost) for at, cost in session.execute(query)]


def recent_answers(session: Session, run_id: int, most: int, characters: int) -> list[RecentAnswer]:
    """The last answers of a run with the beginning of their texts, the newest first."""
    last = (
        select(col(Answer.request_id), col(Answer.created_at))
        .where(col(Answer.run_id) == run_id)
        .order_by(col(Answer.request_id).desc())
        .limit(RECENT)
        .subquery()
    )
    newest = select(last.c.request_id).order_by(last.c.created_at.desc(), last.c.request_id.desc()).limit(most)
    ids = list(session.scalars(newest))
    if not ids:
        return []
    query = (
        select(
            col(Answer.request_id), func.substr(col(Answer.text), 1, characters), func.length(col(Answer.text)), col(RunRequest.prompt_id),
            col(RunRequest.pair_id), col(Answer.finish_reason), col(Answer.completion_tokens), col(Answer.cost_usd), col(Answer.is_sandbox),
            col(Answer.created_at),
        )
        .join(RunRequest, col(RunRequest.request_id) == col(Answer.request_id))
        # The sum keeps SQLite from walking the whole plan of the run: the requests are few.
        .where(col(Answer.request_id).in_(ids), col(RunRequest.run_id) + 0 == run_id)
        .order_by(col(RunRequest.number))
    )  # fmt: skip
    # Two wants may share one request: it is shown once.
    found = {row[0]: RecentAnswer(*row) for row in session.execute(query)}
    return [found[id_] for id_ in ids if id_ in found]
