from hypothesis import given
from hypothesis import strategies as st

from exporters.split import LeastRows, Split

GROUPS = [f"prompt {number}" for number in range(2000)]


def chosen(seed: int, share: float) -> set[str]:
    return {group for group in GROUPS if Split(seed=seed, share=share).is_validation(group)}


def test_the_share_is_met_about():
    assert 150 < len(chosen(0, 0.1)) < 250


def test_the_same_seed_gives_the_same_split_and_another_gives_another():
    assert chosen(7, 0.1) == chosen(7, 0.1)
    assert chosen(7, 0.1) != chosen(8, 0.1)


@given(st.text(), st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_groups(group, seed, first, second):
    smaller, larger = sorted((first, second))
    if Split(seed=seed, share=smaller).is_validation(group):
        assert Split(seed=seed, share=larger).is_validation(group)


@given(st.text(), st.integers())
def test_no_share_means_no_group(group, seed):
    assert not Split(seed=seed, share=0.0).is_validation(group)


rows = st.lists(st.sampled_from(GROUPS[:60]), min_size=10, max_size=200)


@given(rows, st.integers(1, 60), st.integers(0, 5))
def test_a_count_takes_whole_groups_and_no_more_of_them_than_it_needs(groups, count, seed):
    least = LeastRows[int](Split(seed=seed, share=0), count)
    train = [row for number, group in enumerate(groups) for row in least.add(group, number)]
    held = least.rows()
    assert sorted(train + held) == list(range(len(groups)))
    of = dict(enumerate(groups))
    assert not {of[row] for row in held} & {of[row] for row in train}
    assert len(held) >= min(count, len(groups))
    sizes = sorted((Split(seed=seed, share=0).place(group), groups.count(group)) for group in {of[row] for row in held})
    assert sum(size for _, size in sizes[:-1]) < count


def drawn(groups: list[str], count: int) -> tuple[set[str], float | None]:
    """The groups that a count takes, and the share that it tells."""
    least = LeastRows[int](Split(seed=1, share=0), count)
    for number, group in enumerate(groups):
        least.add(group, number)
    return {groups[row] for row in least.rows()}, least.share


@given(rows, rows, st.integers(1, 40))
def test_a_group_leaves_a_count_only_for_one_that_comes_before_it(groups, more, count):
    place = Split(seed=1, share=0).place
    before, after = drawn(groups, count)[0], drawn(groups + more, count)[0]
    assert all(any(place(new) < place(gone) for new in after - before) or after <= before for gone in before - after)


@given(rows, st.integers(1, 40))
def test_a_count_tells_the_share_that_draws_the_same_groups(groups, count):
    held, share = drawn(groups, count)
    assert (share is None) == (held == set(groups))
    if share is not None:
        assert {group for group in groups if Split(seed=1, share=share).is_validation(group)} == held
