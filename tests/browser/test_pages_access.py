"""Every page for everyone: on a phone, in both grounds, with a screen reader."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from labeling.services.access import local_actor
from labeling.services.labels import record
from labeling.services.queue import next_pairs
from labeling.storage.store import Store
from tests.browser.contrasts import CONTRASTS
from tests.browser.labelling import SLOW, idle, make_project
from tests.browser.running import App
from tests.services.labelling import act

PAGES = ("", "data", "generate", "score", "label", "history", "rounds", "judge", "export", "endpoints")
PHONE = {"width": 420, "height": 900}

# What stands out of the window to the right. Tables and rows of tabs are scrolled by themselves.
TOO_WIDE = """() => [...document.querySelectorAll("[data-testid=stMain] *, [role=dialog] *")]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && one.checkVisibility())
  .filter(one => !one.closest("[data-testid=stDataFrame], [data-testid=stTable], [role=tablist]"))
  .map(one => one.outerHTML.slice(0, 120))"""
# Controls that a screen reader could only call a control.
NAMELESS = """() => [...document.querySelectorAll("button, input, textarea, a[href], [role=button], [role=combobox]")]
  .filter(one => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
  .filter(one => !(one.ariaLabel || one.title || one.textContent.trim() || one.labels?.length || one.getAttribute("aria-labelledby")))
  .map(one => one.outerHTML.slice(0, 120))"""
# Streamlit draws the chosen one of several tabs, and the icon of an empty page, in the theme's own colour: on a dark ground white
# on it and itself on the ground cannot both have more.
ACCENTED = "[data-testid=stMain] :is([aria-selected=true], h1 [role=img])"
# What has the keyboard, and its frame.
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const name = one.ariaLabel || one.textContent.trim().slice(0, 30);
  return [`${one.tagName} ${name}`, style.outlineStyle === "solid" ? style.outlineWidth : ""];
}"""


@pytest.fixture
def opened(app: App, page: Page, store: Store) -> Callable[[str], Page]:
    """Opens a page of a project that has pairs and labels, once it is whole."""
    slug, _ = make_project(store, f"Access {uuid4().hex}", 12)
    actor = local_actor(store)
    events = [act(pair.pair_id) for pair in next_pairs(store, actor, slug, (), 4)]
    assert not record(store, actor, slug, events).refused

    def opened(name: str) -> Page:
        page.goto(f"{app.address}/{name}?project={slug}")
        expect(page.locator("[data-testid=stMain] :is(h1, .verdict)").first).to_be_visible(timeout=SLOW)
        idle(page, SLOW)
        return page

    return opened


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_is_read_with_ease_and_names_its_controls(opened, page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    found = {}
    for name in PAGES:
        at = opened(name)
        texts = at.locator("[data-testid=stMain]").evaluate(CONTRASTS)
        accented = at.locator(ACCENTED).all_inner_texts()
        pale = [one for one in texts if one[0] < (3.5 if one[1] in accented else 4.5)]
        found[name] = pale, at.evaluate(TOO_WIDE), at.evaluate(NAMELESS)
    assert found == dict.fromkeys(PAGES, ([], [], []))


@pytest.mark.parametrize("name", ["data", "export"])
def test_the_keyboard_is_seen_wherever_it_is(opened, name):
    at = opened(name)
    # Streamlit fetches the parts that draw styles and tables when a page first has one, maybe after its script ended.
    expect(at.locator("[data-testid=stHtml] style")).to_be_attached(timeout=SLOW)
    expect(at.locator("canvas").first).to_be_visible(timeout=SLOW)
    seen = {}
    for _ in range(60):
        at.keyboard.press("Tab")
        what, frame = at.evaluate(FOCUSED)
        if what.startswith(("A ", "BUTTON ", "SUMMARY ", "CANVAS ")):
            seen[what] = frame
    assert {what for what, frame in seen.items() if frame != "2px"} == set()
    assert {what.split()[0] for what in seen} >= {"A", "BUTTON", "CANVAS"}


@pytest.mark.parametrize(
    ("name", "button", "title"),
    [
        ("", "New project", "New project"),
        ("data", "Import a file", "Choose a file"),
        ("generate", "Add generator", "Generator"),
        ("rounds", "New round", "New round"),
        ("rounds", "Who works in it", "Who works in it"),
    ],
)
def test_a_dialog_fits_a_phone_names_its_controls_and_is_left_by_escape(opened, page, name, button, title):
    page.set_viewport_size(PHONE)
    at = opened(name)
    at.get_by_role("button", name=button).first.click()
    dialog = at.get_by_role("dialog").filter(has_text=title)
    expect(dialog).to_be_visible()
    idle(at, SLOW)
    assert (at.evaluate(TOO_WIDE), at.evaluate(NAMELESS)) == ([], [])
    at.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_name_that_is_typed_turns_its_button_on_before_the_field_is_left(opened):
    at = opened("")
    at.get_by_role("button", name="New project").click()
    dialog = at.get_by_role("dialog")
    made = dialog.get_by_role("button", name="Create project")
    expect(made).to_be_disabled()
    idle(at, SLOW)
    dialog.get_by_label("Name", exact=True).press_sequentially("Typed")
    expect(made).to_be_enabled()
    assert at.evaluate("document.activeElement.ariaLabel") == "Name"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_over_a_page_is_read_with_ease_and_so_is_the_button_that_opened_it(opened, page, scheme):
    page.emulate_media(color_scheme=scheme)
    at = opened("export")
    at.get_by_role("button", name="Saved rules").click()
    over = at.get_by_test_id("stPopoverBody")
    over.get_by_label("Save these under a name").press_sequentially("Strict")
    expect(over.get_by_role("button", name="Save rules")).to_be_enabled()
    idle(at, SLOW)
    for part in (over, at.get_by_test_id("stPopoverButton").filter(has_text="Saved rules")):
        assert [one for one in part.evaluate(CONTRASTS) if one[0] < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_and_out_are_read_with_ease_on_a_phone(app, page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(PHONE)
    for name in ("sign-in", "sign-out"):
        page.goto(f"{app.address}/{name}")
        expect(page.get_by_role("heading")).to_be_visible()
        assert [one for one in page.locator("body").evaluate(CONTRASTS) if one[0] < 4.5] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.evaluate(NAMELESS) == []
