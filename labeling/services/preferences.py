"""What an annotator takes: languages, and sensitive pairs or not. And which prompts are sensitive, which a lead says."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from labeling.domain import Actor, Right
from labeling.errors import InputError, NotFoundError
from labeling.services.access import managed_project, open_project
from labeling.storage import preferences as rows
from labeling.storage.store import Store

LONGEST_LANGUAGE = 35  # of a BCP 47 tag
MOST_LANGUAGES = 50


@dataclass(frozen=True, slots=True)
class Preferences:
    """`languages` as tags such as en or pt-BR, empty for all; `takes_sensitive`: sensitive pairs are welcome,
    None: as the project has it."""

    languages: tuple[str, ...] = ()
    takes_sensitive: bool | None = None


def preferences_of(store: Store, actor: Actor, slug: str) -> Preferences:
    """What the actor takes in a project. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        assert project.id is not None
        found = rows.preferences_of(session, project.id, actor.account_id)
    if found is None:
        return Preferences()
    return Preferences(tuple(json.loads(found.languages or "[]")), found.takes_sensitive)


def change_preferences(
    store: Store, actor: Actor, slug: str, languages: Iterable[str], *, takes_sensitive: bool | None
) -> None:
    """Say what one takes from now on. Pairs that are in hand already stay.

    Raises:
        InputError: something is no language tag.
        NotFoundError: no such project, or the actor is no member of it.
    """
    tags = tuple(dict.fromkeys(tag.strip() for tag in languages if tag.strip()))
    if len(tags) > MOST_LANGUAGES:
        raise InputError(f"At most {MOST_LANGUAGES} languages can be named.")
    for tag in tags:
        if len(tag) > LONGEST_LANGUAGE or not all(part.isascii() and part.isalnum() for part in tag.split("-")):
            raise InputError(f"{tag!r} is no language tag. Write such as en, de or pt-BR.")
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        assert project.id is not None
        kept = json.dumps(tags) if tags else None
        if not rows.change_preferences(session, project.id, actor.account_id, kept, takes_sensitive=takes_sensitive):
            raise NotFoundError(f"{actor.name} is no member of {project.name!r}: only members have preferences.")


def mark_sensitive(store: Store, actor: Actor, slug: str, tag: str, *, sensitive: bool) -> int:
    """Mark the prompts with a tag as sensitive, or not; return how many changed. Raises NotFoundError, ForbiddenError."""
    changed = after = 0
    while True:
        with store.writing() as session:
            project_id = managed_project(session, actor, slug)
            found = rows.prompts_with_tag(session, project_id, tag, after, sensitive=sensitive)
            if not found:
                return changed
            rows.mark_sensitive(session, found, sensitive=sensitive)
        changed += len(found)
        after = found[-1]


def mark_pair_sensitive(store: Store, actor: Actor, slug: str, pair_id: int, *, sensitive: bool) -> None:
    """Mark the prompt of a pair as sensitive, or not. Raises NotFoundError (also for the pair), ForbiddenError."""
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        prompt_id = rows.prompt_of_pair(session, project.id, pair_id)
        if prompt_id is None:
            raise NotFoundError(f"The project {project.name!r} has no pair {pair_id}.")
        rows.mark_sensitive(session, [prompt_id], sensitive=sensitive)
