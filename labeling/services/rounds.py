"""The round an actor works in, and what its project asks beside the verdict."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labeling.domain import Actor, Right
from labeling.errors import ForbiddenError, InputError, NotFoundError
from labeling.services.access import open_project
from labeling.storage import projects as rows
from labeling.storage.queue import may_enter
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project, Round

LONGEST_NAME = 80
MOST_NAMES = 11  # as many as have a key of their own


@dataclass(frozen=True, slots=True)
class Asked:
    """What a project asks its annotators. `required` names those of strength, reasons, criteria, comment that may not
    be missing; with `skip_reasons` a skip asks for one of them. With `volunteers`, sensitive pairs go to those alone who
    said that they take them."""

    ties: bool = True
    both_bad: bool = True
    strength: bool = False
    edits: bool = False
    reasons: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    skip_reasons: tuple[str, ...] = ()
    volunteers: bool = False


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
        volunteers=bool(settings.get("volunteers")),
    )


def change_asked(store: Store, actor: Actor, slug: str, asked: Asked) -> None:
    """Change what a project asks beside the verdict. Labels that were given stay as they are.

    Raises:
        InputError: a reason or criterion is named twice, is too long, or there are too many; something is required that is not asked.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    for what, names in (
        ("reason", asked.reasons),
        ("criterion", asked.criteria),
        ("reason to skip", asked.skip_reasons),
    ):
        if (
            len(names) > MOST_NAMES
            or len(set(names)) < len(names)
            or any(not 0 < len(name) <= LONGEST_NAME for name in names)
        ):
            raise InputError(
                f"Name each {what} once, with 1 to {LONGEST_NAME} characters, and at most {MOST_NAMES} of them."
            )
    offered = {"strength": asked.strength, "reasons": asked.reasons, "criteria": asked.criteria, "comment": True}
    for name in asked.required:
        if not offered.get(name):
            raise InputError(f"{name.capitalize()} cannot be required: the project does not ask for it.")
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        project.settings = json.dumps(_settings_of(project) | _settings(asked), ensure_ascii=False)
        session.add(project)


def _settings_of(project: Project) -> dict[str, object]:
    """What the project asks beside the verdict: `strength`, `reasons`, `criteria`, `no_tie`, `no_both_bad`."""
    found = json.loads(project.settings)
    assert isinstance(found, dict)
    return found


def _settings(asked: Asked) -> dict[str, object]:
    return {
        "no_tie": not asked.ties,
        "no_both_bad": not asked.both_bad,
        "strength": asked.strength,
        "edits": asked.edits,
        "reasons": asked.reasons,
        "criteria": asked.criteria,
        "required": asked.required,
        "skip_reasons": asked.skip_reasons,
        "volunteers": asked.volunteers,
    }


def asked_in(store: Store, actor: Actor, slug: str) -> Asked:
    """What the project asks whoever labels in it."""
    with store.reading() as session:
        return asked_of(_settings_of(open_project(session, actor, slug, Right.LABEL)))


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
