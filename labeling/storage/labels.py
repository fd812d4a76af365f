"""Label events: appended, numbered under the project's lock, never changed. What is current is derived.

Whoever inserts labels takes their numbers last in the transaction, so that the project's lock is held for a moment: all
numbers below one that can be read are then committed, on both engines.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlmodel import Session, col

from labeling.domain import text_digest
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Flag,
    Label,
    LabelNote,
    Pair,
    ProjectCounter,
    Rater,
    Round,
    RoundPair,
)


def take_seqs(session: Session, project_id: int, n: int) -> int:
    """Number `n` labels of the project: return the first number. Other takers wait until this transaction ends."""
    last = session.execute(
        update(ProjectCounter)
        .where(col(ProjectCounter.project_id) == project_id)
        .values(label_seq=col(ProjectCounter.label_seq) + n)
        .returning(col(ProjectCounter.label_seq))
        .execution_options(synchronize_session=False)
    ).scalar_one()
    return int(last) - n + 1


def rater_of(session: Session, account_id: int) -> int | None:
    """The rater that an account is; None for who was never one."""
    return session.scalar(select(col(Rater.id)).where(col(Rater.account_id) == account_id))


def newest_events(session: Session, rater_id: int, round_id: int, pair_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """The newest event of a rater on each of the pairs in a round: event_id, action, revision, verdict, left_side."""
    query = (
        select(
            col(Label.pair_id), col(Label.event_id), col(Label.action), col(Label.revision), col(Label.verdict),
            col(Label.left_side), col(Label.strength),
        )
        .where(
            col(Label.rater_id) == rater_id, col(Label.pair_id).in_(sorted(set(pair_ids))), col(Label.round_id) == round_id
        )
        .order_by(col(Label.revision))
    )  # fmt: skip
    return {row.pair_id: row for row in session.execute(query)}


def last_decided(session: Session, rater_id: int, round_id: int) -> int | None:
    """The pair that the rater labelled or skipped last in the round and did not undo; None where there is none."""
    later = Label.__table__.alias("later")  # type: ignore[attr-defined]  # SQLModel does not declare it
    superseded = select(later.c.id).where(
        later.c.rater_id == col(Label.rater_id),
        later.c.pair_id == col(Label.pair_id),
        later.c.round_id == col(Label.round_id),
        later.c.revision > col(Label.revision),
    )
    query = (
        select(col(Label.pair_id))
        .where(
            col(Label.rater_id) == rater_id,
            col(Label.round_id) == round_id,
            col(Label.action).in_(("label", "skip")),
            ~superseded.exists(),
        )
        .order_by(col(Label.created_at).desc(), col(Label.seq).desc())
    )
    return session.scalar(query.limit(1))


def events_known(session: Session, event_ids: Collection[str]) -> dict[str, int]:
    """Which of the events are stored, as labels or flags, each with its rater."""
    known: dict[str, int] = {}
    for table in (Label, Flag):
        query = select(col(table.event_id), col(table.rater_id)).where(col(table.event_id).in_(event_ids))
        known.update(session.execute(query).all())
    return known


def pairs_of_project(session: Session, project_id: int, pair_ids: Collection[int]) -> dict[int, Row[Any]]:
    """Those of the pairs that belong to the project: id, prompt_id, a_id, b_id."""
    query = select(
        col(Pair.id), col(Pair.prompt_id), col(Pair.a_id), col(Pair.b_id), col(Pair.a_digest), col(Pair.b_digest)
    )
    query = query.where(col(Pair.project_id) == project_id, col(Pair.id).in_(pair_ids))
    return {row.id: row for row in session.execute(query)}


def hold_round(session: Session, round_id: int) -> Round:
    """The round as it is now; its overlap cannot change until the transaction ends."""
    return session.scalars(
        select(Round)
        .where(col(Round.id) == round_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one()


def add_labels(session: Session, values: Sequence[dict[str, Any]], notes: Sequence[dict[str, Any] | None]) -> None:
    """Append labels, each with its note where it has one; both in the same order."""
    if not values:
        return
    ids = session.scalars(insert(Label).returning(col(Label.id), sort_by_parameter_order=True), list(values)).all()
    written = [{"label_id": label_id, **note} for label_id, note in zip(ids, notes, strict=True) if note is not None]
    if written:
        session.execute(insert(LabelNote), written)


def add_flags(session: Session, values: Sequence[dict[str, Any]]) -> None:
    if values:
        session.execute(insert(Flag), list(values))


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
    for value in (True, False):
        pair_ids = [pair_id for pair_id, is_done in done.items() if is_done is value]
        if pair_ids:
            session.execute(
                update(RoundPair)
                .where(
                    col(RoundPair.round_id) == round_id,
                    col(RoundPair.pair_id).in_(pair_ids),
                    col(RoundPair.is_done) != value,
                )
                .values(is_done=value)
                .execution_options(synchronize_session=False)
            )


def count_labels(session: Session, project_id: int) -> int:
    """All label events of the project, of whatever kind."""
    return session.scalar(select(func.count()).select_from(Label).where(col(Label.project_id) == project_id)) or 0
