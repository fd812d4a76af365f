"""Earlier runs of a page's kind as a table: state, counts, price, and any of them opened again."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import streamlit as st

from labeling.services import runs
from labeling.services.runs import RunView
from labeling.ui.context import Here
from labeling.ui.formats import ago, money
from labeling.ui.parts import grid, section
from labeling.ui.run_box import run_actions, run_box, spent

Purpose: TypeAlias = Literal["generate", "judge", "score"]

MOST: Final = 30


def runs_for(me: Here, purpose: Purpose) -> list[RunView]:
    """The runs of a page's kind, newest first: to count a large one takes a while, so that a page asks once."""
    return runs.list_runs(me.store, me.actor, me.project, limit=MOST, purpose=purpose)


def run_list(me: Here, purpose: Purpose, earlier: Sequence[RunView]) -> None:
    """Runs that the page shows nowhere else; nothing where there are none."""
    if not earlier:
        return
    with section("Earlier runs"):
        _table(earlier)
        by_id = {view.id: view for view in earlier}
        chosen = st.selectbox(
            "Open a run",
            list(by_id),
            index=None,
            format_func=lambda id_: f"Run {id_}, {by_id[id_].state.value}",
            placeholder="Open a run",
            label_visibility="collapsed",
            width=240,
            key=f"opened {purpose} run",
        )
        if chosen is not None:
            view = by_id[chosen]
            with st.container(horizontal=True, horizontal_alignment="right"):
                run_actions(me, view)
            run_box(me, view)


def _table(found: Sequence[RunView]) -> None:
    grid(
        {
            "Run": [view.id for view in found],
            "State": [view.state.value.capitalize() for view in found],
            "By": [view.subject for view in found],
            "Requests": [view.asked for view in found],
            "Answered": [view.answered for view in found],
            "Failed": [sum(view.failed.values()) for view in found],
            "Spent": [_spent(view) for view in found],
            "Started": [ago(view.started_at or view.created_at) for view in found],
        },
        height=300 if len(found) > 7 else "content",
        columns={
            "Run": st.column_config.NumberColumn(width=60, format="%d"),
            "State": 96,
            "By": 240,
            **{
                name: st.column_config.NumberColumn(width=90, format="localized")
                for name in ("Requests", "Answered", "Failed")
            },
            "Spent": 110,
        },
    )


def _spent(view: RunView) -> str:
    usd = spent(view)
    return "–" if usd is None else money(usd) + (" and more" if view.unpriced else "")
