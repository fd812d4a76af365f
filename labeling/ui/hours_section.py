"""Hours by person and day, as a section of a page: everybody's for leads, one's own for annotators."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import streamlit as st

from labeling.services.hours import DayOfWork, hours, hours_csv, own_hours
from labeling.ui.context import Here
from labeling.ui.parts import faults, grid, plural, section

DAYS: Final = 30  # shown before other days are chosen


def hours_section(me: Here) -> None:
    """Everybody's hours in the open project, with the file for whoever pays them. For who may manage the project."""
    _section(me, "Hours", hours, f"hours-{me.project}.csv", by_person=True)


def own_hours_section(me: Here) -> None:
    """The hours of whoever looks at the page."""
    _section(me, "My hours", own_hours, f"my-hours-{me.project}.csv", by_person=False)


def browser_zone() -> str:
    """The time zone of whoever looks at the page; UTC where the browser does not tell."""
    found: Any = st.context.timezone
    return found if isinstance(found, str) and found else "UTC"


def _section(me: Here, title: str, ask: Callable[..., list[DayOfWork]], file: str, *, by_person: bool) -> None:
    with section(title, "time on screen without the time away; practice and skips are in it"), faults():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            today = date.today()  # noqa: DTZ011 - only the default of a field in which any day can be chosen
            first = st.date_input("From", today - timedelta(days=DAYS - 1), width=140, key=f"{title} from")
            last = st.date_input("To, included", None, width=140, key=f"{title} to")
            zone = st.text_input("Days of the zone", browser_zone(), width=180, key=f"{title} zone")
            days = ask(me.store, me.actor, me.project, first_day=first, last_day=last, zone=zone)
            st.download_button(
                f"Download {plural(len(days), 'day')}",
                hours_csv(days).encode(),
                file,
                "text/csv",
                on_click="ignore",
                disabled=not days,
            )
        if days:
            _table(days, by_person=by_person)
        else:
            st.caption("No time was spent on pairs in these days.")


def _table(days: list[DayOfWork], *, by_person: bool) -> None:
    total = sum(day.hours for day in days)
    grid(
        [
            ({"Annotator": day.annotator} if by_person else {})
            | {
                "Day": day.day,
                "Hours": day.hours,
                "Labels": day.labels,
                "Skips": day.skips,
                "Practice, h": day.practice_seconds / 3600,
                "Away, h": day.away_seconds / 3600,
                "Longest, min": day.longest_seconds / 60,
            }
            for day in sorted(days, key=lambda day: day.day, reverse=True)
        ],
        height=280 if len(days) > 6 else "content",
        columns={
            "Day": st.column_config.DateColumn(format="D MMM YYYY", width=110),
            "Hours": st.column_config.NumberColumn(format="%.2f", width=80),
            "Labels": st.column_config.NumberColumn(format="localized", width=80),
            "Skips": st.column_config.NumberColumn(format="localized", width=80),
            "Practice, h": st.column_config.NumberColumn(format="%.2f", width=90),
            "Away, h": st.column_config.NumberColumn(format="%.2f", width=80),
            "Longest, min": st.column_config.NumberColumn(format="%.1f", width=100),
        },
    )
    st.caption(f"{total:,.2f} hours in all")
