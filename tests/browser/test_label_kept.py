"""What is not sent yet, and what was refused: kept until the server has it or its annotator has seen it."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, Request, expect
from sqlalchemy import update

from labeling.services.access import local_actor
from labeling.services.queue import next_pairs
from labeling.services.rounds import Asked, change_asked
from labeling.services.tokens import actor_of_token, create_token
from labeling.storage import tables
from tests.browser.faults import ROUTE, decide, stored
from tests.browser.labelling import SLOW


def wait_for(condition: Callable[[], bool], page: Page) -> None:
    until = time.monotonic() + SLOW / 1000
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        page.wait_for_timeout(200)


def test_a_refused_label_outlives_a_reload_and_comes_back_as_it_was_given(screen, store):
    at = screen(strength=True, reasons=["Wrong fact", "Too long"])
    at.page.route(ROUTE, lambda route: route.abort())
    at.press("w", "m")
    at.page.keyboard.type("It repeats itself.")
    at.page.keyboard.press("Enter")
    at.press("4")
    expect(at.root.locator(".save")).to_have_text("Offline · 1 kept here")
    asked = Asked(strength=True, reasons=("Wrong fact", "Too long"), required=("strength",))
    change_asked(store, local_actor(store), at.slug, asked)
    at.page.unroute(ROUTE)
    notice = at.root.locator(".notice")
    expect(notice).to_contain_text("asks for strength with every label")
    reload = notice.get_by_role("button", name="Reload the page")
    reload.click()
    expect(at.verdict("Left is better")).to_be_visible()
    expect(notice).to_contain_text("asks for strength with every label")
    expect(reload).to_have_count(0)
    notice.get_by_role("button", name="Open the pair").click()
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    expect(at.page.get_by_role("textbox", name="Comment")).to_have_value("It repeats itself.")
    at.press("4", "9")
    at.saved()
    expect(notice).to_be_hidden()
    assert at.standing() == {at.pairs[0]: "right"}
    at.again()
    expect(notice).to_be_hidden()


def test_labels_for_a_closed_project_are_told_as_many_and_can_be_taken_along(screen, store):
    at = screen()
    at.page.route(ROUTE, lambda route: route.abort())
    at.press("1", "4", "2", "1", "4")
    expect(at.root.locator(".save")).to_have_text("Offline · 5 kept here")
    project = tables.core(tables.Project)
    with store.writing() as session:
        session.execute(update(project).where(project.c.slug == at.slug).values(closed_at=tables.now()))
    at.page.unroute(ROUTE)
    notice = at.root.locator(".notice")
    expect(notice).to_contain_text("is closed")
    expect(notice).to_contain_text("5 labels")
    with at.page.expect_download() as saved:
        notice.get_by_role("link", name="Download them").click()
    assert saved.value.suggested_filename == "refused-labels.json"


def test_labels_are_sent_although_the_annotator_went_to_another_page(screen):
    at = screen()
    at.page.route(ROUTE, lambda route: route.abort())
    given = decide(at, "1", "4")
    expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
    at.page.get_by_role("link", name="Export").click()
    expect(at.page.get_by_role("heading", level=1, name="Export")).to_be_visible()
    at.page.unroute(ROUTE)
    wait_for(lambda: len(stored(at)) == 2, at.page)
    assert stored(at) == given


def test_a_tab_that_is_closed_right_behind_a_press_has_sent_its_label(screen):
    at = screen()
    other = at.page.context.new_page()
    other.goto(f"{at.address}/sign-in")  # keeps the browser, and opens no labelling screen
    given = decide(at, "1", "4", "2")
    at.page.close(run_before_unload=True)
    wait_for(lambda: len(stored(at)) == 3, other)
    assert stored(at) == given


def test_labels_kept_from_a_session_that_is_over_are_sent_in_the_next_one(screen):
    at = screen()
    at.page.route(ROUTE, lambda route: route.abort())
    given = decide(at, "1", "4")
    at.page.context.clear_cookies()
    at.page.unroute(ROUTE)
    at.again()
    at.saved()
    assert stored(at) == given
    assert at.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tiebreak.outbox'))") == []


def test_a_pair_that_is_read_for_long_stays_reserved(screen, store):
    at = screen()
    asked: list[dict] = []

    def note(request: Request) -> None:
        if "/api/v1/" in request.url:
            asked.append(request.post_data_json)

    at.page.clock.install()
    at.again()
    at.page.on("request", note)
    for _ in range(6):
        at.page.mouse.move(600, 300)
        at.page.clock.run_for(60_000)
        at.page.mouse.move(620, 320)
    wait_for(lambda: any(at.pairs[0] in body.get("have", []) for body in asked), at.page)


def test_whoever_went_away_holds_no_pairs(screen):
    at = screen()
    asked: list[dict] = []
    at.page.clock.install()
    at.again()
    at.page.clock.run_for(10 * 60_000)
    at.page.on("request", lambda request: asked.append(request.post_data_json) if "/api/v1/" in request.url else None)
    at.page.clock.run_for(60 * 60_000)
    at.page.wait_for_timeout(500)
    assert not any(body.get("have") for body in asked)


def test_a_pair_that_comes_free_is_brought_without_a_reload(screen, store):
    at = screen(2)
    second = create_token(store, local_actor(store), "somebody else", at.slug).secret
    place = tables.core(tables.Assignment)
    with store.writing() as session:  # what this screen holds goes to somebody else
        session.execute(place.delete().where(place.c.pair_id.in_(at.pairs)))
    assert len(next_pairs(store, actor_of_token(store, second), at.slug, (), 2)) == 2
    at.page.clock.install()
    at.page.reload()
    expect(at.page.get_by_role("heading", name="Nothing waits for you now")).to_be_visible()
    with store.writing() as session:
        session.execute(place.delete().where(place.c.pair_id.in_(at.pairs)))
    at.page.clock.run_for(120_000)
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
