import pytest

from labeling.domain import JudgeSpec
from labeling.services.next_step import next_step
from labeling.services.projects import project_view
from labeling.services.score import list_scorers, start_scoring
from labeling.services.worker import work
from labeling.storage.tables import Label, Pair, Run
from tests.services.making import make_project
from tests.services.scoring import points_by_length
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def making(sqlite_store, chat_endpoint):
    chat_endpoint.reply = points_by_length
    made = make_project(sqlite_store, prompts=2)
    for prompt in made.prompts:
        made.add_completions(prompt, ["a", "bbb", f"{prompt} ccccc"], source="file")
    return made


@pytest.fixture
def opened(making, sqlite_store_url, monkeypatch):
    return lambda: open_page("score", making.slug, sqlite_store_url, monkeypatch)


def scored(making, chat_endpoint, **fields):
    spec = JudgeSpec(**{"name": "strict", "base_url": chat_endpoint.url, "model": "j", "rubric": "Be kind.", **fields})
    start_scoring(*making.place, spec, idempotency_key="once")
    work(making.store, once=True)


def test_without_two_replies_to_a_prompt_the_page_sends_to_generate(sqlite_store, sqlite_store_url, monkeypatch):
    making = make_project(sqlite_store, prompts=1)
    page = open_page("score", making.slug, sqlite_store_url, monkeypatch)
    assert button(page, "Generate completions")


def test_a_run_is_started_by_the_form_watched_and_told(making, opened, chat_endpoint):
    page = opened()
    field = {one.label: one for kind in (page.text_input, page.selectbox) for one in kind}
    field["Endpoint"].set_value(chat_endpoint.url)
    field["Key variable"].set_value("")
    run(page)
    assert "6" in texts(page)
    button(page, "Start run").click()
    run(page)
    (started,) = making.rows(Run)
    assert (started.purpose, started.state) == ("score", "running")
    assert button(page, "Pause")
    step = next_step(making.store, making.owner, project_view(*making.place))
    assert (step.page, step.sentence) == ("score", "A judge is scoring replies.")
    work(making.store, once=True)
    run(page)
    assert "What a judge says is not shown here" in texts(page)
    assert "6 scored by judge, version 1, scoring" in texts(page)
    assert list_scorers(*making.place)[0].scored == 6


def test_pairs_are_told_before_they_are_made_of_scores(making, opened, chat_endpoint):
    scored(making, chat_endpoint)
    page = opened()
    assert "2 new pairs" in texts(page)
    (margin,) = [one for one in page.number_input if one.key == "score margin"]
    margin.set_value(9.0)
    run(page)
    assert "2 prompts with scores too close together" in texts(page)
    (margin,) = [one for one in page.number_input if one.key == "score margin"]
    margin.set_value(1.0)
    run(page)
    button(page, "Label 2 pairs by the scores").click()
    run(page)
    assert (len(making.rows(Pair)), len(making.rows(Label))) == (2, 2)
    assert "2 prompts labelled already" in texts(page)


def test_a_score_is_hidden_from_who_may_still_label_its_pair(making, opened, chat_endpoint):
    scored(making, chat_endpoint)
    page = opened()
    (table,) = [one.value for one in page.dataframe]
    assert list(table["Score"]).count(None) == 0
    button(page, "Label 2 pairs by the scores").click()
    run(page)
    (table,) = [one.value for one in page.dataframe]
    assert sum(one == "Hidden until you have labelled it." for one in table["Reasons"]) == 4


def test_hostile_text_is_shown_as_text(making, opened, chat_endpoint):
    making.add_completions(making.prompts[0], ["**bold** <img src=x>"])
    scored(making, chat_endpoint)
    page = opened()
    (table,) = [one.value for one in page.dataframe]
    assert "**bold** <img src=x>" in list(table["Reply"])
    assert "<img" not in texts(page)
