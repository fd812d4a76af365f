"""Personal tokens for scripts: made once, shown once, kept as a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from labeling.domain import Actor, Right, Role
from labeling.errors import ForbiddenError, InputError, TokenError
from labeling.services.access import open_project
from labeling.storage import projects as project_rows
from labeling.storage import tokens as rows
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import now

PREFIX = "tbk_"
SCREEN_PREFIX = "tbs_"  # derived from a browser's cookie: see `sessions`
LONGEST_NAME = 80
LASTS = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is told once. `made_account`, `made_member`: what was not there before."""

    secret: str
    annotator: str
    project: str | None
    made_account: bool
    made_member: bool
    expires_at: datetime


def create_token(store: Store, actor: Actor, annotator: str, slug: str | None = None) -> NewToken:
    """Make a token for the annotator, bound to the project where one is given; account and membership are made where
    there are none. It lasts a year.

    Raises:
        InputError: the name is empty or too long.
        NotFoundError: there is no such project.
        ForbiddenError: the actor may not manage the project's members, or without a project is no administrator; or
            the account is an administrator's other than the actor's own.
    """
    annotator = " ".join(annotator.split())
    if not 0 < len(annotator) <= LONGEST_NAME:
        raise InputError(f"An annotator's name has 1 to {LONGEST_NAME} characters; this one has {len(annotator)}.")
    if slug is None and (not actor.is_admin or actor.project_id is not None):
        raise ForbiddenError("Only an administrator makes a token for all projects. Name one project with --project.")
    secret = PREFIX + secrets.token_urlsafe(32)
    expires_at = now() + LASTS
    try:
        with store.writing() as session:
            project = None if slug is None else open_project(session, actor, slug, Right.OWN)
            account = project_rows.account_named(session, annotator)
            made_account = account is None
            account = account or project_rows.add_account(session, annotator)
            assert account.id is not None
            if account.is_admin and not (actor.is_admin or account.id == actor.account_id):
                raise ForbiddenError(
                    f"{annotator} is an administrator: only an administrator makes tokens for that account."
                )
            made_member = False
            if project is not None:
                assert project.id is not None
                made_member = project_rows.role_in(session, project.id, account.id) is None and not account.is_admin
                if made_member:
                    project_rows.set_role(session, project.id, account.id, Role.ANNOTATOR)
            rows.add_token(
                session,
                account_id=account.id,
                project_id=project.id if project else None,
                secret_hash=hash_of(secret),
                expires_at=expires_at,
            )
    except IntegrityError:  # another process made the same account at this moment
        return create_token(store, actor, annotator, slug)
    return NewToken(secret, annotator, slug, made_account, made_member, expires_at)


def actor_of_token(store: Store, secret: str, session_secret: str | None = None) -> Actor:
    """Who the token speaks for; a screen's token only together with the cookie of its browser.

    Raises:
        TokenError: it is forged, expired or revoked, or of another browser (all of which look the same).
    """
    with store.reading() as session:
        return actor_with(session, secret, session_secret)


def actor_with(session: Session, secret: str, session_secret: str | None) -> Actor:
    """`actor_of_token` in a transaction that is under way."""
    is_one = secret.startswith((PREFIX, SCREEN_PREFIX))
    return owner_as_actor(rows.owner_of_token(session, hash_of(secret), now()) if is_one else None, session_secret)


def owner_as_actor(found: Any | None, session_secret: str | None) -> Actor:
    """The actor of a row that holds `storage.tokens.OWNER`. Raises TokenError for none, and where it is of another browser."""
    if found is None or (found.session_hash is not None and found.session_hash != hash_of(session_secret or "")):
        raise TokenError("This token is unknown, expired or revoked. Make a new one with: tiebreak token create")
    # A token bound to a project opens nothing else, even where its account could.
    return Actor(found.account_id, found.account_name, is_admin=found.is_admin, project_id=found.token_project_id)


def hash_of(secret: str) -> str:
    """SHA-256 is enough: a secret of 256 random bits cannot be guessed from it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
