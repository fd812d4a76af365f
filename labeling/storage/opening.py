"""Opening the database: where it is, whether it can be written, and its schema brought up to date."""

import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from labeling.errors import StoreError
from labeling.storage.migrate import bring_up_to_date
from labeling.storage.store import Store


def open_store(url: str) -> Store:
    """Open the database at `url`, make it if it is not there, and bring it up to date.

    Raises:
        StoreError: it cannot be opened, is of a newer version, or is not one of ours.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"{url!r} is not a database address. Use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        ) from error
    if address.get_backend_name() == "sqlite":
        address = _prepared_file(address)
    elif address.get_backend_name() != "postgresql":
        raise StoreError(
            f"{address.get_backend_name()} is not supported. Use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME."
        )
    elif address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    try:
        store = Store(address)
    except ModuleNotFoundError as error:
        raise StoreError(
            "The PostgreSQL driver is not installed. Install it with: pip install 'tiebreak[postgres]'"
        ) from error
    try:
        bring_up_to_date(store)
    except BaseException:
        store.close()
        raise
    return store


def _prepared_file(url: URL) -> URL:
    if not url.database or url.database == ":memory:":
        raise StoreError(
            "A database in memory is not supported: the app and its worker share a file. Use sqlite:///FILE."
        )
    path = Path(url.database).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"The folder {path.parent} cannot be made ({error.strerror}). Choose another with --database."
        ) from error
    if path.is_dir():
        raise StoreError(f"{path} is a folder. Name a file in it: sqlite:///{path}/tiebreak.db")
    # WAL needs to make files beside the database, so that the folder must be writable too.
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise StoreError(
            f"{path} cannot be written. Give yourself the right to write to the file and its folder, or choose another with --database."
        )
    return url.set(database=str(path))
