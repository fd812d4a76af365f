"""The rubric bench, a section of the page Judge: tries on the tune half, comparisons, and counted looks at the other half."""

import streamlit as st

from labeling.services.bench import Agreement, Bench, Comparison, Try, bench, compare, look
from labeling.ui.context import Here
from labeling.ui.costs import is_own_server
from labeling.ui.formats import escape, money, plural
from labeling.ui.parts import count, faults, grid, note, percent, section

FEW = 50  # pairs of a half, under which an interval is too wide to choose by
SEEN = "bench look"  # in this tab's memory: what was looked at last, so that a rerun is no further look


def bench_section(me: Here) -> None:
    """Nothing where the project has no gold pairs."""
    found = bench(me.store, me.actor, me.project)
    if not found.tune and not found.held_out:
        return
    remark = f"{count(found.tune)} gold pairs to tune on, {count(found.held_out)} held out"
    with section("Rubric bench", remark), faults():
        if not found.tries:
            st.caption(
                "Choose the pairs “Gold, to tune on” above and start a run: each rubric you try stands here with its price, "
                "and with the pairs it fixes and breaks."
            )
            return
        _table(found)
        if min(found.tune, found.held_out) < FEW:
            note("straighten", "orange", f"Fewer than {FEW} gold pairs in a half: the intervals are wide.")
        _tools(me, found)


def _table(found: Bench) -> None:
    grid(
        {
            "Judge": [one.title for one in found.tries],
            "Agreement": [percent(one.agreement.share) for one in found.tries],
            "95 %": [_interval(one.agreement) for one in found.tries],
            "Right": [one.agreement.right for one in found.tries],
            "Of": [one.agreement.pairs for one in found.tries],
            "Undecided": [one.agreement.undecided for one in found.tries],
            "Unreadable": [one.agreement.unreadable for one in found.tries],
            "Fixed": [_count(one.fixed) for one in found.tries],
            "Broken": [_count(one.broken) for one in found.tries],
            "Price": [_price(one) for one in found.tries],
            "Looks": [one.looks for one in found.tries],
        },
        placeholder="–",
        key="bench table",
        columns={
            "Agreement": st.column_config.TextColumn(width=80, help="Pairs on which it says what gold says, of all it read."),
            "95 %": st.column_config.TextColumn(width=96, help="The Wilson interval."),
            "Fixed": st.column_config.TextColumn(width=60, help="Pairs that it has right and the try above had not."),
            "Broken": st.column_config.TextColumn(width=64, help="Pairs that the try above had right and it has not."),
            "Price": st.column_config.TextColumn(width=90, help="What its requests on the tune half cost."),
            "Looks": st.column_config.NumberColumn(width=56, help="How often somebody looked at it on the held-out half."),
        },
    )  # fmt: skip
    last = found.tries[-1]
    if last.fixed is not None and last.broken is not None and last.before is not None:
        st.text(f"{last.title} against {last.before}: {_pairs('fixes', last.fixed)}, {_pairs('breaks', last.broken)}.")


def _tools(me: Here, found: Bench) -> None:
    titles = [one.title for one in found.tries]
    left, right = st.columns(2, gap="large")
    with left, faults():
        if len(titles) > 1:
            one, two = st.columns(2)
            first = one.selectbox("Compare", titles, index=len(titles) - 2, key="bench first")
            second = two.selectbox("with", titles, index=len(titles) - 1, key="bench second")
            if first != second:
                _compared(compare(me.store, me.actor, me.project, first, second))
    with right, faults():
        title = st.selectbox("Prove on the held-out half", titles, index=len(titles) - 1, key="bench prove")
        st.caption(
            f"{plural(found.looks, 'look')} so far. Each look makes the half a little less held out: look once, when you "
            "are done. It must have read the pairs “Gold, held out”."
        )
        if st.button(f"Look at {plural(found.held_out, 'held-out pair')}", disabled=not found.held_out):
            seen = look(me.store, me.actor, me.project, title)
            st.session_state[SEEN] = (me.slug, seen)
            st.rerun()
        kept = st.session_state.get(SEEN)
        if kept and kept[0] == me.slug:
            seen = kept[1]
            st.markdown(
                f"{escape(seen.title)}: **{percent(seen.agreement.share)}** ({_interval(seen.agreement)}) of "
                f"{plural(seen.agreement.pairs, 'pair')}, look {seen.number}"
            )


def _compared(found: Comparison) -> None:
    st.markdown(
        f"Difference **{100 * found.difference:+.0f} %** on {plural(found.pairs, 'pair')} ({100 * found.low:+.0f} to "
        f"{100 * found.high:+.0f}). Only the first is right on {count(found.only_first)}, only the second on "
        f"{count(found.only_second)}; by chance alone p = {found.p:.2f}."
    )


def _interval(found: Agreement) -> str:
    return f"{percent(found.low).removesuffix(' %')} to {percent(found.high)}"


def _count(pairs: tuple[int, ...] | None) -> str:
    return "" if pairs is None else count(len(pairs))


def _pairs(word: str, pairs: tuple[int, ...]) -> str:
    named = ", ".join(map(str, pairs[:12])) + (", …" if len(pairs) > 12 else "")
    return f"{word} {plural(len(pairs), 'pair')}{f' ({named})' if pairs else ''}"


def _price(one: Try) -> str:
    if one.is_sandbox:
        return "Sandbox"
    if one.usd is None:
        return "Own server" if is_own_server(one.base_url) else "Unknown"
    return money(one.usd)
