"""A page of the app, run by Streamlit's own test runner on an open project."""

from collections.abc import Mapping
from pathlib import Path

from streamlit.testing.v1 import AppTest

import labeling.ui.views
from labeling.ui import building
from labeling.ui.context import Session

FOLDER = Path(labeling.ui.views.__file__).parent


def open_page(
    name: str, slug: str | None, store_url: str, monkeypatch, kept: Mapping[str, object] | None = None
) -> AppTest:
    """The page `views/NAME.py` after its first run, without any exception. `kept` is what the session holds already."""
    monkeypatch.setenv("TIEBREAK_DATABASE_URL", store_url)
    page = AppTest.from_file(str(FOLDER / f"{name}.py"), default_timeout=200)
    page.session_state["tiebreak"] = Session(slug=slug, landed=True)
    for key, value in (kept or {}).items():
        page.session_state[key] = value
    return run(page)


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception, page.exception
    return page


def run_to_end(page: AppTest) -> AppTest:
    """The page, run again when what it began is over."""
    run(page)
    for going in list(building._buildings.values()):
        going.thread.join()
    return run(page)


def button(page: AppTest, label: str):
    """The button whose label begins so."""
    return next(one for one in page.button if one.label.startswith(label))


def texts(page: AppTest) -> str:
    """Everything the page says, in one string."""
    kinds = (page.title, page.subheader, page.caption, page.markdown, page.text, page.error, page.metric)
    return "\n".join(f"{getattr(one, 'label', '')} {one.value}" for kind in kinds for one in kind)
