"""The store opens, refuses and copies databases, and says its faults in sentences."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import create_engine, select, text, update
from sqlmodel import col

from labeling.errors import InputError, StoreError
from labeling.services.access import local_actor
from labeling.storage import migrate
from labeling.storage.migrate import HEAD
from labeling.storage.opening import open_store
from labeling.storage.rules import LABEL_REVISION, installed_rules, rule_names
from labeling.storage.store import Store
from labeling.storage.tables import Account, metadata


def test_opening_makes_the_schema_and_opening_again_changes_nothing(empty_url: str) -> None:
    for _ in range(2):
        store = open_store(empty_url)
        with store.reading() as session:
            assert session.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        store.close()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")  # the index of rules.py
def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.reading() as session:
        connection = session.connection()
        # SQLite cannot show an index on an expression to Alembic: that one is in rules.py.
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _is_comparable})
        assert compare_metadata(context, metadata) == []


def _is_comparable(name: str | None, *_: object) -> bool:
    return name != LABEL_REVISION


def test_the_head_that_is_asked_for_is_the_newest_migration() -> None:
    versions = sorted(path.name[:4] for path in (migrate.MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert versions[-1] == HEAD


def test_processes_that_open_a_new_database_at_once_all_find_it_made(empty_url: str) -> None:
    code = "import sys; from labeling.storage.opening import open_store; open_store(sys.argv[1]).close()"
    folder = Path(migrate.__file__).parents[2]
    running = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], cwd=folder, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    assert [process.communicate()[1] for process in running] == [""] * 6
    store = open_store(empty_url)
    with store.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    store.close()


def test_twenty_threads_that_write_at_once_lose_nothing(store: Store) -> None:
    with store.writing() as session:
        session.add(Account(name="0"))

    def count_up(_: int) -> None:
        for _ in range(5):
            with store.writing() as session:
                account = session.scalars(select(Account).with_for_update()).one()
                account.name = str(int(account.name) + 1)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(count_up, range(20)))
    with store.reading() as session:
        assert session.scalars(select(Account.name)).one() == "100"


def test_a_writer_is_not_held_up_by_one_that_waits_for_it(sqlite_store: Store) -> None:
    """As when two apps share a database: the second begins while the first is in the middle of its transaction."""
    with closing(open_store(str(sqlite_store.url))) as other, ThreadPoolExecutor(1) as apps:
        begun = Event()

        def wait_and_write() -> None:
            with other.writing() as session:
                begun.set()
                session.connection()

        with sqlite_store.writing() as session:
            session.scalars(select(Account)).all()
            waiting = apps.submit(wait_and_write)
            assert begun.wait(60)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)  # it waits for this transaction, which must need nothing of it
            session.connection()
        waiting.result(60)


def test_a_database_that_another_has_to_itself_for_a_moment_is_waited_for(sqlite_store: Store) -> None:
    sqlite_store.close()
    other = sqlite3.connect(str(sqlite_store.url.database), isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(_write_account, sqlite_store, "late")
        with pytest.raises(TimeoutError):
            written.result(0.2)  # far longer than a writer asks at a time
        other.close()
        written.result(60)


def _write_account(store: Store, name: str) -> None:
    with store.writing() as session:
        session.add(Account(name=name))


def test_a_read_is_of_one_moment(store: Store) -> None:
    with store.reading() as session:
        assert session.scalar(select(col(Account.id))) is None
        with store.writing() as other:
            other.add(Account(name="late"))
        assert session.scalar(select(col(Account.id))) is None


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"cannot be written|read-only"), store.reading() as session:
        session.execute(text("INSERT INTO lease (name, owner, until) VALUES ('a', 'b', '2026-01-01')"))


def test_times_come_back_in_utc_and_naive_ones_are_refused(store: Store) -> None:
    moment = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    with store.writing() as session:
        session.add(Account(name="a", created_at=moment))
    with store.reading() as session:
        assert session.scalars(select(Account.created_at)).one() == moment
    with pytest.raises(Exception, match="no time zone"), store.writing() as session:
        session.execute(update(Account).values(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - naive on purpose


def test_a_database_of_a_newer_version_is_refused_and_left_alone(store: Store, store_url: str) -> None:
    with store.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer Tiebreak \(schema 9999; this one knows up to"):
        open_store(store_url)
    with store.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_database_of_another_program_is_refused(empty_sqlite_url: str) -> None:
    path = empty_sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoice (id INTEGER)")
    with pytest.raises(StoreError, match="not Tiebreak's"):
        open_store(empty_sqlite_url)


def test_a_sqlite_file_is_copied_before_it_is_migrated(
    sqlite_store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A migration of tomorrow stands in a copy of the migrations folder: it adds a column."""
    store = open_store(sqlite_store_url)
    local_actor(store)
    store.close()
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "script.py.mako", "versions/0001_foundation.py"):
        (folder / name).write_bytes((migrate.MIGRATIONS / name).read_bytes())
    (folder / "versions/0002_tomorrow.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('label', recreate='always') as batch:\n"
        "        batch.add_column(sa.Column('tomorrow', sa.Integer()))\n"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    monkeypatch.setattr(migrate, "HEAD", "0002")
    upgraded = open_store(sqlite_store_url)
    with upgraded.reading() as session:
        assert session.scalar(text("SELECT count(tomorrow) FROM label")) == 0
        assert installed_rules(session.connection()) == rule_names("sqlite")
    upgraded.close()
    copy = tmp_path / "store.before-0001-upgrade.db"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT name FROM account").fetchone() == ("local",)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://localhost/x", "sqlite://"])
def test_an_address_that_is_no_database_is_refused_with_what_would_be(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///FILE"):
        open_store(url)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(StoreError, match=r"cannot be reached .* Check the address") as caught:
        open_store("postgresql+psycopg://someone:secret@127.0.0.1:9/nothing")
    assert "secret" not in str(caught.value)


def test_connections_that_were_cut_while_they_lay_idle_are_replaced(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling.storage.store.IDLE_SECONDS", 0.0)
    local_actor(store)  # opens a connection of each kind
    if not store.is_sqlite:  # as a server that was started again does
        other = create_engine(store_url.replace("postgresql://", "postgresql+psycopg://"))
        with other.connect() as connection:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            assert connection.execute(text(cut)).all()
        other.dispose()
    with store.reading() as session:
        assert session.scalar(select(col(Account.name))) == "local"
    with store.writing() as session:
        session.execute(update(Account).values(is_admin=True))


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("These are my notes, they are long enough to be looked at.\n" * 30)
    with pytest.raises(StoreError, match="is not a SQLite database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text().startswith("These are my notes")


@pytest.mark.parametrize("path", ["/proc/tiebreak.db", "/proc/new/tiebreak.db"])
def test_a_folder_that_cannot_be_written_is_one_sentence(path: str) -> None:
    """/proc takes no files from anyone, not even from root."""
    with pytest.raises(StoreError, match=r"cannot be (written|opened|made).*(folder|--database)"):
        open_store(f"sqlite:///{path}")


def test_a_full_database_is_one_sentence_and_nothing_is_half_written(sqlite_store: Store) -> None:
    """SQLite's own page limit stands in for the disk: it answers with the very same fault."""

    def fill() -> None:
        with sqlite_store.writing() as session:
            pages = session.scalar(text("PRAGMA page_count"))
            session.execute(text(f"PRAGMA max_page_count = {pages}"))
            session.add_all([Account(name=f"{number}" * 200) for number in range(2000)])

    with pytest.raises(StoreError, match="no room left"):
        fill()
    with sqlite_store.reading() as session:
        assert session.scalar(select(col(Account.id))) is None


def test_what_no_database_stores_is_one_sentence(store: Store) -> None:
    for name, says in (("a\udcff", "character"), ("a\x00", "character")):
        if "\x00" in name and store.is_sqlite:  # it stores this one
            continue
        with pytest.raises(InputError, match=says), store.writing() as session:
            session.add(Account(name=name))
    with pytest.raises(InputError, match="number"), store.reading() as session:
        session.get(Account, 10**30)


def test_a_completion_is_taken_back_without_a_look_at_every_label(sqlite_store: Store) -> None:
    with sqlite_store.reading() as session:
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN SELECT 1 FROM label WHERE edit_id = 1").all()
    assert [row[3] for row in plan] == ["SEARCH label USING COVERING INDEX ix_label_edit_id (edit_id=?)"]
