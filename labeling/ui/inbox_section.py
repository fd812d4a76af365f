"""What annotators flagged and skipped, and the pairs that are left out, as sections of a page."""

import streamlit as st

from labeling.services.inbox import Message, settle_flag, skips
from labeling.services.leaving_out import leave_out, left_out_pairs
from labeling.ui.context import Here
from labeling.ui.hours_section import browser_zone
from labeling.ui.pair_reading import pair_of_lead
from labeling.ui.parts import count, faults, grid, plural, section


def inbox_section(me: Here, told: list[Message]) -> None:
    passed_over = skips(me.store, me.actor, me.project)
    with section("Inbox", "what annotators flagged, and what they skipped and why"):
        if not told and not passed_over:
            st.caption("Nothing was flagged or skipped.")
            return
        left, right = st.tabs([f"Flags ({count(len(told))})", f"Skips ({count(len(passed_over))})"])
        with left:
            if chosen := _chosen(told, "flags"):
                with st.container(horizontal=True):
                    if st.button("Settle flag"):
                        with faults():
                            assert chosen.flag_id is not None
                            settle_flag(me.store, me.actor, me.project, chosen.flag_id)
                            st.rerun()
                    if st.button("Leave the pair out", disabled=chosen.is_left_out):
                        _leave_out(me, chosen.pair_id, out=True)
                pair_of_lead(me, chosen.pair_id)
        with right:
            if chosen := _chosen(passed_over, "skips"):
                pair_of_lead(me, chosen.pair_id)


def _chosen(found: list[Message], key: str) -> Message | None:
    """Draw the messages; return the one whose row is chosen, at first the newest."""
    if not found:
        return None
    selected = grid(
        [
            {
                "When": one.at,
                "Pair": one.pair_id,
                "Pair is": "left out" if one.is_left_out else "in use",
                "Annotator": one.annotator,
                "Reasons": ", ".join(one.reasons),
                "Comment": one.comment or "",
            }
            for one in found
        ],
        key=f"inbox {key} {len(found)}",
        height=250 if len(found) > 6 else "content",
        on_select="rerun",
        selection_mode="single-row",
        columns={
            "When": st.column_config.DatetimeColumn(format="D MMM, HH:mm", timezone=browser_zone(), width=110),
            "Pair": st.column_config.NumberColumn(format="#%d", width=70),
            "Pair is": 80,
            "Annotator": 110,
            "Reasons": 160,
        },
    )
    rows = selected["selection"]["rows"]
    return found[rows[0] if rows and rows[0] < len(found) else 0]


def left_out_section(me: Here) -> None:
    gone = left_out_pairs(me.store, me.actor, me.project)
    with section("Left out", "pairs that are no longer served, judged or exported; what was said of them stays"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            pair_id = st.number_input("Number of the pair", 1, value=None, width=180)
            if st.button("Leave out", disabled=pair_id is None):
                assert pair_id is not None
                _leave_out(me, int(pair_id), out=True)
        if gone:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                back = st.selectbox(plural(len(gone), "pair"), gone, width=180)
                if st.button("Take in again"):
                    _leave_out(me, back, out=False)


def _leave_out(me: Here, pair_id: int, *, out: bool) -> None:
    with faults():
        leave_out(me.store, me.actor, me.project, pair_id, out=out)
        st.rerun()
