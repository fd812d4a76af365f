"""The Label page, run by Streamlit's test runner; the screen itself is a component, proved in tests/browser."""

import re
from pathlib import Path

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from labeling.services.access import local_actor
from labeling.services.projects import create_project
from labeling.ui.context import Session
from labeling.ui.label_screen import COMPONENT, FOLDER
from tests.services.labelling import make_labelling
from tests.ui.opening import FOLDER as PAGES
from tests.ui.opening import open_page, texts


def test_the_component_is_registered_with_its_files():
    manager = BidiComponentManager()
    manager.discover_and_register_components(start_file_watching=False)
    assert manager.get(COMPONENT) is not None
    assert manager.get_component_path(COMPONENT) == str(FOLDER)


def test_without_pairs_the_page_says_what_to_do(sqlite_store, sqlite_store_url, monkeypatch):
    view = create_project(sqlite_store, local_actor(sqlite_store), name="P")
    page = open_page("label", view.slug, sqlite_store_url, monkeypatch)
    assert "Make pairs first" in texts(page)
    assert [one.label for one in page.button] == ["Import prompts or pairs"]


def test_a_browser_without_cookies_is_told_so(sqlite_store, sqlite_store_url, monkeypatch):
    talk = make_labelling(sqlite_store)
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", sqlite_store_url)
    page = AppTest.from_file(str(PAGES / "label.py"), default_timeout=30)
    page.session_state["tiebreak"] = Session(slug=talk.slug, landed=True)
    page.run()
    assert "Allow cookies, then reload" in page.exception[0].message


def test_every_key_of_the_screen_is_told_in_the_docs():
    source = (FOLDER / "keys.js").read_text("utf-8")
    defaults = re.findall(r'(\w+): "(.)"', source[source.index("const DEFAULTS") : source.index("const REASONS")])
    reasons = re.findall(r'"(\w)"', source[source.index("const REASONS") : source.index("// Always")])
    assert len(defaults) > 10
    assert len(reasons) > 5
    told = (Path(__file__).parents[2] / "docs" / "labelling.md").read_text("utf-8")
    assert [key for key in [*(key for _, key in defaults), *reasons, *"1234"] if f"`{key}`" not in told] == []
