"""Label rules saved under names: every version stays, the newest counts."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlmodel import Session, col

from labeling.storage.tables import RuleSet, now


def newest(session: Session, project_id: int) -> Sequence[RuleSet]:
    """The newest version of each name that was not removed, by name."""
    latest = (
        select(func.max(col(RuleSet.id)))
        .where(col(RuleSet.project_id) == project_id, col(RuleSet.removed_at).is_(None))
        .group_by(col(RuleSet.name))
    )
    return session.scalars(select(RuleSet).where(col(RuleSet.id).in_(latest)).order_by(col(RuleSet.name))).all()


def add(session: Session, project_id: int, name: str, rules: str, account_id: int) -> RuleSet:
    """The next version of the name; removed ones count on, so that a version never means two things."""
    last = session.scalar(
        select(func.max(col(RuleSet.version))).where(col(RuleSet.project_id) == project_id, col(RuleSet.name) == name)
    )
    row = RuleSet(project_id=project_id, name=name, version=(last or 0) + 1, rules=rules, created_by=account_id)
    session.add(row)
    session.flush()
    return row


def remove(session: Session, project_id: int, name: str) -> int:
    """Take the name off the list; returns how many versions it had there."""
    removed = update(RuleSet).where(
        col(RuleSet.project_id) == project_id, col(RuleSet.name) == name, col(RuleSet.removed_at).is_(None)
    )
    with session.connection().execute(removed.values(removed_at=now())) as done:
        return done.rowcount
