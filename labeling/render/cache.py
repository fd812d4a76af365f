"""Rendered texts in memory, the least recently shown ones leave first."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock


class Cache:
    """At most `characters` of rendered text. Threads may share one; two may render the same text at once."""

    def __init__(self, characters: int) -> None:
        self._size = characters
        self._room = characters
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, make: Callable[[], str]) -> str:
        """Return what is kept under `key`, or what `make` makes, and keep it."""
        with self._lock:
            known = self._texts.get(key)
            if known is not None:
                self._texts.move_to_end(key)
                return known
        made = make()
        with self._lock:
            if key not in self._texts and len(made) <= self._size:
                self._texts[key] = made
                self._room -= len(made)
            while self._room < 0:
                _, oldest = self._texts.popitem(last=False)
                self._room += len(oldest)
        return made
