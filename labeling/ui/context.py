"""Where the person is: the store, who acts, which project is open. Pages ask `here()` and move with `go`."""

from dataclasses import dataclass
from typing import Final, NoReturn

import streamlit as st

from labeling.domain import Actor
from labeling.errors import NotFoundError
from labeling.services.projects import ProjectView, project_view
from labeling.services.sessions import COOKIE, actor_of_session
from labeling.services.start import shared_store
from labeling.settings import settings
from labeling.storage.store import Store

_PROJECT: Final = "project"  # the query parameter that names the open project, so that a reload keeps it
_SESSION: Final = "tiebreak"


@dataclass(frozen=True, slots=True)
class Here:
    """What every page starts from. `slug` is None where no project is open; `project` is for pages that need one."""

    store: Store
    actor: Actor
    slug: str | None

    @property
    def project(self) -> str:
        if self.slug is None:
            raise NotFoundError("No project is open. Choose one on the page Projects.")
        return self.slug


@dataclass(slots=True)
class Session:
    """What one browser tab remembers between its script runs, apart from its widgets."""

    slug: str | None = None
    landed: bool = False  # the tab was sent to its first page once
    told: str | None = None  # a fault of the page before, to be shown on the next one
    opened: ProjectView | None = None  # as the frame read it, for the page that it draws next


def session() -> Session:
    """This tab's memory; made at its first run."""
    kept = st.session_state.setdefault(_SESSION, Session())
    assert isinstance(kept, Session)
    return kept


def here() -> Here:
    """The store, whoever sits at this browser, and the open project; asked again at each script run.

    Raises:
        StoreError: the database cannot be opened.
    """
    store = shared_store(settings().store_url)
    return Here(store, actor_of_session(store, session_secret()), session().slug)


def project_here(me: Here) -> ProjectView:
    """The open project. Its counts take a while in a large one: a page takes those that the frame read a moment ago, once."""
    found, session().opened = session().opened, None
    return found if found is not None and found.slug == me.slug else project_view(me.store, me.actor, me.project)


def session_secret() -> str | None:
    """What this browser's cookie says; None where it keeps none."""
    found = st.context.cookies.get(COOKIE)
    return found if isinstance(found, str) else None  # outside a browser there is something else in its place


def open_project(slug: str | None) -> None:
    """Make `slug` the open project of this tab, in its memory and in its address; None closes it."""
    session().slug = slug
    if slug is None:
        st.query_params.pop(_PROJECT, None)
    elif st.query_params.get(_PROJECT) != slug:
        st.query_params[_PROJECT] = slug


def asked_project() -> str | None:
    """The project which the address names, else the one that was open before the page changed."""
    return st.query_params.get(_PROJECT) or session().slug


def go(page: str) -> NoReturn:
    """Go to another page of the open project: projects, data, generate, label, judge or export. Ends this script run."""
    slug = session().slug
    st.switch_page(f"views/{page}.py", query_params={_PROJECT: slug} if slug else None)
