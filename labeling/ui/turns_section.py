"""Follow-up turns that came with the prompts: each becomes a prompt of its own, told before it is made."""

from typing import Final

import streamlit as st

from labeling.services.contents import replies_stamp
from labeling.services.continuing import After, ContinueView, continue_conversations, count_open
from labeling.services.export import usable
from labeling.services.projects import project_view
from labeling.ui.context import Here
from labeling.ui.formats import plural
from labeling.ui.parts import faults, note, section

AFTER: Final = {After.CHOSEN: "The chosen reply", After.OWN: "Each generator's own reply"}


def turns_section(me: Here) -> None:
    """Nothing where no prompt has a turn to come."""
    if not count_open(me.store, me.actor, me.project):
        return
    with section(
        "Follow-up turns", "each becomes the next prompt; turns of one conversation stay on one side of a split"
    ):
        after = st.segmented_control(
            "After", list(AFTER), default=After.CHOSEN, required=True, format_func=AFTER.__getitem__, key="turns after",
            help="The chosen reply: what the usual label rules make the better one, or an annotator's edit of it. Its own: each "
            "generator goes on with its own conversation, and pairs are of its samples.",
        )  # fmt: skip
        with faults():
            found = _cached(me, After(after))
            st.caption(" · ".join(part for number, part in _words(found, After(after)) if number))
            if found.made and after == After.OWN:
                note("info", "blue", "Give generators two samples or more: only they write to these prompts.")
            if found.made and st.button(f"Add {plural(found.made, 'prompt')}"):
                continue_conversations(me.store, me.actor, me.project, After(after))
                st.rerun()


def _cached(me: Here, after: After) -> ContinueView:
    """Every rerun of the page would decide every pair again."""
    prompts = project_view(me.store, me.actor, me.project).prompts
    replies = replies_stamp(me.store, me.actor, me.project)
    place = (me.slug, after, prompts, replies, usable(me.store, me.actor, me.project).label_seq)
    kept = st.session_state.get("turns")
    if kept is None or kept[0] != place:
        kept = (place, continue_conversations(me.store, me.actor, me.project, after, dry_run=True))
        st.session_state["turns"] = kept
    found: ContinueView = kept[1]
    return found


def _words(found: ContinueView, after: After) -> list[tuple[int, str]]:
    missing = "without a chosen reply" if after is After.CHOSEN else "without a reply of a generator in use"
    return [
        (found.made, f"{plural(found.made, 'new prompt')} after {plural(found.gone_on, 'prompt')}"),
        (found.already, f"{plural(found.already, 'prompt')} gone on from already"),
        (found.no_reply, f"{plural(found.no_reply, 'prompt')} {missing}"),
        (found.calls_tools, f"{plural(found.calls_tools, 'prompt')} whose reply calls a tool"),
    ]
