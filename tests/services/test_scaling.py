from labeling.services.generate import GenerationPlan, estimate_generation
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
