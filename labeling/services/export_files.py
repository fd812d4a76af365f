"""The files of a finished export: where they are, and whether they are still what was exported.

Nothing else is handed out, compared or sent. Only the card may be written anew, as whoever publishes a data set describes it.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from labeling.domain import Actor
from labeling.errors import ExportError, NotFoundError
from labeling.services.export_list import ExportFile, ExportView, export_view
from labeling.storage.store import Store

CARD = "README.md"


def export_folder(store: Store, actor: Actor, slug: str, export_id: int) -> Path:
    """The folder of a finished export that is still there. Raises NotFoundError otherwise."""
    return _finished(store, actor, slug, export_id)[1]


def export_file(store: Store, actor: Actor, slug: str, export_id: int, name: str) -> Path:
    """Where a file of a finished export is; also of `manifest.json` and `README.md`.

    Raises:
        NotFoundError: no such export or file, or its folder is gone.
        ExportError: the file is gone, or no longer what was exported.
    """
    view, folder = _finished(store, actor, slug, export_id)
    known = {file.name: file for file in view.all_files}
    if name not in known:
        raise NotFoundError(f"Export {export_id} has no file {name!r}. It holds {', '.join(sorted(known))}.")
    return _as_exported(view, folder, known[name])


def export_files(store: Store, actor: Actor, slug: str, export_id: int) -> list[Path]:
    """All files of a finished export, by name. Raises as `export_file` does."""
    view, folder = _finished(store, actor, slug, export_id)
    return sorted(_as_exported(view, folder, file) for file in view.all_files)


def fault_in(view: ExportView, most_read: int) -> str | None:
    """Why a finished export is not handed out any more, in a sentence; None where nothing is to say.

    Files over `most_read` bytes are not read for it: of these only the size is looked at. The others are read once for each
    time they are written: a page that asks is drawn at every step.
    """
    if view.folder is None or not view.folder.is_dir():
        return f"The folder {view.folder} is gone."
    small = (_fault(view.folder, file, most_read, _digest_of_version) for file in view.all_files)
    return next((told for told in small if told), None)


def is_card_edited(view: ExportView) -> bool:
    """Whether the card of a finished export says something else than it did, or is gone."""
    return any(
        view.folder is not None and file.name == CARD and not is_as_exported(view.folder / CARD, file.sha256)
        for file in view.beside
    )


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_as_exported(path: Path, sha256: str, digest: Callable[[Path], str] = digest_of) -> bool:
    """Whether a file of an export is still what was written then, by its SHA-256 as `digest` makes it."""
    try:
        return digest(path) == sha256
    except OSError:
        return False


def _digest_of_version(path: Path) -> str:
    found = path.stat()
    return _remembered(path, found.st_mtime_ns, found.st_size)


@lru_cache(1000)
def _remembered(path: Path, _written_at: int, _size: int) -> str:
    return digest_of(path)


def zip_name(slug: str, export_id: int) -> str:
    """What the whole export is called as one download."""
    return f"{slug}-{export_id}.zip"


def _finished(store: Store, actor: Actor, slug: str, export_id: int) -> tuple[ExportView, Path]:
    view = export_view(store, actor, slug, export_id)
    if view.state != "done" or view.folder is None:
        raise NotFoundError(
            f"Export {export_id} was not finished, so that there is nothing to download. Start it again."
        )
    if not view.folder.is_dir():
        raise NotFoundError(f"The folder {view.folder} of export {export_id} is gone. Start the export again.")
    return view, view.folder


def _as_exported(view: ExportView, folder: Path, file: ExportFile) -> Path:
    if told := _fault(folder, file, file.bytes):
        raise ExportError(f"{told} Make export {view.id} again.")
    return folder / file.name


def _fault(folder: Path, file: ExportFile, most_read: int, digest: Callable[[Path], str] = digest_of) -> str | None:
    path = folder / file.name
    if not path.is_file():
        return f"{path} is gone."
    is_same = path.stat().st_size == file.bytes and (
        file.bytes > most_read or is_as_exported(path, file.sha256, digest)
    )
    return None if is_same or file.name == CARD else f"{path} is not what was exported any more."
