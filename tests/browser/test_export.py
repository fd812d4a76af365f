"""The Export page in a real browser: a build, the same once more, and a push to a hub on this machine."""

from playwright.sync_api import Page, expect

from labeling.services.export_list import exports
from labeling.storage.opening import open_store
from tests.browser.labelling import SLOW, idle
from tests.browser.running import running
from tests.services.exporting import labelled


def test_an_export_is_built_made_again_and_pushed_to_a_private_data_set(page: Page, hub, tmp_path, monkeypatch) -> None:
    settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    for name, value in {**settings, "HF_HOME": str(tmp_path / "hf")}.items():
        monkeypatch.setenv(name, value)
    page.set_default_timeout(SLOW)
    with running(tmp_path) as app:
        store = open_store(app.database)
        making = labelled(store, 40)
        page.goto(f"{app.address}/export?project={making.slug}")
        page.get_by_text("More about the file").click()
        licence = page.get_by_role("combobox", name="Licence of the data")
        licence.fill("CC-BY-4.0")
        licence.press("Enter")
        page.get_by_text("Rows", exact=True).first.click()
        page.get_by_label("Validation rows, at least", exact=True).fill("12")
        page.get_by_label("Validation rows, at least", exact=True).press("Enter")
        idle(page)
        page.get_by_role("button", name="Build 40 rows").click()
        expect(page.get_by_role("button", name="Download 40 rows")).to_be_visible()

        page.get_by_role("button", name="Make again").click()
        expect(page.get_by_text("the same bytes as No. 1")).to_be_visible()
        expect(page.get_by_text("Export 1 is made again as 2: the same bytes")).to_be_in_viewport()

        page.get_by_role("button", name="Push to a hub").click()
        page.get_by_label("Data set", exact=True).fill("team/pairs")
        page.get_by_label("Data set", exact=True).press("Enter")
        page.get_by_role("button", name="Push 40 rows, private").click()
        expect(page.get_by_text("holds the export now (private)")).to_be_in_viewport()
        expect(page.get_by_label("Data set", exact=True)).to_be_hidden()

        newest, first = exports(*making.place)
        store.close()
    assert (first.licence, first.asked_validation_rows, newest.digest) == ("cc-by-4.0", 12, first.digest)
    assert newest.folder is not None
    assert hub.private == {"team/pairs": True}
    there = {name: content for name, content in hub.files["team/pairs"].items() if name != ".gitattributes"}
    assert there == {path.name: path.read_bytes() for path in newest.folder.iterdir()}
