"""What is the next sensible thing to do in a project."""

from dataclasses import dataclass

from labeling.domain import Actor
from labeling.services.export import usable
from labeling.services.open_rounds import open_rounds
from labeling.services.projects import ProjectView
from labeling.storage.projects import is_begun
from labeling.storage.store import Store

_UNDER_WAY = {
    "generate": "Completions are being written.",
    "score": "A judge is scoring replies.",
    "judge": "A judge is reading pairs.",
}


@dataclass(frozen=True, slots=True)
class Step:
    """The next sensible thing to do: a page (data, generate, score, label, history, judge, export) and one sentence.
    `pairs`: how many wait for a label there."""

    page: str
    sentence: str
    pairs: int = 0


def next_step(store: Store, actor: Actor, view: ProjectView) -> Step:
    """Where the page should open, and why, in one sentence."""
    if not view.may_manage and not view.open_pairs:
        waiting = [one for one in open_rounds(store, actor, view.slug) if one.waiting]
        if waiting:
            return Step("label", f"The round {waiting[0].name} waits for you.", sum(one.waiting for one in waiting))
        return Step("history", "Nothing waits for a label; yours are in the history.")
    if view.running and view.may_manage:
        page = view.running if view.running in ("judge", "score") else "generate"
        return Step(page, _UNDER_WAY[page])
    if not view.prompts:
        return Step("data", "Import prompts or pairs.")
    if not view.pairs:
        return Step("generate", f"Generate completions for {view.prompts:,} prompt{'s'[: view.prompts != 1]}.")
    if view.open_pairs:
        if view.may_manage and view.labelled_pairs == view.pairs and _is_ready(store, actor, view):
            return Step("export", "Every pair has a label, of a file or a judge: export them, or label them too.")
        wait = "pair waits" if view.open_pairs == 1 else "pairs wait"
        return Step("label", f"{view.open_pairs:,} {wait} for a label.", view.open_pairs)
    return Step("export", "Every pair has its labels: export them.")


def _is_ready(store: Store, actor: Actor, view: ProjectView) -> bool:
    """Whether there is something to export, and nobody has begun to label."""
    with store.reading() as session:
        if is_begun(session, view.id):
            return False
    return usable(store, actor, view.slug).rows > 0
