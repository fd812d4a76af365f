"""History: my own labels, newest first, found again, opened as I saw them, and changed on the labelling screen."""

from typing import Any, Final

import streamlit as st

from labeling.errors import NotFoundError
from labeling.render import visible
from labeling.services.history import (
    HistoryEntry,
    HistoryPage,
    HistoryQuery,
    history,
    opened_label,
    own_rounds,
)
from labeling.storage.history import Place
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.hours_section import browser_zone, own_hours_section
from labeling.ui.opened_label import ACTS, VERDICTS, opened_section, said
from labeling.ui.parts import body, count, empty, escape, faults, grid, head

KINDS: Final = {kind.value: name for kind, name in VERDICTS.items()} | ACTS
PLACES: Final = "history places"


def main() -> None:
    me = here()
    project = project_here(me)
    asked = st.query_params.get("pair")
    with head("History", f"My labels in {escape(project.name)}, newest first. Nobody else's are here."):
        pass
    with body():
        query = _query(me)
        page = _page(me, query)
        if not page.entries and page.older is None and query == HistoryQuery(zone=query.zone):
            _nothing_yet()
            return
        chosen = _list(page, query)
        opened = chosen or (_asked(asked), st.query_params.get("round"))
        if opened[0] is not None:
            with faults():
                opened_section(me, opened_label(me.store, me.actor, me.project, opened[0], opened[1]))
        own_hours_section(me)


def _asked(pair: str | None) -> int | None:
    """The pair which the address names."""
    if pair is None:
        return None
    if not pair.isascii() or not pair.isdigit() or len(pair) > 18:
        raise NotFoundError("The address names no pair. Choose one from the list.")
    return int(pair)


def _nothing_yet() -> None:
    with empty("history", "Label a first pair", "What you decide stands here, to be looked at again and changed."):
        if st.button("Go to Label", type="primary"):
            go("label")


# --- the list ---


def _query(me: Here) -> HistoryQuery:
    rounds = own_rounds(me.store, me.actor, me.project)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        words = st.text_input(
            "Search", placeholder="Words of prompt, replies or comment, or #12 for a pair", max_chars=500
        )
        kind = st.selectbox("Verdict", list(KINDS), None, format_func=KINDS.__getitem__, placeholder="Any", width=190)
        round_name = None
        if len(rounds) > 1:
            round_name = st.selectbox("Round", rounds, None, format_func=escape, placeholder="Any", width=150)
        first = st.date_input("From", None, width=140)
        last = st.date_input("To, included", None, width=140)
    return HistoryQuery(words, None, kind, round_name, first, last, browser_zone())  # type: ignore[arg-type]  # the keys of KINDS are kinds


def _page(me: Here, query: HistoryQuery) -> HistoryPage:
    """The page of the list that this tab is on; another question begins at the newest."""
    kept = st.session_state.get(PLACES)
    if kept is None or kept[0] != (me.project, query):
        kept = st.session_state[PLACES] = ((me.project, query), [])
    places: list[Place] = kept[1]
    return history(me.store, me.actor, me.project, query, places[-1] if places else None)


def _list(page: HistoryPage, query: HistoryQuery) -> tuple[int, str] | None:
    """Draw the page; return the pair and round of the row that is chosen."""
    places: list[Place] = st.session_state[PLACES][1]
    chosen = None
    if page.entries:
        found: Any = grid(
            [_row(entry) for entry in page.entries],
            key=f"history list {len(places)} {hash(query)}",
            height=330 if len(page.entries) > 8 else "content",
            on_select="rerun",
            selection_mode="single-row",
            columns={
                "When": st.column_config.DatetimeColumn(format="D MMM, HH:mm", timezone=query.zone, width=110),
                "Pair": st.column_config.NumberColumn(format="#%d", width=70),
                "Verdict": 150,
                "Round": 80,
                "Changes": 70,
                "Prompt": 420,
            },
            placeholder="",
        )
        rows = found.selection.rows
        if rows and rows[0] < len(page.entries):
            entry = page.entries[rows[0]]
            chosen = entry.pair_id, entry.round_name
    else:
        st.caption("No label here matches." if page.older is None else "None of these labels has the words.")
    _turning(page, places, chosen is None)
    return chosen


def _turning(page: HistoryPage, places: list[Place], unchosen: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Newer", icon=":material/chevron_left:", disabled=not places, on_click=_newer, args=(places,))
        further = "Search further back" if page.read and not page.entries else "Older"
        st.button(
            further,
            icon=":material/chevron_right:",
            disabled=page.older is None,
            on_click=_older,
            args=(places, page.older),
        )
        if page.read and page.read_to is not None:
            st.caption(f"{count(page.read)} labels read, back to {page.read_to:%d %B %Y}", width="content")
        elif page.entries and unchosen:
            st.caption("Choose a row to see the pair as you saw it.", width="content")


def _older(places: list[Place], place: Place) -> None:
    places.append(place)


def _newer(places: list[Place]) -> None:
    places.pop()


def _row(entry: HistoryEntry) -> dict[str, object]:
    return {
        "When": entry.at,
        "Pair": entry.pair_id,
        "Verdict": said(entry.action, entry.verdict, entry.strength),
        "Round": entry.round_name,
        "Changes": entry.revisions - 1 or None,
        "Comment": entry.comment or "",
        "Prompt": "Sensitive: covered" if entry.prompt is None else visible(entry.prompt),
    }


main()
