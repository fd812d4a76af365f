"""The labelling screen when things go wrong: every label arrives, and arrives once."""

from pathlib import Path

from playwright.sync_api import Page, expect

from labeling.storage.store import open_store
from tests.browser.labelling import SLOW, Screen, make_project
from tests.browser.running import App


def test_a_killed_server_loses_no_label(tmp_path: Path, page: Page):
    expect.set_options(timeout=SLOW)
    app = App(tmp_path)
    app.start()
    store = open_store(app.database)
    try:
        slug, pairs = make_project(store, "Killed")
        at = Screen(page, app.address, store, slug, pairs).open()
        at.press("1")
        at.saved()
        app.kill()
        at.press("2", "4", "3")
        expect(at.root.locator(".save")).to_have_text("Offline · 3 kept here")
        assert at.shown == pairs[4], "labelling goes on without a server"
        app.start()
        at.saved()
        assert at.events() == [
            (pair_id, "label", verdict)
            for pair_id, verdict in zip(pairs, ["left", "tie", "right", "both_bad"], strict=False)
        ]
    finally:
        app.stop()
        store.close()


def test_a_closed_tab_keeps_its_labels_for_the_next_one(tmp_path: Path, page: Page):
    expect.set_options(timeout=SLOW)
    app = App(tmp_path)
    app.start()
    store = open_store(app.database)
    try:
        slug, pairs = make_project(store, "Closed")
        at = Screen(page, app.address, store, slug, pairs).open()
        page.context.route("**/api/v1/**", lambda route: route.abort())
        at.press("4", "1")
        expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
        again = Screen(page.context.new_page(), app.address, store, slug, pairs)
        page.close()
        page.context.unroute("**/api/v1/**")
        again.open()
        again.saved()
        assert again.events() == [(pairs[0], "label", "right"), (pairs[1], "label", "left")]
    finally:
        app.stop()
        store.close()


def test_a_frozen_tab_sends_what_it_held_when_it_wakes(tmp_path: Path, page: Page):
    expect.set_options(timeout=SLOW)
    app = App(tmp_path)
    app.start()
    store = open_store(app.database)
    try:
        slug, pairs = make_project(store, "Asleep")
        at = Screen(page, app.address, store, slug, pairs).open()
        page.context.route("**/api/v1/**", lambda route: route.abort())
        at.press("2", "1")
        expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
        # A laptop that sleeps: no timer runs until it wakes.
        devtools = page.context.new_cdp_session(page)
        devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        page.context.unroute("**/api/v1/**")
        devtools.send("Page.setWebLifecycleState", {"state": "active"})
        at.saved()
        assert at.events() == [(pairs[0], "label", "tie"), (pairs[1], "label", "left")]
    finally:
        app.stop()
        store.close()
