"""What an export has that an earlier one had not: pairs added, removed, turned round, and said otherwise."""

from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from exporters.votes import VOTES
from labeling.domain import Actor
from labeling.errors import ConflictError
from labeling.services.export_list import export_folder, export_view
from labeling.services.votes import Column
from labeling.storage.store import Store

MOST_NAMED = 1000  # pairs named of each kind


@dataclass(frozen=True, slots=True)
class Change:
    """Pairs of one kind: how many, and the first of them by id."""

    count: int
    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """From the export `since` to `export`. A pair is turned round when the other side is now the better one, and rewritten
    when another completion stands in it, such as an edit."""

    since: int
    export: int
    kept: int
    added: Change
    removed: Change
    turned_round: Change
    rewritten: Change


def changes(store: Store, actor: Actor, slug: str, since: int, export: int) -> Changes:
    """Compare two finished exports of pairs by their provenance; their folders have to be there.

    Raises:
        NotFoundError: no such export, it was not finished, or its folder is gone.
        ConflictError: one of them holds votes or single completions, which have no better side.
    """
    old, new = (_rows_of(store, actor, slug, export_id) for export_id in (since, export))
    kept_old, kept_new = np.isin(old[0], new[0]), np.isin(new[0], old[0])
    pairs = old[0][kept_old]
    is_same = (old[1][kept_old] == new[1][kept_new]) & (old[2][kept_old] == new[2][kept_new])
    is_turned = (old[1][kept_old] == new[2][kept_new]) & (old[2][kept_old] == new[1][kept_new])
    return Changes(
        since=since,
        export=export,
        kept=int(is_same.sum()),
        added=_change(new[0][~kept_new]),
        removed=_change(old[0][~kept_old]),
        turned_round=_change(pairs[is_turned]),
        rewritten=_change(pairs[~is_same & ~is_turned]),
    )


def comparable(store: Store, actor: Actor, slug: str, export_id: int) -> Path:
    """The folder of an export that another can be compared with; raises as `changes` does."""
    view = export_view(store, actor, slug, export_id)
    if view.format in (VOTES, "trl-kto", "sft"):
        raise ConflictError(
            f"Export {export_id} is in the format {view.format}, which has no better side. Compare exports of pairs."
        )
    return export_folder(store, actor, slug, export_id)


def _rows_of(store: Store, actor: Actor, slug: str, export_id: int) -> tuple[Column, Column, Column]:
    """Pair, chosen and rejected of every row, by pair; of a pair with several rows the first."""
    columns = array("q"), array("q"), array("q")
    with (comparable(store, actor, slug, export_id) / "provenance.jsonl").open("rb") as file:
        for line in file:
            told = orjson.loads(line)
            for column, name in zip(columns, ("pair", "chosen_id", "rejected_id"), strict=True):
                column.append(told[name])
    pair, chosen, rejected = (np.frombuffer(column, dtype=np.int64) for column in columns)
    pair, first = np.unique(pair, return_index=True)
    return pair, chosen[first], rejected[first]


def _change(pairs: Column) -> Change:
    return Change(len(pairs), tuple(pairs[:MOST_NAMED].tolist()))
