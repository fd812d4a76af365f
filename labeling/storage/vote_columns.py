"""Label events, judges' open results and pairs as columns of numbers, for deciding many pairs at once.

What an event says is packed into one number by the database: a row of five numbers is read twice as fast as one of ten
values.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, ColumnElement, Select, Text, case, cast, false, func, literal, or_, select
from sqlmodel import Session, col

from labeling.storage.bulk import plain_rows
from labeling.storage.tables import Completion, Erasure, Generator, JudgeResult, Label, Pair, PromptRow

Column: TypeAlias = npt.NDArray[np.int64]
Query: TypeAlias = Select[*tuple[Any, ...]]

# The packed number, from its low end: 2 bits of where the better one stood, 2 of strength, 3 of what is said, 20 of
# revision, the rest the round.
STOOD_BITS, STRENGTH_BITS, VERDICT_BITS, REVISION_BITS = 2, 2, 3, 20


class EventColumns(NamedTuple):
    """Label events. `verdict` is 0 to 3 for a, b, tie, both_bad, 4 for skip, 5 for undo and void; `stood` 1 where the
    better side stood left on a screen, 2 where right; 0 elsewhere is none."""

    pair_id: Column
    seq: Column
    rater_id: Column
    round_id: Column
    revision: Column
    verdict: Column
    strength: Column
    edit_id: Column
    label_id: Column
    stood: Column


class ResultColumns(NamedTuple):
    """Pairs that a judge did not decide; `state` is 0 for undecided, 1 for unreadable."""

    pair_id: Column
    rater_id: Column
    state: Column


class PairColumns(NamedTuple):
    """Pairs by id. Lengths are characters; `a_own` is 1 where the model that was asked about wrote side a."""

    pair_id: Column
    a_id: Column
    b_id: Column
    a_length: Column
    b_length: Column
    a_own: Column
    b_own: Column


def events_since(session: Session, project_id: int, after: int, mark: int, hidden: Sequence[int]) -> EventColumns:
    """The project's label events with a `seq` over `after`, up to `mark`, by `seq`."""
    query = _events().where(col(Label.project_id) == project_id, col(Label.seq) > after, col(Label.seq) <= mark)
    return _unpacked(_rows(session, visible(query, Label, hidden).order_by(col(Label.seq)), 6))


def events_on(session: Session, pair_ids: Sequence[int], mark: int, hidden: Sequence[int]) -> EventColumns:
    """All label events on the pairs (ids ascending) up to the high-water mark, in any order; perhaps some of others.

    The project is no condition here, and `seq` stands in a sum: else SQLite takes the index of project and seq, and
    reads all labels for every chunk.
    """
    query = _events().where(among(col(Label.pair_id), pair_ids), col(Label.seq) + 0 <= mark)
    return _unpacked(_unordered(session, visible(query, Label, hidden)))


def open_results(session: Session, project_id: int, mark: int) -> ResultColumns:
    """Everything that judges left open in the project up to the high-water mark, by pair."""
    query = _results(mark).where(col(JudgeResult.project_id) == project_id).order_by(col(JudgeResult.pair_id))
    return ResultColumns(*_rows(session, query, 3))


def open_results_on(session: Session, pair_ids: Sequence[int], mark: int) -> ResultColumns:
    return ResultColumns(*_unordered(session, _results(mark).where(among(col(JudgeResult.pair_id), pair_ids))))


def pairs_since(session: Session, project_id: int, after: int, hidden: Sequence[int]) -> tuple[Column, Column]:
    """(pair, prompt) of the project's pairs with an id over `after`, by id."""
    query = (
        select(col(Pair.id), col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, col(Pair.id) > after)
        .order_by(col(Pair.id))
    )
    pair_id, prompt_id = _rows(session, visible(query, Pair, hidden), 2)
    return pair_id, prompt_id


def sides(session: Session, project_id: int, model: str | None, hidden: Sequence[int]) -> PairColumns:
    """The project's pairs with what is known of their sides without reading a text, by id.

    A side is the `model`'s own where a generator of it wrote it, or it was imported under its name; without a model
    none is.
    """
    of_model = select(col(Generator.id)).where(col(Generator.project_id) == project_id, col(Generator.model) == model)
    generators = [id_ for id_ in session.scalars(of_model) if id_ is not None] if model else []
    a, b = Completion.__table__.alias("a"), Completion.__table__.alias("b")  # type: ignore[attr-defined]  # not declared
    own = [
        case((or_(side.c.generator_id.in_(generators), side.c.source == model) if model else false(), 1), else_=0)
        for side in (a, b)
    ]
    query = (
        select(col(Pair.id), col(Pair.a_id), col(Pair.b_id), a.c.characters, b.c.characters, *own)
        .join(a, a.c.id == col(Pair.a_id))
        .join(b, b.c.id == col(Pair.b_id))
        .where(col(Pair.project_id) == project_id)
        .order_by(col(Pair.id))
    )
    return PairColumns(*_rows(session, visible(query, Pair, hidden), 7))


def same_texts(session: Session, project_id: int) -> dict[int, int]:
    """Completions of a prompt that say what another one of it says: each with the first that says it."""
    first = func.min(col(Completion.id)).over(partition_by=(col(Completion.prompt_id), col(Completion.text_digest)))
    listed = (
        select(col(Completion.id).label("id"), first.label("first"))
        .join(PromptRow, col(PromptRow.id) == col(Completion.prompt_id))
        .where(col(PromptRow.project_id) == project_id)
        .subquery()
    )
    query = select(listed.c.id, listed.c.first).where(listed.c.id > listed.c.first)
    return {row[0]: row[1] for row in session.execute(query)}


def edit_facts(session: Session, edit_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Annotators' edits: by id, what was edited and how many characters it has."""
    query = select(col(Completion.id), col(Completion.parent_id), col(Completion.characters))
    found: dict[int, tuple[int, int]] = {}
    for start in range(0, len(edit_ids), 500):
        for row in session.execute(query.where(col(Completion.id).in_(edit_ids[start : start + 500]))):
            found[row[0]] = (row[1], row[2])
    return found


def last_erasure(session: Session) -> int:
    """Changes whenever labels may have been deleted."""
    return session.scalar(select(func.max(col(Erasure.id)))) or 0


def among(column: Any, pair_ids: Sequence[int]) -> ColumnElement[bool]:
    """The pairs `pair_ids` (ascending), and perhaps a few between them: a range is found quicker than a list."""
    found: ColumnElement[bool] = (
        column.between(pair_ids[0], pair_ids[-1]) if is_range(pair_ids) else column.in_(pair_ids)
    )
    return found


def is_range(ids: Sequence[int]) -> bool:
    """Whether `ids` (ascending) are so close to each other that one reads all from the first to the last."""
    return ids[-1] - ids[0] < 2 * len(ids)


def _events() -> Query:
    verdict = case(
        *((col(Label.verdict) == name, place) for place, name in enumerate(("a", "b", "tie", "both_bad"))),
        (col(Label.action) == "skip", 4),
        else_=5,
    )
    stood = case(
        (col(Label.left_side).is_(None), 0),
        (col(Label.verdict) == col(Label.left_side), 1),
        (col(Label.verdict).in_(("a", "b")), 2),
        else_=0,
    )
    packed: ColumnElement[int] = cast(func.coalesce(col(Label.round_id), 0), BigInteger)
    for bits, part in (
        (REVISION_BITS, col(Label.revision)),
        (VERDICT_BITS, verdict),
        (STRENGTH_BITS, func.coalesce(col(Label.strength), 0)),
        (STOOD_BITS, stood),
    ):
        packed = packed * literal(2**bits, BigInteger) + part
    return select(
        col(Label.pair_id), col(Label.seq), col(Label.rater_id), packed, func.coalesce(col(Label.edit_id), 0), col(Label.id)
    )  # fmt: skip


def _unpacked(columns: list[Column]) -> EventColumns:
    pair_id, seq, rater_id, packed, edit_id, label_id = columns
    parts = []
    for bits in (STOOD_BITS, STRENGTH_BITS, VERDICT_BITS, REVISION_BITS):
        parts.append(packed & (2**bits - 1))
        packed = packed >> bits
    stood, strength, verdict, revision = parts
    return EventColumns(pair_id, seq, rater_id, packed, revision, verdict, strength, edit_id, label_id, stood)


def _results(mark: int) -> Query:
    state = case((col(JudgeResult.state) == "undecided", 0), else_=1)
    query = select(col(JudgeResult.pair_id), col(JudgeResult.rater_id), state)
    return query.where(col(JudgeResult.state) != "decided", col(JudgeResult.seq) <= mark)


def visible(query: Query, table: type[Label] | type[Pair], hidden: Sequence[int]) -> Query:
    """The query without what the imports `hidden` wrote."""
    if not hidden:
        return query
    return query.where(or_(col(table.import_id).is_(None), col(table.import_id).not_in(hidden)))


def _rows(session: Session, query: Query, columns: int) -> list[Column]:
    rows = plain_rows(session, query)
    if not rows:
        return [np.zeros(0, dtype=np.int64) for _ in range(columns)]
    return [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]


def _unordered(session: Session, query: Query) -> list[Column]:
    """The columns of a query for numbers, none of them null; its rows in any order. Each comes as one text, out of which
    its numbers are read twice as fast as out of rows."""
    columns = query.subquery().columns
    (texts,) = plain_rows(session, select(*(func.aggregate_strings(cast(column, Text), ",") for column in columns)))
    return [np.fromstring(text or "", dtype=np.int64, sep=",") for text in texts]
