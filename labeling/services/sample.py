"""The sample project: prompts with two completions each, ready to label, so that a new user can begin at once."""

from labeling.domain import Actor, Target
from labeling.errors import ConflictError
from labeling.sandbox.samples import PAIRS_FILE, SAMPLE_FOLDER
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project, list_projects
from labeling.storage.store import Store

NAME = "Sample project"
GUIDELINES = SAMPLE_FOLDER / "guidelines.md"


def open_sample(store: Store, actor: Actor) -> bool:
    """Make the sample project in a database without any project, or fill one that a kill left empty; whether it did.

    Two apps may start at once: the project's name is unique and one import at a time is written, so that one of them
    does each. Where the program was installed without its data folder there is no sample, and none is made.
    """
    if not PAIRS_FILE.exists():
        return False
    try:
        if not list_projects(store, actor):
            guidelines = GUIDELINES.read_text("utf-8")
            create_project(store, actor, name=NAME, target=Target.OPENAI, guidelines=guidelines, is_sample=True)
        empty = [view for view in list_projects(store, actor) if view.is_sample and not view.pairs]
        for view in empty:
            run_import(store, actor, view.slug, PAIRS_FILE, PAIRS_FILE.name, ImportOptions(kind="pairs"))
    except ConflictError:  # another app is at it
        return False
    return bool(empty)
