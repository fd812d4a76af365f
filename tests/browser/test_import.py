"""The Data page in a real browser: an import that is left alone, and the way from a file to an export without a mouse."""

import json
from uuid import uuid4

from playwright.sync_api import expect

from labeling.services.access import local_actor
from labeling.services.projects import create_project, project_view
from tests.browser.labelling import SLOW

ROWS = 20_000


def test_an_import_goes_on_while_its_page_is_left(app, store, page, tmp_path):
    slug = create_project(store, local_actor(store), name=f"Left {uuid4().hex}").slug
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join(
            json.dumps({"prompt": f"Question {n} {n * n}?", "response_a": f"x {n}", "response_b": f"y {n}"}) + "\n"
            for n in range(ROWS)
        )
    )
    page.set_default_timeout(SLOW)
    page.goto(f"{app.address}/data?project={slug}")
    page.get_by_role("button", name="Choose a file").click()
    page.get_by_role("dialog").locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name=f"Import {ROWS:,} pairs").click()
    expect(page.get_by_text(f"of {ROWS:,} rows")).to_be_visible()
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    page.goto(f"{app.address}/data?project={slug}")
    expect(page.get_by_text(f"{ROWS:,} rows read = {ROWS:,} taken")).to_be_visible(timeout=4 * SLOW)
    assert project_view(store, local_actor(store), slug).pairs == ROWS
