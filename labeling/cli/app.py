"""`tiebreak app` and `tiebreak doctor`."""

import os
import runpy
import socket
import sys
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from labeling.cli.context import AsJson, database_url, tell
from labeling.errors import InputError, NotFoundError

PORT = 8501
START_SECONDS = 60.0  # how long the browser waits for the first answer


def register(app: typer.Typer) -> None:
    app.command("app")(serve)
    app.command()(doctor)


def serve(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; only this machine's own are allowed.")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Start the web app and its worker, until Ctrl-C."""
    from labeling.services.exposure import refuse_exposure
    from labeling.services.start import check_store

    refuse_exposure(host)
    _check_port(host, port)
    check_store(database_url())
    # For the app, and for the worker that it starts.
    os.environ["TIEBREAK_DATABASE_URL"] = database_url()
    if browser and _has_screen():
        Thread(target=_open_browser, args=(host, port), daemon=True).start()
    # In this process, so that one Ctrl-C or signal ends all of it.
    sys.argv = ["streamlit", "run", str(_app_file()), f"--server.address={host}", f"--server.port={port}"]
    runpy.run_module("streamlit", run_name="__main__")


def doctor(as_json: AsJson = False) -> None:
    """Check what Tiebreak needs: versions, database, folders, keys by name, the worker."""
    from labeling.services.doctor import examine

    findings = examine(database_url())
    width = max(len(finding.subject) for finding in findings)
    marks = {"good": "ok  ", "note": "note", "bad": "FAIL"}
    human = "\n".join(f"{marks[finding.state]}  {finding.subject:<{width}}  {finding.text}" for finding in findings)
    is_well = all(finding.state != "bad" for finding in findings)
    tell(human, {"ok": is_well, "findings": findings}, as_json)
    if not is_well:
        raise typer.Exit(1)


def _app_file() -> Path:
    """`app.py` beside the package: in a clone, and in an installation."""
    path = Path(__file__).resolve().parents[2] / "app.py"
    if not path.is_file():
        raise NotFoundError(f"{path} is missing from this installation. Install Tiebreak again.")
    return path


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"Port {port} on {host} cannot be used ({error.strerror}). Choose another with --port, or stop what uses it."
            ) from error


def _has_screen() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(host: str, port: int) -> None:
    """Wait for the app to answer, then show it. A browser that does not open is no fault: the address is printed."""
    import time
    import webbrowser

    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with socket.create_connection((host, port), timeout=1):
                break
        except OSError:
            time.sleep(0.2)
    place = f"[{host}]" if ":" in host else host
    webbrowser.open(f"http://{place}:{port}/")
