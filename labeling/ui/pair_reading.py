"""A pair's texts on a page: the prompt, and its two replies side by side."""

from collections.abc import Mapping
from html import escape as escape_html
from typing import Final, Literal

import streamlit as st

from labeling.domain import Prompt
from labeling.errors import TiebreakError
from labeling.render import formulas_as_source, render_completion, render_prompt, visible
from labeling.render.style import STYLE
from labeling.render.turns import raw_completion, raw_prompt
from labeling.services.pair_reading import read_pair
from labeling.storage.served import Reply
from labeling.ui.context import Here

TALL: Final = 360  # pixels, beyond which a reply is scrolled
SHORT: Final = (600, 8)  # characters and lines of a reply that surely needs less


def pair_of_lead(me: Here, pair_id: int) -> None:
    """The pair of that number in stored order, for whoever leads the project; why not, where there is none."""
    try:
        found = read_pair(me.store, me.actor, me.project, pair_id)
    except TiebreakError as error:
        st.caption(str(error))
        return
    st.markdown(f"**Pair {pair_id}**, in stored order")
    if found.is_sensitive and not st.toggle("Show the sensitive texts", key=f"lead uncovers {pair_id}"):
        return
    pair_texts(found.prompt, {"a": found.a, "b": found.b}, raw=False)


def pair_texts(prompt: Prompt, replies: Mapping[str, Reply], *, raw: bool) -> None:
    """`replies` stand in their order, each under its name."""
    st.html(f"<style>{STYLE}</style>")
    _text("Prompt", raw_prompt(prompt) if raw else None, render_prompt(prompt))
    height: int | Literal["stretch"] = "stretch" if all(map(_is_short, replies.values())) else TALL
    for column, (name, reply) in zip(st.columns(2, gap="small"), replies.items(), strict=True):
        with column, st.container(height=height, border=True):
            said = reply.text, reply.tool_calls
            _text(name, raw_completion(*said) if raw else None, render_completion(*said))


def _is_short(reply: Reply) -> bool:
    characters, lines = SHORT
    return not reply.tool_calls and len(reply.text) <= characters and reply.text.count("\n") < lines


def safe_html(html: str) -> None:
    """What `labeling.render` made. Streamlit's own cleaning takes MathML away with all it says."""
    st.html(formulas_as_source(html))


def _text(name: str, raw: str | None, html: str) -> None:
    """A text under its name: as safe HTML, or as it is with its invisible characters named."""
    if raw is not None:
        html = f'<pre class="plain" dir="auto"><span>{escape_html(visible(raw))}</span></pre>'
    kind = "completion prompt" if name == "Prompt" else "completion"
    safe_html(f'<section class="{kind}" aria-label="{name}"><div class="role">{name}</div>{html}</section>')
