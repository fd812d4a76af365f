"""Judges whose replies a test says, and pairs for them to judge."""

import json

from labeling.services import runs
from labeling.services.judge import start_judging
from labeling.services.pairing import make_pairs
from labeling.services.specs import judge_spec
from labeling.services.worker import work
from labeling.storage.tables import RoundPair
from tests.services.making import make_project


def spec(endpoint, **table):
    table = {"name": "strict", "base_url": endpoint.url, "model": "judge-1", "rubric": "helpful"} | table
    return judge_spec(table, "here")


def verdict(level, first=8, second=4, reasoning="Because."):
    return json.dumps({"reasoning": reasoning, "scores": {"first": first, "second": second}, "verdict": level})


def prefers_good(body):
    """A judge that prefers the reply that says good, whichever stands first."""
    text = body["messages"][-1]["content"]
    if text.index("a good") < text.index("a bad"):
        return verdict("first_much")
    return verdict("second_slightly", 4, 8)


def is_good_first(body):
    text = body["messages"][1]["content"]
    return text.index("a good") < text.index("a bad")


def make_judging(store, pairs=2, **options):
    making = make_project(store, prompts=pairs, **options)
    for prompt in making.prompts:
        making.add_completions(prompt, ["a good reply", "a bad reply"])
    make_pairs(*making.place)
    return making


def run_to_the_end(making, judge, pairs="unlabelled", key="once"):
    run = start_judging(*making.place, judge, pairs, idempotency_key=key)
    work(making.store, once=True)
    return runs.run_view(*making.place, run.id)


def judge_by(chat_endpoint, reply):
    """Answer as `reply` says, but the first tiny call that finds out about structured output."""
    chat_endpoint.reply = lambda body: verdict("first_much") if "Say yes." in str(body["messages"]) else reply(body)


def let_all_be_seen(making):
    """As if everything were labelled: verdicts are hidden from who still has to label the pair."""
    with making.store.writing() as session:
        for row in making.rows(RoundPair):
            session.get_one(RoundPair, (row.round_id, row.pair_id)).is_done = True
