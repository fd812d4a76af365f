"""What an annotator reads: the texts of pairs, without anything that tells who wrote them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlmodel import Session

from labeling.domain import Json, Prompt, with_system_prompt
from labeling.storage.tables import Completion, CompletionText, Generator, Pair, PromptRow, PromptText, core

# Made once: to make a statement costs more than to run it.
_pair, _prompt, _prompt_text = core(Pair), core(PromptRow), core(PromptText)
_a, _b = core(Completion).alias("a"), core(Completion).alias("b")
_a_text, _b_text = core(CompletionText).alias("a_text"), core(CompletionText).alias("b_text")
_a_made, _b_made = core(Generator).alias("a_made"), core(Generator).alias("b_made")
_TEXTS = (
    select(
        _pair.c.id, _prompt.c.language, _prompt.c.is_sensitive, _prompt_text.c.messages, _prompt_text.c.tools,
        _a_text.c.text, _a_text.c.tool_calls, _a_made.c.system_prompt,
        _b_text.c.text, _b_text.c.tool_calls, _b_made.c.system_prompt,
    )
    .join(_prompt, _prompt.c.id == _pair.c.prompt_id)
    .join(_prompt_text, _prompt_text.c.prompt_id == _pair.c.prompt_id)
    .join(_a, _a.c.id == _pair.c.a_id)
    .join(_b, _b.c.id == _pair.c.b_id)
    .join(_a_text, _a_text.c.completion_id == _a.c.id)
    .join(_b_text, _b_text.c.completion_id == _b.c.id)
    .outerjoin(_a_made, _a_made.c.id == _a.c.generator_id)
    .outerjoin(_b_made, _b_made.c.id == _b.c.generator_id)
    .where(_pair.c.id.in_(bindparam("pair_ids", expanding=True)))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """What a completion says."""

    text: str
    tool_calls: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class PairTexts:
    """A pair in stored order."""

    prompt: Prompt
    a: Reply
    b: Reply
    language: str | None
    is_sensitive: bool


def texts_of_pairs(session: Session, pair_ids: Iterable[int]) -> dict[int, PairTexts]:
    """The texts of each pair. A system prompt that both generators were given belongs to what was asked, so it is shown."""
    found = session.connection().execute(_TEXTS, {"pair_ids": sorted(set(pair_ids))})
    return {row[0]: _texts(*row[1:]) for row in found}


def _texts(
    language: str | None, is_sensitive: bool, messages: str, tools: str | None, a: str, a_calls: str | None, a_system: str | None, b: str, b_calls: str | None,
    b_system: str | None,
) -> PairTexts:  # fmt: skip
    common = a_system if a_system == b_system else None
    prompt = Prompt(with_system_prompt(json.loads(messages), common), _list(tools))
    return PairTexts(prompt, Reply(a, _list(a_calls)), Reply(b, _list(b_calls)), language, is_sensitive)


def _list(stored: str | None) -> tuple[Json, ...]:
    found: Sequence[Json] = json.loads(stored) if stored else ()
    return tuple(found)
