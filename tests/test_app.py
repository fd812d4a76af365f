"""The app as a process of its own on a free port, as `tiebreak app` and `streamlit run app.py` start it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from labeling.web.middleware import CONTENT_SECURITY_POLICY

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 200.0  # a machine that runs other tests at the same time is slow; nothing is timed


def streamlit(*options: str) -> list[str]:
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]


def tiebreak(*options: str) -> list[str]:
    return [sys.executable, str(ROOT / "tiebreak.py"), "app", "--no-browser", *options]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(is_true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def answer(port: int, path: str = "/_stcore/health", **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            return reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def is_up(port: int) -> bool:
    try:
        return answer(port)[0] == 200
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def running(command: list[str], port: int, database: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"TIEBREAK_DATABASE_URL": f"sqlite:///{database}"}
    with subprocess.Popen(command, env=environment, cwd=database.parent) as process:
        try:
            until(lambda: is_up(port), "the app does not answer")
            yield process
        finally:
            process.kill()


def worker_of(process: subprocess.Popen[bytes]) -> psutil.Process | None:
    for child in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if "labeling.services.worker_process" in child.cmdline():
                return child
    return None


@pytest.mark.parametrize("start", [tiebreak, streamlit])
def test_the_app_answers_with_its_locks_and_its_worker_ends_with_it(start, tmp_path):
    port = free_port()
    options = ("--port", str(port)) if start is tiebreak else (f"--server.port={port}",)
    with running(start(*options), port, tmp_path / "tiebreak.db") as process:
        status, headers, page = answer(port, "/")
        assert status == 200
        assert b"<html" in page
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer(port, "/", Host="evil.example")[0] == 403
        assert answer(port, "/_stcore/health", Origin="http://evil.example")[0] == 403
        assert b"sandbox" in answer(port, "/sandbox/v1/models")[2]
        for path in ("/api/v1/projects/sample-project/labels", "/api/v1/nothing"):
            status, headers, body = answer(port, path)
            assert (status, "error" in json.loads(body)) == (404, True), "a script reads no page"
        until(lambda: worker_of(process) is not None, "no worker was started")
        first = worker_of(process)
        assert first is not None
        first.kill()
        until(lambda: (now := worker_of(process)) is not None and now.pid != first.pid, "the worker did not come back")
        second = worker_of(process)
        assert second is not None
        process.send_signal(signal.SIGKILL)
        second.wait(SECONDS)


def test_the_sample_project_is_there_before_the_first_page_and_a_second_app_shares_the_file(tmp_path):
    database = tmp_path / "tiebreak.db"
    one, two = free_port(), free_port()
    with running(tiebreak("--port", str(one)), one, database), running(tiebreak("--port", str(two)), two, database):
        listed = subprocess.run(
            [
                sys.executable,
                str(ROOT / "tiebreak.py"),
                "--database",
                f"sqlite:///{database}",
                "project",
                "list",
                "--json",
            ],
            capture_output=True,
            check=True,
            cwd=tmp_path,
        )
    (project,) = json.loads(listed.stdout)["projects"]
    assert project["is_sample"]
    assert project["open_pairs"] >= 40


@pytest.mark.parametrize(
    "command",
    [
        streamlit("--server.address=0.0.0.0"),
        streamlit("--server.address="),
        streamlit("--server.address=::"),
        tiebreak("--host", "0.0.0.0"),
        tiebreak("--host", ""),
    ],
)
def test_an_address_that_others_could_reach_is_refused_in_one_sentence(command, tmp_path):
    port = free_port()
    command = [*command, f"--server.port={port}" if "streamlit" in command else f"--port={port}"]
    ended = subprocess.run(
        command,
        env=os.environ | {"TIEBREAK_DATABASE_URL": f"sqlite:///{tmp_path / 'tiebreak.db'}"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=SECONDS,
    )
    assert ended.returncode == 1
    assert "does not start on" in ended.stderr
    assert "127.0.0.1" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "tiebreak.db").exists()


def test_a_busy_port_is_one_sentence(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ended = subprocess.run(
            tiebreak("--port", str(port)), capture_output=True, text=True, cwd=tmp_path, check=False, timeout=SECONDS
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"tiebreak: Port {port} on 127.0.0.1 cannot be used")
    assert len(ended.stderr.splitlines()) == 1


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path):
    (tmp_path / "note.db").write_text("not a database at all, but long enough to be read as one" * 20, "utf-8")
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tiebreak.py"), "--database", f"sqlite:///{tmp_path / 'note.db'}", "app", "--no-browser", "--port", str(free_port())],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=SECONDS,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "is not a SQLite database" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_doctor_names_what_is_missing_and_no_key(tmp_path):
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tiebreak.py"), "--database", f"sqlite:///{tmp_path / 'tiebreak.db'}", "doctor", "--json"],
        env=os.environ | {"OPENAI_API_KEY": "sk-not-to-be-seen"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=SECONDS,
    )  # fmt: skip
    report = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stdout
    assert report["ok"]
    texts = {finding["subject"]: finding["text"] for finding in report["findings"] if finding["subject"] != "key"}
    assert "SQLite" in texts["database"]
    assert "OPENAI_API_KEY is set in the environment." in ended.stdout
    assert "sk-not-to-be-seen" not in ended.stdout + ended.stderr
