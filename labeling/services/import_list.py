"""The imports of a project: what each came to, and the rows it refused."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from labeling.domain import Actor
from labeling.errors import NotFoundError
from labeling.services.access import managed_project
from labeling.storage import imports as stored
from labeling.storage.store import Session, Store
from labeling.storage.tables import Import

LINES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import: read = taken + known + refused. `known` rows brought nothing that was not there already.

    `near_prompts`: prompts of the project that came into a group of near-duplicates by it, `alike_sides`: new pairs whose
    sides say nearly the same. `contradicting`: labels that were left out, since their rater had said otherwise of the
    pair before in the same file; `contradicting_lines`: where the first of them stand. `state` is writing, done, failed or,
    if it was stopped, removed; `fault` says why nothing of it is kept.
    """

    id: int
    kind: str
    format: str
    file_name: str
    state: str
    fault: str | None
    read: int
    taken: int
    known: int
    refused: int
    refused_by_reason: Mapping[str, int]
    prompts: int
    completions: int
    pairs: int
    labels: int
    paired_up: int
    near_prompts: int
    alike_sides: int
    contradicting: int
    contradicting_lines: tuple[int, ...]
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    line: int
    code: str
    reason: str
    content: str


def ending(row: Import) -> tuple[str, str | None]:
    """The state of an import, and why nothing of it is kept."""
    if row.state != "removed":
        return row.state, None
    fault = json.loads(row.counts).get("fault")
    return ("failed", fault) if fault else ("removed", "The import was stopped: nothing of it is kept.")


def contradictions(labels: int, lines: Sequence[int]) -> str:
    """How many labels contradict an earlier one of their rater, where the first of them stand, and what can be done."""
    places = f"line{'s'[: len(lines) != 1]} {', '.join(map(str, lines[:LINES_SHOWN]))}"
    more = " and more" if labels > LINES_SHOWN else ""
    return (
        f"{labels:,} label{'s'[: labels != 1]} left out ({places}{more}): earlier in the file the same rater says otherwise of the"
        " pair, and the first verdict counts. Where the verdicts are several people's, name each of them in a column, so that all count."
    )


def import_view(store: Store, actor: Actor, slug: str, import_id: int) -> ImportView:
    with store.reading() as session:
        return _view(_found(session, actor, slug, import_id))


def list_imports(store: Store, actor: Actor, slug: str, limit: int = 50) -> list[ImportView]:
    """The imports of a project, newest first."""
    with store.reading() as session:
        return [_view(row) for row in stored.imports_of(session, managed_project(session, actor, slug), limit)]


def refused_rows(store: Store, actor: Actor, slug: str, import_id: int) -> list[RefusedRow]:
    """Every refused row of an import, with what it said, to be mended and sent again."""
    with store.reading() as session:
        _found(session, actor, slug, import_id)
        found = stored.refusals_of(session, import_id)
        return [RefusedRow(row.line, row.code, row.reason, row.content) for row in found]


def refused_jsonl(rows: list[RefusedRow], file_name: str) -> str:
    """Refused rows as a file: one JSON object a line with file, line, code, reason and content."""
    return "".join(
        json.dumps(
            {"file": file_name, "line": row.line, "code": row.code, "reason": row.reason, "content": row.content},
            ensure_ascii=False,
        )
        + "\n"
        for row in rows
    )


def _found(session: Session, actor: Actor, slug: str, import_id: int) -> Import:
    project_id = managed_project(session, actor, slug)
    row = session.get(Import, import_id)
    if row is None or row.project_id != project_id:
        raise NotFoundError(f"The project {slug!r} has no import {import_id}.")
    return row


def _view(row: Import) -> ImportView:
    counts = json.loads(row.counts)
    state, fault = ending(row)
    assert row.id is not None
    return ImportView(
        id=row.id,
        kind=row.kind,
        format=row.format,
        file_name=row.file_name,
        state=state,
        fault=fault,
        read=row.rows_read,
        taken=row.rows_taken,
        known=row.rows_known,
        refused=row.rows_refused,
        refused_by_reason=counts.get("refused", {}),
        prompts=counts.get("prompts", 0),
        completions=counts.get("completions", 0),
        pairs=counts.get("pairs", 0),
        labels=counts.get("labels", 0),
        paired_up=counts.get("paired_up", 0),
        near_prompts=counts.get("near", 0),
        alike_sides=counts.get("alike", 0),
        contradicting=counts.get("contradicting", 0),
        contradicting_lines=tuple(counts.get("contradicting_lines", ())),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
