import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.pairing import NoPair
from labeling.preferring import Over, Preferred, prefer_source
from tests.candidates import candidates, completions


def test_the_better_sources_reply_is_chosen():
    made = prefer_source(completions("small:one", "big:two", "other:three"), {"big"}, {"small"}, seed="s")
    assert made.made == (Preferred(2, 1),)


def test_one_couple_is_drawn_by_lot_or_every_one_taken():
    texts = completions("big:one", "big:two", "small:three", "small:four")
    drawn = {prefer_source(texts, {"big"}, {"small"}, seed=str(seed)).made for seed in range(60)}
    assert len(drawn) == 4
    assert len(prefer_source(texts, {"big"}, {"small"}, limit=None, seed="s").made) == 4


def test_a_pair_that_is_there_is_labelled_before_a_new_one_is_made():
    texts = completions("big:one", "big:two", "small:three", "small:four")
    for seed in range(10):
        made = prefer_source(texts, {"big"}, {"small"}, seed=str(seed), existing=[frozenset({2, 3})])
        assert made.made == (Preferred(2, 3),)


@pytest.mark.parametrize(
    ("texts", "labelled", "reason"),
    [
        (["big:one"], [], NoPair.TOO_FEW),
        (["big:one", "other:two"], [], NoPair.TOO_FEW),
        (["big:one", "small:one"], [], NoPair.SAME_TEXT),
        (["big:one", "small:two"], [{1, 2}], NoPair.HAS_PAIRS),
    ],
)
def test_a_prompt_without_a_new_label_says_why(texts, labelled, reason):
    made = prefer_source(
        completions(*texts), {"big"}, {"small"}, seed="s", labelled=[frozenset(couple) for couple in labelled]
    )
    assert (made.made, made.reason) == ((), reason)


@given(candidates, st.none() | st.integers(1, 4), st.text())
def test_a_second_call_prefers_nothing_twice(texts, limit, seed):
    made = prefer_source(texts, {"w"}, {"x", "y"}, limit=limit, seed=seed).made
    by_id = {one.completion_id: one for one in texts}
    assert all(by_id[one.chosen].source == "w" and by_id[one.rejected].source in "xy" for one in made)
    labelled = [one.couple for one in made]
    assert prefer_source(texts, {"w"}, {"x", "y"}, limit=limit, seed=seed, labelled=labelled).made == ()


def test_the_rater_says_what_it_is():
    assert Over("gpt-big", "gpt-small").rater == "rule: gpt-big over gpt-small"
