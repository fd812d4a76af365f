"""Projects to label: made pairs, imported as a user imports them, and the app that serves them.

Pair n holds the marks `aa{n}aa` and `bb{n}bb` in its completions, by which a driver sees what is on a screen without knowing
anything of the tool that shows it.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

from benchmarks.measure import TIEBREAK, free_port, run

LONGEST_START = 120.0
SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "ke",
    "li",
    "mo",
    "nu",
    "pra",
    "qui",
    "ro",
    "sti",
    "tu",
    "ve",
    "wa",
    "zu",
)


@dataclass(frozen=True)
class MadePair:
    """What is to be labelled: one prompt, two completions of about 150 words in light Markdown."""

    number: int
    prompt: str
    a: str
    b: str


@dataclass(frozen=True)
class Serving:
    """A running app. `process` is the server alone: its worker is a process of its own."""

    address: str
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        used = self.process.cpu_times()
        return float(used.user + used.system)


def made_pairs(count: int) -> Iterator[MadePair]:
    """The same `count` pairs at every call; no text comes twice."""
    chance = random.Random(7)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(3000)]
    for number in range(count):
        yield MadePair(
            number,
            f"{_sentence(chance, words)} {_sentence(chance, words)} pp{number}pp",
            _completion(chance, words, f"aa{number}aa"),
            _completion(chance, words, f"bb{number}bb"),
        )


def write_pairs(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        for pair in made_pairs(count):
            row = {"prompt": pair.prompt, "response_a": pair.a, "response_b": pair.b}
            file.write(json.dumps(row) + "\n")


def import_project(database: str, name: str, file: Path, overlap: int = 1) -> str:
    """Make a project of the pairs in `file`, with the commands of a user; return its slug."""
    command = [TIEBREAK, "--database", database]
    made = json.loads(run([*command, "project", "create", name, "--overlap", str(overlap), "--json"]).stdout)
    run([*command, "import", str(file), "--project", made["slug"], "--as", "pairs", "--json"])
    return str(made["slug"])


@contextmanager
def serving(folder: Path, database: str) -> Iterator[Serving]:
    """The app on `database`, ended at the end. Its log lies in `folder`."""
    port = free_port()
    environment = os.environ | {"TIEBREAK_DATABASE_URL": database, "TIEBREAK_DATA_FOLDER": str(folder / "data")}
    with (folder / "app.log").open("ab") as log:
        process = subprocess.Popen(
            [TIEBREAK, "app", "--port", str(port), "--no-browser"], cwd=folder, env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield Serving(f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers. Raises SystemExit where it ends or stays silent."""
    until = time.monotonic() + LONGEST_START
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer: {process.args!r}")


def _sentence(chance: random.Random, words: list[str]) -> str:
    return " ".join(chance.choices(words, k=chance.randint(7, 16))).capitalize() + "."


def _completion(chance: random.Random, words: list[str], mark: str) -> str:
    """A reply as models write them: paragraphs, often a list, sometimes a table or code."""
    parts = [" ".join(_sentence(chance, words) for _ in range(4)), f"**{_sentence(chance, words)}** {mark}"]
    if chance.random() < 0.6:
        parts.append("\n".join(f"- {_sentence(chance, words)}" for _ in range(4)))
    else:
        parts.append(" ".join(_sentence(chance, words) for _ in range(4)))
    if chance.random() < 0.2:
        parts.append(
            "```python\n" + "\n".join(f"{word} = {len(word)}" for word in chance.choices(words, k=6)) + "\n```"
        )
    else:
        parts.append(" ".join(_sentence(chance, words) for _ in range(3)))
    return "\n\n".join(parts)
