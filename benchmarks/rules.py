"""The effect of label rules: how long a page waits for it, from cold and after each change of a rule.

    python -m benchmarks.rules [PAIRS]      default 100,000 pairs with three labels each, on a SQLite file

Each change is a rule the page offers; the time is of `effect`, with all its figures, in a process that did nothing before.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from random import Random

from sqlalchemy import insert

from benchmarks.export import fill
from benchmarks.measure import Figure, show
from labeling.services.access import local_actor
from labeling.services.label_rules import LabelRules
from labeling.services.projects import create_project
from labeling.services.rule_effect import effect, read_texts
from labeling.storage import tables
from labeling.storage.labels import take_seqs
from labeling.storage.store import Store, open_store

MARK_MS = 300
RATERS = 6
CHANGES = {
    "unanimous": LabelRules(agreement="unanimous"),
    "weighted": LabelRules(agreement="weighted", weights=(("rater 1", 2.0), ("rater 2", 0.5))),
    "three raters": LabelRules(people=("rater 1", "rater 2", "gold")),
    "at least two labels, clearly": LabelRules(least_labels=2, least_strength=2.0),
    "lengths matched": LabelRules(length_match=True),
    "two pairs a prompt, circles resolved": LabelRules(per_prompt=2, contradictions="resolve"),
    "refusals and personal data left out": LabelRules(refusals="leave_out", personal_data="leave_out"),
}


def label_twice_more(store: Store, project_id: int, pairs: int) -> None:
    """Two labels on each pair by two of six raters, who mostly agree, with strengths."""
    lot = Random(0)
    with store.writing() as session:
        raters = [
            session.execute(
                insert(tables.Rater).values(kind="imported", name=f"rater {number}", project_id=project_id)
            ).inserted_primary_key[0]
            for number in range(RATERS)
        ]
    for start in range(0, pairs, 5_000):
        rows = []
        for pair in range(start + 1, min(start + 5_000, pairs) + 1):
            for rater in lot.sample(raters, 2):
                verdict = lot.choices(["a", "b", "tie", "both_bad"], [5, 3, 1, 1])[0]
                strength = lot.randint(1, 3) if verdict in "ab" else None
                rows.append({"pair_id": pair, "rater_id": rater, "verdict": verdict, "strength": strength})
        with store.writing() as session:
            seq = take_seqs(session, project_id, len(rows))
            session.execute(
                insert(tables.Label),
                [
                    row | {"project_id": project_id, "seq": seq + n, "action": "label", "event_id": f"more {seq + n}"}
                    for n, row in enumerate(rows)
                ],
            )


def measure(url: str) -> None:
    store = open_store(url)
    actor = local_actor(store)

    def milliseconds(rules: LabelRules) -> float:
        began = time.perf_counter()
        effect(store, actor, "bench", rules)
        return 1000 * (time.perf_counter() - began)

    figures = [Figure("first look, everything read", f"{milliseconds(LabelRules()):,.0f} ms", "")]
    began = time.perf_counter()
    read_texts(store, actor, "bench")
    figures.append(Figure("texts read once, for rules about them", f"{time.perf_counter() - began:.1f} s", ""))
    for name, rules in CHANGES.items():
        taken = statistics.median(milliseconds(rules) for _ in range(5))
        figures.append(Figure(name, f"{taken:.0f} ms", f"<= {MARK_MS} ms", taken <= MARK_MS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    figures.append(Figure("peak memory of the process", f"{peak:.0f} MB", ""))
    show(figures)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="?", type=int, default=100_000)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        store = open_store(url)
        project_id = create_project(store, local_actor(store), name="Bench").id
        fill(store, project_id, asked.pairs)
        label_twice_more(store, project_id, asked.pairs)
        store.close()
        command = [sys.executable, "-m", "benchmarks.rules", str(asked.pairs), "--measure", url]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
