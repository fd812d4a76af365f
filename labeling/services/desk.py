"""An annotator's place of work: a project's round, what is asked in it, and under which rater labels are stored."""

import json
from dataclasses import dataclass
from typing import Any

from labeling.domain import RIGHTS, Actor, Right, Role, RoundPurpose
from labeling.services.rounds import Asked, asked_of, open_round
from labeling.services.tokens import actor_with, hash_of, owner_as_actor
from labeling.storage import desks
from labeling.storage import labels as label_rows
from labeling.storage import projects as project_rows
from labeling.storage.queue import SLOTLESS, Taken
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import now


@dataclass(frozen=True, slots=True)
class Desk:
    """Checked once for a request; what may change meanwhile (overlap, closing) is read again where it is written.

    `guidelines` is the number of the round's guideline version, `version_id` its key. `practice_id` is the practice round
    that this annotator has to pass before the work round opens; None where there is none, or who leads need not.
    `taken` says which prompts the annotator takes; None: all.
    """

    actor: Actor
    rater_id: int
    project_id: int
    project_name: str
    asked: Asked
    round_id: int
    round_name: str
    purpose: RoundPurpose
    overlap: int
    is_closed: bool
    guidelines: int
    version_id: int
    practice_id: int | None
    taken: Taken | None

    @property
    def is_practice(self) -> bool:
        return self.purpose is RoundPurpose.PRACTICE

    @property
    def needs_slots(self) -> bool:
        return self.purpose not in SLOTLESS


def open_desk(store: Store, actor: Actor, slug: str, round_name: str | None = None) -> Desk:
    """The actor's desk in a round, the work round where none is named.

    Raises:
        NotFoundError, ForbiddenError: as `open_round`.
    """
    with store.reading() as session:
        desk = _desk(session, actor, slug, round_name)
    if desk is not None:
        return desk
    _make_rater(store, actor)
    return open_desk(store, actor, slug, round_name)


def desk_of_token(
    store: Store, secret: str, session_secret: str | None, slug: str, round_name: str | None = None
) -> Desk:
    """`open_desk` for whoever a token speaks for, in one look at the database.

    Raises:
        TokenError: as `actor_of_token`.
        NotFoundError, ForbiddenError: as `open_round`.
    """
    with store.reading() as session:
        named = round_name or project_rows.WORK_ROUND
        found = desks.desk_row_of_token(session, slug, named, hash_of(secret), now())
        # Without a row, which of token, project and round there is not is asked one after the other.
        actor = owner_as_actor(found, session_secret) if found else actor_with(session, secret, session_secret)
        desk = _desk_of(found, session, actor, slug, round_name)
    return desk or open_desk(store, actor, slug, round_name)


def _desk(session: Session, actor: Actor, slug: str, round_name: str | None) -> Desk | None:
    found = desks.desk_row(session, slug, round_name or project_rows.WORK_ROUND, actor.account_id)
    return _desk_of(found, session, actor, slug, round_name)


def _desk_of(found: Any | None, session: Session, actor: Actor, slug: str, round_name: str | None) -> Desk | None:
    """None where the actor is no rater yet."""
    is_allowed = found is not None and found.may_enter and actor.project_id in (None, found.project_id)
    if found is None or not is_allowed or not (actor.is_admin or _may_label(found.role)):
        open_round(session, actor, slug, round_name)  # says which of them it is
        raise AssertionError(f"the desk of {slug!r} and its checks disagree")
    if found.rater_id is None:
        return None
    asked = asked_of(json.loads(found.settings))
    return Desk(
        actor=actor,
        rater_id=found.rater_id,
        project_id=found.project_id,
        project_name=found.project_name,
        asked=asked,
        round_id=found.round_id,
        round_name=found.round_name,
        purpose=RoundPurpose(found.purpose),
        overlap=found.overlap,
        is_closed=found.project_closed_at is not None or found.round_closed_at is not None,
        guidelines=found.version_number,
        version_id=found.version_id,
        practice_id=None if actor.is_admin or Role(found.role) is not Role.ANNOTATOR else found.practice_id,
        taken=_taken(asked, found.languages, takes_sensitive=found.takes_sensitive),
    )


def _taken(asked: Asked, languages: str | None, *, takes_sensitive: bool | None) -> Taken | None:
    known = tuple(json.loads(languages or "[]"))
    sensitive = not asked.volunteers if takes_sensitive is None else takes_sensitive
    return None if sensitive and not known else Taken(known, sensitive)


def _may_label(role: str | None) -> bool:
    return role is not None and Right.LABEL in RIGHTS[Role(role)]


def _make_rater(store: Store, actor: Actor) -> None:
    try:
        with store.writing() as session:
            project_rows.annotator_of(session, actor.account_id)
    except IntegrityError:  # another process was first
        with store.reading() as session:
            assert label_rows.rater_of(session, actor.account_id) is not None
