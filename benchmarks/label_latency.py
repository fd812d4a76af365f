"""From a key press to the next pair painted, in a real Chromium, by the browser's own clock.

    python -m benchmarks.label_latency [--pairs 1000 100000] [--labels 200] [--peer potato=COMMAND …]

Labels pairs of a project of each size with 300 ms between them. The clock starts with the time the browser gives the key press
and ends behind the first frame in which both completions of another pair are rendered. A peer (`benchmarks/peers.py`) is
driven in the same run, the same browser and by the same script, on 1,000 of the same pairs.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

from benchmarks.labelling import Serving, import_project, serving, write_pairs
from benchmarks.measure import Figure, show
from benchmarks.peers import Tool, peer
from tests.fixtures.browser import FLAGS, chromium_path

READING = 300.0  # milliseconds between a pair on the screen and the next decision
WARM = 3
LONGEST = 30_000.0
SIZES = (1_000, 100_000)
LABELS = 200
# Times are since the epoch of the browser's own steady clock: some tools load the page anew for each item, and the clock
# must go on. The frame's callback runs before it is painted, the message behind it.
WATCH = """(() => {
  const clock = () => performance.timeOrigin + performance.now();
  const texts = () => {
    const inside = [...document.querySelectorAll("*")].filter((one) => one.shadowRoot).flatMap((one) => [...one.shadowRoot.children]);
    return [document.body, ...inside].map((one) => one?.innerText ?? "").join("\\n");
  };
  const shown = () => {
    const [a, b] = ["aa", "bb"].map((mark) => new RegExp(`${mark}(\\\\d+)${mark}`).exec(texts())?.[1]);
    return a !== undefined && a === b ? a : null;
  };
  const kept = () => JSON.parse(sessionStorage.getItem("watch") ?? '{"pair": null, "pressed": 0, "isLooking": true}');
  const keep = (watch) => sessionStorage.setItem("watch", JSON.stringify(watch));
  let watch = null;
  const look = () => {
    const pair = shown();
    if (pair === null || pair === watch.pair) return requestAnimationFrame(look);
    const behind = new MessageChannel();
    behind.port1.onmessage = () => {
      const milliseconds = clock() - watch.pressed;
      watch = { ...watch, pair, isLooking: false };
      keep(watch);
      window.painted = { pair, milliseconds };
    };
    behind.port2.postMessage(null);
  };
  addEventListener("keydown", (event) => {
    if (watch === null) return;
    const isLooking = watch.isLooking;
    watch = { ...watch, pressed: performance.timeOrigin + event.timeStamp, isLooking: true };
    keep(watch);
    window.painted = null;
    if (!isLooking) requestAnimationFrame(look);
  }, true);
  window.watch = () => {
    watch = kept();
    keep(watch);
    if (watch.isLooking) requestAnimationFrame(look);
  };
  if (sessionStorage.getItem("watch")) addEventListener("DOMContentLoaded", window.watch);
})()"""
PAINTED = "() => window.painted ?? null"


@dataclass(frozen=True)
class Latency:
    """`milliseconds` of each label. `missed`: presses behind which no other pair came; `again`: pairs seen twice."""

    milliseconds: tuple[float, ...]
    missed: int
    again: int
    cpu_milliseconds: float
    load: float

    def share(self, part: float) -> float:
        """The time within which `part` of the labels were painted."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, round(part * (len(ordered) - 1)))]

    def __str__(self) -> str:
        found = f"p50 {self.share(0.5):.0f} ms, p95 {self.share(0.95):.0f} ms, {len(self.milliseconds)} labels"
        faults = f", {self.missed} missed, {self.again} seen twice" if self.missed or self.again else ""
        cpu = f", server CPU {self.cpu_milliseconds:.1f} ms" if self.cpu_milliseconds else ""
        return f"{found}{faults}{cpu}, load {self.load:.1f}"


def ours(serving: Serving, slug: str) -> Tool:
    def enter(page: Page) -> None:
        page.goto(f"{serving.address}/label?project={slug}")

    def decide(page: Page, number: int) -> None:
        page.keyboard.press("14"[number % 2])

    return Tool("Tiebreak", enter, decide, serving.process)


def measured(browser: Browser, tool: Tool, labels: int) -> Latency:
    """Label `labels` pairs, behind a few that warm browser and server up."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(LONGEST * 2)
    page.add_init_script(WATCH)
    tool.enter(page)
    page.wait_for_function(r"() => document.querySelector('*') && window.watch")
    page.evaluate("window.watch()")
    seen = [page.wait_for_function(PAINTED, timeout=LONGEST * 4).json_value()["pair"]]
    times, missed, cpu_seconds = [], 0, 0.0
    for number in range(labels + WARM):
        if number == WARM:
            cpu_seconds = tool.cpu_seconds
        page.wait_for_timeout(READING)
        tool.decide(page, number)
        try:
            painted = page.wait_for_function(PAINTED, timeout=LONGEST).json_value()
        except TooLate:
            missed += 1
            continue
        seen.append(painted["pair"])
        if number >= WARM:
            times.append(painted["milliseconds"])
    used = (tool.cpu_seconds - cpu_seconds) / labels * 1000
    context.close()
    return Latency(tuple(times), missed, len(seen) - len(set(seen)), used, os.getloadavg()[0])


def figures(sizes: Sequence[int] = SIZES, peers: Sequence[str] = (), labels: int = LABELS) -> list[Figure]:
    found = []
    with (
        tempfile.TemporaryDirectory(prefix="tiebreak-latency-") as temporary,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        slowest: Latency | None = None
        for size in sizes:
            folder = Path(temporary) / str(size)
            folder.mkdir()
            write_pairs(folder / "pairs.jsonl", size)
            database = f"sqlite:///{folder / 'tiebreak.db'}"
            slug = import_project(database, "Pairs", folder / "pairs.jsonl")
            with serving(folder, database) as server:
                latency = measured(browser, ours(server, slug), min(labels, size - WARM - 1))
            is_reached = (
                latency.share(0.5) <= 25 and latency.share(0.95) <= 50 and not (latency.missed or latency.again)
            )
            found.append(
                Figure(
                    f"key press to next pair painted, {size:,} pairs", str(latency), "p50 ≤ 25, p95 ≤ 50 ms", is_reached
                )
            )
            if slowest is None or latency.share(0.5) > slowest.share(0.5):
                slowest = latency
        for asked in peers:
            with peer(asked, Path(temporary)) as tool:
                theirs = measured(browser, tool, labels)
            assert slowest is not None
            p50, p95 = (theirs.share(part) / slowest.share(part) for part in (0.5, 0.95))
            found += [
                Figure(f"  {tool.name} in the same run, 1,000 pairs", str(theirs), ""),
                Figure(
                    "  its time by ours", f"{p50:.0f} times p50, {p95:.0f} times p95", "≥ 12 times", min(p50, p95) >= 12
                ),
            ]
        browser.close()
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pairs", type=int, nargs="+", default=SIZES, help="sizes of the project (%(default)s)")
    asked.add_argument("--labels", type=int, default=LABELS, help="labels at each size (%(default)s)")
    asked.add_argument(
        "--peer", nargs="+", default=(), help="another tool: potato=COMMAND, potato=URL, labelstudio=URL"
    )
    given = asked.parse_args()
    show(figures(given.pairs, given.peer, given.labels))


if __name__ == "__main__":
    main()
