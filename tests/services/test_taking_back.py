"""Labels taken back by a lead: events stay, slots open again; and what annotators wrote to the lead."""

from datetime import timedelta

import pytest

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.inbox import flags, settle_flag, skips
from labeling.services.labels import record
from labeling.services.progress import progress
from labeling.services.projects import write_guidelines
from labeling.services.taking_back import Which, count_to_take_back, take_back
from labeling.storage.tables import Assignment, Label, LabelNote, now
from tests.services.labelling import Labelling, act, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=40)


def label(talk, actor, count, **more):
    events = []
    for _ in range(count):
        pair = talk.next(actor)[0]
        events.append(act(pair.pair_id, after=pair.after, **more))
        assert record(talk.store, actor, talk.slug, events[-1:]).acked
    return events


def test_a_raters_labels_are_taken_back_and_others_are_asked(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    label(talk, ann, 30)
    label(talk, bob, 2)
    which = Which(annotator="ann", since=now() - timedelta(hours=1))
    assert count_to_take_back(talk.store, talk.owner, talk.slug, which) == 30
    assert take_back(talk.store, talk.owner, talk.slug, which, "Pressed one key all day.", again=False) == 30
    events = talk.rows(Label)
    assert len(events) == 62
    assert [row.seq for row in sorted(events, key=lambda row: row.seq)] == list(range(1, 63))
    assert {row.comment for row in talk.rows(LabelNote)} == {"Pressed one key all day."}
    assert not [row for row in talk.rows(Assignment) if row.rater_id == events[0].rater_id and row.slot is not None]
    assert progress(talk.store, bob, talk.slug).done == 2
    assert len(label(talk, bob, 38)) == 38
    assert talk.next(ann) == []
    assert take_back(talk.store, talk.owner, talk.slug, which, "Again.", again=False) == 0


def test_labels_of_old_guidelines_are_asked_of_the_same_annotators_again(talk):
    ann = talk.actor("ann")
    old = label(talk, ann, 3)
    write_guidelines(talk.store, talk.owner, talk.slug, "New ones.")
    label(talk, ann, 2)
    which = Which(upto_version=1)
    assert take_back(talk.store, talk.owner, talk.slug, which, "The guidelines changed.", again=True) == 3
    assert {pair.pair_id for pair in talk.next(ann, want=3)} == {event["pair_id"] for event in old}
    label(talk, ann, 3)
    assert progress(talk.store, ann, talk.slug).mine == 5
    assert count_to_take_back(talk.store, talk.owner, talk.slug, which) == 0


def test_labels_with_a_reason_are_found(talk):
    talk.ask(reasons=["Too long", 'Wrong "fact"'])
    ann = talk.actor("ann")
    label(talk, ann, 2, reasons=["Too long"])
    label(talk, ann, 1, reasons=['Wrong "fact"', "Too long"])
    assert count_to_take_back(talk.store, talk.owner, talk.slug, Which(reason='Wrong "fact"')) == 1
    assert count_to_take_back(talk.store, talk.owner, talk.slug, Which(reason="Too long")) == 3
    assert count_to_take_back(talk.store, talk.owner, talk.slug, Which(reason="Too")) == 0
    assert count_to_take_back(talk.store, talk.owner, talk.slug, Which(tag="maths")) == 0


def test_what_cannot_be_taken_back_is_refused(talk):
    with pytest.raises(InputError, match="which labels"):
        take_back(talk.store, talk.owner, talk.slug, Which(), "x", again=False)
    with pytest.raises(InputError, match="Say why"):
        take_back(talk.store, talk.owner, talk.slug, Which(annotator="ann"), " ", again=False)
    with pytest.raises(ForbiddenError):
        take_back(talk.store, talk.actor("ann"), talk.slug, Which(annotator="ann"), "x", again=False)


def test_flags_and_skips_reach_the_lead_with_their_reasons(talk):
    ann, lead = talk.actor("ann"), talk.actor("lead", Role.LEAD)
    first, second = talk.next(ann, want=2)
    flag = act(first.pair_id, "flag", comment="Both are cut off.", reasons=["Broken text"])
    record(talk.store, ann, talk.slug, [flag, act(second.pair_id, "skip", reasons=["Cannot decide"])])
    (told,) = flags(talk.store, lead, talk.slug)
    assert (told.pair_id, told.annotator, told.comment, told.reasons) == (
        first.pair_id,
        "ann",
        "Both are cut off.",
        ("Broken text",),
    )
    (skipped,) = skips(talk.store, lead, talk.slug)
    assert (skipped.flag_id, skipped.pair_id, skipped.reasons) == (None, second.pair_id, ("Cannot decide",))
    assert told.flag_id is not None
    settle_flag(talk.store, lead, talk.slug, told.flag_id)
    assert flags(talk.store, lead, talk.slug) == []
    assert len(flags(talk.store, lead, talk.slug, settled=True)) == 1
    with pytest.raises(NotFoundError, match="settled already"):
        settle_flag(talk.store, lead, talk.slug, told.flag_id)
    with pytest.raises(ForbiddenError):
        flags(talk.store, ann, talk.slug)
