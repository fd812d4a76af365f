"""What members take, and which prompts are sensitive."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlmodel import Session

from labeling.storage.tables import Member, Pair, PromptRow, PromptText, core

CHUNK = 500

_member, _pair, _prompt, _text = core(Member), core(Pair), core(PromptRow), core(PromptText)


def preferences_of(session: Session, project_id: int, account_id: int) -> Row[Any] | None:
    """A member's languages and takes_sensitive; None for who is no member."""
    query = select(_member.c.languages, _member.c.takes_sensitive).where(
        _member.c.project_id == project_id, _member.c.account_id == account_id
    )
    found: Row[Any] | None = session.execute(query).first()
    return found


def change_preferences(
    session: Session, project_id: int, account_id: int, languages: str | None, *, takes_sensitive: bool | None
) -> bool:
    """Whether there is such a member."""
    found = session.execute(
        update(_member)
        .where(_member.c.project_id == project_id, _member.c.account_id == account_id)
        .values(languages=languages, takes_sensitive=takes_sensitive)
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]  # an update's result has it


def prompts_with_tag(session: Session, project_id: int, tag: str, after: int, *, sensitive: bool) -> Sequence[int]:
    """The next prompts with the tag that are not marked so yet, by id."""
    query = (
        select(_prompt.c.id)
        .join(_text, _text.c.prompt_id == _prompt.c.id)
        .where(
            _prompt.c.project_id == project_id,
            _prompt.c.id > after,
            _prompt.c.is_sensitive.is_not(sensitive),
            _text.c.tags.contains(json.dumps(tag, ensure_ascii=False), autoescape=True),
        )
    )
    return session.scalars(query.order_by(_prompt.c.id).limit(CHUNK)).all()


def prompt_of_pair(session: Session, project_id: int, pair_id: int) -> int | None:
    found: int | None = session.scalar(
        select(_pair.c.prompt_id).where(_pair.c.project_id == project_id, _pair.c.id == pair_id)
    )
    return found


def mark_sensitive(session: Session, prompt_ids: Sequence[int], *, sensitive: bool) -> None:
    session.execute(update(_prompt).where(_prompt.c.id.in_(prompt_ids)).values(is_sensitive=sensitive))
