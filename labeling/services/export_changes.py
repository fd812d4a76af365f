"""What an export has that an earlier one had not: pairs added, removed, turned round, and said otherwise."""

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from exporters import EXPORTERS
from labeling.domain import Actor
from labeling.errors import ConflictError
from labeling.services.export_files import export_folder, is_as_exported
from labeling.services.export_list import ExportView, export_view
from labeling.services.votes import Column
from labeling.storage.store import Store

MOST_NAMED = 1000  # pairs named of each kind


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of one kind: how many, and the first of their pairs by id."""

    count: int
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """From the export `since` to `export`. A row is turned round when the other side is now the better one, or a single
    completion is desirable that was not, or the other way; rewritten when another completion stands in it, such as an edit."""

    since: int
    export: int
    kept: int
    added: Change
    removed: Change
    turned_round: Change
    rewritten: Change


class _Rows(NamedTuple):
    """The rows of an export by `key`: the pair and its how many-th row it is, or the completion where it stands alone."""

    key: Column
    chosen: Column
    rejected: Column
    pair: Column


def changes(store: Store, actor: Actor, slug: str, since: int, export: int) -> Changes:
    """Compare two finished exports by their provenance; their folders have to be there.

    Raises:
        NotFoundError: no such export, it was not finished, or its folder is gone.
        ConflictError: one of them holds votes, or one pairs and the other single completions; or a file was changed.
    """
    view = export_view(store, actor, slug, export)
    is_single = _is_single(view.format)
    before = comparable(store, actor, slug, since, view.format)
    old, new = (_rows_of(one, export_folder(store, actor, slug, one.id), is_single=is_single) for one in (before, view))
    kept_old, kept_new = np.isin(old.key, new.key), np.isin(new.key, old.key)
    is_same = (old.chosen[kept_old] == new.chosen[kept_new]) & (old.rejected[kept_old] == new.rejected[kept_new])
    is_turned = (old.chosen[kept_old] == new.rejected[kept_new]) & (old.rejected[kept_old] == new.chosen[kept_new])
    pairs = new.pair[kept_new]
    return Changes(
        since=since,
        export=export,
        kept=int(is_same.sum()),
        added=_change(new.pair[~kept_new]),
        removed=_change(old.pair[~kept_old]),
        turned_round=_change(pairs[is_turned]),
        rewritten=_change(pairs[~is_same & ~is_turned]),
    )


def comparable(store: Store, actor: Actor, slug: str, since: int, format: str) -> ExportView:
    """An export that one in `format` can be compared with; raises as `changes` does."""
    view = export_view(store, actor, slug, since)
    if not can_compare(view, format):
        raise ConflictError(
            f"Export {since} is in the format {view.format}, which has other rows than {format}. "
            "Compare exports of pairs, or two of single completions."
        )
    export_folder(store, actor, slug, since)
    return view


def can_compare(view: ExportView, format: str) -> bool:
    """Whether the rows of a finished export are of the same kind as those of `format`."""
    return {view.format, format} <= EXPORTERS.keys() and _is_single(view.format) == _is_single(format)


def _is_single(format: str) -> bool:
    return format in EXPORTERS and EXPORTERS[format].pieces is not None


def _rows_of(view: ExportView, folder: Path, *, is_single: bool) -> _Rows:
    """The rows of an export by key. A pair has two rows at most."""
    columns = [array("q") for _ in _Rows._fields]
    told = next(file for file in view.files if file.split == "provenance")
    path = folder / told.name
    if not is_as_exported(path, told.sha256):
        raise ConflictError(
            f"{path} cannot be read, or was changed: nothing can be compared with it. Make that export again."
        )
    with path.open("rb") as file:
        for line in file:
            for column, value in zip(columns, _values(orjson.loads(line), is_single=is_single), strict=True):
                column.append(value)
    read = [np.frombuffer(column, dtype=np.int64) for column in columns]
    if not is_single:
        is_second = np.ones(len(read[0]), dtype=bool)
        is_second[np.unique(read[0], return_index=True)[1]] = False
        read[0] = 2 * read[0] + is_second
    _, first = np.unique(read[0], return_index=True)
    return _Rows(*(column[first] for column in read))


def _values(told: dict[str, Any], *, is_single: bool) -> tuple[int, int, int, int]:
    if not is_single:
        return told["pair"], told["chosen_id"], told["rejected_id"], told["pair"]
    id_, is_desirable = told["completion_id"], told["desirable"]
    return id_, id_ * is_desirable, id_ * (not is_desirable), told["pair"]


def _change(pairs: Column) -> Change:
    return Change(len(pairs), tuple(np.unique(pairs)[:MOST_NAMED].tolist()))
