"""Code with colours: classes only, no styles, and never a guess at the language."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from itertools import groupby
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

# The classes that the style gives a colour; the others would only make the text longer.
COLOURED = frozenset(
    "k kc kd kn kp kr ow kt nt s s1 s2 sa sb sc sd se sh si sr ss sx gi m mb mf mh mi mo il c c1 ch cm cp cpf cs gh gu"
    " nf fm nc nb bp na gd".split()
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
    return "".join(
        f'<span class="{kind}">{escape(text)}</span>' if kind in COLOURED else escape(text)
        for kind, text in _runs(code, _lexer(STAND_INS.get(language, language)))
    )


def _runs(code: str, lexer: "Lexer") -> Iterator[tuple[str, str]]:
    """The code in stretches of one class each."""
    from pygments.token import STANDARD_TYPES

    for kind, tokens in groupby(lexer.get_tokens(code), lambda token: STANDARD_TYPES.get(token[0], "")):
        yield kind, "".join(text for _, text in tokens)


@cache
def _lexer(language: str) -> "Lexer":
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
