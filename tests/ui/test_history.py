"""The History page, run by Streamlit's test runner."""

import pytest
from sqlalchemy import update

from labeling.services.access import local_actor
from labeling.services.labels import record
from labeling.services.queue import next_pairs
from labeling.storage.tables import PromptRow
from tests.services.labelling import Labelling, act, make_labelling
from tests.ui.opening import open_page, run, texts


@pytest.fixture
def talk(sqlite_store) -> Labelling:
    return make_labelling(sqlite_store)


@pytest.fixture
def me(talk):
    return local_actor(talk.store)


@pytest.fixture
def labelled(talk, me) -> Labelling:
    next_pairs(talk.store, me, talk.slug, (), 3)
    first = act(talk.pairs[0], verdict="right", comment="<b>bold</b> :red[x]")
    change = act(talk.pairs[0], verdict="tie", after=first["event_id"])
    assert not record(talk.store, me, talk.slug, [first, change, act(talk.pairs[1], "skip")]).refused
    return talk


@pytest.fixture
def page(labelled, sqlite_store_url, monkeypatch):
    return open_page("history", labelled.slug, sqlite_store_url, monkeypatch)


def opened(page, pair_id):
    page.query_params["pair"] = str(pair_id)
    return run(page)


def tables(page):
    return [element.value for element in page.dataframe]


def test_my_labels_stand_newest_first(page, labelled):
    rows = tables(page)[0]
    assert list(rows["Pair"]) == [labelled.pairs[1], labelled.pairs[0]]
    assert list(rows["Verdict"]) == ["Skipped", "Tie"]
    assert "Nobody else" in texts(page)


def test_an_opened_label_shows_left_and_right_all_revisions_and_versions(page, labelled):
    opened(page, labelled.pairs[0])
    cards = [element.proto.body for element in page.get("html") if "section" in element.proto.body]
    assert [name in card for name, card in zip(('"Prompt"', '"Left"', '"Right"'), cards, strict=True)] == [True] * 3
    revisions = tables(page)[1]
    assert list(revisions["Verdict"]) == ["Tie", "Right is better"]
    assert list(revisions["Comment"]) == ["", "<b>bold</b> :red[x]"]
    assert "guidelines version 1 · drawn by renderer" in texts(page)
    assert not next(one for one in page.button if one.label == "Change this label").disabled


def test_words_narrow_the_list_and_say_how_much_was_read(page, labelled):
    page.text_input[0].set_value(f"#{labelled.pairs[0]}")
    run(page)
    assert list(tables(page)[0]["Pair"]) == [labelled.pairs[0]]
    page.text_input[0].set_value("nowhere")
    run(page)
    assert "No label here matches" in texts(page)
    assert "2 labels read" in texts(page)


def test_a_pair_without_a_label_of_mine_is_told_in_a_sentence(page, labelled):
    opened(page, labelled.pairs[2])
    assert "You have no label on pair" in texts(page)
    assert "My hours" in texts(page)


def test_a_sensitive_pair_is_covered_until_it_is_opened(labelled, sqlite_store_url, monkeypatch):
    labelled.run(update(PromptRow).values(is_sensitive=True))
    page = open_page("history", labelled.slug, sqlite_store_url, monkeypatch)
    assert set(tables(page)[0]["Prompt"]) == {"Sensitive: covered"}
    opened(page, labelled.pairs[0])
    assert not [element for element in page.get("html") if "section" in element.proto.body]
    next(one for one in page.toggle if one.label == "Show the sensitive texts").set_value(True)
    run(page)
    assert [element for element in page.get("html") if "section" in element.proto.body]


def test_my_hours_stand_below(page):
    assert "My hours" in texts(page)
    assert list(tables(page)[-1]["Labels"]) == [2]


def test_before_the_first_label_the_page_says_what_to_do(talk, sqlite_store_url, monkeypatch):
    page = open_page("history", talk.slug, sqlite_store_url, monkeypatch)
    assert "Label a first pair" in texts(page)
    assert [one.label for one in page.button] == ["Go to Label"]
