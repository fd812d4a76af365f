"""`tiebreak sandbox` as a process: one object with its address, then answers until it is ended."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def start(*options: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, str(ROOT / "tiebreak.py"), "sandbox", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_tells_its_address_answers_there_and_ends_in_order():
    with start("--port", "0", "--json") as process:
        assert process.stdout is not None
        # The socket listens before its address is told.
        told = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{told['base_url']}/models", timeout=200) as reply:
            assert [one["id"] for one in json.load(reply)["data"]] == told["models"]
        process.terminate()
        assert process.wait(200) in (0, -15)
        assert process.stdout.read() == ""


def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port)) as process:
            out, err = process.communicate(timeout=200)
    assert (process.returncode, out) == (1, "")
    assert err.startswith(f"tiebreak: Port {port} cannot be opened")
    assert len(err.splitlines()) == 1


def test_a_wrong_latency_is_wrong_usage():
    with start("--latency", "-1") as process:
        process.communicate(timeout=200)
    assert process.returncode == 2
