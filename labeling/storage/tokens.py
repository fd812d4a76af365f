"""Personal tokens: only their hashes are kept."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from labeling.storage.tables import Account, LoginSession, Token, now


def add_token(
    session: Session, *, account_id: int, project_id: int | None, secret_hash: str, expires_at: datetime | None
) -> None:
    session.add(Token(account_id=account_id, project_id=project_id, secret_hash=secret_hash, expires_at=expires_at))
    session.flush()


def owner_of_token(session: Session, secret_hash: str) -> tuple[Account, int | None] | None:
    """The account of a token that is good now, and the project it is bound to; None for any other."""
    at = now()
    query = (
        select(Account, col(Token.project_id))
        .join(Token, col(Token.account_id) == col(Account.id))
        .outerjoin(LoginSession, col(LoginSession.id) == col(Token.session_id))
        .where(
            col(Token.secret_hash) == secret_hash,
            col(Token.revoked_at).is_(None),
            or_(col(Token.expires_at).is_(None), col(Token.expires_at) > at),
            col(Account.disabled_at).is_(None),
            # A token of a browser's session ends with it.
            or_(
                col(Token.session_id).is_(None),
                col(LoginSession.ended_at).is_(None) & (col(LoginSession.expires_at) > at),
            ),
        )
    )
    found = session.execute(query).first()
    return None if found is None else (found[0], found[1])
