"""Gold pairs as a section of a page: what is right, how many are mixed in, how each annotator did."""

from typing import Final

import streamlit as st

from labeling.domain import RoundPurpose, Verdict
from labeling.errors import InputError
from labeling.services.gold import gold_from, gold_pairs, gold_results, mix_gold, set_gold
from labeling.services.round_setup import RoundView
from labeling.ui.context import Here
from labeling.ui.pair_reading import pair_of_lead
from labeling.ui.parts import faults, grid, plural, section

VERDICTS: Final = {Verdict.A: "a is better", Verdict.B: "b is better", Verdict.TIE: "Tie", Verdict.BOTH_BAD: "Both bad"}


def gold_section(me: Here, found: list[RoundView]) -> None:
    gold = gold_pairs(me.store, me.actor, me.project)
    with section(
        "Gold", f"{plural(len(gold), 'pair')} whose verdict is known; annotators cannot tell them from others"
    ):
        if gold:
            grid(
                [{"Pair": one.pair_id, "Verdict": VERDICTS[one.verdict], "Why": one.reason or None} for one in gold],
                height=180 if len(gold) > 4 else "content",
                columns={"Pair": 70, "Verdict": 120, "Why": 820},
                placeholder="–",
            )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            pair_id = st.number_input("Pair", 1, value=None, width=120)
            verdict = st.selectbox(
                "Verdict in stored order", list(VERDICTS), format_func=VERDICTS.__getitem__, width=180
            )
            reason = st.text_input("Why, told in practice")
            if st.button("Make gold"):
                with faults():
                    set_gold(me.store, me.actor, me.project, _given(pair_id), verdict, reason)
                    st.rerun()
            if st.button("Take gold back"):
                with faults():
                    set_gold(me.store, me.actor, me.project, _given(pair_id), None)
                    st.rerun()
        if pair_id is not None:
            pair_of_lead(me, int(pair_id))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            rater = st.text_input(
                "All that this rater says", width=260, help="An annotator, or the name of imported labels.", live=True
            )
            if st.button("Make it gold", disabled=not rater.strip()):
                with faults():
                    gold_from(me.store, me.actor, me.project, rater.strip())
                    st.rerun()
        work = next(one for one in found if one.purpose is RoundPurpose.WORK)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            share = st.number_input(
                "Share of gold in the work round, %", 0, 50, round(100 * work.gold_share), width=260
            )
            if st.button("Mix in", disabled=not gold):
                with faults():
                    mix_gold(me.store, me.actor, me.project, share / 100, work.name)
                    st.rerun()
        results = gold_results(me.store, me.actor, me.project)
        if results:
            rows = [
                {"Annotator": one.annotator, "Answered": one.answered, "Right": 100 * one.correct / one.answered}
                for one in results
            ]
            grid(rows, columns={"Right": st.column_config.NumberColumn(format="%.0f %%")})


def _given(pair_id: int | None) -> int:
    if pair_id is None:
        raise InputError(
            "Say which pair: its number stands in the inbox, in the history and in the verdicts of a judge."
        )
    return int(pair_id)
