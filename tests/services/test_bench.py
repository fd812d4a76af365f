import json

import pytest

from labeling.domain import Role, Verdict
from labeling.errors import ForbiddenError, InputError
from labeling.services.bench import bench, compare, look
from labeling.services.bench_split import draw_halves
from labeling.services.gold import set_gold
from labeling.services.judge import estimate_judging, start_judging
from labeling.services.judge_pairs import pair_counts
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.verdicts import verdicts
from labeling.services.worker import work
from labeling.stats.shares import mcnemar, paired_difference, wilson
from labeling.storage.tables import BenchLook, BenchPair, Pair
from tests.services.judging import judge_by, let_all_be_seen, make_judging, prefers_good, spec, verdict
from tests.services.making import make_project


def make_gold(store, pairs=12):
    """A project whose pairs are all gold: the reply that says good is better, which is a."""
    making = make_judging(store, pairs=pairs)
    for row in making.rows(Pair):
        set_gold(*making.place, row.id, Verdict.A)
    return making


def try_on(making, judge, pairs="tune", key="once"):
    start_judging(*making.place, judge, pairs, idempotency_key=key)
    work(making.store, once=True)


def wrong_on(*numbers):
    """A judge that is wrong on these questions, and turns with the order on question 0 where it is among them."""

    def reply(body):
        text = body["messages"][1]["content"]
        number = next(n for n in range(100) if f"question {n}\n" in text)
        if number not in numbers:
            return prefers_good(body)
        return verdict("first_much") if number == 0 else other_way(prefers_good(body))

    return reply


def other_way(text):
    read = json.loads(text)
    scores = {"first": read["scores"]["second"], "second": read["scores"]["first"]}
    level = {"first_much": "second_much", "second_slightly": "first_slightly"}[read["verdict"]]
    return json.dumps({**read, "scores": scores, "verdict": level})


def questions_of(making, half):
    """The numbers of the questions whose pairs are of this half, and their pairs."""
    number = {row.id: place for place, row in enumerate(making.rows(Pair))}
    return {number[row.pair_id]: row.pair_id for row in making.rows(BenchPair) if row.half == half}


def test_gold_pairs_are_split_once_in_two_halves_that_keep_prompts_together(store):
    making = make_project(store, prompts=10)
    for prompt in making.prompts:
        making.add_completions(prompt, ["a good reply", "a bad reply", "quite another one"])
    make_pairs(*making.place, PairPlan(per_prompt=None))
    pairs = making.rows(Pair)
    for row in pairs[:24]:
        set_gold(*making.place, row.id, Verdict.A)
    assert draw_halves(*making.place) == 24
    first = {row.pair_id: row.half for row in making.rows(BenchPair)}
    assert list(first.values()).count("tune") == 12
    by_prompt = {}
    for row in pairs[:24]:
        by_prompt.setdefault(row.prompt_id, set()).add(first[row.id])
    assert all(len(halves) == 1 for halves in by_prompt.values())
    assert draw_halves(*making.place) == 0
    for row in pairs[24:]:
        set_gold(*making.place, row.id, Verdict.B)
    set_gold(*making.place, pairs[0].id, None)
    assert draw_halves(*making.place) == 6
    after = {row.pair_id: row.half for row in making.rows(BenchPair)}
    assert {pair: after[pair] for pair in first} == first
    counts = pair_counts(*making.place)
    assert (counts.gold, counts.tune + counts.held_out) == (29, 29)
    assert {counts.tune, counts.held_out} in ({14, 15}, {15, 14}, {13, 16})


def test_a_try_shows_agreement_and_what_it_fixes_and_breaks_against_the_try_before(store, chat_endpoint):
    making = make_gold(store)
    draw_halves(*making.place)
    tune = questions_of(making, "tune")
    one, two, three, *_ = sorted(tune)
    judge_by(chat_endpoint, wrong_on(one, two))
    try_on(making, spec(chat_endpoint))
    judge_by(chat_endpoint, wrong_on(three))
    try_on(making, spec(chat_endpoint, rubric="honest"), key="twice")
    found = bench(*making.place)
    assert (found.tune, found.held_out, found.looks) == (6, 6, 0)
    first, second = found.tries
    assert [one.title for one in found.tries] == ["strict, version 1", "strict, version 2"]
    assert (first.agreement.pairs, first.agreement.right, first.fixed) == (6, 4, None)
    assert (first.agreement.low, first.agreement.high) == wilson(4, 6)
    assert (second.agreement.right, second.before) == (5, "strict, version 1")
    assert second.fixed == tuple(sorted((tune[one], tune[two])))
    assert second.broken == (tune[three],)
    assert second.usd is None  # nobody knows the price of an endpoint on this machine
    assert first.agreement.undecided == (one == 0)
    assert (first.agreement.right_a_first, first.agreement.both_orders) == (4 + (one == 0), 6)
    assert first.agreement.same_in_both == 6 - (one == 0)


def test_what_is_undecided_or_unreadable_is_not_right(store, chat_endpoint):
    making = make_gold(store, pairs=4)
    judge_by(chat_endpoint, lambda body: verdict("first_much") if "question 1" not in str(body) else "no")
    try_on(making, spec(chat_endpoint), "gold")
    (found,) = bench(*making.place).tries
    assert (found.agreement.pairs, found.agreement.right) == (2, 0)
    assert found.agreement.undecided + found.agreement.unreadable == 2


def test_a_look_at_the_held_out_half_is_counted_and_told_with_its_number(store, chat_endpoint):
    making = make_gold(store)
    judge_by(chat_endpoint, prefers_good)
    try_on(making, spec(chat_endpoint))
    with pytest.raises(InputError, match="has not read the held-out half"):
        look(*making.place, "strict")
    assert making.rows(BenchLook) == []
    try_on(making, spec(chat_endpoint), "held-out", "twice")
    seen = [look(*making.place, "strict"), look(*making.place, "strict, version 1")]
    assert [(one.agreement.right, one.agreement.pairs, one.number) for one in seen] == [(6, 6, 1), (6, 6, 2)]
    found = bench(*making.place)
    assert (found.looks, found.tries[0].looks) == (2, 2)
    assert [(row.right, row.pairs, row.created_by) for row in making.rows(BenchLook)] == [
        (6, 6, making.owner.account_id)
    ] * 2


def test_two_judges_are_compared_on_the_same_pairs(store, chat_endpoint):
    making = make_gold(store, pairs=16)
    draw_halves(*making.place)
    one, two, three, *_ = sorted(questions_of(making, "tune"))
    judge_by(chat_endpoint, wrong_on(one, two))
    try_on(making, spec(chat_endpoint), "all")
    judge_by(chat_endpoint, wrong_on(two, three))
    try_on(making, spec(chat_endpoint, name="kind", rubric="honest"), "tune", "twice")
    found = compare(*making.place, "strict", "kind")
    assert (found.pairs, found.first_right, found.second_right) == (8, 6, 6)
    assert (found.only_first, found.only_second, found.difference, found.p) == (1, 1, 0.0, mcnemar(1, 1))
    assert (found.low, found.high) == paired_difference(1, 1, 8)
    assert bench(*making.place).looks == 0
    with pytest.raises(InputError, match="kind, version 1 has not read the held-out half"):
        compare(*making.place, "strict", "kind", held_out=True)
    try_on(making, spec(chat_endpoint, name="kind", rubric="honest"), "held-out", "third")
    compare(*making.place, "strict", "kind", held_out=True)
    assert bench(*making.place).looks == 2
    with pytest.raises(InputError, match="name two judges"):
        compare(*making.place, "strict", "strict, version 1")


def test_verdicts_on_the_held_out_half_are_not_listed(store, chat_endpoint):
    making = make_gold(store, pairs=6)
    judge_by(chat_endpoint, prefers_good)
    try_on(making, spec(chat_endpoint), "all")
    let_all_be_seen(making)
    draw_halves(*making.place)
    found = verdicts(*making.place, bench(*making.place).tries[0].judge_id)
    held_out = set(questions_of(making, "held_out").values())
    assert {view.pair_id for view in found if view.is_hidden} == held_out
    assert all(view.is_held_out and view.verdict is None and not view.reasons for view in found if view.is_hidden)


def test_an_estimate_of_a_half_draws_it_and_annotators_have_no_bench(store, chat_endpoint):
    making = make_gold(store, pairs=4)
    assert estimate_judging(*making.place, spec(chat_endpoint), "tune").requests == 4
    place = (store, making.member("ana", Role.ANNOTATOR), making.slug)
    for act in (
        lambda: bench(*place),
        lambda: draw_halves(*place),
        lambda: look(*place, "x"),
        lambda: compare(*place, "x", "y"),
    ):
        with pytest.raises(ForbiddenError):
            act()
