"""The labelling screen in a real browser, against the real app: one key a label, nothing lost, nothing twice."""

from playwright.sync_api import expect
from sqlalchemy import select

from labeling.services.access import local_actor
from labeling.storage import tables
from labeling.storage.projects import add_guidelines
from tests.browser.labelling import Screen


def test_six_quick_presses_are_six_labels_on_the_right_pairs(screen):
    at = screen()
    at.press("1", "4", "2", "ArrowLeft", "ArrowRight", "3")
    at.saved()
    assert at.events() == [
        (pair_id, "label", verdict)
        for pair_id, verdict in zip(at.pairs, ["left", "right", "tie", "left", "right", "both_bad"], strict=False)
    ]


def test_a_second_press_at_once_never_labels_the_pair_behind(screen):
    at = screen()
    at.page.wait_for_timeout(200)
    at.page.evaluate(
        "for (const key of ['1', '1', '4']) document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    )
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]
    assert at.shown == at.pairs[1]


def test_a_press_that_a_busy_page_comes_to_late_never_labels_the_pair_behind(screen):
    at = screen()
    at.page.wait_for_timeout(200)
    at.page.evaluate(
        """() => {
          const [first, second] = ['1', '4'].map((key) => new KeyboardEvent('keydown', {key, bubbles: true}));
          document.dispatchEvent(first);
          for (const until = performance.now() + 300; performance.now() < until; );
          document.dispatchEvent(second);
        }"""
    )
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "left")]
    at.press("4")
    at.saved()
    assert at.events()[1:] == [(at.pairs[1], "label", "right")]


def test_a_key_that_is_held_down_is_one_press(screen):
    at = screen()
    at.page.wait_for_timeout(200)
    at.page.evaluate(
        """for (const repeat of [false, true, true, true])
          document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', repeat, bubbles: true}))"""
    )
    at.page.wait_for_timeout(300)
    at.page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: '1', repeat: true, bubbles: true}))")
    at.saved()
    assert len(at.events()) == 1


def test_enter_that_is_held_down_on_a_button_is_one_press(screen):
    at = screen()
    at.page.wait_for_timeout(200)
    at.verdict("Left is better").focus()
    for _ in range(6):
        at.page.keyboard.down("Enter")
        at.page.wait_for_timeout(200)
    at.page.keyboard.up("Enter")
    at.saved()
    assert len(at.events()) == 1


def test_keys_are_found_by_their_place_where_a_keyboard_has_other_signs_there(screen):
    at = screen()
    presses = [("&", "Digit1"), ("ы", "KeyS"), ("'", "Digit4"), ("г", "KeyU"), ("1", "Numpad1")]
    for key, code in presses:
        at.page.wait_for_timeout(200)
        at.page.evaluate(
            "([key, code]) => document.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true}))",
            [key, code],
        )
    at.saved()
    assert [(action, verdict) for _, action, verdict in at.events()] == [
        ("label", "left"), ("skip", None), ("label", "right"), ("undo", None), ("label", "left"),
    ]  # fmt: skip
    at.press("Shift+Digit1")  # with shift it is another sign
    assert len(at.events()) == len(presses)


def test_keys_are_letters_while_somebody_types(screen):
    at = screen(reasons=["Wrong fact", "Too long"])
    at.press("m")
    at.page.keyboard.type("1 2 3 4 s u d v")
    assert at.events() == []
    at.page.keyboard.press("Enter")
    at.press("w", "4")
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "right")]
    with at.store.reading() as session:
        note = session.execute(
            select(tables.core(tables.LabelNote))
            .join(tables.core(tables.Label))
            .where(tables.core(tables.Label).c.pair_id == at.pairs[0])
        ).one()
    assert (note.comment, note.reasons) == ("1 2 3 4 s u d v", '["Too long"]')


def test_undo_goes_several_steps_back_and_the_new_label_counts(screen):
    at = screen()
    at.press("1", "2", "3")
    at.press("u", "u", "Backspace")
    assert at.shown == at.pairs[0]
    expect(at.root.locator(".hint")).to_have_text("Your label was: Left is better.")
    at.press("4")
    at.saved()
    assert at.standing() == {at.pairs[0]: "right", at.pairs[1]: None, at.pairs[2]: None}
    assert at.shown == at.pairs[1]


def test_undo_reaches_what_was_labelled_before_a_reload(screen):
    at = screen()
    at.press("1", "s", "4")
    at.saved()
    at.again()
    assert at.shown == at.pairs[3]
    at.press("u")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[2]))
    at.press("u")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[1]))
    at.press("2")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[2]))
    at.press("1")
    at.saved()
    assert at.standing() == {at.pairs[0]: "left", at.pairs[1]: "tie", at.pairs[2]: "left"}


def test_labels_made_offline_outlive_a_reload_and_arrive_once(screen):
    at = screen()
    at.press("1")
    at.saved()
    at.page.route("**/api/v1/**", lambda route: route.abort())
    at.press("2", "4", "u", "3")
    expect(at.root.locator(".save")).to_have_text("Offline · 4 kept here")
    at.page.reload()
    expect(at.root.locator(".save")).to_have_text("Offline · 4 kept here")
    at.page.unroute("**/api/v1/**")
    at.saved()
    assert [(action, verdict) for _, action, verdict in at.events()] == [
        ("label", "left"), ("label", "tie"), ("label", "right"), ("undo", None), ("label", "both_bad"),
    ]  # fmt: skip
    assert at.standing() == {at.pairs[0]: "left", at.pairs[1]: "tie", at.pairs[2]: "both_bad"}


def test_two_tabs_of_one_annotator_do_not_fight(screen):
    first = screen()
    second = Screen(first.page.context.new_page(), first.address, first.store, first.slug, first.pairs).open()
    assert first.shown == second.shown == first.pairs[0]
    first.press("1")
    expect(second.root).to_have_attribute("data-pair", str(first.pairs[1]))
    second.press("4")
    expect(first.root).to_have_attribute("data-pair", str(first.pairs[2]))
    first.saved()
    second.saved()
    assert first.events() == [(first.pairs[0], "label", "left"), (first.pairs[1], "label", "right")]


def test_what_was_changed_elsewhere_is_told_and_can_be_opened(screen):
    first = screen()
    second = Screen(first.page.context.new_page(), first.address, first.store, first.slug, first.pairs)
    # A screen that hears nothing of the other, like one on another machine.
    second.page.add_init_script("window.BroadcastChannel = class { postMessage() {} close() {} }")
    second.open()
    first.press("1")
    first.saved()
    second.press("4")
    expect(second.root.locator(".notice")).to_contain_text("You changed this pair elsewhere")
    second.page.get_by_role("button", name="Open the pair").click()
    expect(second.root.locator(".hint")).to_have_text("Your label was: Left is better.")
    second.press("2")
    second.saved()
    assert second.standing() == {first.pairs[0]: "tie"}


def test_what_is_required_holds_the_label_back_and_says_why(screen):
    at = screen(strength=True, criteria=["honest"], reasons=["Clear"], required=["strength", "criteria", "reasons"])
    hint = at.root.locator(".hint")
    at.press("4")
    expect(hint).to_have_text("Before this is saved, say how much better it is (7 8 9).")
    at.press("9")
    expect(hint).to_have_text("Before this is saved, say which is better in “honest” (K).")
    at.press("k", "ArrowLeft")
    expect(hint).to_have_text("Before this is saved, say at least one reason (Q).")
    assert at.shown == at.pairs[0]
    at.press("q")
    at.saved()
    with at.store.reading() as session:
        stored = session.execute(
            select(tables.core(tables.Label)).where(tables.core(tables.Label).c.pair_id == at.pairs[0])
        ).one()
    assert stored.strength == 3
    assert at.events() == [(at.pairs[0], "label", "right")]
    assert at.shown == at.pairs[1]


def test_a_key_can_be_changed_and_is_remembered(screen):
    at = screen()
    at.press("?")
    panel = at.page.get_by_role("dialog", name="Keys")
    panel.get_by_role("button", name="Change the key of Tie").click()
    at.page.keyboard.press("s")
    expect(panel.locator(".told")).to_have_text("S is taken by “Skip”. Change that one first.")
    panel.get_by_role("button", name="Change the key of Tie").click()
    at.page.keyboard.press("j")
    at.page.keyboard.press("Escape")
    at.again()
    at.press("2", "j")
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "tie")]


def test_single_keys_can_be_switched_off(screen):
    at = screen()
    at.press("?")
    at.page.get_by_label("Single keys are on").uncheck()
    at.page.keyboard.press("Escape")
    at.press("1", "2", "ArrowLeft")
    at.verdict("Right is better").click()
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "right")]


def test_the_whole_card_can_be_chosen_but_not_by_marking_its_text(screen):
    at = screen()
    card = at.root.locator('.card[data-side="right"]')
    at.page.wait_for_timeout(200)
    at.page.evaluate("getSelection().removeAllRanges()")
    card.locator(".text p").first.dblclick()
    at.page.wait_for_timeout(200)
    at.page.evaluate("getSelection().removeAllRanges()")
    before = len(at.events())
    card.locator("header").click()
    at.saved()
    assert before <= 1
    assert at.events()[-1][1:] == ("label", "right")


def test_a_narrow_screen_shows_one_answer_and_a_switch(screen):
    at = screen()
    at.page.set_viewport_size({"width": 420, "height": 800})
    left, right = (at.page.get_by_role("region", name=f"{side} answer") for side in ("Left", "Right"))
    expect(left).to_be_visible()
    expect(right).to_be_hidden()
    at.page.get_by_role("button", name="Right", exact=True).click()
    expect(right).to_be_visible()
    expect(left).to_be_hidden()
    for name in ("Left is better", "Tie", "Both bad", "Right is better"):
        expect(at.verdict(name)).to_be_in_viewport(ratio=1)
    at.verdict("Tie").click()
    at.saved()
    assert at.events() == [(at.pairs[0], "label", "tie")]


def test_a_phone_names_no_keys_and_leaves_room_for_an_answer(screen, page):
    page.set_viewport_size({"width": 420, "height": 700})
    at = screen(3, strength=True, criteria=["honest", "clear"], reasons=["Wrong fact", "Too long"])
    expect(at.page.get_by_placeholder("Comment", exact=True)).to_be_visible()
    at.page.get_by_role("button", name="Whole prompt").click()
    answer = at.root.locator(".cards").bounding_box()
    comment = at.page.get_by_placeholder("Comment").bounding_box()
    assert answer["height"] >= 180
    assert answer["y"] + answer["height"] <= comment["y"]
    at.page.get_by_role("button", name="Skip").scroll_into_view_if_needed()
    expect(at.page.get_by_role("button", name="Skip")).to_be_in_viewport(ratio=1)
    at.page.get_by_role("button", name="Flag").click()
    expect(at.page.get_by_role("dialog", name="Flag this pair")).to_be_visible()
    assert [one for one in at.root.locator("kbd").all() if one.is_visible()] == []
    at.page.get_by_role("button", name="Close").click()
    for _ in at.pairs:
        at.page.wait_for_timeout(200)
        at.verdict("Both bad").click()
    expect(at.page.get_by_role("heading", name="Every pair has its labels")).to_be_visible()
    assert [one for one in at.root.locator("kbd").all() if one.is_visible()] == []


def test_scrolling_with_a_finger_decides_nothing(screen):
    long = "\n\n".join(f"Paragraph {n} of a long answer." for n in range(80))
    at = screen([("Question", long, long + "!"), ("Another", "One", "Two")])
    at.page.set_viewport_size({"width": 390, "height": 800})
    finger = at.page.context.new_cdp_session(at.page)
    finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    inside = at.root.locator('.card[data-side="left"] .text')
    box = at.place('.card[data-side="left"] .text')
    x, y = box["x"] + 50, box["y"] + box["height"] - 50

    def touch(kind: str, *places: float) -> None:
        finger.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": place} for place in places]}
        )
        at.page.wait_for_timeout(16)

    for _ in range(2):
        touch("touchStart", y)
        for step in range(1, 13):
            touch("touchMove", y - 20 * step)
        touch("touchEnd")
    at.page.wait_for_function("(text) => text.scrollTop > 0", arg=inside.element_handle())
    at.saved()
    assert at.events() == []
    assert at.shown == at.pairs[0]


def test_all_controls_are_seen_on_a_small_laptop(screen):
    text = "\n\n".join(f"Paragraph {n} of a long answer." for n in range(80))
    at = screen(
        [("A long question. " * 200, text, text + "!")],
        strength=True,
        reasons=["One", "Two"],
        criteria=["honest", "kind"],
    )
    at.page.set_viewport_size({"width": 1280, "height": 720})
    for name in ("Left is better", "Tie", "Both bad", "Right is better", "Undo", "Skip", "Keys", "Guidelines"):
        expect(at.page.get_by_role("button", name=name).first).to_be_in_viewport(ratio=1)


def test_an_edit_becomes_a_completion_of_its_own(screen):
    at = screen(edits=True)
    at.press("i")
    editor = at.page.get_by_role("textbox", name="Left answer, edited")
    original = editor.input_value()
    editor.fill(original + ", and better")
    at.page.keyboard.press("Escape")
    at.press("4")
    expect(at.root.locator(".hint")).to_contain_text("Your edit is in the other answer")
    at.press("1")
    at.saved()
    with at.store.reading() as session:
        edit_id = session.execute(
            select(tables.core(tables.Label).c.edit_id).where(tables.core(tables.Label).c.pair_id == at.pairs[0])
        ).scalar_one()
        text = session.execute(
            select(tables.core(tables.CompletionText).c.text).where(
                tables.core(tables.CompletionText).c.completion_id == edit_id
            )
        ).scalar_one()
    assert text == original + ", and better"


def test_an_edit_goes_with_both_bad_and_comes_back_with_an_undo(screen):
    at = screen(edits=True)
    at.press("i")
    editor = at.page.get_by_role("textbox", name="Left answer, edited")
    editor.fill("what should have been said")
    at.page.keyboard.press("Escape")
    at.press("3")
    at.saved()
    assert at.standing() == {at.pairs[0]: "both_bad"}
    at.again()
    at.press("u")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    expect(editor).to_have_value("what should have been said")


def test_a_flag_goes_to_the_lead_and_changes_no_label(screen):
    at = screen()
    at.press("f")
    at.page.get_by_role("textbox", name="In your words").fill("Both are cut off.")
    at.page.keyboard.press("Enter")
    expect(at.page.get_by_role("button", name="Flagged")).to_be_visible()
    at.saved()
    assert at.events() == []
    with at.store.reading() as session:
        flag = session.execute(
            select(tables.core(tables.Flag)).where(tables.core(tables.Flag).c.pair_id == at.pairs[0])
        ).one()
    assert flag.comment == "Both are cut off."


def test_the_end_says_what_was_done_and_undo_still_works(screen):
    at = screen(2)
    at.press("1", "4")
    expect(at.page.get_by_role("heading", name="Every pair has its labels")).to_be_visible()
    at.press("u")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[1]))
    at.press("2")
    at.saved()
    assert at.standing() == {at.pairs[0]: "left", at.pairs[1]: "tie"}


def test_changed_guidelines_are_read_before_the_next_label(screen, store):
    at = screen()
    at.press("1")
    at.saved()
    with store.writing() as session:
        project_id = session.execute(
            select(tables.core(tables.Pair).c.project_id).where(tables.core(tables.Pair).c.id == at.pairs[0])
        ).scalar_one()
        add_guidelines(session, project_id, "Prefer the kinder answer.", 1)
    at.press("4")
    panel = at.page.get_by_role("dialog", name="The guidelines changed")
    expect(panel.locator("ins")).to_contain_text("Prefer the kinder answer.")
    at.press("1", "2")
    assert len(at.events()) == 2
    panel.get_by_role("button", name="Go on labelling").click()
    at.press("3")
    at.saved()
    with store.reading() as session:
        label, version = tables.core(tables.Label), tables.core(tables.GuidelineVersion)
        numbers = session.scalars(
            select(version.c.number)
            .join(label, label.c.guideline_version_id == version.c.id)
            .where(label.c.pair_id.in_(at.pairs))
            .order_by(label.c.seq)
        ).all()
    assert numbers == [1, 1, 2]


def test_a_history_link_opens_a_label_for_change(screen):
    at = screen()
    at.press("1", "2")
    at.saved()
    at.open(f"&pair={at.pairs[0]}")
    expect(at.root).to_have_attribute("data-pair", str(at.pairs[0]))
    expect(at.root.locator(".hint")).to_have_text("Your label was: Left is better.")
    at.press("4")
    at.saved()
    assert at.standing() == {at.pairs[0]: "right", at.pairs[1]: "tie"}


def test_differences_and_raw_text_show_every_character(screen):
    at = screen([("Which?", "The red\u200b fox **runs** fast.", "The red fox \u202eruns slowly.")])
    at.press("d")
    marked = {side: at.root.locator(f'.card[data-side="{side}"] mark').all_inner_texts() for side in ("left", "right")}
    assert sorted("".join(marked[side]) for side in marked)
    at.press("v")
    said = at.root.locator(".cards").inner_text()
    assert "⟨U+200B ZWSP⟩" in said
    assert "⟨U+202E RLO⟩" in said
    assert "**runs**" in said


def test_signing_out_tells_what_is_unsent_and_leaves_nothing_behind(screen):
    at = screen()
    at.page.route("**/api/v1/**", lambda route: route.abort())
    at.press("1", "2")
    expect(at.root.locator(".save")).to_have_text("Offline · 2 kept here")
    mine = local_actor(at.store).account_id
    at.page.evaluate(f"localStorage.setItem('tiebreak.guidelines.{at.slug}.{mine}', '1')")
    at.page.goto(f"{at.address}/sign-out")
    expect(at.page.get_by_text("2 unsent labels are kept in this browser")).to_be_visible()
    with at.page.expect_download() as saved:
        at.page.get_by_role("link", name="Download them").click()
    assert saved.value.suggested_filename == "unsent-labels.json"
    at.page.get_by_role("button", name="Sign out").click()
    at.page.wait_for_url(f"{at.address}/**")
    left = at.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tiebreak.'))")
    assert [key for key in left if not key.startswith("tiebreak.keys.")] == []
