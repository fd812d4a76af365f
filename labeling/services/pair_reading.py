"""One pair as whoever leads a project reads it: in stored order, without anyone's labels."""

from labeling.domain import Actor, Right
from labeling.errors import NotFoundError
from labeling.services.access import open_project
from labeling.storage.labels import pairs_of_project
from labeling.storage.served import PairTexts, texts_of_pairs
from labeling.storage.store import Store


def read_pair(store: Store, actor: Actor, slug: str, pair_id: int) -> PairTexts:
    """The texts of a pair of the project.

    Raises:
        NotFoundError: no such project, or no such pair in it.
        ForbiddenError: the actor may not manage the project.
    """
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        if pair_id not in pairs_of_project(session, project.id, [pair_id]):
            raise NotFoundError(f"The project {project.name!r} has no pair {pair_id}.")
        return texts_of_pairs(session, [pair_id])[pair_id]
