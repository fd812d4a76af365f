"""The raw view: every character of a text, the invisible ones by name.

Raters should see what a model really wrote: a right-to-left override, a zero-width space or a soft hyphen changes what
a reader sees, and what a tuned model learns.
"""

import re
import unicodedata

SHORT_NAMES = {
    "\u00a0": "NBSP",
    "\u00ad": "SHY",
    "\u061c": "ALM",
    "\u200b": "ZWSP",
    "\u200c": "ZWNJ",
    "\u200d": "ZWJ",
    "\u200e": "LRM",
    "\u200f": "RLM",
    "\u2028": "LS",
    "\u2029": "PS",
    "\u202a": "LRE",
    "\u202b": "RLE",
    "\u202c": "PDF",
    "\u202d": "LRO",
    "\u202e": "RLO",
    "\u2060": "WJ",
    "\u2066": "LRI",
    "\u2067": "RLI",
    "\u2068": "FSI",
    "\u2069": "PDI",
    "\u3164": "HANGUL FILLER",
    "\ufeff": "BOM",
}
VISIBLE_SPACES = "\n\t "
# Control, format, surrogate, private and unassigned characters, separators that are no plain space, variation
# selectors, and the fillers that look like nothing.
INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
FILLERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    """Return `text` with each invisible or direction character written as its mark, such as `⟨U+202E RLO⟩`.

    Line feeds and tabs do their work as before; a carriage return is marked.
    """
    return SUSPECT.sub(lambda found: _mark(found[0]), text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE_CATEGORIES or FILLERS.match(character) is not None


def _mark(character: str) -> str:
    if not _is_invisible(character):
        return character
    name = SHORT_NAMES.get(character) or unicodedata.name(character, "")
    return f"⟨U+{ord(character):04X}{' ' + name if name else ''}⟩"
