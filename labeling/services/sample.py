"""The sample project: prompts with two completions each, ready to label, so that a new user can begin at once."""

import time

from labeling.domain import Actor, Target
from labeling.errors import ConflictError
from labeling.sandbox.samples import PAIRS_FILE, SAMPLE_FOLDER
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project, list_projects
from labeling.storage.store import Store

NAME = "Sample project"
PATIENCE_SECONDS = 60.0  # an import that was killed is taken back after half of it
GUIDELINES = SAMPLE_FOLDER / "guidelines.md"


def open_sample(store: Store, actor: Actor) -> bool:
    """Make the sample project in a database without any project, or fill one that a kill left empty; whether it did.

    Two apps may start at once: the project's name is unique and one import at a time is written, so that one of them
    does each, and the other waits for it: its first page would show a sample without pairs. Where the program was
    installed without its data folder there is no sample, and none is made.
    """
    if not PAIRS_FILE.exists():
        return False
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _fill(store, actor)
        except ConflictError:  # another app is at it
            if time.monotonic() > until:
                return False
            time.sleep(0.1)


def _fill(store: Store, actor: Actor) -> bool:
    if not list_projects(store, actor):
        guidelines = GUIDELINES.read_text("utf-8")
        create_project(store, actor, name=NAME, target=Target.OPENAI, guidelines=guidelines, is_sample=True)
    empty = [view for view in list_projects(store, actor) if view.is_sample and not view.pairs]
    for view in empty:
        run_import(store, actor, view.slug, PAIRS_FILE, PAIRS_FILE.name, ImportOptions(kind="pairs"))
    return bool(empty)
