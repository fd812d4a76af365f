"""One open store for a whole process: the pages, the routes and the life span of the app share it."""

from threading import Lock

from labeling.storage.opening import open_store
from labeling.storage.store import Store

_lock = Lock()
_stores: dict[str, Store] = {}


def shared_store(url: str) -> Store:
    """The store at `url`, opened and brought up to date at the first call; safe from any thread.

    Raises:
        StoreError: it cannot be opened. The next call tries again.
    """
    with _lock:
        store = _stores.get(url)
        if store is None:
            store = _stores[url] = open_store(url)
        return store


def close_shared_stores() -> None:
    """Close what `shared_store` opened: the end of the process, or of a test."""
    with _lock:
        while _stores:
            _stores.popitem()[1].close()


def check_store(url: str) -> None:
    """Open the store once, so that a fault is told before anything else starts. Raises StoreError."""
    open_store(url).close()


def prepare(store: Store) -> None:
    """What the app does to a store before its first page: take back what a kill left, make the sample where all is empty."""
    from labeling.services.access import local_actor
    from labeling.services.enqueuing import enqueue_pairs
    from labeling.services.export_list import settle_stopped
    from labeling.services.imports import recover_imports
    from labeling.services.projects import list_projects
    from labeling.services.sample import open_sample

    actor = local_actor(store)
    recover_imports(store)
    settle_stopped(store)
    if not open_sample(store, actor):
        for project in list_projects(store, actor):
            enqueue_pairs(store, project.id)  # pairs whose import was killed between its end and the queue
