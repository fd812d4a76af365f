"""Commands, run in this process."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import typer
from typer.testing import CliRunner


def commands(*modules: ModuleType) -> Callable[..., Any]:
    """Runs a command of these modules, which has to exit with `code`; returns what it printed on stdout, as an object where
    JSON was asked for. What the program tells in a sentence is raised."""
    app = typer.Typer()
    app.callback()(lambda: None)  # with one command alone, its name would not be asked for
    for module in modules:
        module.register(app)

    def run(*arguments: object, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    return run
