"""Exports after the database was put back from a copy, and of two databases with one data folder."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from labeling.errors import NotFoundError
from labeling.services.export import export_again
from labeling.services.export_files import export_file
from labeling.services.export_list import export_view
from labeling.storage.opening import open_store
from tests.services.exporting import Exporting, done, labelled


def copied(making: Exporting, path: Path) -> Exporting:
    """The project in a copy of its database as it is now."""
    with closing(sqlite3.connect(making.store.url.database)) as now, closing(sqlite3.connect(path)) as copy:
        now.backup(copy)
    return replace(making, store=open_store(f"sqlite:///{path}"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def making(sqlite_store, tmp_path, monkeypatch) -> Exporting:
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", str(tmp_path / "data"))
    return labelled(sqlite_store, 20)


def test_an_export_is_made_again_byte_for_byte_from_a_copy_without_the_later_labels(making, tmp_path):
    first = done(making, tmp_path, validation_share=0.5)
    restored = copied(making, tmp_path / "copy.db")
    more = making.pair("later")
    making.label(making.imported_rater("crowd"), more, "b")
    before = bytes_of(tmp_path / "out")
    with (tmp_path / "out" / "train.jsonl").open("a") as file:
        file.write("by hand\n")  # what was exported is in the database, not in its folder
    for each in (making, restored):
        again = export_again(
            *each.place, first.id, out=tmp_path / each.store.url.database.split("/")[-1].replace(".", "_")
        )
        assert (again.digest, bytes_of(again.folder)) == (first.digest, before)
    other = restored.pair("another one, after the copy")
    restored.label(restored.imported_rater("others"), other, "a")
    again = export_again(*restored.place, first.id, out=tmp_path / "once more")
    assert bytes_of(again.folder) == before
    restored.store.close()


def test_a_copy_from_before_an_export_says_that_it_does_not_know_it_and_goes_on_beside_it(making, tmp_path):
    restored = copied(making, tmp_path / "copy.db")
    lost = done(making, tmp_path, out=None)
    kept = bytes_of(lost.folder)
    with pytest.raises(NotFoundError, match=f"has no export {lost.id}. See the list"):
        export_again(*restored.place, lost.id)
    restored.label(restored.imported_rater("crowd"), restored.pair("another one"), "a")
    new = done(restored, tmp_path, out=None)
    third = export_again(*restored.place, new.id)
    assert (new.id, new.rows, third.digest) == (lost.id, 21, new.digest)
    assert new.folder == lost.folder.with_name(f"{lost.id}-2")
    assert export_file(*restored.place, new.id, "train.jsonl").parent == new.folder
    assert (bytes_of(lost.folder), export_view(*making.place, lost.id).folder) == (kept, lost.folder)
    restored.store.close()
