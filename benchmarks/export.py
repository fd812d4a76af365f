"""Export of many pairs: CPU seconds and peak memory of the commands, beside `datasets` writing the same records.

    python -m benchmarks.export [PAIRS] [--runs N]

Makes PAIRS pairs (100,000) of about 1 kB with one label each in a SQLite file of its own, then exports them to openai-dpo
with checks, provenance and digest, and to Parquet, N times each (3). The least CPU seconds are told, of whole processes, and what a million
pairs cost by them: 1,000 pairs tell what does not grow. With PAIRS 1000000 a million is what is exported. `datasets` does the same job
from the same file, once, the way it is used: a generator, filter, map and to_json; its checks and its provenance are simpler than ours.
Machines differ and have their hours: beside it stands what reading, writing and digesting alone cost in the same run.
"""

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import TIEBREAK, Cost, Figure, least, run, show
from labeling.domain import text_digest
from labeling.services.access import local_actor
from labeling.services.projects import create_project
from labeling.storage.opening import open_store

PAIRS, FEW, RUNS = 100_000, 1_000, 3

# The same job, as `datasets` does it: read, decide, make records and provenance, check, split, write, digest.
PEER = """
import hashlib, sqlite3, sys
from datasets import Dataset

def pairs():
    database = sqlite3.connect(sys.argv[1])
    yield from (
        dict(zip(("pair", "prompt", "question", "a", "b", "label", "rater", "verdict"), row))
        for row in database.execute(
            "SELECT p.id, q.digest, m.messages, a.text, b.text, l.id, r.name, l.verdict FROM pair p"
            " JOIN prompt q ON q.id = p.prompt_id JOIN prompt_text m ON m.prompt_id = p.prompt_id"
            " JOIN completion_text a ON a.completion_id = p.a_id JOIN completion_text b ON b.completion_id = p.b_id"
            " JOIN label l ON l.pair_id = p.id JOIN rater r ON r.id = l.rater_id ORDER BY p.id"
        )
    )

def record(row):
    import json
    chosen, rejected = (row["a"], row["b"]) if row["verdict"] == "a" else (row["b"], row["a"])
    return {
        "input": {"messages": json.loads(row["question"])},
        "preferred_output": [{"role": "assistant", "content": chosen}],
        "non_preferred_output": [{"role": "assistant", "content": rejected}],
    }

def is_sound(row):
    messages = row["input"]["messages"]
    chosen, rejected = row["preferred_output"][0]["content"], row["non_preferred_output"][0]["content"]
    return bool(chosen.strip() and rejected.strip() and chosen != rejected and messages[-1]["role"] == "user") and all(
        message["role"] in ("system", "user", "assistant") and message["content"].strip() for message in messages
    )

def is_validation(row):
    return int(hashlib.sha256(row["prompt"].encode()).hexdigest()[:8], 16) < 0.1 * 2**32

folder = sys.argv[2]
data = Dataset.from_generator(pairs, cache_dir=folder).filter(lambda row: row["verdict"] in ("a", "b"))
data = data.map(record).filter(is_sound)
line = ["input", "preferred_output", "non_preferred_output"]
for name, part in (("train", data.filter(lambda row: not is_validation(row))), ("validation", data.filter(is_validation))):
    part.select_columns(line).to_json(f"{folder}/{name}.jsonl")
    part.select_columns(["pair", "prompt", "label", "rater"]).to_json(f"{folder}/{name}-provenance.jsonl")
    print(name, len(part), hashlib.file_digest(open(f"{folder}/{name}.jsonl", "rb"), "sha256").hexdigest())
"""
# What no export can do without: the texts are read, put into lines, digested and written. Nothing is decided, checked or told.
FLOOR = """
import hashlib, orjson, sqlite3, sys
digest = hashlib.sha256()
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT p.id, m.messages, a.text, b.text, l.verdict FROM pair p JOIN prompt_text m ON m.prompt_id = p.prompt_id"
    " JOIN completion_text a ON a.completion_id = p.a_id JOIN completion_text b ON b.completion_id = p.b_id"
    " JOIN label l ON l.pair_id = p.id ORDER BY p.id"
)
with open(sys.argv[2] + "/floor.jsonl", "wb") as file:
    while chunk := rows.fetchmany(500):
        lines = []
        for _, messages, a, b, verdict in chunk:
            chosen, rejected = (a, b) if verdict == "a" else (b, a)
            lines.append(orjson.dumps({
                "input": {"messages": orjson.Fragment(messages)},
                "preferred_output": [{"role": "assistant", "content": chosen}],
                "non_preferred_output": [{"role": "assistant", "content": rejected}],
            }, option=orjson.OPT_APPEND_NEWLINE))
        block = b"".join(lines)
        digest.update(block)
        file.write(block)
"""
GROUPING = """
import sys
from labeling.services.grouping import group_prompts
from labeling.storage.opening import open_store
group_prompts(open_store(sys.argv[1]), 1)
"""

CHUNK = 10_000
WORDS = "the quick brown fox jumps over the lazy dog and goes on to say that it was all for nothing at all; "


def fill(file: Path, pairs: int) -> None:
    """`pairs` prompts with completions of two models each, and one imported label on every pair, all of it about 1 kB.

    Past the program, and without waiting for the disk: what is measured is the way out.
    """
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(
            "INSERT INTO rater (kind, name, project_id, created_at) VALUES ('imported', 'gold', 1, '2026-01-01')"
        )
        for start in range(0, pairs, CHUNK):
            numbers = range(start, min(start + CHUNK, pairs))
            for table, columns, row in TABLES:
                marks = ", ".join("?" * len(columns.split(",")))
                values = [values for number in numbers for values in row(number)]
                database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # noqa: S608  # our own names
        database.execute("UPDATE project_counter SET label_seq = ?", (pairs,))


def _texts(number: int) -> tuple[str, str, str]:
    return tuple(f"{kind} {number} {WORDS * 3}" for kind in ("question", "good", "poor"))  # type: ignore[return-value]  # three


def _completions(number: int) -> list[tuple[object, ...]]:
    key = 2 * number + 1
    return [
        (key + place, number + 1, "imported", f"model {place}", text_digest(text), len(text), False, AT)
        for place, text in enumerate(_texts(number)[1:])
    ]


def _pair(number: int) -> list[tuple[object, ...]]:
    _, a, b = _texts(number)
    key = 2 * number + 1
    return [(number + 1, 1, number + 1, key, key + 1, text_digest(a), text_digest(b), False, False, AT)]


AT = "2026-01-01 00:00:00"
# Each with its columns and the rows of a pair's number.
TABLES: tuple[tuple[str, str, Callable[[int], list[tuple[object, ...]]]], ...] = (
    ("prompt", "id, project_id, digest, is_sensitive, is_reserved, created_at",
     lambda n: [(n + 1, 1, text_digest(_texts(n)[0]), False, False, AT)]),
    ("prompt_text", "prompt_id, messages", lambda n: [(n + 1, f'[{{"content":"{_texts(n)[0]}","role":"user"}}]')]),
    ("completion", "id, prompt_id, kind, source, text_digest, characters, is_sandbox, created_at", _completions),
    ("completion_text", "completion_id, text", lambda n: [(2 * n + 1, _texts(n)[1]), (2 * n + 2, _texts(n)[2])]),
    ("pair", "id, project_id, prompt_id, a_id, b_id, a_digest, b_digest, is_sandbox, is_left_out, created_at", _pair),
    ("label", "project_id, seq, pair_id, rater_id, action, verdict, revision, is_surplus, event_id, created_at",
     lambda n: [(1, n + 1, n + 1, 1, "label", "ab"[n % 2], 1, False, f"event {n}", AT)]),
)  # fmt: skip


def figures(pairs: int = PAIRS, runs: int = RUNS) -> list[Figure]:
    """What exports cost, the least of some runs each, told for a million pairs: what does not grow with them is counted once."""
    with tempfile.TemporaryDirectory(prefix="tiebreak-export-") as temporary:
        folder = Path(temporary)
        few, many = _filled(folder, FEW), _filled(folder, pairs)
        _, grouping = (run([sys.executable, "-c", GROUPING, url]) for url in (few, many))
        ours, told = _exported(few, many, pairs, runs, "openai-dpo", "--validation-share", "0.1")
        columns, columns_told = _exported(few, many, pairs, runs, "trl", "--file-type", "parquet")
        place = [many.removeprefix("sqlite:///"), str(folder)]
        floor = least([sys.executable, "-c", FLOOR, *place] for _ in range(runs))
        theirs = run([sys.executable, "-c", PEER, *place])
    times = theirs.cpu_seconds / ours.cpu_seconds
    return [
        Figure(
            f"{pairs:,} prompts compared for the split, once",
            f"{grouping.cpu_seconds:.1f} CPU s, {grouping.peak_mb:.0f} MB",
            "",
        ),
        Figure(
            f"export of {pairs:,} pairs to openai-dpo: rules, split, checks, provenance, digest",
            f"{ours.cpu_seconds:.1f} CPU s, least of {runs}; {told:.1f} CPU s a million",
            "≤ 25 CPU s a million",
            told <= 25,
        ),
        Figure("  its peak memory", f"{ours.peak_mb:.0f} MB", "≤ 150 MB", ours.peak_mb <= 150),
        Figure(
            "  its texts read, put into lines, digested and written, and no more",
            f"{floor.cpu_seconds:.1f} CPU s: ours is {ours.cpu_seconds / floor.cpu_seconds:.1f} times it",
            "",
        ),
        Figure(
            "  the same job by datasets",
            f"{theirs.cpu_seconds:.1f} CPU s, {theirs.peak_mb:.0f} MB: {times:.1f} times our CPU",
            "≥ 5 times",
            times >= 5,
        ),
        Figure(
            f"export of {pairs:,} pairs to trl as Parquet",
            f"{columns.cpu_seconds:.1f} CPU s, least of {runs}, {columns.peak_mb:.0f} MB; {columns_told:.1f} CPU s a million",
            "≤ 40 CPU s a million",
            columns_told <= 40,
        ),
    ]


def _filled(folder: Path, pairs: int) -> str:
    """The address of a new store with so many pairs."""
    url = f"sqlite:///{folder}/{pairs}.db"
    store = open_store(url)
    create_project(store, local_actor(store), name="Bench")
    store.close()
    fill(folder / f"{pairs}.db", pairs)
    return url


def _exported(few: str, many: str, pairs: int, runs: int, format: str, *options: str) -> tuple[Cost, float]:
    """The least that an export costs, and what a million pairs cost by that."""
    costs = []
    for url, count in ((few, FEW), (many, pairs)):
        folder = Path(url.removeprefix("sqlite:///")).with_suffix("")
        cost = least(_command(url, format, folder / format / str(number), *options) for number in range(runs))
        if (rows := json.loads(cost.stdout)["rows"]) != count:
            raise SystemExit(f"{rows:,} of {count:,} pairs were exported")
        shutil.rmtree(folder)
        costs.append(cost)
    start, cost = costs
    each = (cost.cpu_seconds - start.cpu_seconds) / (pairs - FEW)
    return cost, start.cpu_seconds + (1_000_000 - FEW) * each


def _command(url: str, format: str, out: Path, *options: str) -> list[str]:
    return [TIEBREAK, "--database", url, "export", "-p", "bench", "-f", format, "-o", str(out), *options, "--json"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="?", type=int, default=PAIRS)
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    show(figures(asked.pairs, asked.runs))
