"""Texts that are being read for rules about them while the page may be left: once for each project, in a thread."""

from dataclasses import dataclass, field
from threading import Lock, Thread

from labeling.services.rule_effect import read_texts
from labeling.ui.context import Here

PATIENCE_SECONDS = 2.0  # small projects are read within it: then no bar is drawn at all


@dataclass
class Reading:
    """How far it is; at the end it may have an error."""

    done: int = 0
    pairs: int = 0
    error: Exception | None = None
    thread: Thread = field(default_factory=Thread)


_lock = Lock()
_readings: dict[tuple[str, str], Reading] = {}


def reading(me: Here) -> Reading | None:
    """Begin to read, or look at what was begun; None once it is over. An error of it is raised once."""
    key = str(me.store.url), me.project
    with _lock:
        found = _readings.get(key)
        if found is None:
            found = _readings[key] = Reading()
            found.thread = Thread(target=_run, args=(me, found), name=f"texts of {me.project}", daemon=True)
            found.thread.start()
    found.thread.join(PATIENCE_SECONDS)
    if found.thread.is_alive():
        return found
    with _lock:
        _readings.pop(key, None)
    if found.error is not None:
        raise found.error
    return None


def _run(me: Here, made: Reading) -> None:
    def progress(done: int, pairs: int) -> None:
        made.done, made.pairs = done, pairs

    try:
        read_texts(me.store, me.actor, me.project, progress)
    except Exception as error:  # noqa: BLE001 - told on the page, with its traceback in the log
        made.error = error
