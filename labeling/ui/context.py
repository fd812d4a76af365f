"""Where the person is: the store, who acts, which project is open. Pages ask `here()` and move with `go`."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import streamlit as st

from labeling.domain import Actor
from labeling.services.start import local_actor, open_store
from labeling.settings import read_settings
from labeling.storage.store import Store

PageName: TypeAlias = Literal["projects", "data", "generate", "label", "judge", "export"]

_PROJECT: Final = "project"  # the query parameter that names the open project, so that a reload keeps it
_SESSION: Final = "tiebreak"


@dataclass(frozen=True, slots=True)
class Here:
    """What every page starts from. `slug` is None where no project is open."""

    store: Store
    actor: Actor
    slug: str | None


@dataclass(slots=True)
class Session:
    """What one browser tab remembers between its script runs, apart from its widgets."""

    slug: str | None = None
    landed: bool = False  # the tab was sent to its first page once
    pages: dict[str, str] = field(default_factory=dict)


def session() -> Session:
    """This tab's memory; made at its first run."""
    kept = st.session_state.setdefault(_SESSION, Session())
    assert isinstance(kept, Session)
    return kept


@st.cache_resource(show_spinner=False)
def _opened() -> tuple[Store, Actor]:
    """One store for the whole process: its connections are pooled and safe between threads."""
    store = open_store(read_settings())
    return store, local_actor(store)


def here() -> Here:
    """The store, the local actor and the open project. Raises StoreError where the database cannot be opened."""
    store, actor = _opened()
    return Here(store, actor, session().slug)


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


def go(page: PageName) -> None:
    """Go to another page of the open project. Ends this script run; not for callbacks."""
    slug = session().slug
    st.switch_page(f"views/{page}.py", query_params={_PROJECT: slug} if slug else None)
