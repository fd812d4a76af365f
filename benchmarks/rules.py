"""The effect of label rules: how long a page waits for it, from cold and after each change of a rule.

    python -m benchmarks.rules [PAIRS]      default 100,000 pairs with three labels each, on a SQLite file

Each change is a rule the page offers; the time is of `effect`, with all its figures, in a process that did nothing before.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from sqlalchemy import insert

from benchmarks.export import fill
from benchmarks.measure import Figure, run, show
from labeling.services.access import local_actor
from labeling.services.label_rules import LabelRules
from labeling.services.projects import create_project
from labeling.services.rule_effect import effect, read_texts
from labeling.storage import tables
from labeling.storage.labels import take_seqs
from labeling.storage.opening import open_store
from labeling.storage.store import Store

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


def measure(url: str) -> list[tuple[str, float, float]]:
    """In a process of its own: (what, wall seconds, CPU seconds), and at the end the peak memory in MB twice."""
    store = open_store(url)
    actor = local_actor(store)

    def taken(work: Callable[[], object]) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        return time.perf_counter() - wall, time.process_time() - cpu

    def shown(rules: LabelRules) -> tuple[float, float]:
        times = [taken(lambda: effect(store, actor, "bench", rules)) for _ in range(5)]
        return statistics.median(wall for wall, _ in times), statistics.median(cpu for _, cpu in times)

    told = [("first look, everything read", *taken(lambda: effect(store, actor, "bench")))]
    told.append(("texts read once, for rules about them", *taken(lambda: read_texts(store, actor, "bench"))))
    told += [(name, *shown(rules)) for name, rules in CHANGES.items()]
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return [*told, ("peak memory", peak, peak)]


def figures(pairs: int = 100_000) -> list[Figure]:
    """The table: each changed rule against its mark. On a busy machine the CPU's share says more than the wall's."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        store = open_store(url)
        project_id = create_project(store, local_actor(store), name="Bench").id
        fill(Path(folder) / "bench.db", pairs)
        label_twice_more(store, project_id, pairs)
        store.close()
        told = json.loads(run([sys.executable, "-m", "benchmarks.rules", "--measure", url]).stdout)
    found = []
    for name, wall, cpu in told[:-1]:
        has_mark = name in CHANGES
        value = f"{1000 * wall:,.0f} ms, of CPU {1000 * cpu:,.0f}"
        mark = f"<= {MARK_MS} ms" if has_mark else ""
        found.append(Figure(f"rules, {name}", value, mark, 1000 * wall <= MARK_MS if has_mark else None))
    found.append(Figure("rules, peak memory of the process", f"{told[-1][1]:.0f} MB", ""))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="?", type=int, default=100_000)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
    else:
        show(figures(asked.pairs))


if __name__ == "__main__":
    main()
