"""Prices of one's own: read from a file, before the price list, and never guessed."""

import pytest

from labeling.errors import InputError
from labeling.llm.own_prices import own_prices
from labeling.llm.prices import cost_usd, is_priced, price_source

HERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "prices.toml"
    monkeypatch.setenv("TIEBREAK_PRICES", str(path))
    return path


def test_a_model_of_ones_own_costs_what_is_written(file):
    file.write_text('[[price]]\nmodel = "ours"\ninput = 2\noutput = 10\n')
    assert is_priced(HERE, "ours")
    assert cost_usd(HERE, "ours", 1_000_000, 100_000) == 3.0
    assert not is_priced(HERE, "another"), "what is not written stays unknown"
    assert "prices.toml" in price_source()


def test_the_price_at_the_address_counts_before_that_of_any_address(file):
    rows = f'[[price]]\nmodel = "ours"\ninput = 1\noutput = 1\n[[price]]\nmodel = "ours"\nbase_url = "{HERE}/"\ninput = 3\noutput = 3\ncached_input = 1\n'
    file.write_text(rows)
    assert cost_usd(HERE, "ours", 1_000_000, 0, 500_000) == 2.0
    assert cost_usd("http://127.0.0.1:8/v1", "ours", 1_000_000, 0, 500_000) == 1.0


def test_ones_own_price_counts_before_the_list(file):
    address = "https://api.openai.com/v1"
    listed = cost_usd(address, "gpt-4o-mini", 1000, 1000)
    file.write_text('[[price]]\nmodel = "gpt-4o-mini"\ninput = 1000\noutput = 1000\n')
    assert cost_usd(address, "gpt-4o-mini", 1000, 1000) == 2.0 != listed


def test_a_changed_file_counts_at_once_and_a_broken_one_leaves_what_was_read(file):
    file.write_text('[[price]]\nmodel = "ours"\ninput = 1\noutput = 1\n')
    assert cost_usd(HERE, "ours", 1_000_000, 0) == 1.0
    file.write_text('[[price]]\nmodel = "ours"\ninput = 25\noutput = 1\n')
    assert cost_usd(HERE, "ours", 1_000_000, 0) == 25.0
    file.write_text("[[price]")
    assert cost_usd(HERE, "ours", 1_000_000, 0) == 25.0, "a worker goes on"
    with pytest.raises(InputError, match="is no TOML file"):
        own_prices()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prices = 3", r"must hold \[\[price\]\] tables"),
        ("[[price]]\ninput = 1\noutput = 1", "price 1 names no model"),
        ('[[price]]\nmodel = "m"\noutput = 1', "input of price 1 must be US dollars"),
        ('[[price]]\nmodel = "m"\ninput = -1\noutput = 1', "input of price 1 must be US dollars"),
        ('[[price]]\nmodel = "m"\ninput = true\noutput = 1', "input of price 1 must be US dollars"),
        ('[[price]]\nmodel = "m"\nin = 1\noutput = 1', "price 1 has in"),
        ('[[price]]\nmodel = "m"\nbase_url = 4\ninput = 1\noutput = 1', "base_url of price 1 is no text"),
    ],
)
def test_a_table_that_is_wrong_is_told_with_its_place(file, text, said):
    file.write_text(text)
    with pytest.raises(InputError, match=said) as told:
        own_prices()
    assert str(file) in str(told.value)


def test_no_file_is_no_price(file):
    assert not file.exists()
    assert own_prices() == ()
