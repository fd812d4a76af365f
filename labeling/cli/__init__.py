"""The command `tiebreak`: one module for each subject, each naming its commands in `register`."""

import gc
import importlib
import sys
from typing import Annotated

import typer

from labeling.cli.context import choose_database, fail, make_printable
from labeling.errors import TiebreakError

SUBJECTS = (
    "app",
    "projects",
    "imports",
    "generate",
    "pair",
    "score",
    "continuing",
    "judge",
    "verdicts",
    "rubric",
    "runs",
    "endpoints",
    "prices",
    "export",
    "exports",
    "reserve",
    "rules",
    "convert",
    "rounds",
    "hours",
    "tokens",
    "sandbox",
)

# Objects made before cycles are looked for. At the usual 700 that takes an import of rows a twentieth of its time.
GC_THRESHOLD = 10_000

command = typer.Typer(
    name="tiebreak",
    help="Make preference data: prompts in, pairs labelled by people and judges, tuning files out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@command.callback()
def _before(
    database: Annotated[
        str, typer.Option("--database", help="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME.")
    ] = "",
) -> None:
    if database:
        choose_database(database)


for _subject in SUBJECTS:
    importlib.import_module(f"labeling.cli.{_subject}").register(command)


def main() -> None:
    """Run the command; a fault that a user can mend is one sentence and exit status 1."""
    gc.set_threshold(GC_THRESHOLD)
    make_printable()
    try:
        command()
    except TiebreakError as error:
        fail(error, "--json" in sys.argv)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
