"""One command, run as a user runs it, with what it cost."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIEBREAK = str(Path(sys.executable).parent / "tiebreak")


@dataclass(frozen=True)
class Cost:
    """What one process used: `peak_mb` is its largest resident size, in MB of 10^6 bytes."""

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    stdout: str


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: str
    mark: str
    reached: bool | None = None  # None where there is no mark


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run `command` to its end. Raises SystemExit with its stderr where it fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ | dict(environment or {}))
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        stdout, stderr = out.read(), err.read()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{stdout[-2000:]}{stderr[-4000:]}")
    return Cost(
        cpu_seconds=used.ru_utime + used.ru_stime,
        wall_seconds=wall_seconds,
        peak_mb=used.ru_maxrss * 1024 / 1e6,
        stdout=stdout,
    )


def least(commands: Iterable[Sequence[str]]) -> Cost:
    """Run commands that do the same, one after the other, and tell the one of least CPU: the others were disturbed."""
    return min((run(command) for command in commands), key=lambda cost: cost.cpu_seconds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as one table."""
    widths = [max(len(getattr(figure, part)) for figure in figures) for part in ("what", "value", "mark")]
    for figure in figures:
        state = {None: "", True: "reached", False: "not reached"}[figure.reached]
        cells = zip((figure.what, figure.value, figure.mark), widths, strict=True)
        print("  ".join(text.ljust(width) for text, width in cells), state)
