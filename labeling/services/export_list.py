"""The exports of a project as they stand in the list."""

import hashlib
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from exporters import Written
from exporters.files import discard_folder, unfinished_folders
from exporters.votes import VOTES
from labeling.domain import Actor
from labeling.errors import NotFoundError
from labeling.services.access import managed_project
from labeling.services.export_choices import UNTOLD, ExportChoices, read_file_type
from labeling.services.label_rules import read_rules
from labeling.services.liveness import has_ended
from labeling.storage import exports as rows
from labeling.storage.store import Store
from labeling.storage.tables import Export

BESIDE = "beside"
_RUN = uuid4().hex  # this process, whatever number it has


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export, as it was when the export was done; `split` says what it is for, `BESIDE` beside the data."""

    name: str
    split: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportView:
    """One export: what was asked, and, when it is done, what it holds. pairs = those used + the sum of `left_out`;
    the rows are the pairs used, but for formats of single completions.

    `state` is writing, done, failed or, if it was stopped, removed; `fault` says in one sentence why it is not done. `sandbox` counts rows, and of them
    the sides and judges, that rest on the sandbox; `masked` rows, and of them those with each kind of personal data or
    key that was found. `note` says why there is no validation file. `files` hold the data, those `beside` describe it. `digest` is the
    SHA-256 of the digests of `files`, as `sha256sum` lists them by name. `label_seq` and `pair_mark` are the last label and
    the last pair it looked at.
    """

    id: int
    format: str
    state: str
    fault: str | None
    created_at: datetime
    ended_at: datetime | None
    rules: dict[str, Any]
    seed: int
    validation_share: float
    system_prompt: str | None
    has_mark: bool
    file_type: str
    pair_mark: int | None
    asked_validation_rows: int | None
    licence: str
    digest: str
    label_seq: int
    folder: Path | None
    pairs: int
    rows: int
    train_rows: int
    validation_rows: int
    left_out: dict[str, int]
    sandbox: dict[str, int]
    masked: dict[str, int]
    warnings: tuple[str, ...]
    note: str
    files: tuple[ExportFile, ...]
    beside: tuple[ExportFile, ...]

    @property
    def all_files(self) -> tuple[ExportFile, ...]:
        return self.files + self.beside

    @property
    def is_votes(self) -> bool:
        return self.format == VOTES

    @property
    def choices(self) -> ExportChoices:
        """What was asked, so that it can be asked again."""
        return ExportChoices(
            format=self.format, rules=read_rules(self.rules), validation_share=self.validation_share,
            validation_rows=self.asked_validation_rows, seed=self.seed, system_prompt=self.system_prompt,
            has_mark=self.has_mark, file_type=read_file_type(self.file_type), licence=self.licence,
        )  # fmt: skip


def exports(store: Store, actor: Actor, slug: str, most: int | None = 20) -> list[ExportView]:
    """The project's exports, newest first; `most` is None for all."""
    with store.reading() as session:
        return [_view(row) for row in rows.exports_of(session, managed_project(session, actor, slug), most)]


def export_view(store: Store, actor: Actor, slug: str, export_id: int) -> ExportView:
    """Raises NotFoundError where the project has no such export."""
    with store.reading() as session:
        row = rows.export_with_id(session, managed_project(session, actor, slug), export_id)
    if row is None:
        raise NotFoundError(
            f"The project {slug!r} has no export {export_id}. See the list on its page Export, or `tiebreak exports list`."
        )
    return _view(row)


def facts_of(written: Written) -> dict[str, Any]:
    """What the list keeps of a finished export."""
    counts = {
        "pairs": written.pairs,
        "train_rows": written.train_rows,
        "validation_rows": written.validation_rows,
        "left_out": written.left_out,
        "sandbox": written.sandbox,
        "masked": written.masked,
        "warnings": [str(finding) for finding in written.warnings],
        "note": written.validation_note,
    }
    digests = {
        file.name: {"split": file.split, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
        for file in written.files
    }
    return {"rows": written.rows, "counts": counts, "digests": digests}


def this_process() -> dict[str, object]:
    """Who writes an export, so that one whose process is gone can be told from one that is under way."""
    return {"host": socket.gethostname(), "process": os.getpid(), "run": _RUN}


def settle_stopped(store: Store) -> int:
    """Mark exports as failed whose process is gone from this host, and remove what they left; returns how many."""
    with store.reading() as session:
        begun = rows.exports_being_written(session)
    gone = [row for row in begun if _is_gone(json.loads(row.options))]
    busy = {row.folder for row in begun if row not in gone}  # another export may be on its way to the same folder
    for row in gone:
        process = json.loads(row.options)["process"]
        for left in unfinished_folders(Path(row.folder), process) if row.folder and row.folder not in busy else ():
            discard_folder(left)
        fail(store, row.id, "The program was stopped during the export. Start it again.")
    return len(gone)


def fail(store: Store, export_id: int | None, fault: str, state: Literal["failed", "removed"] = "failed") -> None:
    """End an export that is being written, without a result."""
    with store.writing() as session:
        rows.end_export(session, export_id, state=state, folder=None, fault=fault)


def _is_gone(options: dict[str, Any]) -> bool:
    # By host alone: a container that was started again has another namespace of numbers, and an export no sign of life.
    process = options.get("process")
    if options.get("host") != socket.gethostname() or not isinstance(process, int):
        return False
    if process == os.getpid():  # in a container that was started again the numbers are the same
        return options.get("run") != _RUN
    return has_ended(process)


def _view(row: Export) -> ExportView:
    counts: dict[str, Any] = json.loads(row.counts)
    options: dict[str, Any] = json.loads(row.options)
    files = tuple(ExportFile(name, **facts) for name, facts in json.loads(row.digests).items())
    data = tuple(file for file in files if file.split != BESIDE)
    assert row.id is not None
    return ExportView(
        id=row.id,
        format=row.format,
        state=row.state,
        fault=row.fault,
        created_at=row.created_at,
        ended_at=row.ended_at,
        rules=json.loads(row.rules),
        seed=row.seed,
        validation_share=row.validation_share,
        system_prompt=options.get("system_prompt"),
        has_mark=options.get("has_mark", False),
        file_type=options.get("file_type", "jsonl"),
        pair_mark=options.get("pair_mark"),
        asked_validation_rows=options.get("validation_rows"),
        licence=options.get("licence", UNTOLD),
        digest=_digest(data),
        label_seq=row.label_seq,
        folder=Path(row.folder) if row.folder else None,
        pairs=counts.get("pairs", 0),
        rows=row.rows,
        train_rows=counts.get("train_rows", 0),
        validation_rows=counts.get("validation_rows", 0),
        left_out=counts.get("left_out", {}),
        sandbox=counts.get("sandbox", {}),
        masked=counts.get("masked", {}),
        warnings=tuple(counts.get("warnings", ())),
        note=counts.get("note", ""),
        files=data,
        beside=tuple(file for file in files if file.split == BESIDE),
    )


def _digest(files: Iterable[ExportFile]) -> str:
    """One digest of all files; "" before there are any."""
    told = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda file: file.name))
    return hashlib.sha256(told.encode()).hexdigest() if told else ""
