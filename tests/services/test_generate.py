import json

import pytest

from labeling.domain import Role, RunState
from labeling.errors import EndpointError, ForbiddenError, InputError, NotFoundError
from labeling.pairing import PairMode
from labeling.services import runs
from labeling.services.contents import replies_stamp
from labeling.services.generate import (
    GenerationPlan,
    estimate_generation,
    first_prompts,
    list_generators,
    most_pairs,
    retire_generator,
    save_generators,
    start_generation,
    try_generators,
)
from labeling.services.harvest import HARVESTERS
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.specs import generator_spec
from labeling.services.worker import work
from labeling.storage.tables import Completion, Generator, Import, Pair, RoundPair, Run
from tests.fixtures.endpoint import error
from tests.services.making import make_project


def spec(endpoint, name="first", **table):
    return generator_spec({"name": name, "base_url": endpoint.url, "model": name, **table}, "here")


def run_to_the_end(making, plan, key="once", **options):
    run = start_generation(*making.place, plan, idempotency_key=key, **options)
    work(making.store, once=True)
    return runs.run_view(*making.place, run.id)


def test_a_run_writes_completions_and_makes_one_pair_a_prompt(store, chat_endpoint):
    making = make_project(store, prompts=3)
    run = run_to_the_end(making, GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second"))))
    assert (run.state, run.asked, run.answered, run.failed) == (RunState.DONE, 6, 6, {})
    assert sorted(making.texts().values()) == sorted(
        f"{model} on question {number}" for model in ("first", "second") for number in range(3)
    )
    assert [pair.prompt_id for pair in making.rows(Pair)] == making.prompts
    assert len(making.rows(RoundPair)) == 3
    assert [view.completions for view in list_generators(*making.place)] == [3, 3]


def test_only_what_is_written_is_sent_and_the_system_prompt_comes_first(store, chat_endpoint):
    making = make_project(store, prompts=1)
    table = {"temperature": 0.5, "seed": 7, "samples": 2, "system_prompt": "Be brief.", "extra_body": {"top_k": 3}}
    run_to_the_end(making, GenerationPlan((spec(chat_endpoint, **table),)))
    first, second = sorted(chat_endpoint.bodies, key=lambda body: body["seed"])
    assert first == {
        "model": "first",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "question 0"}],
        "temperature": 0.5,
        "top_k": 3,
        "seed": 7,
    }
    assert second == first | {"seed": 8}


def test_two_samples_of_one_generator_make_a_pair_unless_they_say_the_same(store, chat_endpoint):
    making = make_project(store, prompts=2)
    seen = []

    def reply(body):
        seen.append(body)
        return "the same" if "question 0" in str(body) else f"reply {len(seen)}"

    chat_endpoint.reply = reply
    run_to_the_end(making, GenerationPlan((spec(chat_endpoint, samples=2),)))
    assert [pair.prompt_id for pair in making.rows(Pair)] == making.prompts[1:]
    assert make_pairs(*making.place, dry_run=True).same_text == 1


def test_a_second_run_asks_only_for_what_is_missing(store, chat_endpoint):
    making = make_project(store, prompts=3)
    one = spec(chat_endpoint)
    run_to_the_end(making, GenerationPlan((one,), limit=2))
    assert len(chat_endpoint.bodies) == 2
    run_to_the_end(making, GenerationPlan((one,)), key="twice")
    assert len(chat_endpoint.bodies) == 3
    with pytest.raises(InputError):
        start_generation(*making.place, GenerationPlan((one,)), idempotency_key="thrice")


def test_the_same_key_twice_starts_one_run(store, chat_endpoint):
    making = make_project(store)
    plan = GenerationPlan((spec(chat_endpoint),))
    first = start_generation(*making.place, plan, idempotency_key="once")
    second = start_generation(*making.place, plan, idempotency_key="once")
    assert first.id == second.id
    assert len(making.rows(Run)) == 1


def test_a_cut_reply_becomes_no_completion_and_is_counted(store, chat_endpoint):
    making = make_project(store, prompts=1)
    chat_endpoint.finish_reason = "length"
    run = run_to_the_end(making, GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second"))))
    assert run.failed == {"cut": 2}
    assert making.rows(Completion) == []
    assert making.rows(Pair) == []


def test_a_failed_request_leaves_the_pairs_of_the_others_to_be_made(store, chat_endpoint):
    making = make_project(store, prompts=1)
    chat_endpoint.reply = lambda body: (400, error("no")) if body["model"] == "third" else body["model"]
    plan = GenerationPlan(tuple(spec(chat_endpoint, name) for name in ("first", "second", "third")))
    run = run_to_the_end(making, plan)
    assert run.failed == {"bad_request": 1}
    assert make_pairs(*making.place).pairs == 1


def test_harvesting_again_changes_nothing(store, chat_endpoint):
    making = make_project(store)
    run = run_to_the_end(making, GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second"))))
    before = making.rows(Completion), making.rows(Pair)
    with store.writing() as session:
        assert HARVESTERS["generate"](session, run.id, 200) == 0
    assert (making.rows(Completion), making.rows(Pair)) == before


def test_answers_of_another_project_are_not_paid_for_again(store, chat_endpoint):
    plan = GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second")))
    run_to_the_end(make_project(store), plan)
    other = make_project(store, name="Other")
    run = run_to_the_end(other, plan, key="other")
    assert len(chat_endpoint.bodies) == 6
    assert (run.answered, len(other.rows(Pair))) == (6, 6)


def test_what_a_sandbox_wrote_is_marked(store, chat_endpoint):
    making = make_project(store)
    chat_endpoint.fingerprint = "tiebreak-sandbox"
    run_to_the_end(making, GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second"))))
    assert all(row.is_sandbox for row in making.rows(Completion))
    assert all(row.is_sandbox for row in making.rows(Pair))
    assert all(view.is_sandbox for view in list_generators(*making.place))


def test_a_changed_generator_takes_the_place_of_its_name_and_the_old_one_stays_in_the_store(store, chat_endpoint):
    making = make_project(store)
    save_generators(*making.place, [spec(chat_endpoint, temperature=0.1)])
    save_generators(*making.place, [spec(chat_endpoint, temperature=0.2)])
    assert [view.spec.parameters for view in list_generators(*making.place)] == [{"temperature": 0.2}]
    assert len(making.rows(Generator)) == 2
    save_generators(*making.place, [spec(chat_endpoint, temperature=0.1, requests_per_minute=5)])
    (back,) = list_generators(*making.place)
    assert (back.spec.parameters, back.spec.requests_per_minute) == ({"temperature": 0.1}, 5)
    assert len(making.rows(Generator)) == 2


def test_a_removed_generator_is_out_of_use(store, chat_endpoint):
    making = make_project(store)
    (view,) = save_generators(*making.place, [spec(chat_endpoint)])
    retire_generator(*making.place, view.id)
    assert list_generators(*making.place) == []
    with pytest.raises(NotFoundError):
        retire_generator(*making.place, 999)


def test_generators_are_tried_side_by_side_and_a_refused_parameter_is_named(store, chat_endpoint):
    making = make_project(store)
    chat_endpoint.reply = lambda body: (
        (400, error("Unsupported value: 'temperature' does not support 0.7 with this model.", "temperature"))
        if "temperature" in body
        else "Hello"
    )
    specs = [spec(chat_endpoint), spec(chat_endpoint, "second", temperature=0.7)]
    good, refused = try_generators(*making.place, specs, making.prompts[0])
    assert good.reply is not None
    assert (good.reply.text, good.sentence) == ("Hello", None)
    assert refused.sentence is not None
    assert "refuses temperature" in refused.sentence
    assert "vary the system prompt or the model instead" in refused.sentence
    assert making.rows(Run) == []


def test_a_missing_key_is_told_before_anything_is_sent(store, chat_endpoint):
    making = make_project(store)
    plan = GenerationPlan((spec(chat_endpoint, key_env="NO_SUCH_KEY"),))
    with pytest.raises(EndpointError, match="NO_SUCH_KEY is not set"):
        start_generation(*making.place, plan, idempotency_key="once")
    assert chat_endpoint.bodies == []


def test_the_key_reaches_the_endpoint_and_no_table(store, chat_endpoint, monkeypatch):
    making = make_project(store, prompts=1)
    monkeypatch.setenv("MY_KEY", "tomato-and-basil")
    run = run_to_the_end(making, GenerationPlan((spec(chat_endpoint, key_env="MY_KEY"),)))
    assert chat_endpoint.keys == ["Bearer tomato-and-basil"]
    assert "tomato" not in json.dumps(run.spec)


def test_the_estimate_counts_what_is_missing_and_saves_nothing(store, chat_endpoint):
    making = make_project(store, prompts=3)
    plan = GenerationPlan((spec(chat_endpoint), spec(chat_endpoint, "second", samples=2)))
    assert estimate_generation(*making.place, plan).requests == 9
    assert making.rows(Generator) == []
    run_to_the_end(making, GenerationPlan(plan.generators, limit=1))
    assert estimate_generation(*making.place, plan).requests == 6


@pytest.mark.parametrize(
    ("samples", "mode", "per_prompt", "most"),
    [
        ((1, 1, 1), None, 1, 5),
        ((1, 1, 1), None, None, 15),
        ((2,), None, 1, 5),
        ((1,), None, 1, 0),
        ((2, 2), PairMode.SAMPLES, None, 10),
    ],
)
def test_the_most_pairs_of_a_plan(samples, mode, per_prompt, most):
    table = {"base_url": "http://localhost/v1", "model": "m"}
    generators = tuple(
        generator_spec({**table, "name": f"g{number}", "samples": many, "seed": number}, "here")
        for number, many in enumerate(samples)
    )
    assert most_pairs(GenerationPlan(generators, pairs=PairPlan(mode, per_prompt)), 5) == most


@pytest.mark.parametrize("options", [{"generators": ()}, {"samples": 0}, {"samples": 65}, {"limit": 0}])
def test_a_plan_that_asks_for_nothing_is_refused(options):
    one = generator_spec({"name": "a", "base_url": "http://localhost/v1", "model": "m"}, "here")
    with pytest.raises(InputError):
        GenerationPlan(**({"generators": (one,)} | options))


def test_annotators_neither_see_nor_start_generators(store, chat_endpoint):
    making = make_project(store)
    ana = making.member("ana", Role.ANNOTATOR)
    place = (store, ana, making.slug)
    plan = GenerationPlan((spec(chat_endpoint),))
    for act in (
        lambda: list_generators(*place),
        lambda: save_generators(*place, plan.generators),
        lambda: start_generation(*place, plan, idempotency_key="x"),
        lambda: try_generators(*place, plan.generators, making.prompts[0]),
        lambda: estimate_generation(*place, plan),
        lambda: first_prompts(*place),
    ):
        with pytest.raises(ForbiddenError):
            act()


def test_what_is_known_of_all_replies_is_old_when_some_are_imported_or_generated(store, chat_endpoint):
    making = make_project(store, prompts=1)
    before = replies_stamp(*making.place)
    assert replies_stamp(*making.place) == before
    with store.writing() as session:
        told = {"kind": "completions", "format": "f", "file_name": "f", "created_by": making.owner.account_id}
        session.add(Import(project_id=making.project_id, state="done", **told))
    imported = replies_stamp(*making.place)
    start_generation(*making.place, GenerationPlan((spec(chat_endpoint),)), idempotency_key="once")
    work(store, once=True)
    assert len({before, imported, replies_stamp(*making.place)}) == 3
