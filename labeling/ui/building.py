"""What goes on for the pages Data and Export while they may be left, in a thread of the app: for each project one import,
and one export or push, at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Final, Literal, TypeAlias

from labeling.errors import StoppedError
from labeling.readers import Source
from labeling.services.export import export, export_again
from labeling.services.export_choices import ExportChoices
from labeling.services.export_list import ExportView
from labeling.services.export_state import Progress
from labeling.services.hub import Pushed, push
from labeling.services.import_list import ImportView
from labeling.services.imports import ImportOptions, run_import
from labeling.ui.context import Here

# Small exports end within it: then no bar is drawn at all.
PATIENCE_SECONDS = 1.0

Page: TypeAlias = Literal["data", "export"]
WHAT: Final[Mapping[Page, str]] = {"data": "import", "export": "export"}
Result: TypeAlias = ExportView | Pushed | ImportView


@dataclass
class Building:
    """How far it is; at the end it has a result or an error: StoppedError, if it was stopped. `again` is the export that is
    made once more, `source` the file that is imported. `counted` says of what there are so many, in the plural: nothing is
    counted of a push."""

    counted: str
    looked: int = 0
    whole: int = 0
    result: Result | None = None
    error: Exception | None = None
    again: int | None = None
    source: Source | None = None
    is_stopped: bool = False
    thread: Thread = field(default_factory=Thread)

    @property
    def is_of_list(self) -> bool:
        """Whether it was begun at an earlier export: that is made again, or sent."""
        return self.again is not None or not self.counted

    @property
    def is_over(self) -> bool:
        return not self.thread.is_alive()

    @property
    def can_stop(self) -> bool:
        """Whether there is still something to be counted: what follows is quick, or at work elsewhere."""
        return bool(self.counted) and not 0 < self.whole <= self.looked

    def stop(self) -> None:
        """End it at the next count, so that nothing of it is kept; too late, where all is counted."""
        with _lock:
            self.is_stopped = self.is_stopped or self.can_stop

    def wait(self) -> None:
        self.thread.join(PATIENCE_SECONDS)


_lock = Lock()
_buildings: dict[tuple[str, str, Page], Building] = {}


def building(me: Here, page: Page = "export") -> Building | None:
    """What goes on in the open project for that page, or did and has not been taken yet."""
    with _lock:
        return _buildings.get(_key(me, page))


def take(me: Here, page: Page = "export") -> Building | None:
    """The same, if it is over; it is forgotten here."""
    with _lock:
        found = _buildings.get(_key(me, page))
        return _buildings.pop(_key(me, page)) if found is not None and found.is_over else None


def take_in(me: Here, source: Source, name: str, options: ImportOptions, rows: int) -> Building:
    """Begin an import of a file with so many rows, as `build` begins an export."""
    return _begin(
        me,
        Building("rows", whole=rows, source=source),
        lambda progress: run_import(
            me.store, me.actor, me.project, source, name, options, lambda done: progress(done, rows)
        ),
        "data",
    )


def build(me: Here, asked: ExportChoices) -> Building:
    """Begin an export; what is under way already is returned as it is."""
    made = Building(asked.counted)
    return _begin(me, made, lambda progress: export(me.store, me.actor, me.project, asked, progress=progress))


def build_again(me: Here, view: ExportView) -> Building:
    """Begin to make an export once more, as `build` begins one."""
    return _begin(
        me,
        Building(view.choices.counted, again=view.id),
        lambda progress: export_again(me.store, me.actor, me.project, view.id, progress=progress),
    )


def send(me: Here, export_id: int, name: str, *, public: bool) -> Building:
    """Begin to send an export to a hub, as `build` begins one."""
    return _begin(
        me,
        Building(""),
        lambda _progress: push(me.store, me.actor, me.project, export_id, name, public=public),
    )


def _begin(me: Here, made: Building, work: Callable[[Progress], Result], page: Page = "export") -> Building:
    with _lock:
        found = _buildings.get(_key(me, page))
        if found is not None and not found.is_over:
            return found
        made.thread = Thread(target=_run, args=(made, work, WHAT[page]), name=f"{page} {me.project}", daemon=True)
        _buildings[_key(me, page)] = made
        made.thread.start()
    return made


def _run(made: Building, work: Callable[[Progress], Result], what: str) -> None:
    def progress(looked: int, whole: int) -> None:
        with _lock:
            made.looked, made.whole = looked, whole
        if made.is_stopped:
            raise StoppedError(f"The {what} was stopped: nothing of it is kept.")

    try:
        made.result = work(progress)
    except Exception as error:  # noqa: BLE001 - told on the page, with its traceback in the log
        made.error = error


def _key(me: Here, page: Page) -> tuple[str, str, Page]:
    return str(me.store.url), me.project, page
