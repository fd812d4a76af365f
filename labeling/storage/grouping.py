"""Prompts that belong together, and prompts that are kept for evaluation."""

import json
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from labeling.storage.bulk import plain_rows
from labeling.storage.projects import unfinished_imports
from labeling.storage.tables import Import, PromptRow, PromptSignatures, PromptText

CHUNK = 5000
ASKED_AT_ONCE = 500


def grouped_to(session: Session, project_id: int) -> tuple[int, int]:
    """Up to which prompt the project was grouped, and the last one that can be; both 0 where there is none.

    What an import that is being written holds may yet go, and what comes after it waits for it.
    """
    done = select(func.max(col(PromptSignatures.last_id))).where(col(PromptSignatures.project_id) == project_id)
    prompts = select(func.max(col(PromptRow.id))).where(col(PromptRow.project_id) == project_id)
    unfinished = select(func.min(col(PromptRow.id))).where(col(PromptRow.import_id).in_(unfinished_imports(project_id)))
    first = session.scalar(unfinished)
    last = session.scalar(prompts if first is None else prompts.where(col(PromptRow.id) < first))
    return session.scalar(done) or 0, last or 0


def prompts_between(session: Session, project_id: int, after: int, last: int) -> Iterator[tuple[int, str]]:
    """(id, messages) of the project's prompts behind `after` up to `last`, by id."""
    query = (
        select(col(PromptRow.id), col(PromptText.messages))
        .join(PromptText, col(PromptText.prompt_id) == col(PromptRow.id))
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.id) <= last)
        .order_by(col(PromptRow.id))
        .limit(CHUNK)
    )
    while rows := plain_rows(session, query.where(col(PromptRow.id) > after)):
        yield from ((id_, messages) for id_, messages in rows)
        after = rows[-1][0]


def messages_of(session: Session, prompt_id: int) -> str:
    return session.scalars(select(col(PromptText.messages)).where(col(PromptText.prompt_id) == prompt_id)).one()


def groups_of(session: Session, prompt_ids: Sequence[int]) -> dict[int, tuple[str | None, str]]:
    """The group and the digest of each prompt that is there."""
    found: dict[int, tuple[str | None, str]] = {}
    for start in range(0, len(prompt_ids), ASKED_AT_ONCE):
        query = select(col(PromptRow.id), col(PromptRow.group_key), col(PromptRow.digest)).where(
            col(PromptRow.id).in_(prompt_ids[start : start + ASKED_AT_ONCE])
        )
        found |= {id_: (key, digest) for id_, key, digest in plain_rows(session, query)}
    return found


def first_named(session: Session, project_id: int, names: Collection[str]) -> str:
    """That of several groups' names which is the digest of the earliest prompt."""
    query = select(col(PromptRow.digest)).where(
        col(PromptRow.project_id) == project_id, col(PromptRow.digest).in_(names)
    )
    return session.scalars(query.order_by(col(PromptRow.id)).limit(1)).one()


def members(session: Session, project_id: int, names: Collection[str]) -> list[int]:
    """The prompts of the groups of these names."""
    query = select(col(PromptRow.id)).where(
        col(PromptRow.project_id) == project_id, col(PromptRow.group_key).in_(names)
    )
    return [id_ for (id_,) in plain_rows(session, query.order_by(col(PromptRow.id)))]


def put_groups(session: Session, names: Sequence[tuple[int, str]]) -> None:
    """Give prompts the names of their groups."""
    session.connection().execute(
        update(PromptRow).where(col(PromptRow.id) == bindparam("prompt")).values(group_key=bindparam("name")),
        [{"prompt": id_, "name": name} for id_, name in names],
    )


def signatures(session: Session, project_id: int) -> list[bytes]:
    """The signatures of the prompts that were compared, in parts, by id."""
    query = select(col(PromptSignatures.signatures)).where(col(PromptSignatures.project_id) == project_id)
    return [part for (part,) in plain_rows(session, query.order_by(col(PromptSignatures.after_id)))]


def put_signatures(session: Session, project_id: int, after: int, last: int, part: bytes) -> None:
    """Keep the signatures of the prompts behind `after` up to `last`. Raises IntegrityError where there are some."""
    session.add(PromptSignatures(project_id=project_id, after_id=after, last_id=last, signatures=part))


def reserve_digests(session: Session, project_id: int, digests: Sequence[str]) -> None:
    """Keep the prompts of these digests for evaluation."""
    session.execute(
        update(PromptRow)
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.digest).in_(digests))
        .values(is_reserved=True)
    )


def reserve_prompts(session: Session, project_id: int, prompt_ids: Sequence[int], *, is_reserved: bool) -> int:
    """Keep prompts for evaluation, or keep them no longer; returns how many there are."""
    done = session.execute(
        update(PromptRow)
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.id).in_(prompt_ids))
        .values(is_reserved=is_reserved)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]  # of an update there is one


def count_reserved(session: Session, project_id: int) -> tuple[int, int]:
    """How many prompts are kept for evaluation, and how many there are."""
    query = select(func.count().filter(col(PromptRow.is_reserved)), func.count()).where(
        col(PromptRow.project_id) == project_id
    )
    kept, prompts = session.execute(query).one()
    return kept, prompts


def prompt_groups(session: Session, project_id: int) -> list[tuple[int, str, bool]]:
    """(id, group, whether reserved) of every prompt of the project, by id."""
    query = (
        select(
            col(PromptRow.id),
            func.coalesce(col(PromptRow.group_key), col(PromptRow.digest)),
            col(PromptRow.is_reserved),
        )
        .where(col(PromptRow.project_id) == project_id)
        .order_by(col(PromptRow.id))
    )
    return [(id_, key, bool(kept)) for id_, key, kept in plain_rows(session, query)]


def group_sizes(session: Session, project_id: int) -> list[tuple[int, int, int]]:
    """(prompts, first prompt, last prompt) of each group of two and more, the largest first."""
    query = (
        select(func.count(), func.min(col(PromptRow.id)), func.max(col(PromptRow.id)))
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.group_key).is_not(None))
        .group_by(col(PromptRow.group_key))
        .having(func.count() > 1)
        .order_by(func.count().desc(), func.min(col(PromptRow.id)))
    )
    return [(count, first, last) for count, first, last in session.execute(query)]


def alike_sides(session: Session, project_id: int, limit: int) -> tuple[int, list[int]]:
    """How many pairs with sides alike the project's imports found, and the ids of the first of them."""
    query = select(col(Import.counts)).where(col(Import.project_id) == project_id, col(Import.state) == "done")
    counts = [json.loads(one) for one in session.scalars(query.order_by(col(Import.id)))]
    ids = [pair_id for one in counts for pair_id in one.get("alike_pairs", ())]
    return sum(one.get("alike", 0) for one in counts), ids[:limit]
