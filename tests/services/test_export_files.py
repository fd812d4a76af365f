import pytest

from labeling.errors import ExportError, NotFoundError
from labeling.services.export_files import export_file, export_files, fault_in, is_card_edited
from tests.services.exporting import done, labelled

FILES = ["README.md", "manifest.json", "provenance.jsonl", "train.jsonl"]


@pytest.fixture
def exported(store, tmp_path):
    making = labelled(store, 12)
    return making, done(making, tmp_path)


def edited(path) -> None:
    """One byte is another: the size stays."""
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"~" + content[-1:])


def test_all_files_are_handed_out_as_they_were_exported_and_nothing_else(exported):
    making, view = exported
    (view.folder / "notes.txt").write_text("mine")
    assert [path.name for path in export_files(*making.place, view.id)] == FILES
    assert (fault_in(view, 10**6), is_card_edited(view)) == (None, False)
    with pytest.raises(NotFoundError, match="has no file"):
        export_file(*making.place, view.id, "notes.txt")


@pytest.mark.parametrize("name", FILES[1:])
def test_what_was_edited_after_the_export_is_not_handed_out(exported, name):
    making, view = exported
    edited(view.folder / name)
    told = f"{name} is not what was exported any more."
    assert str(fault_in(view, 10**6)).endswith(told)
    for asked in (lambda: export_file(*making.place, view.id, name), lambda: export_files(*making.place, view.id)):
        with pytest.raises(ExportError, match=f"{told} Make export {view.id} again"):
            asked()
    other = "train.jsonl" if name != "train.jsonl" else "provenance.jsonl"
    assert export_file(*making.place, view.id, other).name == other


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_told_by_its_name(exported, name):
    making, view = exported
    (view.folder / name).unlink()
    assert fault_in(view, 10**6) == f"{view.folder / name} is gone."
    with pytest.raises(ExportError, match=f"{name} is gone. Make export {view.id} again"):
        export_files(*making.place, view.id)


def test_a_folder_that_is_gone_is_told(exported):
    making, view = exported
    view.folder.rename(view.folder.with_name("moved"))
    assert fault_in(view, 10**6) == f"The folder {view.folder} is gone."
    with pytest.raises(NotFoundError, match="is gone"):
        export_files(*making.place, view.id)


def test_a_card_that_was_edited_is_handed_out_and_told(exported):
    making, view = exported
    (view.folder / "README.md").write_text("# Our pairs")
    assert (fault_in(view, 10**6), is_card_edited(view)) == (None, True)
    assert export_file(*making.place, view.id, "README.md").read_text() == "# Our pairs"


def test_of_files_too_large_to_be_read_for_a_look_the_size_alone_is_seen(exported):
    _, view = exported
    edited(view.folder / "train.jsonl")
    assert fault_in(view, 0) is None
    (view.folder / "train.jsonl").write_text("")
    assert fault_in(view, 0) == f"{view.folder / 'train.jsonl'} is not what was exported any more."
