"""Projects: made, listed, and what happened in them lately."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from labeling.domain import RIGHTS, Actor, Right, Target
from labeling.errors import ConflictError, InputError
from labeling.services.access import open_project
from labeling.services.import_list import ending
from labeling.services.labelled import labelled
from labeling.storage import projects as rows
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Export, Import, Project, Run

MAX_NAME = 80
MAX_OVERLAP = 100


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project in counts. `open_pairs` still want labels of annotators in the work round; `may_manage`: the actor leads it,
    and does not only label."""

    id: int
    slug: str
    name: str
    target: Target
    target_model: str | None
    overlap: int
    guidelines: str
    guideline_number: int
    is_sample: bool
    has_sandbox: bool
    is_closed: bool
    created_at: datetime
    prompts: int
    pairs: int
    labelled_pairs: int
    open_pairs: int
    running: str | None
    may_manage: bool


@dataclass(frozen=True, slots=True)
class Recent:
    """A run, an import or an export, for the list of what happened lately."""

    at: datetime
    project: str
    slug: str
    kind: str
    number: int
    what: str
    state: str
    result: str


def create_project(
    store: Store,
    actor: Actor,
    *,
    name: str,
    target: Target = Target.OPENAI,
    target_model: str | None = None,
    overlap: int = 1,
    guidelines: str = "",
    is_sample: bool = False,
) -> ProjectView:
    """Make a project with its first guidelines and its work round; the actor becomes its owner.

    Raises:
        InputError: the name is empty, too long or has no letter; the overlap is out of range.
        ConflictError: there is a project whose name reads the same.
    """
    name = " ".join(name.split())
    slug = slug_of(name)
    if not name or len(name) > MAX_NAME:
        raise InputError(f"A project's name has 1 to {MAX_NAME} characters; this one has {len(name)}.")
    check_overlap(overlap)
    project = Project(
        slug=slug, name=name, target=target.value, target_model=target_model or None, is_sample=is_sample,
        created_by=actor.account_id,
    )  # fmt: skip
    try:
        with store.writing() as session:
            rows.add_project(session, project, guidelines, overlap)
            return _view(session, actor, project)
    except IntegrityError as error:
        raise ConflictError(f"There is a project {slug!r} already. Choose another name.") from error


def check_overlap(overlap: int) -> None:
    """Raises InputError where so many annotators cannot be asked for."""
    if not 1 <= overlap <= MAX_OVERLAP:
        raise InputError(f"The overlap (annotators for each pair) is 1 to {MAX_OVERLAP}, not {overlap}.")


def slug_of(name: str) -> str:
    """The name as it stands in addresses and commands: letters of any script, digits and hyphens."""
    plain = unicodedata.normalize("NFKC", name).lower()
    slug = re.sub(r"[^\w]+", "-", plain).replace("_", "-").strip("-")
    if not slug:
        raise InputError(f"The name {name!r} has no letter or digit. Choose another.")
    return slug


def list_projects(store: Store, actor: Actor) -> list[ProjectView]:
    """The projects the actor may see, newest first."""
    with store.reading() as session:
        found = rows.projects_of(session, None if actor.is_admin else actor.account_id)
        return [_view(session, actor, project) for project in found if actor.project_id in (None, project.id)]


def project_view(store: Store, actor: Actor, slug: str) -> ProjectView:
    with store.reading() as session:
        return _view(session, actor, open_project(session, actor, slug, Right.SEE))


def count_pairs(store: Store, actor: Actor, slug: str) -> int:
    """The project's pairs alone, for pages that ask again and again."""
    with store.reading() as session:
        return rows.count_pairs(session, _id(open_project(session, actor, slug, Right.SEE)))


def write_guidelines(store: Store, actor: Actor, slug: str, text: str) -> int:
    """Add the next version of the guidelines and return its number; the old ones stay as they were."""
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        return rows.add_guidelines(session, _id(project), text, actor.account_id).number


def recent(store: Store, actor: Actor, limit: int = 10) -> list[Recent]:
    """The newest runs, imports and exports of the projects that the actor leads, newest first."""
    with store.reading() as session:
        projects = {
            project.id: project
            for project in rows.projects_of(session, None if actor.is_admin else actor.account_id)
            if actor.project_id in (None, project.id) and _may_manage(session, actor, project)
        }
        found = rows.latest(session, [key for key in projects if key is not None], limit)
        return [_recent(row, projects[row.project_id]) for row in found]


def _recent(row: Run | Import | Export, project: Project) -> Recent:
    state = row.state
    if isinstance(row, Run):
        what, result = f"{row.purpose.capitalize()} run {row.id}", row.fault or f"{row.asked:,} requests"
    elif isinstance(row, Import):
        state, fault = ending(row)
        what, result = f"Import {row.file_name}", fault or f"{row.rows_taken:,} taken, {row.rows_refused:,} refused"
    else:
        what, result = f"Export {row.id}, {row.format}", row.fault or f"{row.rows:,} rows"
    kind = type(row).__name__.lower()
    return Recent(row.created_at, project.name, project.slug, kind, row.id or 0, what, state, result)


def _may_manage(session: Session, actor: Actor, project: Project) -> bool:
    role = None if actor.is_admin else rows.role_in(session, _id(project), actor.account_id)
    return actor.is_admin or (role is not None and Right.MANAGE in RIGHTS[role])


def _view(session: Session, actor: Actor, project: Project) -> ProjectView:
    project_id = _id(project)
    round_ = rows.round_named(session, project_id)
    assert round_ is not None
    assert round_.id is not None
    guidelines = rows.guidelines_of(session, round_)
    running = rows.active_run(session, project_id)
    return ProjectView(
        id=project_id,
        slug=project.slug,
        name=project.name,
        target=Target(project.target),
        target_model=project.target_model,
        overlap=round_.overlap,
        guidelines=guidelines.text,
        guideline_number=guidelines.number,
        is_sample=project.is_sample,
        has_sandbox=rows.has_sandbox_pairs(session, project_id),
        is_closed=project.closed_at is not None,
        created_at=project.created_at,
        prompts=rows.count_prompts(session, project_id),
        pairs=rows.count_pairs(session, project_id),
        labelled_pairs=labelled(session, project_id).by_anybody,
        open_pairs=rows.count_open_in_round(session, round_.id),
        running=running.purpose if running else None,
        may_manage=_may_manage(session, actor, project),
    )


def _id(project: Project) -> int:
    assert project.id is not None
    return project.id
