"""Gold pairs: mixed in at the set share, served to everyone, taking nobody's slot."""

import json

import pytest

from labeling.domain import Role, Verdict
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.gold import GoldPair, GoldResult, gold_from, gold_pairs, gold_results, mix_gold, set_gold
from labeling.services.imports import ImportOptions, run_import
from labeling.services.labels import record
from labeling.services.progress import progress
from labeling.storage.tables import Assignment, Label, RoundPair
from tests.services.labelling import Labelling, act, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=20)


def make_gold(talk, pairs, verdict=Verdict.A):
    for pair_id in pairs:
        set_gold(talk.store, talk.owner, talk.slug, pair_id, verdict, "because")


def label_all(talk, actor, most=100, verdict="left"):
    """Label whatever is served, one after the other; the pairs in the order in which they came."""
    seen = []
    while len(seen) < most and (pairs := talk.next(actor)):
        assert record(
            talk.store, actor, talk.slug, [act(pairs[0].pair_id, verdict=verdict, after=pairs[0].after)]
        ).acked
        seen.append(pairs[0].pair_id)
    return seen


def test_gold_is_said_changed_and_taken_back(talk):
    make_gold(talk, talk.pairs[:2])
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[1], Verdict.TIE)
    assert gold_pairs(talk.store, talk.owner, talk.slug) == [
        GoldPair(talk.pairs[0], Verdict.A, "because"),
        GoldPair(talk.pairs[1], Verdict.TIE, None),
    ]
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[0], None)
    assert [one.pair_id for one in gold_pairs(talk.store, talk.owner, talk.slug)] == [talk.pairs[1]]


def test_everyone_meets_the_gold_pairs_and_they_take_no_slot(talk):
    gold = talk.pairs[16:]
    make_gold(talk, gold)
    assert mix_gold(talk.store, talk.owner, talk.slug, 0.2) == 4
    ann, bob = talk.actor("ann"), talk.actor("bob")
    first = label_all(talk, ann)
    assert sorted(first) == talk.pairs
    assert sorted(label_all(talk, bob)) == gold
    assert all(row.slot is None for row in talk.rows(Assignment) if row.pair_id in gold)
    assert not any(row.is_surplus for row in talk.rows(Label))
    assert not any(row.is_done for row in talk.rows(RoundPair) if row.is_gold)
    for actor, mine in ((ann, 20), (bob, 4)):
        found = progress(talk.store, actor, talk.slug)
        assert (found.mine, found.done, found.total) == (mine, 20, 20)


def test_gold_stands_among_the_plain_pairs_and_not_at_the_end(talk):
    make_gold(talk, talk.pairs[16:])
    mix_gold(talk.store, talk.owner, talk.slug, 0.2)
    order = label_all(talk, talk.actor("ann"))
    places = sorted(order.index(pair_id) for pair_id in talk.pairs[16:])
    assert [place * 4 // 20 for place in places] == [0, 1, 2, 3]


def test_nothing_in_the_queue_moves_when_the_same_share_is_mixed_again(talk):
    make_gold(talk, talk.pairs[10:])
    mix_gold(talk.store, talk.owner, talk.slug, 0.1)
    before = talk.rows(RoundPair)
    assert sum(row.is_gold for row in before) == 2
    mix_gold(talk.store, talk.owner, talk.slug, 0.1)
    assert talk.rows(RoundPair) == before
    mix_gold(talk.store, talk.owner, talk.slug, 0)
    assert not any(row.is_gold for row in talk.rows(RoundPair))


def test_a_pair_that_is_gold_no_more_asks_for_labels_as_any_other(talk):
    gold = talk.pairs[:3]
    ann, bob = talk.actor("ann"), talk.actor("bob")
    first = talk.next(ann)[0]
    record(talk.store, ann, talk.slug, [act(first.pair_id)])
    make_gold(talk, gold)
    mix_gold(talk.store, talk.owner, talk.slug, 0.2)
    set_gold(talk.store, talk.owner, talk.slug, gold[1], None)
    places = {row.pair_id: row for row in talk.rows(RoundPair)}
    assert [places[pair_id].is_gold for pair_id in gold] == [True, False, True]
    mix_gold(talk.store, talk.owner, talk.slug, 0)
    places = {row.pair_id: row for row in talk.rows(RoundPair)}
    # ann's label was given before the pair was gold, and holds its slot: nobody is asked again.
    assert [places[pair_id].is_done for pair_id in gold] == [True, False, False]
    assert first.pair_id not in label_all(talk, bob)


def test_what_a_rater_says_becomes_gold(store):
    talk = make_labelling(store, pairs=0)
    rows = [
        {
            "prompt": f"Question {number}?",
            "response_a": f"One {number}",
            "response_b": f"Two {number}",
            "verdict": verdict,
        }
        for number, verdict in enumerate(("a", "tie", "both_bad"))
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    run_import(store, talk.owner, talk.slug, content, "gold.jsonl", ImportOptions(labels_as="experts"))
    place = (store, talk.owner, talk.slug)
    assert gold_from(*place, "experts") == 3
    found = gold_pairs(*place)
    assert [one.verdict for one in found] == [Verdict.A, Verdict.TIE, Verdict.BOTH_BAD]
    ann = talk.actor("ann")
    (pair,) = talk.next(ann)
    event = act(pair.pair_id, verdict="both_bad", comment="Both are wrong.")
    assert record(store, ann, talk.slug, [event]).acked
    assert gold_from(*place, "ann") == 1
    assert gold_pairs(*place)[0] == GoldPair(found[0].pair_id, Verdict.BOTH_BAD, "Both are wrong.")
    record(store, ann, talk.slug, [act(pair.pair_id, "undo", event["event_id"])])
    with pytest.raises(InputError, match="called 'ann' has labels"):
        gold_from(*place, "ann")
    with pytest.raises(ForbiddenError):
        gold_from(store, ann, talk.slug, "experts")


def test_results_compare_each_annotator_with_what_is_right(talk):
    make_gold(talk, talk.pairs[:5], Verdict.TIE)
    mix_gold(talk.store, talk.owner, talk.slug, 0.25)
    label_all(talk, talk.actor("ann"), verdict="tie")
    label_all(talk, talk.actor("bob"), verdict="left")
    assert gold_results(talk.store, talk.owner, talk.slug) == [GoldResult("ann", 5, 5), GoldResult("bob", 5, 0)]
    assert gold_results(talk.store, talk.owner, talk.slug, "work")[0] == GoldResult("ann", 5, 5)


def test_what_cannot_be_is_refused(talk):
    lead, ann = talk.actor("lead", Role.LEAD), talk.actor("ann")
    with pytest.raises(InputError, match="no gold pairs yet"):
        mix_gold(talk.store, lead, talk.slug, 0.1)
    with pytest.raises(InputError, match="between 0 and 50"):
        mix_gold(talk.store, lead, talk.slug, 0.7)
    with pytest.raises(NotFoundError, match="no pair 999"):
        set_gold(talk.store, lead, talk.slug, 999, Verdict.A)
    with pytest.raises(NotFoundError, match="no round"):
        mix_gold(talk.store, lead, talk.slug, 0, "nowhere")
    for refused in (
        lambda: set_gold(talk.store, ann, talk.slug, talk.pairs[0], Verdict.A),
        lambda: mix_gold(talk.store, ann, talk.slug, 0.1),
        lambda: gold_pairs(talk.store, ann, talk.slug),
        lambda: gold_results(talk.store, ann, talk.slug),
    ):
        with pytest.raises(ForbiddenError):
            refused()
