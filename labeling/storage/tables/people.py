"""People, their rights, how they sign in, and the variables that may hold a key."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from labeling.storage.tables.columns import Table, UtcDateTime, at, one_of


class Account(Table, table=True):
    """A person who may sign in. Used alone there is one, an administrator without a password."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("name"), UniqueConstraint("issuer", "subject"))

    id: int | None = Field(default=None, primary_key=True)
    name: str
    password_hash: str | None = None
    issuer: str | None = None
    subject: str | None = None
    is_admin: bool = False
    created_at: datetime = at(default_now=True)
    disabled_at: datetime | None = at()


class Member(Table, table=True):
    """Who works in a project. `languages` is a JSON list (NULL: all), `takes_sensitive` whether sensitive pairs are welcome
    (NULL: as the project has it)."""

    __tablename__ = "member"
    __table_args__ = (one_of("role", "owner", "lead", "annotator"),)

    project_id: int = Field(foreign_key="project.id", primary_key=True)
    account_id: int = Field(foreign_key="account.id", primary_key=True, index=True)
    role: str
    languages: str | None = None
    takes_sensitive: bool | None = None
    created_at: datetime = at(default_now=True)


class LoginSession(Table, table=True):
    """A browser that is signed in. Only the hash of its secret is kept."""

    __tablename__ = "session"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    secret_hash: str
    created_at: datetime = at(default_now=True)
    expires_at: datetime = Field(sa_type=UtcDateTime, nullable=False)
    ended_at: datetime | None = at()


class Token(Table, table=True):
    """A personal secret for scripts, bound to an account and, where given, to one project. Only its hash is kept."""

    __tablename__ = "token"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    project_id: int | None = Field(default=None, foreign_key="project.id")
    session_id: int | None = Field(default=None, foreign_key="session.id")
    secret_hash: str
    created_at: datetime = at(default_now=True)
    expires_at: datetime | None = at()
    revoked_at: datetime | None = at()


class KeyVariable(Table, table=True):
    """A variable that may hold an endpoint's key, bound to the one origin it may be sent to. Never its value."""

    __tablename__ = "key_variable"

    name: str = Field(primary_key=True)
    origin: str
    created_by: int | None = Field(default=None, foreign_key="account.id")
    created_at: datetime = at(default_now=True)
