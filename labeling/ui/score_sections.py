"""What scores come to: pairs of the best and a worse reply, how the scores spread, and the newest ones with reasons."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from labeling.best_of import FromScores, Rejected
from labeling.services.pairing import PairingView, PairPlan, make_pairs
from labeling.services.projects import project_view
from labeling.services.score import ScorerView, score_table, spread
from labeling.ui.context import Here
from labeling.ui.formats import count, plural
from labeling.ui.parts import faults, grid, section, states_column
from labeling.ui.sieve_form import chosen_sieve, dropped_words, may_count, sieve_pills

REJECTED: Final = {
    Rejected.LOW: "Low, not the worst",
    Rejected.WORST: "The worst",
    Rejected.RANDOM: "Any worse one",
}
MOST_ROWS: Final = 100


def pairs_section(me: Here, scorers: Sequence[ScorerView]) -> None:
    """Which pairs the scores give, told before they are made."""
    with_scores = [view for view in scorers if view.scored]
    if not with_scores:
        return
    with section("Pairs from scores", "the best reply of each prompt over a worse one, as this judge's label"):
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            view = _one_of(with_scores, "pairs of")
            how = st.segmented_control(
                "Rejected", list(REJECTED), default=Rejected.LOW, required=True, format_func=REJECTED.__getitem__, key="rejected",
                help="Low: the reply nearest to the mean less two standard deviations. With many samples the worst one is "
                "often broken, and teaches less.",
            )  # fmt: skip
            margin = st.number_input(
                "At least points worse", 0.0, 9.0, 1.0, 0.5, format="%.1f", width=160, key="score margin"
            )
            sieve_pills("drop of scored")
        with faults():
            scores = FromScores(view.title, Rejected(how), float(margin))
            plan = PairPlan(sieve=chosen_sieve("drop of scored"), scores=scores)
            found = _cached(me, plan, scorers)
            if found is None:
                return
            told = [part for number, part in _words(found) if number]
            st.caption("  \n".join(filter(None, [" · ".join(told), dropped_words(found)])))
            if found.labels and st.button(f"Label {plural(found.labels, 'pair')} by the scores"):
                make_pairs(me.store, me.actor, me.project, plan)
                st.session_state.pop("pairing of scores", None)
                st.rerun()


def _cached(me: Here, plan: PairPlan, scorers: Sequence[ScorerView]) -> PairingView | None:
    project = project_view(me.store, me.actor, me.project)
    place = (me.slug, plan, project.prompts, project.pairs, *((view.id, view.scored) for view in scorers))
    kept = st.session_state.get("pairing of scores")
    if kept is None or kept[0] != place:
        if not may_count(project.prompts, place):
            return None
        with st.spinner("Looking through the scores"):
            kept = (place, make_pairs(me.store, me.actor, me.project, plan, dry_run=True))
        st.session_state["pairing of scores"] = kept
    found: PairingView = kept[1]
    return found


def _words(found: PairingView) -> list[tuple[int, str]]:
    there = found.labels - found.pairs
    return [
        (found.pairs, plural(found.pairs, "new pair")),
        (there, f"{plural(there, 'pair')} that {'is' if there == 1 else 'are'} there"),
        (found.has_pairs, f"{plural(found.has_pairs, 'prompt')} labelled already"),
        (found.close, f"{plural(found.close, 'prompt')} with scores too close together"),
        (found.unscored, f"{plural(found.unscored, 'prompt')} with too few scored replies"),
        (
            found.too_few + found.same_text,
            f"{plural(found.too_few + found.same_text, 'prompt')} with fewer than two replies",
        ),
        (found.too_few_left, f"{plural(found.too_few_left, 'prompt')} with too few replies left"),
    ]


def scores_section(me: Here, scorers: Sequence[ScorerView]) -> None:
    """How a judge's scores spread, and what it said last."""
    read = [view for view in scorers if view.scored or view.unreadable]
    if not read:
        return
    with section("Scores", "1 useless to 10 could not be better"), faults():
        view = _one_of(read, "scores of")
        _chart(spread(me.store, me.actor, me.project, view.id))
        st.caption(
            f"{plural(view.scored, 'reply', 'replies')} scored, {count(view.unreadable)} unreadable. A judge that gives one score to most "
            "replies tells them apart badly: a rubric with points of its own helps, or comparing pairs on the page Judge."
        )  # fmt: skip
        _table(me, view)


def _one_of(views: Sequence[ScorerView], key: str) -> ScorerView:
    if len(views) == 1:
        return views[0]
    by_id = {view.id: view for view in views}
    chosen = st.selectbox("By", list(by_id), format_func=lambda id_: by_id[id_].title, key=key, width=260)
    return by_id[chosen]


def _chart(found: dict[int, int]) -> None:
    import altair as alt
    import pandas as pd

    data = pd.DataFrame({"Score": list(found), "Replies": list(found.values())})
    bars = (
        alt.Chart(data, height=180)
        .mark_bar(size=22)
        .encode(
            x=alt.X("Score:O", axis=alt.Axis(labelAngle=0, title=None)),
            y=alt.Y("Replies:Q", axis=alt.Axis(title="Replies", tickMinStep=1, format="d")),
            tooltip=["Score", "Replies"],
        )
    )
    st.altair_chart(bars)


def _table(me: Here, view: ScorerView) -> None:
    found = score_table(me.store, me.actor, me.project, view.id, MOST_ROWS)
    hidden = sum(row.is_hidden for row in found)
    grid(
        {
            "Score": [row.points for row in found],
            "State": [
                (["Sandbox"] if row.is_sandbox else [])
                + (["Unreadable"] if row.points is None and not row.is_hidden else [])
                for row in found
            ],
            "Prompt": [row.prompt for row in found],
            "Reply": [row.reply for row in found],
            "Reasons": ["Hidden until you have labelled it." if row.is_hidden else row.reasoning for row in found],
        },
        placeholder="",
        key="score table",
        columns={
            "Score": st.column_config.NumberColumn(width=60, format="%.1f"),
            "State": states_column("unreadable", "sandbox", width=110),
            "Prompt": 180,
            "Reply": 260,
        },
    )
    if hidden:
        st.caption(f"{plural(hidden, 'score')} hidden until you have labelled the pair: it would sway you.")
