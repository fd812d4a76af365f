from hypothesis import given
from hypothesis import strategies as st

from exporters.split import is_validation

GROUPS = [f"prompt {number}" for number in range(2000)]


def chosen(seed: int, share: float) -> set[str]:
    return {group for group in GROUPS if is_validation(group, seed=seed, share=share)}


def test_the_share_is_met_about():
    assert 150 < len(chosen(0, 0.1)) < 250


def test_the_same_seed_gives_the_same_split_and_another_gives_another():
    assert chosen(7, 0.1) == chosen(7, 0.1)
    assert chosen(7, 0.1) != chosen(8, 0.1)


@given(st.text(), st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_groups(group, seed, first, second):
    smaller, larger = sorted((first, second))
    if is_validation(group, seed=seed, share=smaller):
        assert is_validation(group, seed=seed, share=larger)


@given(st.text(), st.integers())
def test_no_share_means_no_group(group, seed):
    assert not is_validation(group, seed=seed, share=0.0)
