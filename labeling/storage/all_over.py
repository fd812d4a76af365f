"""A part of a project's rows from all over it, for estimates: found by a few looks at the index, however many rows there are."""

from sqlalchemy import func, literal, select
from sqlmodel import Session, col

from labeling.storage.tables import Pair, PromptRow


def all_over(
    session: Session, table: type[Pair] | type[PromptRow], project_id: int, most: int, last: int | None = None
) -> list[int]:
    """The ids of at most `most` rows of the project, up to the id `last` where given: the first one at or after each of so
    many places, evenly apart."""
    inside = col(table.project_id) == project_id
    first, greatest = (session.scalar(select(end(col(table.id))).where(inside)) for end in (func.min, func.max))
    if first is None or greatest is None:
        return []
    last = greatest if last is None else last
    step = -(-(last - first + 1) // most)
    place = select(literal(first).label("at")).cte("place", recursive=True)
    place = place.union_all(select(place.c.at + step).where(place.c.at + step <= last))
    row = select(func.min(col(table.id))).where(inside, col(table.id) >= place.c.at).scalar_subquery()
    return list(session.scalars(select(row).select_from(place).distinct()))
