"""Pairs that a lead leaves out: not served, judged, counted or exported; and taken in again. The inbox that leads there."""

import pytest

from labeling.domain import Verdict
from labeling.errors import ForbiddenError, NotFoundError
from labeling.services.export import usable
from labeling.services.gold import gold_pairs, set_gold
from labeling.services.inbox import Told, flags, skips
from labeling.services.labels import record
from labeling.services.leaving_out import leave_out, left_out_pairs
from labeling.services.progress import progress
from labeling.services.projects import project_view
from labeling.storage.pair_selection import all_pairs, count_of
from labeling.storage.tables import Label
from tests.services.labelling import Labelling, act, add_pairs, make_labelling


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def served(talk, actor):
    return [pair.pair_id for pair in talk.next(actor, want=50)]


def judged(talk):
    with talk.store.reading() as session:
        return count_of(session, all_pairs(talk.project_id))


def test_a_pair_left_out_is_nowhere_and_can_come_back(talk):
    ann, first = talk.actor("ann"), talk.pairs[0]
    place = (talk.store, talk.owner, talk.slug)
    assert talk.next(ann)[0].pair_id == first
    set_gold(*place, first, Verdict.A)
    leave_out(*place, first)
    assert left_out_pairs(*place) == [first]
    assert first not in served(talk, ann)
    assert (progress(talk.store, ann, talk.slug).total, project_view(*place).open_pairs, judged(talk)) == (5, 5, 5)
    assert gold_pairs(*place) == []
    # A label for a pair that was served is kept all the same.
    assert record(talk.store, ann, talk.slug, [act(first)]).acked
    assert len(talk.rows(Label)) == 1
    assert usable(*place).rows == 0
    leave_out(*place, first, out=False)
    found = progress(talk.store, ann, talk.slug)
    assert (found.mine, found.done, found.total, judged(talk)) == (1, 1, 6, 6)
    assert usable(*place).rows == 1


def test_a_pair_left_out_before_it_stood_in_a_queue_comes_in_when_it_is_kept(talk):
    late = add_pairs(talk.store, talk.project_id, 1)[0]
    ann = talk.actor("ann")
    leave_out(talk.store, talk.owner, talk.slug, late)
    assert late not in served(talk, ann)
    leave_out(talk.store, talk.owner, talk.slug, late, out=False)
    assert late in served(talk, ann)


def test_only_who_manages_leaves_out_and_only_pairs_of_the_project(talk):
    ann = talk.actor("ann")
    with pytest.raises(NotFoundError, match="no pair 999"):
        leave_out(talk.store, talk.owner, talk.slug, 999)
    with pytest.raises(ForbiddenError):
        leave_out(talk.store, ann, talk.slug, talk.pairs[0])
    with pytest.raises(ForbiddenError):
        left_out_pairs(talk.store, ann, talk.slug)


def test_the_inbox_is_narrowed_by_annotator_reason_and_pair(store):
    talk = make_labelling(store, pairs=4, overlap=2)
    place = (talk.store, talk.owner, talk.slug)
    for name, reason in (("ann", "Broken text"), ("bob", "Upsetting")):
        actor = talk.actor(name)
        one, two = talk.next(actor, want=2)
        events = [act(one.pair_id, "flag", reasons=[reason]), act(two.pair_id, "skip", reasons=[reason])]
        assert len(record(talk.store, actor, talk.slug, events).acked) == 2
    assert [one.annotator for one in flags(*place)] == ["bob", "ann"]
    assert [one.annotator for one in flags(*place, Told(annotator="ann"))] == ["ann"]
    assert [one.annotator for one in flags(*place, Told(reason="Upsetting"))] == ["bob"]
    assert flags(*place, Told(reason="Upset")) == []
    assert [one.annotator for one in skips(*place, Told(annotator="bob", reason="Upsetting"))] == ["bob"]
    assert flags(*place, Told(pair_id=talk.pairs[3])) == []
    assert len(skips(*place, Told(pair_id=talk.pairs[1]))) == 2
    leave_out(*place, talk.pairs[0])
    assert all(one.is_left_out for one in flags(*place))
    assert not any(one.is_left_out for one in skips(*place))
