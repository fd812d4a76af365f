"""Time on screen by person and day."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError
from labeling.services.hours import hours, hours_csv, own_hours
from labeling.services.labels import record
from labeling.storage.tables import Assignment, Label, Rater, Round
from tests.services.labelling import Labelling, act, make_labelling

FAR = {"milliseconds": 60_000, "away_milliseconds": 20_000}


@pytest.fixture
def talk(store) -> Labelling:
    return make_labelling(store, pairs=6)


def put(talk: Labelling, name: str, at: datetime, *, pair: int = 0, action: str = "label", **columns: object) -> None:
    """A label as if it had been given at that moment."""
    actor = talk.actor(name)
    pair_id = talk.pairs[pair]
    with talk.store.writing() as session:
        rater_id = session.scalar(select(Rater.id).where(Rater.account_id == actor.account_id))
        if rater_id is None:
            rater = Rater(kind="annotator", name=name, account_id=actor.account_id)
            session.add(rater)
            session.flush()
            rater_id = rater.id
        round_id = session.scalar(select(Round.id).order_by(Round.id))
        known = session.scalar(
            select(Assignment.id).where(Assignment.rater_id == rater_id, Assignment.pair_id == pair_id)
        )
        if known is None:
            session.execute(
                insert(Assignment).values(
                    round_id=round_id, pair_id=pair_id, rater_id=rater_id, position=0, left_side="a", state="labelled"
                )
            )
        before = len(
            session.execute(select(Label.id).where(Label.rater_id == rater_id, Label.pair_id == pair_id)).all()
        )
        seq = len(session.execute(select(Label.id)).all()) + 1
        values = {
            "project_id": talk.project_id, "seq": seq, "pair_id": pair_id, "rater_id": rater_id, "round_id": round_id,
            "revision": before + 1, "action": action, "verdict": "tie" if action == "label" else None, "is_surplus": False,
            "event_id": f"{seq}", "created_at": at, "milliseconds": 60_000, "away_milliseconds": 0,
        }  # fmt: skip
        session.execute(insert(Label).values(values | columns))


def seconds(talk: Labelling, **asked) -> dict[tuple[str, str], float]:
    return {(day.annotator, str(day.day)): day.seconds for day in hours(talk.store, talk.owner, talk.slug, **asked)}


NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_time_away_is_not_counted(talk):
    put(talk, "ann", NOON, **FAR)
    (day,) = hours(talk.store, talk.owner, talk.slug)
    assert (day.seconds, day.away_seconds, day.longest_seconds, day.labels, day.skips) == (40, 20, 40, 1, 0)


def test_skips_practice_surplus_and_voided_labels_are_work_and_the_undo_adds_nothing(talk):
    put(talk, "ann", NOON)
    put(talk, "ann", NOON, action="undo")
    put(talk, "ann", NOON, is_surplus=True)
    put(talk, "ann", NOON, action="void")
    put(talk, "ann", NOON, pair=1, action="skip")
    (day,) = hours(talk.store, talk.owner, talk.slug)
    assert (day.seconds, day.labels, day.skips, day.practice_seconds) == (180, 2, 1, 0)
    talk.run(update(Round).values(purpose="practice"))
    (day,) = hours(talk.store, talk.owner, talk.slug)
    assert (day.seconds, day.practice_seconds) == (180, 180)


def test_what_the_screen_sends_is_what_is_counted(talk):
    ann = talk.actor("ann")
    (pair,) = talk.next(ann)
    label = act(pair.pair_id, milliseconds=2_500, away_milliseconds=500)
    undo = act(pair.pair_id, "undo", after=label["event_id"], milliseconds=900)
    again = act(pair.pair_id, after=undo["event_id"], milliseconds=1_000)
    assert not record(talk.store, ann, talk.slug, [label, undo, again]).refused
    assert sum(day.seconds for day in own_hours(talk.store, ann, talk.slug)) == 3


def test_a_day_is_a_day_of_the_named_zone(talk):
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    put(talk, "ann", late)
    put(talk, "ann", late + timedelta(hours=1))
    assert seconds(talk) == {("ann", "2026-03-10"): 60, ("ann", "2026-03-11"): 60}
    assert seconds(talk, zone="Europe/Berlin") == {("ann", "2026-03-11"): 120}
    assert seconds(talk, zone="Asia/Kathmandu") == {("ann", "2026-03-11"): 120}
    assert seconds(talk, zone="America/New_York") == {("ann", "2026-03-10"): 120}


def test_the_first_and_the_last_day_are_included(talk):
    for day in (9, 10, 11, 12):
        put(talk, "ann", NOON.replace(day=day), pair=day - 9)
    asked = {"first_day": date(2026, 3, 10), "last_day": date(2026, 3, 11)}
    assert [day.day.day for day in hours(talk.store, talk.owner, talk.slug, **asked)] == [10, 11]


def test_the_day_on_which_clocks_are_set_is_a_whole_day(talk):
    berlin = "Europe/Berlin"
    put(talk, "ann", datetime(2026, 3, 28, 23, 0, tzinfo=UTC))  # midnight, when the day of 23 hours begins
    put(talk, "ann", datetime(2026, 3, 29, 21, 59, tzinfo=UTC))
    put(talk, "ann", datetime(2026, 3, 29, 22, 0, tzinfo=UTC))
    day = date(2026, 3, 29)
    assert seconds(talk, zone=berlin, first_day=day, last_day=day) == {("ann", "2026-03-29"): 120}


def test_everybody_is_seen_by_a_lead_and_oneself_by_oneself(talk):
    put(talk, "ann", NOON)
    put(talk, "ben", NOON, pair=1)
    assert [day.annotator for day in hours(talk.store, talk.actor("lead", Role.LEAD), talk.slug)] == ["ann", "ben"]
    assert [day.annotator for day in own_hours(talk.store, talk.actor("ben"), talk.slug)] == ["ben"]
    assert own_hours(talk.store, talk.actor("new"), talk.slug) == []
    with pytest.raises(ForbiddenError):
        hours(talk.store, talk.actor("ann"), talk.slug)


@pytest.mark.parametrize("zone", ["Moon/Base", "", "Europe", "../etc/passwd", "a\x00b"])
def test_an_unknown_zone_is_one_sentence(talk, zone):
    with pytest.raises(InputError, match="time zone"):
        hours(talk.store, talk.owner, talk.slug, zone=zone)


def test_the_csv_has_a_line_a_day_and_no_formula(talk):
    put(talk, "ann", NOON, **FAR)
    put(talk, "=1+1", NOON, pair=1, milliseconds=3_600_000)
    text = hours_csv(hours(talk.store, talk.owner, talk.slug))
    first, second = csv.DictReader(io.StringIO(text))
    assert first["annotator"] == "'=1+1"
    assert (first["hours"], first["seconds"], first["day"], first["zone"]) == ("1.0000", "3600.0", "2026-03-10", "UTC")
    assert (second["annotator"], second["seconds"], second["away_seconds"], second["labels"]) == (
        "ann",
        "40.0",
        "20.0",
        "1",
    )


def test_a_name_with_commas_and_quotes_stays_one_cell(talk):
    put(talk, 'Ann, "the first"\nof many', NOON)
    (row,) = csv.DictReader(io.StringIO(hours_csv(hours(talk.store, talk.owner, talk.slug))))
    assert row["annotator"] == 'Ann, "the first"\nof many'
