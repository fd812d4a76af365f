"""Rounds: what the lead of a project sets for its annotators, and what comes back from them."""

from datetime import UTC, datetime, time
from typing import Any

import streamlit as st

from labeling.domain import RoundPurpose, Verdict
from labeling.errors import InputError
from labeling.services.gold import gold_pairs, gold_results, mix_gold, set_gold
from labeling.services.inbox import Message, flags, settle_flag, skips
from labeling.services.ordering import order_round
from labeling.services.preferences import mark_sensitive
from labeling.services.projects import ProjectView, project_view, write_guidelines
from labeling.services.round_setup import (
    RoundView,
    close_round,
    make_calibration,
    make_practice,
    make_repeat,
    rounds_of,
    steadiness,
)
from labeling.services.rounds import Asked, asked_in, change_asked
from labeling.services.self_naming import self_naming
from labeling.services.taking_back import Which, count_to_take_back, take_back
from labeling.ui.context import Here, here
from labeling.ui.hours_section import hours_section
from labeling.ui.parts import actions, body, count, faults, head, note, plural, section

FIELDS = {"strength": "Strength", "criteria": "Criteria", "reasons": "Reasons", "comment": "Comment"}
ORDERS = {"imported": "As imported", "random": "Random", "uncertain": "Most uncertain first"}
VERDICTS = {Verdict.A: "a is better", Verdict.B: "b is better", Verdict.TIE: "Tie", Verdict.BOTH_BAD: "Both bad"}


def main() -> None:
    me = here()
    project = project_view(me.store, me.actor, me.project)
    found = rounds_of(me.store, me.actor, me.project)
    told = flags(me.store, me.actor, me.project)
    with head("Rounds", f"{plural(len(found), 'round')} · {plural(len(told), 'open flag')}"):
        pass
    with body():
        _rounds(me, found)
        _inbox(me, told)
        hours_section(me)
        _guidelines(me, project)
        _asked(me)
        _gold(me, found)
        _care(me)
        _taking_back(me, project)


def _rounds(me: Here, found: list[RoundView]) -> None:
    with section("Rounds", "each pair of a round is labelled by as many annotators as its overlap says"):
        st.dataframe(
            [
                {
                    "Round": one.name,
                    "Purpose": one.purpose.value,
                    "Pairs": one.pairs,
                    "Done": one.done,
                    "Overlap": one.overlap,
                    "Gold": one.gold,
                    "Pass mark": one.pass_mark,
                    "Guidelines": one.guidelines,
                    "State": "closed" if one.is_closed else "open",
                }
                for one in found
            ],
            hide_index=True,
            row_height=34,
            column_config={"Pass mark": st.column_config.NumberColumn(format="percent")},
            placeholder="–",
        )
        with st.container(horizontal=True):
            if st.button("New round", icon=":material/add:"):
                _new_round(me)
            one = st.selectbox(
                "Round", [view.name for view in found], label_visibility="collapsed", width=220, key="chosen round"
            )
            chosen = next(view for view in found if view.name == one)
            orders = list(ORDERS)
            ordering = st.selectbox(
                "Order", orders, index=orders.index(chosen.ordering), format_func=ORDERS.__getitem__, width=220,
                label_visibility="collapsed", key=f"order of {chosen.name}",
            )  # fmt: skip
            if ordering != chosen.ordering:
                with faults():
                    order_round(me.store, me.actor, me.project, ordering, chosen.name)
                    st.rerun()
            if st.button("Open round" if chosen.is_closed else "Close round"):
                with faults():
                    close_round(me.store, me.actor, me.project, chosen.name, closed=not chosen.is_closed)
                    st.rerun()
        again = steadiness(me.store, me.actor, me.project)
        if again:
            rows = [
                {"Annotator": one.annotator, "Repeated": one.repeated, "Same": one.same / one.repeated} for one in again
            ]
            st.dataframe(rows, hide_index=True, column_config={"Same": st.column_config.NumberColumn(format="percent")})


@st.dialog("New round")
def _new_round(me: Here) -> None:
    purposes = [RoundPurpose.PRACTICE, RoundPurpose.CALIBRATION, RoundPurpose.REPEAT]
    purpose = st.segmented_control(
        "Purpose", purposes, default=purposes[0], format_func=lambda one: one.value.capitalize(), required=True
    )
    name = st.text_input("Name", value=str(purpose))
    size = 0
    people: list[str] = []
    mark = None
    if purpose is RoundPurpose.PRACTICE:
        st.caption("All gold pairs, with what is right told after each answer.")
        if st.checkbox("Who fails may not label in the work round", value=True):
            mark = st.number_input("Pass mark, %", 1, 100, 80) / 100
    else:
        size = st.number_input("Pairs", 1, 10_000, 50)
        hint = "One name a line." if purpose is RoundPurpose.CALIBRATION else "The annotator who is asked again."
        people = [one.strip() for one in st.text_area("Annotators", help=hint).splitlines() if one.strip()]
    with actions():
        if st.button("Cancel"):
            st.rerun()
        if st.button("Make round", type="primary"):
            with faults():
                if purpose is RoundPurpose.PRACTICE:
                    make_practice(me.store, me.actor, me.project, name, mark)
                elif purpose is RoundPurpose.CALIBRATION:
                    make_calibration(me.store, me.actor, me.project, name, int(size), people)
                else:
                    make_repeat(me.store, me.actor, me.project, name, int(size), people[0] if people else "")
                st.rerun()


def _inbox(me: Here, told: list[Message]) -> None:
    passed_over = skips(me.store, me.actor, me.project)
    with section("Inbox", "what annotators flagged, and what they skipped and why"):
        if not told and not passed_over:
            st.caption("Nothing was flagged or skipped.")
            return
        left, right = st.tabs([f"Flags ({count(len(told))})", f"Skips ({count(len(passed_over))})"])
        with left:
            if told:
                _messages(told)
                chosen = st.selectbox(
                    "Flag", told, format_func=lambda one: f"Pair {one.pair_id}, {one.at:%d %b %H:%M}", width=260,
                    label_visibility="collapsed",
                )  # fmt: skip
                if st.button("Settle flag"):
                    with faults():
                        assert chosen.flag_id is not None
                        settle_flag(me.store, me.actor, me.project, chosen.flag_id)
                        st.rerun()
        with right:
            if passed_over:
                _messages(passed_over)


def _messages(found: list[Message]) -> None:
    st.dataframe(
        [
            {
                "Pair": one.pair_id,
                "Annotator": one.annotator,
                "When": one.at,
                "Reasons": ", ".join(one.reasons),
                "Comment": one.comment or "",
            }
            for one in found
        ],
        hide_index=True,
        row_height=34,
    )


def _guidelines(me: Here, project: ProjectView) -> None:
    with section(
        "Guidelines", f"version {project.guideline_number}; annotators read what changed before their next label"
    ):
        text = st.text_area("Guidelines", project.guidelines, height=220, label_visibility="collapsed")
        if st.button("Save as the next version") and text != project.guidelines:
            with faults():
                write_guidelines(me.store, me.actor, me.project, text)
                st.rerun()


def _asked(me: Here) -> None:
    asked = asked_in(me.store, me.actor, me.project)
    with section("What is asked", "beside the verdict; what is not asked costs no key"):
        with st.container(horizontal=True):
            ties = st.checkbox("Tie", asked.ties)
            both_bad = st.checkbox("Both bad", asked.both_bad)
            strength = st.checkbox("Strength", asked.strength)
            edits = st.checkbox("Edited answers", asked.edits)
            volunteers = st.checkbox("Sensitive pairs only to volunteers", asked.volunteers)
        left, middle, right = st.columns(3)
        reasons = left.text_area("Reasons, one a line", "\n".join(asked.reasons))
        criteria = middle.text_area("Criteria, one a line", "\n".join(asked.criteria))
        skip_reasons = right.text_area("Reasons to skip, one a line", "\n".join(asked.skip_reasons))
        required = st.multiselect(
            "Required with every label", list(FIELDS), list(asked.required), format_func=FIELDS.__getitem__
        )
        wanted = Asked(
            ties, both_bad, strength, edits, _lines(reasons), _lines(criteria), tuple(required), _lines(skip_reasons),
            volunteers,
        )  # fmt: skip
        if st.button("Save what is asked"):
            with faults():
                change_asked(me.store, me.actor, me.project, wanted)
                st.rerun()


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _gold(me: Here, found: list[RoundView]) -> None:
    gold = gold_pairs(me.store, me.actor, me.project)
    with section(
        "Gold", f"{plural(len(gold), 'pair')} whose verdict is known; annotators cannot tell them from others"
    ):
        if gold:
            st.dataframe(
                [{"Pair": one.pair_id, "Verdict": VERDICTS[one.verdict], "Why": one.reason or ""} for one in gold],
                hide_index=True,
                row_height=34,
                height=180 if len(gold) > 4 else "content",
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
                {"Annotator": one.annotator, "Answered": one.answered, "Right": one.correct / one.answered}
                for one in results
            ]
            st.dataframe(
                rows, hide_index=True, column_config={"Right": st.column_config.NumberColumn(format="percent")}
            )


def _care(me: Here) -> None:
    with section(
        "Care", "sensitive pairs are covered until opened; answers that name their model end a blind comparison"
    ):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            tag = st.text_input("Prompts with the tag", width=220, key="sensitive tag").strip()
            for label, sensitive in (("Mark as sensitive", True), ("Not sensitive", False)):
                if st.button(label):
                    with faults():
                        if not tag:
                            raise InputError("Say by which tag the prompts are known.")
                        changed = mark_sensitive(me.store, me.actor, me.project, tag, sensitive=sensitive)
                        note("info", "gray", f"{plural(changed, 'prompt')} changed.")
        if st.button("Look for answers that name their model"):
            with faults(), st.spinner("Reading the answers"):
                found = self_naming(me.store, me.actor, me.project)
                st.caption(f"{plural(len(found), 'answer')} found. Annotators are not told.")
                if found:
                    rows = [{"Pair": one.pair_id, "Side": one.side, "Words": one.words} for one in found]
                    st.dataframe(rows, hide_index=True, row_height=34)


def _given(pair_id: int | None) -> int:
    if pair_id is None:
        raise InputError("Say which pair: its number stands in the table of Data and in the inbox.")
    return int(pair_id)


def _taking_back(me: Here, project: ProjectView) -> None:
    with section("Take labels back", "the events stay in the history, their places in the queue open again"):
        with st.container(horizontal=True):
            annotator = st.text_input("Annotator", width=180).strip() or None
            since = st.date_input("Since", None, width=160)
            version = st.number_input("Guidelines up to version", 1, project.guideline_number, None, width=200)
            reason = st.text_input("With the reason", width=180).strip() or None
            tag = st.text_input("Prompts with the tag", width=180).strip() or None
        which = Which(annotator, _begin(since), None if version is None else int(version), reason, tag)
        if which == Which():
            st.caption("Say whose labels, since when, or of which guidelines.")
            return
        with faults():
            number = count_to_take_back(me.store, me.actor, me.project, which)
            why = st.text_input("Why, kept with the labels")
            again = st.checkbox("Ask the same annotators again", help="Otherwise others are asked.")
            note("info", "gray", f"{plural(number, 'label')} would be taken back.")
            if st.button(f"Take back {plural(number, 'label')}", disabled=not number):
                take_back(me.store, me.actor, me.project, which, why, again=again)
                st.rerun()


def _begin(day: Any) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


main()
