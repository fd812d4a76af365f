import random
from dataclasses import replace

from exporters.jsonl import json_line
from labeling.llm.own_prices import OwnPrice
from labeling.llm.price_file import write_price
from labeling.services import generate
from labeling.services.generate import GenerationPlan, estimate_generation
from labeling.services.imports import ImportOptions, run_import
from labeling.services.planning import Estimate
from labeling.services.scaling import LARGE, scaled
from labeling.services.specs import generator_spec
from tests.services.making import make_project

PART = Estimate(100, 20, 1000, 50, 500, 1.0, 2.0, (), "Estimated.")


def test_a_part_is_scaled_to_the_exact_number_of_requests():
    found = scaled(PART, 1000, "pairs")
    assert (found.requests, found.already_answered, found.prompt_tokens) == (1000, 200, 10000)
    assert (found.completion_tokens_low, found.completion_tokens_high) == (500, 5000)
    assert (found.usd_low, found.usd_high) == (10.0, 20.0)
    assert found.basis == "Estimated. Counted on 100 pairs and scaled up."


def test_the_interval_of_a_part_is_as_much_wider_as_the_part_may_be_off():
    found = scaled(replace(PART, usd_error=0.1), 1000, "pairs")
    assert (found.usd_low, found.usd_high, found.usd_error) == (9.0, 21.0, 1.0)
    assert scaled(replace(PART, usd_error=3.0), 1000, "pairs").usd_low == 0.0


def test_what_all_requests_cost_lies_in_the_interval_that_a_part_of_them_gives(sqlite_store, tmp_path, monkeypatch):
    """Prompts of very different lengths, and replies of one token: nothing but the choice of the part can be wrong."""
    monkeypatch.setenv("TIEBREAK_PRICES", str(tmp_path / "prices.toml"))
    write_price(OwnPrice("m", None, 10.0, 10.0, 10.0))
    making = make_project(sqlite_store, prompts=0)
    lot = random.Random(7)
    texts = [f"{number} " + "x" * round(2000 * lot.lognormvariate(0, 0.6)) for number in range(LARGE + 200)]
    source = b"".join(json_line({"prompt": text}) for text in texts)
    run_import(*making.place, source, "prompts.jsonl", ImportOptions())
    table = {"name": "one", "base_url": "http://127.0.0.1:9/v1", "model": "m", "max_tokens": 1}
    plan = GenerationPlan((generator_spec(table, "here"),))
    part = estimate_generation(*making.place, plan)
    monkeypatch.setattr(generate, "LARGE", 2 * len(texts))
    whole = estimate_generation(*making.place, plan)
    assert whole.usd_low == whole.usd_high
    assert part.requests == whole.requests == len(texts)
    assert 0 < part.usd_low < whole.usd_high < part.usd_high < 2 * part.usd_low


def test_the_whole_is_not_scaled_and_an_unknown_price_stays_unknown():
    assert scaled(PART, 100, "pairs") == PART
    assert scaled(Estimate(1, 0, 1, 1, 1, None, None, ("m",), ""), 10, "pairs").usd_low is None


def test_a_large_plan_is_estimated_from_a_part_and_counted_exactly(sqlite_store):
    making = make_project(sqlite_store, prompts=LARGE + 3)
    table = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    specs = (
        generator_spec(table | {"name": "one"}, "here"),
        generator_spec(table | {"name": "two", "temperature": 1, "samples": 2}, "here"),
    )
    found = estimate_generation(*making.place, GenerationPlan(specs))
    assert found.requests == 3 * (LARGE + 3)
    assert "scaled up" in found.basis
    assert estimate_generation(*making.place, GenerationPlan(specs, limit=10)).requests == 30
