import json
from html import unescape

import pytest

from labeling.domain import Verdict
from labeling.services.generate import save_generators
from labeling.services.gold import set_gold
from labeling.services.judge import list_judges, save_judge, start_judging
from labeling.services.pairing import make_pairs
from labeling.services.specs import generator_spec, judge_spec
from labeling.services.worker import work
from labeling.storage.tables import BenchLook, Label, Pair, RoundPair, Run
from tests.services.making import make_project
from tests.services.pricing import prices
from tests.ui.opening import button, open_page, run, texts


@pytest.fixture
def making(sqlite_store):
    making = make_project(sqlite_store, prompts=2)
    for prompt in making.prompts:
        making.add_completions(prompt, ["a good reply", "a bad reply"])
    make_pairs(*making.place)
    return making


@pytest.fixture
def opened(making, sqlite_store_url, monkeypatch):
    return lambda: open_page("judge", making.slug, sqlite_store_url, monkeypatch)


def reply(body):
    text = body["messages"][-1]["content"]
    first = text.find("a good") < text.find("a bad")
    scores = {"first": 9, "second": 2} if first else {"first": 2, "second": 9}
    verdict = "first_much" if first else "second_much"
    return json.dumps({"reasoning": "It is **good**.", "scores": scores, "verdict": verdict})


def test_without_pairs_the_page_says_what_comes_first(sqlite_store, sqlite_store_url, monkeypatch):
    making = make_project(sqlite_store)
    page = open_page("judge", making.slug, sqlite_store_url, monkeypatch)
    assert button(page, "Generate completions")


def test_the_form_tells_what_the_judge_reads_and_what_it_would_take(making, opened):
    page = opened()
    shown = [one.value for one in page.code]
    assert any("You compare two replies" in text for text in shown)
    assert any("question 0" in text for text in shown)
    assert ("Requests", "4") in [(one.label, one.value) for one in page.metric]
    assert "Own server" in next(one.options for one in page.selectbox if one.label == "Start from")


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [("Samples of each", -3, "samples must be from 1 to 64"), ("Stop at, USD", -5.0, "A budget is an amount")],
)
def test_a_number_that_cannot_be_starts_nothing_and_is_told(making, opened, chat_endpoint, label, value, words):
    save_judge(
        *making.place,
        judge_spec({"name": "strict", "base_url": chat_endpoint.url, "model": "j", "rubric": "helpful"}, "here"),
    )
    with prices(j=1):
        page = opened()
        field = next(one for one in page.number_input if one.label == label)
        assert (field.min or value) <= value <= (field.max or value), "a browser keeps what is outside to itself"
        field.set_value(value)
        run(page)
        for one in page.button:
            if one.label.startswith("Start run"):
                one.click()
        run(page)
    assert words in unescape(texts(page))
    assert making.rows(Run) == []


def test_a_judge_is_started_watched_and_its_verdicts_are_hidden_until_labelled(making, opened, chat_endpoint):
    chat_endpoint.reply = reply
    save_judge(
        *making.place,
        judge_spec({"name": "strict", "base_url": chat_endpoint.url, "model": "j", "rubric": "helpful"}, "here"),
    )
    page = opened()
    button(page, "Start run").click()
    run(page)
    assert [row.purpose for row in making.rows(Run)] == ["judge"]
    assert button(page, "Pause")
    work(making.store, once=True)
    assert len(making.rows(Label)) == 2
    run(page)
    assert "2 verdicts hidden until you have labelled the pair" in texts(page)
    assert list(page.dataframe[0].value["Verdict"]) == ["", ""]
    with making.store.writing() as session:
        for row in making.rows(RoundPair):
            session.get_one(RoundPair, (row.round_id, row.pair_id)).is_done = True
    run(page)
    assert sorted(set(page.dataframe[0].value["Verdict"])) == ["a, much"]
    figures = {one.label: one.value for one in page.metric}
    assert (figures["Decided"], figures["Undecided"], figures["Took the first"]) == ("2", "0", "50 %")
    assert "It is **good**." in page.dataframe[0].value["Reason"][0]
    assert not any("**good**" in one.value for one in (*page.markdown, *page.caption, *page.subheader))


def test_changing_the_rubric_makes_the_next_version(making, opened, chat_endpoint):
    chat_endpoint.reply = reply
    table = {"name": "strict", "base_url": chat_endpoint.url, "model": "j", "rubric": "helpful"}
    save_judge(*making.place, judge_spec(table, "here"))
    page = opened()
    next(one for one in page.selectbox if one.label == "Rubric").set_value("concise")
    run(page)
    button(page, "Start run").click()
    run(page)
    assert sorted(view.title for view in list_judges(*making.place)) == ["strict, version 1", "strict, version 2"]


def test_a_jury_is_started_under_one_estimate_and_each_run_is_watched(making, opened, chat_endpoint):
    chat_endpoint.reply = reply
    for name in ("strict", "kind"):
        table = {"name": name, "base_url": chat_endpoint.url, "model": name, "rubric": "helpful"}
        save_judge(*making.place, judge_spec(table, "here"))
    page = opened()
    page.multiselect(key="jury").select("strict, version 1")
    run(page)
    assert ("Requests", "8") in [(one.label, one.value) for one in page.metric]
    button(page, "Start run").click()
    run(page)
    assert [row.purpose for row in making.rows(Run)] == ["judge", "judge"]
    assert [one.label for one in page.button].count("Pause") == 2
    work(making.store, once=True)
    assert len(making.rows(Label)) == 4


def test_a_sample_and_what_a_judge_was_unsure_of_can_be_chosen(making, opened, chat_endpoint):
    text = '{"reasoning": "", "scores": {"first": 6, "second": 5}, "verdict": "first_slightly"}'
    chat_endpoint.reply = lambda body: text
    table = {"name": "cheap", "base_url": chat_endpoint.url, "model": "small", "rubric": "helpful"}
    judge = judge_spec(table, "here")
    start_judging(*making.place, judge, "all", idempotency_key="once")
    work(making.store, once=True)
    page = opened()
    next(one for one in page.text_input if one.label == "Name").set_value("strong")
    next(one for one in page.selectbox if one.label == "Rubric").set_value("honest")
    page.selectbox(key="judge pairs").set_value("unsure")
    run(page)
    assert page.selectbox(key="judge unsure").options == ["cheap, version 1 (2)"]
    assert ("Requests", "4") in [(one.label, one.value) for one in page.metric]
    page.selectbox(key="judge pairs").set_value("sample")
    run(page)
    page.number_input(key="judge sample").set_value(1)
    run(page)
    assert ("Requests", "2") in [(one.label, one.value) for one in page.metric]


def test_a_rubric_is_tried_on_the_bench_and_a_look_is_counted_once(making, opened, chat_endpoint):
    chat_endpoint.reply = reply
    for row in making.rows(Pair):
        set_gold(*making.place, row.id, Verdict.A)
    page = opened()
    assert "each rubric you try stands here" in texts(page)
    table = {"name": "strict", "base_url": chat_endpoint.url, "model": "j"}
    for rubric, pairs in (("helpful", "tune"), ("honest", "gold")):
        judge = judge_spec(table | {"rubric": rubric}, "here")
        start_judging(*making.place, judge, pairs, idempotency_key=rubric)
        work(making.store, once=True)
    run(page)
    shown = page.dataframe[0].value
    assert list(shown["Judge"]) == ["strict, version 1", "strict, version 2"]
    assert (list(shown["Agreement"]), list(shown["95 %"])) == (["100 %"] * 2, ["21 to 100 %"] * 2)
    assert (list(shown["Fixed"]), list(shown["Broken"])) == (["", "0"], ["", "0"])
    assert "Difference **+0 %** on 1 pair (-92 to +92)" in texts(page)
    button(page, "Look at 1 held-out pair").click()
    run(page)
    assert "strict, version 2: **100 %**" in texts(page)
    run(page)
    assert [row.right for row in making.rows(BenchLook)] == [1]
    assert "1 look so far" in texts(page)


def test_a_judge_of_the_generators_family_is_warned_of(making, opened):
    assert "Judges favour their family" not in texts(opened())
    table = {"name": "concise", "base_url": "http://localhost/v1", "model": "gpt-6-luna"}
    save_generators(*making.place, [generator_spec(table, "here")])
    assert "is of the family of concise" in texts(opened())


def test_a_run_whose_key_is_missing_cannot_be_started(making, opened, monkeypatch):
    table = {
        "name": "strict",
        "base_url": "https://judge.example/v1",
        "model": "j",
        "key_env": "JUDGE_KEY",
        "rubric": "helpful",
    }
    save_judge(*making.place, judge_spec(table, "here"))
    start = button(opened(), "Start run")
    assert start.disabled
    assert "JUDGE" in start.help
    monkeypatch.setenv("JUDGE_KEY", "sk-of-a-test")
    assert not button(opened(), "Start run").disabled
