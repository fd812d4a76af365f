"""A run of 100,000 requests, all waiting: what its page and its figures cost, in CPU time and memory.

    python -m benchmarks.run_view [REQUESTS]

The page is run as Streamlit runs it, with every query of its first drawing; a refresh is what it asks every two seconds.
CPU time is what it takes on a machine that does nothing else.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.measure import Figure, show

REQUESTS = 100_000
TIMES = 7
ROOT = Path(__file__).resolve().parents[1]


def figures(requests: int = REQUESTS) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/tiebreak.db"
        slug, run_id = _queued(url, requests)
        refresh = _refresh(url, slug, run_id)
        page, grown = _page(url, slug)
    count = f"{requests:,} requests queued"
    return [
        Figure(f"{count}: figures of the run, each refresh", f"{refresh:.0f} ms of CPU", "≤ 200 ms", refresh <= 200),
        Figure(f"{count}: the page Generate, drawn anew", f"{page:.0f} ms of CPU", "≤ 200 ms", page <= 200),
        Figure(f"{count}: memory of the page, growth over {TIMES} drawings", f"{grown:.1f} MB", "≤ 10 MB", grown <= 10),
    ]


def _queued(url: str, requests: int) -> tuple[str, int]:
    """A project whose prompts all wait for a generator's reply; its slug and the run."""
    from labeling.domain import GeneratorSpec
    from labeling.services.access import local_actor
    from labeling.services.generate import GenerationPlan, start_generation
    from labeling.services.imports import ImportOptions, run_import
    from labeling.services.projects import create_project
    from labeling.storage.store import open_store

    store = open_store(url)
    actor = local_actor(store)
    view = create_project(store, actor, name="Large")
    path = Path(str(store.url.database)).parent / "prompts.jsonl"
    with path.open("w") as file:
        file.writelines(
            json.dumps({"prompt": f"Question {number}: what is it good for?"}) + "\n" for number in range(requests)
        )
    run_import(store, actor, view.slug, path, path.name, ImportOptions())
    spec = GeneratorSpec(name="g", base_url="http://127.0.0.1:9/v1", model="m", parameters={"max_tokens": 200})
    run = start_generation(store, actor, view.slug, GenerationPlan((spec,)), idempotency_key="once")
    store.close()
    return view.slug, run.id


def _refresh(url: str, slug: str, run_id: int) -> float:
    from labeling.services.access import local_actor
    from labeling.services.run_progress import run_progress
    from labeling.storage.store import open_store

    store = open_store(url)
    actor = local_actor(store)
    found = _milliseconds(lambda: run_progress(store, actor, slug, run_id))
    store.close()
    return found


def _page(url: str, slug: str) -> tuple[float, float]:
    """Milliseconds of one drawing, and MB by which the process grew over all of them but the first."""
    os.environ["TIEBREAK_DATABASE_URL"] = url
    from streamlit.testing.v1 import AppTest

    from labeling.ui.context import Session

    page = AppTest.from_file(str(ROOT / "labeling/ui/views/generate.py"), default_timeout=600)
    page.session_state["tiebreak"] = Session(slug=slug, landed=True)
    page.run()
    process = psutil.Process()
    before = process.memory_info().rss
    found = _milliseconds(page.run)
    assert not page.exception, page.exception
    return found, (process.memory_info().rss - before) / 1e6


def _milliseconds(action: Callable[[], object]) -> float:
    action()
    times = []
    for _ in range(TIMES):
        begun = time.process_time()
        action()
        times.append((time.process_time() - begun) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS))
