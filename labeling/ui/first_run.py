"""The first page of all: what Tiebreak is, in three steps, and one line of the file that comes out."""

import json
from typing import Final

import streamlit as st

from labeling.services.projects import ProjectView
from labeling.ui.context import go, open_project
from labeling.ui.new_project import new_project
from labeling.ui.parts import body, count, empty, head, section

STEPS: Final = (
    (
        "database",
        "Bring prompts or pairs",
        "CSV, JSON, JSONL, Parquet or text. Where you have prompts alone, generators write two completions for each.",
    ),
    (
        "swap_horiz",
        "Say which completion is better",
        "Annotators with one key a pair, judges by your rubric, side by side and blind.",
    ),
    (
        "ios_share",
        "Take away a training file",
        "Preference JSONL for OpenAI, Azure, Together and Fireworks, or rows for TRL, checked before the download.",
    ),
)

# A preference for training, in the form of the openai-dpo export.
EXAMPLE: Final = {
    "input": {"messages": [{"role": "user", "content": "My kettle stopped working after 40 days. What can I do?"}]},
    "preferred_output": [
        {"role": "assistant", "content": "A fault within two years is covered. Send us a photo of the base."}
    ],
    "non_preferred_output": [
        {"role": "assistant", "content": "Our return policy is 30 days from delivery. Anything else?"}
    ],
}


def is_first_run(projects: list[ProjectView]) -> bool:
    """Nobody has done anything here yet: there is no project, or only the sample as it came."""
    return all(project.is_sample and not project.labelled_pairs for project in projects)


def first_run(projects: list[ProjectView]) -> None:
    """Draw the page; `projects` is empty or holds the sample project."""
    with head("Tiebreak", "Preference data for tuning a model: preference fine-tuning (PFT), also called DPO"):
        pass
    with body():
        _begin(projects[0] if projects else None)
        for column, (icon, title, text) in zip(st.columns(3, gap="large"), STEPS, strict=True):
            with column, st.container(gap="xxsmall"):
                st.markdown(f":material/{icon}: **{title}**")
                st.caption(text)
        with section("What you get", "one line of the file, here on three"):
            st.code(example_line(), language=None, wrap_lines=True)


def example_line() -> str:
    """The example with a line break before each of its three keys; JSON all the same."""
    parts = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in EXAMPLE.items())
    return "{" + ",\n ".join(parts) + "}"


def _begin(sample: ProjectView | None) -> None:
    if sample is None:
        with empty("balance", "Start your first project", "It holds your prompts, their pairs, and the labels."):
            if st.button("New project", type="primary"):
                new_project()
        return
    text = f"The sample project has {count(sample.pairs)} pairs ready to label. It needs no key and costs nothing."
    with empty("balance", "Label your first pairs now", text):
        if st.button("Open the sample project", type="primary"):
            open_project(sample.slug)
            go("label")
        if st.button("New project"):
            new_project()
