"""The rounds of a project as a section of a page: their table, their order, who works in them, and a new one."""

from typing import Final

import streamlit as st

from labeling.domain import RoundPurpose
from labeling.services.ordering import order_round
from labeling.services.projects import MAX_OVERLAP
from labeling.services.round_setup import (
    Reviewed,
    RoundView,
    change_members,
    close_round,
    make_calibration,
    make_practice,
    make_repeat,
    make_review,
    people_of,
    set_overlap,
    steadiness,
)
from labeling.ui.context import Here
from labeling.ui.parts import actions, faults, grid, section

ORDERS: Final = {"imported": "As imported", "random": "Random", "uncertain": "Most uncertain first"}
PURPOSES: Final = {
    RoundPurpose.PRACTICE: "All gold pairs, with what is right told after each answer.",
    RoundPurpose.CALIBRATION: "A few annotators label the same pairs, to see how far they agree.",
    RoundPurpose.REPEAT: "An annotator labels some pairs again, to see how steady the labels are.",
    RoundPurpose.REVIEW: "Pairs that need a second look; the label given here is the one that counts of who gives it.",
}
REVIEWED: Final[dict[Reviewed, str]] = {"uncertain": "Uncertain", "flagged": "Flagged"}


def rounds_section(me: Here, found: list[RoundView]) -> None:
    with section("Rounds", "each pair of a round is labelled by as many annotators as its overlap says"):
        grid(
            [
                {
                    "Round": one.name,
                    "Purpose": one.purpose.value,
                    "Pairs": one.pairs,
                    "Done": one.done,
                    "Overlap": one.overlap,
                    "Gold": one.gold,
                    "Pass mark": None if one.pass_mark is None else 100 * one.pass_mark,
                    "Guidelines": one.guidelines,
                    "For": ", ".join(one.members) or "everyone",
                    "State": "closed" if one.is_closed else "open",
                }
                for one in found
            ],
            columns={"Pass mark": st.column_config.NumberColumn(format="%.0f %%")},
            placeholder="–",
        )
        _change(me, found)
        again = steadiness(me.store, me.actor, me.project)
        if again:
            rows = [
                {"Annotator": one.annotator, "Repeated": one.repeated, "Same": 100 * one.same / one.repeated}
                for one in again
            ]
            grid(rows, columns={"Same": st.column_config.NumberColumn(format="%.0f %%")})


def _change(me: Here, found: list[RoundView]) -> None:
    """What can be changed about one round, and a new one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Round", [view.name for view in found], width=150, key="chosen round")
        chosen = next(view for view in found if view.name == name)
        place = (me.store, me.actor, me.project)
        orders = list(ORDERS)
        ordering = st.selectbox(
            "Order", orders, index=orders.index(chosen.ordering), format_func=ORDERS.__getitem__, width=180,
            key=f"order of {chosen.name}",
        )  # fmt: skip
        overlap = chosen.overlap
        if chosen.purpose is RoundPurpose.WORK:
            overlap = int(st.number_input("Annotators a pair", 1, MAX_OVERLAP, chosen.overlap, width=125))
        if (ordering, overlap) != (chosen.ordering, chosen.overlap):
            with faults():
                if ordering != chosen.ordering:
                    order_round(*place, ordering, chosen.name)
                if overlap != chosen.overlap:
                    set_overlap(*place, overlap, chosen.name)
                st.rerun()
        if st.button("Who works in it"):
            _members(me, chosen)
        if st.button("Open round" if chosen.is_closed else "Close round"):
            with faults():
                close_round(*place, chosen.name, closed=not chosen.is_closed)
                st.rerun()
        if st.button("New round", icon=":material/add:"):
            _new_round(me)


@st.dialog("Who works in it")
def _members(me: Here, chosen: RoundView) -> None:
    people = people_of(me.store, me.actor, me.project)
    default = [name for name in chosen.members if name in people]
    named = st.multiselect("Annotators", people, default, placeholder="Everyone in the project")
    st.caption("What was labelled stays, whoever works in the round from now on.")
    with actions():
        if st.button("Cancel"):
            st.rerun()
        if st.button("Save who works", type="primary"):
            with faults():
                change_members(me.store, me.actor, me.project, chosen.name, named)
                st.rerun()


@st.dialog("New round")
def _new_round(me: Here) -> None:
    purpose = st.segmented_control(
        "Purpose", list(PURPOSES), default=RoundPurpose.PRACTICE, required=True,
        format_func=lambda one: one.value.capitalize(),
    )  # fmt: skip
    st.caption(PURPOSES[purpose])
    name = st.text_input("Name", value=str(purpose), key=f"name of {purpose}")
    mark, size = None, 50
    which: Reviewed = "uncertain"
    people: list[str] = []
    if purpose is RoundPurpose.PRACTICE:
        if st.checkbox("Who fails may not label in the work round", value=True):
            mark = st.number_input("Pass mark, %", 1, 100, 80) / 100
    else:
        if purpose is RoundPurpose.REVIEW:
            which = st.segmented_control(
                "Which pairs", list(REVIEWED), default=which, format_func=REVIEWED.__getitem__, required=True
            )
        size = int(st.number_input("Pairs at most", 1, 10_000, size))
        everyone = people_of(me.store, me.actor, me.project)
        if purpose is RoundPurpose.REPEAT:
            people = [st.selectbox("Annotator", everyone)]
        else:
            placeholder = "At least one" if purpose is RoundPurpose.REVIEW else "Two or more"
            people = st.multiselect("Annotators", everyone, placeholder=placeholder)
    with actions():
        if st.button("Cancel"):
            st.rerun()
        if st.button("Make round", type="primary"):
            place = (me.store, me.actor, me.project, name)
            with faults():
                if purpose is RoundPurpose.PRACTICE:
                    make_practice(*place, mark)
                elif purpose is RoundPurpose.CALIBRATION:
                    make_calibration(*place, size, people)
                elif purpose is RoundPurpose.REVIEW:
                    make_review(*place, which, people, size)
                else:
                    make_repeat(*place, size, people[0])
                st.rerun()
