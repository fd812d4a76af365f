"""Other labelling tools, driven in the same browser by the same clock as ours.

potato=COMMAND        the `potato` of an environment that has potato-annotation; it is started here, on made items
potato=URL            one that runs already, on the items of `python -m benchmarks.peers FILE` and with no password
labelstudio=URL       one that runs already: http://MAIL:PASSWORD@HOST:PORT/projects/NUMBER, a project of the template
                      "Human Preference collection for RLHF" with the items of `python -m benchmarks.peers FILE`
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Page

from benchmarks.labelling import made_pairs, wait_for
from benchmarks.measure import free_port

ITEMS = 1_000
# One key finishes an item, which is the quickest way that the tool offers.
POTATO_CONFIG = {
    "annotation_task_name": "Pairs",
    "task_dir": ".",
    "output_annotation_dir": "out/",
    "output_annotation_format": "jsonl",
    "data_files": ["pairs.jsonl"],
    "item_properties": {"id_key": "id", "text_key": "prompt"},
    "user_config": {"allow_all_users": True, "users": []},
    "require_password": False,
    "authentication": {"method": "in_memory"},
    "num_annotators_per_item": 1,
    "max_annotations_per_item": 1,
    "review_mode": {"enabled": True, "auto_advance": True, "delay_ms": 0},
    "annotation_schemes": [
        {
            "annotation_type": "pairwise",
            "name": "preference",
            "description": "Which response is better?",
            "mode": "binary",
            "items_key": "responses",
            "show_labels": True,
            "labels": ["Response A", "Response B"],
            "allow_tie": True,
            "sequential_key_binding": True,
            "label_requirement": {"required": True},
        }
    ],
    "instance_display": {"fields": [{"key": "prompt", "type": "text", "label": "Prompt"}]},
    "site_dir": "default",
}


@dataclass(frozen=True)
class Tool:
    """One tool as the browser meets it. `decide` makes the n-th decision and ends with the key that finishes it."""

    name: str
    enter: Callable[[Page], None]
    decide: Callable[[Page, int], None]
    process: psutil.Process | None = None

    @property
    def cpu_seconds(self) -> float:
        """Of the server and what it started; 0 where it is not ours to look at."""
        if self.process is None:
            return 0.0
        family = [self.process, *self.process.children(recursive=True)]
        return float(sum(sum(one.cpu_times()[:2]) for one in family))


@contextmanager
def peer(asked: str, folder: Path) -> Iterator[Tool]:
    """The tool that `NAME=COMMAND-or-URL` names, ready to be entered."""
    name, _, where = asked.partition("=")
    if name == "potato" and "://" in where:
        yield _potato(where)
    elif name == "potato" and where:
        with _started_potato(str(Path(where).absolute()), folder) as (url, process):
            yield _potato(url, process)
    elif name == "labelstudio" and "://" in where:
        yield _label_studio(where)
    else:
        raise SystemExit(f"--peer {asked}: name one as potato=COMMAND, potato=URL or labelstudio=URL.")


def write_items(path: Path) -> None:
    """The made pairs with the names of columns that either tool reads."""
    with path.open("w", encoding="utf-8") as file:
        for pair in itertools.islice(made_pairs(ITEMS), ITEMS):
            columns = {"prompt": pair.prompt, "responses": [pair.a, pair.b], "answer1": pair.a, "answer2": pair.b}
            file.write(json.dumps({"id": f"pair {pair.number}", **columns}) + "\n")


def _potato(url: str, process: psutil.Process | None = None) -> Tool:
    def enter(page: Page) -> None:
        page.goto(url)
        mail = page.locator("#login-email:visible")
        mail.fill(f"{uuid.uuid4().hex}@example.org")
        mail.press("Enter")

    def decide(page: Page, number: int) -> None:
        page.locator(".pairwise-tile").first.wait_for()
        page.keyboard.press("12"[number % 2])

    return Tool("Potato", enter, decide, process)


@contextmanager
def _started_potato(command: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    work, port = folder / "potato", free_port()
    work.mkdir()
    write_items(work / "pairs.jsonl")
    (work / "config.yaml").write_text(json.dumps(POTATO_CONFIG | {"port": port}))  # JSON is YAML
    with (work / "log").open("ab") as log:
        process = subprocess.Popen(
            [command, "start", "config.yaml", "-p", str(port)],
            cwd=work,
            stdout=log,
            stderr=log,
            # It is an environment of its own; ours would lead its imports astray.
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/", process)
            yield f"http://127.0.0.1:{port}/", psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _label_studio(where: str) -> Tool:
    parts = urlsplit(where)
    url = f"{parts.scheme}://{parts.hostname}:{parts.port}"

    def enter(page: Page) -> None:
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", parts.username or "")
        page.fill("input[name=password]", parts.password or "")
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "login" not in address)
        page.goto(f"{url}{parts.path}/data?labeling=1")

    def decide(page: Page, number: int) -> None:
        # No key chooses a side: it is clicked, and the key that submits is the one which counts.
        page.locator(".answer-box").nth(number % 2).click(position={"x": 60, "y": 12})
        page.keyboard.press("Control+Enter")

    return Tool("Label Studio", enter, decide)


if __name__ == "__main__":
    write_items(Path(sys.argv[1]))
