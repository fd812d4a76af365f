"""The shapes every page is made of: head, body, section, figures, notes, states, faults, the empty state.

Texts are Markdown, as everywhere in Streamlit: names and other text that was not written in this program go
through `escape` first, and a model's text never comes here. `fault` escapes by itself.
"""

import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, TypeAlias

import streamlit as st

from labeling.errors import TiebreakError
from labeling.ui.formats import ago, count, escape, lasting, money, percent, plural, size, tokens

__all__ = [
    "STATES",
    "actions",
    "ago",
    "bar",
    "body",
    "count",
    "empty",
    "escape",
    "fault",
    "faults",
    "figure",
    "figures",
    "grid",
    "head",
    "lasting",
    "money",
    "note",
    "percent",
    "plural",
    "section",
    "size",
    "state",
    "states_column",
    "tell",
    "tokens",
]

Colour: TypeAlias = Literal["red", "orange", "blue", "green", "violet", "gray"]

# Name: icon and colour. Blue runs or is chosen, green is proven, orange asks for a look, rose has stopped,
# violet is the sandbox, grey is over and done. Always with its word.
STATES: Final[Mapping[str, tuple[str, Colour]]] = {
    "sandbox": ("science", "violet"),
    "unproven": ("help", "orange"),
    "proven": ("verified", "green"),
    "undecided": ("call_split", "orange"),
    "unreadable": ("subtitles_off", "red"),
    "preparing": ("progress_activity", "blue"),
    "running": ("progress_activity", "blue"),
    "paused": ("pause", "gray"),
    "stopped": ("error", "red"),
    "done": ("check", "gray"),
    "cancelled": ("block", "gray"),
    "key found": ("key", "green"),
    "key missing": ("key_off", "red"),
}

_log = logging.getLogger(__name__)


def state(name: str, hint: str | None = None) -> None:
    """A badge: one of `STATES`, beside the thing it describes."""
    icon, colour = STATES[name]
    st.badge(name.capitalize(), icon=f":material/{icon}:", color=colour, help=hint)


def states_column(*names: str, label: str = "State", width: int = 96) -> Any:
    """The column of a dataframe that holds states as chips; its cells are lists such as `["Undecided"]`."""
    return st.column_config.MultiselectColumn(
        label, options=[name.capitalize() for name in names], color=[STATES[name][1] for name in names], width=width
    )


def note(icon: str, colour: Colour, text: str) -> None:
    """One line of advice or one check: a small coloured icon, then plain text."""
    with st.container(horizontal=True, gap="xsmall", wrap=False):
        st.markdown(f":{colour}[:material/{icon}:]", width="content")
        st.markdown(text, width="stretch")


@contextmanager
def head(title: str, context: str, states: tuple[str, ...] = ()) -> Iterator[None]:
    """Title and states on the left; the body of the `with` draws the actions on the right; below, the line of context."""
    with st.container(gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch"):
                st.title(title, anchor=False, width="content")
                for name in states:
                    state(name)
            with st.container(
                horizontal=True, horizontal_alignment="right", vertical_alignment="center", width="content", gap="small"
            ):
                yield
        st.caption(context)
    st.space("xsmall")


@contextmanager
def body() -> Iterator[None]:
    """Everything under the head, in one rhythm."""
    with st.container(gap="medium"):
        yield


@contextmanager
def section(title: str, remark: str = "", badge: str = "") -> Iterator[None]:
    """A heading on the left, a grey remark on the right, what belongs to them below."""
    with st.container(gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", horizontal_alignment="distribute"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
                st.subheader(title, anchor=False, width="content")
                if badge:
                    state(badge)
            if remark:
                st.caption(remark, width="content")
        yield


def figure(label: str, value: str | int, hint: str | None = None) -> None:
    """One number of a strip: all of one width, so that they line up when the strip wraps."""
    st.metric(label, count(value) if isinstance(value, int) else value, width=128, help=hint)


def figures(*strip: tuple[str, str | int] | tuple[str, str | int, str]) -> None:
    """A strip of at most six numbers that are read together: (label, value) or (label, value, hint)."""
    with st.container(horizontal=True, gap="small"):
        for one in strip:
            figure(*one)


def grid(rows: Any, columns: Mapping[str, Any] | None = None, row_height: int = 34, **more: Any) -> Any:
    """Rows to be scrolled through. `columns` gives some columns a width in pixels, or all that Streamlit lets one say of them."""
    made: Any = {name: {"width": one} if isinstance(one, int) else one for name, one in (columns or {}).items()}
    return st.dataframe(rows, hide_index=True, row_height=row_height, column_config=made, **more)


def bar(done: int, total: int, noun: str, remark: str = "") -> None:
    """A progress bar under `**894** of 1,232 requests · about 3 minutes left`; `noun` in the plural."""
    text = f"**{count(done)}** of {count(total)} {noun}"
    st.progress(min(1.0, done / total) if total else 0.0, text=f"{text} · {remark}" if remark else text)


@contextmanager
def actions() -> Iterator[None]:
    """The last line of a dialog: Cancel, then the primary button, to the right."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        yield


@contextmanager
def empty(icon: str, title: str, text: str) -> Iterator[None]:
    """What you can do where there is nothing yet; the body of the `with` draws the primary and at most one more."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.title(f":primary[:material/{icon}:]", anchor=False, width="content")
        st.subheader(title, anchor=False, width="content", text_alignment="center")
        st.caption(text, width=440, text_alignment="center")
        with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
            yield
        st.space("small")


def fault(what: str, mend: str = "") -> None:
    """One sentence on what stopped, one on how to mend it. Both are plain text: they may quote a file or a server."""
    st.error(f"**{escape(what)}** {escape(mend)}".rstrip(), icon=":material/error:")


def tell(error: Exception) -> None:
    """Show `error` as one box: a fault in its own words, a bug as a plain sentence whose traceback is in the log."""
    if isinstance(error, TiebreakError):
        what, mend = _halves(str(error))
        fault(what, mend)
        return
    reference = secrets.token_hex(4)
    _log.error("a page stopped, reference %s", reference, exc_info=error)
    fault(
        "This page stopped at a fault of the program, not of yours.",
        f"Nothing that was saved is lost. Reload the page; if it stays, report reference {reference}, "
        "under which the app's log has the details.",
    )


@contextmanager
def faults() -> Iterator[None]:
    """Show what goes wrong inside as one box, and go on below it. `st.stop` and `st.rerun` pass through."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the last net: a page never shows a traceback
        tell(error)


def _halves(message: str) -> tuple[str, str]:
    """The first sentence of `message`, and the rest."""
    first, *rest = re.split(r"(?<=[.!?]) (?=[A-Z])", message, maxsplit=1)
    return first, rest[0] if rest else ""
