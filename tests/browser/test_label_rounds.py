"""Rounds on the labelling screen: what was given in one is never taken for the other."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from labeling.domain import Verdict
from labeling.services.access import local_actor
from labeling.services.gold import set_gold
from labeling.services.projects import write_guidelines
from labeling.services.round_setup import change_members, make_calibration, make_practice
from labeling.services.tokens import create_token
from labeling.storage import tables
from tests.browser.faults import ROUTE
from tests.browser.labelling import Screen


@pytest.fixture
def at(made: Callable[..., Screen]) -> Screen:
    """A project of five pairs, with a calibration round of the same five."""
    at = made(5)
    owner = local_actor(at.store)
    create_token(at.store, owner, "second annotator", at.slug)
    make_calibration(at.store, owner, at.slug, "together", 5, [owner.name, "second annotator"])
    return at


@pytest.fixture
def practice(made: Callable[..., Screen]) -> Callable[..., Screen]:
    """Opens a practice round of the first two of four pairs; in stored order a is right."""

    def opened(pass_mark: float | None = None) -> Screen:
        at = made(4)
        owner = local_actor(at.store)
        for pair_id in at.pairs[:2]:
            set_gold(at.store, owner, at.slug, pair_id, Verdict.A, "It **answers** what was asked.")
        make_practice(at.store, owner, at.slug, "warm up", pass_mark)
        return at.open("&round=warm%20up")

    return opened


def in_rounds(at: Screen) -> list[tuple[str, int, str]]:
    """Each stored event: round, pair, action."""
    label, round_ = tables.core(tables.Label), tables.core(tables.Round)
    with at.store.reading() as session:
        found = session.execute(
            select(round_.c.name, label.c.pair_id, label.c.action)
            .join(round_, round_.c.id == label.c.round_id)
            .where(label.c.pair_id.in_(at.pairs))
            .order_by(label.c.seq)
        )
        return [tuple(row) for row in found]


def test_what_one_round_kept_is_sent_to_that_round_by_the_screen_of_another(at):
    at.open()
    at.page.route(ROUTE, lambda route: route.abort())
    at.press("1", "4")
    expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
    at.page.goto(f"{at.address}/label?project={at.slug}&round=together")
    expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
    at.page.unroute(ROUTE)
    at.saved()
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    at.press("2")
    at.saved()
    assert in_rounds(at) == [
        ("work", at.pairs[0], "label"), ("work", at.pairs[1], "label"), ("together", at.pairs[0], "label"),
    ]  # fmt: skip


def test_two_tabs_in_two_rounds_leave_each_others_pairs_alone(at):
    at.open()
    other = Screen(at.page.context.new_page(), at.address, at.store, at.slug, at.pairs).open("&round=together")
    assert at.shown == other.shown == at.pairs[0]
    at.press("1")
    at.saved()
    assert other.shown == at.pairs[0]
    other.press("4")
    other.saved()
    expect(other.root.locator(".notice")).to_be_hidden()
    assert in_rounds(at) == [("work", at.pairs[0], "label"), ("together", at.pairs[0], "label")]


def test_another_round_is_opened_from_the_screen_and_offered_where_one_ends(at):
    at.open()
    at.page.get_by_role("button", name="Work round").click()
    at.page.get_by_role("button", name="together · calibration").click()
    expect(at.page.get_by_role("button", name="together · calibration")).to_be_visible()
    expect(at.verdict("Left is better")).to_be_visible()
    for pair_id in at.pairs:
        expect(at.root).to_have_attribute("data-pair", str(pair_id))
        at.press("1")
    at.saved()
    at.page.get_by_role("button", name="Go on with the work round").click()
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    at.press("4")
    at.saved()
    assert in_rounds(at) == [*(("together", pair_id, "label") for pair_id in at.pairs), ("work", at.pairs[0], "label")]


def test_whoever_is_in_another_round_alone_begins_with_it(at):
    owner = local_actor(at.store)
    change_members(at.store, owner, at.slug, "work", ["second annotator"])
    at.open()
    expect(at.root.locator(".round")).to_have_text("together · calibration")
    at.press("1")
    at.saved()
    assert in_rounds(at) == [("together", at.pairs[0], "label")]


def test_practice_says_what_is_right_beside_the_pair_that_was_judged(practice):
    at = practice()
    at.press("1")
    panel = at.page.get_by_role("dialog", name="Practice")
    expect(panel).to_contain_text("It answers what was asked.")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    at.press("1", "4")
    at.page.keyboard.press("Enter")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[1]))
    at.saved()
    assert [pair_id for pair_id, _, _ in at.events()] == at.pairs[:1]


def test_a_pair_of_the_practice_can_be_labelled_in_the_work_round_too(practice):
    at = practice()
    panel = at.page.get_by_role("dialog", name="Practice")
    for _ in range(2):
        at.press("1")
        expect(panel).to_be_visible()
        at.page.keyboard.press("Enter")
        expect(panel).to_be_hidden()
    expect(at.page.get_by_role("heading", name="Practice passed")).to_be_visible()
    at.page.get_by_role("button", name="Go on with the work round").click()
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    at.press("4")
    at.saved()
    expect(at.root.locator(".notice")).to_be_hidden()
    assert in_rounds(at) == [
        ("warm up", at.pairs[0], "label"), ("warm up", at.pairs[1], "label"), ("work", at.pairs[0], "label"),
    ]  # fmt: skip


def test_practice_that_was_not_passed_says_so(practice):
    at = practice(1.0)
    panel = at.page.get_by_role("dialog", name="Practice")
    for _ in range(2):
        at.press("2")
        expect(panel).to_contain_text("The project says:")
        at.page.keyboard.press("Enter")
        expect(panel).to_be_hidden()
    expect(at.page.get_by_role("heading", name="Practice is over")).to_be_visible()
    expect(at.root.locator(".rest")).to_contain_text("0 of 2 answers agreed; 100 % were asked for.")
    expect(at.page.get_by_role("button", name="Undo the last one")).to_be_disabled()
    at.page.reload()
    expect(at.page.get_by_role("button", name="Undo the last one")).to_be_disabled()


def test_a_round_shows_the_guidelines_that_it_is_labelled_by(at, store):
    owner = local_actor(store)
    round_, version = tables.core(tables.Round), tables.core(tables.GuidelineVersion)
    write_guidelines(store, owner, at.slug, "Prefer the shorter answer.")
    with store.writing() as session:  # the lead keeps the round at its version
        project_id = session.scalar(
            select(tables.core(tables.Pair).c.project_id).where(tables.core(tables.Pair).c.id == at.pairs[0])
        )
        first = session.scalar(
            select(version.c.id).where(version.c.project_id == project_id).order_by(version.c.number)
        )
        session.execute(
            round_.update()
            .where(round_.c.project_id == project_id, round_.c.name == "together")
            .values(guideline_version_id=first)
        )
    at.open("&round=together")
    at.press("g")
    expect(at.page.get_by_role("dialog", name="Guidelines, version 1")).not_to_contain_text("shorter")
