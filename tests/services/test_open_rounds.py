"""Which rounds an annotator is offered, and how much waits there."""

import pytest

from labeling.domain import RoundPurpose, Verdict
from labeling.errors import NotFoundError
from labeling.services.desk import open_desk
from labeling.services.gold import set_gold
from labeling.services.imports import ImportOptions, run_import
from labeling.services.labels import record, record_at
from labeling.services.next_step import Step, next_step
from labeling.services.open_rounds import OpenRound, open_rounds
from labeling.services.projects import create_project, project_view
from labeling.services.queue import next_pairs
from labeling.services.round_setup import change_members, close_round, make_calibration, make_practice
from tests.services.labelling import Labelling, act, make_labelling

PAIR = b'{"prompt": "Q%d", "response_a": "x", "response_b": "y", "verdict": "%s"}\n'


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def offered(talk: Labelling, actor) -> dict[str, int]:
    return {one.name: one.waiting for one in open_rounds(talk.store, actor, talk.slug)}


def next_at(talk: Labelling, actor, slug: str) -> Step:
    return next_step(talk.store, actor, project_view(talk.store, actor, slug))


def test_a_round_is_offered_to_those_it_names_and_one_that_names_nobody_to_all(talk):
    ann, bob, cleo = (talk.actor(name) for name in ("ann", "bob", "cleo"))
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[0], Verdict.A, "")
    make_calibration(talk.store, talk.owner, talk.slug, "together", 4, ["ann", "bob"])
    make_practice(talk.store, talk.owner, talk.slug, "warm up", None)
    assert open_rounds(talk.store, ann, talk.slug) == [
        OpenRound("work", RoundPurpose.WORK, 6),
        OpenRound("together", RoundPurpose.CALIBRATION, 4),
        OpenRound("warm up", RoundPurpose.PRACTICE, 1),
    ]
    assert offered(talk, bob) == offered(talk, ann)
    assert list(offered(talk, cleo)) == ["work", "warm up"]


def test_what_was_decided_waits_no_more(talk):
    ann = talk.actor("ann")
    talk.actor("bob")
    make_calibration(talk.store, talk.owner, talk.slug, "together", 4, ["ann", "bob"])
    labelled, skipped, *_ = next_pairs(talk.store, ann, talk.slug, (), 4, "together")
    events = [act(labelled.pair_id), act(skipped.pair_id, "skip")]
    assert not record_at(talk.store, open_desk(talk.store, ann, talk.slug, "together"), events).refused
    assert offered(talk, ann) == {"work": 6, "together": 2}


def test_an_annotator_is_led_to_a_round_that_waits_when_the_work_is_done(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    for pair in talk.next(bob, want=6):
        assert not record(talk.store, bob, talk.slug, [act(pair.pair_id)]).refused
    assert next_at(talk, ann, talk.slug).page == "history"
    make_calibration(talk.store, talk.owner, talk.slug, "together", 4, ["ann", "bob"])
    step = next_at(talk, ann, talk.slug)
    assert (step.page, step.sentence) == ("label", "The round together waits for you.")
    assert step.pairs == 4


def test_a_closed_round_is_not_offered_nor_one_of_others_alone(talk):
    ann = talk.actor("ann")
    talk.actor("bob")
    make_calibration(talk.store, talk.owner, talk.slug, "together", 4, ["ann", "bob"])
    change_members(talk.store, talk.owner, talk.slug, "work", ["bob"])
    assert offered(talk, ann) == {"together": 4}
    close_round(talk.store, talk.owner, talk.slug, "together")
    assert offered(talk, ann) == {}
    with pytest.raises(NotFoundError):
        open_rounds(talk.store, talk.actor("stranger", None), talk.slug)


def test_pairs_that_came_with_their_labels_can_be_exported_until_somebody_begins_to_label(talk, tmp_path):
    assert next_at(talk, talk.owner, talk.slug).page == "label"
    file = tmp_path / "pairs.jsonl"
    file.write_bytes(b"".join(PAIR % (number, verdict) for number, verdict in enumerate((b"a", b"b", b"a"))))
    create_project(talk.store, talk.owner, name="Brought")
    run_import(talk.store, talk.owner, "brought", file, file.name, ImportOptions(labels_as="crowd"))
    step = next_at(talk, talk.owner, "brought")
    assert (step.page, step.sentence.split(":")[0]) == ("export", "Every pair has a label, of a file or a judge")
    open_desk(talk.store, talk.owner, "brought")
    next_pairs(talk.store, talk.owner, "brought", (), 1)
    assert next_at(talk, talk.owner, "brought").page == "label"


def test_pairs_whose_labels_make_no_row_are_to_be_labelled(talk, tmp_path):
    create_project(talk.store, talk.owner, name="Ties")
    (file := tmp_path / "ties.jsonl").write_bytes(PAIR % (1, b"tie"))
    run_import(talk.store, talk.owner, "ties", file, file.name, ImportOptions(labels_as="crowd"))
    assert next_at(talk, talk.owner, "ties").page == "label"
