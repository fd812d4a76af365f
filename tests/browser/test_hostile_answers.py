"""Hostile answers on the labelling screen: nothing runs, nothing is fetched, nothing on the page changes, the text is whole."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from labeling.storage.store import Store
from tests.browser.labelling import Screen, make_project
from tests.browser.running import App


class Beacon(ThreadingHTTPServer):
    """Counts whoever fetches something."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.fetched.append(self.path)  # type: ignore[attr-defined]  # a Beacon
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def beacon() -> Iterator[Beacon]:
    server = Beacon()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def hostile(at: str) -> dict[str, str]:
    """Answers, each with a word of its own that must be there to be read."""
    deep = 300
    return {
        "script": f"word1 <script>window.hacked = 1; fetch('{at}/script')</script> end",
        "handler": f"word2 <img src=x onerror=\"window.hacked=1; fetch('{at}/handler')\"> <svg onload=window.hacked=1> end",
        "links": f"word3 [a](javascript:window.hacked=1) [b](data:text/html,<script>window.hacked=1</script>) <a href='javascript:hacked=1'>c</a> {at}/link",
        "images": f"word4 ![x]({at}/image) ![y][ref] [![z]({at}/nested)]({at}/out) <img src='{at}/tag'>\n\n[ref]: {at}/reference 'title'",
        "style": f"word5 <style>body {{ background: red url({at}/style) }}</style><link rel=stylesheet href='{at}/sheet'> end",
        "mermaid": 'word6\n\n```mermaid\ngraph TD; A-->B; click A href "javascript:window.hacked=1"\n```\n',
        "streamlit": "word7 :red[colour] :material/home: :smile: $5 and then $10 -> -- ~~gone~~",
        "bidi": "word8 \u202eright to left override\u202c \u2066isolate\u2069 \u200bzero width",
        "long": "word9 " + "x" * 200_000,
        "lines": "word10\n" + "\n".join(f"line {n}" for n in range(10_000)),
        "nested": "word11\n" + "> " * deep + "deep " + "- " * deep + "end " + "[" * deep + "]" * deep,
        "frame": f"word12 <iframe src='{at}/frame'></iframe><object data='{at}/object'></object><embed src='{at}/embed'><form action='{at}/form'><button>press</button></form>",
        "maths": f"word13 $$\\href{{javascript:window.hacked=1}}{{x}} \\includegraphics{{{at}/tex}}$$ \\(\\unicode{{x202E}}\\) end",
        "templates": "word14 {{constructor.constructor('window.hacked=1')()}} ${window.hacked=1} </div></section></body> end",
    }


def test_hostile_answers_do_nothing_and_are_shown_whole(app: App, store: Store, page: Page, beacon: Beacon):
    answers = hostile(beacon.address)
    texts = [(f"Prompt with {text[:300]}", text, f"plain answer to {name}") for name, text in answers.items()]
    slug, pairs = make_project(store, "Hostile <script>window.hacked=1</script> :red[x]", texts)
    at = Screen(page, app.address, store, slug, pairs).open()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for number, pair_id in enumerate(pairs):
        expect(at.root).to_have_attribute("data-pair", str(pair_id))
        said = at.root.locator(".cards").inner_text()
        assert f"word{number + 1}" in said
        assert "plain answer" in said
        text = list(answers.values())[number]
        at.press("v")
        raw = at.root.locator(".cards").evaluate("element => element.textContent")
        assert _plain(text) in _plain(raw), "the raw view shows every character"
        at.press("d", "d", "1")
        assert page.evaluate("window.hacked") is None
    at.saved()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
    for view in ("data", "rounds", "export", "generate", "judge"):
        page.goto(f"{app.address}/{view}?project={slug}")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        assert page.evaluate("window.hacked") is None
    assert beacon.fetched == []


def _plain(text: str) -> str:
    """Without the characters that the raw view writes as marks, and without their marks."""
    text = re.sub("⟨U\\+[0-9A-F]+(?: [A-Z ]+)?⟩", "", text)
    return re.sub("[\u200b\u202c\u202e\u2066\u2069]", "", text)
