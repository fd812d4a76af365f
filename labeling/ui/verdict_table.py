"""What a judge said, as a section of the page Judge: its figures, and a table that can be narrowed and downloaded."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from labeling.domain import Verdict
from labeling.services.judge import JudgeView
from labeling.services.verdicts import (
    FILTERS,
    Filter,
    OutcomeCounts,
    VerdictView,
    each_verdict,
    outcome_counts,
    verdicts,
    verdicts_csv,
)
from labeling.ui.context import Here
from labeling.ui.formats import plural
from labeling.ui.parts import count, faults, figures, grid, percent, section, states_column

MOST_ROWS: Final = 200
STRENGTHS: Final = {1: "slightly", 2: "clearly", 3: "much"}
FILTER_WORDS: Final = {"flips": "Turn with the order", "contradictions": "Contradict their scores", "opposed": "Opposed to people"}  # fmt: skip


def verdict_section(me: Here, judges: Sequence[JudgeView]) -> None:
    """The verdicts of one of `judges`; nothing where none of them has read a pair."""
    read = [view for view in judges if view.pairs]
    if not read:
        return
    with section("Verdicts", "a and b are the stored order, not the order of a screen"), faults():
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            view = read[0]
            if len(read) > 1:
                view = st.selectbox("Judge", read, format_func=lambda one: one.title, width=280, key="verdicts of")
            only: Filter = st.selectbox(
                "Show", FILTERS, format_func=lambda one: FILTER_WORDS.get(one, one.capitalize()), width=240, key="verdict filter"
            )  # fmt: skip
            st.download_button(
                "Download as CSV",
                lambda: "".join(
                    verdicts_csv(each_verdict(me.store, me.actor, me.project, view.id, only=only))
                ).encode(),
                f"verdicts-{me.project}.csv",
                "text/csv",
                help="The pairs of this filter that you may see, with all reasons.",
                on_click="ignore",
            )
        counts = outcome_counts(me.store, me.actor, me.project, view.id)
        _figures(counts)
        found = verdicts(me.store, me.actor, me.project, view.id, only=only, most=MOST_ROWS)
        _table(found, f"verdict table {view.id} {only}")


def _figures(counts: OutcomeCounts) -> None:
    figures(
        ("Pairs read", counts.pairs),
        ("Decided", counts.decided),
        ("Undecided", counts.undecided, "Not exported, and first in the people's queue."),
        ("Unreadable", counts.unreadable, "Asked for twice, and not readable either time."),
        (
            "Same both ways",
            "–" if counts.order_agreement is None else percent(counts.order_agreement),
            "Verdicts that stay when the replies change places.",
        ),
        ("Took the first", percent(counts.first_slot, counts.preferring), _slots(counts)),
    )
    why = ", ".join(f"{count(number)}: {reason}" for reason, number in counts.undecided_why.items())
    again = f"{plural(counts.repairs, 'reply', 'replies')} asked for again" if counts.repairs else ""
    said = "; ".join(filter(None, [f"undecided {why}" if why else "", again, _slots(counts)]))
    st.caption(f"{said[:1].upper()}{said[1:]}.")


def _slots(counts: OutcomeCounts) -> str:
    if counts.first_slot_interval is None:
        return "no reply prefers a side"
    low, high = counts.first_slot_interval
    return (
        f"the reply that stood first was preferred in {percent(counts.first_slot, counts.preferring)} of "
        f"{count(counts.preferring)} judgements ({percent(low)} to {percent(high)}); without a lean it is half"
    )


def _table(found: Sequence[VerdictView], key: str) -> None:
    held_out = sum(row.is_held_out for row in found)
    hidden = sum(row.is_hidden for row in found) - held_out
    if not found:
        st.caption("No verdict of this kind that you may see.")
        return
    chosen = grid(
        {
            "Pair": [row.pair_id for row in found],
            "Verdict": [_verdict(row) for row in found],
            "State": [_states(row) for row in found],
            "People": [_plain(row.people) for row in found],
            "Gold": [_plain(row.gold) for row in found],
            "Prompt": [row.prompt for row in found],
            "Reason": [_reason(row) for row in found],
        },
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        key=key,
        columns={
            "Pair": st.column_config.NumberColumn(width=56, format="%d"),
            "Verdict": 84,
            "State": states_column("undecided", "unreadable", "sandbox", width=150),
            "People": st.column_config.TextColumn(width=64, help="What most people say of the pair."),
            "Gold": 56,
            "Prompt": 180,
        },
    )
    if hidden:
        st.caption(
            f"{plural(hidden, 'verdict')} hidden until you have labelled the pair, or its round is closed: it would sway you."
        )
    if held_out:
        st.caption(f"{plural(held_out, 'gold pair')} of the held-out half: the rubric bench counts looks at them.")
    if len(found) == MOST_ROWS:
        st.caption(f"The newest {count(MOST_ROWS)} are shown; the file has them all.")
    for place in chosen["selection"]["rows"]:
        if place < len(found) and not found[place].is_hidden:
            _opened(found[place])


def _opened(row: VerdictView) -> None:
    """One pair's reasons, whole. They are a model's words: plain text, never Markdown."""
    with st.container(border=True):
        st.caption(f"Pair {row.pair_id}{f', {row.why}' if row.why else ''}")
        st.text(row.prompt)
        for reason in row.reasons:
            st.text(reason)


def _reason(row: VerdictView) -> str:
    if row.is_hidden:
        return "Held out." if row.is_held_out else "Hidden until you have labelled it."
    return (row.reasons or ("",))[0]


def _verdict(row: VerdictView) -> str:
    return _plain(row.verdict) + (f", {STRENGTHS[row.strength]}" if row.strength else "")


def _plain(verdict: Verdict | None) -> str:
    return verdict.value.replace("_", " ") if verdict else ""


def _states(row: VerdictView) -> list[str]:
    found = [row.state.capitalize()] if row.state in ("undecided", "unreadable") else []
    return [*found, "Sandbox"] if row.is_sandbox else found
