"""The frame of every page: navigation, the open project, its progress, and the first page of a visit."""

from html import escape as escape_html
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import Page

from labeling.errors import NotFoundError, TiebreakError
from labeling.services.access import LOCAL
from labeling.services.export import usable
from labeling.services.next_step import next_step
from labeling.services.projects import ProjectView, list_projects, project_view
from labeling.ui.context import Here, asked_project, go, here, open_project, session
from labeling.ui.first_run import is_first_run
from labeling.ui.parts import count, escape, fault, faults, plural

FOLDER: Final = Path(__file__).parent
WIDTH: Final = 1320  # pixels: two replies side by side, 70 characters each
STEPS: Final = (
    ("data", "Data", "database"),
    ("generate", "Generate", "auto_awesome"),
    ("score", "Score", "star_half"),
    ("label", "Label", "swap_horiz"),
    ("history", "History", "history"),
    ("rounds", "Rounds", "groups"),
    ("judge", "Judge", "gavel"),
    ("export", "Export", "ios_share"),
    ("endpoints", "Endpoints", "hub"),
)
FOR_ANNOTATORS: Final = ("label", "history")  # the other steps are for those who manage the project
_SIGNED_IN: Final = '<p style="font-size: 13px; margin: 0">{name} · <a href="/sign-out">Sign out</a></p>'
# What the theme cannot say: where the keyboard is, also in a table's tools, which are hidden else; and what is chosen of
# several, told by frame and ground instead of a pale blue.
_STYLE: Final = """<style>
:is(a, button, summary, canvas, [role=radio], [role=switch]):focus-visible {
  outline: 2px solid currentColor !important; outline-offset: -2px;
}
[data-testid=stElementToolbar]:focus-within { opacity: 1 !important; z-index: 99 !important; }
[data-testid=stButtonGroup] :is([aria-checked=true], [aria-pressed=true]) { color: inherit !important; }
</style>"""
REFRESHED_EVERY: Final = 15.0  # seconds: what the foot of the sidebar says while somebody labels, which runs no script


def main() -> None:
    st.set_page_config(
        page_title="Tiebreak", page_icon=str(FOLDER / "icon.svg"), layout="wide", initial_sidebar_state=228
    )
    st.html(_STYLE)
    st.logo(str(FOLDER / "logo.svg"), size="medium")
    with faults():
        me = here()
        project = _open_asked_project(me)
        projects = _page("projects", "Projects", "folder_open", default=True)
        page = _navigation(me, project, projects)
        if page is projects and not session().landed:
            _land(me, project)
        session().landed = True
        session().opened = project
        if page is not projects and project is None:
            go("projects")
        if project is not None and not project.may_manage and page.url_path not in ("", "projects", *FOR_ANNOTATORS):
            session().told = f"{page.title} is for those who lead the project."
            go("label")
        with st.container(horizontal_alignment="center"), st.container(width=WIDTH):
            if told := session().told:
                session().told = None
                fault(told)
            with faults():
                page.run()
        if me.actor.name != LOCAL:
            st.sidebar.html(_SIGNED_IN.format(name=escape_html(me.actor.name)))
        # After the page: what it did, and a run that ended while it was drawn, are counted.
        if project is not None and project.may_manage:
            with st.sidebar:
                is_labelling = page.url_path == "label"
                st.fragment(_progress, run_every=REFRESHED_EVERY if is_labelling else None)(me, project.slug)


def _open_asked_project(me: Here) -> ProjectView | None:
    """The project of the address, or of this tab. Why it cannot be opened is told once, on the list of projects."""
    slug = asked_project()
    if slug is None:
        return None
    try:
        project = project_view(me.store, me.actor, slug)
    except TiebreakError as error:
        open_project(None)
        is_unknown = isinstance(error, NotFoundError)  # it names a command, where the list is on this page
        session().told = f"There is no project {slug!r} here." if is_unknown else str(error)
        return None
    open_project(slug)
    return project


def _navigation(me: Here, project: ProjectView | None, projects: Page) -> Page:
    """The page that was asked for. Without an open project the steps are known, so that an old link finds its way."""
    steps = [
        _page(name, title, icon, hidden=project is None or not (project.may_manage or name in FOR_ANNOTATORS))
        for name, title, icon in STEPS
    ]
    if project is not None:
        return st.navigation({"": [projects], escape(project.name): steps}, expanded=True)
    first_run = is_first_run(list_projects(me.store, me.actor))
    return st.navigation([projects, *steps], position="hidden" if first_run else "sidebar", expanded=True)


def _page(name: str, title: str, icon: str, *, default: bool = False, hidden: bool = False) -> Page:
    return st.Page(
        f"views/{name}.py",
        title=title,
        icon=f":material/{icon}:",
        url_path=name,
        default=default,
        visibility="hidden" if hidden else "visible",
    )


def _land(me: Here, project: ProjectView | None) -> None:
    """A visit begins where something is to be done: at the next step of the only project, else on the list."""
    session().landed = True
    views = list_projects(me.store, me.actor)
    if project is not None or is_first_run(views):
        return
    open_project(views[0].slug)
    if len(views) == 1:
        go(next_step(me.store, me.actor, views[0]).page)
    go("projects")


def _progress(me: Here, slug: str) -> None:
    """At the foot of the sidebar: how much of the project would leave in a file now, and what is next."""
    found = usable(me.store, me.actor, slug)
    share = found.rows / found.pairs if found.pairs else 0.0
    st.progress(share, text=f"**{count(found.rows)}** usable of {plural(found.pairs, 'pair')}")
    step = next_step(me.store, me.actor, project_view(me.store, me.actor, slug))
    st.caption(f"Next: {escape(step.sentence)}")


main()
