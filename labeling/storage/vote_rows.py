"""Every label of a project with what is told of it outside, in the order they were given."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from labeling.storage.tables import Completion, Generator, Label, Pair, PromptRow, Rater, Round

CHUNK = 5000


def votes_by_kind(session: Session, project_id: int, mark: int, hidden: Sequence[int]) -> list[tuple[str, int, int]]:
    """(kind of rater, raters, labels) of what `votes_of` yields, by kind, but for prompts that are kept for evaluation."""
    keys = select(col(PromptRow.group_key)).where(col(PromptRow.project_id) == project_id, col(PromptRow.is_reserved))
    kept = (
        select(col(Pair.id))
        .join(PromptRow, col(PromptRow.id) == col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, col(PromptRow.is_reserved) | col(PromptRow.group_key).in_(keys))
    )
    query = (
        select(col(Rater.kind), func.count(func.distinct(col(Rater.id))), func.count())
        .select_from(Label)
        .join(Rater, col(Rater.id) == col(Label.rater_id))
        .where(*_counted(project_id, mark, hidden), col(Label.pair_id).not_in(kept))
        .group_by(col(Rater.kind))
        .order_by(col(Rater.kind))
    )
    return [(kind, raters, labels) for kind, raters, labels in session.execute(query)]


def count_votes(session: Session, project_id: int, mark: int, hidden: Sequence[int]) -> int:
    """How many `votes_of` yields."""
    return session.scalars(select(func.count(col(Label.seq))).where(*_counted(project_id, mark, hidden))).one()


def _counted(project_id: int, mark: int, hidden: Sequence[int]) -> list[ColumnElement[bool]]:
    """Which events are votes."""
    seen: list[ColumnElement[bool]] = (
        [col(Label.import_id).is_(None) | col(Label.import_id).not_in(hidden)] if hidden else []
    )
    return [col(Label.project_id) == project_id, col(Label.seq) <= mark, col(Label.action) == "label", *seen]


def votes_of(session: Session, project_id: int, mark: int, hidden: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """(seq, pair, rater, kind, verdict, strength, left side, milliseconds, revision, purpose, time, source of a, source
    of b, prompt, whether it is current, the prompt's id) of each event that is a label, up to the high-water mark."""
    later = aliased(Label)
    is_changed = exists().where(
        col(later.pair_id) == col(Label.pair_id), col(later.rater_id) == col(Label.rater_id),
        col(later.round_id).is_not_distinct_from(col(Label.round_id)), col(later.revision) > col(Label.revision),
        col(later.seq) <= mark,
    )  # fmt: skip
    a, b = Completion.__table__.alias("a"), Completion.__table__.alias("b")  # type: ignore[attr-defined]  # not declared
    a_by, b_by = Generator.__table__.alias("a_by"), Generator.__table__.alias("b_by")  # type: ignore[attr-defined]  # as above
    query = (
        select(
            col(Label.seq), col(Label.pair_id), col(Rater.name), col(Rater.kind), col(Label.verdict),
            col(Label.strength), col(Label.left_side), col(Label.milliseconds), col(Label.revision),
            func.coalesce(col(Round.purpose), ""), col(Label.created_at), func.coalesce(a_by.c.name, a.c.source, ""),
            func.coalesce(b_by.c.name, b.c.source, ""), col(PromptRow.digest), ~is_changed, col(PromptRow.id),
        )
        .join(Rater, col(Rater.id) == col(Label.rater_id))
        .join(Pair, col(Pair.id) == col(Label.pair_id))
        .join(PromptRow, col(PromptRow.id) == col(Pair.prompt_id))
        .join(a, a.c.id == col(Pair.a_id))
        .join(b, b.c.id == col(Pair.b_id))
        .join(a_by, a_by.c.id == a.c.generator_id, isouter=True)
        .join(b_by, b_by.c.id == b.c.generator_id, isouter=True)
        .join(Round, col(Round.id) == col(Label.round_id), isouter=True)
        .where(*_counted(project_id, mark, hidden))
        .order_by(col(Label.seq))
        .limit(CHUNK)
    )  # fmt: skip
    last = 0
    while chunk := session.connection().execute(query.where(col(Label.seq) > last)).all():
        yield from (tuple(row) for row in chunk)
        last = chunk[-1][0]
