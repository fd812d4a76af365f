"""Export of many pairs: CPU seconds, peak memory, and the time of the counts that the pages show.

    python benchmarks/export.py [PAIRS] [--datasets]      default 100,000 pairs of about 1 kB, on a SQLite file

With `--datasets` the same rows also go through `datasets` (from_generator, to_json), in a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from labeling.domain import text_digest
from labeling.services.access import local_actor
from labeling.services.export import counted, export, usable
from labeling.services.projects import create_project
from labeling.storage import tables
from labeling.storage.labels import take_seqs
from labeling.storage.store import Store, open_store

CHUNK = 10_000
WORDS = "the quick brown fox jumps over the lazy dog and goes on to say that it was all for nothing at all; "


def fill(store: Store, project_id: int, pairs: int) -> None:
    """`pairs` prompts with two completions each, and one imported label on every pair, all of it about 1 kB."""
    with store.writing() as session:
        rater = session.execute(insert(tables.Rater).values(kind="imported", name="gold", project_id=project_id))
        rater_id = rater.inserted_primary_key[0]
    for start in range(0, pairs, CHUNK):
        with store.writing() as session:
            numbers = range(start, min(start + CHUNK, pairs))
            seq = take_seqs(session, project_id, len(numbers))
            prompts, completions = [], []
            for n in numbers:
                prompts.append(f"question {n} {WORDS * 3}")
                completions += [f"good {n} {WORDS * 3}", f"poor {n} {WORDS * 3}"]
            session.execute(
                insert(tables.PromptRow),
                [
                    {"id": n + 1, "project_id": project_id, "digest": text_digest(p)}
                    for n, p in zip(numbers, prompts, strict=True)
                ],
            )
            session.execute(
                insert(tables.PromptText),
                [
                    {"prompt_id": n + 1, "messages": f'[{{"content":"{p}","role":"user"}}]'}
                    for n, p in zip(numbers, prompts, strict=True)
                ],
            )
            ids = range(2 * start + 1, 2 * start + 1 + len(completions))
            session.execute(
                insert(tables.Completion),
                [
                    {
                        "id": key,
                        "prompt_id": (key + 1) // 2,
                        "kind": "imported",
                        "source": "file",
                        "text_digest": text_digest(text),
                        "characters": len(text),
                    }
                    for key, text in zip(ids, completions, strict=True)
                ],
            )
            session.execute(
                insert(tables.CompletionText),
                [{"completion_id": key, "text": text} for key, text in zip(ids, completions, strict=True)],
            )
            session.execute(
                insert(tables.Pair),
                [
                    {
                        "id": n + 1,
                        "project_id": project_id,
                        "prompt_id": n + 1,
                        "a_id": 2 * n + 1,
                        "b_id": 2 * n + 2,
                        "a_digest": text_digest(completions[2 * (n - start)]),
                        "b_digest": text_digest(completions[2 * (n - start) + 1]),
                    }
                    for n in numbers
                ],
            )
            session.execute(
                insert(tables.Label),
                [
                    {
                        "project_id": project_id,
                        "seq": seq + n - start,
                        "pair_id": n + 1,
                        "rater_id": rater_id,
                        "action": "label",
                        "verdict": "ab"[n % 2],
                        "event_id": f"event {n}",
                    }
                    for n in numbers
                ],
            )


def measure(url: str, out: Path) -> None:
    """In a process of its own: what an export costs, and the counts."""
    store = open_store(url)
    actor = local_actor(store)
    began = time.process_time()
    view = export(store, actor, "bench", format="openai-dpo", validation_share=0.1, out=out)
    cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"export: {view.rows:,} rows, {cpu:.1f} CPU s ({cpu / view.rows * 1e6:.1f} us a row), peak {peak:.0f} MB")
    for name, call in (
        ("usable", lambda: usable(store, actor, "bench")),
        ("counted, every text read", lambda: counted(store, actor, "bench", format="openai-dpo")),
    ):
        began = time.perf_counter()
        call()
        print(f"{name}: {(time.perf_counter() - began) * 1000:.0f} ms")
    store.close()


DATASETS = """
import json, sys, time
import datasets
began = time.process_time()
def rows():
    for name in ("train", "validation"):
        with open(f"{sys.argv[1]}/{name}.jsonl", "rb") as file:
            for line in file:
                yield json.loads(line)
datasets.Dataset.from_generator(rows, cache_dir=sys.argv[2]).to_json(f"{sys.argv[2]}/out.jsonl")
print(f"datasets, without labels and checks: {time.process_time() - began:.1f} CPU s")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="?", type=int, default=100_000)
    parser.add_argument("--datasets", action="store_true")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure[0], Path(asked.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        url, out = f"sqlite:///{folder}/bench.db", f"{folder}/out"
        store = open_store(url)
        fill(store, create_project(store, local_actor(store), name="Bench").id, asked.pairs)
        store.close()
        subprocess.run([sys.executable, __file__, "--measure", url, out], check=True)
        if asked.datasets:
            subprocess.run([sys.executable, "-c", DATASETS, out, folder], check=True)


if __name__ == "__main__":
    main()
