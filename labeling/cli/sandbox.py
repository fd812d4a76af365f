"""`tiebreak sandbox`: the offline endpoint as a server of its own, for commands and scripts without the app."""

import os
import socket
from typing import Annotated

import typer

from labeling.cli.context import AsJson, tell
from labeling.errors import InputError

PORT = 8600


def register(app: typer.Typer) -> None:
    app.command()(sandbox)


def sandbox(
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.", min=0, max=65535)] = PORT,
    latency: Annotated[float, typer.Option(help="Seconds before each answer.", min=0, max=600)] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Serve an OpenAI-compatible endpoint that needs no key and no network, until Ctrl-C."""
    import uvicorn

    from labeling.sandbox.request import MODELS
    from labeling.services.sandbox import LATENCY_VARIABLE, SANDBOX_PATH

    listening = _listen(port)
    os.environ[LATENCY_VARIABLE] = str(latency)
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}{SANDBOX_PATH}"
    human = f'base_url = "{base_url}"\nmodels: {", ".join(MODELS)}\nNo key is needed. Stop with Ctrl-C.'
    tell(human, {"base_url": base_url, "models": MODELS}, as_json)
    config = uvicorn.Config("labeling.web.sandbox:sandbox_app", factory=True, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    """A socket of this machine alone, so that a free port is known before it is told."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # who reads the address may ask at once
    except OSError as error:
        listening.close()
        raise InputError(f"Port {port} cannot be opened ({error.strerror}). Choose another with --port.") from error
    return listening
