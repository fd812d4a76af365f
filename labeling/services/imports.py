"""Import a file into a project: written in short transactions, seen by nobody until it ends."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labeling.domain import Actor
from labeling.errors import ConflictError, InputError, StoppedError, TiebreakError
from labeling.readers import Source, Understanding, read, understand
from labeling.ready_rows import RaterNames
from labeling.services.access import managed_project
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.grouping import group_prompts
from labeling.services.import_chunks import STALE, Destination, Tally, chunks, take
from labeling.services.import_list import ImportView, import_view
from labeling.services.liveness import THIS_PROCESS, is_gone
from labeling.storage import imports as stored
from labeling.storage.store import IntegrityError, Store
from labeling.storage.tables import Import, now

PROGRESS_EVERY = 10


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be taken. `verdicts`: what the file's own words for verdicts mean. `labels_as`: the rater its verdicts are kept under, None to drop them.

    Where the file names its raters their verdicts are kept by name (under `labels_as/name`, where both are given),
    unless `are_names_kept` is false. `model`: who wrote the completions, where the file does not say. `is_joined_up`: make every pair of the sources
    of each prompt afterwards. `is_reserved`: keep the prompts for evaluation, so that no export ever contains them. `limit`: how many records
    are read, None for all.
    """

    kind: str = "auto"
    format: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    labels_as: str | None = None
    are_names_kept: bool = True
    model: str | None = None
    is_joined_up: bool = False
    is_reserved: bool = False
    limit: int | None = None

    def understood(self, source: Source, name: str) -> Understanding:
        """What the file is. Raises InputError where it cannot be read as anything known."""
        return understand(
            source, name, kind=self.kind, format=self.format, mapping=self.mapping, encoding=self.encoding,
            verdicts=self.verdicts,
        )  # fmt: skip


def run_import(
    store: Store,
    actor: Actor,
    slug: str,
    source: Source,
    name: str,
    options: ImportOptions,
    progress: Callable[[int], None] = lambda _rows: None,
) -> ImportView:
    """Take the file in. What is there already is not stored twice; nobody sees a row before the last one is written.

    `progress` is told the number of rows read so far.

    Raises:
        InputError: the file cannot be read as anything known; nothing was stored.
        ConflictError: another import of this project is being written.
    """
    understanding = options.understood(source, name)
    destination = _begin(store, actor, slug, understanding, options)
    tally, number = Tally(), 0
    try:
        for number, chunk in enumerate(
            chunks(read(source, understanding, options.limit), stored.rows_at_once(store)), 1
        ):
            take(store, destination, chunk, tally)
            if number % PROGRESS_EVERY == 0:
                progress(tally.counts["read"])
        if number % PROGRESS_EVERY:
            progress(tally.counts["read"])
        with store.writing() as session:
            tally.keep(session, destination.import_id)
            stored.close_import(session, destination.import_id, "done", now())
    except BaseException as error:
        _remove(store, destination.import_id, _why(error))
        raise
    _follow_up(store, actor, slug, destination, tally, is_joined_up=options.is_joined_up)
    return import_view(store, actor, slug, destination.import_id)


def recover_imports(store: Store) -> int:
    """Take back what imports that were killed have written; return how many there were. For the start of a process.

    Of this machine a process is known to be gone; one of another machine is given up when it gave no sign of life for long.
    """
    with store.reading() as session:
        dead = {row.id: fault for row in stored.all_unfinished(session) if (fault := _fault_of_dead(row))}
    for import_id, fault in dead.items():
        assert import_id is not None
        _remove(store, import_id, fault)
    return len(dead)


def _fault_of_dead(row: Import) -> str:
    """Why an import that is being written has come to nothing; empty where it may be alive."""
    process = json.loads(row.options).get("process")
    if process is not None and is_gone(process):
        return "The program was stopped during the import. Import the file again."
    if now() - row.heartbeat_at > STALE:
        return f"The import gave no sign of life for over {STALE.seconds} seconds. Import the file again."
    return ""


def _why(error: BaseException) -> str | None:
    """Why an import ended before its last row; None where it was stopped by hand."""
    if isinstance(error, StoppedError) or not isinstance(error, Exception):
        return None
    return str(error) if isinstance(error, TiebreakError) else "The import stopped at a fault of the program."


def _begin(store: Store, actor: Actor, slug: str, understanding: Understanding, options: ImportOptions) -> Destination:
    recover_imports(store)
    if options.labels_as is not None and not options.labels_as.strip():
        raise InputError("The rater whose labels the file holds needs a name, or drop the labels.")
    said = {"mapping": dict(understanding.mapping), "labels_as": options.labels_as, "model": options.model}
    said |= {"process": THIS_PROCESS}
    try:
        with store.writing() as session:
            project_id = managed_project(session, actor, slug)
            row = Import(
                project_id=project_id, kind=understanding.kind, format=understanding.format,
                file_name=understanding.name, options=json.dumps(said, ensure_ascii=False), created_by=actor.account_id,
            )  # fmt: skip
            session.add(row)
            session.flush()
            assert row.id is not None
    except IntegrityError as error:
        raise ConflictError(
            f"Another import into {slug!r} is being written. Wait for its end;"
            f" one that was killed is taken back {STALE.seconds} seconds after its last sign of life."
        ) from error
    raters = RaterNames(options.labels_as, options.are_names_kept)
    return Destination(project_id, row.id, raters, options.model, options.is_reserved)


def _follow_up(
    store: Store, actor: Actor, slug: str, destination: Destination, tally: Tally, *, is_joined_up: bool
) -> None:
    """What follows from rows that everybody sees now: their place in the queues, near-duplicates, pairs of completions."""
    enqueue_pairs(store, destination.project_id, destination.import_id)
    tally.counts["near"] = group_prompts(store, destination.project_id)
    if is_joined_up:
        from labeling.services.pairing import PairPlan, make_pairs
        from labeling.sifting import OPEN

        tally.counts["paired_up"] = make_pairs(store, actor, slug, PairPlan(per_prompt=None, sieve=OPEN)).pairs
    if tally.counts["near"] or tally.counts["paired_up"]:
        with store.writing() as session:
            stored.recount(session, destination.import_id, **tally.totals)


def _remove(store: Store, import_id: int, fault: str | None) -> None:
    """Take back every row of an import that did not end, in short transactions; its refusals, and why, stay as a record."""
    with store.writing() as session:
        if not stored.beat(session, import_id):
            return  # another process has taken it back
        stored.open_erasure(session, import_id)
    is_gone = False
    while not is_gone:
        with store.writing() as session:
            # This locks the import's row: one that wakes up while it is taken back waits, and then finds it closed.
            stored.beat(session, import_id)
            is_gone = stored.forget(session, import_id, stored.rows_at_once(store)) == 0
            if is_gone:
                stored.close_taken_back(session, import_id, now(), fault)
