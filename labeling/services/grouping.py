"""Prompts that belong together get one group, which a split never parts and a reservation never divides."""

from collections.abc import Sequence
from functools import lru_cache

import orjson

from labeling.grouping import Prompts, groups, said
from labeling.storage import grouping as rows
from labeling.storage.store import Store

WRITTEN_AT_ONCE = 500
TEXTS_KEPT = 5000


def group_prompts(store: Store, project_id: int) -> int:
    """Find what belongs together among the project's prompts, if some are new; returns how many got another group.

    The group is called by the digest of its first prompt, so that it keeps its name, and its side of a split, as
    prompts are added. About 30,000 prompts a second are compared.
    """
    with store.reading() as session:
        done, last = rows.grouped_to(session, project_id)
        if done >= last:
            return 0
        prompts = Prompts()
        for prompt_id, messages in rows.prompts_up_to(session, project_id, last):
            prompts.add(prompt_id, orjson.loads(messages))

        @lru_cache(maxsize=TEXTS_KEPT)
        def text_of(prompt_id: int) -> str:
            return said(orjson.loads(rows.messages_of(session, prompt_id)))

        changed: dict[int, str] = {}
        for group in groups(prompts, text_of):
            changed |= _changed(rows.keys_and_digests(session, group), group)
    for chunk in _batches(list(changed.items())):
        with store.writing() as session:
            rows.put_groups(session, dict(chunk))
    with store.writing() as session:
        rows.end_grouping(session, project_id, last)
    return len(changed)


def _changed(known: dict[int, tuple[str | None, str]], group: Sequence[int]) -> dict[int, str]:
    key = known[group[0]][1]
    return {prompt_id: key for prompt_id in group if known[prompt_id][0] != key}


def _batches(items: list[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    return [items[start : start + WRITTEN_AT_ONCE] for start in range(0, len(items), WRITTEN_AT_ONCE)]
