from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
import streamlit as st

from labeling.domain import RunMode
from labeling.services import runs
from labeling.services.continuing import After
from labeling.services.generate import GenerationPlan, list_generators, save_generators, start_generation
from labeling.services.parts import write_files
from labeling.services.specs import generator_spec
from labeling.services.worker import work
from labeling.sifting import Dropped
from labeling.storage import claims, leases
from labeling.storage.tables import Label, Pair, PromptRow, Request, Run, now
from tests.fixtures.endpoint import error
from tests.services.continuing import conversations, generate, labelled
from tests.services.making import make_project
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def making(sqlite_store):
    return make_project(sqlite_store, prompts=3)


@pytest.fixture
def opened(making, sqlite_store_url, monkeypatch):
    return lambda: open_page("generate", making.slug, sqlite_store_url, monkeypatch)


def two_generators(making, chat_endpoint, **table):
    specs = [
        generator_spec({"name": name, "base_url": chat_endpoint.url, "model": name, **table}, "here")
        for name in ("one", "two")
    ]
    save_generators(*making.place, specs)


def test_without_prompts_the_page_sends_to_the_import(sqlite_store, sqlite_store_url, monkeypatch):
    making = make_project(sqlite_store, prompts=0)
    page = open_page("generate", making.slug, sqlite_store_url, monkeypatch)
    assert button(page, "Import prompts")


def test_the_sandbox_is_one_click_away(making, opened):
    page = opened()
    button(page, "Use the sandbox").click()
    run(page)
    assert [view.spec.model for view in list_generators(*making.place)] == ["sandbox-large", "sandbox-small"]
    assert all(view.is_sandbox and view.spec.base_url == "sandbox" for view in list_generators(*making.place))


def test_a_generator_is_added_by_the_form_and_blanks_are_not_sent(making, opened, chat_endpoint):
    page = opened()
    button(page, "Add generator").click()
    run(page)
    field = {
        one.label: one for kind in (page.text_input, page.selectbox, page.text_area, page.number_input) for one in kind
    }
    field["Endpoint"].set_value(chat_endpoint.url)
    field["Key variable"].set_value("")
    field["System prompt"].set_value("Be brief.")
    field["temperature"].set_value(0.5)
    button(page, "Add generator").click()
    for one in page.button:
        if one.key == "generator new save":
            one.click()
    run(page)
    (view,) = list_generators(*making.place)
    assert (view.spec.base_url, view.spec.model) == (chat_endpoint.url, "gpt-4.1-mini")
    assert view.spec.parameters == {"temperature": 0.5}
    assert view.spec.system_prompt == "Be brief."


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("temperature", -5.0, "temperature must be 0 or more"),
        ("max_tokens", -1, "max_tokens must be 1 or more"),
        ("Replies to each prompt", 100, "samples must be from 1 to 64"),
        ("Requests per minute", 0, "requests_per_minute must be 1 or more"),
    ],
)
def test_a_number_that_cannot_be_is_refused_in_words_and_not_left_out(making, opened, name, value, words):
    page = opened()
    button(page, "Add generator").click()
    run(page)
    field = next(one for one in page.number_input if one.label == name)
    assert (field.min or value) <= value <= (field.max or value), "a browser keeps what is outside to itself"
    field.set_value(value)
    button(page, "Add generator").click()
    next(one for one in page.button if one.key == "generator new save").click()
    run(page)
    assert words in unescape(texts(page))
    assert list_generators(*making.place) == []


def test_generators_are_tried_side_by_side(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    page = opened()
    button(page, "Try on one prompt").click()
    run(page)
    said = texts(page)
    assert "one on question 0" in said
    assert "two on question 0" in said


def test_a_run_is_started_watched_and_ends_with_pairs(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    page = opened()
    assert "6" in texts(page)
    button(page, "Start run").click()
    run(page)
    (started,) = making.rows(Run)
    assert started.state == "running"
    assert button(page, "Pause")
    work(making.store, once=True)
    run(page)
    assert f"Run {started.id}" in texts(page)
    assert len(making.rows(Pair)) == 3


def test_a_run_can_be_paused_resumed_and_cancelled(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    page = opened()
    button(page, "Start run").click()
    run(page)
    for label, state in (("Pause", "paused"), ("Resume", "running"), ("Cancel run", "cancelled")):
        button(page, label).click()
        run(page)
        assert [row.state for row in making.rows(Run)] == [state]


def test_a_paused_run_is_drawn_anew_until_its_last_request_is_home(making, opened, chat_endpoint, monkeypatch):
    two_generators(making, chat_endpoint)
    page = opened()
    button(page, "Start run").click()
    run(page)
    (started,) = making.rows(Run)
    endpoint = making.rows(Request)[0].endpoint
    with making.store.writing() as session:
        assert claims.claim(session, "a worker", started.id, endpoint, 1, now() + timedelta(hours=1))
    runs.pause(*making.place, started.id)
    drawn: list[float | None] = []
    fragment = st.fragment

    def spied(*, run_every):
        drawn.append(run_every)
        return fragment(run_every=run_every)

    monkeypatch.setattr(st, "fragment", spied)
    run(page)
    assert drawn[-1]
    with making.store.writing() as session:
        leases.release(session, "a worker")
    run(page)
    assert drawn[-1] is None


def test_hostile_text_is_shown_as_text(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint, system_prompt="<script>alert(1)</script> :material/error:")
    chat_endpoint.reply = lambda body: "**bold** <img src=x>"
    page = opened()
    button(page, "Try on one prompt").click()
    run(page)
    assert "**bold** <img src=x>" in [one.value for one in page.text]
    assert not any("<script>" in one.value or ":material/error:" in one.value for one in page.caption)


def test_an_endpoint_that_is_down_is_one_sentence(making, opened):
    two_generators(making, type("Down", (), {"url": "http://127.0.0.1:9/v1"}))
    page = opened()
    button(page, "Try on one prompt").click()
    run(page)
    assert "cannot be reached" in texts(page).replace("&#46;", ".")


def test_a_stopped_run_says_which_parameter_was_refused_and_can_be_resumed(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint, temperature=0.7)
    chat_endpoint.reply = lambda body: (
        400,
        error("Unsupported parameter: 'temperature' is not supported.", "temperature"),
    )
    page = opened()
    button(page, "Start run").click()
    run(page)
    work(making.store, once=True)
    run(page)
    assert [row.state for row in making.rows(Run)] == ["stopped"]
    (told,) = page.error
    assert "refuses temperature" in told.value
    assert button(page, "Resume")
    assert button(page, "Cancel run")


def test_dropped_replies_are_told_before_pairs_are_made_and_can_be_kept(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    making.add_completions(making.prompts[0], ["one", "I'm sorry, but I can't help with that.", "two"])
    making.add_completions(making.prompts[1], ["one", "I'm sorry, but I can't help with that."])
    page = opened()
    assert "1 new pair from 1 prompt" in texts(page)
    assert "Dropped: 2 refusals" in texts(page)
    (pills,) = [one for one in page.button_group if one.key == "drop"]
    pills.set_value([Dropped.CUT])
    run(page)
    assert "2 new pairs from 2 prompts" in texts(page)
    button(page, "Make 2 pairs").click()
    run(page)
    assert len(making.rows(Pair)) == 2


def test_one_model_over_another_is_labelled_by_rule_and_said_so(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    for prompt in making.prompts:
        for source in ("big", "small"):
            making.add_completions(prompt, [f"{source} {prompt}"], source=source)
    page = opened()
    (way,) = [one for one in page.button_group if one.key == "better side"]
    way.set_value("One model over another")
    run(page)
    fields = {one.key: one for one in page.selectbox}
    fields["rule better"].set_value("small")
    run(page)
    fields = {one.key: one for one in page.selectbox}
    fields["rule worse"].set_value("big")
    run(page)
    assert "rule: small over big" in texts(page).replace("&#58;", ":")
    button(page, "Label 3 pairs by the rule").click()
    run(page)
    assert (len(making.rows(Pair)), len(making.rows(Label))) == (3, 3)


def test_a_run_leaves_as_files_and_the_page_offers_them_and_takes_results(making, opened, chat_endpoint, tmp_path):
    two_generators(making, chat_endpoint)
    page = opened()
    next(one for one in page.button_group if one.label == "Send").set_value(RunMode.FILE)
    run(page)
    button(page, "Write 6 requests as files").click()
    run(page)
    (row,) = making.rows(Run)
    assert (row.mode, row.state) == ("file", "running")
    said = texts(page)
    assert "Files to run" in said
    assert "Take results in" in said
    paths = write_files(*making.place, row.id, tmp_path)
    assert len(paths) == 2
    assert chat_endpoint.bodies == []


def test_follow_up_turns_are_told_and_added(sqlite_store, sqlite_store_url, monkeypatch, chat_endpoint):
    making = conversations(sqlite_store)
    labelled(making)
    two_generators(making, chat_endpoint)
    generate(making, *(view.spec for view in list_generators(*making.place)), pairs=None)
    page = open_page("generate", making.slug, sqlite_store_url, monkeypatch)
    assert "2 prompts without a chosen reply" in texts(page)
    (after,) = [one for one in page.button_group if one.key == "turns after"]
    after.set_value(After.OWN)
    run(page)
    assert "4 new prompts after 2 prompts" in texts(page)
    button(page, "Add 4 prompts").click()
    run(page)
    assert len(making.rows(PromptRow)) == 6
    assert "2 prompts gone on from already" in texts(page)


def test_without_turns_to_come_the_page_says_nothing_of_them(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    assert "Follow-up turns" not in texts(opened())


def test_in_a_large_project_pairs_are_counted_only_when_asked(making, opened, chat_endpoint, monkeypatch):
    monkeypatch.setattr("labeling.ui.sieve_form.MOST_AT_ONCE", 2)
    two_generators(making, chat_endpoint)
    making.add_completions(making.prompts[0], ["one", "two"])
    page = opened()
    assert "new pair" not in texts(page)
    button(page, "Count the pairs of 3 prompts").click()
    run(page)
    assert "1 new pair from 1 prompt" in texts(page)
    button(page, "Make 1 pair").click()
    run(page)
    assert len(making.rows(Pair)) == 1


def test_an_earlier_run_is_listed_with_its_price_and_can_be_opened_and_ended(making, opened, chat_endpoint):
    two_generators(making, chat_endpoint)
    plan = GenerationPlan(tuple(view.spec for view in list_generators(*making.place)), limit=1)
    first = start_generation(*making.place, plan, idempotency_key="first")
    runs.pause(*making.place, first.id)
    start_generation(*making.place, replace(plan, limit=2), idempotency_key="second")
    work(making.store, once=True)
    page = opened()
    assert f"Run {first.id}" not in texts(page)
    table = page.dataframe[-1].value
    assert (list(table["Run"]), list(table["State"]), list(table["By"])) == ([first.id], ["Paused"], ["one, two"])
    next(one for one in page.selectbox if one.label == "Open a run").select(first.id)
    run(page)
    assert f"Run {first.id}" in texts(page)
    button(page, "Cancel run").click()
    run(page)
    assert runs.run_view(*making.place, first.id).state == "cancelled"
