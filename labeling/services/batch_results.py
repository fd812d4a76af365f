"""The results of a batch that has ended at its provider: downloaded, stored line by line, and the rest given back."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from labeling.llm.batch_lines import ResultLine, read_line
from labeling.llm.batches import BatchClient
from labeling.llm.faults import Fault
from labeling.services.outcomes import Judged, Troubles, outcome_of_fault
from labeling.services.parts import let_go
from labeling.services.results import judged_line
from labeling.storage import batches as rows
from labeling.storage import claims
from labeling.storage.claims import Claimed
from labeling.storage.leases import batch_owner
from labeling.storage.store import Store
from labeling.storage.tables import Batch, Run

CHUNK = 100  # lines stored in one transaction, which stays under 50 ms
ALIKE = 20  # failures without a single answer, all alike, after which the run stops


@dataclass
class _Seen:
    """What came of a part's lines in this reading of its results."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    message: str = ""
    stops: str | None = None

    def add(self, judged: Judged) -> None:
        outcome = judged.outcome
        self.answered += outcome.state == "answered"
        self.stops = self.stops or judged.stops
        if outcome.state == "failed":
            self.failed[outcome.reason or ""] += 1
            self.message = outcome.message


def fetch(store: Store, run: Run, part: Batch, client: BatchClient) -> str | None:
    """Store a part's results and end it; the sentence with which the run must stop, where it must.

    Read again after a kill, what is stored already is left as it is: the part holds it no more.

    Raises:
        ProviderFault: a file could not be downloaded.
    """
    assert part.id is not None
    seen = _Seen()
    for file_id in (part.output_file_id, part.error_file_id):
        if file_id:
            with tempfile.TemporaryFile() as file:
                client.download(file_id, file)
                file.seek(0)
                _store(store, run, part.id, file, seen)
    if part.provider_status == "completed":
        _fail_missing(store, run, part.id, seen)
    freed = let_go(store, part.id, "cancelled" if part.provider_status == "cancelled" else "done")
    return seen.stops or _sentence(part, seen, freed)


def _sentence(part: Batch, seen: _Seen, freed: int) -> str | None:
    if not seen.answered and len(seen.failed) == 1 and seen.failed.total() >= min(ALIKE, part.lines):
        return (
            f"All {seen.failed.total():,} requests of the batch {part.provider_id} failed alike: {seen.message} "
            "Mend the cause, then resume; retry the failed ones afterwards."
        )
    if part.provider_status == "expired" and freed == part.lines:
        return (
            f"The batch {part.provider_id} expired with none of its {part.lines:,} requests answered. Resume to send them "
            "again, or cancel the run and start it live."
        )
    return None


def _store(store: Store, run: Run, batch_id: int, file: BinaryIO, seen: _Seen) -> None:
    lines = _readable(file)
    while chunk := list(islice(lines, CHUNK)):
        with store.writing() as session:
            held = rows.held_among(session, batch_id, [line.key for line in chunk])
            judged = []
            for line in chunk:
                # Once: a line that comes twice finds its request no more.
                claimed = held.pop(line.key, None)
                if claimed is not None and not line.is_undone:
                    judged.append(judged_line(claimed, line, run.max_tries, is_last=False))
            claims.save(session, batch_owner(batch_id), [one.outcome for one in judged])
        for one in judged:
            seen.add(one)


def _readable(file: BinaryIO) -> Iterator[ResultLine]:
    """Lines that name their request; of the others nobody can say whose they are, so that those are missing."""
    for raw in file:
        if raw.strip():
            try:
                yield read_line(raw)
            except ValueError:
                continue


def _fail_missing(store: Store, run: Run, batch_id: int, seen: _Seen) -> None:
    """A batch that is complete and has no line for a request: counted, and tried again."""
    while True:
        with store.writing() as session:
            left = rows.held(session, batch_id, CHUNK)
            judged = [_missing(claimed, run.max_tries) for claimed in left]
            claims.save(session, batch_owner(batch_id), [one.outcome for one in judged])
        for one in judged:
            seen.add(one)
        if len(left) < CHUNK:
            return


def _missing(claimed: Claimed, max_tries: int) -> Judged:
    words = f"The results of {claimed.model}'s batch have no readable line for it."
    return outcome_of_fault(claimed, Fault("missing", words, retry=True), max_tries, Troubles(), 0.0)
