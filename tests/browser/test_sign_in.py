"""Signing in as another annotator, and out again, in a real browser: what is labelled stands under who labelled it."""

import re

from playwright.sync_api import Page, expect
from sqlalchemy import select

from labeling.services.access import local_actor
from labeling.services.tokens import create_token
from labeling.storage import tables
from labeling.storage.store import Store
from tests.browser.labelling import Screen, make_project
from tests.browser.running import App


def sign_in(page: Page, app: App, token: str) -> None:
    page.goto(f"{app.address}/sign-in")
    page.get_by_label("Personal token").fill(token)
    with page.expect_response("**/sign-in") as answered:
        page.get_by_role("button", name="Sign in").click()
    assert answered.value.status == 303, answered.value.text()


def labelled_by(store: Store, pairs: list[int]) -> list[str]:
    label, rater, account = (tables.core(one) for one in (tables.Label, tables.Rater, tables.Account))
    with store.reading() as session:
        return list(
            session.scalars(
                select(account.c.name)
                .join(rater, rater.c.account_id == account.c.id)
                .join(label, label.c.rater_id == rater.c.id)
                .where(label.c.pair_id.in_(pairs))
                .order_by(label.c.seq)
            )
        )


def test_labels_stand_under_whoever_signed_in(app, store, page):
    owner = local_actor(store)
    slug, pairs = make_project(store, "Two people")
    token = create_token(store, owner, "second annotator", slug).secret
    at = Screen(page, app.address, store, slug, pairs).open()
    at.press("1")
    at.saved()
    sign_in(page, app, token)
    at.open()
    at.press("4")
    at.saved()
    page.get_by_role("link", name="Sign out").click()
    expect(page.get_by_text("This browser labels as second annotator.")).to_be_visible()
    expect(page.get_by_role("link", name="Download them")).to_be_hidden()
    with page.expect_response("**/sign-out") as answered:
        page.get_by_role("button", name="Sign out").click()
    assert answered.value.status == 303
    at.open()
    at.press("2")
    at.saved()
    assert labelled_by(store, pairs) == [owner.name, "second annotator", owner.name]


def test_a_screen_that_was_signed_out_in_another_tab_keeps_its_labels_and_says_so(app, store, page):
    slug, pairs = make_project(store, "Signed out")
    at = Screen(page, app.address, store, slug, pairs).open()
    at.press("1")
    at.saved()
    other = page.context.new_page()
    other.goto(f"{app.address}/sign-out")
    with other.expect_response("**/sign-out"):
        other.get_by_role("button", name="Sign out").click()
    at.press("4")
    expect(at.root.locator(".save")).to_contain_text("Signed out · 1 kept here")
    assert [verdict for _, _, verdict in at.events()] == ["left"]


def test_an_annotator_is_offered_what_an_annotator_may_use(app, store, page):
    slug, pairs = make_project(store, "Only labelling", 1)
    page.context.clear_cookies()
    sign_in(page, app, create_token(store, local_actor(store), "third annotator", slug).secret)
    at = Screen(page, app.address, store, slug, pairs).open()
    offered = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(offered).to_have_text([re.compile(name) for name in ("Projects", "Label", "History")])
    page.goto(f"{app.address}/export?project={slug}")
    expect(page.get_by_role("alert")).to_contain_text("Export is for those who lead the project.")
    expect(at.verdict("Left is better")).to_be_visible()
    at.press("1")
    at.saved()
    page.get_by_role("link", name="Projects").click()
    expect(page.get_by_role("button", name="My labels")).to_be_visible()
    expect(page.get_by_text("Usable")).to_be_hidden()
    page.get_by_role("button", name="My labels").click()
    expect(page.get_by_role("heading", level=1, name="History")).to_be_visible()


def test_the_sidebar_follows_the_labels_that_are_given(app, store, page):
    page.context.clear_cookies()
    at = Screen(page, app.address, store, *make_project(store, "Followed", 3)).open()
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar).to_contain_text("0 usable of 3 pairs")
    at.press("1", "4")
    at.saved()
    expect(sidebar).to_contain_text("2 usable of 3 pairs")
    at.press("1")
    expect(sidebar).to_contain_text("Every pair has its labels")
