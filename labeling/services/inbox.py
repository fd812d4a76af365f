"""The lead's inbox: what annotators flagged, and what they passed over, with their reasons."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labeling.domain import Actor
from labeling.errors import NotFoundError
from labeling.services.access import managed_project
from labeling.storage import taking_back as rows
from labeling.storage.store import Store
from labeling.storage.tables import now
from labeling.storage.taking_back import Told

__all__ = ["Message", "Told", "flags", "settle_flag", "skips"]

MOST = 500
EVERY = Told()


@dataclass(frozen=True, slots=True)
class Message:
    """A flag (with its key) or a skip (without one) of an annotator on a pair, which may be left out since."""

    flag_id: int | None
    pair_id: int
    annotator: str
    reasons: tuple[str, ...]
    comment: str | None
    at: datetime
    is_left_out: bool


def flags(store: Store, actor: Actor, slug: str, told: Told = EVERY, *, settled: bool = False) -> list[Message]:
    """The newest 500 flags, open or settled. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return _messages(rows.flags(session, project_id, told, MOST, settled=settled))


def skips(store: Store, actor: Actor, slug: str, told: Told = EVERY) -> list[Message]:
    """The newest 500 skips that stand. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return _messages(rows.skips(session, project_id, told, MOST))


def settle_flag(store: Store, actor: Actor, slug: str, flag_id: int) -> None:
    """Say that a flag is dealt with. Raises NotFoundError (also where it is settled already), ForbiddenError."""
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        if not rows.settle_flag(session, project_id, flag_id, actor.account_id, now()):
            raise NotFoundError("This flag is settled already, or is none of this project's.")


def _messages(found: Sequence[Any]) -> list[Message]:
    return [
        Message(
            flag_id=getattr(row, "id", None),
            pair_id=row.pair_id,
            annotator=row.name,
            reasons=tuple(json.loads(row.reasons or "[]")),
            comment=row.comment,
            at=row.created_at,
            is_left_out=row.is_left_out,
        )
        for row in found
    ]
