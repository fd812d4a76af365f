"""The Export page, looked at and pressed."""

from tests.ui.opening import button, open_page, run_to_end


def opening(store_url: str, monkeypatch, folder):
    """What opens the page of a project, whose exports go below the folder."""
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", str(folder / "data"))
    return lambda making, **kept: open_page("export", making.slug, store_url, monkeypatch, kept)


def build(page):
    button(page, "Build").click()
    return run_to_end(page)


def table(page, number: int = 0) -> dict[str, list[object]]:
    return page.dataframe[number].value.to_dict("list")
