"""Rounds as their lead makes them: practice, calibration, repeat, review; listed with how far they are, closed and opened."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from labeling.domain import Actor, Right, RoundPurpose
from labeling.errors import ConflictError, InputError, NotFoundError
from labeling.services.access import managed_project, open_project
from labeling.services.enqueuing import enqueue_pairs
from labeling.services.projects import check_overlap
from labeling.services.queue import recount_round
from labeling.storage import projects as project_rows
from labeling.storage import rounds as rows
from labeling.storage.queue import SLOTLESS, place_of
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Project, Round, now

LONGEST_NAME = 60
Reviewed = Literal["uncertain", "flagged"]
REPEAT_AFTER = 20  # labels that must lie between a pair and its repetition


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round in counts. `gold` places are mixed among the `pairs`; `done` have all their labels (None where
    pairs ask for no number of them: practice, review). Without `members` it is open to everyone in the project."""

    name: str
    purpose: RoundPurpose
    overlap: int
    ordering: str
    gold_share: float
    pass_mark: float | None
    guidelines: int
    pairs: int
    done: int | None
    gold: int
    members: tuple[str, ...]
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Of an annotator's labels in repeat rounds: how many say the same as the earlier ones."""

    annotator: str
    repeated: int
    same: int


def rounds_of(store: Store, actor: Actor, slug: str) -> list[RoundView]:
    """The project's rounds, oldest first. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        members = rows.members_of(session, project_id)
        return [
            RoundView(
                name=row.Round.name,
                purpose=RoundPurpose(row.Round.purpose),
                overlap=row.Round.overlap,
                ordering=row.Round.ordering,
                gold_share=row.Round.gold_share,
                pass_mark=row.Round.pass_mark,
                guidelines=project_rows.guidelines_of(session, row.Round).number,
                pairs=row.pairs,
                done=None if row.Round.purpose in SLOTLESS else row.done,
                gold=row.gold,
                members=tuple(members.get(row.Round.id, ())),
                is_closed=row.Round.closed_at is not None,
            )
            for row in rows.rounds_of(session, project_id)
        ]


def make_practice(store: Store, actor: Actor, slug: str, name: str, pass_mark: float | None) -> int:
    """Make a practice round of all gold pairs; return how many it has. With a pass mark (a share), annotators must
    pass it before they enter the work round.

    Raises:
        InputError: no gold pairs, a pass mark outside 0 to 1, or a name that cannot be one.
        ConflictError: a round of that name exists.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    if pass_mark is not None and not 0 < pass_mark <= 1:
        raise InputError(f"The pass mark is a share above 0 and up to 1; {pass_mark} is not.")

    def pairs(session: Session, project_id: int) -> list[int]:
        found = [row.id for row in rows.gold_pairs(session, project_id)]
        if not found:
            raise InputError("Practice needs gold pairs: say what is right about some pairs first.")
        return found

    return _make(store, actor, slug, name, RoundPurpose.PRACTICE, pairs, pass_mark=pass_mark)


def make_calibration(store: Store, actor: Actor, slug: str, name: str, size: int, annotators: Sequence[str]) -> int:
    """Make a round in which each of the annotators labels the same `size` pairs; return how many there are.

    Raises: as `make_practice`; NotFoundError also for an annotator who is no member.
    """
    if len(annotators) < 2:
        raise InputError("A calibration compares at least two annotators.")

    def pairs(session: Session, project_id: int) -> list[int]:
        found = list(rows.pairs_of_project(session, project_id))
        return sorted(random.Random(f"{slug} {name}").sample(found, min(size, len(found))))

    return _make(store, actor, slug, name, RoundPurpose.CALIBRATION, pairs, members=annotators, overlap=len(annotators))


def make_repeat(store: Store, actor: Actor, slug: str, name: str, size: int, annotator: str) -> int:
    """Make a round in which an annotator meets `size` pairs again that were labelled some time ago; return how many.

    Raises: as `make_calibration`; InputError also where too little was labelled yet.
    """

    def pairs(session: Session, project_id: int) -> list[int]:
        account = project_rows.account_named(session, annotator)
        assert account is not None
        assert account.id is not None
        old = list(rows.labelled_by(session, project_id, account.id))[:-REPEAT_AFTER]
        if not old:
            raise InputError(
                f"{annotator} has not labelled enough yet: {REPEAT_AFTER} labels must lie between a pair and its repetition."
            )
        return sorted(random.Random(f"{slug} {name}").sample(old, min(size, len(old))))

    return _make(store, actor, slug, name, RoundPurpose.REPEAT, pairs, members=[annotator])


def make_review(
    store: Store,
    actor: Actor,
    slug: str,
    name: str,
    which: Reviewed,
    annotators: Sequence[str],
    size: int | None = None,
) -> int:
    """Make a round in which each of the annotators labels pairs again that need a second look; return how many (at most
    `size`). A label in review is the one that counts of who gave it.

    Raises: as `make_calibration`; InputError also where there is no such pair.
    """
    if not annotators:
        raise InputError("Say who reviews: at least one annotator.")

    def pairs(session: Session, project_id: int) -> list[int]:
        find = rows.flagged_pairs if which == "flagged" else rows.uncertain_pairs
        found = sorted(find(session, project_id).intersection(rows.pairs_of_project(session, project_id)))
        if not found:
            raise InputError("No pair has an open flag." if which == "flagged" else "No pair is uncertain.")
        return found[:size]

    return _make(store, actor, slug, name, RoundPurpose.REVIEW, pairs, members=annotators, overlap=len(annotators))


def change_members(store: Store, actor: Actor, slug: str, name: str, annotators: Sequence[str]) -> None:
    """Say who works in a round; nobody named means everyone in the project. What was labelled stays.

    Raises:
        InputError: a calibration, repeat or review round needs somebody.
        NotFoundError: no such project or round, or one of them is no member of the project.
        ForbiddenError: the actor may not manage it.
    """
    with store.writing() as session:
        project, round_ = _round(session, actor, slug, name)
        if not annotators and round_.purpose in ("calibration", "repeat", "review"):
            raise InputError(f"A {round_.purpose} round is for people that are named.")
        assert round_.id is not None
        rows.set_members(session, round_.id, [_member(session, project, one) for one in dict.fromkeys(annotators)])


def people_of(store: Store, actor: Actor, slug: str) -> list[str]:
    """The names of the project's members. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return rows.people_of(session, project_id)


def steadiness(store: Store, actor: Actor, slug: str) -> list[Steadiness]:
    """How often annotators said the same again, over all repeat rounds. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        twice = [
            row
            for found in rows.rounds_of(session, project_id)
            if found.Round.purpose == RoundPurpose.REPEAT
            for row in rows.verdicts_twice(session, found.Round.id)
        ]
    repeated = Counter(row.name for row in twice)
    same = Counter(row.name for row in twice if row.verdict == row.earlier)
    return [Steadiness(name, count, same[name]) for name, count in repeated.items()]


def set_overlap(store: Store, actor: Actor, slug: str, overlap: int, name: str = project_rows.WORK_ROUND) -> None:
    """Ask for another number of annotators for each pair of a round. Labels that are there stay.

    Raises:
        InputError: the overlap is out of range.
        NotFoundError, ForbiddenError: no such project or round, or the actor may not manage it.
    """
    check_overlap(overlap)
    with store.writing() as session:
        project, round_ = _round(session, actor, slug, name)
        round_.overlap = overlap
        session.add(round_)
    assert project.id is not None
    recount_round(store, project.id, name)


def close_round(store: Store, actor: Actor, slug: str, name: str, *, closed: bool = True) -> None:
    """Close a round, which then takes no more labels, or open it again. Raises NotFoundError, ForbiddenError."""
    with store.writing() as session:
        project, round_ = _round(session, actor, slug, name)
        round_.closed_at = now() if closed else None
        session.add(round_)
    if not closed:
        assert project.id is not None
        enqueue_pairs(store, project.id)


def _round(session: Session, actor: Actor, slug: str, name: str) -> tuple[Project, Round]:
    project = open_project(session, actor, slug, Right.MANAGE)
    assert project.id is not None
    round_ = project_rows.round_named(session, project.id, name)
    if round_ is None:
        raise NotFoundError(f"The project {project.name!r} has no round {name!r}.")
    return project, round_


def _make(
    store: Store,
    actor: Actor,
    slug: str,
    name: str,
    purpose: RoundPurpose,
    choose: Callable[[Session, int], list[int]],
    *,
    members: Sequence[str] = (),
    overlap: int = 1,
    pass_mark: float | None = None,
) -> int:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(f"A round's name has 1 to {LONGEST_NAME} characters; this one has {len(name)}.")
    try:
        with store.writing() as session:
            project, work = _round(session, actor, slug, project_rows.WORK_ROUND)
            assert project.id is not None
            accounts = [_member(session, project, one) for one in dict.fromkeys(members)]
            chosen = choose(session, project.id)
            round_ = Round(
                project_id=project.id, name=name, purpose=purpose.value, overlap=overlap, pass_mark=pass_mark,
                guideline_version_id=work.guideline_version_id, created_by=actor.account_id,
            )  # fmt: skip
            rows.add_round(session, round_, accounts)
            rows.add_places(session, round_, {pair_id: place_of(pair_id, "imported", 0) for pair_id in chosen})
    except IntegrityError:
        raise ConflictError(f"There is a round {name!r} already. Choose another name.") from None
    return len(chosen)


def _member(session: Session, project: Project, name: str) -> int:
    assert project.id is not None
    account = project_rows.account_named(session, name)
    if (
        account is None
        or account.id is None
        or not (account.is_admin or project_rows.role_in(session, project.id, account.id))
    ):
        raise NotFoundError(f"{name} is no member of {project.name!r}.")
    return account.id
