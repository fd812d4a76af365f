"""What an annotator reads: the texts of pairs, without anything that tells who wrote them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from labeling.domain import Json, Prompt, with_system_prompt
from labeling.storage.tables import Completion, CompletionText, Generator, Pair, PromptText

# Made once: an alias is dear to make, and every label asks for texts.
a, b = aliased(Completion), aliased(Completion)
a_text, b_text = aliased(CompletionText), aliased(CompletionText)
a_made, b_made = aliased(Generator), aliased(Generator)


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


def texts_of_pairs(session: Session, pair_ids: Iterable[int]) -> dict[int, PairTexts]:
    """The texts of each pair. A system prompt that both generators were given belongs to what was asked, so it is shown."""
    query = (
        select(
            col(Pair.id), col(PromptText.messages), col(PromptText.tools),
            col(a_text.text), col(a_text.tool_calls), col(a_made.system_prompt),
            col(b_text.text), col(b_text.tool_calls), col(b_made.system_prompt),
        )
        .join(PromptText, col(PromptText.prompt_id) == col(Pair.prompt_id))
        .join(a, col(a.id) == col(Pair.a_id))
        .join(b, col(b.id) == col(Pair.b_id))
        .join(a_text, col(a_text.completion_id) == col(a.id))
        .join(b_text, col(b_text.completion_id) == col(b.id))
        .outerjoin(a_made, col(a_made.id) == col(a.generator_id))
        .outerjoin(b_made, col(b_made.id) == col(b.generator_id))
        .where(col(Pair.id).in_(sorted(set(pair_ids))))
    )  # fmt: skip
    return {row[0]: _texts(*row[1:]) for row in session.execute(query)}


def _texts(
    messages: str, tools: str | None, a: str, a_calls: str | None, a_system: str | None, b: str, b_calls: str | None,
    b_system: str | None,
) -> PairTexts:  # fmt: skip
    common = a_system if a_system == b_system else None
    prompt = Prompt(with_system_prompt(json.loads(messages), common), _list(tools))
    return PairTexts(prompt, Reply(a, _list(a_calls)), Reply(b, _list(b_calls)))


def _list(stored: str | None) -> tuple[Json, ...]:
    found: Sequence[Json] = json.loads(stored) if stored else ()
    return tuple(found)
