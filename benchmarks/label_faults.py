"""What breaks around a labelling screen, for as long as it does in life: every label arrives once.

    python -m benchmarks.label_faults [--seconds 60]

The same faults as in `tests/browser/test_label_faults.py`, which has more of them and shorter. Each on a project of its own.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.measure import Figure, show
from labeling.storage.opening import open_store
from tests.browser import faults
from tests.browser.faults import Given
from tests.browser.labelling import Screen, make_project
from tests.browser.running import App, running
from tests.fixtures.browser import FLAGS, chromium_path

SECONDS = 60.0


def cases(app: App, seconds: float) -> dict[str, Callable[[Screen], tuple[Screen, Given]]]:
    """Each returns the screen that the labels can be read by, and the labels that must be stored."""
    return {
        "six presses 150 ms apart": lambda at: (at, _six_presses(at)),
        "server killed (-9) during three labels, back later": lambda at: (
            at,
            faults.kill_the_server_during_three_labels(app, at, seconds / 6),
        ),
        f"network cut for {seconds:.0f} s": lambda at: (at, faults.cut_the_network(at, seconds)),
        "tab closed offline, opened again": lambda at: faults.close_the_tab_offline(at, seconds / 6),
        f"laptop asleep for {seconds:.0f} s": lambda at: (at, faults.sleep_with_unsent_labels(at, seconds)),
        "laptop asleep while sending, another server at waking": lambda at: (at, faults.sleep_while_sending(app, at)),
        "clock twenty years wrong, and jumping": lambda at: (at, faults.set_the_clock_wrong(at, seconds / 6)),
    }


def figures(seconds: float = SECONDS) -> list[Figure]:
    found = []
    with tempfile.TemporaryDirectory(prefix="tiebreak-faults-") as temporary, running(Path(temporary)) as app:
        store = open_store(app.database)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            for what, case in cases(app, seconds).items():
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                slug, pairs = make_project(store, what)
                at, given = case(Screen(context.new_page(), app.address, store, slug, pairs).open())
                stored = faults.stored(at)
                lost, double = (
                    (Counter(one) - Counter(other)).total() for one, other in ((given, stored), (stored, given))
                )
                found.append(
                    Figure(what, f"{len(given)} labels; lost {lost}, double {double}", "0 of each", given == stored)
                )
                context.close()
            browser.close()
        store.close()
    return found


def _six_presses(at: Screen) -> Given:
    given = faults.decide(at, "1", "4", "2", "3", "4", "1")
    at.saved()
    return given


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=SECONDS, help="how long the network is cut, the laptop asleep")
    show(figures(asked.parse_args().seconds))


if __name__ == "__main__":
    main()
