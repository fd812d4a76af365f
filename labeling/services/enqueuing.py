"""The filling of rounds: new pairs get their place in the queue of each round that takes all pairs."""

from labeling.storage import queue as rows
from labeling.storage.store import Store

CHUNK = 1000


def enqueue_pairs(store: Store, project_id: int, import_id: int | None = None) -> int:
    """Put every visible pair of the project that is missing into the rounds that take all pairs; return how many places were new.

    `import_id`: only the pairs that this import brought, whatever else is there.
    """
    added = after = 0
    while True:
        with store.reading() as session:
            pair_ids = rows.pairs_without_place(session, project_id, after, CHUNK, import_id)
        if not pair_ids:
            return added
        with store.writing() as session:
            added += rows.enqueue(session, project_id, pair_ids)
        after = pair_ids[-1]
