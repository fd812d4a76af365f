"""Taking labels back: a lead voids what a rater gave since a date, or queues old labels again after the guidelines changed.

The events stay; a `void` event is appended to each, the slots open again.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from labeling.domain import Actor
from labeling.errors import InputError
from labeling.services.access import managed_project
from labeling.storage import labels as label_rows
from labeling.storage import queue as queue_rows
from labeling.storage import taking_back as rows
from labeling.storage.store import Session, Store
from labeling.storage.tables import Round, now
from labeling.storage.taking_back import Which

__all__ = ["Which", "count_to_take_back", "take_back"]

CHUNK = 25  # labels a transaction


def count_to_take_back(store: Store, actor: Actor, slug: str, which: Which) -> int:
    """How many labels `take_back` would void. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return rows.count_labels(session, project_id, which)


def take_back(store: Store, actor: Actor, slug: str, which: Which, why: str, *, again: bool) -> int:
    """Void the labels and open their slots; return how many. With `again` their annotators are asked anew, else others are.

    Raises:
        InputError: nothing says which labels, or no reason is given.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    if which == Which():
        raise InputError("Say which labels are to be taken back: whose, since when, of which guidelines.")
    if not why.strip():
        raise InputError("Say why the labels are taken back; it is kept with them.")
    taken = after = 0
    while True:
        with store.writing() as session:
            project_id = managed_project(session, actor, slug)
            found = rows.matching_labels(session, project_id, which, after, CHUNK)
            if not found:
                return taken
            _void(session, project_id, actor, found, why.strip(), again=again)
        taken += len(found)
        after = found[-1].id


def _void(session: Session, project_id: int, actor: Actor, found: Sequence[Any], why: str, *, again: bool) -> None:
    by_round = defaultdict(list)
    for row in found:
        by_round[row.round_id].append(row)
    events = []
    for round_id, labels in sorted(by_round.items()):
        overlap = session.get_one(Round, round_id).overlap
        pair_ids = sorted({row.pair_id for row in labels})
        queue_rows.lock_places(session, round_id, pair_ids, wait=True)
        mine = {(row.pair_id, row.rater_id): row.id for row in queue_rows.assignments_of(session, round_id, pair_ids)}
        queue_rows.change_assignments(
            session,
            [
                {
                    "id": mine[row.pair_id, row.rater_id],
                    "slot": None,
                    "reserved_until": None,
                    "state": "undone" if again else "skipped",
                }
                for row in labels
            ],
        )
        queue_rows.settle(session, round_id, pair_ids, overlap)
        events += labels
    first = label_rows.take_seqs(session, project_id, len(events))
    at = now()
    label_rows.add_labels(
        session,
        [
            {
                "project_id": project_id, "seq": first + place, "pair_id": row.pair_id, "rater_id": row.rater_id,
                "round_id": row.round_id, "revision": row.revision + 1, "action": "void", "event_id": str(uuid.uuid4()),
                "verdict": None, "strength": None, "left_side": None, "edit_id": None, "is_surplus": False,
                "milliseconds": None, "away_milliseconds": None, "guideline_version_id": None, "renderer_version": None,
                "created_by": actor.account_id, "created_at": at,
            }
            for place, row in enumerate(events)
        ],
        [{"comment": why, "reasons": None, "criteria": None} for _ in events],
    )  # fmt: skip
