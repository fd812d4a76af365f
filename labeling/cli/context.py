"""What every command needs: the store, the actor, and how results are told."""

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from labeling.errors import TiebreakError

if TYPE_CHECKING:
    from labeling.domain import Actor
    from labeling.storage.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def _slug(name: str) -> str:
    """A project's name as it stands in addresses, for those who type the one they gave it."""
    from labeling.services.projects import slug_of

    return slug_of(name)


ProjectName = Annotated[
    str,
    typer.Option("--project", "-p", help="The project's name, as `tiebreak project list` shows it.", callback=_slug),
]
ProjectArgument = Annotated[str, typer.Argument(metavar="NAME", callback=_slug)]

# A file's name or an endpoint's words may hold codes that a terminal obeys.
REPLACED = "\ufffd"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

_database: list[str] = []
_said: list[str] = []


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
    from labeling.storage.opening import open_store

    store = open_store(database_url())
    try:
        yield store, local_actor(store)
    finally:
        store.close()


def tell(human: str, data: object, as_json: bool) -> None:
    """Print a result: for people, or as one JSON object (a dataclass, or a dictionary that may hold some).

    At once: some commands go on after it, and a script waits for it at the other end of a pipe.
    """
    if as_json:
        print(json.dumps(data, ensure_ascii=not _is_utf8(), default=_plain), flush=True)
    elif human:
        print(CONTROL.sub(REPLACED, human), flush=True)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def progress(sentence: str) -> None:
    """Say how far a long command is: on stderr, over the last such line where it is a terminal."""
    if _said == [sentence]:
        return
    _said[:] = [sentence]
    sentence = CONTROL.sub(REPLACED, sentence)
    end = "\r" if sys.stderr.isatty() else "\n"
    print(sentence.ljust(79) if sys.stderr.isatty() else sentence, end=end, file=sys.stderr, flush=True)


def remark(human: str) -> None:
    """What people read beside a result: on stderr."""
    print(CONTROL.sub(REPLACED, human), file=sys.stderr, flush=True)


def complain(sentence: object) -> None:
    print(f"tiebreak: {CONTROL.sub(REPLACED, str(sentence))}", file=sys.stderr)


def fail(error: TiebreakError, as_json: bool) -> NoReturn:
    """The end of a command that a fault ended: one sentence, and one object where a script reads along."""
    complain(error)
    if as_json:
        tell("", {"error": str(error)}, as_json)
    raise SystemExit(1)


def make_printable() -> None:
    """Let no character end a command that cannot be written where its output goes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def expect_many_rows() -> None:
    """Have the garbage collector look less often: rows come and go, and none of them holds itself."""
    import gc

    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
