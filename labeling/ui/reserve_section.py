"""Prompts kept for evaluation, on the Export page: how many there are, more of them drawn by lot, and none any longer."""

import streamlit as st

from labeling.services.reserving import release, reserve, reserved
from labeling.ui.context import Here
from labeling.ui.parts import count, faults, plural


def reserve_section(me: Here) -> None:
    """Draw it, folded; what is kept leaves in no file."""
    kept = reserved(me.store, me.actor, me.project)
    remark = f" · {count(kept.reserved)} kept" if kept.reserved else ""
    with st.expander(f"Prompts for evaluation{remark}", type="compact", key="reserve"):
        st.caption(
            f"{count(kept.reserved)} of {plural(kept.prompts, 'prompt')} are kept for evaluation. They are in no export, nor is "
            "what is nearly the same or of the same conversation."
        )
        least = min(kept.reserved + 1, kept.prompts)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            asked = st.number_input(
                "Keep in all, at least", value=least, help="Drawn by lot, with what belongs to each."
            )
            fits = least <= asked <= kept.prompts
            hint = None if fits else f"From {count(least)} to {count(kept.prompts)}."
            if st.button("Keep them", disabled=not fits or kept.reserved == kept.prompts, help=hint):
                with faults():
                    reserve(me.store, me.actor, me.project, int(asked))
                    st.rerun()
            with st.popover("Keep none", disabled=not kept.reserved):
                st.caption("The next export may hold them. Who evaluates a model on them has to draw others then.")
                if st.button("Let all go"):
                    with faults():
                        release(me.store, me.actor, me.project)
                        st.rerun()
