"""Label rules that look across the pairs of a project: contradictions, pairs of one prompt, lengths. Pure, in columns.

Each takes the pairs (for lengths their rows) that stay so far and returns which of them go. What is drawn by lot depends on the seed and on
the pair alone, so that a pair that stays today mostly stays as data grows.
"""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Column: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]

# Lengths are compared in steps of half a doubling; from sixteen times as long on it is all the same.
STEPS_A_DOUBLING = 2
MOST_STEPS = 8


def lots(pair_id: Column, seed: int) -> Column:
    """A number for each pair, as good as random (splitmix64)."""
    mixed = pair_id.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def over_cap(prompt: Column, stays: Mask, most: int, lot: Column) -> Mask:
    """Pairs beyond `most` of one prompt, by lot."""
    gone = np.zeros(len(stays), dtype=bool)
    kept = np.flatnonzero(stays)
    order = kept[np.lexsort((lot[kept], prompt[kept]))]
    gone[order] = _ranks(prompt[order]) >= most
    return gone


def over_length(chosen: Column, rejected: Column, stays: Mask, lot: Column) -> Mask:
    """Rows to go so that, among those whose lengths differ by as much, as many longer as shorter replies are chosen."""
    gone = np.zeros(len(stays), dtype=bool)
    kept = np.flatnonzero(stays & (chosen != rejected))
    if not len(kept):
        return gone
    ratio = np.log2(np.maximum(chosen[kept], 1) / np.maximum(rejected[kept], 1))
    step = np.minimum(np.abs(ratio) * STEPS_A_DOUBLING, MOST_STEPS - 1).astype(np.int64)
    longer = (chosen[kept] > rejected[kept]).astype(np.int64)
    counts = np.bincount(step * 2 + longer, minlength=2 * MOST_STEPS).reshape(-1, 2)
    group = step * 2 + longer
    order = np.lexsort((lot[kept], group))
    gone[kept[order]] = _ranks(group[order]) >= counts.min(axis=1)[step[order]]
    return gone


def longer_chosen(chosen: Column, rejected: Column, stays: Mask) -> tuple[int, int]:
    """How many of the rows that stay have the longer reply chosen, and how many have replies of different lengths."""
    differ = stays & (chosen != rejected)
    return int(np.count_nonzero(differ & (chosen > rejected))), int(np.count_nonzero(differ))


def contradicting(better: Column, worse: Column, stays: Mask) -> Mask:
    """Pairs that stand in a circle: a over b, b over c, c over a. `better` and `worse` name replies."""
    gone = np.zeros(len(stays), dtype=bool)
    kept = np.flatnonzero(stays)
    names, places = np.unique(np.concatenate([better[kept], worse[kept]]), return_inverse=True)
    # Replies that stand in one pair only are in no circle: mostly all of them.
    busy = np.bincount(places, minlength=len(names)) > 1
    winner, loser = np.split(places, 2)
    both = busy[winner] & busy[loser]
    kept, winner, loser = kept[both], winner[both], loser[both]
    if not len(kept):
        return gone
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(kept), dtype=np.int8), (winner, loser)), shape=(len(names), len(names)))
    _, circle = connected_components(graph, directed=True, connection="strong")
    gone[kept] = circle[winner] == circle[loser]
    return gone


def resolved(better: Column, worse: Column, circular: Mask, strength: Column, lot: Column) -> Mask:
    """Of the pairs in circles those to go so that none is left: the stronger labels are believed first."""
    gone = np.zeros(len(circular), dtype=bool)
    pairs = np.flatnonzero(circular)
    order = pairs[np.lexsort((lot[pairs], -np.nan_to_num(strength[pairs], nan=1.0)))]
    beaten: dict[int, set[int]] = {}
    for pair in order.tolist():
        winner, loser = int(better[pair]), int(worse[pair])
        if _reaches(beaten, loser, winner):
            gone[pair] = True
        else:
            beaten.setdefault(winner, set()).add(loser)
    return gone


def gone_by(
    how: Literal["resolve", "leave_out"], better: Column, worse: Column, stays: Mask, strength: Column, lot: Column
) -> Mask:
    """Pairs that go because they contradict others: all of a circle, or the weakest of it."""
    circular = contradicting(better, worse, stays)
    return resolved(better, worse, circular, strength, lot) if how == "resolve" else circular


def _reaches(beaten: dict[int, set[int]], start: int, goal: int) -> bool:
    seen, open_ = {start}, [start]
    while open_:
        here = open_.pop()
        if here == goal:
            return True
        new = beaten.get(here, set()) - seen
        seen |= new
        open_ += new
    return False


def _ranks(ordered: Column) -> Column:
    """The place of each entry in its group, from 0; groups stand together."""
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))[: len(ordered)]
    sizes = np.diff(starts, append=len(ordered))
    return np.arange(len(ordered)) - np.repeat(starts, sizes)
