"""Personal tokens, browsers' sessions and their screens' tokens: only hashes are kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Executable,
    FromClause,
    Row,
    String,
    and_,
    bindparam,
    or_,
    select,
    update,
)
from sqlmodel import Session, col

from labeling.storage.tables import Account, LoginSession, Token, UtcDateTime, core

_AT: BindParameter[Any] = bindparam("at", type_=UtcDateTime)
_HASHED: BindParameter[Any] = bindparam("secret_hash", type_=String)
# Made once: these are asked with every label.
_LIVE_SESSION = col(LoginSession.ended_at).is_(None) & (col(LoginSession.expires_at) > _AT)
_LIVE_TOKEN = col(Token.revoked_at).is_(None) & or_(col(Token.expires_at).is_(None), col(Token.expires_at) > _AT)
# Who a token speaks for, to be joined with what is asked of them.
TOKEN_OWNERS: FromClause = (
    core(Account)
    .join(core(Token), col(Token.account_id) == col(Account.id))
    .outerjoin(core(LoginSession), col(LoginSession.id) == col(Token.session_id))
)
OF_LIVE_TOKEN = and_(
    col(Token.secret_hash) == _HASHED,
    _LIVE_TOKEN,
    col(Account.disabled_at).is_(None),
    or_(col(Token.session_id).is_(None), _LIVE_SESSION),
)
OWNER: tuple[Any, ...] = (
    col(Account.id).label("account_id"),
    col(Account.name).label("account_name"),
    col(Account.is_admin),
    col(Token.project_id).label("token_project_id"),
    col(LoginSession.secret_hash).label("session_hash"),
)
_OWNER_OF_TOKEN: Executable = select(*OWNER).select_from(TOKEN_OWNERS).where(OF_LIVE_TOKEN)
_OWNER_OF_SESSION: Executable = (
    select(col(Account.id), col(Account.name), col(Account.is_admin))
    .join(LoginSession, col(LoginSession.account_id) == col(Account.id))
    .where(col(LoginSession.secret_hash) == _HASHED, _LIVE_SESSION, col(Account.disabled_at).is_(None))
)
_SCREEN_TOKEN: Executable = (
    select(col(Token.expires_at))
    .join(LoginSession, col(LoginSession.id) == col(Token.session_id))
    .where(col(Token.secret_hash) == _HASHED, _LIVE_TOKEN, _LIVE_SESSION)
)


def add_token(
    session: Session,
    *,
    account_id: int,
    project_id: int | None,
    secret_hash: str,
    expires_at: datetime | None,
    session_id: int | None = None,
) -> None:
    session.add(
        Token(
            account_id=account_id,
            project_id=project_id,
            session_id=session_id,
            secret_hash=secret_hash,
            expires_at=expires_at,
        )
    )
    session.flush()


def owner_of_token(session: Session, secret_hash: str, at: datetime) -> Row[Any] | None:
    """The account of a token that is good now (account_id, account_name, is_admin), the project it is bound to
    (token_project_id), and the hash of the session's secret where it belongs to a browser (session_hash); None for any
    other token."""
    return session.connection().execute(_OWNER_OF_TOKEN, {"secret_hash": secret_hash, "at": at}).first()


def owner_of_session(session: Session, secret_hash: str, at: datetime) -> Row[Any] | None:
    """The account signed in at the browser (id, name, is_admin); None where nobody is."""
    return session.execute(_OWNER_OF_SESSION, {"secret_hash": secret_hash, "at": at}).first()


def screen_token(session: Session, secret_hash: str, at: datetime) -> datetime | None:
    """When a screen's token ends that is good now; None for any other."""
    found = session.execute(_SCREEN_TOKEN, {"secret_hash": secret_hash, "at": at}).first()
    return None if found is None else found[0]


def session_with(session: Session, secret_hash: str) -> tuple[int, datetime] | None:
    """A browser's session and its end, which is in the past where it was signed out."""
    found = session.scalars(select(LoginSession).where(col(LoginSession.secret_hash) == secret_hash)).first()
    if found is None:
        return None
    assert found.id is not None
    return found.id, min(found.ended_at or found.expires_at, found.expires_at)


def add_session(session: Session, account_id: int, secret_hash: str, expires_at: datetime) -> tuple[int, datetime]:
    """Begin a browser's session. Raises IntegrityError where its secret is known."""
    row = LoginSession(account_id=account_id, secret_hash=secret_hash, expires_at=expires_at)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id, expires_at


def end_session(session: Session, secret_hash: str, at: datetime) -> None:
    session.execute(
        update(LoginSession)
        .where(col(LoginSession.secret_hash) == secret_hash, col(LoginSession.ended_at).is_(None))
        .values(ended_at=at)
    )
