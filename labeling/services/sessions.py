"""Browsers: who sits at one, and the token with which its labelling screen speaks.

A browser is known by a secret in a cookie that scripts cannot read. Used alone every browser is the one local actor; who
signs in with a personal token is somebody else there, until signing out. The screen's token is derived from the cookie's
secret, so that it can be told again at every script run although only its hash is stored, and it works only together
with the cookie it was derived from.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from labeling.domain import Actor, Right
from labeling.errors import ForbiddenError, InputError
from labeling.services.access import local_actor, open_project
from labeling.services.tokens import SCREEN_PREFIX, actor_of_token, hash_of
from labeling.storage import tokens as rows
from labeling.storage.store import IntegrityError, Store
from labeling.storage.tables import now

COOKIE = "tiebreak_session"
LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LabelToken:
    """What a labelling screen needs to speak."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that was just signed in; `secret` goes into its cookie."""

    actor: Actor
    secret: str


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def sign_in(store: Store, token: str, former_secret: str | None = None) -> SignedIn:
    """Make a browser the token's annotator. What it was before (`former_secret`) ends.

    Raises:
        ForbiddenError: the token is unknown, expired or revoked, or is a screen's.
    """
    if token.startswith(SCREEN_PREFIX):
        raise ForbiddenError("This is a screen's token. Sign in with a personal one, made with: tiebreak token create")
    actor = actor_of_token(store, token)
    secret = new_session_secret()  # a new one: nobody can have planted it
    with store.writing() as session:
        if former_secret:
            rows.end_session(session, hash_of(former_secret), now())
        rows.add_session(session, actor.account_id, hash_of(secret), now() + LASTS)
    return SignedIn(actor, secret)


def sign_out(store: Store, session_secret: str) -> None:
    """End the session and every token of its screens. What is unknown or over stays so."""
    with store.writing() as session:
        rows.end_session(session, hash_of(session_secret), now())


def actor_of_session(store: Store, session_secret: str | None) -> Actor:
    """Who sits at the browser: whoever signed in there, else the local actor."""
    if session_secret:
        with store.reading() as session:
            found = rows.owner_of_session(session, hash_of(session_secret), now())
        if found is not None:
            return Actor(found.id, found.name, is_admin=found.is_admin)
    return local_actor(store)


def label_token(store: Store, actor: Actor, slug: str, session_secret: str | None) -> LabelToken:
    """The token of the labelling screen in this browser, for this project alone.

    Raises:
        InputError: the browser keeps no cookie, or its session is over.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    if not session_secret:
        raise InputError("This browser sends no cookie, which the labelling screen needs. Allow cookies, then reload.")
    hashed = hash_of(session_secret)
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        token = _derived(session_secret, f"labels of {project.id}")
        known = rows.screen_token(session, hash_of(token), now())
    if known is not None:
        return LabelToken(token, known)
    try:
        with store.writing() as session:
            session_id, expires_at = rows.session_with(session, hashed) or rows.add_session(
                session, actor.account_id, hashed, now() + LASTS
            )
            if expires_at <= now():
                raise InputError("This browser's session is over. Sign out, then open the page again.")
            rows.add_token(
                session,
                account_id=actor.account_id,
                project_id=project.id,
                session_id=session_id,
                secret_hash=hash_of(token),
                expires_at=expires_at,
            )
    except IntegrityError:  # another tab of this browser was first
        return label_token(store, actor, slug, session_secret)
    return LabelToken(token, expires_at)


def _derived(session_secret: str, purpose: str) -> str:
    return SCREEN_PREFIX + hmac.new(session_secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()
