"""Rounds: what the lead of a project sets for its annotators, and what comes back from them."""

from datetime import UTC, datetime, time
from typing import Any

import streamlit as st

from labeling.errors import InputError
from labeling.services.inbox import flags
from labeling.services.preferences import mark_sensitive
from labeling.services.projects import ProjectView, write_guidelines
from labeling.services.round_setup import rounds_of
from labeling.services.rounds import Asked, asked_in, change_asked
from labeling.services.self_naming import self_naming
from labeling.services.taking_back import Which, count_to_take_back, take_back
from labeling.ui.context import Here, here, project_here
from labeling.ui.gold_section import gold_section
from labeling.ui.hours_section import hours_section
from labeling.ui.inbox_section import inbox_section, left_out_section
from labeling.ui.parts import body, count, faults, grid, head, note, plural, section
from labeling.ui.round_table import rounds_section

FIELDS = {"strength": "Strength", "criteria": "Criteria", "reasons": "Reasons", "comment": "Comment"}


def main() -> None:
    me = here()
    project = project_here(me)
    found = rounds_of(me.store, me.actor, me.project)
    told = flags(me.store, me.actor, me.project)
    with head("Rounds", f"{plural(len(found), 'round')} · {plural(len(told), 'open flag')}"):
        pass
    with body():
        names = ("Rounds", f"Inbox ({count(len(told))})", "Guidelines", "Gold", "Care", "Hours")
        rounds, inbox, guidelines, gold, care, hours = st.tabs(names)
        with rounds:
            rounds_section(me, found)
        with inbox:
            inbox_section(me, told)
            left_out_section(me)
        with guidelines:
            _guidelines(me, project)
            _asked(me)
            _taking_back(me, project)
        with gold:
            gold_section(me, found)
        with care:
            _care(me)
        with hours:
            hours_section(me)


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
            "Required with every label",
            list(FIELDS),
            list(asked.required),
            format_func=FIELDS.__getitem__,
            placeholder="Nothing",
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
                    grid(rows)


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
