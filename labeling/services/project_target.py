"""Which model is to be tuned, and where. It can be changed at any time: forms and pairs follow."""

from labeling.domain import Actor, Right, Target
from labeling.services.access import open_project
from labeling.storage.store import Store


def set_target(store: Store, actor: Actor, slug: str, target: Target, model: str | None) -> None:
    """Say where the model to be tuned lives, and its name there. It pre-fills forms and comes first in pairs."""
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        project.target, project.target_model = target.value, model or None
        session.add(project)
