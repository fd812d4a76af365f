"""Prompts that belong together, and prompts that are kept for evaluation."""

import json
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import bindparam, func, select, update
from sqlmodel import Session, col

from labeling.storage.bulk import plain_rows
from labeling.storage.tables import Import, ProjectCounter, PromptRow, PromptText

CHUNK = 5000


def grouped_to(session: Session, project_id: int) -> tuple[int, int]:
    """Up to which prompt the project was grouped, and its last prompt; both 0 where there is none."""
    done = select(col(ProjectCounter.grouped_to)).where(col(ProjectCounter.project_id) == project_id)
    last = select(func.max(col(PromptRow.id))).where(col(PromptRow.project_id) == project_id)
    return session.scalar(done) or 0, session.scalar(last) or 0


def prompts_up_to(session: Session, project_id: int, last: int) -> Iterator[tuple[int, str]]:
    """(id, messages) of the project's prompts up to `last`, by id."""
    after = 0
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


def keys_and_digests(session: Session, prompt_ids: Sequence[int]) -> dict[int, tuple[str | None, str]]:
    """The group and the digest of each prompt."""
    query = select(col(PromptRow.id), col(PromptRow.group_key), col(PromptRow.digest)).where(
        col(PromptRow.id).in_(prompt_ids)
    )
    return {id_: (key, digest) for id_, key, digest in session.execute(query) if id_ is not None}


def put_groups(session: Session, keys: Mapping[int, str]) -> None:
    """Give prompts their group."""
    if keys:
        session.connection().execute(
            update(PromptRow).where(col(PromptRow.id) == bindparam("prompt")).values(group_key=bindparam("key")),
            [{"prompt": id_, "key": key} for id_, key in keys.items()],
        )


def end_grouping(session: Session, project_id: int, last: int) -> None:
    session.execute(update(ProjectCounter).where(col(ProjectCounter.project_id) == project_id).values(grouped_to=last))


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


def prompt_count(session: Session, project_id: int, most: int) -> int:
    """How many prompts the project has, counted up to `most`."""
    some = select(col(PromptRow.id)).where(col(PromptRow.project_id) == project_id).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def group_sizes(session: Session, project_id: int) -> list[tuple[int, int]]:
    """(prompts, first prompt) of each group of two and more, the largest first."""
    query = (
        select(func.count(), func.min(col(PromptRow.id)))
        .where(col(PromptRow.project_id) == project_id, col(PromptRow.group_key).is_not(None))
        .group_by(col(PromptRow.group_key))
        .having(func.count() > 1)
        .order_by(func.count().desc(), func.min(col(PromptRow.id)))
    )
    return [(count, first) for count, first in session.execute(query)]


def alike_sides(session: Session, project_id: int, limit: int) -> tuple[int, list[int]]:
    """How many pairs with sides alike the project's imports found, and the ids of the first of them."""
    query = select(col(Import.counts)).where(col(Import.project_id) == project_id, col(Import.state) == "done")
    counts = [json.loads(one) for one in session.scalars(query.order_by(col(Import.id)))]
    ids = [pair_id for one in counts for pair_id in one.get("alike_pairs", ())]
    return sum(one.get("alike", 0) for one in counts), ids[:limit]
