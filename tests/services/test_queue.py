"""Serving pairs: each to as many people as the overlap asks for, with a side for ever, in the round's order."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from labeling.domain import text_digest
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.labels import record
from labeling.services.progress import Progress, progress
from labeling.services.queue import next_pairs
from labeling.storage import tables
from labeling.storage.queue import place_of, put_first
from labeling.storage.tables import Assignment, Completion, CompletionText, Generator, Label, RoundPair, now
from tests.services.labelling import Labelling, act, add_pairs, make_labelling
from tests.storage.world import add, add_pair, add_prompt


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def ids(pairs):
    return [pair.pair_id for pair in pairs]


def test_pairs_come_in_the_order_of_their_import_until_the_hand_is_full(talk):
    ann = talk.actor("ann")
    assert ids(talk.next(ann, want=4)) == talk.pairs[:4]
    assert ids(talk.next(ann, want=4, have=tuple(talk.pairs[:4]))) == []
    assert ids(talk.next(ann, want=5, have=tuple(talk.pairs[:4]))) == [talk.pairs[4]]


def test_nobody_is_given_what_another_holds(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    assert ids(talk.next(ann, want=2)) == talk.pairs[:2]
    assert ids(talk.next(bob, want=2)) == talk.pairs[2:4]


def test_overlap_gives_a_pair_to_that_many_people(store):
    talk = make_labelling(store, pairs=1, overlap=2)
    people = [talk.actor(name) for name in "abc"]
    assert [ids(talk.next(person)) for person in people] == [talk.pairs, talk.pairs, []]


def test_a_pair_that_was_served_comes_again_after_a_reload_with_the_same_sides(talk):
    ann = talk.actor("ann")
    first = talk.next(ann, want=3)
    assert talk.next(ann, want=3) == first
    assert ids(talk.next(ann, want=3, have=(first[1].pair_id,))) == [first[0].pair_id, first[2].pair_id]


def test_sides_are_random_for_each_annotator_and_kept(store):
    talk = make_labelling(store, pairs=40, overlap=2)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann, want=40)
    talk.next(bob, want=40)
    sides = Counter((row.rater_id, row.left_side) for row in talk.rows(Assignment))
    assert len(sides) == 4
    one = [row.left_side for row in talk.rows(Assignment, Assignment.rater_id == 1)]
    other = [row.left_side for row in talk.rows(Assignment, Assignment.rater_id == 2)]
    assert one != other


def test_an_ended_reservation_frees_the_slot_and_the_row_stays(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann)
    talk.run(update(Assignment).values(reserved_until=now() - timedelta(seconds=1)))
    assert ids(talk.next(bob)) == [talk.pairs[0]]
    assert [(row.slot, row.state) for row in talk.rows(Assignment)] == [(None, "served"), (1, "served")]
    assert ids(talk.next(ann)) == [talk.pairs[1]]


def test_naming_a_pair_renews_its_reservation(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann)
    talk.run(update(Assignment).values(reserved_until=now() + timedelta(minutes=1)))
    talk.next(ann, have=(talk.pairs[0],))
    assert talk.rows(Assignment)[0].reserved_until > now() + timedelta(minutes=14)
    assert ids(talk.next(bob)) == [talk.pairs[1]]


def test_naming_a_pair_whose_slot_was_emptied_takes_a_free_one_again(talk):
    ann = talk.actor("ann")
    talk.next(ann)
    talk.run(update(Assignment).values(slot=None, reserved_until=None))
    talk.next(ann, have=(talk.pairs[0],))
    assert talk.rows(Assignment)[0].slot == 1


def test_what_is_skipped_is_not_served_again_to_the_same_person(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann)
    record(talk.store, ann, talk.slug, [act(talk.pairs[0], "skip")])
    assert ids(talk.next(ann, want=6)) == talk.pairs[1:]
    assert ids(talk.next(bob, want=6)) == [talk.pairs[0]]


def test_what_came_free_behind_an_annotator_is_found_at_the_end(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann, want=2)
    rest = talk.next(bob, want=4)
    record(talk.store, bob, talk.slug, [act(pair.pair_id) for pair in rest])
    talk.run(update(Assignment).where(Assignment.state == "served").values(reserved_until=now() - timedelta(seconds=1)))
    assert ids(talk.next(bob, want=4)) == talk.pairs[:2]


def test_near_the_end_nobody_takes_more_than_a_fair_part(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    assert len(talk.next(ann)) == 1
    assert len(talk.next(bob, want=20)) == 3
    assert len(talk.next(ann, want=20, have=(talk.pairs[0],))) == 1


def test_pairs_that_a_judge_could_not_decide_come_first(talk):
    with talk.store.writing() as session:
        put_first(session, talk.project_id, talk.pairs[3:5])
        put_first(session, talk.project_id, talk.pairs[3:4])
    assert set(ids(talk.next(talk.actor("ann"), want=2))) == set(talk.pairs[3:5])
    assert ids(talk.next(talk.actor("bob"), want=1)) == [talk.pairs[0]]


def test_a_random_round_has_one_shuffled_order_for_all(store):
    talk = make_labelling(store, pairs=0)
    talk.run(update(tables.Round).values(ordering="random", seed=5))
    talk.pairs = add_pairs(store, talk.project_id, 30)
    assert enqueue_pairs(store, talk.project_id) == 30
    assert enqueue_pairs(store, talk.project_id) == 0
    served = ids(talk.next(talk.actor("ann"), want=30))
    assert served == sorted(talk.pairs, key=lambda pair_id: place_of(pair_id, "random", 5))
    assert served != talk.pairs


def test_pairs_of_an_unfinished_import_are_not_queued(store):
    talk = make_labelling(store, pairs=1)
    with store.writing() as session:
        row = tables.Import(
            project_id=talk.project_id, kind="pairs", format="csv", file_name="f", created_by=talk.owner.account_id
        )
        session.add(row)
        session.flush()
        import_id = row.id
    hidden = add_pairs(store, talk.project_id, 1)
    talk.run(update(tables.Pair).where(tables.Pair.id == hidden[0]).values(import_id=import_id))
    assert enqueue_pairs(store, talk.project_id) == 0
    talk.run(update(tables.Import).values(state="done"))
    assert enqueue_pairs(store, talk.project_id) == 1


def test_progress_counts_mine_and_the_rounds(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    record(talk.store, ann, talk.slug, [act(pair.pair_id) for pair in talk.next(ann, want=2)])
    record(talk.store, bob, talk.slug, [act(talk.next(bob)[0].pair_id, "skip")])
    assert progress(talk.store, ann, talk.slug) == Progress(mine=2, skipped=0, done=2, total=6)
    assert progress(talk.store, bob, talk.slug) == Progress(mine=0, skipped=1, done=2, total=6)
    assert progress(talk.store, bob, talk.slug).behind_me == 2


def test_a_system_prompt_is_shown_only_where_both_generators_had_it(store):
    talk = make_labelling(store, pairs=0)
    with store.writing() as session:
        for number, system in enumerate(("Be brief.", "Be brief.", "Be rude."), 1):
            session.add(
                Generator(
                    id=number, project_id=talk.project_id, digest=text_digest(str(number)), base_url="http://e",
                    model=f"m{number}", system_prompt=system, name=f"g{number}",
                )
            )  # fmt: skip
    for generators in ((1, 2), (1, 3)):
        with store.writing() as session:
            prompt = add_prompt(
                session, talk.project_id, json.dumps([{"role": "user", "content": f"Why {generators}?"}])
            )
            keys = [
                add(
                    session, Completion, prompt_id=prompt, kind="generated", generator_id=generator, sample_number=0,
                    text_digest=text_digest(f"by {generator}"), characters=4, is_sandbox=False,
                )
                for generator in generators
            ]  # fmt: skip
            for key, generator in zip(keys, generators, strict=True):
                add(session, CompletionText, completion_id=key, text=f"by {generator}")
            add_pair(session, talk.project_id, prompt, keys[0], f"by {generators[0]}", keys[1], f"by {generators[1]}")
    enqueue_pairs(store, talk.project_id)
    first, second = talk.next(talk.actor("ann"), want=2)
    assert first.prompt.messages[0] == {"role": "system", "content": "Be brief."}
    assert [message["role"] for message in second.prompt.messages] == ["user"]


@pytest.mark.parametrize("overlap", [1, 2])
def test_twenty_people_at_once_never_exceed_a_slot_lose_or_double_a_label(store, overlap):
    talk = make_labelling(store, pairs=60, overlap=overlap)
    people = [talk.actor(f"person {number}") for number in range(20)]

    def work(person):
        sent = []
        while True:
            pairs = next_pairs(store, person, talk.slug, (), 4)
            if not pairs:
                return sent
            events = [act(pair.pair_id, verdict="right") for pair in pairs]
            recorded = record(store, person, talk.slug, events + events)
            assert not recorded.refused
            sent += [event["event_id"] for event in events]

    with ThreadPoolExecutor(20) as pool:
        sent = [event_id for done in pool.map(work, people) for event_id in done]
    labels = talk.rows(Label)
    assert sorted(row.event_id for row in labels) == sorted(sent)
    assert sorted(row.seq for row in labels) == list(range(1, len(labels) + 1))
    held = Counter(row.pair_id for row in talk.rows(Assignment) if row.slot is not None)
    assert set(held.values()) == {overlap}
    assert len(labels) == 60 * overlap
    assert not any(row.is_surplus for row in labels)
    assert progress(store, people[0], talk.slug).done == 60


def test_one_person_in_twenty_tabs_labels_nothing_twice(store):
    talk = make_labelling(store, pairs=30)
    ann = talk.actor("ann")

    def work(_):
        taken = 0
        while pairs := next_pairs(store, ann, talk.slug, (), 3):
            recorded = record(store, ann, talk.slug, [act(pair.pair_id) for pair in pairs])
            assert {refusal.code for refusal in recorded.refused} <= {"changed_elsewhere"}
            taken += len(recorded.acked)
        return taken

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(work, range(20))) == 30
    assert len(talk.rows(Label)) == 30


def test_rows_of_a_round_can_be_locked_by_one_and_passed_over_by_others(store):
    talk = make_labelling(store, pairs=3)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    talk.next(ann)
    if store.is_sqlite:
        return  # one writer at a time: nothing to pass over
    from labeling.storage.queue import lock_places

    round_id = talk.rows(RoundPair)[0].round_id
    with store.writing() as session:
        lock_places(session, round_id, talk.pairs[:2], wait=True)
        assert ids(talk.next(bob, want=2)) == [talk.pairs[2]]
