"""The row of an import: begun, alive, ended; its refusals; and the taking back of what it has written."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, col

from labeling.storage.store import Store
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Erasure,
    Import,
    ImportRefusal,
    Label,
    Pair,
    PromptAlias,
    PromptText,
    core,
    now,
)
from labeling.storage.tables import PromptRow as PromptTable

PROMPT, COMPLETION, PAIR = core(PromptTable), core(Completion), core(Pair)
NAMELESS = ""  # the source of a completion whose file names none
EVENTS = UUID("6f0d8bd5-9f43-5c38-8f0b-5f1c4f0d7a11")


def rows_at_once(store: Store) -> int:
    """How many rows of an import one transaction writes in some 25 ms. PostgreSQL asks a query for each key that a row points by."""
    return 250 if store.is_sqlite else 100


def unfinished(session: Session, project_id: int) -> Import | None:
    query = select(Import).where(col(Import.project_id) == project_id, col(Import.state) == "writing")
    return session.scalars(query).first()


def all_unfinished(session: Session) -> Sequence[Import]:
    return session.scalars(select(Import).where(col(Import.state) == "writing")).all()


def imports_of(session: Session, project_id: int, limit: int) -> Sequence[Import]:
    query = select(Import).where(col(Import.project_id) == project_id).order_by(col(Import.id).desc()).limit(limit)
    return session.scalars(query).all()


def refusals_of(session: Session, import_id: int) -> Sequence[ImportRefusal]:
    query = select(ImportRefusal).where(col(ImportRefusal.import_id) == import_id).order_by(col(ImportRefusal.id))
    return session.scalars(query).all()


def add_refusals(session: Session, import_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(core(ImportRefusal)), [row | {"import_id": import_id} for row in rows])


def forget(session: Session, import_id: int, limit: int) -> int:
    """Delete up to `limit` rows of an import that never ended, labels first; return how many went."""
    session.execute(delete(PromptAlias).where(col(PromptAlias.import_id) == import_id))
    for table, text in ((Label, None), (Pair, None), (Completion, CompletionText), (PromptTable, PromptText)):
        rows = core(table)
        keys = session.scalars(select(rows.c.id).where(rows.c.import_id == import_id).limit(limit)).all()
        if not keys:
            continue
        if text is not None:
            texts = core(text)
            session.execute(delete(texts).where(next(iter(texts.primary_key)).in_(keys)))
        session.execute(delete(rows).where(rows.c.id.in_(keys)))
        return len(keys)
    return 0


def open_erasure(session: Session, import_id: int) -> None:
    session.add(Erasure(import_id=import_id, reason="the import was interrupted"))


def close_import(session: Session, import_id: int, state: str, at: datetime, **counts: Any) -> None:
    session.execute(update(Erasure).where(col(Erasure.import_id) == import_id).values(ended_at=at))
    session.execute(update(Import).where(col(Import.id) == import_id).values(state=state, ended_at=at, **counts))


def close_taken_back(session: Session, import_id: int, at: datetime, fault: str | None) -> None:
    """Close an import of which nothing is left but its refusals, and why; `fault` is None where it was stopped by hand."""
    refused = json.loads(session.get_one(Import, import_id).counts).get("refused", {})
    counts = json.dumps({"refused": refused, "fault": fault})
    close_import(session, import_id, "removed", at, rows_taken=0, counts=counts)


def beat(session: Session, import_id: int, **counts: Any) -> bool:
    """Say that the import is alive, and how far it is. False: it was taken back meanwhile, and may write no more."""
    rows = core(Import)
    alive = update(rows).where(rows.c.id == import_id, rows.c.state == "writing").values(heartbeat_at=now(), **counts)
    return session.connection().execute(alive).rowcount == 1


def recount(session: Session, import_id: int, **counts: Any) -> None:
    """Write the counts of an import that has ended."""
    session.execute(update(Import).where(col(Import.id) == import_id).values(**counts))
