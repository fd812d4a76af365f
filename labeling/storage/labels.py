"""Label events: appended, numbered under the project's lock, never changed. What is current is derived.

Whoever inserts labels takes their numbers last in the transaction, so that the project's lock is held for a moment: all
numbers below one that can be read are then committed, on both engines.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Executable, Row, bindparam, case, func, insert, or_, select, union_all, update
from sqlmodel import Session, col

from labeling.domain import text_digest
from labeling.storage.standing import STANDS
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Flag,
    Label,
    LabelNote,
    Pair,
    ProjectCounter,
    Rater,
    RoundPair,
    core,
)

_label, _note, _flag, _counter = core(Label), core(LabelNote), core(Flag), core(ProjectCounter)
_round_pair = core(RoundPair)
# Made once: these are asked with every label, and to make a statement costs more than to run it.
_TAKE_SEQS = (
    update(_counter)
    .where(_counter.c.project_id == bindparam("of_project"))
    .values(label_seq=_counter.c.label_seq + bindparam("n"))
    .returning(_counter.c.label_seq)
)
_NEWEST_EVENTS: Executable = (
    select(
        _label.c.pair_id, _label.c.event_id, _label.c.action, _label.c.revision, _label.c.verdict, _label.c.left_side,
        _label.c.strength,
    )
    .where(
        _label.c.rater_id == bindparam("rater_id"),
        _label.c.pair_id.in_(bindparam("pair_ids", expanding=True)),
        _label.c.round_id == bindparam("round_id"),
    )
    .order_by(_label.c.revision)
)  # fmt: skip
_KNOWN_EVENTS = union_all(
    *(
        select(table.c.event_id, table.c.rater_id).where(table.c.event_id.in_(bindparam("event_ids", expanding=True)))
        for table in (_label, _flag)
    )
)
_DECIDED: Executable = (
    select(_label.c.pair_id, _label.c.event_id, _label.c.action)
    .where(
        _label.c.rater_id == bindparam("rater_id"),
        _label.c.round_id == bindparam("round_id"),
        _label.c.action.in_(("label", "skip")),
        STANDS,
    )
    .order_by(_label.c.created_at.desc(), _label.c.seq.desc())
    .limit(bindparam("most"))
)
_GIVEN: Executable = (
    select(
        _label.c.pair_id, _label.c.verdict, _label.c.strength, _label.c.left_side, _label.c.edit_id,
        _note.c.comment, _note.c.reasons, _note.c.criteria,
    )
    .outerjoin(_note, _note.c.label_id == _label.c.id)
    .where(
        _label.c.rater_id == bindparam("rater_id"),
        _label.c.pair_id.in_(bindparam("pair_ids", expanding=True)),
        _label.c.round_id == bindparam("round_id"),
        _label.c.action == "label",
    )
    .order_by(_label.c.revision)
)  # fmt: skip
_SET_DONE = (
    update(_round_pair)
    .where(_round_pair.c.round_id == bindparam("of_round"), _round_pair.c.pair_id == bindparam("of_pair"))
    .values(is_done=bindparam("done"))
)
_ADD_LABEL, _ADD_NOTE, _ADD_FLAG = insert(_label), insert(_note), insert(_flag)
_ADD_LABELS_FOR_NOTES = insert(_label).returning(_label.c.id, sort_by_parameter_order=True)


def take_seqs(session: Session, project_id: int, n: int) -> int:
    """Number `n` labels of the project: return the first number. Other takers wait until this transaction ends."""
    last = session.connection().execute(_TAKE_SEQS, {"of_project": project_id, "n": n}).scalar_one()
    return int(last) - n + 1


def rater_of(session: Session, account_id: int) -> int | None:
    """The rater that an account is; None for who was never one."""
    return session.scalar(select(col(Rater.id)).where(col(Rater.account_id) == account_id))


def newest_events(session: Session, rater_id: int, round_id: int, pair_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """The newest event of a rater on each of the pairs in a round: event_id, action, revision, verdict, left_side."""
    values = {"rater_id": rater_id, "round_id": round_id, "pair_ids": sorted(set(pair_ids))}
    return {row.pair_id: row for row in session.connection().execute(_NEWEST_EVENTS, values)}


def decided(session: Session, rater_id: int, round_id: int, most: int) -> Sequence[Row[Any]]:
    """What the rater labelled or skipped in the round and did not undo, newest first: pair_id, event_id, action."""
    values = {"rater_id": rater_id, "round_id": round_id, "most": most}
    return session.connection().execute(_DECIDED, values).all()


def given(session: Session, rater_id: int, round_id: int, pair_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """The last label of the rater on each of the pairs, also where it was undone since, with its note."""
    values = {"rater_id": rater_id, "round_id": round_id, "pair_ids": sorted(set(pair_ids))}
    return {row.pair_id: row for row in session.connection().execute(_GIVEN, values)}


def edit_texts(session: Session, completion_ids: Collection[int]) -> dict[int, str]:
    """The texts of annotators' edits."""
    query = select(col(CompletionText.completion_id), col(CompletionText.text)).where(
        col(CompletionText.completion_id).in_(completion_ids)
    )
    return dict(session.execute(query).all())


def edited_sides(session: Session, edit_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """Of which side each edit was made, a or b, by pair and edit: an edit may stand in every pair of its original."""
    query = (
        select(col(Pair.id), col(Completion.id), case((col(Pair.a_id) == col(Completion.parent_id), "a"), else_="b"))
        .join(Pair, or_(col(Pair.a_id) == col(Completion.parent_id), col(Pair.b_id) == col(Completion.parent_id)))
        .where(col(Completion.id).in_(edit_ids))
    )
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def events_known(session: Session, event_ids: Collection[str]) -> dict[str, int]:
    """Which of the events are stored, as labels or flags, each with its rater."""
    return dict(session.connection().execute(_KNOWN_EVENTS, {"event_ids": list(event_ids)}).all())


def pairs_of_project(session: Session, project_id: int, pair_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Those of the pairs that belong to the project: id, prompt_id, a_id, b_id."""
    query = select(
        col(Pair.id), col(Pair.prompt_id), col(Pair.a_id), col(Pair.b_id), col(Pair.a_digest), col(Pair.b_digest)
    )
    query = query.where(col(Pair.project_id) == project_id, col(Pair.id).in_(pair_ids))
    return {row.id: row for row in session.execute(query)}


def add_labels(session: Session, values: Sequence[dict[str, Any]], notes: Sequence[dict[str, Any] | None]) -> None:
    """Append labels, each with its note where it has one; both in the same order."""
    connection = session.connection()
    plain = [value for value, note in zip(values, notes, strict=True) if note is None]
    if plain:
        connection.execute(_ADD_LABEL, plain)
    noted = [(value, note) for value, note in zip(values, notes, strict=True) if note is not None]
    if noted:
        ids = connection.scalars(_ADD_LABELS_FOR_NOTES, [value for value, _ in noted]).all()
        connection.execute(
            _ADD_NOTE, [{"label_id": label_id, **note} for label_id, (_, note) in zip(ids, noted, strict=True)]
        )


def add_flags(session: Session, values: Sequence[dict[str, Any]]) -> None:
    if values:
        session.connection().execute(_ADD_FLAG, list(values))


def put_edit(session: Session, *, prompt_id: int, parent_id: int, rater_id: int, text: str) -> int:
    """An annotator's version of a completion, stored once however often it is sent; return the completion's key."""
    digest = text_digest(text)
    known = session.scalar(
        select(col(Completion.id)).where(
            col(Completion.prompt_id) == prompt_id,
            col(Completion.kind) == "edit",
            col(Completion.parent_id) == parent_id,
            col(Completion.rater_id) == rater_id,
            col(Completion.text_digest) == digest,
        )
    )
    if known is not None:
        return known
    edit = Completion(
        prompt_id=prompt_id, kind="edit", text_digest=digest, characters=len(text), parent_id=parent_id, rater_id=rater_id,
        # What was written over a sandbox's text is no more real than that.
        is_sandbox=bool(session.scalar(select(col(Completion.is_sandbox)).where(col(Completion.id) == parent_id))),
    )  # fmt: skip
    session.add(edit)
    session.flush()
    assert edit.id is not None
    session.add(CompletionText(completion_id=edit.id, text=text))
    session.flush()
    return edit.id


def set_done(session: Session, round_id: int, done: dict[int, bool]) -> None:
    """Write which pairs of the round have all their labels."""
    if done:
        values = [{"of_round": round_id, "of_pair": pair_id, "done": is_done} for pair_id, is_done in done.items()]
        session.connection().execute(_SET_DONE, values)


def count_labels(session: Session, project_id: int) -> int:
    """All label events of the project, of whatever kind."""
    return session.scalar(select(func.count()).select_from(Label).where(col(Label.project_id) == project_id)) or 0
