"""Markdown as models write it, with nothing hidden: HTML and images are text, a link shows where it leads.

Link definitions are not resolved (they would vanish from the text), entities are not decoded (`&#8238;` would turn the
line round), a list keeps the numbers it was written with, and a single line break is a line break.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from labeling.render.code import code_block
from labeling.render.maths import add_maths

DIRECTED = frozenset(
    f"{name}_open" for name in "blockquote bullet_list heading list_item ordered_list paragraph table td th".split()
)
LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
DEEPEST_NESTING = 50
MOST_BRACKETS = 500  # in one paragraph with a link: they cost their square
# Without one of these an inline text is nothing but text.
INLINE_MARKUP = re.compile(r"[\n\\$`~*_\[\]!<]")


class DenseError(Exception):
    """A text holds so much markup that to read it would take too long."""


class _Renderer(RendererHTML):
    def renderToken(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: N802 - the library's name
        token = tokens[idx]
        # Most tags are inline or closing ones without attributes: the library's way costs four times as much.
        if not token.block and not token.attrs:
            return f"</{token.tag}>" if token.nesting == -1 else f"<{token.tag}>"
        return super().renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002
        return code_block(tokens[idx].content, tokens[idx].info)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002
        return code_block(tokens[idx].content, "")

    def maths(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002
        return tokens[idx].content

    def maths_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002
        return f"<p>{tokens[idx].content}</p>\n"

    def address(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG002
        return f' <span class="address">{escape(tokens[idx].content)}</span>'


def _may_link(state: StateInline) -> bool:
    """Whether a link may begin here: without this look ahead each bracket is followed to the end of the text."""
    return state.src.find("](", state.pos) >= 0


def _literal_image(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not state.src.startswith("![", start) or not _may_link(state) or not image(state, silent=True):
        return False
    if not silent:
        state.append_pending(state.src[start : state.pos])
    return True


def _link_with_address(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if state.src[start] != "[" or not _may_link(state) or not link(state, silent):
        return False
    if not silent:
        label_end = state.md.helpers.parseLinkLabel(state, start, disableNested=True)
        label, address = state.src[start + 1 : label_end], state.src[label_end + 1 : state.pos]
        if address.strip("()<> ") != label:
            state.push("address", "", 0).content = address
    return True


def _inline(state: StateCore) -> None:
    """Parse the inline texts; those without any markup, which are many, need no parser."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        if INLINE_MARKUP.search(token.content):
            if token.content.count("[") > MOST_BRACKETS and "](" in token.content:
                raise DenseError
            token.children = state.md.inline.parse(token.content, state.md, state.env, [])
        elif token.content:
            token.children = [Token("text", "", 0, content=token.content)]


def _mark(state: StateCore) -> None:
    """Give every block the direction of its own text, list items their numbers, cells their side."""
    for token in state.tokens:
        if token.type in DIRECTED:
            token.attrSet("dir", "auto")
        if token.type == "list_item_open" and token.info:
            token.attrSet("value", token.info)
        if style := token.attrs.pop("style", None):
            token.attrSet("align", str(style).removeprefix("text-align:"))


def _parser() -> MarkdownIt:
    md = MarkdownIt(
        "js-default", {"html": False, "breaks": True, "maxNesting": DEEPEST_NESTING}, renderer_cls=_Renderer
    )
    md.disable("reference entity html_block html_inline linkify replacements smartquotes".split())
    md.inline.ruler.at("image", _literal_image)
    md.inline.ruler.at("link", _link_with_address)
    md.core.ruler.at("inline", _inline)
    md.core.ruler.push("mark", _mark)
    add_maths(md)
    # The module's own words for these would be assigned to methods: they are the documented places to change them.
    methods: dict[str, Any] = {"validateLink": lambda url: bool(LINK.match(url)), "normalizeLinkText": str}
    for name, method in methods.items():
        setattr(md, name, method)
    return md


_md = _parser()


def markdown_html(text: str) -> str:
    """Return `text` as HTML that still has to be cleaned."""
    return str(_md.render(text))
