"""Bring a database up to date at start, under a lock, and refuse one that is not ours to change."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from labeling.errors import StoreError
from labeling.storage.store import Store

HEAD = "0001"
MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 7_423_865_301  # any number that is only ours: the key of PostgreSQL's advisory lock


def bring_up_to_date(store: Store) -> None:
    """Make or migrate the schema. Several processes may do this at once: one does, the others wait and find it done.

    A SQLite file is copied beside itself first.

    Raises:
        StoreError: the database is of a newer version, or holds other tables than ours.
    """
    with store.reading() as session:
        if _version(session.connection(), store.place) == HEAD:
            return
    with store.migrating() as connection:
        if not store.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        found = _version(connection, store.place)
        if found == HEAD:
            return
        if store.is_sqlite and found is not None:
            _copy(Path(str(store.url.database)), found)
        _upgrade(connection)


def _version(connection: Connection, place: str) -> str | None:
    """The revision of the schema; None for an empty database."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    version = (
        connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if "alembic_version" in tables
        else None
    )
    if version is None or "project" not in tables:
        raise StoreError(f"{place} holds tables that are not Tiebreak's. Choose another database with --database.")
    if str(version) not in _known():
        raise StoreError(
            f"{place} was written by a newer Tiebreak (schema {version}; this one knows up to {HEAD})."
            " Install that version, or choose another database with --database."
        )
    return str(version)


def _known() -> set[str]:
    return {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def _copy(path: Path, version: str) -> None:
    """Keep the file as it was: `tiebreak.db` of schema 0001 becomes `tiebreak.before-0001-upgrade.db`."""
    copy = path.with_name(f"{path.stem}.before-{version}-upgrade{path.suffix}")
    unfinished = copy.with_name(f"{copy.name}.part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source:
        source.execute("VACUUM INTO ?", (str(unfinished),))
    unfinished.replace(copy)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    from labeling.storage.rules import install_rules, remove_rules

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    remove_rules(connection)
    command.upgrade(config, "head")
    install_rules(connection)
