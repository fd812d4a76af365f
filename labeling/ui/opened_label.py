"""A label of one's own, opened: the pair as it stood on the screen, and everything that was done with it."""

from typing import Final

import streamlit as st

from labeling.domain import RoundPurpose, ScreenVerdict
from labeling.render import RENDERER_VERSION, render
from labeling.services.history import OpenedLabel, Revision
from labeling.ui.context import Here
from labeling.ui.hours_section import browser_zone
from labeling.ui.pair_reading import pair_texts, safe_html
from labeling.ui.parts import escape, grid, note, plural, section

VERDICTS: Final = {
    ScreenVerdict.LEFT: "Left is better",
    ScreenVerdict.TIE: "Tie",
    ScreenVerdict.BOTH_BAD: "Both bad",
    ScreenVerdict.RIGHT: "Right is better",
}
ACTS: Final = {"skip": "Skipped", "undo": "Undone", "void": "Taken back by the lead"}
STRENGTHS: Final = {1: "slightly", 2: "clearly", 3: "much"}


def opened_section(me: Here, found: OpenedLabel) -> None:
    """Draw the pair, with the way to change its label."""
    newest = found.revisions[0]
    decided = said(newest.action, newest.verdict, newest.strength)
    with section(f"Pair {found.pair_id}", f"round {escape(found.round_name)} · {decided}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("Change this label", type="primary", disabled=found.locked is not None):
                _change(me, found)
            raw = st.toggle("Raw text", key="history raw")
            st.caption(_versions(newest))
        if found.locked:
            note("lock", "gray", found.locked)
        if newest.is_surplus:
            note("info", "gray", "Others had labelled this pair meanwhile: your label counts in votes and agreement.")
        if not found.is_sensitive or st.toggle("Show the sensitive texts", key=f"uncover {found.pair_id}"):
            pair_texts(found.prompt, {"Left": found.left, "Right": found.right}, raw=raw)
        _revisions(found)
        if found.guidelines.strip():
            with st.expander(f"Guidelines as they were, version {newest.guidelines}", type="compact"):
                safe_html(f'<div class="completion">{render(found.guidelines)}</div>')


def _change(me: Here, found: OpenedLabel) -> None:
    to = {"project": me.project, "pair": str(found.pair_id)}
    if found.purpose is not RoundPurpose.WORK:
        to["round"] = found.round_name
    st.switch_page("views/label.py", query_params=to)


def _versions(revision: Revision) -> str:
    guidelines = f"guidelines version {revision.guidelines}" if revision.guidelines else "no guidelines"
    drawn = f"drawn by renderer {revision.renderer or 'unknown'}"
    if revision.renderer != RENDERER_VERSION:
        drawn += f", now by {RENDERER_VERSION}"
    return f"{guidelines} · {drawn}"


def _revisions(found: OpenedLabel) -> None:
    st.markdown(f"**{plural(len(found.revisions), 'revision')}**, newest first")
    grid(
        [
            {
                "No.": one.number,
                "When": one.at,
                "Verdict": said(one.action, one.verdict, one.strength),
                "Seconds": one.seconds,
                "Criteria": ", ".join(f"{name}: {given.value}" for name, given in one.criteria.items()),
                "Reasons": ", ".join(one.reasons),
                "Comment": one.comment or "",
                "Edited answer": one.edited or "",
                "Guidelines": one.guidelines,
                "Renderer": one.renderer,
            }
            for one in found.revisions
        ],
        placeholder="–",
        columns={
            "When": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm:ss", timezone=browser_zone()),
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
        },
    )
    for flag in found.flags:
        why = ", ".join((*flag.reasons, *([flag.comment] if flag.comment else [])))
        note("flag", "orange", escape(f"You flagged this pair{': ' + why if why else ''}"))


def said(action: str, verdict: ScreenVerdict | None, strength: int | None) -> str:
    """A decision in the words of the screen."""
    if verdict is None:
        return ACTS[action]
    return f"{VERDICTS[verdict]}, {STRENGTHS[strength]}" if strength else VERDICTS[verdict]
