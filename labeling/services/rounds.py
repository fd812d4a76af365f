"""The round an actor works in, and what its project asks beside the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labeling.domain import Actor, Right
from labeling.errors import ForbiddenError, NotFoundError
from labeling.services.access import open_project
from labeling.services.projects import settings_of
from labeling.storage import projects as rows
from labeling.storage.queue import may_enter
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project, Round


@dataclass(frozen=True, slots=True)
class Asked:
    """What a project asks its annotators. `required` names those of strength, reasons, criteria, comment that may not
    be missing; with `skip_reasons` a skip asks for one of them."""

    ties: bool = True
    both_bad: bool = True
    strength: bool = False
    edits: bool = False
    reasons: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    skip_reasons: tuple[str, ...] = ()


def asked_of(settings: Mapping[str, Any]) -> Asked:
    """Read a project's settings."""
    return Asked(
        ties=not settings.get("no_tie"),
        both_bad=not settings.get("no_both_bad"),
        strength=bool(settings.get("strength")),
        edits=bool(settings.get("edits")),
        reasons=tuple(settings.get("reasons") or ()),
        criteria=tuple(settings.get("criteria") or ()),
        required=tuple(settings.get("required") or ()),
        skip_reasons=tuple(settings.get("skip_reasons") or ()),
    )


def asked_in(store: Store, actor: Actor, slug: str) -> Asked:
    """What the project asks whoever labels in it."""
    with store.reading() as session:
        return asked_of(settings_of(open_project(session, actor, slug, Right.LABEL)))


def open_round(session: Session, actor: Actor, slug: str, round_name: str | None) -> tuple[Project, Round]:
    """The project and the round (its work round, where none is named) that the actor may label in.

    Raises:
        NotFoundError: there is no such project or round for this actor.
        ForbiddenError: the actor has no right to label, or the round has members and the actor is none.
    """
    project = open_project(session, actor, slug, Right.LABEL)
    assert project.id is not None
    name = round_name or rows.WORK_ROUND
    round_ = rows.round_named(session, project.id, name)
    if round_ is None or round_.id is None:
        raise NotFoundError(
            f"The project {project.name!r} has no round {name!r}. Leave the round out to label in its work round."
        )
    if not may_enter(session, round_.id, actor.account_id):
        raise ForbiddenError(
            f"{actor.name} is not in the round {name!r} of {project.name!r}. Ask its lead to be added."
        )
    return project, round_


def is_closed(project: Project, round_: Round) -> bool:
    return project.closed_at is not None or round_.closed_at is not None
