"""An export that is being written while its page may be left: one at a time for each project, in a thread of the app."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread

from labeling.services.export import export
from labeling.services.export_list import ExportView
from labeling.ui.context import Here

# Small exports end within it: then no bar is drawn at all.
PATIENCE_SECONDS = 1.0


@dataclass
class Building:
    """How far an export is; at the end it has a view or an error."""

    looked: int = 0
    pairs: int = 0
    view: ExportView | None = None
    error: Exception | None = None
    thread: Thread = field(default_factory=Thread)

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()

    def wait(self) -> None:
        self.thread.join(PATIENCE_SECONDS)


_lock = Lock()
_buildings: dict[tuple[str, str], Building] = {}


def building(me: Here) -> Building | None:
    """What is being built in the open project, or was and has not been taken yet."""
    with _lock:
        return _buildings.get(_key(me))


def take(me: Here) -> Building | None:
    """The same, if it is over; it is forgotten here."""
    with _lock:
        found = _buildings.get(_key(me))
        return _buildings.pop(_key(me)) if found is not None and found.is_over else None


def build(me: Here, **options: object) -> Building:
    """Begin an export with the options of `labeling.services.export.export`; one that is under way is returned as it is."""
    with _lock:
        found = _buildings.get(_key(me))
        if found is not None and not found.is_over:
            return found
        made = Building()
        made.thread = Thread(target=_run, args=(me, made, options), name=f"export {me.project}", daemon=True)
        _buildings[_key(me)] = made
        made.thread.start()
    return made


def _run(me: Here, made: Building, options: dict[str, object]) -> None:
    def progress(looked: int, pairs: int) -> None:
        made.looked, made.pairs = looked, pairs

    run: Callable[..., ExportView] = export
    try:
        made.view = run(me.store, me.actor, me.project, progress=progress, **options)
    except Exception as error:  # noqa: BLE001 - told on the page, with its traceback in the log
        made.error = error


def _key(me: Here) -> tuple[str, str]:
    return str(me.store.url), me.project
