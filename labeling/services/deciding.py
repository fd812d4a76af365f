"""Every pair of a project decided by label rules, in chunks by pair id. No long text is read here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from labeling.services.label_rules import NO_LABEL, Decision, Event, LabelRules, Result, Voice, decide
from labeling.storage import exports as rows
from labeling.storage.store import Session

CHUNK = 2000
RESERVED = Decision(None, "reserved")
LEFT_OUT = Decision(None, "left_out")


@dataclass(frozen=True, slots=True)
class Ballot:
    """What deciding a project's pairs needs to know, of one moment: who the raters are, up to which label."""

    project_id: int
    rules: LabelRules
    mark: int
    hidden: list[int]
    reserved: set[int]
    left_out: set[int]
    purposes: dict[int, str]
    voices: dict[int, Voice]
    alike: dict[tuple[object, ...], Decision] = field(default_factory=dict)


def ballot(session: Session, project_id: int, rules: LabelRules) -> Ballot:
    return Ballot(
        project_id=project_id,
        rules=rules,
        mark=rows.label_mark(session, project_id),
        hidden=rows.hidden_imports(session, project_id),
        reserved=rows.reserved_prompts(session, project_id),
        left_out=rows.left_out_pairs(session, project_id),
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
        (pair_id, _set_aside(pair_id, prompt_id, held) or _decided(events.get(pair_id), results.get(pair_id), held))
        for pair_id, prompt_id in pairs
    ]


def _set_aside(pair_id: int, prompt_id: int, held: Ballot) -> Decision | None:
    """What no label changes: a lead left the pair out, or its prompt is kept for evaluation."""
    if pair_id in held.left_out:
        return LEFT_OUT
    return RESERVED if prompt_id in held.reserved else None


def _decided(events: list[rows.EventRow] | None, results: list[tuple[int, str]] | None, held: Ballot) -> Decision:
    if not events and not results:
        return NO_LABEL
    if events is not None and len(events) == 1:
        return _decided_by_one(events[0], tuple(results or ()), held)
    return _decided_by_all(events or [], results or (), held)


def _decided_by_one(event: rows.EventRow, results: tuple[tuple[int, str], ...], held: Ballot) -> Decision:
    """Most pairs have one event: what such a one comes to is worked out once for each kind of it."""
    kind = (event.rater_id, event.round_id, event.action, event.verdict, event.strength, results)
    alike = held.alike.get(kind)
    if alike is None:
        alike = held.alike[kind] = _decided_by_all([event], results, held)
    if alike.better is None:
        return alike
    edit_id = event.edit_id if held.rules.edits == "beat_loser" else None
    return Decision(alike.better, None, alike.raters, (event.label_id,), alike.strength, edit_id)


def _decided_by_all(events: list[rows.EventRow], results: Sequence[tuple[int, str]], held: Ballot) -> Decision:
    return decide(
        [_event(row, held) for row in events], [Result(*result) for result in results], held.voices, held.rules
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
