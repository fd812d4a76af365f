"""Judges that can be believed: a biased judge is told as biased, and a published judge's figures come out as published.

    python -m benchmarks.judging [--mock FOLDER] [--data FOLDER]

`--mock` is the folder of `mock_openai.py`: a judge that takes the first verdict with a chance of 0.8 reads 1,000 pairs in both
orders. Its first-slot share is counted in the raw replies, beside what Tiebreak reports; pairs whose two orders contradict each
other are counted there too, and looked for in the export. A second run breaks one reply in twenty.

`--data` is a folder that holds LLMBar as its authors publish it, with GPT-4's verdicts in both orders: a server of this machine
says again what GPT-4 said, and accuracy in each order, accuracy in both and positional agreement must be those of
`statistics.json`.
"""

import argparse
import json
import re
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.engine_server import MockServer, running_server
from benchmarks.measure import Figure, show
from labeling.domain import JudgeSpec, RunState
from labeling.judging.rubrics import RUBRICS
from labeling.services import runs
from labeling.services.access import local_actor
from labeling.services.bench import bench, look
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.gold import gold_from
from labeling.services.imports import ImportOptions, run_import
from labeling.services.judge import start_judging
from labeling.services.projects import create_project
from labeling.services.verdicts import OutcomeCounts, outcome_counts
from labeling.services.worker import work
from labeling.storage.opening import open_store
from labeling.storage.store import Store

PAIRS = 1_000
BIAS = 0.8
NEAR = 0.03  # how near the reported share must be to the counted one
SIDE = re.compile(r'"verdict": ?"(first|second)_')
BLOCK = re.compile(r"\[\[(\w+) ([^\]]+)\]\]\n(.*?)\n\[\[/\1 \2\]\]", re.DOTALL)


class Project:
    """A project of pairs in a database of its own, read by one judge after another."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.db"
        self.store: Store = open_store(f"sqlite:///{self.file}")
        self.actor = local_actor(self.store)
        self.slug = create_project(self.store, self.actor, name=name).slug

    @property
    def place(self) -> tuple[Store, Any, str]:
        return self.store, self.actor, self.slug

    def take(self, rows: Sequence[dict[str, Any]], labels_as: str | None = None) -> None:
        lines = "\n".join(json.dumps(row) for row in rows).encode()
        options = ImportOptions(kind="pairs", labels_as=labels_as) if labels_as else ImportOptions(kind="pairs")
        view = run_import(*self.place, lines, "pairs.jsonl", options)
        if view.refused:
            raise SystemExit(f"{view.refused} of {len(rows)} pairs were refused.")

    def judge(self, base_url: str, model: str, pairs: str = "all") -> int:
        """Let a judge read the pairs to the end; its id."""
        spec = JudgeSpec(name=model, base_url=base_url, model=model, rubric=RUBRICS["helpful"].text)
        run = start_judging(*self.place, spec, pairs, idempotency_key=f"{model} {pairs}")
        work(self.store, once=True)
        view = runs.run_view(*self.place, run.id)
        if view.state is not RunState.DONE or view.failed:
            raise SystemExit(f"The run of {model} ended as {view.state}, {view.failed} failed: {view.fault}")
        judge_id: int = view.spec["judge_id"]
        return judge_id

    def outcomes(self, judge_id: int) -> OutcomeCounts:
        return outcome_counts(*self.place, judge_id)

    def raw_replies(self) -> Iterator[tuple[int, str, str]]:
        """(pair, order, the endpoint's words) of every reply, past all that Tiebreak made of it."""
        query = (
            "SELECT pair_id, pair_order, text FROM run_request JOIN answer USING (request_id) WHERE pair_id IS NOT NULL"
        )
        with sqlite3.connect(self.file) as connection:
            yield from connection.execute(query)


def biased(source: Path, folder: Path) -> list[Figure]:
    """The figures of a judge with a known lean."""
    with running_server(source, folder) as server:
        return [*_bias(server, folder), *_repairs(server, folder)]


def _bias(server: MockServer, folder: Path) -> list[Figure]:
    server.set(first_bias=BIAS)
    project = Project(folder, "biased")
    project.take(_made_up(PAIRS))
    counts = project.outcomes(project.judge(server.base_url, "leaning"))
    said: dict[int, dict[str, str]] = {}
    for pair_id, order, text in project.raw_replies():
        found = SIDE.search(text)
        said.setdefault(pair_id, {})[order] = found[1] if found else "neither"
    slots = Counter(side for orders in said.values() for side in orders.values())
    counted = slots["first"] / (slots["first"] + slots["second"])
    reported = counts.first_slot_share or 0.0
    # The same slot in both orders is the other completion.
    contradicting = {pair for pair, orders in said.items() if orders["ab"] == orders["ba"] != "neither"}
    out = folder / "biased-export"
    view = export(*project.place, ExportChoices("trl-standard", validation_share=0), out=out)
    lines = (out / "provenance.jsonl").read_text().splitlines()
    exported = {json.loads(line)["pair"] for line in lines}
    wrong = len(exported & contradicting)
    answered = server.counters()["clean_ok"] - 1  # one found out about structured output
    return [
        Figure(
            f"first-slot share, {PAIRS:,} pairs, lean {BIAS}: counted in the raw replies",
            f"{counted:.1%} of {answered:,}",
            "",
        ),
        Figure("first-slot share as reported", f"{reported:.1%}", "within 3 points", abs(reported - counted) <= NEAR),
        Figure(
            f"pairs whose orders contradict ({len(contradicting):,}) among {view.rows:,} exported rows",
            str(wrong),
            "0",
            wrong == 0 and view.rows > 0,
        ),
    ]


def _repairs(server: MockServer, folder: Path) -> list[Figure]:
    server.set(first_bias=0.5, rate_malformed=0.05, seed=7)
    project = Project(folder, "broken")
    project.take(_made_up(300))
    counts = project.outcomes(project.judge(server.base_url, "breaking"))
    stats = server.counters()
    broken = stats["by_fault"].get("malformed", 0)
    extra = stats["requests"] - 601  # two orders of 300 pairs, and one that found out about structured output
    return [
        Figure(
            f"5 % of replies broken ({broken} of {stats['requests']}): asked again",
            f"{extra}, {counts.repairs} counted",
            "once each",
            extra == counts.repairs <= broken,
        ),
        Figure(
            "  pairs read, of them unreadable after that",
            f"{counts.pairs}, {counts.unreadable}",
            "300 read",
            counts.pairs == 300,
        ),
    ]


def _made_up(count: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"Question {number}: how many steps are there?",
            "response_a": f"There are {number} steps.",
            "response_b": f"Nobody has counted them so far, but {number + 7} seem likely.",
        }
        for number in range(count)
    ]


def replayed(data: Path, folder: Path) -> list[Figure]:
    """The figures of GPT-4's stored verdicts on LLMBar, for each way of prompting that is there."""
    found: list[Figure] = []
    for path in sorted(data.glob("**/evaluators/*/*/result.json")):
        items = json.loads(path.read_text())
        published = json.loads((path.parent / "statistics.json").read_text())
        found += _replay(path.parent.name, items, published, folder)
    if not found:
        raise SystemExit(f"{data} holds no LLMBar verdicts (evaluators/…/result.json).")
    return found


def _replay(name: str, items: Sequence[dict[str, Any]], published: dict[str, Any], folder: Path) -> list[Figure]:
    project = Project(folder, f"llmbar-{name.lower()}")
    rows = [
        {"prompt": item["input"], "response_a": item["output_1"], "response_b": item["output_2"], "verdict": "ab"[item["label"] - 1]}
        for item in items
    ]  # fmt: skip
    project.take(rows, labels_as="gold")
    gold_from(*project.place, "gold")
    with _replaying(items) as base_url:
        project.judge(base_url, f"replay-{name}", "gold")
    (tune,) = (one.agreement for one in bench(*project.place).tries)
    halves = [tune, look(*project.place, f"replay-{name}").agreement]
    pairs = sum(one.pairs for one in halves)
    reached = {
        "correct_False": sum(one.right_a_first for one in halves),
        "correct_True": sum(one.right_b_first for one in halves),
        "correct_both": sum(one.right for one in halves),
        "equal": sum(one.same_in_both for one in halves),
    }
    words = {
        "correct_False": "accuracy, the first output first",
        "correct_True": "accuracy, the second output first",
        "correct_both": "accuracy in both orders",
        "equal": "positional agreement",
    }
    figures = []
    for key, count in reached.items():
        value = f"{count} / {pairs} = {100 * count / pairs:.1f}%"
        figures.append(Figure(f"LLMBar {name}: {words[key]}", value, str(published[key]), value == published[key]))
    return figures


@contextmanager
def _replaying(items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The address of an endpoint that says about each pair, in each order, what the stored verdict says."""
    stored: dict[tuple[str, str, str], str] = {}
    for item in items:
        last = item["results"][-1]
        for swapped in (False, True):
            # `winner` names the output in its original place, whichever stood first.
            first_won = (last[f"swap = {swapped}"]["winner"] == "1") != swapped
            shown = (item["output_2"], item["output_1"]) if swapped else (item["output_1"], item["output_2"])
            stored[item["input"], *shown] = "first" if first_won else "second"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            blocks = {name: text for _, name, text in BLOCK.findall(body["messages"][-1]["content"])}
            key = (blocks["message 1, user"], blocks["first reply"], blocks["second reply"])
            side = stored.get(key, "first")  # the small call that finds out about structured output
            scores = {"first": 9 if side == "first" else 2, "second": 2 if side == "first" else 9}
            said = json.dumps({"reasoning": "Stored.", "scores": scores, "verdict": f"{side}_much"})
            choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            answer = {
                "id": "x",
                "object": "chat.completion",
                "model": body["model"],
                "choices": [choice],
                "usage": usage,
            }
            raw = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def figures(mock: Path | None, data: Path | None) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        found = biased(mock, Path(folder)) if mock else []
        return found + (replayed(data, Path(folder)) if data else [])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--mock", type=Path, metavar="FOLDER")
    asked.add_argument("--data", type=Path, metavar="FOLDER")
    given = asked.parse_args()
    if not given.mock and not given.data:
        asked.error("name a folder with --mock, with --data, or with both")
    show(figures(given.mock, given.data))
