"""Results files of Batch JSONL, taken back: each line is matched by its id, in any order, and kept as a live answer is.

A line that is not taken is refused with its number and the reason. The same file a second time changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from labeling.domain import Actor
from labeling.errors import InputError
from labeling.llm.batch_lines import ResultLine, read_line
from labeling.services.access import managed_project
from labeling.services.finishing import Settled, settle
from labeling.services.parts import gather
from labeling.services.results import judged_line
from labeling.storage import batches as rows
from labeling.storage import claims
from labeling.storage import runs as run_rows
from labeling.storage.batches import OpenRequest
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Ingest

CHUNK = 100  # lines taken in one transaction, which stays under 50 ms
LONGEST_LINE = 20_000_000  # bytes; no reply is as long as this
REFUSED_KEPT = 1000
OWNER = "ingest"


@dataclass(frozen=True, slots=True)
class RefusedLine:
    file: str
    line: int
    reason: str


@dataclass(slots=True)
class IngestView:
    """What became of the lines of a results file: `lines` = answered + failed + undone + there + refused.

    `undone` were not come to before the batch ended, and wait on; `there` had an outcome before. `taken_before` says
    that this file was taken in earlier and nothing was changed; the counts are those of that time.
    """

    name: str
    lines: int = 0
    answered: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    undone: int = 0
    there: int = 0
    refused: int = 0
    refusals: list[RefusedLine] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    taken_before: bool = False


def ingest_path(
    store: Store, actor: Actor, slug: str, path: Path, progress: Callable[[int], None] | None = None
) -> IngestView:
    """`ingest` of a file on this machine."""
    try:
        with path.open("rb") as file:
            return ingest(store, actor, slug, path.name, file, progress)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Check its name and its rights.") from error


def ingest(
    store: Store, actor: Actor, slug: str, name: str, file: BinaryIO, progress: Callable[[int], None] | None = None
) -> IngestView:
    """Take in a results file of requests that runs of this project asked for, and put the answers to use.

    Args:
        file: what an engine wrote for the files of a run; read twice, from its beginning.
        progress: told the number of lines read, now and then.
    """
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
    file.seek(0)
    digest = _digest(file)
    with store.reading() as session:
        known = rows.ingest_of(session, project_id, digest)
    if known is not None:
        return _known(known)
    file.seek(0)
    view = IngestView(name)
    seen: dict[bytes, int] = {}
    touched: set[int] = set()
    for chunk in _chunks(file, view, seen):
        touched |= _take(store, project_id, chunk, view)
        if progress:
            progress(view.lines)
    view.runs = sorted(touched)
    _put_to_use(store, view.runs)
    kept = Ingest(
        project_id=project_id, digest=digest, name=name, counts=json.dumps(asdict(view)), created_by=actor.account_id
    )  # fmt: skip
    try:
        with store.writing() as session:
            rows.add_ingest(session, kept)
    except IntegrityError:  # the same file was taken in at the same time, twice
        view.taken_before = True
    return view


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _known(known: Ingest) -> IngestView:
    kept = json.loads(known.counts)
    refusals = [RefusedLine(**one) for one in kept.pop("refusals")]
    return IngestView(**{**kept, "refusals": refusals, "taken_before": True})


def _chunks(file: BinaryIO, view: IngestView, seen: dict[bytes, int]) -> Iterator[list[tuple[int, ResultLine]]]:
    """Readable lines with their numbers, some at a time; the others are refused at once."""
    chunk: list[tuple[int, ResultLine]] = []
    for number, raw in _lines(file):
        if raw is not None and not raw.strip():
            continue
        view.lines += 1
        if raw is None:
            _refuse(view, number, f"it is longer than {LONGEST_LINE // 1_000_000} MB, and no reply is")
            continue
        try:
            line = read_line(raw)
        except ValueError as error:
            _refuse(view, number, str(error))
            continue
        first = seen.setdefault(bytes.fromhex(line.key), number)
        if first != number:
            _refuse(view, number, f"it has the custom_id of line {first}")
            continue
        chunk.append((number, line))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number from 1; None in place of one that is too long to be a reply."""
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if len(raw) <= LONGEST_LINE:
            yield number, raw
            continue
        while raw and not raw.endswith(b"\n"):
            raw = file.readline(LONGEST_LINE)
        yield number, None


def _take(store: Store, project_id: int, chunk: Sequence[tuple[int, ResultLine]], view: IngestView) -> set[int]:
    """Store what came of these lines; the runs that have the requests done."""
    with store.writing() as session:
        wanted = rows.wanted_among(session, project_id, [line.key for _, line in chunk])
        useful = [(number, line) for number, line in chunk if _is_useful(number, line, wanted, view)]
        held = rows.seize(session, OWNER, [wanted[line.key].id for _, line in useful])
        judged = []
        for number, line in useful:
            claimed = held.get(wanted[line.key].id)
            if claimed is None:
                _refuse(view, number, "a worker is asking this request at the moment; pause the run, then try again")
                continue
            judged.append(judged_line(claimed, line, 1, is_last=True))
        claims.save(session, OWNER, [one.outcome for one in judged])
    for one in judged:
        reason = one.outcome.reason
        if one.outcome.state == "failed" and reason:
            view.failed[reason] = view.failed.get(reason, 0) + 1
        else:
            view.answered += 1
    return {one.run_id for one in wanted.values()}


def _is_useful(number: int, line: ResultLine, wanted: dict[str, OpenRequest], view: IngestView) -> bool:
    """Whether a line brings something new; else it is counted for what it is."""
    request = wanted.get(line.key)
    if request is None:
        _refuse(view, number, "no run of this project asked for it")
        return False
    # A failed request takes a reply that somebody got for it all the same, but not a second failure.
    if request.state == "answered" or (request.state == "failed" and line.status != 200):
        view.there += 1
        return False
    if line.is_undone:
        view.undone += 1
        return False
    return True


def _refuse(view: IngestView, number: int, reason: str) -> None:
    view.refused += 1
    if len(view.refusals) < REFUSED_KEPT:
        view.refusals.append(RefusedLine(view.name, number, reason))


def _put_to_use(store: Store, run_ids: Sequence[int]) -> None:
    for run_id in run_ids:
        with store.reading() as session:
            run = run_rows.run_with_id(session, run_id)
            purpose, mode, is_running = run.purpose, run.mode, run.state == "running"
            parts = [part.id or 0 for part in rows.open_parts(session, run_id)] if run.mode == "file" else []
        for part in parts:
            _end_if_done(store, part)
        while settle(store, run_id, purpose) is Settled.MORE:
            continue
        if is_running and mode == "file":
            gather(store, run_id)  # what its answers gave rise to: a judge's reply that must be asked for again


def _end_if_done(store: Store, batch_id: int) -> None:
    with store.writing() as session:
        end_if_done(session, batch_id)


def end_if_done(session: Session, batch_id: int) -> None:
    """End a file's part when the last of its lines has an outcome."""
    part = rows.part_with_id(session, batch_id)
    if part.state == "ready" and not rows.count_open(session, batch_id):
        rows.end(session, part, "done")
