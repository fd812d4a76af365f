"""Folders that are there whole or not at all.

Everything is written into a hidden folder beside the target and gets its name at the very end, when it is on the disk:
what a killed export leaves behind is called `.NAME.PROCESS.….partial` and can be deleted.
"""

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

SUFFIX = ".partial"


class FolderFault(Exception):
    """The folder cannot be written; one sentence that says which, why and how to mend it."""


def begin_folder(target: Path) -> Path:
    """Make the hidden folder that will become `target`, and return it.

    Raises:
        FolderFault: `target` exists and is not an empty folder, or cannot be made there.
    """
    try:
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise FolderFault(f"{target} is already there. Choose another folder, or delete it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.{os.getpid()}.", suffix=SUFFIX)
        Path(made).chmod(0o755 & ~_umask())
        return Path(made)
    except OSError as error:
        raise folder_fault(error, target) from error


def finish_folder(partial: Path, target: Path) -> None:
    """Put the folder on the disk and give it its name: from here on it is finished.

    Raises:
        FolderFault: somebody else made `target` in the meantime, or the disk refuses.
    """
    try:
        _sync_folder(partial)
        if target.is_dir():
            target.rmdir()  # only an empty one goes
        partial.rename(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise folder_fault(error, target) from error


def unfinished_folders(target: Path, process: int | None = None) -> list[Path]:
    """What writers of `target` began and have not finished: all of them, or one process."""
    writer = "*" if process is None else process
    return [path for path in target.parent.glob(f".{glob.escape(target.name)}.{writer}.*{SUFFIX}") if path.is_dir()]


def discard_folder(partial: Path) -> None:
    """Remove an unfinished folder; what cannot be removed keeps its hidden, unfinished name."""
    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def working_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target`, removed at the end; what killed writers of `target` left is removed before.

    Raises:
        FolderFault: as `begin_folder`.
    """
    for left in unfinished_folders(target):
        with suppress(Timeout, OSError), _lock(left):
            discard_folder(left)
    folder = begin_folder(target)
    with _lock(folder):  # until this process ends, however it ends
        try:
            yield folder
        finally:
            discard_folder(folder)


def _lock(folder: Path) -> FileLock:
    """Holds a folder. To enter it raises Timeout where another holds it, and OSError where it cannot be held."""
    return FileLock(folder / ".lock", blocking=False)


def write_file(path: Path, content: bytes) -> None:
    """Write a small file and put it on the disk."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise folder_fault(error, path) from error


def folder_fault(error: OSError, path: Path) -> FolderFault:
    """What a fault of the disk means to the one who asked for the export."""
    place = path.parent.parent if path.parent.name.endswith(SUFFIX) else path.parent
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return FolderFault(f"There is no room left in {place}. Nothing half-written was kept; free some space.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return FolderFault(f"{place} cannot be written. Choose a folder you may write to.")
        case errno.ENOTEMPTY | errno.EEXIST | errno.ENOTDIR if path.exists() or path.is_symlink():
            return FolderFault(f"{path} is already there. Choose another folder, or delete it.")
        case errno.ENOTDIR | errno.EEXIST:
            return FolderFault(f"{place} is a file, not a folder. Choose another folder.")
        case errno.ENAMETOOLONG:
            return FolderFault(f"The name {path.name[:40]}… is too long for this disk. Choose a shorter one.")
        case _:
            return FolderFault(f"{path} cannot be written ({error.strerror or error}). Choose another folder.")


def _umask() -> int:
    # mkdtemp makes a folder for its owner alone; the finished one is an ordinary folder.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to sync it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
