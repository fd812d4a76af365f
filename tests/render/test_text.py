"""Rendering model text: nothing runs, nothing is fetched, nothing is lost."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.render import RENDERER_VERSION, formulas_as_source, render
from labeling.render.safe import TAGS
from labeling.render.text import LONGEST_RENDERED

ALLOWED_ATTRIBUTES = {
    "align", "class", "columnalign", "dir", "display", "displaystyle", "fence", "form", "href", "linethickness",
    "mathvariant", "movablelimits", "rel", "scriptlevel", "separator", "start", "stretchy", "target", "title", "value",
    "width",
}  # fmt: skip
WORD = re.compile(r"[^\W_]+")


class Page(HTMLParser):
    """What a browser makes of the HTML: its tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    @property
    def links(self):
        return [attributes["href"] for tag, attributes in self.tags if tag == "a" and "href" in attributes]

    @property
    def names(self):
        return {tag for tag, _ in self.tags}

    @property
    def everything(self):
        """The text with what stands in the numbers of lists and the sources of formulas."""
        extra = (value for _, attributes in self.tags for key, value in attributes.items() if key in ("title", "value"))
        return self.text + " " + " ".join(str(value) for value in extra)


def assert_harmless(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.tags:
        assert tag in TAGS
        assert set(attributes) <= ALLOWED_ATTRIBUTES
    for link in page.links:
        assert re.match(r"(?i)https?://|mailto:", link)


HOSTILE = [
    "<script>fetch('http://evil.example/x')</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="http://e.example" onclick="alert(1)">x</a>',
    "<style>body { display: none }</style>",
    "<iframe src='http://evil.example'></iframe>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<!-- hidden --><b>bold</b>",
    "</div></div><div class='card'>out</div>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[click](vbscript:x) [click](file:///etc/passwd) [click](//evil.example/x) [click](/logout)",
    "<javascript:alert(1)>",
    "![alt](http://evil.example/beacon.png)",
    "![alt](http://evil.example/beacon.png 'title') ![](http://evil.example/b.png)",
    "![alt][ref]\n\n[ref]: http://evil.example/beacon.png",
    "![alt]\n\n[alt]: http://evil.example/beacon.png",
    "[![alt](http://evil.example/b.png)](http://evil.example/)",
    "![a](<http://evil.example/b c.png>)",
    ":red[not red] :material/home: :smile: -> --",
    "```mermaid\ngraph TD; A-->B; click A href 'javascript:alert(1)'\n```",
    '```python" onload="alert(1)\nprint(1)\n```',
    r"\(\text{<script>alert(1)</script>}\) \(\href{javascript:alert(1)}{x}\)",
    r"$$\color{white}\phantom{hidden}\style{position:fixed}{x}$$",
    r"\(\newcommand{\a}{xxxxxxxxxx}\newcommand{\b}{\a\a\a\a\a\a\a\a\a\a}\b\b\b\)",
    "&#60;script&#62;alert(1)&#60;/script&#62; &#8238;turned",
    "\u202eturned round\u202c and \u2066isolated",
    "<!DOCTYPE html><html><body onload=alert(1)>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "> > > <script>x</script>\n1. <style>x</style>",
    "\x00\x01\ud800 half \x7f",
    "<form action=http://e.example><input name=q></form>",
    "<think>secret thoughts</think> and the answer",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_whole_and_does_nothing(text):
    html = render(text)
    assert_harmless(html)
    for word in WORD.findall(text):
        assert word in Page(html).everything


@pytest.mark.parametrize("text", [case for case in HOSTILE if "![" in case])
def test_an_image_is_literal_text_in_every_form(text):
    page = Page(render(text))
    assert "img" not in page.names
    assert "![" in page.text


@given(st.text(max_size=400))
def test_no_text_brings_a_tag_from_outside_the_list(text):
    assert_harmless(render(text))


PIECES = st.sampled_from(
    "a Wort 字 عربي 1 12. 3) - + * ** _ __ ` ``` ~~~ ~~ # ## > | |- |-| --- === [ ] ( ) ![ ]( <a <b> </b> <!-- --> & &amp; \\ \\( \\) \\[ \\] $ $$"
    " { } ^ \\frac \\text{ \u202e \u200b \u2028 \ufeff \x0b http://e.x/ü 'ti' \" : :- \t".split(" ")
)


@settings(max_examples=300)
@given(st.lists(st.tuples(PIECES, st.sampled_from(["", " ", "\n", "\n\n", "\n    "])), max_size=40))
def test_every_letter_of_the_text_can_be_read_in_the_order_written(pieces):
    text = "".join(piece + gap for piece, gap in pieces)
    html = render(text)
    assert_harmless(html)
    everything = Page(html).everything
    for word in WORD.findall(text):
        assert all(part in everything for part in WORD.findall(word.lstrip("0") or "0"))


@given(st.binary(max_size=300))
def test_any_bytes_read_as_text_are_rendered(raw):
    assert_harmless(render(raw.decode("utf-8", "surrogateescape")))


def test_markdown_becomes_what_a_chat_shows():
    html = render("# Title\n\n**bold** *slanted* ~~gone~~ `code`\n\n- one\n- two\n\n|a|b|\n|-|-:|\n|1|2|")
    assert {"h1", "strong", "em", "s", "code", "ul", "table", "td"} <= Page(html).names
    assert '<td dir="auto" align="right">2</td>' in html


def test_a_single_line_break_stays():
    assert "<br>" in render("one\ntwo")


def test_a_link_opens_elsewhere_and_shows_where_it_leads():
    html = render("[docs](https://e.example/ü 'Title')")
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html
    assert "(https://e.example/ü 'Title')" in Page(html).text


def test_a_link_definition_stays_readable():
    assert "[a]: http://e.example 'title'" in Page(render("[see][a]\n\n[a]: http://e.example 'title'")).text


def test_a_list_keeps_the_numbers_it_was_written_with():
    html = render("3. three\n5. five")
    assert 'value="3"' in html
    assert 'value="5"' in html


def test_money_is_no_formula():
    assert render("From $5 to $10, or $$ and $$$ places") == (
        '<p dir="auto">From $5 to $10, or $$ and $$$ places</p>\n'
    )


@pytest.mark.parametrize("text", [r"so \(x^2\) is", "so $$x^2$$ is", "$$\nx^2\n$$", "\\[\nx^2\n\\]", "- \\[ x^2 \\]"])
def test_maths_becomes_mathml(text):
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in render(text)


@pytest.mark.parametrize("text", [r"\(x^", r"\({\)", "$$x", "\\[ x", r"\(" + "x" * 3000 + r"\)", r"\(\def\a{b}\a\)"])
def test_maths_that_cannot_be_read_stays_as_written(text):
    page = Page(render(text))
    assert "math" not in page.names
    for word in WORD.findall(text):
        assert word in page.text


def test_a_formula_keeps_its_source():
    assert r'title="\frac{a}{b} &lt; c"' in render(r"\(\frac{a}{b} < c\)")


def test_a_formula_can_be_shown_as_its_source():
    html = formulas_as_source(render("so $$x^2$$ is"))
    assert html == '<p dir="auto">so <code class="tex">x^2</code> is</p>\n'


def test_code_is_coloured_by_classes_and_names_its_language():
    html = render("```python\ndef f(): return 1\n```")
    assert '<div class="language">python</div>' in html
    assert '<span class="k">def</span>' in html
    assert "style=" not in html


def test_long_code_and_unknown_languages_have_no_colours():
    assert '<span class="' not in render("```python\n" + "x = 1\n" * 4000 + "```")
    assert '<span class="' not in render("```brainfuck\n+++\n```")


def test_each_paragraph_has_its_own_direction():
    html = render("English\n\nعربي\n\n- שלום")
    assert html.count('dir="auto"') == 4


@pytest.mark.parametrize(
    "text",
    [
        "word " * 40_000,
        "> " * 80 + "deep",
        "- " * 200 + "deep",
        "|a|\n|-|\n|1|2|\n",
        "x\n" * (LONGEST_RENDERED // 2 + 1),
    ],
)
def test_what_markdown_would_lose_or_is_too_long_is_plain_and_whole(text):
    html = render(text)
    assert html.startswith('<pre class="plain" dir="auto">')
    assert Page(html).text == text


def test_ten_thousand_lines_are_whole():
    text = "\n".join(f"line{number}" for number in range(10_000))
    assert WORD.findall(Page(render(text)).text) == text.split("\n")


@pytest.mark.parametrize(
    "text", ["[" * 20_000, "**a" * 8_000, "`a" * 10_000, "\\[a\n" * 8_000, "$$\n" * 8_000, "\\(" + "{" * 1_900 + "\\)", "![a](" * 6_000]
)  # fmt: skip
def test_deep_or_unclosed_markup_ends_and_is_whole(text):
    assert Page(render(text)).everything.count("a") == text.count("a")


def test_a_leading_line_break_of_plain_text_stays():
    text = "\n\n" + "> " * 80 + "deep"
    assert Page(render(text)).text == text


def test_a_text_is_rendered_once(monkeypatch):
    from labeling.render import text as module

    calls = []
    monkeypatch.setattr(module, "render_uncached", lambda text: calls.append(text) or "<p></p>")
    render("remembered by its digest")
    render("remembered by its digest")
    assert calls == ["remembered by its digest"]


def test_the_renderer_has_a_version():
    assert RENDERER_VERSION
