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
    """Make the sample project in a database without any project; return whether it was made.

    Two apps may start at once: the project's name is unique, so that one of them makes it. Where the program was
    installed without its data folder there is no sample, and none is made.
    """
    if not PAIRS_FILE.exists() or list_projects(store, actor):
        return False
    try:
        view = create_project(
            store, actor, name=NAME, target=Target.OPENAI, guidelines=GUIDELINES.read_text("utf-8"), is_sample=True
        )
    except ConflictError:
        return False
    run_import(store, actor, view.slug, PAIRS_FILE, PAIRS_FILE.name, ImportOptions(kind="pairs"))
    return True
