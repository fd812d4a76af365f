import pytest
from sqlalchemy import select

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError
from labeling.pairing import PairMode
from labeling.services.pairing import PairPlan, make_pairs
from labeling.sifting import OPEN
from labeling.storage.tables import Pair, Project, RoundPair
from tests.services.making import make_project


def test_what_comes_out_is_told_before_and_is_what_is_made(store):
    making = make_project(store, prompts=4)
    making.add_completions(making.prompts[0], ["one", "two"])
    making.add_completions(making.prompts[1], ["same", "same"])
    making.add_completions(making.prompts[2], ["alone"])
    told = make_pairs(*making.place, dry_run=True)
    assert making.rows(Pair) == []
    assert make_pairs(*making.place) == told
    assert (told.prompts, told.pairs, told.with_pairs, told.too_few, told.same_text) == (4, 1, 1, 2, 1)
    assert len(making.rows(Pair)) == 1


def test_a_second_call_makes_nothing_twice(store):
    making = make_project(store, prompts=2)
    for prompt in making.prompts:
        making.add_completions(prompt, ["one", "two", "three"])
    assert make_pairs(*making.place).pairs == 2
    again = make_pairs(*making.place)
    assert (again.pairs, again.has_pairs) == (0, 2)


def test_every_two_sources_can_be_paired(store):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["one", "two", "three"])
    assert make_pairs(*making.place, PairPlan(PairMode.SOURCES, None)).pairs == 3


def test_new_pairs_stand_in_the_queue_of_the_work_round(store):
    making = make_project(store, prompts=2)
    making.add_completions(making.prompts[0], ["one", "two"])
    make_pairs(*making.place)
    assert [row.pair_id for row in making.rows(RoundPair)] == [row.id for row in making.rows(Pair)]


def test_the_imported_completions_of_the_model_to_be_tuned_come_first(store):
    making = make_project(store, prompts=8, target_model="tuned")
    own = []
    for prompt in making.prompts:
        making.add_completions(prompt, ["one", "two", "three"])
        own += making.add_completions(prompt, ["mine"], source="tuned")
    make_pairs(*making.place)
    assert all({row.a_id, row.b_id} & set(own) for row in making.rows(Pair))


def test_a_pair_with_a_sandbox_completion_is_marked(store):
    making = make_project(store, prompts=1)
    first, _ = making.add_completions(making.prompts[0], ["one", "two"])
    with store.writing() as session:
        from labeling.storage.tables import Completion

        session.get_one(Completion, first).is_sandbox = True
    make_pairs(*making.place)
    assert [row.is_sandbox for row in making.rows(Pair)] == [True]


def test_only_who_manages_the_project_makes_pairs(store):
    making = make_project(store)
    with pytest.raises(ForbiddenError):
        make_pairs(store, making.member("ana", Role.ANNOTATOR), making.slug)
    with store.reading() as session:
        assert session.scalar(select(Project.id)) == making.project_id


def test_pairs_a_prompt_are_bounded():
    with pytest.raises(InputError, match="Pairs a prompt must be from 1 to 50"):
        PairPlan(per_prompt=0)


REFUSAL = "I'm sorry, but I can't help with that."
LONG = " ".join(f"word{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(60))


def test_refusals_and_near_duplicates_are_dropped_and_counted_before_anything_is_made(store):
    making = make_project(store, prompts=3)
    making.add_completions(making.prompts[0], ["one", REFUSAL, "two"])
    making.add_completions(making.prompts[1], [LONG, LONG + " end"])
    making.add_completions(making.prompts[2], ["alone", REFUSAL])
    told = make_pairs(*making.place, dry_run=True)
    assert told.dropped == {"refusal": 2, "near-duplicate": 1}
    assert (told.pairs, told.with_pairs, told.too_few_left, told.too_few) == (1, 1, 2, 0)
    assert make_pairs(*making.place) == told
    (pair,) = making.rows(Pair)
    texts = making.texts()
    assert {texts[pair.a_id], texts[pair.b_id]} == {"one", "two"}


def test_what_is_cut_by_its_own_word_is_dropped(store):
    making = make_project(store, prompts=1)
    ids = making.add_completions(making.prompts[0], ["one", "two", "three"])
    with store.writing() as session:
        from labeling.storage.tables import Completion

        session.get_one(Completion, ids[1]).finish_reason = "length"
    told = make_pairs(*making.place, PairPlan(per_prompt=None))
    assert (told.pairs, told.dropped) == (1, {"cut off": 1})


def test_a_sieve_that_is_open_drops_nothing(store):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], [REFUSAL, "one"])
    assert make_pairs(*making.place, PairPlan(sieve=OPEN)).pairs == 1


def test_prompts_that_have_their_pairs_drop_nothing_any_more(store):
    making = make_project(store, prompts=1)
    making.add_completions(making.prompts[0], ["one", "two", REFUSAL])
    assert make_pairs(*making.place).dropped == {"refusal": 1}
    assert make_pairs(*making.place).dropped == {}
