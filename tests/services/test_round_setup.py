"""Rounds as a lead makes them: practice that opens the work, calibration, repeat; closed, opened, with another overlap."""

import pytest

from labeling.domain import Role, RoundPurpose, Verdict
from labeling.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from labeling.services.desk import open_desk
from labeling.services.gold import set_gold
from labeling.services.labels import last_decided, record
from labeling.services.practice import feedback_of, must_practise, practice_state
from labeling.services.progress import progress
from labeling.services.queue import next_pairs
from labeling.services.round_setup import (
    REPEAT_AFTER,
    Steadiness,
    change_members,
    close_round,
    make_calibration,
    make_practice,
    make_repeat,
    make_review,
    people_of,
    rounds_of,
    steadiness,
)
from labeling.services.taking_back import Which, take_back
from tests.services.labelling import Labelling, act, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def in_round(talk, actor, name, verdict, most=100):
    """Label in a round with a verdict of the screen, or one for each pair; the events in their order."""
    events = []
    while len(events) < most and (pairs := next_pairs(talk.store, actor, talk.slug, (), 1, name)):
        pair = pairs[0]
        event = act(pair.pair_id, verdict=verdict(pair) if callable(verdict) else verdict, after=pair.after)
        assert record(talk.store, actor, talk.slug, [event], round_name=name).acked
        events.append(event)
    return events


def right_side(talk, verdicts):
    """The verdict of the screen that says what is right: texts begin with the side they are stored on."""

    def choose(pair):
        left_is_a = pair.left.text.startswith("a ")
        return "left" if left_is_a == (verdicts[pair.pair_id] is Verdict.A) else "right"

    return choose


def make_gold(talk, count):
    verdicts = {pair_id: (Verdict.A, Verdict.B)[number % 2] for number, pair_id in enumerate(talk.pairs[:count])}
    for pair_id, verdict in verdicts.items():
        set_gold(talk.store, talk.owner, talk.slug, pair_id, verdict, "It **answers**.")
    return verdicts


def test_practice_tells_what_is_right_and_opens_the_work_when_passed(talk):
    verdicts = make_gold(talk, 4)
    assert make_practice(talk.store, talk.owner, talk.slug, "practice", 0.75) == 4
    ann = talk.actor("ann")
    work = open_desk(talk.store, ann, talk.slug)
    assert must_practise(talk.store, work)
    assert talk.next(ann) == []
    desk = open_desk(talk.store, ann, talk.slug, "practice")
    (event,) = in_round(talk, ann, "practice", right_side(talk, verdicts), most=1)
    (told,) = feedback_of(talk.store, desk, [event["event_id"]])
    assert (told.pair_id, told.correct, told.verdict) == (talk.pairs[0], True, event["verdict"])
    assert told.reason is not None
    assert "<strong>answers</strong>" in told.reason
    (wrong,) = in_round(talk, ann, "practice", "tie", most=1)
    (told,) = feedback_of(talk.store, desk, [wrong["event_id"]])
    assert not told.correct
    in_round(talk, ann, "practice", right_side(talk, verdicts))
    state = practice_state(talk.store, desk, desk.round_id)
    assert (state.answered, state.correct, state.total, state.passed) == (4, 3, 4, True)
    assert not must_practise(talk.store, work)
    assert len(talk.next(ann)) == 1
    assert {one.name: one.done for one in rounds_of(talk.store, talk.owner, talk.slug)} == {"work": 0, "practice": None}


def test_an_answer_stands_once_practice_has_told_what_is_right(talk):
    verdicts = make_gold(talk, 2)
    make_practice(talk.store, talk.owner, talk.slug, "practice", 1.0)
    ann = talk.actor("ann")
    desk = open_desk(talk.store, ann, talk.slug, "practice")
    wrong, _ = in_round(talk, ann, "practice", "tie")
    for again in (
        act(wrong["pair_id"], "undo", after=wrong["event_id"]),
        act(wrong["pair_id"], verdict="left", after=wrong["event_id"]),
        act(wrong["pair_id"], "skip", after=wrong["event_id"]),
    ):
        (refused,) = record(talk.store, ann, talk.slug, [again], round_name="practice").refused
        assert (refused.code, refused.retry) == ("told_already", False)
    assert last_decided(talk.store, desk, 10) == []
    state = practice_state(talk.store, desk, desk.round_id)
    assert (state.answered, state.correct) == (2, 0)
    # The lead can ask again.
    take_back(talk.store, talk.owner, talk.slug, Which(annotator="ann"), "Once more.", again=True)
    in_round(talk, ann, "practice", right_side(talk, verdicts))
    assert practice_state(talk.store, desk, desk.round_id).passed


def test_practice_does_not_wait_for_pairs_that_are_gold_no_more(talk):
    verdicts = make_gold(talk, 2)
    make_practice(talk.store, talk.owner, talk.slug, "practice", 0.5)
    ann = talk.actor("ann")
    desk = open_desk(talk.store, ann, talk.slug, "practice")
    in_round(talk, ann, "practice", right_side(talk, verdicts), most=1)
    assert not practice_state(talk.store, desk, desk.round_id).passed
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[1], None)
    assert practice_state(talk.store, desk, desk.round_id).passed
    set_gold(talk.store, talk.owner, talk.slug, talk.pairs[0], None)
    bob = talk.actor("bob")
    assert not must_practise(talk.store, open_desk(talk.store, bob, talk.slug))


def test_who_fails_practice_gets_no_work_and_who_leads_needs_none(talk):
    make_gold(talk, 2)
    make_practice(talk.store, talk.owner, talk.slug, "practice", 1.0)
    ann, lead = talk.actor("ann"), talk.actor("lead", Role.LEAD)
    in_round(talk, ann, "practice", "both_bad")
    assert talk.next(ann) == []
    assert len(talk.next(lead)) == 1
    close_round(talk.store, talk.owner, talk.slug, "practice")
    assert len(talk.next(ann)) == 1


def test_practice_takes_no_slots_and_everyone_gets_all_of_it(talk):
    make_gold(talk, 3)
    make_practice(talk.store, talk.owner, talk.slug, "practice", None)
    for name in ("ann", "bob"):
        assert len(in_round(talk, talk.actor(name), "practice", "left")) == 3
    assert len(talk.next(talk.actor("ann"))) == 1, "practice without a pass mark keeps nobody out"


def test_in_a_calibration_each_labels_the_same_pairs(talk):
    ann, bob, eve = talk.actor("ann"), talk.actor("bob"), talk.actor("eve")
    assert make_calibration(talk.store, talk.owner, talk.slug, "same", 4, ["ann", "bob"]) == 4
    first, second = (in_round(talk, one, "same", "left") for one in (ann, bob))
    assert [event["pair_id"] for event in first] == [event["pair_id"] for event in second]
    assert progress(talk.store, ann, talk.slug, "same").done == 4
    with pytest.raises(ForbiddenError, match="not in the round"):
        next_pairs(talk.store, eve, talk.slug, (), 1, "same")


def test_a_repeat_round_asks_an_annotator_again_and_tells_how_steady_it_was(store):
    talk = make_labelling(store, pairs=REPEAT_AFTER + 3)
    ann = talk.actor("ann")
    in_round(talk, ann, None, "tie")
    assert make_repeat(talk.store, talk.owner, talk.slug, "again", 10, "ann") == 3
    in_round(talk, ann, "again", "tie", most=2)
    in_round(talk, ann, "again", "both_bad")
    assert steadiness(talk.store, talk.owner, talk.slug) == [Steadiness("ann", 3, 2)]
    with pytest.raises(InputError, match="not labelled enough"):
        make_repeat(talk.store, talk.owner, talk.slug, "bob again", 10, talk.actor("bob").name)


def test_in_review_each_named_person_sees_uncertain_or_flagged_pairs_again(store):
    talk = make_labelling(store, pairs=5, overlap=2)
    place = (talk.store, talk.owner, talk.slug)
    ann, bob, lead = talk.actor("ann"), talk.actor("bob"), talk.actor("lead", Role.LEAD)
    with pytest.raises(InputError, match="No pair is uncertain"):
        make_review(*place, "look", "uncertain", ["lead"])
    with pytest.raises(InputError, match="open flag"):
        make_review(*place, "look", "flagged", ["lead"])
    with pytest.raises(InputError, match="who reviews"):
        make_review(*place, "look", "flagged", [])
    in_round(talk, ann, None, "tie")
    in_round(talk, bob, None, "both_bad", most=2)
    flag = act(talk.pairs[4], "flag", reasons=["Broken text"])
    assert record(talk.store, ann, talk.slug, [flag]).acked
    assert make_review(*place, "look", "uncertain", ["lead"], 1) == 1
    assert make_review(*place, "flags", "flagged", ["lead", "ann"]) == 1
    assert [pair.pair_id for pair in next_pairs(talk.store, lead, talk.slug, (), 9, "look")] == talk.pairs[:1]
    for one in (lead, ann):
        assert len(in_round(talk, one, "flags", "tie")) == 1
    with pytest.raises(ForbiddenError):
        next_pairs(talk.store, bob, talk.slug, (), 1, "look")


def test_who_works_in_a_round_can_change(talk):
    place = (talk.store, talk.owner, talk.slug)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    assert people_of(*place) == ["ann", "bob", "owner"]
    change_members(*place, "work", ["ann", "ann"])
    assert rounds_of(*place)[0].members == ("ann",)
    with pytest.raises(ForbiddenError, match="not in the round"):
        talk.next(bob)
    assert talk.next(ann)
    change_members(*place, "work", [])
    assert talk.next(bob)
    make_calibration(*place, "same", 2, ["ann", "bob"])
    with pytest.raises(InputError, match="people that are named"):
        change_members(*place, "same", [])
    with pytest.raises(NotFoundError, match="no member"):
        change_members(*place, "same", ["nobody"])
    with pytest.raises(ForbiddenError):
        change_members(talk.store, ann, talk.slug, "work", [])
    with pytest.raises(ForbiddenError):
        people_of(talk.store, ann, talk.slug)


def test_rounds_are_listed_with_their_counts(talk):
    make_gold(talk, 2)
    make_practice(talk.store, talk.owner, talk.slug, "practice", 0.5)
    in_round(talk, talk.actor("lead", Role.LEAD), None, "left", most=2)
    work, practice = rounds_of(talk.store, talk.owner, talk.slug)
    assert (work.name, work.purpose, work.pairs, work.done, work.is_closed) == ("work", RoundPurpose.WORK, 6, 2, False)
    assert (practice.purpose, practice.pairs, practice.pass_mark) == (RoundPurpose.PRACTICE, 2, 0.5)


def test_what_cannot_be_is_refused(talk):
    place = (talk.store, talk.owner, talk.slug)
    with pytest.raises(InputError, match="needs gold pairs"):
        make_practice(*place, "practice", None)
    make_gold(talk, 1)
    with pytest.raises(InputError, match="above 0"):
        make_practice(*place, "practice", 0)
    with pytest.raises(InputError, match="1 to 60 characters"):
        make_practice(*place, "  ", None)
    make_practice(*place, "practice", None)
    with pytest.raises(ConflictError, match="already"):
        make_practice(*place, "practice", None)
    with pytest.raises(InputError, match="at least two"):
        make_calibration(*place, "same", 4, ["ann"])
    with pytest.raises(NotFoundError, match="no member"):
        make_calibration(*place, "same", 4, ["ann", "nobody"])
    with pytest.raises(NotFoundError, match="no round"):
        close_round(*place, "nowhere")
    ann = talk.actor("ann")
    for refused in (
        lambda: rounds_of(talk.store, ann, talk.slug),
        lambda: make_practice(talk.store, ann, talk.slug, "x", None),
        lambda: close_round(talk.store, ann, talk.slug, "work"),
        lambda: steadiness(talk.store, ann, talk.slug),
    ):
        with pytest.raises(ForbiddenError):
            refused()
