"""The dialog that makes a project. The target is asked first: it decides what the other pages offer."""

import streamlit as st

from labeling.domain import Target
from labeling.services.projects import MAX_NAME, create_project
from labeling.services.targets import TARGETS
from labeling.ui.context import go, here, open_project
from labeling.ui.parts import actions, faults, note


@st.dialog("New project", width="medium")
def new_project() -> None:
    """Ask, make the project, open it where its prompts come in."""
    targets = list(Target)
    target = st.selectbox("Model to be tuned at", targets, format_func=lambda one: TARGETS[one].title)
    st.caption(TARGETS[target].remark)
    one, two = st.columns(2)
    # Told while it is typed: else a press on the button would only tell it, as that was off when it was pressed.
    # The field has no limit of its own: it would drop a longer name that is pasted, without a word.
    name = " ".join(one.text_input("Name", placeholder="Support replies", live=True).split())
    is_too_long = len(name) > MAX_NAME
    if is_too_long:
        with one:
            note("info", "orange", f"At most {MAX_NAME} characters; these are {len(name)}.")
    model = two.text_input(
        "Model to be tuned", placeholder=next(iter(TARGETS[target].models), "own-model"), help="Can be left empty."
    )
    overlap = st.segmented_control(
        "Annotators for each pair",
        [1, 2, 3],
        default=1,
        required=True,
        help="More than one shows how far people agree, and takes that many times the work.",
    )
    guidelines = st.text_area(
        "Guidelines",
        height=140,
        placeholder="Prefer the reply that solves the customer's problem. Length alone is no merit.",
        help="What makes one completion better than the other. Annotators see them; every change is kept as a version.",
    )
    with actions():
        if st.button("Cancel"):
            st.rerun()
        made = st.button("Create project", type="primary", disabled=not name or is_too_long)
    if made:
        with faults():
            me = here()
            view = create_project(
                me.store,
                me.actor,
                name=name,
                target=target,
                target_model=model.strip() or None,
                overlap=overlap,
                guidelines=guidelines,
            )
            open_project(view.slug)
            go("data")
