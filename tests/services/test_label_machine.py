"""Random walks of three annotators over a few pairs: what always holds of labels and slots."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import update

from labeling.services.labels import record
from labeling.services.progress import progress
from labeling.services.queue import next_pairs
from labeling.services.round_setup import set_overlap
from labeling.storage.tables import Assignment, Label, RoundPair, now
from tests.services.labelling import act, make_labelling

PEOPLE = st.integers(0, 2)
PLACES = st.integers(0, 3)
PAIRS = 4


def test_labels_and_slots_keep_their_rules_on_every_path(sqlite_store):
    class Machine(RuleBasedStateMachine):
        number = 0

        @initialize()
        def begin(self):
            Machine.number += 1
            self.talk = make_labelling(sqlite_store, pairs=PAIRS, overlap=2, name=f"Walk {Machine.number}")
            self.people = [self.talk.actor(f"walker {number}") for number in range(3)]
            self.overlap = 2
            # For each person and pair: the newest event and what it came to; None where never served.
            self.held = [dict.fromkeys(self.talk.pairs) for _ in self.people]
            self.stored = 0

        def send(self, person, event):
            recorded = record(sqlite_store, self.people[person], self.talk.slug, [event])
            known = self.held[person][event["pair_id"]]
            if recorded.acked:
                self.stored += 1
                self.held[person][event["pair_id"]] = (event["event_id"], event["action"], event)
            else:
                assert known is None or event["action"] == "undo"
            return recorded

        @rule(person=PEOPLE, want=st.integers(1, 3))
        def serve(self, person, want):
            for pair in next_pairs(sqlite_store, self.people[person], self.talk.slug, (), want):
                held = self.held[person][pair.pair_id]
                assert held is None or held[1] in ("served", "undo")
                assert (held or (None,))[0] == pair.after
                self.held[person][pair.pair_id] = held or (None, "served", None)

        @rule(person=PEOPLE, place=PLACES, verdict=st.sampled_from(["left", "right", "tie", "both_bad"]))
        def label(self, person, place, verdict):
            pair_id = self.talk.pairs[place]
            held = self.held[person][pair_id]
            recorded = self.send(person, act(pair_id, after=held and held[0], verdict=verdict))
            assert bool(recorded.acked) == (held is not None)

        @rule(person=PEOPLE, place=PLACES, action=st.sampled_from(["skip", "undo"]))
        def step_back(self, person, place, action):
            pair_id = self.talk.pairs[place]
            held = self.held[person][pair_id]
            if held is not None:
                self.send(person, act(pair_id, action, after=held[0]))

        @rule(person=PEOPLE, place=PLACES)
        def send_again(self, person, place):
            held = self.held[person][self.talk.pairs[place]]
            if held is not None and held[2] is not None:
                before = self.talk.rows(Assignment)
                assert record(sqlite_store, self.people[person], self.talk.slug, [held[2]]).acked
                assert self.talk.rows(Assignment) == before

        @rule()
        def time_passes(self):
            self.talk.run(
                update(Assignment)
                .where(Assignment.reserved_until.is_not(None))
                .values(reserved_until=now() - timedelta(seconds=1))
            )

        @rule(overlap=st.integers(1, 3))
        def change_overlap(self, overlap):
            set_overlap(sqlite_store, self.talk.owner, self.talk.slug, overlap)
            self.overlap = overlap

        @invariant()
        def nothing_is_lost_or_doubled(self):
            if not hasattr(self, "talk"):
                return
            labels = self.talk.rows(Label, Label.project_id == self.talk.project_id)
            assert [row.seq for row in labels] == list(range(1, self.stored + 1))
            current = {(row.rater_id, row.pair_id): row for row in sorted(labels, key=lambda row: row.revision)}
            rounds = {
                row.pair_id: row for row in self.talk.rows(RoundPair, RoundPair.project_id == self.talk.project_id)
            }
            assignments = self.talk.rows(Assignment, Assignment.pair_id.in_(self.talk.pairs))
            for row in assignments:
                newest = current.get((row.rater_id, row.pair_id))
                expected = {None: "served", "label": "labelled", "skip": "skipped", "undo": "undone"}
                assert row.state == expected[newest and newest.action]
                assert (row.state == "labelled" and row.slot is not None) == (
                    row.slot is not None and row.reserved_until is None
                )
                assert row.state != "skipped" or row.slot is None
            lasting = Counter(row.pair_id for row in assignments if row.slot is not None and row.reserved_until is None)
            for pair_id, place in rounds.items():
                assert place.is_done == (lasting[pair_id] >= self.overlap)
            done = progress(sqlite_store, self.people[0], self.talk.slug)
            assert (done.total, done.done) == (PAIRS, sum(row.is_done for row in rounds.values()))

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
