import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.pairing import NoPair, PairMode, choose_pairs
from tests.candidates import candidates, completions


def unordered(choice):
    return [set(pair) for pair in choice.pairs]


def test_two_samples_of_one_source_make_a_pair():
    choice = choose_pairs(completions("x:one", "x:two", "y:three"), PairMode.SAMPLES, seed="s")
    assert unordered(choice) == [{1, 2}]


def test_one_pair_a_prompt_is_the_default_and_every_two_sources_can_be_asked_for():
    three = completions("x:one", "y:two", "z:three")
    assert len(choose_pairs(three, PairMode.SOURCES, seed="s").pairs) == 1
    everything = choose_pairs(three, PairMode.SOURCES, limit=None, seed="s")
    assert sorted(map(sorted, everything.pairs)) == [[1, 2], [1, 3], [2, 3]]


@pytest.mark.parametrize("seed", [str(number) for number in range(10)])
def test_the_model_to_be_tuned_comes_first(seed):
    choice = choose_pairs(completions("x:one", "y:two", "z:three"), PairMode.SOURCES, first={"z"}, seed=seed)
    assert 3 in choice.pairs[0]


def test_the_seed_decides_and_every_choice_occurs():
    three = completions("x:one", "y:two", "z:three")
    chosen = {choose_pairs(three, PairMode.SOURCES, seed=str(seed)).pairs for seed in range(60)}
    assert len(chosen) == 3
    assert choose_pairs(three, PairMode.SOURCES, seed="7") == choose_pairs(three[::-1], PairMode.SOURCES, seed="7")


def test_completions_of_the_same_text_make_no_pair_and_are_counted():
    choice = choose_pairs(completions("x:same", "y:same", "z:other"), PairMode.SOURCES, limit=None, seed="s")
    assert (len(choice.pairs), choice.same_text) == (2, 1)


def test_another_sample_stands_in_for_one_of_the_same_text():
    choice = choose_pairs(completions("x:same", "x:other", "y:same"), PairMode.SOURCES, seed="s")
    assert unordered(choice) == [{2, 3}]


@pytest.mark.parametrize(
    ("texts", "mode", "existing", "reason"),
    [
        (["x:one"], PairMode.SOURCES, [], NoPair.TOO_FEW),
        (["x:one", "x:two"], PairMode.SOURCES, [], NoPair.TOO_FEW),
        (["x:one", "y:two"], PairMode.SAMPLES, [], NoPair.TOO_FEW),
        (["x:one", "y:one"], PairMode.SOURCES, [], NoPair.SAME_TEXT),
        (["x:one", "y:two"], PairMode.SOURCES, [{1, 2}], NoPair.HAS_PAIRS),
    ],
)
def test_a_prompt_without_a_new_pair_says_why(texts, mode, existing, reason):
    choice = choose_pairs(completions(*texts), mode, seed="s", existing=[frozenset(pair) for pair in existing])
    assert (choice.pairs, choice.reason) == ((), reason)


def test_a_match_that_has_its_pair_is_not_made_again():
    texts = completions("x:one", "x:two", "y:three", "z:four")
    choice = choose_pairs(texts, PairMode.SOURCES, limit=None, seed="s", existing=[frozenset({1, 3})])
    assert sorted(next(iter(pair & {1, 2, 3})) in (1, 2, 3) for pair in unordered(choice)) == [True, True]
    assert all(4 in pair for pair in unordered(choice))


@given(candidates, st.sampled_from(PairMode), st.none() | st.integers(1, 4), st.text())
def test_pairs_are_of_different_texts_and_a_second_call_makes_none(texts, mode, limit, seed):
    choice = choose_pairs(texts, mode, limit=limit, seed=seed)
    by_id = {one.completion_id: one for one in texts}
    assert all(by_id[a].digest != by_id[b].digest for a, b in choice.pairs)
    assert all((by_id[a].source == by_id[b].source) is (mode is PairMode.SAMPLES) for a, b in choice.pairs)
    assert (choice.reason is None) is bool(choice.pairs)
    existing = [frozenset(pair) for pair in choice.pairs]
    assert choose_pairs(texts, mode, limit=limit, seed=seed, existing=existing).pairs == ()
