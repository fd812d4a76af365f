"""Pairs whose better side is told by a rule or by scores: their rater, their labels, and which pairs have one already."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select
from sqlmodel import Session, col

from labeling.domain import Verdict
from labeling.storage.labels import take_seqs
from labeling.storage.tables import Label, Pair, Rater, now

# The name space of these labels' events: the same rater, pair and verdict give the same event, whoever stores it first.
EVENTS = uuid.UUID("0c4f55a1-6b1e-5a0a-8f6c-1d7f4b1f2a55")


def rule_rater(session: Session, project_id: int, name: str) -> int | None:
    """The rater that a rule of this name is; None where it has never given a label."""
    query = select(col(Rater.id)).where(
        col(Rater.project_id) == project_id, col(Rater.kind) == "rule", col(Rater.name) == name
    )
    return session.scalar(query)


def put_rule_rater(session: Session, project_id: int, name: str) -> int:
    """The rater that a rule of this name is, made at first need. The project must be locked."""
    found = rule_rater(session, project_id, name)
    if found is not None:
        return found
    rater = Rater(kind="rule", name=name, project_id=project_id)
    session.add(rater)
    session.flush()
    assert rater.id is not None
    return rater.id


def labelled_couples(session: Session, rater_id: int, prompt_ids: Sequence[int]) -> dict[int, set[frozenset[int]]]:
    """By prompt: the completion ids of the pairs that this rater has labelled."""
    query = (
        select(col(Pair.prompt_id), col(Pair.a_id), col(Pair.b_id))
        .join(Label, col(Label.pair_id) == col(Pair.id))
        .where(col(Pair.prompt_id).in_(prompt_ids), col(Label.rater_id) == rater_id)
    )
    found: dict[int, set[frozenset[int]]] = {}
    for prompt_id, a_id, b_id in session.execute(query):
        found.setdefault(prompt_id, set()).add(frozenset((a_id, b_id)))
    return found


def pair_ids(session: Session, prompt_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """(a, b) -> pair, of all pairs of these prompts."""
    query = select(col(Pair.a_id), col(Pair.b_id), col(Pair.id)).where(col(Pair.prompt_id).in_(prompt_ids))
    return {(a_id, b_id): id_ for a_id, b_id, id_ in session.execute(query) if id_ is not None}


def put_labels(
    session: Session, project_id: int, rater_id: int, account_id: int, wanted: Mapping[int, tuple[Verdict, int | None]]
) -> int:
    """Store the rater's labels on pairs that it has not labelled yet; the number stored. The project must be locked."""
    query = select(col(Label.pair_id)).where(col(Label.rater_id) == rater_id, col(Label.pair_id).in_(wanted))
    there = set(session.scalars(query))
    new = [pair_id for pair_id in wanted if pair_id not in there]
    if not new:
        return 0
    first, at = take_seqs(session, project_id, len(new)), now()
    rows = [
        {
            "project_id": project_id, "seq": seq, "pair_id": pair_id, "rater_id": rater_id, "revision": 1, "action": "label",
            "verdict": wanted[pair_id][0].value, "strength": wanted[pair_id][1], "is_surplus": False,
            "event_id": str(uuid.uuid5(EVENTS, f"{rater_id} {pair_id} {wanted[pair_id][0]}")), "created_by": account_id,
            "created_at": at,
        }
        for seq, pair_id in enumerate(new, first)
    ]  # fmt: skip
    session.execute(insert(Label), rows)
    return len(rows)
