"""One real app for the browser tests, and the labelling screen of new projects on it.

app        the app; a test that kills it starts it again
store      its database
made       makes a project: its labelling screen, not opened yet
screen     the same, opened
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.browser.labelling import SLOW, Screen, make_project
from tests.browser.running import App, running


@pytest.fixture(scope="session")
def running_app(tmp_path_factory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp("app")) as started:
        yield started


@pytest.fixture
def app(running_app: App) -> Iterator[App]:
    said = len(running_app.said)
    yield running_app
    assert "Traceback" not in running_app.said[said:]


@pytest.fixture(scope="session")
def store(running_app: App) -> Iterator[Store]:
    opened = open_store(running_app.database)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _patience() -> None:
    expect.set_options(timeout=SLOW)


@pytest.fixture
def made(app: App, store: Store, page: Page, request: pytest.FixtureRequest) -> Callable[..., Screen]:
    """Makes a project of so many pairs, or of these prompts and answers, that is named like the test."""

    def made(texts: int | list[tuple[str, str, str]] = 30, **settings: object) -> Screen:
        slug, pairs = make_project(store, request.node.name, texts, **settings)
        return Screen(page, app.address, store, slug, pairs)

    return made


@pytest.fixture
def screen(made: Callable[..., Screen]) -> Callable[..., Screen]:
    """Opens the labelling screen of a new project, made like `made`."""

    def opened(texts: int | list[tuple[str, str, str]] = 30, **settings: object) -> Screen:
        return made(texts, **settings).open()

    return opened
