"""One model text as HTML: safe by construction, whole by check, remembered by digest.

Whatever Markdown makes of a text, its letters must come out in the order in which they went in. Where they do not
(too deep, a table row too long, a rule nobody thought of), the text is shown plain.
"""

import re
from html import unescape

from labeling.domain import text_digest
from labeling.render.cache import Cache
from labeling.render.markdown import markdown_html
from labeling.render.safe import clean, plain, representable

RENDERER_VERSION = "2"
LONGEST_RENDERED = 50_000
LONGEST_HTML = 500_000
CACHED_CHARACTERS = 24_000_000

MATHS = re.compile(r'<span class="maths[ \w]*" title="([^"]*)">.*?</math></span>', re.DOTALL)
NUMBER = re.compile(r'<li[^>]* value="(\d+)"[^>]*>')
TAG = re.compile(r'<[^>"]*(?:"[^"]*"[^>"]*)*>')
# Markdown may take these away: white space and ASCII punctuation. \ufffd stands for what HTML cannot hold.
MARKUP = re.compile(r"[\s!-/:-@\[-`{-~\ufffd]+")
ASCII_MARKUP = {code: None for code in range(128) if MARKUP.fullmatch(chr(code))}

_cache = Cache(CACHED_CHARACTERS)


def render(text: str) -> str:
    """Return `text` as safe HTML that shows all of it. Never raises; the same text is rendered once."""
    text = representable(text)
    return _cache.get(f"{RENDERER_VERSION}:{text_digest(text)}", lambda: render_uncached(text))


def render_uncached(text: str) -> str:
    """`render`, for a text that HTML can hold, without looking into the cache."""
    if len(text) <= LONGEST_RENDERED:
        try:
            html = clean(markdown_html(text))
        except Exception:  # noqa: BLE001 - any text may come, and a fault in a library must not hide it
            return plain(text)
        if len(html) <= LONGEST_HTML and shown_text(html) == _letters(text):
            return html
    return plain(text)


def formulas_as_source(html: str) -> str:
    """Return rendered `html` with each formula as its TeX: for a place that takes MathML away, and the text with it."""
    return MATHS.sub(r'<code class="tex">\1</code>', html)


def shown_text(html: str) -> str:
    """Return what a reader of cleaned `html` sees, without white space and ASCII punctuation.

    A formula counts as its source, a list item as its number and its text.
    """
    if "<math" in html:
        html = MATHS.sub(r"\1", html)
    if ' value="' in html:
        html = NUMBER.sub(r"\1", html)
    return _letters(unescape(TAG.sub("", html)))


def _letters(text: str) -> str:
    """What Markdown may not take away. Where all is ASCII, a table is ten times as quick as the expression."""
    return text.translate(ASCII_MARKUP) if text.isascii() else MARKUP.sub("", text)
