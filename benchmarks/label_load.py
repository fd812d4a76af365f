"""Fifty annotators at once over the labelling route: what is lost, doubled or over its slots, and what a label costs the server.

    python -m benchmarks.label_load [--annotators 50] [--seconds 60] [--engines sqlite postgres]

Each annotator has a token of its own and keeps the rules of the screen: one request under way, an event sent until it is
acknowledged, more pairs asked for only when fewer than 12 are at hand. It labels as fast as the server answers. On each engine
there are two projects of the same texts: in the first every text is rendered for the first time, in the second it is cached. CPU is
the server's process alone. What was stored is read from the database afterwards.
"""

import argparse
import asyncio
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import func, select

from benchmarks.labelling import Serving, import_project, serving, write_pairs
from benchmarks.measure import Figure, show
from labeling.services.access import local_actor
from labeling.services.tokens import create_token
from labeling.storage import tables
from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.fixtures.databases import running_postgres

ANNOTATORS = 50
SECONDS = 60.0
ENGINES = ("sqlite", "postgres")
LABELS_A_SECOND = 250  # more than one server process can store: the queue must not run dry
WANT, FEW = 20, 12
RENEWED_AFTER = 240.0
PAUSE = 0.5
PATIENCE = 60.0  # for the last labels, once the time is over


@dataclass
class Said:
    """What all annotators saw of the server. `made` and `acked` are events' ids."""

    made: set[str] = field(default_factory=set)
    acked: set[str] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def faults(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in (*self.errors.items(), *self.refused.items()))


@dataclass(frozen=True)
class Stored:
    """What the database holds of a project's round. `over`: pairs with more slots, or labels that count, than the overlap."""

    events: frozenset[str]
    doubled: int
    over: int
    surplus: int


class Annotator:
    """One client of the route, by the rules of the screen."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str, said: Said, thinks: float) -> None:
        self.http = http
        self.url = url
        self.headers = {"authorization": f"Bearer {token}"}
        self.said = said
        self.thinks = thinks
        self.queue: list[dict[str, object]] = []
        self.outbox: dict[str, dict[str, object]] = {}
        self.renewed_at = 0.0

    async def work(self, until: float) -> None:
        """Label until then, or until nothing is left; then what is at hand, so that no pair was served in vain."""
        is_answered = False
        while time.monotonic() < until + PATIENCE:
            if self.queue:
                await asyncio.sleep(self.thinks)
                self._decide()
            elif is_answered and not self.outbox:
                return
            is_answered = await self._exchange(may_want=time.monotonic() < until)

    def _decide(self) -> None:
        pair = self.queue.pop(0)
        event_id = str(uuid.uuid4())
        self.said.made.add(event_id)
        self.outbox[event_id] = {
            "event_id": event_id,
            "after": pair["after"],
            "pair_id": pair["pair_id"],
            "action": "label",
            "verdict": random.choice(("left", "right", "tie", "both_bad")),
            "milliseconds": 1000,
        }

    async def _exchange(self, *, may_want: bool) -> bool:
        """One request. Returns whether it was answered as it should be."""
        body: dict[str, object] = {"events": list(self.outbox.values())}
        is_short = may_want and len(self.queue) < FEW
        if is_short or time.monotonic() - self.renewed_at > RENEWED_AFTER:
            body |= {"have": [pair["pair_id"] for pair in self.queue], "want": WANT if is_short else 0}
            self.renewed_at = time.monotonic()
        begun = time.perf_counter()
        try:
            async with self.http.post(self.url, json=body, headers=self.headers) as answer:
                if answer.status != 200:
                    self.said.errors[f"status {answer.status}"] += 1
                    await asyncio.sleep(PAUSE)
                    return False
                told = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as fault:
            self.said.errors[type(fault).__name__] += 1
            await asyncio.sleep(PAUSE)
            return False
        self.said.seconds.append(time.perf_counter() - begun)
        for event_id in told["acked"]:
            self.said.acked.add(event_id)
            self.outbox.pop(event_id, None)
        for one in told["refused"]:
            self.said.refused[f"refused as {one['code']}"] += 1
            if not one["retry"]:
                self.outbox.pop(one["event_id"], None)
        self.queue += told["pairs"]
        return True


def labelled_at_once(server: Serving, slug: str, tokens: Sequence[str], seconds: float, thinks: float = 0) -> Said:
    """All annotators for that long. Each `thinks` so many seconds before a label."""

    async def run() -> Said:
        said, url = Said(), f"{server.address}/api/v1/projects/{slug}/labels"
        connections = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connections, timeout=aiohttp.ClientTimeout(total=60)) as http:
            until = time.monotonic() + seconds
            await asyncio.gather(*(Annotator(http, url, token, said, thinks).work(until) for token in tokens))
        return said

    return asyncio.run(run())


def stored_in(store: Store, slug: str, overlap: int) -> Stored:
    """What the database says: read with SQL, not through the services that wrote it."""
    project, label, place = (tables.core(one) for one in (tables.Project, tables.Label, tables.Assignment))
    with store.reading() as session:
        project_id = session.execute(select(project.c.id).where(project.c.slug == slug)).scalar_one()
        mine = label.c.project_id == project_id
        events = frozenset(session.scalars(select(label.c.event_id).where(mine)))
        raters = session.execute(
            select(func.count()).where(mine, label.c.action == "label").group_by(label.c.pair_id, label.c.rater_id)
        ).all()
        counted = select(label.c.pair_id).where(mine, label.c.action == "label", label.c.is_surplus.is_(False))
        over_labels = session.execute(counted.group_by(label.c.pair_id).having(func.count() > overlap)).all()
        over_slots = session.execute(
            select(place.c.pair_id)
            .where(place.c.pair_id.in_(select(label.c.pair_id).where(mine)), place.c.slot.is_not(None))
            .group_by(place.c.round_id, place.c.pair_id)
            .having(func.count() > overlap)
        ).all()
        surplus = session.execute(select(func.count()).where(mine, label.c.is_surplus.is_(True))).scalar_one()
    doubled = sum(count - 1 for (count,) in raters)
    return Stored(events, doubled, len({*over_labels, *over_slots}), surplus)


def figures(
    annotators: int = ANNOTATORS, seconds: float = SECONDS, engines: Sequence[str] = ENGINES, overlap: int = 1
) -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory(prefix="tiebreak-load-") as temporary:
        folder = Path(temporary)
        file = folder / "pairs.jsonl"
        write_pairs(file, int(seconds * LABELS_A_SECOND / overlap) + WANT * annotators)
        for engine in engines:
            with database(engine, folder) as url:
                slugs = [import_project(url, name, file, overlap) for name in ("Cold", "Cached")]
                store = open_store(url)
                tokens = [
                    [
                        create_token(store, local_actor(store), f"annotator {one}", slug).secret
                        for one in range(annotators)
                    ]
                    for slug in slugs
                ]
                with serving(folder, url) as server:
                    for (slug, own), mark in zip(zip(slugs, tokens, strict=True), (15, 7), strict=True):
                        found += _measured(engine, server, store, slug, own, seconds, overlap, mark)
                store.close()
    return found


def _measured(
    engine: str,
    server: Serving,
    store: Store,
    slug: str,
    tokens: Sequence[str],
    seconds: float,
    overlap: int,
    mark: int,
) -> list[Figure]:
    before, begun = server.cpu_seconds, time.monotonic()
    said = labelled_at_once(server, slug, tokens, seconds)
    took = time.monotonic() - begun
    used = server.cpu_seconds - before
    stored = stored_in(store, slug, overlap)
    labels = len(stored.events)
    lost = len((said.made | said.acked) - stored.events)
    waits = sorted(said.seconds)
    cost = used / max(1, labels) * 1000
    is_right = not (said.faults or lost or stored.doubled or stored.over) and labels > 0
    return [
        Figure(
            f"{len(tokens)} annotators at once, {engine}, rendering {slug}",
            f"{labels:,} labels, {labels / took:.0f} a second; errors {said.faults or 0}, lost {lost}, "
            f"double {stored.doubled}, over their slots {stored.over} (surplus {stored.surplus})",
            "0 of each",
            is_right,
        ),
        Figure(
            "  server CPU a label",
            f"{cost:.1f} ms; an answer takes {waits[len(waits) // 2] * 1000:.0f} ms, p95 {waits[len(waits) * 95 // 100] * 1000:.0f} ms",
            f"≤ {mark} ms",
            cost <= mark,
        ),
    ]


@contextmanager
def database(engine: str, folder: Path) -> Iterator[str]:
    """A fresh database, which waits for the disk at every commit as one in use does."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'tiebreak.db'}"
        return
    with running_postgres(uuid.uuid4().hex) as server:
        server.run(
            *(f"ALTER SYSTEM SET {name} = on" for name in ("fsync", "synchronous_commit", "full_page_writes")),
            "SELECT pg_reload_conf()",
            "CREATE DATABASE load",
        )
        yield server.url("load")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--annotators", type=int, default=ANNOTATORS)
    asked.add_argument("--seconds", type=float, default=SECONDS)
    asked.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    asked.add_argument("--overlap", type=int, default=1)
    given = asked.parse_args()
    show(figures(given.annotators, given.seconds, given.engines, given.overlap))


if __name__ == "__main__":
    main()
