"""Label: one pair at a time, left and right alike, one key a verdict."""

from html import escape as escape_html
from typing import Final

import streamlit as st

from labeling.domain import ScreenVerdict
from labeling.render import formulas_as_source, render, render_completion, render_prompt, visible
from labeling.render.style import STYLE
from labeling.render.turns import raw_completion, raw_prompt
from labeling.services.desk import open_desk
from labeling.services.export import usable
from labeling.services.labels import last_decided
from labeling.services.projects import ProjectView, next_step, project_view
from labeling.services.queue import Progress, ServedPair, next_pairs, progress
from labeling.services.rounds import Asked, asked_in
from labeling.storage.served import Reply
from labeling.ui.context import Here, go, here
from labeling.ui.label_acts import Desk, Shown, decide, desk, flag, show, skip, undo
from labeling.ui.parts import actions, count, empty, escape, fault, head, note, plural, state

CARD_HEIGHT: Final = 400  # pixels: with it all controls are seen at 1280×720
PROMPT_HEIGHT: Final = 120
VERDICTS: Final = {
    ScreenVerdict.LEFT: "Left is better",
    ScreenVerdict.TIE: "Tie",
    ScreenVerdict.BOTH_BAD: "Both bad",
    ScreenVerdict.RIGHT: "Right is better",
}
STRENGTHS: Final = {1: "Slightly", 2: "Clearly", 3: "Much"}
CRITERIA: Final = {"left": "Left", "tie": "Tie", "right": "Right"}


def main() -> None:
    me = here()
    project = project_view(me.store, me.actor, me.project)
    done = progress(me.store, me.actor, me.project)
    if not done.total:
        _without_pairs(project)
        return
    served = next_pairs(me.store, me.actor, me.project, (), 1)
    mine = desk(me.project)
    if not served:
        _end(me, project, done, mine)
        return
    pair = served[0]
    shown, asked = show(me, pair), asked_in(me.store, me.actor, me.project)
    st.html(f"<style>{STYLE}</style>")
    with st.container(gap="small"):
        _status(me, project, done, mine)
        _pair(pair, raw=mine.raw)
        _beside(shown, asked, pair)
        if mine.refused:
            fault(mine.refused)
        _bar(me, shown, asked, mine)
        _guidelines(project)


def _status(me: Here, project: ProjectView, done: Progress, mine: Desk) -> None:
    rows = usable(me.store, me.actor, me.project)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        people = "one annotator" if project.overlap == 1 else f"{project.overlap} annotators"
        st.caption(f"Work round · {people} a pair", width="content")
        st.progress(min(1.0, done.behind_me / done.total), width="stretch")
        st.markdown(f"**{count(done.behind_me)}** of {count(done.total)}", width="content")
        st.caption(f"Usable rows: {count(rows.rows)} of {count(rows.pairs)}", width="content")
        if project.has_sandbox:
            state("sandbox", "Some completions of this project were written by the sandbox, not by a model.")
        saved = "green[:material/check: Saved]" if mine.has_saved and not mine.refused else "gray[Saved as you go]"
        st.markdown(f":small[:{saved}]", width="content")


def _pair(pair: ServedPair, *, raw: bool) -> None:
    with st.container(height=PROMPT_HEIGHT, border=False):
        _text("Prompt", raw_prompt(pair.prompt) if raw else None, render_prompt(pair.prompt))
    left, right = st.columns(2, gap="small")
    for column, name, reply in ((left, "Left", pair.left), (right, "Right", pair.right)):
        with column, st.container(height=CARD_HEIGHT, border=True):
            _text(name, raw_completion(reply.text, reply.tool_calls) if raw else None, _reply(reply))


def _reply(reply: Reply) -> str:
    return render_completion(reply.text, reply.tool_calls)


def _text(name: str, raw: str | None, html: str) -> None:
    """A text under its name: as safe HTML, or as it is with its invisible characters named."""
    if raw is not None:
        html = f'<pre class="plain" dir="auto"><span>{escape_html(visible(raw))}</span></pre>'
    kind = "completion prompt" if name == "Prompt" else "completion"
    _html(f'<section class="{kind}" aria-label="{name}"><div class="role">{name}</div>{html}</section>')


def _html(html: str) -> None:
    # Streamlit's own cleaning takes MathML away with all it says.
    st.html(formulas_as_source(html))


def _beside(shown: Shown, asked: Asked, pair: ServedPair) -> None:
    """What the project asks beside the verdict."""
    if asked.strength:
        st.segmented_control(
            "How much better" + _must("strength", asked),
            list(STRENGTHS),
            format_func=STRENGTHS.__getitem__,
            key=shown.key("strength"),
        )
    if asked.criteria:
        with st.container(horizontal=True):
            for name in asked.criteria:
                st.segmented_control(
                    escape(name) + _must("criteria", asked),
                    list(CRITERIA),
                    format_func=CRITERIA.__getitem__,
                    key=shown.key(f"criterion {name}"),
                )
    if asked.reasons:
        st.pills(
            "Why" + _must("reasons", asked),
            list(asked.reasons),
            selection_mode="multi",
            format_func=escape,
            key=shown.key("reasons"),
        )
    if asked.edits:
        with st.expander("Write the better answer", type="compact"):
            for side, reply in (("left", pair.left), ("right", pair.right)):
                st.session_state.setdefault(shown.key(f"before {side}"), reply.text)
                st.text_area(f"{side.capitalize()}, edited", reply.text, height=200, key=shown.key(f"edited {side}"))
    if asked.reasons or "comment" in asked.required:
        st.text_input("Comment" + _must("comment", asked), key=shown.key("comment"))


def _must(name: str, asked: Asked) -> str:
    return "" if name in asked.required else ", if you like"


def _bar(me: Here, shown: Shown, asked: Asked, mine: Desk) -> None:
    """Verdicts in the order in which they stand on the screen, all alike; the tools left and right of them."""
    offered = {
        verdict: label
        for verdict, label in VERDICTS.items()
        if (verdict is not ScreenVerdict.TIE or asked.ties)
        and (verdict is not ScreenVerdict.BOTH_BAD or asked.both_bad)
    }
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        with st.container(horizontal=True, width="content", gap="xsmall"):
            _undo_button(me)
            st.button("Skip", type="tertiary", shortcut="s", key=shown.key("skip"), on_click=skip, args=(me, shown))
            flagged = shown.pair_id in mine.flagged
            if st.button("Flagged" if flagged else "Flag", type="tertiary", shortcut="f", key=shown.key("flag")):
                _flag(me, shown)
        with st.container(horizontal=True, width="content", gap="small"):
            for number, (verdict, label) in enumerate(offered.items(), 1):
                st.button(
                    label, shortcut=str(number), key=shown.key(verdict), on_click=decide, args=(me, shown, asked, verdict.value)
                )  # fmt: skip
        st.button("Rendered" if mine.raw else "Raw", type="tertiary", shortcut="v", on_click=_turn_raw, args=(mine,))


def _undo_button(me: Here) -> None:
    found = last_decided(me.store, open_desk(me.store, me.actor, me.project), 1)
    last = found[0] if found else None
    pair_id, event_id = (last.pair_id, last.event_id) if last else (0, "")
    st.button(
        "Undo", type="tertiary", shortcut="u", key=f"undo {event_id}", disabled=last is None, on_click=undo, args=(me, pair_id, event_id)
    )  # fmt: skip


def _turn_raw(mine: Desk) -> None:
    mine.raw = not mine.raw


@st.dialog("Flag this pair for the lead")
def _flag(me: Here, shown: Shown) -> None:
    st.text_area("What is wrong with it", key=shown.key("flag comment"), max_chars=10_000)
    st.caption("A flag changes no label: decide or skip the pair as well.")
    with actions():
        if st.button("Cancel"):
            st.rerun()
        if st.button("Flag pair", type="primary", on_click=flag, args=(me, shown)):
            st.rerun()


def _guidelines(project: ProjectView) -> None:
    with st.expander(f"Guidelines, version {project.guideline_number}", type="compact"):
        if project.guidelines.strip():
            _html(f'<div class="completion">{render(project.guidelines)}</div>')
        else:
            st.caption("This project has no guidelines yet: choose the reply that you would rather have been given.")


def _without_pairs(project: ProjectView) -> None:
    with head("Label", "Two replies to one prompt, and one key to say which is better"):
        pass
    with empty("swap_horiz", "Make pairs first", "A label compares two completions of one prompt."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


def _end(me: Here, project: ProjectView, done: Progress, mine: Desk) -> None:
    """Nothing waits for this annotator: what was done, and where it goes on."""
    step = next_step(me.store, me.actor, me.project)
    rows = usable(me.store, me.actor, me.project)
    context = f"{plural(done.mine, 'label')} of yours · usable rows: {count(rows.rows)} of {count(rows.pairs)}"
    with head("Label", context, ("sandbox",) if project.has_sandbox else ()):
        _undo_button(me)
    if mine.refused:
        fault(mine.refused)
    if project.is_closed:
        note("lock", "gray", "This project is closed: it takes no more labels.")
    left = done.total - done.done
    title = "Every pair has its labels" if not left else "Nothing waits for you now"
    text = (
        escape(step.sentence) if not left else f"{plural(left, 'pair')} of this round wait for others, or were skipped."
    )
    page = "export" if step.page == "label" else step.page
    with empty("task_alt", title, text):
        if st.button(f"Go to {page.capitalize()}", type="primary"):
            go(page)


main()
