"""The rounds in which an annotator may label now, and how much waits for them there."""

from dataclasses import dataclass

from labeling.domain import Actor, Right, RoundPurpose
from labeling.services.access import open_project
from labeling.services.desk import open_desk
from labeling.services.progress import progress_at
from labeling.storage import rounds as rows
from labeling.storage.store import Store


@dataclass(frozen=True, slots=True)
class OpenRound:
    """`waiting`: its pairs that may still ask something of the annotator (others may be quicker)."""

    name: str
    purpose: RoundPurpose
    waiting: int


def open_rounds(store: Store, actor: Actor, slug: str) -> list[OpenRound]:
    """The project's open rounds that the actor may enter, oldest first. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        assert project.id is not None
        names = rows.open_to(session, project.id, actor.account_id)
    return [_open_round(store, actor, slug, name) for name in names]


def _open_round(store: Store, actor: Actor, slug: str, name: str) -> OpenRound:
    desk = open_desk(store, actor, slug, name)
    progress = progress_at(store, desk)
    return OpenRound(name, desk.purpose, max(0, progress.total - progress.behind_me - progress.skipped))
