"""One command, run as a user runs it, with what it cost."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# A process counts as its own peak what the one that starts it has in memory: a small one stands between.
BETWEEN = """
import json, os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(process.pid, 0)
status = process.returncode = os.waitstatus_to_exitcode(status)
cost = used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss * 1024 / 1e6
with open(int(sys.argv[1]), "w") as told:
    json.dump([status, *cost], told)
"""
# A user's modules are compiled once; where that is turned off, every start would be measured with it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
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
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, tempfile.TemporaryFile("w+") as told:
        between = [sys.executable, "-c", BETWEEN, str(told.fileno()), *command]
        subprocess.run(
            between,
            stdout=out,
            stderr=err,
            env=os.environ | dict(environment or {}),
            pass_fds=[told.fileno()],
            check=True,
        )
        for file in (out, err, told):
            file.seek(0)
        stdout, stderr = out.read(), err.read()
        status, cpu_seconds, wall_seconds, peak_mb = json.load(told)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} ended with {status}:\n{stdout[-2000:]}{stderr[-4000:]}")
    return Cost(cpu_seconds, wall_seconds, peak_mb, stdout)


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
