"""Ten annotators at once, each in a browser of its own, on one project.

    python -m benchmarks.label_browsers [--annotators 10] [--labels 30] [--engines sqlite postgres]

Each signs in with a personal token, opens the labelling screen and presses keys 300 ms apart. What each saw of the screen (which pair
got which verdict) is held against what the database has under that annotator's name.
"""

import argparse
import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, Response, async_playwright, expect
from sqlalchemy import select

from benchmarks.label_load import ENGINES, database, stored_in
from benchmarks.labelling import Serving, import_project, serving, write_pairs
from benchmarks.measure import Figure, show
from labeling.services.access import local_actor
from labeling.services.tokens import create_token
from labeling.storage import tables
from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.fixtures.browser import FLAGS, chromium_path

ANNOTATORS = 10
LABELS = 30
READING = 300.0
SLOW = 180_000.0
VERDICTS = {"1": "left", "2": "tie", "3": "both_bad", "4": "right"}


@dataclass
class Seat:
    """One annotator's browser: the labels given there, and what went wrong."""

    name: str
    token: str
    given: Counter[tuple[int, str]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    async def work(self, browser: Browser, server: Serving, slug: str, labels: int) -> None:
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        page.set_default_timeout(SLOW)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("response", self._heard)
        await page.goto(f"{server.address}/sign-in")
        await page.get_by_label("Personal token").fill(self.token)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(lambda url: "sign-in" not in url, wait_until="commit")
        await page.goto(f"{server.address}/label?project={slug}")
        await expect(page.get_by_role("button", name="Left is better")).to_be_visible(timeout=SLOW)
        await self._label(page, labels)
        await context.close()

    def _heard(self, answer: Response) -> None:
        # Streamlit asks for its own parts under several addresses before it finds them.
        if answer.status >= 400 and "/_stcore/" not in answer.url:
            self.errors.append(f"{answer.status} {answer.url}")

    async def _label(self, page: Page, labels: int) -> None:
        screen = page.locator(".tiebreak")
        for _ in range(labels):
            await page.wait_for_timeout(READING)
            pair, key = await screen.get_attribute("data-pair"), random.choice("1234")
            await page.keyboard.press(key)
            await expect(screen).not_to_have_attribute("data-pair", str(pair), timeout=SLOW)
            self.given[int(pair or 0), VERDICTS[key]] += 1
        await expect(screen.locator(".save")).to_have_text("✓ Saved", timeout=SLOW)
        if await screen.locator(".notice").is_visible():
            self.errors.append(await screen.locator(".notice").inner_text())


def stored_by_name(store: Store, slug: str) -> dict[str, Counter[tuple[int, str]]]:
    """For each annotator: the labels in the database, as they were on the screen."""
    project, label, rater, account = (
        tables.core(one) for one in (tables.Project, tables.Label, tables.Rater, tables.Account)
    )
    found: dict[str, Counter[tuple[int, str]]] = {}
    with store.reading() as session:
        rows = session.execute(
            select(account.c.name, label.c.pair_id, label.c.verdict, label.c.left_side)
            .join(rater, rater.c.account_id == account.c.id)
            .join(label, label.c.rater_id == rater.c.id)
            .join(project, project.c.id == label.c.project_id)
            .where(project.c.slug == slug, label.c.action == "label")
        )
        for name, pair_id, verdict, left in rows:
            said = verdict if verdict not in ("a", "b") else "left" if verdict == left else "right"
            found.setdefault(name, Counter())[pair_id, said] += 1
    return found


def figures(annotators: int = ANNOTATORS, labels: int = LABELS, engines: Sequence[str] = ENGINES) -> list[Figure]:
    found = []
    for engine in engines:
        with tempfile.TemporaryDirectory(prefix="tiebreak-browsers-") as temporary:
            folder = Path(temporary)
            write_pairs(folder / "pairs.jsonl", annotators * (labels + 40))
            with database(engine, folder) as url:
                slug = import_project(url, "Browsers", folder / "pairs.jsonl")
                store = open_store(url)
                names = [f"annotator {number}" for number in range(annotators)]
                seats = [Seat(name, create_token(store, local_actor(store), name, slug).secret) for name in names]
                with serving(folder, url) as server:
                    asyncio.run(_all_at_once(seats, server, slug, labels))
                found.append(_figure(engine, store, slug, seats))
                store.close()
    return found


async def _all_at_once(seats: Sequence[Seat], server: Serving, slug: str, labels: int) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        await asyncio.gather(*(seat.work(browser, server, slug, labels) for seat in seats))
        await browser.close()


def _figure(engine: str, store: Store, slug: str, seats: Sequence[Seat]) -> Figure:
    there, whole = stored_by_name(store, slug), stored_in(store, slug, 1)
    lost = sum((seat.given - there.get(seat.name, Counter())).total() for seat in seats)
    strange = sum((there.get(seat.name, Counter()) - seat.given).total() for seat in seats)
    errors = [error for seat in seats for error in seat.errors]
    given = sum(seat.given.total() for seat in seats)
    return Figure(
        f"{len(seats)} browsers at once, {engine}",
        f"{given} labels; errors {len(errors)}, lost {lost}, double {strange + whole.doubled}, over their slots {whole.over}"
        + (f" ({errors[0]})" if errors else ""),
        "0 of each",
        given > 0 and not (errors or lost or strange or whole.doubled or whole.over),
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--annotators", type=int, default=ANNOTATORS)
    asked.add_argument("--labels", type=int, default=LABELS)
    asked.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    given = asked.parse_args()
    show(figures(given.annotators, given.labels, given.engines))


if __name__ == "__main__":
    main()
