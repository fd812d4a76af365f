"""The main job in a real browser: from an empty folder to a file that a training service accepts."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.labelling import idle
from tests.browser.running import ROOT, running

SLOW = 200_000  # milliseconds: two cores, shared with the other tests


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """The address of a real app with its worker, on a fresh database in a folder of its own."""
    with running(tmp_path) as started:
        yield started.address


def test_a_new_user_goes_from_prompts_to_a_checked_training_file(
    app: str, page: Page, tmp_path: Path, together_check_file: Callable[[Path], dict[str, Any]]
) -> None:
    page.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)

    # One press on the first page, and the sample project is there to be labelled.
    page.goto(app)
    page.get_by_role("button", name="Open the sample project").click()
    left = page.get_by_role("button", name=re.compile("Left is better"))
    expect(left).to_be_visible()
    expect(page.get_by_text("0 of 48 · 0 mine")).to_be_visible()

    _make_project(page)
    _import(page, tmp_path)
    _generate(page)
    _label(page, 4)
    _judge(page)
    _export(page, tmp_path)

    (archive,) = tmp_path.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "export")
    (train,) = (tmp_path / "export").rglob("train.jsonl")
    checked = subprocess.run(
        [sys.executable, str(ROOT / "tiebreak.py"), "check", str(train), "--format", "openai-dpo", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert together_check_file(train)["is_check_passed"]
    rows = [json.loads(line) for line in train.read_text("utf-8").split("\n") if line]
    (manifest_file,) = (tmp_path / "export").rglob("manifest.json")
    assert len(rows) >= 10
    assert "sandbox" in manifest_file.read_text("utf-8")


def _make_project(page: Page) -> None:
    page.get_by_role("link", name="Projects").click()
    page.get_by_role("button", name="New project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Walk")
    dialog.get_by_label("Name").press("Tab")
    dialog.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()


def _import(page: Page, folder: Path) -> None:
    prompts = folder / "prompts.jsonl"
    lines = [
        {"id": f"w{n}", "prompt": f"Explain in two sentences why rule {n} of a good plan matters."} for n in range(16)
    ]
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"prompt": "half\n', "utf-8")
    page.get_by_role("button", name="Choose a file").click()
    page.get_by_role("dialog").locator("input[type=file]").set_input_files(prompts)
    page.get_by_role("button", name="Import 16 prompts").click()
    expect(page.get_by_text("17 rows read = 16 taken + 0 there already + 1 refused")).to_be_visible()
    page.get_by_role("button", name="Generate completions").click()


def _generate(page: Page) -> None:
    attempt = page.get_by_role("button", name="Try on one prompt")
    _press(page.get_by_role("button", name="Use the sandbox"), attempt)
    attempt.click()
    start = page.get_by_role("button", name=re.compile("^Start run"))
    _press(start, page.get_by_role("button", name="All completions are there"))


def _label(page: Page, number: int) -> None:
    page.get_by_role("link", name="Label").click()
    for done in range(number):
        # How many pairs there are depends on chance: the sandbox may answer two generators alike.
        expect(page.get_by_text(re.compile(rf"^{done} of 1[0-6] · {done} mine$"))).to_be_visible()
        name = ("Left is better", "Right is better")[done % 2]
        page.wait_for_timeout(200)  # a press that comes faster than anyone reads is taken for a bounce
        page.get_by_role("button", name=re.compile(name)).click()
    expect(page.get_by_text(re.compile(rf"^{number} of 1[0-6] · {number} mine$"))).to_be_visible()
    expect(page.get_by_text("✓ Saved")).to_be_visible()


def _press(button: Locator, then: Locator) -> None:
    """Press as people do: again, where nothing came of it. A press that comes while the script runs may be lost."""
    expect(button).to_be_enabled()
    for _ in range(4):
        idle(button.page)
        if button.is_visible() and button.is_enabled():
            button.click()
        try:
            expect(then).to_be_visible(timeout=SLOW / 4)
            return
        except AssertionError:
            continue
    expect(then).to_be_visible()


def _judge(page: Page) -> None:
    page.get_by_role("link", name="Judge").click()
    page.get_by_label("Start from").click()
    page.get_by_role("option", name=re.compile("andbox")).click()
    start = page.get_by_role("button", name=re.compile("^Start run"))
    expect(page.get_by_role("textbox", name="Endpoint")).to_have_value(re.compile("sandbox"))
    _press(start, page.get_by_text(re.compile(r"requests · done")).first)


def _export(page: Page, folder: Path) -> None:
    page.get_by_role("link", name="Export").click()
    download = page.get_by_role("button", name=re.compile(r"^Download \d+ rows"))
    _press(page.get_by_role("button", name=re.compile("^Build ")), download)
    with page.expect_download() as started:
        download.click()
    started.value.save_as(folder / "walk.zip")
