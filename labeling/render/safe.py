"""The last lock: whatever HTML was made, only this short list of tags and attributes leaves the renderer.

Nothing on it can run, fetch, style the page or take part in a form. `nh3` parses as a browser does and writes anew.
"""

import re
from html import escape

import nh3
from pygments.token import STANDARD_TYPES

DIRECTION = {"dir"}
MATHS_TAGS = frozenset(
    "math mfrac mi mmultiscripts mn mo mover mprescripts mroot mrow msqrt mspace mstyle msub msubsup msup mtable mtd mtext"
    " mtr munder munderover".split()
)
TAGS = MATHS_TAGS | frozenset(
    "a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr ins li ol p pre s span strong table tbody td th thead tr ul".split()
)
# Colours and free widths stay out: a formula can neither hide its text nor cover anybody else's.
ATTRIBUTES = {
    **dict.fromkeys("blockquote div h1 h2 h3 h4 h5 h6 p pre table ul".split(), DIRECTION),
    "a": {"href", "title"},
    "li": {"dir", "value"},
    "math": {"display"},
    "mi": {"mathvariant"},
    "mfrac": {"linethickness"},
    "mo": {"fence", "form", "movablelimits", "separator", "stretchy"},
    "mspace": set[str](),
    "mstyle": {"displaystyle", "scriptlevel"},
    "mtd": {"columnalign"},
    "ol": {"dir", "start"},
    "span": {"title"},
    "td": {"align", "dir"},
    "th": {"align", "dir"},
}
SPACES = {"0.167em", "0.222em", "0.278em", "0.5em", "1em", "2em"}
CLASSES = {
    "div": {"code", "language", "plain", "role", "tool", "turn"},
    "pre": {"plain", "source"},
    "span": {"address", "maths", "display"} | {name for name in STANDARD_TYPES.values() if name},
}

UNREPRESENTABLE = re.compile("[\ud800-\udfff\x00]")

_cleaner = nh3.Cleaner(
    tags=TAGS,
    # What stands between these tags is text in every other parser; here it is no tag that our renderer writes.
    clean_content_tags=set(),
    attributes=ATTRIBUTES,
    tag_attribute_values={"mspace": {"width": SPACES}},
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes=CLASSES,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)


def representable(text: str) -> str:
    """Return `text` with what HTML and UTF-8 cannot hold (NUL, half characters) as U+FFFD."""
    return UNREPRESENTABLE.sub("\ufffd", text)


def clean(html: str) -> str:
    """Return `html` with everything outside the allow-list taken out; text stays."""
    return _cleaner.clean(html)


def plain(text: str) -> str:
    """Return `text` as it is, character for character; each paragraph has its own direction."""
    # A browser drops a line break that opens a <pre>, hence the <span>. pre[dir=auto] is the one element that HTML
    # itself gives a direction for each line.
    return clean(f'<pre class="plain" dir="auto"><span>{escape(text)}</span></pre>')
