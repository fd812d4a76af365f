"""TeX between `\\(..\\)`, `\\[..\\]` on lines of their own, and `$$..$$` becomes MathML. A lone `$` is money.

The source stays on the formula as its tool tip. What cannot be read as TeX stays as it was written.
"""

import re
from bisect import bisect_left
from functools import lru_cache
from html import escape
from xml.etree.ElementTree import tostring

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

LONGEST_MATHS = 2_000
# A macro may grow without end ("billion laughs"); an answer that defines one is shown as it is.
MACROS = re.compile(r"\\(?:(?:re|provide)?new(?:command|environment)|(?:re|provide)command|[egx]?def|let|Declare\w*)")
# The library writes operators as references to be resolved afterwards; resolving all would bring text to life as tags.
REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{4,6});")


@lru_cache(maxsize=256)  # a formula is asked for several times while its text is parsed
def mathml(tex: str, *, display: bool) -> str | None:
    """Return `tex` as one span that holds a MathML formula; None where it is too long or not readable."""
    if not tex.strip() or len(tex) > LONGEST_MATHS or MACROS.search(tex):
        return None
    from latex2mathml.converter import Converter

    try:
        formula = Converter(display="block" if display else "inline").convert_to_element(tex)
        for element in formula.iter():
            if element.text:
                element.text = REFERENCE.sub(lambda found: chr(int(found[1], 16)), element.text)
        markup = tostring(formula, encoding="unicode")
    except Exception:  # noqa: BLE001 - any text may stand there, and the library answers odd text with any exception
        return None
    kind = "maths display" if display else "maths"
    return f'<span class="{kind}" title="{escape(tex)}">{markup}</span>'


def add_maths(md: MarkdownIt) -> None:
    """Teach `md` the three ways to write maths."""
    md.inline.ruler.before("escape", "maths", _inline)
    md.block.ruler.before(
        "blockquote", "maths_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def _inline(state: StateInline, silent: bool) -> bool:
    source, start = state.src, state.pos
    if source[start] not in "\\$":
        return False
    furthest = min(start + 4 + LONGEST_MATHS, state.posMax)
    if source.startswith("\\(", start):
        end = source.find("\\)", start + 2, furthest)
        tex = source[start + 2 : end] if end >= 0 else ""
    elif source.startswith("$$", start) and not source.startswith("$", start - 1 if start else 2):
        end = source.find("$$", start + 2, furthest)
        tex = source[start + 2 : end] if end >= 0 else ""
        if tex != tex.strip() or "$" in tex or source.startswith("$", end + 2):
            return False  # "a $$ place and a $$$ place" names prices
    else:
        return False
    html = None if OPENING["\\("].search(tex) else mathml(tex, display=False)
    if html is None:
        # Kept with its backslash or dollars, which the rule for escapes would eat.
        if not silent:
            state.append_pending(source[start : start + 2])
        state.pos = start + 2
        return True
    if not silent:
        state.push("maths", "", 0).content = html
    state.pos = end + 2
    return True


CLOSING = {"$$": "$$", "\\[": "\\]"}
ENDS = {opening: re.compile(re.escape(closing) + r"[^\S\n]*?$", re.MULTILINE) for opening, closing in CLOSING.items()}
# An opening inside of what another one opened makes it no formula: else each of a thousand would be tried to the end.
# Behind a backslash it is a line break of TeX, with its distance: "\\\\[2pt]".
OPENING = {opening: re.compile(r"(?<!\\)" + re.escape(opening)) for opening in (*CLOSING, "\\(")}


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    # Asked of every line: what is quick to see comes first.
    opening = state.bMarks[start_line] + state.tShift[start_line]
    mark = state.src[opening : opening + 2]
    if mark not in CLOSING or state.is_code_block(start_line):
        return False
    closer = _closer(state, mark, opening + 2)
    if closer is None or OPENING[mark].search(state.src, opening + 2, closer):
        return False
    parts = [state.src[opening + 2 : state.eMarks[start_line]].rstrip()]
    line = start_line
    while not parts[-1].endswith(CLOSING[mark]):
        line += 1
        if line >= end_line or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        parts.append(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip())
    parts[-1] = parts[-1][:-2]
    tex = "\n".join(parts).strip()
    html = None if CLOSING[mark] in tex else mathml(tex, display=True)
    if html is None:
        return False
    if not silent:
        token = state.push("maths_block", "", 0)
        token.content = html
        token.map = [start_line, line + 1]
        state.line = line + 1
    return True


def _closer(state: StateBlock, mark: str, begin: int) -> int | None:
    """Where the next line ends that closes what `mark` opened, if that is near enough. Looked up once for a text."""
    known = state.env.setdefault("closers", {})
    if mark not in known:
        known[mark] = [found.start() for found in ENDS[mark].finditer(state.src)]
    place = bisect_left(known[mark], begin)
    if place == len(known[mark]) or known[mark][place] > begin + LONGEST_MATHS:
        return None
    found: int = known[mark][place]
    return found
