"""Hours by person and day: the time that pairs stood on the screen, without the time away from it.

Each label and each skip counts its own time, in rounds of every purpose, whatever became of it later: a label that was
undone, voided or is surplus was work all the same. The undo itself adds nothing, so that no time counts twice. A day
is a day of the zone that is named; a label that was kept offline counts on the day on which it arrived.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from exporters.votes import safe_cell
from labeling.domain import Actor, Right, RoundPurpose
from labeling.services.access import open_project
from labeling.services.zones import span_of_days, zone_named
from labeling.storage.hours import timed_labels
from labeling.storage.labels import rater_of
from labeling.storage.store import Store


@dataclass(frozen=True, slots=True)
class DayOfWork:
    """One person's day. `seconds` on screen without `away_seconds`; `practice_seconds` are part of `seconds`.

    `labels` and `skips` are decisions as they were made, also those that were changed or taken back later.
    `longest_seconds` is the longest time on one pair: a clock that ran on over lunch shows there.
    """

    annotator: str
    day: date
    zone: str
    seconds: float
    practice_seconds: float
    away_seconds: float
    longest_seconds: float
    labels: int
    skips: int

    @property
    def hours(self) -> float:
        return self.seconds / 3600


def hours(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    zone: str = "UTC",
) -> list[DayOfWork]:
    """Everybody's days in the project, by name and then by day; both days are included.

    Raises:
        InputError: the time zone is unknown, or the days are in the wrong order.
        NotFoundError, ForbiddenError: as `open_project`; it takes the right to see other people's work.
    """
    return _days(store, actor, slug, Right.MANAGE, first_day, last_day, zone)


def own_hours(
    store: Store,
    actor: Actor,
    slug: str,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    zone: str = "UTC",
) -> list[DayOfWork]:
    """The actor's own days in the project, by day. Raises as `hours`, but the right to label is enough."""
    return _days(store, actor, slug, Right.LABEL, first_day, last_day, zone)


def hours_csv(days: Iterable[DayOfWork]) -> str:
    """The days as CSV with a heading; hours have four digits behind the point, seconds one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(DayOfWork)]
    writer.writerow([*names[:3], "hours", *names[3:]])
    for day in days:
        name = safe_cell(day.annotator)
        times = (day.seconds, day.practice_seconds, day.away_seconds, day.longest_seconds)
        writer.writerow(
            [name, day.day, day.zone, f"{day.hours:.4f}", *(f"{time:.1f}" for time in times), day.labels, day.skips]
        )
    return out.getvalue()


@dataclass(slots=True)
class _Sum:
    name: str
    on_screen: int = 0  # this and the next three in milliseconds
    practice: int = 0
    away: int = 0
    longest: int = 0
    labels: int = 0
    skips: int = 0

    def add(self, row: Any) -> None:
        away = min(row.away_milliseconds or 0, row.milliseconds or 0)
        on_screen = (row.milliseconds or 0) - away
        self.on_screen += on_screen
        self.away += away
        self.longest = max(self.longest, on_screen)
        if row.purpose == RoundPurpose.PRACTICE:
            self.practice += on_screen
        if row.action == "label":
            self.labels += 1
        else:
            self.skips += 1


def _days(
    store: Store, actor: Actor, slug: str, right: Right, first_day: date | None, last_day: date | None, zone: str
) -> list[DayOfWork]:
    place = zone_named(zone)
    since, until = span_of_days(first_day, last_day, place)
    sums: dict[tuple[int, date], _Sum] = {}
    with store.reading() as session:
        project = open_project(session, actor, slug, right)
        assert project.id is not None
        mine = None
        if right is Right.LABEL:
            mine = rater_of(session, actor.account_id)
            if mine is None:
                return []
        for row in timed_labels(session, project.id, since, until, mine):
            key = (row.rater_id, row.created_at.astimezone(place).date())
            found = sums.get(key)
            if found is None:
                found = sums[key] = _Sum(row.name)
            found.add(row)
    listed = sorted(sums.items(), key=lambda item: (item[1].name.casefold(), item[0]))
    return [
        DayOfWork(
            annotator=found.name,
            day=day,
            zone=zone,
            seconds=found.on_screen / 1000,
            practice_seconds=found.practice / 1000,
            away_seconds=found.away / 1000,
            longest_seconds=found.longest / 1000,
            labels=found.labels,
            skips=found.skips,
        )
        for (_, day), found in listed
    ]
