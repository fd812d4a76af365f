"""The file of one's own prices, changed by the program: one table, and no line beside it."""

import threading

import pytest

from labeling.errors import InputError
from labeling.llm.own_prices import OwnPrice, own_prices
from labeling.llm.price_file import remove_price, write_price
from labeling.llm.prices import cost_usd

HERE = "http://127.0.0.1:9/v1"
OURS = OwnPrice("ours", None, 1.0, 2.0, 1.0)


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "prices.toml"
    monkeypatch.setenv("TIEBREAK_PRICES", str(path))
    return path


def test_the_first_price_makes_the_file(file):
    write_price(OURS)
    assert own_prices() == (OURS,)
    assert cost_usd(HERE, "ours", 1_000_000, 1_000_000) == 3.0


def test_a_price_takes_the_place_of_the_one_for_the_same_model_and_address_alone(file):
    write_price(OURS)
    here = OwnPrice("ours", HERE, 3.0, 4.0, 0.5)
    write_price(here)
    assert own_prices() == (OURS, here)
    write_price(OwnPrice("ours", None, 9.0, 9.0, 9.0))
    assert own_prices() == (OwnPrice("ours", None, 9.0, 9.0, 9.0), here)
    assert remove_price("ours", HERE)
    assert not remove_price("ours", HERE)
    assert [one.input for one in own_prices()] == [9.0]


def test_remarks_and_other_tables_stay_as_they_are(file):
    file.parent.mkdir()
    text = '# ours\n\n[[price]]\nmodel = "a"\ninput = 1\noutput = 1 # cheap\n\n# the new one\n[[ price ]]\nmodel = "b"\ninput = 2\noutput = 2\n'
    file.write_text(text)
    write_price(OwnPrice("a", None, 5.0, 6.0, 5.0))
    new = '[[price]]\nmodel = "a"\ninput = 5.0\noutput = 6.0\n'
    assert file.read_text() == text.replace('[[price]]\nmodel = "a"\ninput = 1\noutput = 1 # cheap\n', new)
    remove_price("a", None)
    assert file.read_text() == "# ours\n\n" + text[text.index("\n# the new one") :]
    write_price(OwnPrice("c", None, 1.0, 1.0, 1.0))
    assert file.read_text().endswith('output = 2\n\n[[price]]\nmodel = "c"\ninput = 1.0\noutput = 1.0\n')


@pytest.mark.parametrize("model", ['a"b', "a\\b", "ünï", "a]]b", "# a", "[[price]]", "a\x7fb"])
def test_any_models_name_is_read_back_as_it_was(file, model):
    write_price(OURS)
    write_price(OwnPrice(model, HERE, 1e-07, 2e5, 0.0))
    assert own_prices() == (OURS, OwnPrice(model, HERE, 1e-07, 2e5, 0.0))


def test_a_file_that_is_broken_or_written_otherwise_is_left_alone(file):
    file.parent.mkdir()
    for text, told in (
        ("[[price]", "is no TOML file"),
        ('price = [{model = "ours", input = 1, output = 1}]\n', "by hand"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=told):
            write_price(OURS)
        assert file.read_text() == text


def test_two_at_once_lose_nothing(file):
    prices = [OwnPrice(f"m{number}", None, 1.0, 1.0, 1.0) for number in range(12)]
    threads = [threading.Thread(target=write_price, args=(one,)) for one in prices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(own_prices(), key=repr) == sorted(prices, key=repr)
    assert [path.name for path in file.parent.iterdir()] == ["prices.toml"]
