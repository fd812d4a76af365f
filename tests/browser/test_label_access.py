"""The labelling screen for everyone: magnified, by keyboard alone, with a screen reader, in both grounds, without motion."""

import pytest
from playwright.sync_api import expect

from tests.browser.contrasts import CONTRASTS
from tests.browser.faults import ROUTE

ASKED = {"strength": True, "criteria": ["honest"], "reasons": ["Wrong fact", "Too long"], "edits": True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_aa(screen, page, scheme):
    page.emulate_media(color_scheme=scheme)
    at = screen([("Which?", "The `red` fox **runs** fast.", "The red\u200b fox\n\n> runs slowly.")], **ASKED)

    def too_pale() -> list:
        return [one for one in at.root.evaluate(CONTRASTS) if one[0] < 4.5]

    assert too_pale() == []
    at.page.route(ROUTE, lambda route: route.abort())
    for keys in (["d"], ["v"], ["n", "q", "8"], ["i"]):
        at.press(*keys)
        assert too_pale() == [], keys
    at.page.keyboard.press("Escape")
    at.press("4", "?")
    expect(at.page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert too_pale() == []
    at.page.keyboard.press("Escape")
    at.press("i", "f")
    assert too_pale() == []


def test_every_control_shows_where_the_keyboard_is(screen):
    at = screen(5, **ASKED)
    at.page.evaluate("document.activeElement.blur()")
    seen = {}
    for _ in range(80):
        at.page.keyboard.press("Tab")
        name, ring = at.page.evaluate(
            """() => {
              let one = document.activeElement;
              while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
              if (!one.closest(".tiebreak")) return ["", ""];
              const style = getComputedStyle(one);
              return [one.getAttribute("aria-label") ?? one.textContent, style.outlineStyle === "none" ? "" : style.outlineWidth];
            }"""
        )
        if name:
            seen[name] = ring
    assert {name for name, ring in seen.items() if ring != "2px"} == set()
    said = " ".join(seen)
    for name in ("Prompt", "Left answer", "Right answer", "Left is better", "Tie", "Both bad", "Right is better"):
        assert name in said
    for name in ("Slightly", "Wrong fact", "Comment", "Skip", "Flag", "Differences", "Raw", "Guidelines", "Keys"):
        assert name in said


def test_a_screen_reader_is_told_what_everything_is(screen):
    at = screen(5, **ASKED)
    for name in ("Prompt", "Left answer", "Right answer"):
        expect(at.page.get_by_role("region", name=name)).to_be_visible()
    expect(at.page.get_by_role("group", name="Which answer is better")).to_be_visible()
    expect(at.page.get_by_role("radiogroup", name="honest")).to_be_visible()
    bar = at.page.get_by_role("progressbar", name="Progress of the round")
    expect(bar).to_have_attribute("aria-valuemax", "5")
    nameless = at.root.evaluate(
        "root => [...root.querySelectorAll('button, input, textarea')].filter(one => !(one.ariaLabel ?? one.textContent).trim()).length"
    )
    assert nameless == 0
    at.press("8")
    expect(at.page.get_by_role("button", name="Clearly")).to_have_attribute("aria-pressed", "true")
    at.press("4")
    at.saved()
    expect(bar).to_have_attribute("aria-valuenow", "1")
    expect(at.root.locator(".save")).to_have_attribute("aria-live", "polite")
    expect(at.page.get_by_role("status").filter(has_text="Next pair: Question 1")).to_be_attached()
    at.press("g")
    panel = at.page.get_by_role("dialog", name="Guidelines, version 1")
    expect(panel).to_have_attribute("aria-modal", "true")
    at.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (420, 800)])
def test_the_page_around_the_screen_has_nothing_to_scroll(screen, page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    screen([("A long question. " * 50, "One answer.\n\n" * 60, "Another.\n\n" * 60)], **ASKED)
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollHeight - main.clientHeight") == 0


def test_nothing_is_out_of_reach_at_twice_the_size(screen, page):
    page.set_viewport_size({"width": 640, "height": 360})  # what 200 % leaves of 1280 by 720
    text = "\n\n".join(f"Paragraph {n} of a long answer." for n in range(30))
    at = screen([("A long question. " * 50, text, text + "!")], **ASKED)
    for name in ("Left is better", "Tie", "Both bad", "Right is better", "Undo", "Skip", "Keys", "Guidelines", "Much"):
        control = at.page.get_by_role("button", name=name).first
        control.scroll_into_view_if_needed()
        expect(control).to_be_in_viewport(ratio=1)
    assert at.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    for side in ("Left answer", "Right answer"):
        region = at.page.get_by_role("region", name=side)
        if region.is_visible():
            box = region.bounding_box()
            assert box is not None
            assert box["height"] >= 150
    at.verdict("Both bad").click()
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "both_bad")]


def test_nothing_moves_for_whoever_asked_for_less_motion(screen, page):
    page.emulate_media(reduced_motion="reduce")
    at = screen(5)
    at.press("1", "2")
    at.saved()
    moving = "root => root.getAnimations({ subtree: true }).length"
    assert at.root.evaluate(moving) == 0
    timed = """root => [...root.querySelectorAll("*")].filter(one => {
      const style = getComputedStyle(one);
      return parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0;
    }).length"""
    assert at.root.evaluate(timed) == 0


def test_without_single_keys_no_key_is_offered_and_the_buttons_still_work(screen):
    at = screen(5, **ASKED)
    at.press("?")
    at.page.get_by_label("Single keys are on").uncheck()
    at.page.keyboard.press("Escape")
    expect(at.root.locator(".work kbd")).to_have_count(0)
    at.press("1", "q", "ArrowLeft")
    at.verdict("Left is better").focus()
    at.page.keyboard.press("Enter")
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]


def test_left_and_right_stay_where_they_are_in_text_that_runs_from_the_right(screen):
    at = screen([("ما هي العاصمة؟", "العاصمة هي القاهرة.", "لا أعرف الجواب.")])
    left, right = (at.page.get_by_role("region", name=f"{side} answer").bounding_box() for side in ("Left", "Right"))
    assert left is not None
    assert right is not None
    assert left["x"] < right["x"]
    direction = (
        at.page.get_by_role("region", name="Left answer")
        .locator("p")
        .evaluate("p => [p.dir, getComputedStyle(p).direction]")
    )
    assert "rtl" in direction or direction[0] == "auto"
    at.press("ArrowLeft")
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]
