"""What every command needs: the store, the actor, and how results are told."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.errors import TiebreakError

if TYPE_CHECKING:
    from labeling.domain import Actor
    from labeling.storage.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ProjectName = Annotated[
    str, typer.Option("--project", "-p", help="The project's name in addresses, as `tiebreak project list` shows it.")
]

_database: list[str] = []


def choose_database(url: str) -> None:
    """Remember `--database`, for this command and for the processes it starts."""
    _database[:] = [url]


def database_url() -> str:
    from labeling.settings import settings

    return _database[0] if _database else settings().store_url


@contextmanager
def opened() -> Iterator[tuple["Store", "Actor"]]:
    """The store, brought up to date, and the one actor of the command line."""
    from labeling.services.access import local_actor
    from labeling.storage.store import open_store

    store = open_store(database_url())
    try:
        yield store, local_actor(store)
    finally:
        store.close()


def tell(human: str, data: object, as_json: bool) -> None:
    """Print a result: for people, or as one JSON object (a dataclass, or a dictionary that may hold some)."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, default=_plain))
    elif human:
        print(human)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def progress(sentence: str) -> None:
    """Say how far a long command is: on stderr, over the last such line where it is a terminal."""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(sentence.ljust(79) if sys.stderr.isatty() else sentence, end=end, file=sys.stderr, flush=True)


def fail(error: TiebreakError) -> None:
    print(f"tiebreak: {error}", file=sys.stderr)
    raise typer.Exit(1)
