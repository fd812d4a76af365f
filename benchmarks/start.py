"""How soon the app is there, and what it holds while nobody uses it.

    python -m benchmarks.start

Starts `tiebreak app` in an empty folder, opens it in a real browser, and waits for the sample project's name on the page: that is
the first page. A second start finds the database made. Memory is what the app and its worker hold a while after the browser left:
PSS, where a page of memory shared by two processes counts once.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
from playwright.sync_api import Browser, sync_playwright

from benchmarks.measure import TIEBREAK, Figure, free_port, show
from tests.fixtures.browser import FLAGS, chromium_path

LONGEST_START = 60.0
SETTLED_AFTER = 10.0


@contextmanager
def app(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"TIEBREAK_DATA_FOLDER": str(folder / "data")}
    environment.pop("TIEBREAK_DATABASE_URL", None)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [TIEBREAK, "app", "--port", str(port), "--no-browser"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def until_first_page(browser: Browser, port: int, begun: float) -> float:
    """Seconds from `begun` until a heading stands on the page."""
    # Not a bare connection: to a free port of this machine it can meet itself and succeed.
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5):
                break
        except OSError:
            if time.perf_counter() - begun > LONGEST_START:
                raise SystemExit(f"The app did not answer within {LONGEST_START:.0f} s.") from None
            time.sleep(0.02)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_role("heading").first.wait_for()
    seconds = time.perf_counter() - begun
    page.close()
    return seconds


def memory_mb(process: subprocess.Popen[bytes]) -> tuple[float, int]:
    """PSS of the process and all it started, in MB of 10^6 bytes, and how many they are."""
    started = psutil.Process(process.pid)
    family = [started, *started.children(recursive=True)]
    return sum(one.memory_full_info().pss for one in family) / 1e6, len(family)


def figures() -> list[Figure]:
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="tiebreak-start-") as temporary,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for what in ("first start, database and sample made, to first page", "later start to first page"):
            port, begun = free_port(), time.perf_counter()
            with app(Path(temporary), port) as process:
                seconds = until_first_page(browser, port, begun)
                found.append(Figure(what, f"{seconds:.1f} s", "≤ 4 s", seconds <= 4))
                if len(found) == 2:
                    time.sleep(SETTLED_AFTER)
                    held, count = memory_mb(process)
                    found.append(
                        Figure(f"memory of the idle app, {count} processes", f"{held:.0f} MB", "≤ 250 MB", held <= 250)
                    )
        browser.close()
    return found


if __name__ == "__main__":
    show(figures())
