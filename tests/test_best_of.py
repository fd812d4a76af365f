import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.best_of import FromScores, Rejected, prefer_scored
from labeling.errors import InputError
from labeling.pairing import Candidate, NoPair
from labeling.preferring import Preferred


def scored(*points):
    """Completions with ids from 1, each of its own text, with these scores; None is not scored."""
    candidates = [Candidate(number, "x", f"text {number}") for number in range(1, len(points) + 1)]
    return candidates, {number: value for number, value in enumerate(points, 1) if value is not None}


def prefer(points, rejected=Rejected.LOW, margin=1.0, seed="s", **options):
    candidates, found = scored(*points)
    return prefer_scored(candidates, found, FromScores("j", rejected, margin), seed=seed, **options)


def test_the_best_beats_the_worst():
    assert prefer([5, 9, 2, 7], Rejected.WORST).made == (Preferred(2, 3, 3),)


def test_the_best_beats_one_by_lot():
    drawn = {prefer([5, 9, 2, 7], Rejected.RANDOM, seed=str(seed)).made[0] for seed in range(60)}
    assert {one.chosen for one in drawn} == {2}
    assert {one.rejected for one in drawn} == {1, 3, 4}


def test_the_best_beats_the_one_near_the_mean_less_two_standard_deviations():
    # mean 6.1, standard deviation 1.70 (of the population): 2.7 is nearest to 3, not to the worst, 1
    points = [7, 7, 7, 7, 7, 7, 7, 7, 3, 1, 7.5, 7.5]
    assert prefer(points, Rejected.WORST).made[0].rejected == 10
    mean = sum(points) / 12
    deviation = (sum((one - mean) ** 2 for one in points) / 12) ** 0.5
    assert abs(3 - (mean - 2 * deviation)) < abs(1 - (mean - 2 * deviation))
    assert prefer(points).made[0].rejected == 9


def test_with_few_completions_that_is_the_worst():
    assert prefer([5, 9, 2]).made == prefer([5, 9, 2], Rejected.WORST).made


@pytest.mark.parametrize(("points", "strength"), [([6, 5], 1), ([7, 5], 2), ([9, 5], 3), ([6.9, 5], 1)])
def test_the_difference_is_the_strength(points, strength):
    assert prefer(points).made[0].strength == strength


@pytest.mark.parametrize(
    ("points", "margin", "reason"),
    [
        ([7, 6.5], 1.0, NoPair.CLOSE),
        ([7, 7], 0.0, NoPair.CLOSE),
        ([7, None], 1.0, NoPair.UNSCORED),
        ([None, None], 1.0, NoPair.UNSCORED),
        ([7], 1.0, NoPair.TOO_FEW),
        ([], 1.0, NoPair.TOO_FEW),
    ],
)
def test_a_prompt_without_a_pair_says_why(points, margin, reason):
    assert prefer(points, margin=margin).reason is reason


def test_a_smaller_margin_lets_closer_ones_in():
    assert prefer([7, 6.5], margin=0.5).made == (Preferred(1, 2, 1),)


def test_completions_of_one_text_make_no_pair():
    twins = [Candidate(1, "x", "same"), Candidate(2, "x", "same")]
    assert prefer_scored(twins, {1: 3, 2: 9}, FromScores("j"), seed="s").reason is NoPair.SAME_TEXT


def test_a_prompt_that_was_labelled_by_these_scores_is_not_again():
    assert prefer([1, 9], labelled=[frozenset({1, 2})]).reason is NoPair.HAS_PAIRS


def test_a_margin_out_of_range_is_refused():
    with pytest.raises(InputError, match="from 0 to 9"):
        FromScores("j", margin=10)


@given(st.lists(st.none() | st.integers(1, 10), max_size=12), st.sampled_from(Rejected), st.integers(0, 9), st.text())
def test_the_chosen_one_is_the_best_and_the_rejected_one_worse_by_the_margin(points, rejected, margin, seed):
    made = prefer(points, rejected, margin, seed)
    _, found = scored(*points)
    for one in made.made:
        assert found[one.chosen] == max(found.values())
        assert found[one.chosen] - found[one.rejected] >= max(margin, 1e-9)
    assert (made.reason is None) is bool(made.made)
