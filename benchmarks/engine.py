"""The request engine against a server with every fault and a real limiter; every figure is counted by the server.

    python -m benchmarks.engine FOLDER [--only WORDS] [--framework litellm=PYTHON]

FOLDER holds `mock_openai.py`. Workers are `tiebreak worker` processes on a SQLite file, and on PostgreSQL where several share a run.
CPU is user + system of one worker process from the start of a run to its end, after a small run that warms it: what a worker
costs while it works, without the interpreter's start and its imports. Answers, completions and their counts are all stored.

The allowed rate is the limiter's requests a minute; what was reached is good answers over the time from the first request to the
last answer. `--only` picks the parts whose names hold these words. A framework is measured in an environment of its own.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
import psutil

from benchmarks import engine_peers
from benchmarks.engine_server import MockServer, running_server
from benchmarks.measure import TIEBREAK, Figure, show
from labeling.domain import GeneratorSpec, RunState
from labeling.services import runs
from labeling.services.access import local_actor
from labeling.services.generate import GenerationPlan, start_generation
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project
from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.fixtures.databases import running_postgres

REQUESTS = 1_000
LIMITED = 600
PER_MINUTE = 3_000
IN_FLIGHT = 64
LATENCY = {"median_ms": 200.0}
FAULTS = {
    "rate_429": 0.05, "rate_500": 0.05, "rate_drop": 0.02, "rate_truncate": 0.02, "rate_empty": 0.02, "rate_malformed": 0.05,
}  # fmt: skip
LONGEST_RUN = 900.0
ENDED = (RunState.DONE, RunState.STOPPED, RunState.CANCELLED)

_number = itertools.count(1)


class Workers:
    """`tiebreak worker` processes, which are to live as long as they are waited for."""

    def __init__(self, url: str, count: int, said: IO[str]) -> None:
        self._said = said
        command = [TIEBREAK, "--database", url, "worker"]
        self.living = [subprocess.Popen(command, stdout=said, stderr=said) for _ in range(count)]

    def kill(self, count: int) -> None:
        for process in self.living[:count]:
            process.kill()
            process.wait()
        del self.living[:count]

    def wait_until(self, is_so: Callable[[], bool], what: str, look_seconds: float = 0.02) -> None:
        """Look again and again. Raises SystemExit where a worker ended, or it took longer than any run does."""
        until = time.monotonic() + LONGEST_RUN
        while not is_so():
            for process in self.living:
                if process.poll() is not None:
                    self._said.seek(0)
                    why = self._said.read().strip()[-2000:] or "it said nothing"
                    raise SystemExit(f"A worker ended with {process.returncode} while waiting until {what}: {why}")
            if time.monotonic() > until:
                raise SystemExit(f"After {LONGEST_RUN:.0f} s it is still not so that {what}.")
            time.sleep(look_seconds)


@dataclass(frozen=True)
class Place:
    """A database, and the address by which workers reach it."""

    store: Store
    url: str

    @contextmanager
    def workers(self, count: int = 1) -> Iterator[Workers]:
        """They end with the context."""
        with tempfile.TemporaryFile("w+") as said:
            workers = Workers(self.url, count, said)
            try:
                yield workers
            finally:
                workers.kill(count)


@dataclass(frozen=True)
class Begun:
    """A project whose run was started; `view` is asked of the database anew."""

    place: Place
    slug: str
    run_id: int
    seed: int

    def view(self) -> runs.RunView:
        return runs.run_view(self.place.store, local_actor(self.place.store), self.slug, self.run_id)

    def finish(self, workers: Workers) -> runs.RunView:
        """Wait until no request of it is left."""
        workers.wait_until(lambda: self.view().state in ENDED, f"run {self.run_id} has ended", 0.25)
        view = self.view()
        if view.state is not RunState.DONE:
            raise SystemExit(f"Run {self.run_id} ended as {view.state}: {view.fault}")
        return view


def begin(place: Place, server: MockServer, questions: int, **spec: Any) -> Begun:
    """A new project with so many prompts, and a run that asks each of them once; no run asks what another one did."""
    actor = local_actor(place.store)
    seed = next(_number)
    slug = create_project(place.store, actor, name=f"Engine {seed}").slug
    add_prompts(place, slug, questions)
    return Begun(place, slug, start(place, server, slug, seed, **spec), seed)


def add_prompts(place: Place, slug: str, questions: int) -> None:
    lines = [orjson.dumps({"prompt": engine_peers.QUESTION.format(number)}) for number in range(questions)]
    options = ImportOptions(kind="prompts")
    run_import(place.store, local_actor(place.store), slug, b"\n".join(lines), "prompts.jsonl", options)


def start(place: Place, server: MockServer, slug: str, seed: int, **spec: Any) -> int:
    parameters = {"temperature": 0.7, "seed": seed}
    generator = GeneratorSpec(name="mock", base_url=server.base_url, model="mock-a", parameters=parameters, **spec)
    plan = GenerationPlan((generator,))
    key = uuid.uuid4().hex
    return start_generation(place.store, local_actor(place.store), slug, plan, idempotency_key=key).id


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    used = psutil.Process(process.pid).cpu_times()
    return float(used.user + used.system)


def warm(place: Place, server: MockServer, workers: Workers) -> None:
    server.set()
    begin(place, server, 64, max_in_flight=IN_FLIGHT).finish(workers)


def cpu(place: Place, server: MockServer, where: str) -> list[Figure]:
    with place.workers() as workers:
        (worker,) = workers.living
        warm(place, server, workers)
        server.set(**LATENCY)
        before = cpu_of(worker)
        view = begin(place, server, REQUESTS, max_in_flight=IN_FLIGHT).finish(workers)
        seconds = cpu_of(worker) - before
        megabytes = psutil.Process(worker.pid).memory_info().rss / 1e6
    counted = server.counters()
    span = counted["t_last_ok"] - counted["t_first_req"]
    assert view.harvested == view.answered == counted["items_ok"] == REQUESTS
    floor = peer_seconds(server, "aiohttp", sys.executable)
    value = (
        f"{seconds:.2f} CPU s, {seconds / floor:.1f} times raw aiohttp ({floor:.2f}), {REQUESTS / span:.0f} a second, "
        f"{megabytes:.0f} MB, at most {counted['high_water']} in flight"
    )
    return [
        Figure(f"1,000 requests at 200 ms, 64 in flight, all stored, {where}", value, "≤ 0.80 CPU s", seconds <= 0.8)
    ]


def peer_seconds(server: MockServer, name: str, python: str) -> float:
    """CPU of another client for the same requests, which it stores nowhere."""
    server.set(**LATENCY)
    command = [python, engine_peers.__file__, name, server.base_url, str(REQUESTS), str(IN_FLIGHT)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def peers(server: MockServer, frameworks: Sequence[str]) -> list[Figure]:
    pythons = {"aiohttp": sys.executable, "openai": sys.executable, **dict(one.split("=", 1) for one in frameworks)}
    seconds = {name: peer_seconds(server, name, python) for name, python in pythons.items()}
    return [
        Figure(f"  {name}, storing nothing", f"{one:.2f} CPU s, {one / seconds['aiohttp']:.1f} times raw aiohttp", "")
        for name, one in seconds.items()
    ]


def faults(place: Place, server: MockServer) -> list[Figure]:
    """Broken JSON inside the reply's text is an answer for generation; its repair belongs to judging."""
    server.set(**LATENCY, **FAULTS)
    begun = begin(place, server, REQUESTS, max_in_flight=IN_FLIGHT)
    with place.workers() as workers:
        view = begun.finish(workers)
    counted = server.counters()
    lost, twice = REQUESTS - view.answered, counted["item_wasted_repeats"]
    seconds = counted["t_last_ok"] - counted["t_first_req"]
    value = f"{lost} lost, {twice} paid twice, {counted['early_retries']} early, {counted['requests']:,} requests in {seconds:.0f} s"
    met = ", ".join(f"{count} {name}" for name, count in sorted(counted["by_fault"].items()))
    return [
        Figure(
            "faults: 5 % 429, 5 % 500, 2 % each reset, cut and empty, 5 % malformed JSON",
            value,
            "0 lost, 0 twice, 0 early",
            not (lost or twice or counted["early_retries"]),
        ),
        Figure("  met", met, ""),
    ]


def poison(place: Place, server: MockServer) -> list[Figure]:
    server.set(**LATENCY, poison="item-000500")
    begun = begin(place, server, REQUESTS, max_in_flight=IN_FLIGHT)
    with place.workers() as workers:
        view = begun.finish(workers)
    counted = server.counters()
    failed = sum(view.failed.values())
    value = f"{failed} failed, {view.answered} fine, {counted['item_max_arrivals']} try of the bad one"
    return [Figure("one item that never succeeds", value, "1 failed, 999 fine", (failed, view.answered) == (1, 999))]


def limited(
    place: Place, server: MockServer, what: str, workers: int, marks: tuple[float, float], **spec: Any
) -> Figure:
    server.set(**LATENCY, rpm=PER_MINUTE)
    begun = begin(place, server, LIMITED, **spec)
    with place.workers(workers) as started:
        view = begun.finish(started)
    counted = server.counters()
    lost = LIMITED - view.answered
    refused = counted["by_fault"].get("429", 0) / counted["requests"]
    reached = 60 * LIMITED / (counted["t_last_ok"] - counted["t_first_req"]) / PER_MINUTE
    value = f"{lost} lost, {refused:.1%} refused, {reached:.0%} of the rate, {counted['early_retries']} early"
    good = not lost and not counted["early_retries"] and refused <= marks[0] and reached >= marks[1]
    name = f"limit of 3,000 a minute, {what}, {workers} worker{'s' if workers > 1 else ''}"
    print(f"  {name}: {value}", file=sys.stderr, flush=True)  # one takes a while
    return Figure(name, value, f"0 lost, ≤ {marks[0]:.0%}, ≥ {marks[1]:.0%}", good)


def limits(source: Path, folder: Path, sqlite: Place, postgres: Place) -> Iterator[Figure]:
    told, untold = (0.02, 0.95), (0.10, 0.85)
    with running_server(source, folder) as open_, running_server(source, folder, tells_its_limit=False) as silent:
        for workers, place in ((1, sqlite), (3, postgres)):
            yield limited(
                place, open_, "stated", workers, told, requests_per_minute=PER_MINUTE, max_in_flight=IN_FLIGHT
            )
            yield limited(place, open_, "told by headers of a refusal", workers, untold)
            yield limited(place, silent, "unknown", workers, untold)


def killed(place: Place, server: MockServer) -> list[Figure]:
    server.set(**LATENCY)
    begun = begin(place, server, REQUESTS, max_in_flight=IN_FLIGHT)
    with place.workers() as workers:
        workers.wait_until(lambda: server.counters()["clean_ok"] >= REQUESTS // 2, "half is answered")
    time.sleep(1.0)  # what was in flight is answered by the server all the same
    with place.workers() as workers:
        view = begun.finish(workers)
        counted = server.counters()
        lost, repeated = REQUESTS - view.answered, counted["requests"] - REQUESTS
        value = f"{lost} lost, {repeated} repeated, {counted['item_wasted_repeats']} paid twice"
        found = [Figure("kill -9 half way, 64 in flight", value, "0 lost, ≤ 64", not lost and repeated <= IN_FLIGHT)]
        before = counted["requests"]
        add_prompts(place, begun.slug, REQUESTS + 1)
        again = Begun(
            place, begun.slug, start(place, server, begun.slug, begun.seed, max_in_flight=IN_FLIGHT), begun.seed
        )
        again.finish(workers)
        more = server.counters()["requests"] - before
    return [*found, Figure("one prompt more", f"{more} request{'s' if more != 1 else ''}", "1 request", more == 1)]


def asks(server: MockServer, worker: subprocess.Popen[bytes]) -> bool:
    """It has sent a request: its connections to the server stay open."""
    port = int(server.origin.rpartition(":")[2])
    return any(one.raddr and one.raddr.port == port for one in psutil.Process(worker.pid).net_connections("tcp"))


def two_of_three_killed(place: Place, server: MockServer) -> list[Figure]:
    with place.workers(3) as workers:
        # A run may be over before the last of them has started.
        while not all(asks(server, one) for one in workers.living):
            warm(place, server, workers)
        server.set(**LATENCY)
        begun = begin(place, server, REQUESTS, max_in_flight=IN_FLIGHT)
        workers.wait_until(lambda: server.counters()["clean_ok"] >= REQUESTS // 3, "a third is answered")
        before = server.counters()["clean_ok"]
        workers.kill(2)
        view = begun.finish(workers)
    counted = server.counters()
    lost, repeated = REQUESTS - view.answered, counted["requests"] - REQUESTS
    value = f"after {before} answers: {lost} lost, {repeated} repeated, {counted['item_wasted_repeats']} paid twice"
    return [
        Figure("three workers on PostgreSQL, two killed", value, "0 lost, ≤ 64", not lost and repeated <= IN_FLIGHT)
    ]


@contextmanager
def places(folder: Path) -> Iterator[tuple[Place, Place]]:
    with ExitStack() as stack:
        found = []
        server = stack.enter_context(running_postgres(uuid.uuid4().hex))
        server.run("CREATE DATABASE engine")
        for url in (f"sqlite:///{folder / 'engine.db'}", server.url("engine")):
            store = open_store(url)
            stack.callback(store.close)
            found.append(Place(store, url))
        yield found[0], found[1]


def figures(source: Path, frameworks: Sequence[str] = (), only: str = "") -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="tiebreak-engine-") as temporary,
        places(Path(temporary)) as (sqlite, postgres),
        running_server(source, Path(temporary)) as server,
    ):
        parts: dict[str, Callable[[], Sequence[Figure]]] = {
            "cpu": lambda: cpu(sqlite, server, "SQLite"),
            "cpu on PostgreSQL": lambda: cpu(postgres, server, "PostgreSQL"),
            "peers": lambda: peers(server, frameworks),
            "faults": lambda: faults(sqlite, server),
            "poison": lambda: poison(sqlite, server),
            "limits": lambda: list(limits(source, Path(temporary), sqlite, postgres)),
            "kill": lambda: killed(sqlite, server),
            "two of three killed": lambda: two_of_three_killed(postgres, server),
        }
        found: list[Figure] = []
        for name, part in parts.items():
            if only in name:
                print(f"measuring: engine, {name}", file=sys.stderr, flush=True)
                found += part()
    return found


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--only", default="")
    asked.add_argument("--framework", nargs="+", default=[])
    given = asked.parse_args()
    show(figures(given.folder, given.framework, given.only))
