import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.domain import Verdict
from labeling.judging.outcome import (
    ORDERS,
    Judgement,
    Level,
    Outcome,
    OutcomeState,
    Undecided,
    combine,
    opinion_of,
    stored,
)
from labeling.judging.reading import JudgementRead, ReadState
from labeling.judging.template import LEVELS

SWAPPED = dict(
    zip(Level, [Level.B_MUCH, Level.B_SLIGHTLY, Level.TIE, Level.A_SLIGHTLY, Level.A_MUCH, Level.BOTH_BAD], strict=True)
)


def judged(order, level, state=ReadState.READ):
    return Judgement(order, state, level, (5, 5))


def unreadable(order):
    return Judgement(order, ReadState.UNREADABLE)


@pytest.mark.parametrize(
    ("ab", "ba", "outcome"),
    [
        (Level.A_MUCH, Level.A_MUCH, Outcome(OutcomeState.DECIDED, Verdict.A, 3)),
        (Level.A_SLIGHTLY, Level.A_SLIGHTLY, Outcome(OutcomeState.DECIDED, Verdict.A, 1)),
        (Level.B_MUCH, Level.B_SLIGHTLY, Outcome(OutcomeState.DECIDED, Verdict.B, 2)),
        (Level.TIE, Level.TIE, Outcome(OutcomeState.DECIDED, Verdict.TIE)),
        (Level.BOTH_BAD, Level.BOTH_BAD, Outcome(OutcomeState.DECIDED, Verdict.BOTH_BAD)),
        (Level.A_MUCH, Level.B_MUCH, Outcome(OutcomeState.UNDECIDED, reason=Undecided.ORDER)),
        (Level.A_SLIGHTLY, Level.TIE, Outcome(OutcomeState.UNDECIDED, reason=Undecided.ORDER)),
        (Level.TIE, Level.BOTH_BAD, Outcome(OutcomeState.UNDECIDED, reason=Undecided.ORDER)),
    ],
)
def test_a_verdict_counts_only_if_both_orders_say_it(ab, ba, outcome):
    assert combine([judged("ab", ab), judged("ba", ba)]) == outcome


def test_an_order_without_a_readable_judgement_makes_the_pair_unreadable():
    assert combine([judged("ab", Level.A_MUCH), unreadable("ba")]).state is OutcomeState.UNREADABLE
    assert combine([judged("ab", Level.A_MUCH)]).state is OutcomeState.UNREADABLE
    assert combine([]).state is OutcomeState.UNREADABLE


def test_an_unreadable_sample_does_not_hide_a_readable_one_of_its_order():
    assert combine([judged("ab", Level.TIE), unreadable("ba"), judged("ba", Level.TIE)]).verdict is Verdict.TIE


def test_a_contradiction_is_undecided_and_not_a_tie():
    outcome = combine([judged("ab", Level.A_MUCH, ReadState.CONTRADICTORY), judged("ba", Level.A_MUCH)])
    assert outcome == Outcome(OutcomeState.UNDECIDED, reason=Undecided.CONTRADICTION)


def test_a_contradiction_is_outvoted_by_the_other_samples_of_its_order():
    ab = [
        judged("ab", Level.A_MUCH),
        judged("ab", Level.A_SLIGHTLY),
        judged("ab", Level.B_MUCH, ReadState.CONTRADICTORY),
    ]
    assert combine([*ab, judged("ba", Level.A_MUCH)]).verdict is Verdict.A


def test_samples_without_a_majority_are_undecided():
    outcome = combine([judged("ab", Level.A_MUCH), judged("ab", Level.B_MUCH), judged("ba", Level.A_MUCH)])
    assert outcome == Outcome(OutcomeState.UNDECIDED, reason=Undecided.SAMPLES)


def test_one_order_is_enough_where_one_was_asked_for():
    assert combine([judged("ba", Level.B_SLIGHTLY)], ["ba"]) == Outcome(OutcomeState.DECIDED, Verdict.B, 1)


@pytest.mark.parametrize(("order", "level", "scores"), [("ab", Level.A_MUCH, (9, 2)), ("ba", Level.B_MUCH, (2, 9))])
def test_a_reply_is_turned_into_stored_order(order, level, scores):
    read = JudgementRead(ReadState.READ, "", "first_much", (9, 2))
    assert stored(read, order) == Judgement(order, ReadState.READ, level, scores)


@given(st.sampled_from([*LEVELS, "both_bad"]), st.sampled_from(ORDERS))
def test_the_other_order_gives_the_mirrored_level(level, order):
    other = "ba" if order == "ab" else "ab"
    read = JudgementRead(ReadState.READ, "", level, (3, 4))
    one, two = stored(read, order).level, stored(read, other).level
    assert one is not None
    assert SWAPPED[one] is two


judgement = st.builds(
    judged, st.sampled_from(ORDERS), st.sampled_from(Level), st.sampled_from([ReadState.READ, ReadState.CONTRADICTORY])
) | st.builds(unreadable, st.sampled_from(ORDERS))


@given(st.lists(judgement, max_size=9))
def test_swapping_the_sides_swaps_the_verdict_and_nothing_else(judgements):
    def swap(one):
        return Judgement("ba" if one.order == "ab" else "ab", one.state, one.level and SWAPPED[one.level], one.scores)

    plain, turned = combine(judgements), combine([swap(one) for one in judgements])
    assert turned.verdict == (plain.verdict and plain.verdict.swapped)
    assert (turned.state, turned.strength, turned.reason) == (plain.state, plain.strength, plain.reason)


@given(st.lists(judgement, max_size=9), st.randoms())
def test_the_sequence_of_the_judgements_does_not_matter(judgements, random):
    shuffled = random.sample(judgements, len(judgements))
    assert combine(shuffled) == combine(judgements)


@given(st.lists(judgement, max_size=9))
def test_only_a_decided_pair_has_a_verdict_and_only_an_undecided_one_a_reason(judgements):
    outcome = combine(judgements)
    assert (outcome.verdict is not None) is (outcome.state is OutcomeState.DECIDED)
    assert (outcome.reason is not None) is (outcome.state is OutcomeState.UNDECIDED)
    assert (outcome.strength is not None) is (outcome.verdict in (Verdict.A, Verdict.B))
    assert outcome.strength in (None, 1, 2, 3)


def test_what_one_order_alone_says_is_the_majority_of_its_samples():
    first = [judged("ab", Level.A_MUCH), judged("ab", Level.A_SLIGHTLY), judged("ab", Level.B_MUCH)]
    assert opinion_of(first, "ab") is Verdict.A
    assert opinion_of(first, "ba") is None
    assert opinion_of(first[1:], "ab") is None
