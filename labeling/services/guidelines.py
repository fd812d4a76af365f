"""Guidelines as annotators read them, and what changed since the version by which they last labelled."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape

from labeling.domain import Actor
from labeling.errors import NotFoundError
from labeling.render import render
from labeling.render.safe import clean, representable
from labeling.services.desk import open_desk
from labeling.storage import desks
from labeling.storage.store import Store

# Beyond that many words the two versions are shown one after the other.
MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class GuidelineChange:
    """The round's guidelines: number and safe HTML; `change` marks the difference from an older version, None where there is none."""

    number: int
    html: str
    change: str | None


def guideline_change(
    store: Store, actor: Actor, slug: str, since: int | None = None, round_name: str | None = None
) -> GuidelineChange:
    """The guidelines of a round (the work round where none is named), and what changed since version `since`.

    Raises:
        NotFoundError: no such project, round or version.
        ForbiddenError: the actor may not label there.
    """
    desk = open_desk(store, actor, slug, round_name)
    with store.reading() as session:
        text = desks.guideline_text(session, desk.project_id, desk.guidelines)
        before = None if since is None else desks.guideline_text(session, desk.project_id, since)
    if text is None or (since is not None and before is None):
        raise NotFoundError(f"The project {desk.project_name!r} has no guidelines of version {since}.")
    change = None if before is None or before == text else difference(before, text)
    return GuidelineChange(desk.guidelines, render(text) if text.strip() else "", change)


def difference(before: str, after: str) -> str:
    """The later text as safe HTML, what is new in `ins` and what was taken out in `del`, word by word."""
    old, new = (re.findall(r"\s+|\w+|[^\s\w]", text) for text in (before, after))
    parts = []
    if len(old) > MOST_WORDS or len(new) > MOST_WORDS:
        parts = [_marked("del", before), _marked("ins", after)]
    else:
        for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            gone, come = "".join(old[a:b]), "".join(new[c:d])
            parts += [escape(come)] if kind == "equal" else [_marked("del", gone), _marked("ins", come)]
    return clean(representable(f'<pre class="plain" dir="auto">{"".join(parts)}</pre>'))


def _marked(tag: str, text: str) -> str:
    return f"<{tag}>{escape(text)}</{tag}>" if text else ""
