"""What an export reads, in chunks of pairs by id, and the list of exports. Long texts are read only for decided pairs."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select, text, update
from sqlmodel import Session, col

from labeling.storage.bulk import plain_rows
from labeling.storage.projects import unfinished_imports
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Export,
    Generator,
    Judge,
    Pair,
    Project,
    ProjectCounter,
    PromptRow,
    PromptText,
    Rater,
    Round,
    now,
)
from labeling.storage.tables.prompts import HAS_TOOLS
from labeling.storage.vote_columns import Query, is_range, visible


class CompletionOrigin(NamedTuple):
    """Where a completion comes from; a generator is told by its key."""

    generator: int | None
    source: str | None
    is_sandbox: bool


class PairRow(NamedTuple):
    """A pair with all that a row needs; side b as side a. `group` is the prompt's digest, or that of the group it
    belongs to."""

    pair_id: int
    group: str
    messages: str
    tools: str | None
    a_id: int
    b_id: int
    a_text: str
    b_text: str
    a_calls: str | None
    b_calls: str | None
    a_origin: CompletionOrigin
    b_origin: CompletionOrigin


class PairTexts(NamedTuple):
    """Pairs by id, each as the first ten values of a `PairRow`, and where their completions come from, by id, each what
    makes a `CompletionOrigin`: most need not become them."""

    rows: list[tuple[Any, ...]]
    origins: dict[int, tuple[Any, ...]]

    def pair(self, row: tuple[Any, ...]) -> PairRow:
        return PairRow._make((*row, *(CompletionOrigin._make(self.origins[id_]) for id_ in row[4:6])))


class EditRow(NamedTuple):
    completion_id: int
    parent_id: int
    text: str
    rater: str
    is_sandbox: bool


class VoiceRow(NamedTuple):
    rater_id: int
    kind: str
    name: str
    judge: str | None
    version: int | None
    orders: str | None
    is_sandbox: bool | None


class GeneratorRow(NamedTuple):
    id: int
    name: str
    system_prompt: str | None


def label_mark(session: Session, project_id: int) -> int:
    """The greatest `seq` given in the project: every label up to it is committed."""
    return (
        session.scalar(select(col(ProjectCounter.label_seq)).where(col(ProjectCounter.project_id) == project_id)) or 0
    )


def target_model(session: Session, project_id: int) -> str | None:
    """The model to be tuned, where the project names one."""
    return session.scalar(select(col(Project.target_model)).where(col(Project.id) == project_id))


def voices(session: Session, project_id: int) -> list[VoiceRow]:
    """Every rater that could have a label or a result in the project."""
    query = (
        select(
            col(Rater.id), col(Rater.kind), col(Rater.name), col(Judge.name), col(Judge.version), col(Judge.orders),
            col(Judge.is_sandbox),
        )
        .join(Judge, col(Judge.id) == col(Rater.judge_id), isouter=True)
        .where(or_(col(Rater.project_id) == project_id, col(Rater.kind) == "annotator"))
    )  # fmt: skip
    return [VoiceRow(*row) for row in session.execute(query)]


def rounds(session: Session, project_id: int) -> dict[int, tuple[str, str]]:
    """(name, purpose) of the project's rounds, by id."""
    query = select(col(Round.id), col(Round.name), col(Round.purpose)).where(col(Round.project_id) == project_id)
    return {id_: (name, purpose) for id_, name, purpose in session.execute(query) if id_ is not None}


def generators(session: Session, project_id: int) -> dict[int, GeneratorRow]:
    query = select(col(Generator.id), col(Generator.name), col(Generator.system_prompt)).where(
        col(Generator.project_id) == project_id
    )
    return {row[0]: GeneratorRow(*row) for row in session.execute(query) if row[0] is not None}


def reserved_prompts(session: Session, project_id: int) -> set[int]:
    """Prompts kept for evaluation, and what belongs to them: near-duplicates, turns of the same conversation."""
    kept = select(col(PromptRow.id)).where(col(PromptRow.project_id) == project_id, col(PromptRow.is_reserved))
    keys = select(col(PromptRow.group_key)).where(
        col(PromptRow.project_id) == project_id, col(PromptRow.is_reserved), col(PromptRow.group_key).is_not(None)
    )
    found = {id_ for id_ in session.scalars(kept) if id_ is not None}
    if found:
        beside = select(col(PromptRow.id)).where(
            col(PromptRow.project_id) == project_id, col(PromptRow.group_key).in_(keys)
        )
        found |= {id_ for id_ in session.scalars(beside) if id_ is not None}
    return found


def left_out_pairs(session: Session, project_id: int) -> set[int]:
    """Pairs that a lead took out: few, and mostly none."""
    query = select(col(Pair.id)).where(col(Pair.project_id) == project_id, col(Pair.is_left_out))
    return {id_ for id_ in session.scalars(query) if id_ is not None}


def pair_chunk(
    session: Session, project_id: int, after: int, hidden: Sequence[int], size: int
) -> list[tuple[int, int]]:
    """The next pairs after the id `after`, as (pair, prompt); those of the imports `hidden` are left out."""
    query = (
        select(col(Pair.id), col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, col(Pair.id) > after)
        .order_by(col(Pair.id))
        .limit(size)
    )
    return plain_rows(session, visible(query, Pair, hidden))


def are_visible_pairs(session: Session, project_id: int, first: int, last: int, hidden: Sequence[int]) -> bool:
    """Whether each id from `first` to `last` is a visible pair of the project; told without reading them.

    The project is in a sum: else SQLite takes its index, and counts all pairs of the project for every chunk.
    """
    query = select(func.count()).where(col(Pair.id).between(first, last), col(Pair.project_id) + 0 == project_id)
    return session.scalar(visible(query, Pair, hidden)) == last - first + 1


def count_visible_pairs(session: Session, project_id: int, hidden: Sequence[int]) -> int:
    query = select(func.count()).select_from(Pair).where(col(Pair.project_id) == project_id)
    return session.scalar(visible(query, Pair, hidden)) or 0


def last_pair(session: Session, project_id: int) -> int:
    """The greatest id of the project's pairs; 0 where it has none."""
    return session.scalar(select(func.max(col(Pair.id))).where(col(Pair.project_id) == project_id)) or 0


def last_paired_prompt(session: Session, project_id: int, last_pair: int | None, hidden: Sequence[int]) -> int:
    """The greatest id of a prompt that has a visible pair, up to `last_pair` where given; 0 where none has."""
    query = select(func.max(col(Pair.prompt_id))).where(col(Pair.project_id) == project_id)
    if last_pair is not None:
        query = query.where(col(Pair.id) <= last_pair)
    return session.scalar(visible(query, Pair, hidden)) or 0


def hidden_imports(session: Session, project_id: int) -> list[int]:
    """Imports that are still being written: their rows are invisible."""
    return [id_ for id_ in session.scalars(unfinished_imports(project_id)) if id_ is not None]


def texts_of(session: Session, pair_ids: Sequence[int], *, by_group: bool = False) -> PairTexts:
    """The pairs (ids ascending) with their texts."""
    found = _rows_among(session, _texts(by_group), col(Pair.id), pair_ids)
    if len(found) > len(pair_ids):
        wanted = frozenset(pair_ids)
        found = [row for row in found if row[0] in wanted]
    return PairTexts(found, _origins_of(session, found))


def _origins_of(session: Session, pairs: Sequence[tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """Where the completions of `pairs` come from. Often it is one place for all: then none of them is read."""
    ids: Sequence[int] = range(min([row[4] for row in pairs]), max([row[5] for row in pairs]) + 1)
    if len(ids) > 4 * len(pairs):
        ids = sorted({id_ for row in pairs for id_ in row[4:6]})
    some = _rows_among(session, _some_origins(), col(Completion.id), ids)
    if len(some) == 1:
        return dict.fromkeys(ids, some[0])
    return {row[0]: row[1:] for row in _rows_among(session, _origins(), col(Completion.id), ids)}


def _rows_among(session: Session, query: Query, column: Any, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """The rows whose `column` is among `ids` (ascending), and perhaps a few between them. A `query` that is kept is put
    into words once: to do so takes as long as to read the texts of a hundred pairs."""
    if not is_range(ids):
        return plain_rows(session, query.where(column.in_(ids)))
    return plain_rows(session, _between(query, column), {"first": ids[0], "last": ids[-1]})


@cache
def _between(query: Query, column: Any) -> Query:
    return query.where(column.between(bindparam("first"), bindparam("last")))


@cache
def _origins() -> Query:
    return select(col(Completion.id), col(Completion.generator_id), col(Completion.source), col(Completion.is_sandbox))


@cache
def _some_origins() -> Query:
    """One row where all completions come from one place, else two."""
    return select(col(Completion.generator_id), col(Completion.source), col(Completion.is_sandbox)).distinct().limit(2)


@cache
def _texts(by_group: bool) -> Query:
    group = func.coalesce(col(PromptRow.group_key), col(PromptRow.digest)) if by_group else col(PromptRow.digest)
    a, b = CompletionText.__table__.alias("a"), CompletionText.__table__.alias("b")  # type: ignore[attr-defined]  # not declared
    return (
        select(
            col(Pair.id), group, col(PromptText.messages), col(PromptText.tools), col(Pair.a_id), col(Pair.b_id),
            a.c.text, b.c.text, a.c.tool_calls, b.c.tool_calls,
        )
        .join(PromptRow, col(PromptRow.id) == col(Pair.prompt_id))
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .join(a, a.c.completion_id == col(Pair.a_id))
        .join(b, b.c.completion_id == col(Pair.b_id))
        .order_by(col(Pair.id))
    )  # fmt: skip


def edits_of(session: Session, completion_ids: Sequence[int]) -> dict[int, EditRow]:
    query = (
        select(
            col(Completion.id),
            col(Completion.parent_id),
            col(CompletionText.text),
            col(Rater.name),
            col(Completion.is_sandbox),
        )
        .join(CompletionText, col(CompletionText.completion_id) == col(Completion.id))
        .join(Rater, col(Rater.id) == col(Completion.rater_id))
        .where(col(Completion.id).in_(completion_ids))
    )
    return {row[0]: EditRow._make(row) for row in session.execute(query)}


def pairs_with_tools(session: Session, project_id: int, hidden: Sequence[int], most: int) -> list[tuple[int, int]]:
    """The first pairs, as (pair, prompt), in whose prompt a tool is offered, called or answered, or a speaker named."""
    has_tools = text(f"({HAS_TOOLS[session.get_bind().dialect.name]})")
    # Mostly nowhere in the database, as its index tells at once; else the texts of the project have to be looked through.
    if not plain_rows(session, select(col(PromptText.prompt_id)).where(has_tools).limit(1)):
        return []
    query = (
        select(col(Pair.id), col(Pair.prompt_id))
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, has_tools)
        .order_by(col(Pair.id))
        .limit(most)
    )
    return plain_rows(session, visible(query, Pair, hidden))


# --- the list ----------------------------------------------------------------------------------------------------


def add_export(session: Session, export: Export) -> int:
    session.add(export)
    session.flush()
    assert export.id is not None
    return export.id


def place_export(session: Session, export_id: int, folder: str) -> None:
    """Where the export will be, so that what a killed one leaves behind is found."""
    session.execute(update(Export).where(col(Export.id) == export_id).values(folder=folder))


def end_export(session: Session, export_id: int | None, **values: object) -> None:
    """The export is done or has failed; only one that is being written changes."""
    session.execute(
        update(Export)
        .where(col(Export.id) == export_id, col(Export.state) == "writing")
        .values(ended_at=now(), **values)
    )


def exports_of(session: Session, project_id: int, most: int | None) -> Sequence[Export]:
    """Newest first; `most` is None for all."""
    query = select(Export).where(col(Export.project_id) == project_id).order_by(col(Export.id).desc()).limit(most)
    return session.scalars(query).all()


def export_with_id(session: Session, project_id: int, export_id: int) -> Export | None:
    query = select(Export).where(col(Export.project_id) == project_id, col(Export.id) == export_id)
    return session.scalars(query).first()


def exports_being_written(session: Session) -> Sequence[Export]:
    return session.scalars(select(Export).where(col(Export.state) == "writing")).all()
