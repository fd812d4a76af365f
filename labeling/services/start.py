"""One open store for a whole process: the pages, the routes and the life span of the app share it."""

from threading import Lock

from labeling.storage.store import Store, open_store

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
    """What the app does to a store before its first page."""
