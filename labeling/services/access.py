"""Who may do what. Every service asks here first."""

from labeling.domain import RIGHTS, Actor, Right
from labeling.errors import ForbiddenError, NotFoundError, StoreError
from labeling.storage import projects as rows
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Project

LOCAL = "local"


def local_actor(store: Store) -> Actor:
    """The one actor of an installation used alone, with every right. Made at first need."""
    with store.reading() as session:
        found = rows.account_named(session, LOCAL)
    if found is None:
        try:
            with store.writing() as session:
                found = rows.account_named(session, LOCAL) or rows.add_account(session, LOCAL, is_admin=True)
        except IntegrityError:  # another process was first
            return local_actor(store)
    if found.id is None or not found.is_admin:
        raise StoreError(f"The account {LOCAL!r} is no administrator here; it is kept for an installation used alone.")
    return Actor(account_id=found.id, name=found.name, is_admin=True)


def open_project(session: Session, actor: Actor, slug: str, right: Right) -> Project:
    """The project, if the actor holds the right in it.

    Raises:
        NotFoundError: there is no such project, or the actor is no member (which must look the same).
        ForbiddenError: a member without that right.
    """
    project = rows.project_with_slug(session, slug)
    missing = NotFoundError(f"There is no project {slug!r}. See the list with: tiebreak project list")
    if project is None or project.id is None:
        raise missing
    if actor.project_id is not None and actor.project_id != project.id:
        raise missing
    if actor.is_admin:
        return project
    role = rows.role_in(session, project.id, actor.account_id)
    if role is None:
        raise missing
    if right not in RIGHTS[role]:
        raise ForbiddenError(
            f"{actor.name} is {role.value} in {project.name!r}, which does not include the right to {right.value}. Ask an owner of the project."
        )
    return project


def managed_project(session: Session, actor: Actor, slug: str) -> int:
    """The id of a project that the actor may manage. Raises NotFoundError, ForbiddenError."""
    project_id = open_project(session, actor, slug, Right.MANAGE).id
    assert project_id is not None
    return project_id
