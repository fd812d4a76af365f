"""What goes wrong around a labelling screen. Each makes the fault, labels through it, and returns the labels that must be stored:
pair and verdict as on the screen, in the order in which they were given."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

from playwright.sync_api import Error, Request, expect

from tests.browser.labelling import SLOW, Screen
from tests.browser.running import App

VERDICTS = {"1": "left", "2": "tie", "3": "both_bad", "4": "right"}
ROUTE = "**/api/v1/**"

Given = list[tuple[int, str]]


def decide(at: Screen, *keys: str) -> Given:
    """Press keys at the pace of a quick reader; the labels that they give to the pairs on the screen."""
    given = []
    for key in keys:
        pair = at.shown
        at.press(key)
        given.append((pair, VERDICTS[key]))
    return given


def stored(at: Screen) -> Given:
    """The labels in the database, each as often as it is there."""
    return [(pair, str(verdict)) for pair, action, verdict in at.events() if action == "label"]


def kill_the_server_during_three_labels(app: App, at: Screen, seconds: float) -> Given:
    """kill -9 while the second label is on its way; the third is given to a dead server, which comes back after `seconds`."""
    given = decide(at, "1")

    def kill(_request: Request) -> None:
        app.process.kill()

    at.page.once("request", kill)
    given += decide(at, "4", "2")
    app.process.wait()
    expect(at.root.locator(".save")).to_contain_text("kept here", timeout=SLOW)
    at.page.wait_for_timeout(seconds * 1000)
    app.start()
    at.saved()
    return given


def cut_the_network(at: Screen, seconds: float) -> Given:
    given = decide(at, "1")
    at.page.context.set_offline(True)
    given += decide(at, "2", "4", "3", "1")
    expect(at.root.locator(".save")).to_contain_text("kept here", timeout=SLOW)
    at.page.wait_for_timeout(seconds * 1000)
    given += decide(at, "4")
    at.page.context.set_offline(False)
    at.saved()
    return given


def close_the_tab_offline(at: Screen, seconds: float) -> tuple[Screen, Given]:
    """The tab is closed and opened without a network, then once more with it. Returns the new tab as well."""
    context = at.page.context
    given = decide(at, "1")
    at.saved()
    context.set_offline(True)
    given += decide(at, "4", "2", "4")
    at.page.close()
    later = Screen(context.new_page(), at.address, at.store, at.slug, at.pairs)
    with contextlib.suppress(Error):
        later.page.goto(at.address)
        raise AssertionError("a page came without a network")
    later.page.wait_for_timeout(seconds * 1000)
    context.set_offline(False)
    later.open()
    given += decide(later, "3")
    later.saved()
    return later, given


@contextlib.contextmanager
def asleep(at: Screen) -> Iterator[None]:
    """Nothing of the browser runs, as in a laptop that was shut. Until it wakes, the page must not be asked anything."""
    browser = at.page.context.browser
    assert browser is not None
    devtools = browser.new_browser_cdp_session()
    processes = [one["id"] for one in devtools.send("SystemInfo.getProcessInfo")["processInfo"]]
    devtools.detach()
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            os.kill(process, signal.SIGCONT)


def sleep_with_unsent_labels(at: Screen, seconds: float) -> Given:
    """Without a network when it fell asleep, with one when it wakes."""
    given = decide(at, "1")
    at.page.context.set_offline(True)
    given += decide(at, "4", "2")
    with asleep(at):
        time.sleep(seconds)
    at.page.context.set_offline(False)
    given += decide(at, "4")
    at.saved()
    return given


def sleep_while_sending(app: App, at: Screen) -> Given:
    """It falls asleep right behind a press; the server that was to answer is gone when it wakes, and another is there."""
    given = decide(at, "1", "4")
    with asleep(at):
        app.kill()
        app.start()
    given += decide(at, "2")
    at.saved()
    return given


def set_the_clock_wrong(at: Screen, seconds: float) -> Given:
    """Twenty years behind, then twenty ahead, then behind again, with and without a network."""
    at.page.evaluate("() => { const right = Date.now; window.wrong = 0; Date.now = () => right() + window.wrong; }")
    years = 20 * 365 * 24 * 3600 * 1000
    given: Given = []
    for shift in (-years, years, -years):
        at.page.evaluate("(shift) => { window.wrong = shift; }", shift)
        given += decide(at, "1")
        at.page.context.set_offline(True)
        given += decide(at, "4")
        at.page.evaluate("(shift) => { window.wrong = shift; }", -shift)
        given += decide(at, "2")
        at.page.wait_for_timeout(seconds * 1000 / 3)
        at.page.context.set_offline(False)
        at.saved()
    return given
