"""Which half of the rubric bench a gold pair belongs to: drawn once, kept for ever.

Pairs of one prompt (or of one group of prompts) stay on one side, and what becomes gold later goes to the smaller half.
"""

import random
from collections.abc import Iterable, Sequence

from labeling.domain import Actor
from labeling.services.access import managed_project
from labeling.storage import bench as rows
from labeling.storage.completions import lock_project
from labeling.storage.store import Store

HALVES = ("tune", "held_out")
CHUNK = 300  # pairs drawn in one transaction


def draw_halves(store: Store, actor: Actor, slug: str) -> int:
    """Give each gold pair that has no half one; how many were drawn. Those that have one keep it for ever."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        if not rows.undrawn_gold(session, project_id):
            return 0
    drawn = 0
    while True:
        with store.writing() as session:
            lock_project(session, project_id)
            halves = _draw(project_id, rows.drawn_groups(session, project_id), rows.undrawn_gold(session, project_id))
            part = dict(list(halves.items())[:CHUNK])
            rows.put_halves(session, project_id, part)
        drawn += len(part)
        if len(part) == len(halves):
            return drawn


def _draw(project_id: int, there: Iterable[tuple[str, str]], new: Sequence[tuple[int, str]]) -> dict[int, str]:
    """A half for each new (pair, group): its group's where it has one, else the smaller one; by lot, always the same."""
    sizes = dict.fromkeys(HALVES, 0)
    of_group: dict[str, str] = {}
    for half, group in there:
        sizes[half] += 1
        of_group[group] = half
    groups: dict[str, list[int]] = {}
    for pair_id, group in new:
        groups.setdefault(group, []).append(pair_id)
    lot = random.Random(f"bench {project_id}")
    names = sorted(groups)
    lot.shuffle(names)
    found: dict[int, str] = {}
    for name in names:
        half = of_group.get(name) or min(HALVES, key=lambda half: sizes[half])
        sizes[half] += len(groups[name])
        found |= dict.fromkeys(groups[name], half)
    return found
