"""100,000 requests waiting in a project of as many pairs: what its pages and the figures of its run cost, in CPU time and memory.

    python -m benchmarks.run_view [REQUESTS] [--engines sqlite postgres]

The pages are drawn by Streamlit itself, with frame, sidebar and every query; with PostgreSQL its server's time is in. A first
visit is that of a new browser tab, with nothing counted before; a redraw is what every press costs; a refresh is what a
run's box asks every two seconds. CPU time is what it takes on a machine that does nothing else: of several, the least.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.label_load import ENGINES, database
from benchmarks.labelling import write_pairs
from benchmarks.measure import Figure, show

REQUESTS = 100_000
VISITS = 3
REDRAWS = 100  # of the page with most to count; of the others a few
MARK = 200  # ms
ROOT = Path(__file__).resolve().parents[1]


def figures(requests: int = REQUESTS, engines: Sequence[str] = ENGINES) -> list[Figure]:
    found = []
    for engine in engines:
        with tempfile.TemporaryDirectory() as folder, database(engine, Path(folder)) as url, _as_store(url):
            found += list(_engine(engine, url, Path(folder), requests))
    return found


def _engine(engine: str, url: str, folder: Path, requests: int) -> Iterator[Figure]:
    from labeling.services import runs
    from labeling.services.run_progress import run_progress
    from labeling.storage.opening import open_store

    place = open_store(url), *_project(url, folder, requests)
    cost = _Cost(engine)
    waiting = f"{engine}, {requests:,} requests queued"
    run = _generating(place)
    progress = partial(run_progress, *place, run.id)
    progress()
    yield _time(f"{waiting}: figures of the run, each refresh", min(cost.of(progress) for _ in range(VISITS)))
    yield from _page(cost, f"{waiting}: Generate with its run", place[2], "generate")
    yield from _page(cost, f"{waiting}: Judge", place[2], "judge")
    yield from _page(cost, f"{waiting}: Score", place[2], "score")
    judging = _judging(place)
    yield from _page(cost, f"{waiting}, twice: Judge with its run", place[2], "judge")
    for one in (judging, run):
        runs.cancel(*place, one.id)
    yield from _page(cost, f"{waiting} and cancelled: Generate", place[2], "generate")
    place[0].close()


def _project(url: str, folder: Path, pairs: int) -> tuple[Any, str]:
    from labeling.services.access import local_actor
    from labeling.services.imports import ImportOptions, run_import
    from labeling.services.projects import create_project
    from labeling.storage.opening import open_store

    store = open_store(url)
    actor = local_actor(store)
    slug = create_project(store, actor, name="Large").slug
    path = folder / "pairs.jsonl"
    write_pairs(path, pairs)
    run_import(store, actor, slug, path, path.name, ImportOptions())
    store.close()
    return actor, slug


def _generating(place: tuple[Any, Any, str]) -> Any:
    """A run in which every prompt waits for a reply."""
    from labeling.domain import GeneratorSpec
    from labeling.services.generate import GenerationPlan, start_generation

    spec = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/v1", model="m", parameters={"max_tokens": 200})
    return start_generation(*place, GenerationPlan((spec,)), idempotency_key="generate")


def _judging(place: tuple[Any, Any, str]) -> Any:
    """A run in which every pair waits for a judge."""
    from labeling.domain import JudgeSpec, RunMode
    from labeling.services.judge import start_on
    from labeling.services.judge_pairs import choose
    from labeling.services.projects import project_view

    spec = JudgeSpec(name="j", base_url="http://127.0.0.1:9/v1", model="m", rubric="Which is better?", orders="random")
    with place[0].reading() as session:
        chosen = choose(session, project_view(*place).id, "all")
    return start_on(
        *place, spec, chosen, "all", idempotency_key="judge", budget_usd=None, mode=RunMode.FILE, max_tries=5
    )


def _page(cost: "_Cost", what: str, slug: str, name: str) -> Iterator[Figure]:
    from streamlit.testing.v1 import AppTest

    from labeling.services import kept

    visits = []
    for _ in range(VISITS + 1):  # the very first one imports the page's modules
        page = AppTest.from_file(str(ROOT / "labeling/ui/main.py"), default_timeout=600)
        page.query_params["project"] = slug
        page.run()
        page.switch_page(f"views/{name}.py")
        kept.forget()
        visits.append(cost.of(page.run))
        assert not page.exception, page.exception
    yield _time(f"{what}, first visit", min(visits[1:]))
    yield _time(f"{what}, redraw", min(cost.of(page.run) for _ in range(VISITS)))
    if name == "judge":
        before = psutil.Process().memory_info().rss
        for _ in range(REDRAWS):
            page.run()
        grown = (psutil.Process().memory_info().rss - before) / 1e6
        yield Figure(f"{what}, memory over {REDRAWS} redraws", f"{grown:+.1f} MB", "≤ 10 MB", grown <= 10)


def _time(what: str, milliseconds: float) -> Figure:
    return Figure(what, f"{milliseconds:.0f} ms of CPU", f"≤ {MARK} ms", milliseconds <= MARK)


class _Cost:
    """CPU time of an action, in milliseconds: of this process, and of the database's servers of its connections."""

    def __init__(self, engine: str) -> None:
        self._servers = engine == "postgres"

    def of(self, action: Callable[[], object]) -> float:
        servers, begun = self._used(), time.process_time()
        action()
        return 1000 * (time.process_time() - begun + self._used() - servers)

    def _used(self) -> float:
        if not self._servers:
            return 0.0
        mine = [one for one in psutil.Process().children(recursive=True) if _serves(one)]
        times = [one.cpu_times() for one in mine]
        return sum(used.user + used.system for used in times)


def _serves(process: psutil.Process) -> bool:
    """Whether it is a PostgreSQL server of one connection to the benchmark's database."""
    try:
        return "postgres load" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@contextmanager
def _as_store(url: str) -> Iterator[None]:
    before = os.environ.get("TIEBREAK_DATABASE_URL")
    os.environ["TIEBREAK_DATABASE_URL"] = url
    try:
        yield
    finally:
        os.environ.pop("TIEBREAK_DATABASE_URL")
        if before is not None:
            os.environ["TIEBREAK_DATABASE_URL"] = before


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("requests", nargs="?", type=int, default=REQUESTS)
    asked.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    given = asked.parse_args()
    show(figures(given.requests, given.engines))
