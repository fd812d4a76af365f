"""Code with colours: classes only, no styles, and never a guess at the language."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST_COLOURED = 20_000
# A short list on purpose: some of the five hundred lexers take minutes over text that was written to stop them. Java's
# own takes half a minute over 20,000 characters of "a a a …"; that of C# knows nearly the same words.
LANGUAGES = frozenset(
    "bash c c++ clojure console cpp cs csharp css diff docker dockerfile elixir erlang go golang graphql haskell html java"
    " javascript js json jsx julia kotlin latex makefile matlab nginx objective-c ocaml octave perl php"
    " powershell protobuf py python python3 r ruby rust rs scala sh shell sql swift tex toml ts tsx typescript xml yaml"
    " yml zsh".split()
)

STAND_INS = {"java": "csharp"}


def code_block(code: str, info: str) -> str:
    """Return a block of code; `info` is what stands behind its fence, and is shown above it."""
    words = info.split()
    language = re.sub(r"[{}.]", "", words[0]).lower() if words else ""
    heading = f'<div class="language">{escape(info.strip())}</div>' if words else ""
    return f'<div class="code">{heading}<pre class="source" dir="ltr"><code>{_coloured(code, language)}</code></pre></div>\n'


def _coloured(code: str, language: str) -> str:
    if language not in LANGUAGES or len(code) > LONGEST_COLOURED:
        return escape(code)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    # The formatter ends the last line where it had no end.
    coloured = highlight(code, _lexer(STAND_INS.get(language, language)), HtmlFormatter(nowrap=True))
    return coloured if code.endswith("\n") else coloured.removesuffix("\n")


@cache
def _lexer(language: str) -> "Lexer":
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
