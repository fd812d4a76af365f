"""The bar of what goes on for a page, and the button that stops it."""

from typing import Final

import streamlit as st

from labeling.ui.building import Building, Page, building
from labeling.ui.context import Here
from labeling.ui.parts import bar

# What is counted, before anything is, and after all of it is.
COUNTED: Final = {"data": "rows", "export": "pairs"}
FIRST: Final = {"data": "Reading the file", "export": "Looking for prompts that belong together"}
LAST: Final = {"data": "looking for near-duplicates", "export": "checking the file"}
GOES_ON: Final = "goes on if you leave this page"


def under_way(me: Here, page: Page) -> None:
    """How far it is, until it is over: then the page is drawn anew. What is counted can be stopped till its last row."""

    @st.fragment(run_every=1.0)
    def live() -> None:
        going = building(me, page)
        if going is None or going.is_over:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.container(width="stretch"):
                _bar(going, page)
            if going.can_stop and st.button("Stop", disabled=going.is_stopped, key=f"stop {page}"):
                going.stop()
                st.rerun(scope="fragment")

    live()


def _bar(going: Building, page: Page) -> None:
    if going.is_stopped:
        st.progress(0.0, text="Stopping · what was written is taken back")
    elif not going.is_counted:
        st.progress(0.0, text=f"Sending the files to the hub · {GOES_ON}")
    elif not going.looked:
        st.progress(0.0, text=f"{FIRST[page]} · {GOES_ON}")
    else:
        bar(going.looked, going.pairs, COUNTED[page], GOES_ON if going.looked < going.pairs else LAST[page])
