"""Prompts kept for evaluation: no export ever contains them, nor what belongs to them."""

from dataclasses import dataclass

from exporters.split import Split
from labeling.domain import Actor
from labeling.errors import InputError
from labeling.services.access import managed_project
from labeling.services.grouping import group_prompts
from labeling.storage import grouping as rows
from labeling.storage.store import Store


@dataclass(frozen=True, slots=True)
class Reserved:
    """How many prompts the project keeps for evaluation, of how many, and how many of them are new."""

    reserved: int
    prompts: int
    changed: int


def reserved(store: Store, actor: Actor, slug: str) -> Reserved:
    """What is kept now. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        return Reserved(*rows.count_reserved(session, managed_project(session, actor, slug)), 0)


def reserve(store: Store, actor: Actor, slug: str, count: int, *, seed: int = 0) -> Reserved:
    """Keep at least `count` prompts in all for evaluation, drawn by the seed; what belongs together is kept together.

    Prompts that are kept already stay kept, and count. A larger count only adds to what a smaller one keeps.

    Raises:
        InputError: the count is below 1, or over the number of prompts.
        NotFoundError, ForbiddenError: no such project, or not the actor's to manage.
    """
    project_id = _managed(store, actor, slug)
    group_prompts(store, project_id)
    with store.reading() as session:
        known = rows.prompt_groups(session, project_id)
    if not 1 <= count <= len(known):
        raise InputError(f"There are {len(known):,} prompts; {count:,} of them cannot be kept for evaluation.")
    members: dict[str, list[int]] = {}
    for prompt_id, group, _ in known:
        members.setdefault(group, []).append(prompt_id)
    kept = {prompt_id for prompt_id, _, is_kept in known if is_kept}
    before = len(kept)
    split = Split(seed=seed, share=1)
    # A lot of its own: by the split's own places those kept would be the very prompts that go to validation.
    for group in sorted(members, key=lambda group: split.place(f"kept {group}")):
        if len(kept) >= count:
            break
        kept.update(members[group])
    new = sorted(kept - {prompt_id for prompt_id, _, is_kept in known if is_kept})
    _set(store, project_id, new, is_reserved=True)
    return Reserved(len(kept), len(known), len(kept) - before)


def release(store: Store, actor: Actor, slug: str) -> Reserved:
    """Keep no prompt for evaluation any longer. Raises NotFoundError, ForbiddenError."""
    project_id = _managed(store, actor, slug)
    with store.reading() as session:
        known = rows.prompt_groups(session, project_id)
    kept = [prompt_id for prompt_id, _, is_kept in known if is_kept]
    _set(store, project_id, kept, is_reserved=False)
    return Reserved(0, len(known), len(kept))


def _set(store: Store, project_id: int, prompt_ids: list[int], *, is_reserved: bool) -> None:
    for start in range(0, len(prompt_ids), 500):  # a transaction is short
        with store.writing() as session:
            rows.reserve_prompts(session, project_id, prompt_ids[start : start + 500], is_reserved=is_reserved)


def _managed(store: Store, actor: Actor, slug: str) -> int:
    with store.reading() as session:
        return managed_project(session, actor, slug)
