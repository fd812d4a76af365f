import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.services.pair_rules import contradicting, gone_by, longer_chosen, lots, over_cap, over_length

ids = np.arange


def all_of(count: int) -> np.ndarray:
    return np.ones(count, dtype=bool)


def columns(*rows: tuple[int, ...]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*rows, strict=True)]


def test_at_most_so_many_pairs_of_a_prompt_stay():
    prompt = np.array([1, 1, 1, 1, 2, 2, 3])
    gone = over_cap(prompt, all_of(7), 2, lots(ids(7), 0))
    assert np.bincount(prompt[~gone]).tolist() == [0, 2, 2, 1]


def test_pairs_that_are_gone_already_do_not_count_against_the_cap():
    stays = np.array([False, True, True])
    assert not over_cap(np.array([1, 1, 1]), stays, 2, lots(ids(3), 0)).any()


def test_the_lot_depends_on_seed_and_pair_alone():
    prompt = np.zeros(50, dtype=int)
    first = ~over_cap(prompt, all_of(50), 5, lots(ids(50), 1))
    assert (first == ~over_cap(prompt, all_of(50), 5, lots(ids(50), 1))).all()
    assert (first != ~over_cap(prompt, all_of(50), 5, lots(ids(50), 2))).any()
    few = ~over_cap(prompt[:40], all_of(40), 5, lots(ids(50)[:40], 1))
    assert (first[:40] <= few).all()  # more pairs only take places away


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 99),
)
def test_after_matching_as_many_longer_as_shorter_replies_are_chosen(rows, seed):
    chosen, rejected, stays = columns(*rows)
    gone = over_length(chosen, rejected, stays, lots(ids(len(rows)), seed))
    assert not (gone & ~stays).any()
    longer, differ = longer_chosen(chosen, rejected, stays & ~gone)
    assert 2 * longer == differ
    assert not gone[chosen == rejected].any()


def test_replies_are_matched_within_their_difference_of_length():
    # Ten times as long beats: it is not made up for by two that are a little shorter.
    chosen, rejected = columns((1000, 100), (110, 120), (110, 121))
    assert over_length(chosen, rejected, all_of(3), lots(ids(3), 0)).all()


@pytest.mark.parametrize(
    ("edges", "circular"),
    [
        ([(1, 2), (2, 3)], [False, False]),
        ([(1, 2), (2, 1)], [True, True]),
        ([(1, 2), (2, 3), (3, 1), (3, 4)], [True, True, True, False]),
        ([(1, 2), (2, 1), (2, 3), (3, 4), (4, 3)], [True, True, False, True, True]),
        ([(1, 2), (3, 4)], [False, False]),
    ],
)
def test_pairs_of_a_circle_contradict_each_other(edges, circular):
    better, worse = columns(*edges)
    assert contradicting(better, worse, all_of(len(edges))).tolist() == circular


def test_a_circle_without_one_of_its_pairs_is_none():
    better, worse = columns((1, 2), (2, 3), (3, 1))
    assert not contradicting(better, worse, np.array([True, True, False])).any()


def test_the_weakest_pair_of_a_circle_gives_way():
    better, worse = columns((1, 2), (2, 3), (3, 1))
    strength = np.array([3.0, 1.0, 2.0])
    gone = gone_by("resolve", better, worse, all_of(3), strength, lots(ids(3), 0))
    assert gone.tolist() == [False, True, False]
    assert gone_by("leave_out", better, worse, all_of(3), strength, lots(ids(3), 0)).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda edge: edge[0] != edge[1]), min_size=1, max_size=30
    )
)
def test_after_resolving_there_is_no_circle_and_pairs_outside_one_stay(edges):
    better, worse = columns(*edges)
    before = contradicting(better, worse, all_of(len(edges)))
    gone = gone_by("resolve", better, worse, all_of(len(edges)), np.full(len(edges), np.nan), lots(ids(len(edges)), 0))
    assert not (gone & ~before).any()
    assert not contradicting(better, worse, ~gone).any()
