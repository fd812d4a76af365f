import pytest

from labeling.llm.prices import cost_usd, estimated_tokens, is_priced

OPENAI = "https://api.openai.com/v1"


def test_the_price_of_a_known_model_is_known_without_a_network():
    assert cost_usd(OPENAI, "gpt-4o-mini", 1_000_000, 1_000_000) == pytest.approx(0.75)


def test_cached_tokens_cost_less():
    full, cached = cost_usd(OPENAI, "gpt-4o-mini", 1000, 0), cost_usd(OPENAI, "gpt-4o-mini", 1000, 0, 1000)
    assert full is not None
    assert cached is not None
    assert cached < full


@pytest.mark.parametrize(
    ("base_url", "model"),
    [(OPENAI, "no-such-model"), ("http://127.0.0.1:1/v1", "gpt-4o-mini"), ("https://x.example/v1", "m")],
)
def test_what_is_not_known_is_not_free(base_url, model):
    assert not is_priced(base_url, model)
    assert cost_usd(base_url, model, 10, 10) is None


def test_tokens_are_estimated_by_characters():
    assert [estimated_tokens(characters) for characters in (0, 1, 4, 5)] == [0, 1, 1, 2]
