"""Projects: each with its figures and the one thing to do next, and what happened lately."""

from typing import Final, Literal

import streamlit as st

from labeling.render import visible
from labeling.services.export import usable
from labeling.services.next_step import Step, next_step
from labeling.services.projects import ProjectView, Recent, list_projects, recent
from labeling.services.targets import TARGETS
from labeling.ui.context import Here, go, here, open_project
from labeling.ui.first_run import first_run, is_first_run
from labeling.ui.new_project import new_project
from labeling.ui.parts import (
    ago,
    body,
    count,
    escape,
    grid,
    head,
    percent,
    plural,
    section,
    state,
    states_column,
)

MOST_ROWS: Final = 20  # more projects than this are found by name
LATELY: Final = 8

# What an import or an export calls its state, in the words that all pages use.
STATES: Final = {"writing": "running", "failed": "stopped", "removed": "cancelled"}


def main() -> None:
    me = here()
    projects = list_projects(me.store, me.actor)
    if me.slug is None and is_first_run(projects):
        first_run(projects)
        return
    top = st.container()
    with body():
        waiting = _rows(me, projects)
        _lately(me)
    remark = f"{plural(waiting, 'pair')} to label" if waiting else "nothing to label"
    with top, head("Projects", f"{plural(len(projects), 'project')} · {remark}"):
        if st.button("New project", icon=":material/add:"):
            new_project()


def _rows(me: Here, projects: list[ProjectView]) -> int:
    """Draw them; how many pairs wait for a label in all."""
    shown = projects
    with st.container(gap="small"):
        if len(projects) > MOST_ROWS:
            sought = st.text_input("Find a project", placeholder="A part of its name", width=320).strip().casefold()
            found = [project for project in projects if sought in project.name.casefold()]
            shown = found[:MOST_ROWS]
            if len(found) > len(shown):
                st.caption(f"The newest {len(shown)} of {count(len(found))} are shown.")
        steps = {project.slug: next_step(me.store, me.actor, project) for project in shown}
        first = _first_to_do(shown, steps)
        for project in shown:
            _row(me, project, steps[project.slug], is_primary=project is first)
    return sum(_to_label(project, steps.get(project.slug)) for project in projects)


def _to_label(project: ProjectView, step: Step | None) -> int:
    """An annotator whose work round is done may be asked for in another one; where every pair came with its label, none
    waits until somebody begins to label."""
    if step and step.page == "export":
        return 0
    return step.pairs if step and step.pairs else project.open_pairs


def _first_to_do(projects: list[ProjectView], steps: dict[str, Step]) -> ProjectView | None:
    """The one row whose button is primary: a pair that waits for a person first, then whatever is not running by itself."""
    for pages in (("label",), ("data", "generate", "judge", "export")):
        for project in projects:
            if not project.running and steps[project.slug].page in pages:
                return project
    return None


def _row(me: Here, project: ProjectView, step: Step, *, is_primary: bool) -> None:
    with st.container(border=True):
        left, middle, right = st.columns([3.6, 3.2, 1.6], vertical_alignment="center")
        with left, st.container(gap="xxsmall"):
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                st.markdown(f"**{escape(project.name)}**", width="content")
                if project.running:
                    state("running")
                if project.has_sandbox:
                    state("sandbox", "Some completions or labels were written by the sandbox, not by a real model.")
            st.caption(_context(project))
        figures = [
            ("Labelled", percent(project.labelled_pairs, project.pairs)),
            ("To label", count(_to_label(project, step))),
        ]
        if project.may_manage:
            figures.insert(0, ("Usable", count(usable(me.store, me.actor, project.slug).rows)))
        for column, (label, value) in zip(middle.columns(3, wrap=False), figures, strict=False):
            with column, st.container(gap=None):
                st.caption(label)
                st.markdown(f"**{value}**")
        kind: Literal["primary", "secondary"] = "primary" if is_primary else "secondary"
        if right.button(_action(project, step), type=kind, key=f"go {project.slug}", width="stretch"):
            open_project(project.slug)
            go(step.page)


def _context(project: ProjectView) -> str:
    where = TARGETS[project.target].title + (f", {escape(project.target_model)}" if project.target_model else "")
    what = plural(project.pairs, "pair") if project.pairs else plural(project.prompts, "prompt")
    return f"{where} · {what} · {plural(project.overlap, 'annotator')} a pair · made {ago(project.created_at)}"


def _action(project: ProjectView, step: Step) -> str:
    if project.running and project.may_manage:
        return "Watch the run"
    return {
        "data": "Import prompts",
        "generate": f"Generate for {plural(project.prompts, 'prompt')}",
        "label": f"Label {plural(step.pairs, 'pair')}",
        "history": "My labels",
        "judge": "Judge",
        "export": "Export",
    }[step.page]


def _lately(me: Here) -> None:
    events = recent(me.store, me.actor, LATELY)
    if not events:
        return
    with section("Lately", "runs, imports and exports of all projects"):
        grid(
            {
                "When": [ago(event.at) for event in events],
                "What": [visible(event.what) for event in events],
                "State": [[_state(event).capitalize()] for event in events],
                "Project": [event.project for event in events],
                "Result": [event.result for event in events],
            },
            placeholder="",
            columns={
                "When": 104,
                "What": 180,
                "State": states_column("preparing", "running", "paused", "stopped", "done", "cancelled"),
                "Project": 220,
                "Result": 300,
            },
        )


def _state(event: Recent) -> str:
    return STATES.get(event.state, event.state)


main()
