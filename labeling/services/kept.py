"""Counts that cost a while in a large project: a page asks for them again at every press.

`remembered` where something cheap tells that the answer changed; `kept`, for some time, where nothing does.
"""

import time
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

SLOW_SECONDS = 0.2
KEPT_FOR = 10  # times as long as it took
MOST_KEPT = 200

T = TypeVar("T")
_kept: dict[Hashable, tuple[float, object]] = {}


def kept(key: Hashable, count: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> T:
    """What `count` gives; where that took long, what it gave some seconds ago for the same `key`.

    The key names all that is known to change the answer and can be had cheaply.
    """
    found = _kept.get(key)
    began = clock()
    if found is not None and began < found[0]:
        return cast("T", found[1])
    value = count()
    took = clock() - began
    if took > SLOW_SECONDS:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[key] = (clock() + KEPT_FOR * took, value)
    return value


def remembered(key: Hashable, stamp: Hashable, count: Callable[[], T]) -> T:
    """What `count` gives; counted anew for a key only when its stamp is another one, which changes with the answer."""
    known = _remembered.get(key)
    if known is None or known[0] != stamp:
        if len(_remembered) >= MOST_KEPT:
            _remembered.clear()
        known = _remembered[key] = (stamp, count())
    return cast("T", known[1])


_remembered: dict[Hashable, tuple[Hashable, object]] = {}


def forget() -> None:
    """Let all counts be counted anew: what measures a first visit asks for it."""
    _kept.clear()
    _remembered.clear()
