"""The Label page, run by Streamlit's test runner."""

import pytest
from sqlalchemy import update

from labeling.services.access import local_actor
from labeling.services.labels import record
from labeling.storage.tables import Assignment, Flag, Label, LabelNote, Pair, Project, now
from tests.services.labelling import Labelling, act, make_labelling
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def talk(sqlite_store) -> Labelling:
    return make_labelling(sqlite_store)


@pytest.fixture
def page(talk, sqlite_store_url, monkeypatch):
    return open_page("label", talk.slug, sqlite_store_url, monkeypatch)


def shown(page):
    """What stands on the two cards."""
    return [element.proto.body for element in page.get("html") if "section" in element.proto.body]


def labels(page):
    return [one.label for one in page.button]


def press(page, label):
    button(page, label).click()
    return run(page)


def test_a_pair_stands_with_its_verdicts_in_the_order_of_the_screen(page):
    prompt, left, right = shown(page)
    assert "Question" in prompt
    assert 'aria-label="Left"' in left
    assert 'aria-label="Right"' in right
    offered = [label for label in labels(page) if label in ("Left is better", "Tie", "Both bad", "Right is better")]
    assert offered == ["Left is better", "Tie", "Both bad", "Right is better"]
    assert "**0** of 3" in texts(page)
    assert "Usable rows: 0 of 3" in texts(page)


def test_one_press_labels_the_pair_that_is_shown_and_brings_the_next(page, talk):
    before = shown(page)
    press(page, "Right is better")
    side = talk.rows(Assignment)[0].left_side
    stored = talk.rows(Label)[0]
    assert (stored.pair_id, stored.verdict) == (talk.pairs[0], {"a": "b", "b": "a"}[side])
    assert stored.milliseconds >= 0
    assert shown(page) != before
    assert "**1** of 3" in texts(page)
    assert "Saved" in texts(page)


def test_a_second_press_on_the_same_pair_never_labels_the_pair_behind(page, talk):
    first = button(page, "Left is better")
    press(page, "Left is better")
    # The press of a button that is gone: what a fast hand sends before the next pair has come.
    page.session_state[first.key] = True
    run(page)
    assert [row.pair_id for row in talk.rows(Label)] == [talk.pairs[0]]


def test_undo_brings_the_pair_back_with_its_sides(page, talk):
    before = shown(page)
    press(page, "Tie")
    press(page, "Undo")
    assert shown(page) == before
    press(page, "Both bad")
    assert [(row.action, row.verdict) for row in talk.rows(Label)] == [
        ("label", "tie"),
        ("undo", None),
        ("label", "both_bad"),
    ]


def test_skip_and_flag_do_what_they_say(page, talk):
    press(page, "Flag")
    page.text_area[0].set_value("Names its model")
    press(page, "Flag pair")
    assert [(row.pair_id, row.comment) for row in talk.rows(Flag)] == [(talk.pairs[0], "Names its model")]
    press(page, "Skip")
    assert [row.action for row in talk.rows(Label)] == ["skip"]


def test_the_raw_view_shows_every_character(page):
    press(page, "Raw")
    assert all('<pre class="plain"' in text for text in shown(page))
    press(page, "Rendered")
    assert not any('<pre class="plain"' in text for text in shown(page))


def test_what_the_project_asks_is_on_the_screen_and_stored(talk, sqlite_store_url, monkeypatch):
    talk.ask(no_tie=True, strength=True, reasons=["clearer"], criteria=["honest"], required=["strength"])
    page = open_page("label", talk.slug, sqlite_store_url, monkeypatch)
    assert "Tie" not in labels(page)
    press(page, "Left is better")
    assert "asks for strength" in texts(page)
    assert not talk.rows(Label)
    for group in page.button_group:
        group.set_value({"How much better": 2, "honest": "right"}.get(group.label.split(",")[0], ["clearer"]))
    press(page, "Left is better")
    assert [row.strength for row in talk.rows(Label)] == [2]
    assert '["clearer"]' in [row.reasons for row in talk.rows(LabelNote)]


def test_what_was_changed_in_another_tab_is_told(page, talk, sqlite_store):
    me = local_actor(sqlite_store)
    record(sqlite_store, me, talk.slug, [act(talk.pairs[0])])
    press(page, "Right is better")
    assert "changed this pair elsewhere" in texts(page)
    assert len(talk.rows(Label)) == 1


def test_the_end_says_what_comes_next(page, talk):
    for _ in talk.pairs:
        press(page, "Left is better")
    assert "Every pair has its labels" in texts(page)
    assert "Go to Export" in labels(page)
    press(page, "Undo")
    assert "Left is better" in labels(page)


def test_what_is_left_for_others_is_not_called_done(page, talk):
    for _ in talk.pairs:
        press(page, "Skip")
    assert "Nothing waits for you now" in texts(page)
    assert "3 pairs of this round wait for others" in texts(page)


def test_without_pairs_the_page_says_what_to_do(sqlite_store, sqlite_store_url, monkeypatch):
    talk = make_labelling(sqlite_store, pairs=0)
    page = open_page("label", talk.slug, sqlite_store_url, monkeypatch)
    assert "Make pairs first" in texts(page)
    assert labels(page) == ["Import prompts or pairs"]


def test_a_closed_project_says_so(talk, sqlite_store_url, monkeypatch):
    talk.run(update(Project).values(closed_at=now()))
    assert "closed" in texts(open_page("label", talk.slug, sqlite_store_url, monkeypatch))


def test_the_sandbox_is_told_of_the_project_and_of_no_side(talk, sqlite_store_url, monkeypatch):
    talk.run(update(Pair).values(is_sandbox=True))
    page = open_page("label", talk.slug, sqlite_store_url, monkeypatch)
    assert "Sandbox" in texts(page)
    assert not any("andbox" in text for text in shown(page))


def test_nothing_on_the_page_tells_the_sides_apart(page):
    _, left, right = shown(page)
    for text in (left, right):
        assert "generator" not in text
    assert left.replace("Left", "Right").split("<p")[0] == right.split("<p")[0]
