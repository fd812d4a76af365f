"""Every pair of a project decided by label rules, in chunks by pair id. No long text is read here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labeling.services.label_rules import NO_LABEL, Decision, Event, LabelRules, Result, Voice, decide
from labeling.storage import exports as rows
from labeling.storage.store import Session

CHUNK = 2000
RESERVED = Decision(None, "reserved")


@dataclass(frozen=True, slots=True)
class Ballot:
    """What deciding a project's pairs needs to know, of one moment: who the raters are, up to which label."""

    project_id: int
    rules: LabelRules
    mark: int
    hidden: list[int]
    reserved: set[int]
    purposes: dict[int, str]
    voices: dict[int, Voice]


def ballot(session: Session, project_id: int, rules: LabelRules) -> Ballot:
    return Ballot(
        project_id=project_id,
        rules=rules,
        mark=rows.label_mark(session, project_id),
        hidden=rows.hidden_imports(session, project_id),
        reserved=rows.reserved_prompts(session, project_id),
        purposes=rows.round_purposes(session, project_id),
        voices={row.rater_id: _voice(row) for row in rows.voices(session, project_id)},
    )


Decided: TypeAlias = list[tuple[int, Decision]]


def decisions(session: Session, held: Ballot) -> Iterator[Decided]:
    """(pair, decision) for every visible pair of the project by id, a chunk at a time."""
    last = 0
    while pairs := rows.pair_chunk(session, held.project_id, last, held.hidden, CHUNK):
        last = pairs[-1][0]
        yield decisions_on(session, held, pairs)


def decisions_on(session: Session, held: Ballot, pairs: Sequence[tuple[int, int]]) -> Decided:
    """(pair, decision) for some pairs, given as (pair, prompt) by id."""
    ids = [pair_id for pair_id, _ in pairs]
    events = rows.events_on(session, ids, held.mark, held.hidden)
    results = rows.results_on(session, ids)
    return [
        (pair_id, RESERVED if prompt_id in held.reserved else _decided(events.get(pair_id), results.get(pair_id), held))
        for pair_id, prompt_id in pairs
    ]


def _decided(events: list[rows.EventRow] | None, results: list[tuple[int, str]] | None, held: Ballot) -> Decision:
    if not events and not results:
        return NO_LABEL
    return decide(
        [_event(row, held) for row in events or ()],
        [Result(*result) for result in results or ()],
        held.voices,
        held.rules,
    )


def _event(row: rows.EventRow, held: Ballot) -> Event:
    purpose = None if row.round_id is None else held.purposes[row.round_id]
    return Event(
        row.label_id, row.seq, row.rater_id, row.round_id, purpose, row.revision, row.action, row.verdict, row.strength,
        row.edit_id,
    )  # fmt: skip


def _voice(row: rows.VoiceRow) -> Voice:
    if row.kind == "judge":
        name = f"{row.judge}, version {row.version}"
        return Voice("judge", name, row.judge or "", row.version or 0, row.orders == "both", bool(row.is_sandbox))
    return Voice("annotator" if row.kind == "annotator" else "imported", row.name)
