"""An export from its beginning to its end, as the list knows it: being written, done, or failed or removed with a reason."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from exporters.files import FolderFault
from exporters.findings import CheckFailed
from labeling.domain import Actor
from labeling.errors import ExportError, StoppedError
from labeling.services.access import managed_project
from labeling.services.export_choices import ExportChoices
from labeling.services.export_files import digest_of
from labeling.services.export_list import BESIDE, fail, settle_stopped, this_process
from labeling.settings import settings
from labeling.storage import exports as stored
from labeling.storage.store import Store
from labeling.storage.tables import Export

# What was looked at, and how much of it there is.
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Begun:
    """An export that is being written into `folder`."""

    export_id: int
    project_id: int
    folder: Path


def begin(
    store: Store, actor: Actor, slug: str, asked: ExportChoices, out: Path | None, last_pair: int | None = None
) -> Begun:
    """Put a new export on the list; its folder is `out` or one of the app's own. Raises NotFoundError, ForbiddenError."""
    settle_stopped(store)
    options = {
        "system_prompt": asked.system_prompt, "has_mark": asked.has_mark, "file_type": asked.file_type, "pair_mark": last_pair,
        "validation_rows": asked.validation_rows, "licence": asked.licence, **this_process(),
    }  # fmt: skip
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        export_id = stored.add_export(
            session,
            Export(
                project_id=project_id, format=asked.format, rules=json.dumps(asked.rules.as_dict()), seed=asked.seed,
                validation_share=asked.validation_share, options=json.dumps(options),
                label_seq=stored.label_mark(session, project_id), program_version=version("tiebreak"), created_by=actor.account_id,
            ),
        )  # fmt: skip
        folder = (out if out is not None else _own_folder(slug, export_id)).absolute()
        stored.place_export(session, export_id, str(folder))
        return Begun(export_id, project_id, folder)


def _own_folder(slug: str, export_id: int) -> Path:
    """The app's own place for an export: `5`, else `5-2` … Folders outlive a database that is put back from a backup, and
    several databases may share the data folder."""
    names = (str(export_id) if number == 1 else f"{export_id}-{number}" for number in count(1))
    return next(place for place in map((settings().export_folder / slug).joinpath, names) if not place.exists())


def end(
    store: Store, begun: Begun, mark: int, *, rows: int, counts: Mapping[str, Any], digests: Mapping[str, Any]
) -> None:
    """The export is done: it holds labels up to `mark`. `digests` are of the data files; those beside them are added."""
    beside = {
        path.name: {"split": BESIDE, "rows": 0, "bytes": path.stat().st_size, "sha256": digest_of(path)}
        for path in sorted(begun.folder.iterdir())
        if path.name not in digests
    }
    told = {"rows": rows, "counts": json.dumps(counts), "digests": json.dumps({**digests, **beside})}
    with store.writing() as session:
        stored.end_export(session, begun.export_id, state="done", label_seq=mark, **told)


@contextmanager
def settling(store: Store, begun: Begun) -> Iterator[None]:
    """Mark the export as failed, or removed if it was stopped, where the block does not come to its end.

    Raises ExportError for what its user can mend.
    """
    try:
        yield
    except (FolderFault, CheckFailed, ExportError) as error:
        fail(store, begun.export_id, str(error))
        raise ExportError(str(error)) from error
    except (StoppedError, KeyboardInterrupt) as error:
        fail(store, begun.export_id, str(error) or "The export was stopped: nothing of it is kept.", "removed")
        raise
    except BaseException:
        fail(store, begun.export_id, "The export was stopped before its end. Start it again.")
        raise
