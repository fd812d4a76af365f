import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from labeling.stats.shares import mcnemar, paired_difference, wilson


@given(st.integers(1, 2000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_of_a_share_is_scipys_wilson_interval(counts):
    expected = binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_share_of_nothing_can_be_anything():
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.integers(0, 400), st.integers(0, 400))
def test_two_raters_are_compared_by_the_exact_binomial_test(first, second):
    expected = binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-9)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_counts_below_nothing_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        mcnemar(-1, 2)


def test_the_difference_of_two_raters_is_the_published_interval_of_paired_shares():
    low, high = paired_difference(12, 36, 80)  # z * sqrt((13 + 37 - (37 - 13) ** 2 / 82) / 82 ** 2) about 24 / 82
    assert (low, high) == pytest.approx((24 / 82 - 0.156691, 24 / 82 + 0.156691), abs=1e-5)
    assert paired_difference(36, 12, 80) == pytest.approx((-high, -low))


def test_a_difference_of_nothing_can_be_anything_and_of_too_many_is_refused():
    assert paired_difference(0, 0, 0) == (-1.0, 1.0)
    with pytest.raises(ValueError, match="cannot be"):
        paired_difference(3, 3, 5)
