"""The server that the engine is measured against: `mock_openai.py` of a folder outside, started here, its counters read.

What is reported was counted by the server, never by the engine.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

LONGEST_START = 30.0

# Starts the server; where told so, its limiter refuses without saying what the limit is.
STARTER = """
import asyncio, sys, types
sys.path.insert(0, sys.argv[1])
import mock_openai
if sys.argv[3] == "silent":
    told = mock_openai.err
    def silent(status, message, kind, code=None, extra=()):
        return told(status, message, kind, code, [one for one in extra if not one[0].startswith("x-ratelimit")])
    mock_openai.err = silent
asyncio.run(mock_openai.main(types.SimpleNamespace(host="127.0.0.1", port=0, port_file=sys.argv[2])))
"""


@dataclass(frozen=True)
class MockServer:
    """A running server. `base_url` is what an engine is given."""

    origin: str

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def set(self, **options: object) -> None:
        """These options and the server's defaults for all others, with counters at zero."""
        self._call("/__config?replace=1", options)
        self._call("/__reset", {})

    def counters(self) -> dict[str, Any]:
        return self._call("/__stats")

    def _call(self, path: str, sent: object = None) -> dict[str, Any]:
        body = None if sent is None else json.dumps(sent).encode()
        with urlopen(Request(self.origin + path, data=body), timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def running_server(source: Path, folder: Path, *, tells_its_limit: bool = True) -> Iterator[MockServer]:
    """`mock_openai.py` of `source` on a port of this machine, until the context ends."""
    port_file = folder / f"port-{time.monotonic_ns()}"
    mode = "open" if tells_its_limit else "silent"
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(source.absolute()), str(port_file), mode], stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + LONGEST_START
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"The server of {source} did not start; name the folder that holds mock_openai.py.")
            time.sleep(0.02)
        yield MockServer(f"http://127.0.0.1:{port_file.read_text()}")
    finally:
        process.terminate()
        process.wait()
