"""What a project holds, a page at a time: prompts with their completions counted, and where completions came from."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import Session, col

from labeling.storage.projects import visible
from labeling.storage.tables import Completion, Generator, Import, Pair, PromptRow, PromptText


def prompts_page(
    session: Session, project_id: int, offset: int, limit: int
) -> Sequence[tuple[int, str | None, str, str | None, int, int]]:
    """Prompts in the order they came: id, external_id, messages (JSON), tags (JSON), completions, pairs."""
    shown = (
        select(col(PromptRow.id).label("id"), col(PromptRow.external_id).label("external_id"))
        .where(col(PromptRow.project_id) == project_id, visible(PromptRow, project_id))
        .order_by(col(PromptRow.id))
        .offset(offset)
        .limit(limit)
        .subquery()
    )
    completions = (
        select(func.count())
        .select_from(Completion)
        .where(col(Completion.prompt_id) == shown.c.id, visible(Completion, project_id))
        .scalar_subquery()
    )
    pairs = (
        select(func.count())
        .select_from(Pair)
        .where(col(Pair.prompt_id) == shown.c.id, visible(Pair, project_id))
        .scalar_subquery()
    )
    query = (
        select(shown.c.id, shown.c.external_id, col(PromptText.messages), col(PromptText.tags), completions, pairs)
        .join(PromptText, col(PromptText.prompt_id) == shown.c.id)
        .order_by(shown.c.id)
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in session.execute(query)]


def messages_of_pairs(session: Session, project_id: int, pair_ids: Sequence[int]) -> dict[int, str]:
    """The prompt's messages (JSON) of each of these pairs that is still there."""
    query = (
        select(col(Pair.id), col(PromptText.messages))
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .where(col(Pair.project_id) == project_id, col(Pair.id).in_(pair_ids))
    )
    return {row[0]: row[1] for row in session.execute(query)}


def last_import(session: Session, project_id: int) -> tuple[int, int]:
    """How many imports of the project are done, and the greatest id of one: changes whenever imported rows come or go."""
    query = select(func.count(), func.max(col(Import.id))).where(
        col(Import.project_id) == project_id, col(Import.state) == "done"
    )
    number, newest = session.execute(query).one()
    return number, newest or 0


def completions_by_source(session: Session, project_id: int) -> Sequence[tuple[str, str | None, bool, int]]:
    """How many completions each source wrote: kind, its name (generator, file's model, none for edits), is_sandbox, number."""
    name = func.coalesce(col(Generator.name), col(Completion.source))
    query = (
        select(col(Completion.kind), name, col(Completion.is_sandbox), func.count())
        .join(PromptRow, col(PromptRow.id) == col(Completion.prompt_id))
        .outerjoin(Generator, col(Generator.id) == col(Completion.generator_id))
        .where(col(PromptRow.project_id) == project_id, visible(Completion, project_id))
        .group_by(col(Completion.kind), name, col(Completion.is_sandbox))
        .order_by(func.count().desc())
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]
