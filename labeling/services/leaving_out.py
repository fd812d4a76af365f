"""Pairs that a lead leaves out: no longer served, judged or exported. What was said of them stays, and they can come back."""

from labeling.domain import Actor, Right
from labeling.errors import NotFoundError
from labeling.services.access import managed_project, open_project
from labeling.services.enqueuing import enqueue_pairs
from labeling.storage import leaving_out as rows
from labeling.storage.store import Store


def leave_out(store: Store, actor: Actor, slug: str, pair_id: int, *, out: bool = True) -> None:
    """Leave a pair out, or with `out=False` take it in again.

    Raises:
        NotFoundError: no such project, or no such pair in it.
        ForbiddenError: the actor may not manage the project.
    """
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        if not rows.leave_out(session, project.id, pair_id, out=out):
            raise NotFoundError(f"The project {project.name!r} has no pair {pair_id}.")
    if not out:
        enqueue_pairs(store, project.id)  # rounds that were opened meanwhile lack it


def left_out_pairs(store: Store, actor: Actor, slug: str) -> list[int]:
    """The pairs that are left out, by id. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return rows.left_out(session, project_id)
