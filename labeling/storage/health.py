"""What `tiebreak doctor` asks a database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from labeling.storage.tables import Lease


def schema_version(session: Session) -> str:
    """The revision the schema is at."""
    return str(session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def engine_version(session: Session) -> str:
    """`SQLite 3.46.1` or `PostgreSQL 16.4`."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.execute(text('SELECT sqlite_version()')).scalar_one()}"
    return f"PostgreSQL {connection.execute(text('SHOW server_version')).scalar_one()}"


def leases_at(session: Session, moment: datetime) -> Sequence[Lease]:
    """What some process holds alone at `moment`."""
    return session.exec(select(Lease).where(col(Lease.until) > moment).order_by(col(Lease.name))).all()
