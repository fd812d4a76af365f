import csv
import io
import json
import random
import re
from dataclasses import replace

import pytest

from labeling.domain import Verdict
from labeling.errors import InputError
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.verdicts import COLUMNS, FILTERS, each_verdict, outcome_counts, verdicts, verdicts_csv
from labeling.stats.shares import wilson
from labeling.storage.tables import Pair, RoundPair
from tests.services.judging import (
    is_good_first,
    judge_by,
    let_all_be_seen,
    make_judging,
    prefers_good,
    run_to_the_end,
    spec,
    verdict,
)


def test_verdicts_are_hidden_from_who_still_has_to_label_the_pair(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, prefers_good)
    run = run_to_the_end(making, spec(chat_endpoint))
    judge_id = run.spec["judge_id"]
    shown = verdicts(*making.place, judge_id)
    assert [view.is_hidden for view in shown] == [True, True]
    assert not any(view.verdict or view.reasons or view.state for view in shown)
    assert verdicts(*making.place, judge_id, only="opposed") == []
    with store.writing() as session:
        for row in making.rows(RoundPair):
            session.get_one(RoundPair, (row.round_id, row.pair_id)).is_done = True
    shown = verdicts(*making.place, judge_id)
    assert all(view.verdict in (Verdict.A, Verdict.B) for view in shown)
    assert shown[0].prompt == "question 1"
    assert shown[0].reasons[0].startswith("a first, a ")
    assert outcome_counts(*making.place, judge_id).decided == 2


def test_a_filter_shows_only_its_kind(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, lambda body: verdict("first_much") if "question 0" in str(body) else "no")
    run = run_to_the_end(making, spec(chat_endpoint))
    with store.writing() as session:
        for row in making.rows(RoundPair):
            session.get_one(RoundPair, (row.round_id, row.pair_id)).is_done = True
    judge_id = run.spec["judge_id"]
    counts = outcome_counts(*making.place, judge_id)
    assert (counts.undecided, counts.unreadable, counts.undecided_why) == (
        1,
        1,
        {"the verdict turns with the order": 1},
    )
    assert [view.state for view in verdicts(*making.place, judge_id, only="undecided")] == ["undecided"]
    assert [view.state for view in verdicts(*making.place, judge_id, only="unreadable")] == ["unreadable"]
    with pytest.raises(InputError, match="no filter"):
        verdicts(*making.place, judge_id, only="odd")


def test_flips_contradictions_and_verdicts_opposed_to_people_or_gold_are_found(store, chat_endpoint):
    making = make_judging(store, pairs=4)

    def reply(body):
        text = str(body)
        if "question 0" in text:
            return verdict("second_slightly", 5, 5)
        return verdict("first_much", 2, 9) if "question 1" in text else prefers_good(body)

    judge_by(chat_endpoint, reply)
    run = run_to_the_end(making, spec(chat_endpoint))
    let_all_be_seen(making)
    first, second, third, fourth = (row.id for row in making.rows(Pair))
    with store.writing() as session:
        session.get_one(Pair, third).gold_verdict = "b"
        session.get_one(Pair, fourth).gold_verdict = "a"
    found = {
        only: [view.pair_id for view in verdicts(*making.place, run.spec["judge_id"], only=only)] for only in FILTERS
    }
    assert found == {
        "all": [fourth, third, second, first],
        "flips": [first],
        "contradictions": [second],
        "undecided": [second, first],
        "unreadable": [],
        "opposed": [third],
    }


def test_the_share_of_the_first_slot_is_told_with_its_interval(store, chat_endpoint):
    making = make_judging(store, pairs=3)
    judge_by(chat_endpoint, lambda body: prefers_good(body) if "question 0" in str(body) else verdict("first_much"))
    run = run_to_the_end(making, spec(chat_endpoint))
    counts = outcome_counts(*making.place, run.spec["judge_id"])
    assert (counts.first_slot, counts.preferring, counts.first_slot_share) == (5, 6, 5 / 6)
    assert counts.first_slot_interval == wilson(5, 6)


def test_a_leaning_judges_share_is_that_of_its_raw_replies_and_no_contradicting_pair_is_exported(
    store, chat_endpoint, tmp_path
):
    making = make_judging(store, pairs=40)
    lot = random.Random(4)
    said = {}

    def reply(body):
        level = "first_much" if lot.random() < 0.8 else "second_much"
        text = body["messages"][1]["content"]
        said[re.search(r"question \d+", text)[0], is_good_first(body)] = level
        return verdict(level, 8, 3) if level == "first_much" else verdict(level, 3, 8)

    judge_by(chat_endpoint, reply)
    run = run_to_the_end(making, spec(chat_endpoint))
    counts = outcome_counts(*making.place, run.spec["judge_id"])
    first = list(said.values()).count("first_much")
    assert (counts.first_slot, counts.preferring) == (first, 80)
    turned = {f"question {n}" for n in range(40) if said[f"question {n}", True] == said[f"question {n}", False]}
    assert counts.undecided == len(turned)
    assert counts.order_agreement == (40 - len(turned)) / 40
    view = export(*making.place, ExportChoices("trl", validation_share=0), out=tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert {row["prompt"][-1]["content"] for row in rows} == {f"question {n}" for n in range(40)} - turned
    assert view.rows == 40 - len(turned) > 0


def test_verdicts_are_told_as_csv_that_no_spreadsheet_runs_and_without_hidden_ones(store, chat_endpoint):
    making = make_judging(store)
    judge_by(chat_endpoint, lambda body: json.dumps({**json.loads(prefers_good(body)), "reasoning": '=1+1, "so"'}))
    run = run_to_the_end(making, spec(chat_endpoint))
    place = (*making.place, run.spec["judge_id"])
    assert list(csv.reader(io.StringIO("".join(verdicts_csv(each_verdict(*place)))))) == [list(COLUMNS)]
    let_all_be_seen(making)
    views = verdicts(*place)
    hostile = [replace(views[0], prompt="=cmd()", reasons=("@sum",)), views[1]]
    _, first, second = csv.reader(io.StringIO("".join(verdicts_csv(hostile))))
    assert (first[1], first[-1]) == ("'=cmd()", "'@sum")
    assert (second[0], second[2], second[4], second[5]) == (str(views[1].pair_id), "decided", views[1].verdict, "2")
    assert second[-1].count('=1+1, "so"') == 2
