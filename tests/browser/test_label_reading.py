"""Reading and pointing on the labelling screen: covered pairs, the mouse, differences, keys that collide."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from labeling.storage import tables
from tests.browser.running import App

FILES = "/_stcore/bidi-components/tiebreak.label"


@pytest.fixture
def module(app: App, page: Page) -> Callable[[str, str], object]:
    """Evaluates an expression over one module of the screen, which it calls `of`."""
    page.goto(f"{app.address}/sign-in")
    return lambda name, expression: page.evaluate(f"import('{FILES}/{name}').then((of) => {expression})")


def test_a_sensitive_pair_is_covered_whole_until_it_is_opened(made, store):
    at = made([("A cruel question", "A cruel answer", "A cruel reply"), ("Mild", "One", "Two")])
    with store.writing() as session:
        prompt, pair = tables.core(tables.PromptRow), tables.core(tables.Pair)
        session.execute(
            update(prompt)
            .where(prompt.c.id.in_(select(pair.c.prompt_id).where(pair.c.id == at.pairs[0])))
            .values(is_sensitive=True)
        )
    at.open()
    expect(at.root).not_to_contain_text("cruel")
    at.press("1", "d", "v")
    expect(at.root.locator(".hint")).to_have_text("Open this pair before you decide (H).")
    expect(at.root).not_to_contain_text("cruel")
    at.press("h")
    expect(at.root.locator(".cards")).to_contain_text("A cruel answer")
    expect(at.root.locator(".prompt")).to_contain_text("A cruel question")
    at.press("1")
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]
    expect(at.root.locator(".cards")).to_contain_text("One")


@pytest.mark.parametrize("place", [".verdict[data-verdict=left]", ".card[data-side=left] header"])
def test_a_double_click_is_one_label(screen, place):
    at = screen()
    at.page.wait_for_timeout(200)
    box = at.place(place)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    at.page.mouse.click(x, y)
    at.page.wait_for_timeout(200)
    at.page.mouse.down(click_count=2)
    at.page.mouse.up(click_count=2)
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]


def test_a_click_that_takes_a_mark_away_decides_nothing(screen):
    at = screen()
    at.page.wait_for_timeout(200)
    box = at.place(".card[data-side=left] .text p")
    at.page.mouse.move(box["x"] + 2, box["y"] + 8)
    at.page.mouse.down()
    at.page.mouse.move(box["x"] + 60, box["y"] + 8, steps=4)
    at.page.mouse.up()
    at.page.wait_for_timeout(200)
    at.page.mouse.click(box["x"] + 20, box["y"] + 120)
    at.page.wait_for_timeout(200)
    assert at.shown == at.pairs[0]
    at.page.mouse.click(box["x"] + 20, box["y"] + 120)
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]


def test_of_two_long_answers_only_the_differences_in_sight_are_drawn(screen):
    lines = [f"Line {n} of an answer that goes on and on." for n in range(4_000)]
    answers = "\n".join(lines), "\n".join(line.replace("goes", "went") for line in lines)
    at = screen([("Which?", *answers)])
    at.press("d")
    card = at.root.locator('.card[data-side="left"]')
    expect(card.locator("mark").first).to_be_visible()
    assert card.locator("pre").evaluate("pre => pre.textContent") in answers
    drawn = card.locator(".block").evaluate_all(
        "blocks => blocks.map(block => block.firstChild.nextSibling.checkVisibility({ contentVisibilityAuto: true }))"
    )
    assert drawn[0]
    assert sum(drawn) < len(drawn) / 4
    card.locator("mark").last.scroll_into_view_if_needed()
    expect(card.locator("mark").last).to_be_in_viewport()


def test_differences_are_words_in_every_script_and_lose_nothing(module):
    for left, right in (
        ("The red fox runs fast.", "The red fox runs slowly."),
        ("我喜欢猫和狗。", "我喜欢鸟和狗。"),
        ("ฉันชอบแมว", "ฉันชอบหมา"),
        ("", "all new"),
        ("same", "same"),
        ("a\n\nb  c", "a\nb c\td"),
    ):
        parts = module("diff.js", f"of.words({json.dumps(left)}, {json.dumps(right)})")
        assert "".join(text for text, _ in parts["left"]) == left
        assert "".join(text for text, _ in parts["right"]) == right
        assert not left or left == right or any(not is_own for _, is_own in parts["left"])
    parts = module("diff.js", 'of.words("我喜欢猫和狗。", "我喜欢鸟和狗。")')
    assert [text for text, is_own in parts["left"] if is_own] == ["猫"]


def test_two_answers_of_a_thousand_words_that_share_nothing_are_compared(module):
    parts = module(
        "diff.js",
        """of.words(Array.from({length: 1200}, (_, n) => `left${n}`).join(" "), Array.from({length: 1200}, (_, n) => `right${n}`).join(" "))""",
    )
    assert parts is not None


def test_a_chosen_key_is_never_also_the_default_of_something_else(module):
    said = module(
        "keys.js",
        """(() => {
          const storage = { getItem: () => '{"chosen": {"tie": "j"}}', setItem() {} };
          const keys = new of.Keys(["left", "tie", "right"], Array.from({length: 11}, (_, n) => `r${n}`), "k", storage);
          return [keys.action("j"), keys.of("tie"), keys.of("reason 9") ?? null, keys.of("reason 8")];
        })()""",
    )
    assert said == ["tie", "j", None, "b"]


def test_a_mouse_that_lies_still_leaves_the_two_answers_alike(screen):
    at = screen()
    cards = [at.root.locator(f".card[data-side={side}]") for side in ("left", "right")]

    def borders():
        return [card.evaluate("one => getComputedStyle(one).borderColor") for card in cards]

    cards[0].hover(position={"x": 60, "y": 60})
    cards[0].hover(position={"x": 90, "y": 90})
    left, right = borders()
    assert left != right
    at.press("4")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[1]))
    left, right = borders()
    assert left == right


def test_a_long_prompt_can_have_half_of_the_screen_by_key_and_by_button(screen):
    at = screen([("\n\n".join(f"Line {n} of the prompt." for n in range(60)), "One.", "Two.")])

    def share():
        prompt, whole = at.root.locator(".prompt").bounding_box(), at.root.bounding_box()
        return prompt["height"] / whole["height"]

    before = share()
    at.press("0")
    assert share() > 2 * before
    at.page.get_by_role("button", name="Whole prompt").click()
    assert share() == pytest.approx(before)
    assert at.events() == []


def test_of_many_turns_the_newest_is_seen_first(screen):
    said = [{"role": ("user", "assistant")[n % 2], "content": f"Turn {n}. " + "Words of it. " * 30} for n in range(9)]
    at = screen([(json.dumps(said), "One.", "Two."), ("A short question", "Yes.", "No.")])
    prompt = at.page.get_by_role("region", name="Prompt")
    seen, newest = prompt.bounding_box(), prompt.get_by_text("Turn 8.").bounding_box()
    assert seen["y"] <= newest["y"] < seen["y"] + seen["height"]
    expect(at.root.locator(".spoken")).to_contain_text("Next pair: User: Turn 8. Words of it.")
    at.press("1")
    expect(prompt).to_have_text("A short question")
    assert prompt.evaluate("one => one.scrollTop") == 0


@pytest.mark.parametrize(
    ("purpose", "mine", "done", "title"),
    [
        ("review", 3, 0, "Every pair has its labels"),
        ("review", 2, 0, "Nothing waits for you now"),
        ("calibration", 3, 2, "Nothing waits for you now"),
        ("work", 1, 3, "Every pair has its labels"),
    ],
)
def test_the_end_of_a_round_says_whether_others_are_waited_for(module, purpose, mine, done, title):
    status = {"total": 3, "done": done, "mine": mine, "state": "open", "round": {"name": "one", "purpose": purpose}}
    desk = {"status": status, "link": {"state": "ok"}, "returning": None, "isDry": True, "data": {"rounds": []}}
    assert module("rest.js", f"of.rest({json.dumps(desk)}).title") == title
