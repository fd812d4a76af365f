"""The database, handed out as short transactions; `opening.py` opens it.

SQLite by default (one file, WAL, one writer at a time that begins IMMEDIATE), PostgreSQL by its address. Nothing else
knows which of the two it is.
"""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, IntegrityError, OperationalError
from sqlmodel import Session

from labeling.errors import InputError, StoreError

__all__ = ["IntegrityError", "Session", "Store"]

BUSY_SECONDS = 30
ASKED_FOR_MS = 8  # in which SQLite asks five times; then it is begun anew
IDLE_SECONDS = 5.0

_UNSTORABLE = "A text holds a character that cannot be stored (NUL, or half of one). Take it out, then try again."
_TOO_LARGE = "A number is larger than can be stored (over 18 digits). Use a smaller one."


class _Transaction(Session):
    """A session of one transaction: its connection is looked up once, which otherwise costs as much as a small statement."""

    _own: Connection | None = None

    def connection(self, *_: Any, **__: Any) -> Connection:
        # No cached_property: until Python 3.12 one lock serves all sessions, and is held while BEGIN waits for a writer.
        if self._own is None:
            self._own = super().connection()
        return self._own


class Store:
    """An open database. `writing` and `reading` give a session for one short transaction each."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        # SQLite lets one writer in and has the others poll, which starves some: those of this process stand in line here.
        self._turn: AbstractContextManager[object] = Lock() if self.is_sqlite else nullcontext()
        self._writer = _engine(url, writes=True)
        self._reader = _engine(url, writes=False)

    @property
    def place(self) -> str:
        """Where the data is, for people: the file's path, or the address without its password."""
        return str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One write transaction: committed at the end, rolled back on any error.

        Raises:
            StoreError: the database is locked, read-only, full or gone.
            InputError: a text or a number is of a kind that no database stores.
            IntegrityError: a rule of the schema was broken (for the caller to understand).
        """
        with (
            self._translated(),
            self._turn,
            _Transaction(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One read-only transaction: everything read in it is of one moment."""
        with self._translated(), _Transaction(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A bare connection in a write transaction that may rebuild tables.

        SQLite rebuilds a table by copying and dropping it, which its foreign keys would refuse half way: they are off
        until the end, where all of them are checked.
        """
        with self._translated(), self._writer.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            if not self.is_sqlite:
                with connection.begin():
                    yield connection
                return
            raw.cursor().execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken:
                        raise StoreError(
                            f"{self.place} was not migrated: a row of {broken[0]} would point nowhere. Report this."
                        )
            finally:
                raw.cursor().execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except UnicodeEncodeError as error:  # half of a character, as a file name or an argument may hold
            raise InputError(_UNSTORABLE) from error
        except OverflowError as error:
            raise InputError(_TOO_LARGE) from error
        except DataError as error:
            words = str(error.orig).lower()
            if "nul (0x00)" in words or "\\u0000 cannot be converted" in words:  # as text, or within JSON
                raise InputError(_UNSTORABLE) from error
            if "out of range" in words:
                raise InputError(_TOO_LARGE) from error
            raise
        except DBAPIError as error:
            sentence = _sentence(error, self.place)
            if sentence is None:
                raise
            raise StoreError(sentence) from error


def _engine(url: URL, *, writes: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        options: dict[str, Any] = {"pool_size": 10, "max_overflow": 20}
        if not writes:
            # For the connection's whole life: as an option of execution both would be set and taken back each time.
            options["isolation_level"] = "REPEATABLE READ"
        engine = create_engine(url, **options)
        if not writes:
            event.listen(engine, "connect", _only_read)
        _ask_idle_connections(engine)
        return engine

    engine = create_engine(url, pool_size=10, max_overflow=20)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        # Our own BEGIN below: the driver's would be deferred, and a read that turns into a write fails at once.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            "foreign_keys = ON",
            "recursive_triggers = ON",  # else REPLACE deletes rows without their triggers
            "synchronous = FULL",  # an acknowledged label outlives a power cut
            "cache_size = -8000",
            "temp_store = MEMORY",  # what a statement of many rows may have to take back is no file of its own
            *(() if writes else ("query_only = ON",)),
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if writes and cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # it is kept in the file
            _when_free(cursor, "PRAGMA journal_mode = WAL")
        if writes:
            cursor.execute(f"PRAGMA busy_timeout = {ASKED_FOR_MS}")
        cursor.close()

    def begin(connection: Any) -> None:
        if writes:
            _when_free(connection.cursor(), "BEGIN IMMEDIATE")
        else:
            connection.cursor().execute("BEGIN")

    # Not the event "begin": an engine with such events looks for listeners at every statement.
    engine.dialect.do_begin = begin  # type: ignore[assignment]  # on the instance there is no self
    return engine


def _only_read(connection: Any, _record: object) -> None:
    connection.read_only = True


def _ask_idle_connections(engine: Engine) -> None:
    """A connection that lay idle is asked whether it is still one before it is used; to ask each time would cost a
    label as much as storing it."""

    @event.listens_for(engine, "checkin")
    def _put_back(_connection: object, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _take(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("idle_since", math.inf) < IDLE_SECONDS:
            return  # also where it was just opened
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool opens another


def _when_free(cursor: Any, statement: str) -> None:
    """Run what needs the one writer's place. SQLite itself asks ever more rarely for it, in the end ten times a second:
    beside a process that writes without a rest it would be let in by chance alone."""
    import sqlite3

    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.001)


def _sentence(error: DBAPIError, place: str) -> str | None:
    """What a fault of the database means to its user; None for what only a bug can cause."""
    words = str(error.orig).lower()
    for found, sentence in (
        (
            "database is locked",
            f"{place} is in use by another program for over {BUSY_SECONDS} seconds. Close what holds it, then try again.",
        ),
        (
            "database or disk is full",
            f"There is no room left where {place} is. Nothing was half-written; free some space, then try again.",
        ),
        (
            "no space left",
            f"There is no room left where {place} is. Nothing was half-written; free some space, then try again.",
        ),
        (
            "readonly",
            f"{place} cannot be written. Give yourself the right to write to the file and its folder, or choose another with --database.",
        ),
        (
            "unable to open",
            f"{place} cannot be opened. Check that the folder exists and can be written, or choose another with --database.",
        ),
        ("not a database", f"{place} is not a SQLite database. Choose another file with --database."),
        ("malformed", f"{place} is damaged. Restore a backup of it."),
        ("disk i/o error", f"The disk failed while reading or writing {place}. Check the disk, then try again."),
    ):
        if found in words:
            return sentence
    if isinstance(error, OperationalError) and not place.startswith("/"):
        return f"{place} cannot be reached ({str(error.orig).strip().splitlines()[0]}). Check the address and that the server runs."
    return None
