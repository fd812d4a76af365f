"""A real app of its own, on a fresh database, with its worker."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class App:
    """The app as a user starts it. `kill` is kill -9, after which `start` brings it back at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.database = f"sqlite:///{folder / 'data' / 'tiebreak.db'}"
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "app.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tiebreak.py"), "app", "--no-browser", "--port", str(self.port)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "TIEBREAK_DATA_FOLDER": str(self.folder / "data")},
            )
        until = time.monotonic() + 200
        while True:
            assert self.process.poll() is None, "the app ended while it was starting: " + self.said
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=30):
                    return
            except OSError:
                assert time.monotonic() < until, "the app did not start"
                time.sleep(0.2)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def said(self) -> str:
        return (self.folder / "app.log").read_text()


@contextmanager
def running(folder: Path) -> Iterator[App]:
    app = App(folder)
    app.start()
    try:
        yield app
    finally:
        app.stop()
    assert "Traceback" not in app.said
