"""A run's requests shared out into parts, each one Batch JSONL file: for a provider, or for an engine of one's own."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from labeling.domain import Actor, Right
from labeling.errors import InputError, NotFoundError
from labeling.llm.batch_lines import MOST_BYTES, MOST_LINES, request_line
from labeling.services.access import open_project
from labeling.storage import batches as rows
from labeling.storage import runs as run_rows
from labeling.storage.store import Session, Store
from labeling.storage.tables import Batch

GATHERED = 200  # requests put into parts in one transaction, which stays under 50 ms
READ = 500
RELEASED = 1000

PART_LINES = "part_lines"  # in a run's spec: what its provider's queue has room for


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of a run: `lines` requests were put into it, `open` of them have no outcome yet."""

    part: int
    name: str
    model: str
    state: str
    lines: int
    open: int
    bytes: int
    provider_id: str | None
    provider_status: str | None
    provider_done: int
    fault: str | None
    sent_at: datetime | None
    ended_at: datetime | None


def gather(store: Store, run_id: int, most: Callable[[Session], int] | None = None) -> None:
    """Put every free request of a running run into a part of at most 50,000 lines and 200 MB, in short transactions.

    `most` says how many more the run may afford. Killed, it goes on where it was.
    """
    while True:
        with store.writing() as session:
            if not _gather_some(session, run_id, most):
                return


def _gather_some(session: Session, run_id: int, most: Callable[[Session], int] | None) -> bool:
    run = rows.locked_run(session, run_id)
    if run.state != "running":
        return False
    allowed = GATHERED if most is None else min(GATHERED, most(session))
    free = rows.free_requests(session, run_id, allowed) if allowed > 0 else []
    most_lines = min(MOST_LINES, json.loads(run.spec).get(PART_LINES, MOST_LINES))
    opened = {(part.base_url, part.model, part.key_env): part for part in rows.gathering(session, run_id)}
    if not free:
        for part in opened.values():
            part.state = "ready"
            session.add(part)
        return False
    for place in dict.fromkeys(one.place for one in free):
        part = opened.get(place) or rows.add_part(session, run_id, place)
        ids: list[int] = []
        size = 0
        for one in (one for one in free if one.place == place):
            length = len(request_line(one.key, one.body).encode())
            if part.lines + len(ids) and (
                part.lines + len(ids) >= most_lines or part.bytes + size + length > MOST_BYTES
            ):
                rows.put(session, part, ids, size)
                part.state = "ready"
                part = rows.add_part(session, run_id, place)
                ids, size = [], 0
            ids.append(one.id)
            size += length
        rows.put(session, part, ids, size)
    return True


def halve(store: Store, part: Batch, fault: str) -> None:
    """End a part that is too large for its provider's queue; the run's next parts hold at most half as many lines."""
    assert part.id is not None
    with store.writing() as session:
        run = rows.locked_run(session, part.run_id)
        run.spec = json.dumps(json.loads(run.spec) | {PART_LINES: max(1, part.lines // 2)})
        session.add(run)
    let_go(store, part.id, "failed", fault)


def let_go(store: Store, batch_id: int, state: str, fault: str | None = None) -> int:
    """End a part: what has no outcome goes back to the queue, in short transactions. How many did."""
    freed = 0
    while True:
        with store.writing() as session:
            count = rows.release(session, batch_id, RELEASED)
            freed += count
            if count < RELEASED:
                part = rows.part_with_id(session, batch_id)
                rows.end(session, part, state, fault)
                return freed


def let_go_unsent(store: Store, run_id: int) -> None:
    """Free what a cancelled run has in parts that no provider was given."""
    with store.reading() as session:
        run = run_rows.run_with_id(session, run_id)
        states = () if run.mode == "file" else rows.UNSENT
        ids = [part.id for part in rows.open_parts(session, run_id, states) if run.mode != "live" and part.id]
    for id_ in ids:
        let_go(store, id_, "cancelled")


def list_parts(store: Store, actor: Actor, slug: str, run_id: int) -> list[PartView]:
    with store.reading() as session:
        _check_run(session, actor, slug, run_id)
        return [_view(session, slug, part) for part in rows.parts_of(session, run_id)]


def write_files(store: Store, actor: Actor, slug: str, run_id: int, folder: Path) -> list[Path]:
    """Write each open part of a run as Batch JSONL into `folder`; a file is there whole or not at all.

    Lines that have an outcome are left out: written again, the files hold what is still to be run.
    """
    with store.reading() as session:
        _check_run(session, actor, slug, run_id)
        found = [(part.id or 0, part.part) for part in rows.open_parts(session, run_id)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(store, batch_id, folder / part_name(slug, run_id, part)) for batch_id, part in found]
    except OSError as error:
        raise InputError(
            f"{error.filename or folder} cannot be written ({error.strerror}). Choose another folder with --out."
        ) from error


def part_blocks(store: Store, actor: Actor, slug: str, run_id: int, name: str) -> Iterator[bytes]:
    """The bytes of one part's file, as `write_files` would write it.

    Raises:
        NotFoundError: the run has no open part of that name.
    """
    with store.reading() as session:
        _check_run(session, actor, slug, run_id)
        found = [part.id for part in rows.open_parts(session, run_id) if part_name(slug, run_id, part.part) == name]
    if not found or found[0] is None:
        raise NotFoundError(f"Run {run_id} has no open file {name[:100]!r}. Open the run again.")
    return blocks(store, found[0])


def blocks(store: Store, batch_id: int) -> Iterator[bytes]:
    """The open lines of a part, some hundred at a time."""
    after = 0
    while True:
        with store.reading() as session:
            found = rows.lines_after(session, batch_id, after, READ)
        if not found:
            return
        after = found[-1][0]
        yield "".join(request_line(key, body) for _, key, body in found).encode()


@contextmanager
def part_file(store: Store, batch_id: int) -> Iterator[BinaryIO]:
    """The open lines of a part in a file that is gone afterwards."""
    with tempfile.TemporaryFile() as file:
        for block in blocks(store, batch_id):
            file.write(block)
        file.seek(0)
        yield file


def part_name(slug: str, run_id: int, part: int) -> str:
    return f"{slug}-run-{run_id}-part-{part:05}.jsonl"


def _write(store: Store, batch_id: int, path: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for block in blocks(store, batch_id):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _check_run(session: Session, actor: Actor, slug: str, run_id: int) -> None:
    project = open_project(session, actor, slug, Right.MANAGE)
    assert project.id is not None
    if run_rows.run_of_project(session, project.id, run_id) is None:
        raise NotFoundError(f"There is no run {run_id} in {project.name!r}. See the list with: tiebreak runs list")


def _view(session: Session, slug: str, part: Batch) -> PartView:
    assert part.id is not None
    return PartView(
        part=part.part,
        name=part_name(slug, part.run_id, part.part),
        model=part.model,
        state=part.state,
        lines=part.lines,
        open=0 if part.state in rows.ENDED else rows.count_open(session, part.id),
        bytes=part.bytes,
        provider_id=part.provider_id,
        provider_status=part.provider_status,
        provider_done=part.provider_done,
        fault=part.fault,
        sent_at=part.sent_at,
        ended_at=part.ended_at,
    )
