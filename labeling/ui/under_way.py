"""What goes on for a page: its bar, the button that stops it, and how it ended without a result."""

from typing import Final

import streamlit as st

from labeling.errors import StoppedError
from labeling.ui.building import Building, Page, building
from labeling.ui.context import Here
from labeling.ui.parts import bar, note, tell

# What is told before anything is counted, and after all of it is.
TOGETHER: Final = "Looking for prompts that belong together"
FIRST: Final = {"rows": "Reading the file", "pairs": TOGETHER, "labels": TOGETHER}
LAST: Final = {"rows": "looking for near-duplicates", "pairs": "checking the file", "labels": "closing the file"}
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
                _bar(going)
            if going.can_stop:
                st.button("Stop", disabled=going.is_stopped, key=f"stop {page}", on_click=going.stop)

    live()


def no_result(ended: Building) -> None:
    """Tell why it has no result, if it has none: that it was stopped is no fault."""
    if isinstance(ended.error, StoppedError):
        note("block", "orange", str(ended.error))
    elif ended.error is not None:
        tell(ended.error)


def _bar(going: Building) -> None:
    if going.is_stopped:
        st.progress(0.0, text="Stopping · what was written is taken back")
    elif not going.counted:
        st.progress(0.0, text=f"Sending the files to the hub · {GOES_ON}")
    elif not going.looked:
        st.progress(0.0, text=f"{FIRST[going.counted]} · {GOES_ON}")
    else:
        is_counting = going.looked < going.whole
        bar(going.looked, going.whole, going.counted, GOES_ON if is_counting else LAST[going.counted])
