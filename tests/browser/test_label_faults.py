"""Whatever breaks around the labelling screen, every label arrives once: told by the database, not by the screen."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import update

from labeling.storage import tables
from tests.browser import faults
from tests.browser.faults import ROUTE, decide, stored
from tests.browser.labelling import Screen


@pytest.fixture
def at(screen: Callable[..., Screen]) -> Screen:
    """The screen of a new project."""
    return screen()


def test_a_server_killed_during_three_labels_has_each_of_them_once_when_it_is_back(app, at):
    given = faults.kill_the_server_during_three_labels(app, at, 0)
    assert stored(at) == given


def test_labels_go_on_while_the_network_is_cut_and_arrive_once(at):
    given = faults.cut_the_network(at, 2)
    assert stored(at) == given


def test_a_tab_that_was_closed_offline_sends_its_labels_when_it_is_opened_again(at):
    later, given = faults.close_the_tab_offline(at, 0)
    assert stored(later) == given


def test_a_laptop_that_slept_sends_what_it_kept(at):
    given = faults.sleep_with_unsent_labels(at, 2)
    assert stored(at) == given


def test_a_laptop_that_fell_asleep_while_sending_wakes_to_another_server(app, at):
    given = faults.sleep_while_sending(app, at)
    assert stored(at) == given


def test_a_wrong_clock_changes_nothing(at):
    given = faults.set_the_clock_wrong(at, 0)
    assert stored(at) == given


def test_labels_that_slept_past_their_reservation_are_kept(at, store):
    at.page.context.set_offline(True)
    given = decide(at, "1", "4")
    with store.writing() as session:
        place = tables.core(tables.Assignment)
        session.execute(
            update(place).where(place.c.pair_id.in_(at.pairs)).values(reserved_until=tables.now() - timedelta(hours=9))
        )
    at.page.context.set_offline(False)
    at.saved()
    assert stored(at) == given


def test_an_answer_that_is_lost_on_its_way_back_doubles_nothing(at):
    lost: list[int] = []

    def lose(route: Route) -> None:
        lost.append(route.fetch().status)  # the server has stored it
        route.abort()

    at.page.route(ROUTE, lose, times=2)
    given = decide(at, "1", "4", "2")
    at.saved()
    assert lost == [200, 200]
    assert stored(at) == given


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": "Internal Server Error"},
        {"status": 503, "json": {"error": "The database is busy."}},
        {"status": 200, "content_type": "text/html", "body": "<h1>Welcome to our network</h1>"},
        {"status": 200, "json": {}},
        {"status": 200, "content_type": "application/json", "body": '{"acked": ["'},
    ],
    ids=["fault", "busy", "another page", "empty", "cut off"],
)
def test_an_answer_that_is_none_keeps_the_labels_until_there_is_one(at, answer):
    at.page.route(ROUTE, lambda route: route.fulfill(**answer))
    given = decide(at, "1", "4")
    expect(at.root.locator(".save")).to_contain_text("2 kept here")
    at.page.unroute(ROUTE)
    at.saved()
    assert stored(at) == given


def test_six_presses_at_a_slow_server_are_six_labels(at):
    def wait(route: Route) -> None:
        at.page.wait_for_timeout(700)
        route.continue_()

    at.page.route(ROUTE, wait)
    given = decide(at, "1", "4", "2", "3", "4", "1")
    at.saved()
    at.page.unroute(ROUTE)
    assert stored(at) == given


def test_another_tab_sends_what_a_closed_one_kept(at):
    at.page.route(ROUTE, lambda route: route.abort())
    given = decide(at, "1", "4", "2")
    other = Screen(at.page.context.new_page(), at.address, at.store, at.slug, at.pairs).open()
    at.page.close()
    other.saved()
    assert stored(other) == given
    assert other.shown == at.pairs[3]


def test_two_tabs_that_label_without_a_network_each_arrive_once(at):
    other = Screen(at.page.context.new_page(), at.address, at.store, at.slug, at.pairs).open()
    at.page.context.set_offline(True)
    given = []
    for place, (tab, key) in enumerate(((at, "1"), (other, "4"), (at, "2"), (other, "3"))):
        expect(tab.root).to_have_attribute("data-pair", str(at.pairs[place]))
        given += decide(tab, key)
    at.page.context.set_offline(False)
    at.saved()
    other.saved()
    assert sorted(stored(at)) == sorted(given)


def test_without_storage_the_tab_itself_keeps_the_labels_and_says_so(at):
    at.page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    at.page.route(ROUTE, lambda route: route.abort())
    given = decide(at, "1", "4")
    expect(at.root.locator(".save")).to_have_text("Offline · 2 kept in this tab only")
    at.page.unroute(ROUTE)
    at.saved()
    assert stored(at) == given
