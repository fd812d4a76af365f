"""The labels that a file holds, each under the name of its rater."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlmodel import Session, col

from labeling.domain import Verdict
from labeling.rows import NamedVerdict
from labeling.storage.inserting import insert_rows
from labeling.storage.labels import take_seqs
from labeling.storage.tables import Label, Rater, core, now

EVENTS = UUID("6f0d8bd5-9f43-5c38-8f0b-5f1c4f0d7a11")

Given = tuple[int, int, bool, Sequence[NamedVerdict]]  # row, pair, whether the file tells it turned round, labels
Said = tuple[int, int]  # by which rater, of which pair


@dataclass(frozen=True, slots=True)
class PutLabels:
    """What became of labels. `new`: (rater's name, pair) of those stored; `contradicting`: the row of each that was left
    out, since its rater had said otherwise of the pair before in the same import."""

    new: set[tuple[str, int]]
    contradicting: list[int]


def put_labels(session: Session, project_id: int, import_id: int, given: Sequence[Given], said: set[Said]) -> PutLabels:
    """Store raters' labels on pairs, told in stored order.

    The event's id follows from the rater, the pair and what is said, so that the same file adds nothing. A file that
    says something else is that rater's next revision; within one file the first verdict counts. `said` keeps, from one
    chunk of an import to the next, whose verdicts came again: the labels that it has stored cannot tell of these.
    """
    if not given:
        return PutLabels(set(), [])
    names = dict.fromkeys(label.rater for *_, labels in given for label in labels)
    raters = {name: imported_rater(session, project_id, name) for name in names}
    name_of = {rater: name for name, rater in raters.items()}
    told = [
        (
            row,
            (raters[label.rater], pair_id),
            (label.verdict.swapped if is_turned else label.verdict, label.strength),
        )
        for row, pair_id, is_turned, labels in given
        for label in labels
    ]
    last = select(
        col(Label.rater_id), col(Label.pair_id), func.max(col(Label.revision)), func.max(col(Label.import_id))
    ).where(
        col(Label.rater_id).in_(name_of), col(Label.pair_id).in_({pair for _, (_, pair), _ in told}),
        col(Label.round_id).is_(None),
    )  # fmt: skip
    revisions: dict[Said, int] = {}
    said_here: set[Said] = set()
    for rater, pair, revision, newest in session.execute(last.group_by(col(Label.rater_id), col(Label.pair_id))):
        revisions[rater, pair] = revision
        if newest == import_id:  # the greatest number: one import at a time is written
            said_here.add((rater, pair))
    events = {
        (key, opinion): str(uuid5(EVENTS, f"{key[0]}:{key[1]}:{opinion[0]}:{opinion[1]}")) for _, key, opinion in told
    }
    known = set(session.scalars(select(col(Label.event_id)).where(col(Label.event_id).in_(events.values()))))
    new: dict[Said, tuple[Verdict, int | None]] = {}
    contradicting = []
    for row, key, opinion in told:
        if events[key, opinion] in known:
            said.add(key)
        elif key not in new and key not in said and key not in said_here:
            new[key] = opinion
        elif new.get(key) != opinion:
            contradicting.append(row)
    if new:
        first = take_seqs(session, project_id, len(new))
        insert_rows(
            session,
            core(Label),
            ("seq", "pair_id", "rater_id", "revision", "verdict", "strength", "event_id"),
            [
                (
                    first + place,
                    key[1],
                    key[0],
                    revisions.get(key, 0) + 1,
                    opinion[0].value,
                    opinion[1],
                    events[key, opinion],
                )
                for place, (key, opinion) in enumerate(new.items())
            ],
            {"project_id": project_id, "action": "label", "import_id": import_id, "created_at": now()},
        )
    return PutLabels({(name_of[rater], pair_id) for rater, pair_id in new}, contradicting)


def imported_rater(session: Session, project_id: int, name: str) -> int:
    """The rater that labels of this name belong to, made at first need."""
    query = select(col(Rater.id)).where(
        col(Rater.project_id) == project_id, col(Rater.name) == name, col(Rater.kind) == "imported"
    )
    found = session.scalar(query)
    if found is not None:
        return found
    rater = Rater(kind="imported", name=name, project_id=project_id)
    session.add(rater)
    session.flush()
    assert rater.id is not None
    return rater.id
