"""Recording label events: stored once and in stored order, or refused with a reason, on both engines."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from labeling.errors import ForbiddenError, NotFoundError
from labeling.services.desk import open_desk
from labeling.services.labels import Decided, last_decided, record
from labeling.services.progress import progress
from labeling.services.projects import create_project, write_guidelines
from labeling.services.round_setup import set_overlap
from labeling.storage import tables
from labeling.storage.labels import take_seqs
from labeling.storage.tables import Assignment, Completion, CompletionText, Flag, Label, LabelNote, RoundPair, now
from tests.services.labelling import Labelling, act, add_pairs, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store)


def send(talk, actor, *events):
    return record(talk.store, actor, talk.slug, list(events))


def codes(recorded):
    return [refusal.code for refusal in recorded.refused]


def expire(talk, *, minutes=16):
    talk.run(
        update(Assignment)
        .where(Assignment.reserved_until.is_not(None))
        .values(reserved_until=now() - timedelta(minutes=1), served_at=now() - timedelta(minutes=minutes))
    )


@pytest.mark.parametrize("verdict", ["left", "right", "tie", "both_bad"])
def test_a_verdict_is_stored_in_stored_order_by_the_side_that_was_shown(talk, verdict):
    ann = talk.actor("ann")
    pair = talk.next(ann)[0]
    side = talk.rows(Assignment)[0].left_side
    assert pair.left.text.startswith(side)
    assert not send(talk, ann, act(pair.pair_id, verdict=verdict)).refused
    other = {"a": "b", "b": "a"}[side]
    stored = talk.rows(Label)[0]
    assert stored.verdict == {"left": side, "right": other}.get(verdict, verdict)
    assert stored.left_side == side
    assert (stored.revision, stored.seq, stored.action, stored.is_surplus) == (1, 1, "label", False)
    assert stored.renderer_version
    assert stored.guideline_version_id


def test_an_event_that_comes_twice_is_stored_once_and_acknowledged_twice(talk):
    ann = talk.actor("ann")
    event = act(talk.next(ann)[0].pair_id)
    assert send(talk, ann, event, event).acked == (event["event_id"],) * 2
    later = event | {"event_id": event["event_id"].upper(), "verdict": "right"}
    assert send(talk, ann, later).acked == (later["event_id"],)
    assert len(talk.rows(Label)) == 1


def test_an_event_that_follows_itself_is_stored_once(talk):
    ann = talk.actor("ann")
    event = act(talk.next(ann)[0].pair_id)
    after_itself = event | {"after": event["event_id"]}
    assert send(talk, ann, event, after_itself).acked == (event["event_id"],) * 2
    assert send(talk, ann, after_itself).acked == (event["event_id"],)
    assert len(talk.rows(Label)) == 1


def test_a_resend_after_an_undo_does_not_bring_the_label_back(talk):
    ann = talk.actor("ann")
    event = act(talk.next(ann)[0].pair_id)
    undo = act(event["pair_id"], "undo", after=event["event_id"])
    send(talk, ann, event, undo)
    assert send(talk, ann, event).acked == (event["event_id"],)
    assert [row.action for row in talk.rows(Label)] == ["label", "undo"]
    assert progress(talk.store, ann, talk.slug).mine == 0


def test_an_event_id_of_another_annotator_is_not_taken_for_ones_own(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    event = act(talk.next(ann)[0].pair_id)
    send(talk, ann, event)
    theirs = act(talk.next(bob)[0].pair_id) | {"event_id": event["event_id"]}
    assert codes(send(talk, bob, theirs)) == ["event_id_used"]


def test_a_stale_after_is_refused_as_changed_elsewhere(talk):
    ann = talk.actor("ann")
    pair_id = talk.next(ann)[0].pair_id
    first = act(pair_id)
    send(talk, ann, first)
    assert codes(send(talk, ann, act(pair_id, verdict="right"))) == ["changed_elsewhere"]
    assert codes(send(talk, ann, act(pair_id, "undo", after=str(uuid4())))) == ["changed_elsewhere"]
    assert not send(talk, ann, act(pair_id, verdict="right", after=first["event_id"])).refused
    assert [row.revision for row in talk.rows(Label)] == [1, 2]


def test_a_change_of_mind_keeps_the_slot_and_is_a_new_revision(talk):
    ann = talk.actor("ann")
    pair_id = talk.next(ann)[0].pair_id
    label = act(pair_id)
    undo = act(pair_id, "undo", after=label["event_id"])
    again = act(pair_id, verdict="tie", after=undo["event_id"])
    assert not send(talk, ann, label, undo, again).refused
    assert [(row.revision, row.action, row.verdict) for row in talk.rows(Label)][1:] == [
        (2, "undo", None),
        (3, "label", "tie"),
    ]
    assert talk.rows(Assignment)[0].slot == 1
    assert progress(talk.store, ann, talk.slug).done == 1


def test_an_undone_label_reopens_the_pair_for_its_annotator_who_sees_it_first(talk):
    ann = talk.actor("ann")
    pairs = talk.next(ann, want=2)
    label = act(pairs[0].pair_id)
    undo = act(pairs[0].pair_id, "undo", after=label["event_id"])
    send(talk, ann, label, undo)
    assert progress(talk.store, ann, talk.slug).done == 0
    back = talk.next(ann, want=2, have=(pairs[1].pair_id,))
    assert back[0].pair_id == pairs[0].pair_id
    assert back[0].after == undo["event_id"]
    assert back[0].left == pairs[0].left
    assert not send(talk, ann, act(pairs[0].pair_id, verdict="right")).refused


def test_nothing_decided_cannot_be_undone(talk):
    ann = talk.actor("ann")
    pair_id = talk.next(ann)[0].pair_id
    assert codes(send(talk, ann, act(pair_id, "undo"))) == ["nothing_to_undo"]
    label = act(pair_id)
    undo = act(pair_id, "undo", after=label["event_id"])
    assert codes(send(talk, ann, label, undo, act(pair_id, "undo", after=undo["event_id"]))) == ["nothing_to_undo"]


def test_a_skip_gives_the_slot_to_the_next_and_is_undone_only_while_one_is_free(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    pair_id = talk.next(ann)[0].pair_id
    skip = act(pair_id, "skip", reasons=["too long"], comment="not mine")
    assert not send(talk, ann, skip).refused
    undo = act(pair_id, "undo", after=skip["event_id"])
    assert not send(talk, ann, undo).refused
    again = act(pair_id, "skip", after=undo["event_id"])
    send(talk, ann, again)
    assert [pair.pair_id for pair in talk.next(bob)] == [pair_id]
    late = send(talk, ann, act(pair_id, "undo", after=again["event_id"]))
    assert codes(late) == ["no_free_slot"]
    assert "others have taken it" in late.refused[0].reason
    assert progress(talk.store, ann, talk.slug).skipped == 1


def test_a_label_after_its_reservation_ended_takes_its_slot_while_nobody_else_has(talk):
    ann = talk.actor("ann")
    pair_id = talk.next(ann)[0].pair_id
    expire(talk)
    assert not send(talk, ann, act(pair_id)).refused
    assert (talk.rows(Label)[0].is_surplus, talk.rows(Assignment)[0].slot) == (False, 1)


def test_a_label_whose_slot_is_taken_is_kept_as_surplus_outside_progress(talk):
    ann, bob = talk.actor("ann"), talk.actor("bob")
    pair_id = talk.next(ann)[0].pair_id
    expire(talk)
    assert [pair.pair_id for pair in talk.next(bob)] == [pair_id]
    assert not send(talk, ann, act(pair_id)).refused
    assert talk.rows(Label)[0].is_surplus
    assert progress(talk.store, bob, talk.slug).done == 0
    assert not send(talk, bob, act(pair_id)).refused
    assert progress(talk.store, bob, talk.slug).done == 1
    assert [row.slot for row in talk.rows(Assignment)] == [None, 1]


def test_a_late_label_takes_another_free_slot(store):
    talk = make_labelling(store, pairs=1, overlap=2)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    pair_id = talk.next(ann)[0].pair_id
    expire(talk)
    talk.run(update(Assignment).values(slot=None, reserved_until=None))
    talk.next(bob)
    assert not send(talk, ann, act(pair_id)).refused
    assert not talk.rows(Label)[0].is_surplus
    assert sorted(row.slot for row in talk.rows(Assignment)) == [1, 2]


def test_lowering_the_overlap_deletes_nothing_and_takes_no_one_in(store):
    talk = make_labelling(store, pairs=1, overlap=2)
    ann, bob, eve = talk.actor("ann"), talk.actor("bob"), talk.actor("eve")
    pair_id = talk.next(ann)[0].pair_id
    talk.next(bob)
    send(talk, ann, act(pair_id))
    set_overlap(store, talk.owner, talk.slug, 1)
    assert talk.next(eve) == []
    assert progress(store, ann, talk.slug).done == 1
    assert not send(talk, bob, act(pair_id)).refused
    set_overlap(store, talk.owner, talk.slug, 3)
    assert [pair.pair_id for pair in talk.next(eve)] == [pair_id]


def test_a_flag_is_a_row_of_its_own_and_changes_no_label(talk):
    ann = talk.actor("ann")
    pair_id = talk.next(ann)[0].pair_id
    flag = act(pair_id, "flag", comment="Names its model", reasons=["leak"])
    assert send(talk, ann, flag, flag).acked == (flag["event_id"],) * 2
    found = talk.rows(Flag)
    assert [(row.comment, json.loads(row.reasons)) for row in found] == [("Names its model", ["leak"])]
    assert not talk.rows(Label)
    assert not send(talk, ann, act(pair_id)).refused


def test_what_the_project_asks_is_stored_with_criteria_in_stored_order(talk):
    talk.ask(strength=True, reasons=["clearer", "shorter"], criteria=["honest"], edits=True)
    ann = talk.actor("ann")
    pair = talk.next(ann)[0]
    side = talk.rows(Assignment)[0].left_side
    event = act(
        pair.pair_id, strength=3, reasons=["shorter"], criteria={"honest": "right"}, comment="Ümlaut 🙂", edited="Better still",
        away_milliseconds=50,
    )  # fmt: skip
    assert not send(talk, ann, event).refused
    stored, note = talk.rows(Label)[0], talk.rows(LabelNote)[0]
    assert (stored.strength, stored.milliseconds, stored.away_milliseconds) == (3, 900, 50)
    assert json.loads(note.criteria) == {"honest": {"a": "b", "b": "a"}[side]}
    assert (json.loads(note.reasons), note.comment) == (["shorter"], "Ümlaut 🙂")
    edit = talk.rows(Completion, Completion.kind == "edit")[0]
    assert (edit.id, edit.rater_id) == (stored.edit_id, stored.rater_id)
    parent = talk.rows(CompletionText, CompletionText.completion_id == edit.parent_id)[0]
    assert parent.text == pair.left.text
    assert talk.rows(CompletionText, CompletionText.completion_id == edit.id)[0].text == "Better still"
    again = act(pair.pair_id, after=event["event_id"], edited="Better still")
    assert not send(talk, ann, again).refused
    assert len(talk.rows(Completion, Completion.kind == "edit")) == 1


@pytest.mark.parametrize(
    ("asked", "more", "code"),
    [
        ({"no_tie": True}, {"verdict": "tie"}, "verdict_not_allowed"),
        ({"no_both_bad": True}, {"verdict": "both_bad"}, "verdict_not_allowed"),
        ({}, {"strength": 2}, "not_asked"),
        ({"strength": True}, {"strength": 2, "verdict": "tie"}, "not_asked"),
        ({"strength": True}, {"strength": 4}, "malformed"),
        ({"strength": True}, {"strength": True}, "malformed"),
        ({"strength": True}, {"strength": 1.0}, "malformed"),
        ({"strength": True, "required": ["strength"]}, {}, "missing"),
        ({"criteria": ["honest"], "required": ["criteria"]}, {}, "missing"),
        ({"reasons": ["x"], "required": ["reasons"]}, {}, "missing"),
        ({"required": ["comment"]}, {"comment": "  "}, "missing"),
        ({}, {"criteria": {"honest": "left"}}, "not_asked"),
        ({"criteria": ["honest"]}, {"criteria": {"honest": "a"}}, "malformed"),
        ({"criteria": ["honest"]}, {"criteria": "left"}, "malformed"),
        ({}, {"reasons": ["because"]}, "not_asked"),
        ({"reasons": ["x"]}, {"reasons": "x"}, "malformed"),
        ({}, {"edited": "Better"}, "not_asked"),
        ({"edits": True}, {"edited": " "}, "malformed"),
        ({"edits": True}, {"edited": "x", "verdict": "both_bad"}, "not_asked"),
        ({"edits": True}, {"edited": "x", "verdict": "tie", "edited_side": "left"}, "not_asked"),
        ({"edits": True}, {"edited": "x", "verdict": "left", "edited_side": "right"}, "not_asked"),
        ({"edits": True}, {"edited": "x", "verdict": "both_bad", "edited_side": "a"}, "malformed"),
        ({"edits": True}, {"edited": "x" * 200_001}, "too_long"),
        ({}, {"comment": "x" * 10_001}, "too_long"),
        ({}, {"comment": "\x00"}, "malformed"),
        ({}, {"comment": "\ud800"}, "malformed"),
        ({}, {"verdict": "a"}, "malformed"),
        ({}, {"verdict": None}, "malformed"),
        ({}, {"verdict": ["left"]}, "malformed"),
        ({}, {"action": "void", "verdict": None}, "malformed"),
        ({}, {"action": "skip"}, "malformed"),
        ({}, {"event_id": "1"}, "malformed"),
        ({}, {"after": "none"}, "malformed"),
        ({}, {"pair_id": "1"}, "malformed"),
        ({}, {"pair_id": True}, "malformed"),
        ({}, {"pair_id": 2**63}, "malformed"),
        ({}, {"pair_id": 2**63 - 1}, "unknown_pair"),
        ({}, {"rater": "bob"}, "malformed"),
        ({}, {"milliseconds": -1}, "bad_milliseconds"),
        ({}, {"milliseconds": None}, "bad_milliseconds"),
        ({}, {"milliseconds": 1.5}, "bad_milliseconds"),
        ({}, {"milliseconds": "900"}, "bad_milliseconds"),
        ({}, {"milliseconds": 10**30}, "bad_milliseconds"),
        ({}, {"away_milliseconds": 24 * 3_600_000}, "bad_milliseconds"),
    ],
)
def test_a_bad_event_is_refused_alone_with_a_reason_and_the_rest_is_taken(sqlite_store, asked, more, code):
    talk = make_labelling(sqlite_store)
    ann = talk.actor("ann")
    pairs = talk.next(ann, want=2)
    talk.ask(**(asked | {"required": []}))
    good = act(pairs[1].pair_id)
    talk.ask(**asked)
    bad = act(pairs[0].pair_id) | more
    recorded = send(talk, ann, bad)
    assert codes(recorded) == [code]
    assert recorded.refused[0].reason.endswith((".", "missing here."))
    talk.ask()
    bad_again_and_good = send(talk, ann, {"event_id": str(uuid4())}, good)
    assert bad_again_and_good.acked == (good["event_id"],)
    assert len(talk.rows(Label)) == 1


@pytest.mark.parametrize("raw", [None, 7, "label", [], {}, {"event_id": 5}])
def test_what_is_no_event_is_refused(talk, raw):
    ann = talk.actor("ann")
    assert codes(send(talk, ann, raw)) == ["malformed"]


def test_unknown_foreign_and_never_served_pairs_are_refused_apart(talk):
    ann = talk.actor("ann")
    talk.next(ann)
    other = create_project(talk.store, talk.owner, name="Other")
    foreign = add_pairs(talk.store, other.id, 1)[0]
    recorded = send(talk, ann, act(10**6), act(foreign), act(talk.pairs[2]))
    assert codes(recorded) == ["unknown_pair", "unknown_pair", "never_served"]


def test_a_closed_project_takes_no_labels_and_serves_no_pairs(talk):
    ann = talk.actor("ann")
    stored, pair_id = (pair.pair_id for pair in talk.next(ann, want=2))
    before = act(stored)
    send(talk, ann, before)
    talk.run(update(tables.Project).values(closed_at=now()))
    assert send(talk, ann, before).acked == (before["event_id"],)
    assert codes(send(talk, ann, act(pair_id))) == ["closed"]
    assert talk.next(ann, want=3) == []


def test_only_members_who_may_label_are_heard(talk):
    stranger = talk.actor("stranger", role=None)
    with pytest.raises(NotFoundError):
        send(talk, stranger, act(talk.pairs[0]))
    with pytest.raises(NotFoundError):
        record(talk.store, talk.owner, talk.slug, [], round_name="second")
    round_id = talk.rows(tables.Round)[0].id
    bob = talk.actor("bob")
    with talk.store.writing() as session:
        session.add(tables.RoundMember(round_id=round_id, account_id=bob.account_id))
    assert talk.next(bob)
    with pytest.raises(ForbiddenError):
        talk.next(talk.actor("ann"))


def test_a_label_names_the_guidelines_of_its_time(talk):
    ann = talk.actor("ann")
    first, second = talk.next(ann, want=2)
    send(talk, ann, act(first.pair_id))
    write_guidelines(talk.store, talk.owner, talk.slug, "Be stricter.")
    send(talk, ann, act(second.pair_id))
    versions = [row.guideline_version_id for row in talk.rows(Label)]
    assert versions[0] != versions[1]


def test_two_hundred_events_at_once_are_taken(store):
    talk = make_labelling(store, pairs=60)
    ann = talk.actor("ann")
    pairs = [
        *talk.next(ann, want=50),
    ]
    events = []
    for pair in pairs:
        label = act(pair.pair_id)
        undo = act(pair.pair_id, "undo", after=label["event_id"])
        again = act(pair.pair_id, after=undo["event_id"], verdict="right")
        events += [label, undo, again, act(pair.pair_id, "flag")]
    recorded = send(talk, ann, *events)
    assert len(recorded.acked) == 200
    assert [row.seq for row in talk.rows(Label)] == list(range(1, 151))
    assert progress(store, ann, talk.slug).mine == 50


def test_what_was_decided_last_can_be_found_for_undo(talk):
    ann = talk.actor("ann")
    desk = open_desk(talk.store, ann, talk.slug)
    assert last_decided(talk.store, desk, 5) == []
    first, second = talk.next(ann, want=2)
    one, two = act(first.pair_id), act(second.pair_id, "skip")
    send(talk, ann, one)
    send(talk, ann, two)
    both = [Decided(second.pair_id, two["event_id"], "skip"), Decided(first.pair_id, one["event_id"], "label")]
    assert last_decided(talk.store, desk, 5) == both
    assert last_decided(talk.store, desk, 1) == both[:1]
    send(talk, ann, act(second.pair_id, "undo", after=two["event_id"]))
    assert last_decided(talk.store, desk, 5) == both[1:]


def test_numbers_are_taken_one_after_the_other(talk):
    with talk.store.writing() as session:
        assert take_seqs(session, talk.project_id, 3) == 1
        assert take_seqs(session, talk.project_id, 1) == 4
    with talk.store.writing() as session:
        assert take_seqs(session, talk.project_id, 2) == 5


def test_a_practice_round_takes_no_slots(talk):
    talk.run(update(tables.Round).values(purpose="practice"))
    ann, bob = talk.actor("ann"), talk.actor("bob")
    for person in (ann, bob):
        pair_id = talk.next(person)[0].pair_id
        assert pair_id == talk.pairs[0]
        assert not send(talk, person, act(pair_id)).refused
    assert [(row.slot, row.reserved_until) for row in talk.rows(Assignment)] == [(None, None)] * 2
    assert not any(row.is_surplus for row in talk.rows(Label))
    assert not any(row.is_done for row in talk.rows(RoundPair))
