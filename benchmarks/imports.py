"""Import of pairs into SQLite and PostgreSQL: alone, beside a floor, and while people label.

    python -m benchmarks.imports [PAIRS]

The floor is what SQLite itself takes for the same rows: the database that the import left is written once more, table by table into the
same schema, by `sqlite3` alone, with nothing read, checked, digested or compared. While people label, five annotators answer pairs of
another project over the route: each a label a second, several times as fast as anybody reads, and then as fast as the server lets
them, which keeps both cores of a small machine busy with labels alone. Their labels are counted, and how long an answer takes them.
How long the import's write transactions hold the database, commit and all, is measured on its first 10,000 pairs in a process of
their own.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import compress
from pathlib import Path

from sqlalchemy import URL

from benchmarks.label_load import Said, database, labelled_at_once, stored_in
from benchmarks.labelling import import_project, serving
from benchmarks.labelling import write_pairs as write_pairs_to_label
from benchmarks.measure import TIEBREAK, Cost, Figure, run, show
from benchmarks.rates import write_pairs
from labeling.services.access import local_actor
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project
from labeling.services.tokens import create_token
from labeling.storage.opening import open_store
from labeling.storage.store import Session, Store

PAIRS = 60_000
MARKS = {"sqlite": 12, "postgres": 20}
ANNOTATORS, SLICE_SECONDS, TO_LABEL = 5, 5.0, 20_000
PACES = {"Steady": 1.0, "Flood": 0.0}  # seconds before each label
SLOWEST_SECONDS = 1.0
# What an import writes, and how many rows of it a pair has.
WRITTEN = {"prompt": 1, "prompt_text": 1, "completion": 2, "completion_text": 2, "pair": 1, "round_pair": 1}
ROWS = 250
TIMED, TRANSACTION_SECONDS = 10_000, 0.05


class TimedStore(Store):
    """A store that notes how long each write transaction took, from its begin to the end of its commit."""

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self.seconds: list[float] = []

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with super().writing() as session:
            begun = time.perf_counter()
            yield session
        self.seconds.append(time.perf_counter() - begun)


def imported(url: str, file: Path, project: str, pairs: int) -> Cost:
    made = json.loads(run([TIEBREAK, "--database", url, "project", "create", project, "--json"]).stdout)
    cost = run([TIEBREAK, "--database", url, "import", str(file), "--project", made["slug"], "--json"])
    if (taken := json.loads(cost.stdout)["imports"][0]["pairs"]) != pairs:
        raise SystemExit(f"{taken:,} of {pairs:,} pairs were imported")
    return cost


def transactions(url: str, file: Path) -> Figure:
    with closing(open_store(url)) as store:
        actor = local_actor(store)
        slug = create_project(store, actor, name="Timed").slug
        with closing(TimedStore(store.url)) as timed:
            run_import(timed, actor, slug, file, file.name, ImportOptions(limit=TIMED))
    took = sorted(timed.seconds)
    p95 = took[len(took) * 95 // 100]
    return Figure(
        f"  its write transactions, {len(took)} for {TIMED:,} pairs",
        f"{took[len(took) // 2] * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms",
        f"p95 ≤ {TRANSACTION_SECONDS * 1000:.0f} ms",
        p95 <= TRANSACTION_SECONDS,
    )


def floor(file: Path, copy: Path) -> float:
    """CPU seconds in which `sqlite3` alone writes what the import into the database at `file` has written."""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = WAL")
        for (statement,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"):
            target.execute(statement)
        tables = [name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        inserts = {name: _written(source, name) for name in tables}
        for name in set(tables) - set(WRITTEN):
            statement, rows = inserts[name]
            if rows:
                target.executemany(statement, rows)
        for setting in ("foreign_keys = ON", "recursive_triggers = ON", "synchronous = FULL", "cache_size = -8000"):
            target.execute(f"PRAGMA {setting}")
        begun = time.process_time()
        for start in range(0, len(inserts["pair"][1]), ROWS):
            target.execute("BEGIN IMMEDIATE")
            for name, times in WRITTEN.items():
                statement, rows = inserts[name]
                target.executemany(statement, rows[start * times : (start + ROWS) * times])
            target.execute("COMMIT")
        return time.process_time() - begun


def _written(source: sqlite3.Connection, name: str) -> tuple[str, list[tuple[object, ...]]]:
    """What writes a table again: the statement, and its rows. A column of nothing but None is not bound, as in an import:
    that Python's driver takes long for each None is no cost of SQLite's."""
    rows = source.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()  # noqa: S608  # a table of ours
    is_bound = [any(value is not None for value in column) for column in zip(*rows, strict=True)]
    values = ", ".join("?" if one else "NULL" for one in is_bound)
    return f'INSERT INTO "{name}" VALUES ({values})', [tuple(compress(row, is_bound)) for row in rows]  # noqa: S608  # as above


def figures(pairs: int = PAIRS) -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory(prefix="tiebreak-imports-") as temporary:
        file, to_label = Path(temporary) / "pairs.jsonl", Path(temporary) / "to_label.jsonl"
        write_pairs(file, pairs)
        write_pairs_to_label(to_label, TO_LABEL)
        for engine, mark in MARKS.items():
            folder = Path(temporary) / engine
            folder.mkdir()
            with database(engine, folder) as url:
                cost = imported(url, file, "Alone", pairs)
                beside = ""
                if engine == "sqlite":
                    least = floor(folder / "tiebreak.db", folder / "copy.db")
                    beside = f"; sqlite3 alone {least:.1f}: {cost.cpu_seconds / least:.1f} times"
                found.append(
                    Figure(
                        f"import of {pairs:,} pairs, {engine}",
                        f"{cost.cpu_seconds:.1f} CPU s, {pairs / cost.wall_seconds:,.0f} pairs a second, {cost.peak_mb:.0f} MB{beside}",
                        f"≤ {mark} CPU s",
                        cost.cpu_seconds <= mark,
                    )
                )
                found.append(transactions(url, file))
                for name, thinks in PACES.items():
                    found += _while_labelling(url, folder, file, to_label, pairs, name, thinks, mark)
    return found


def _while_labelling(
    url: str, folder: Path, file: Path, to_label: Path, pairs: int, name: str, thinks: float, mark: int
) -> list[Figure]:
    slug = import_project(url, name, to_label)
    with closing(open_store(url)) as store, serving(folder, url) as server, ThreadPoolExecutor(1) as pool:
        tokens = [create_token(store, local_actor(store), f"annotator {one}", slug).secret for one in range(ANNOTATORS)]
        importing = pool.submit(imported, url, file, f"Beside {name}", pairs)
        said = Said()
        begun = time.monotonic()
        while not importing.done():
            some = labelled_at_once(server, slug, tokens, SLICE_SECONDS, thinks)
            said.made |= some.made
            said.acked |= some.acked
            said.refused += some.refused
            said.errors += some.errors
            said.seconds += some.seconds
        took = time.monotonic() - begun
        cost, stored = importing.result(), stored_in(store, slug, 1)
    waits = sorted(said.seconds)
    lost, p95 = len((said.made | said.acked) - stored.events), waits[len(waits) * 95 // 100]
    labels = len(stored.events)
    return [
        Figure(
            f"  while {ANNOTATORS} annotators label, {labels / took:.1f} a second",
            f"{cost.cpu_seconds:.1f} CPU s; {labels:,} labels, errors {said.faults or 0}, lost {lost}, double {stored.doubled}",
            f"≤ {mark} CPU s, 0 of each",
            cost.cpu_seconds <= mark and not (said.faults or lost or stored.doubled) and bool(labels),
        ),
        Figure(
            "  their answers",
            f"{waits[len(waits) // 2] * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, longest {waits[-1] * 1000:.0f} ms",
            f"p95 ≤ {SLOWEST_SECONDS:.0f} s",
            p95 <= SLOWEST_SECONDS,
        ),
    ]


if __name__ == "__main__":
    show(figures(*(int(argument) for argument in sys.argv[1:])))
