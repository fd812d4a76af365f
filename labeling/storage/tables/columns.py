"""What the tables are made of: their metadata, and the columns and checks that many of them have."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy import Table as CoreTable
from sqlmodel import Field, SQLModel


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite has no time zones: they are put on when reading, refused to be missing when writing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; times in the database are UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    return datetime.now(UTC)


# SQLite gives only an INTEGER PRIMARY KEY its rowid; PostgreSQL counts labels and requests in 64 bits.
BigId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Table(SQLModel):
    metadata: ClassVar[MetaData] = metadata


def core(table: type[Table]) -> CoreTable:
    """The table as SQLAlchemy Core knows it: bulk inserts cost half of what they cost through the ORM."""
    return metadata.tables[str(table.__tablename__)]


def one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def big_key() -> Any:
    return Field(default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True))


def shared_key() -> Any:
    """The key of a row that belongs to a row of another table, and is that row's key."""
    return Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))


def big_id(*, nullable: bool = False, index: bool = False) -> Any:
    """The id of a row in a table whose ids are counted in 64 bits."""
    return Field(default=None if nullable else ..., sa_column=Column(BigId, nullable=nullable, index=index or None))


def at(*, default_now: bool = False, index: bool = False) -> Any:
    if default_now:
        return Field(default_factory=now, sa_type=UtcDateTime, nullable=False, index=index)
    return Field(default=None, sa_type=UtcDateTime, nullable=True, index=index)


def long_text(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=Text, nullable=True) if nullable else Field(sa_type=Text, nullable=False)
