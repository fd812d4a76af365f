"""The Data page in a real browser: an import that is left alone, and the way from a file to an export without a mouse."""

import json
import re
from uuid import uuid4

from playwright.sync_api import FileChooser, expect

from labeling.services.access import local_actor
from labeling.services.import_list import list_imports
from labeling.services.projects import create_project, project_view
from tests.browser.labelling import SLOW, idle

ROWS = 20_000


def offered(app, store, page, folder, title: str) -> str:
    """Open many pairs on the page of a new project, to be imported. Returns the project's slug."""
    slug = create_project(store, local_actor(store), name=f"{title} {uuid4().hex}").slug
    path = folder / "pairs.jsonl"
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
    expect(page.get_by_role("button", name=f"Import {ROWS:,} pairs")).to_be_visible()
    return slug


def test_an_import_goes_on_while_its_page_is_left(app, store, page, tmp_path):
    slug = offered(app, store, page, tmp_path, "Left")
    page.get_by_role("button", name=f"Import {ROWS:,} pairs").click()
    expect(page.get_by_text(f"of {ROWS:,} rows")).to_be_visible()
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    page.goto(f"{app.address}/data?project={slug}")
    expect(page.get_by_text(f"{ROWS:,} rows read = {ROWS:,} taken")).to_be_visible(timeout=4 * SLOW)
    assert project_view(store, local_actor(store), slug).pairs == ROWS


def test_an_import_that_is_stopped_leaves_nothing_and_shows_its_file_again(app, store, page, tmp_path):
    slug = offered(app, store, page, tmp_path, "Stopped")
    with store.writing() as session:
        session.connection()  # SQLite's one writer: the import cannot end before it is stopped
        page.get_by_role("button", name=f"Import {ROWS:,} pairs").click()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopping · what was written is taken back")).to_be_visible()
    expect(page.get_by_text("The import was stopped: nothing of it is kept")).to_be_visible(timeout=4 * SLOW)
    assert project_view(store, local_actor(store), slug).prompts == 0
    assert [one.state for one in list_imports(store, local_actor(store), slug)] == ["removed"]
    expect(page.get_by_role("button", name=f"Import {ROWS:,} pairs")).to_be_visible()


# The name of the control that has the keyboard; a dialog that has it holds the words of all that is in it.
NAME = """() => {
    const at = document.activeElement
    return at.matches("a, button, input, textarea, select, [role=button]") ? at.ariaLabel || at.textContent.trim() : ""
}"""


def go_to(page, name: str) -> None:
    """Press Tab until the keyboard is where it is called so."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if re.search(name, page.evaluate(NAME)):
            return
    raise AssertionError(f"{name} is not reached")


def test_a_file_becomes_an_export_without_a_mouse(app, store, page, tmp_path):
    slug = create_project(store, local_actor(store), name=f"Keys {uuid4().hex}").slug
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        "".join(
            json.dumps({"prompt": f"Question {n}?", "response_a": f"x {n}", "response_b": f"y {n}", "pick": "new"})
            + "\n"
            for n in range(12)
        )
    )
    page.set_default_timeout(SLOW)
    page.goto(f"{app.address}/data?project={slug}")
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    idle(page)
    go_to(page, "^Choose a file$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator("button", has_text="Upload")).to_be_visible()
    idle(page)
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108  # no built-in is taken
    for _ in range(10):  # a press while the page's script runs may be lost: then it is pressed again
        go_to(page, "Upload")
        page.keyboard.press("Enter")
        page.wait_for_timeout(1000)
        if choosers:
            break
    choosers[0].set_files(path)
    expect(page.get_by_role("button", name="Import 12 pairs")).to_be_visible()
    idle(page)
    go_to(page, "^Verdict$")
    page.keyboard.type("pick")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="“new” means")).to_be_visible()
    idle(page)
    go_to(page, "^“new” means$")
    page.keyboard.type("b, sec")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Labels to keep")).to_be_visible()
    idle(page)
    go_to(page, "^Import 12 pairs$")
    page.keyboard.press("Enter")
    expect(page.get_by_text("12 rows read = 12 taken")).to_be_visible()
    idle(page)
    go_to(page, "Export$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Build 12 rows")).to_be_visible()
    idle(page)
    go_to(page, "^Build 12 rows$")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Download 12 rows")).to_be_visible()
    idle(page)
    go_to(page, "Download 12 rows$")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".zip")
