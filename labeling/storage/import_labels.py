"""The labels that a file holds, each under the name of its rater."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlmodel import Session, col

from labeling.domain import Verdict
from labeling.rows import NamedVerdict
from labeling.storage.inserting import insert_rows
from labeling.storage.labels import take_seqs
from labeling.storage.tables import Label, Rater, core, now

EVENTS = UUID("6f0d8bd5-9f43-5c38-8f0b-5f1c4f0d7a11")

Given = tuple[int, bool, Sequence[NamedVerdict]]  # pair, whether the file tells it turned round, labels


def put_labels(session: Session, project_id: int, import_id: int, given: Sequence[Given]) -> set[tuple[str, int]]:
    """Store raters' labels on pairs, told in stored order; return (rater's name, pair) of those that were new.

    The event's id follows from the rater, the pair and what is said, so that the same file adds nothing. A file that
    says something else is that rater's next revision.
    """
    if not given:
        return set()
    names = dict.fromkeys(label.rater for _, _, labels in given for label in labels)
    raters = {name: imported_rater(session, project_id, name) for name in names}
    name_of = {rater: name for name, rater in raters.items()}
    wanted: dict[tuple[int, int], tuple[Verdict, int | None]] = {
        (raters[label.rater], pair_id): (label.verdict.swapped if is_turned else label.verdict, label.strength)
        for pair_id, is_turned, labels in given
        for label in labels
    }
    last = select(col(Label.rater_id), col(Label.pair_id), func.max(col(Label.revision))).where(
        col(Label.rater_id).in_({rater for rater, _ in wanted}), col(Label.pair_id).in_({pair for _, pair in wanted}),
        col(Label.round_id).is_(None),
    )  # fmt: skip
    revisions = {
        (rater, pair): revision
        for rater, pair, revision in session.execute(last.group_by(col(Label.rater_id), col(Label.pair_id)))
    }
    events = {
        key: str(uuid5(EVENTS, f"{key[0]}:{key[1]}:{verdict}:{strength}"))
        for key, (verdict, strength) in wanted.items()
    }
    known = set(session.scalars(select(col(Label.event_id)).where(col(Label.event_id).in_(events.values()))))
    new = [key for key in wanted if events[key] not in known]
    if not new:
        return set()
    at, first = now(), take_seqs(session, project_id, len(new))
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
                wanted[key][0].value,
                wanted[key][1],
                events[key],
            )
            for place, key in enumerate(new)
        ],
        {"project_id": project_id, "action": "label", "import_id": import_id, "created_at": at},
    )
    return {(name_of[rater], pair_id) for rater, pair_id in new}


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
