"""What an export has that an earlier one had not: pairs added, removed, moved, turned round, and said otherwise."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from exporters import EXPORTERS
from labeling.domain import Actor
from labeling.errors import ConflictError
from labeling.services.access import managed_project
from labeling.services.export_files import export_folder, is_as_exported
from labeling.services.export_list import ExportView, export_view
from labeling.services.votes import Column
from labeling.storage.store import Store
from labeling.storage.vote_columns import same_texts

MOST_NAMED = 1000  # pairs named of each kind


@dataclass(frozen=True, slots=True)
class Change:
    """Rows of one kind: how many, and the first of their pairs by id."""

    count: int
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """From the export `since` to `export`. A row is turned round when the other side is now the better one, or a single
    completion is desirable that was not, or the other way; rewritten when another completion stands in it, such as an edit.
    One that says the same, but between train and validation, is `moved` and not `kept`."""

    since: int
    export: int
    kept: int
    added: Change
    removed: Change
    moved: Change
    turned_round: Change
    rewritten: Change


class _Rows(NamedTuple):
    """The rows of an export by `key`: the pair and its how many-th row it is, or the completion where it stands alone: of
    those of one prompt that say the same, the first."""

    key: Column
    chosen: Column
    rejected: Column
    pair: Column
    is_validation: Column


def changes(store: Store, actor: Actor, slug: str, since: int, export: int) -> Changes:
    """Compare two finished exports by their provenance; their folders have to be there.

    Raises:
        NotFoundError: no such export, it was not finished, or its folder is gone.
        ConflictError: one of them holds votes, or one pairs and the other single completions; or a file was changed.
    """
    view = export_view(store, actor, slug, export)
    is_single = _is_single(view.format)
    before = comparable(store, actor, slug, since, view.format)
    first_of: Mapping[int, int] = {}
    if is_single:
        with store.reading() as session:
            first_of = same_texts(session, managed_project(session, actor, slug))
    old, new = (
        _rows_of(one, export_folder(store, actor, slug, one.id), first_of, is_single=is_single)
        for one in (before, view)
    )
    if not is_single:
        old, new = _aligned(old, new), _aligned(new, old)
    kept_old, kept_new = np.isin(old.key, new.key), np.isin(new.key, old.key)
    is_same = (old.chosen[kept_old] == new.chosen[kept_new]) & (old.rejected[kept_old] == new.rejected[kept_new])
    is_turned = (old.chosen[kept_old] == new.rejected[kept_new]) & (old.rejected[kept_old] == new.chosen[kept_new])
    stays = old.is_validation[kept_old] == new.is_validation[kept_new]
    pairs = new.pair[kept_new]
    return Changes(
        since=since,
        export=export,
        kept=int((is_same & stays).sum()),
        added=_change(new.pair[~kept_new]),
        removed=_change(old.pair[~kept_old]),
        moved=_change(pairs[is_same & ~stays]),
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


def _rows_of(view: ExportView, folder: Path, first_of: Mapping[int, int], *, is_single: bool) -> _Rows:
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
            for column, value in zip(columns, _values(orjson.loads(line), first_of, is_single=is_single), strict=True):
                column.append(value)
    read = [np.frombuffer(column, dtype=np.int64) for column in columns]
    if not is_single:
        is_second = np.ones(len(read[0]), dtype=bool)
        is_second[np.unique(read[0], return_index=True)[1]] = False
        read[0] = 2 * read[0] + is_second
    _, first = np.unique(read[0], return_index=True)
    return _Rows(*(column[first] for column in read))


def _aligned(some: _Rows, others: _Rows) -> _Rows:
    """The rows of one export, with one that is alone in its pair as the second where it says what the other export's second
    one does: the first may have been drawn out."""
    is_second = others.key % 2 == 1
    told = zip(*(column[is_second].tolist() for column in (others.pair, others.chosen, others.rejected)), strict=True)
    seconds = {pair: sides for pair, *sides in told}
    with_two = set(some.pair[some.key % 2 == 1].tolist())
    key = some.key.copy()
    for place in np.flatnonzero(np.isin(some.pair, list(seconds.keys() - with_two))).tolist():
        key[place] += seconds[int(some.pair[place])] == [some.chosen[place], some.rejected[place]]
    return some._replace(key=key)


def _values(told: dict[str, Any], first_of: Mapping[int, int], *, is_single: bool) -> tuple[int, int, int, int, int]:
    is_validation = told["split"] == "validation"
    if not is_single:
        return told["pair"], told["chosen_id"], told["rejected_id"], told["pair"], is_validation
    id_, is_desirable = first_of.get(told["completion_id"], told["completion_id"]), told["desirable"]
    return id_, id_ * is_desirable, id_ * (not is_desirable), told["pair"], is_validation


def _change(pairs: Column) -> Change:
    return Change(len(pairs), tuple(np.unique(pairs)[:MOST_NAMED].tolist()))
