"""Answers that name the model which wrote them: they end a blind comparison. For the project's lead, never the annotator."""

import re
from dataclasses import dataclass

from labeling.domain import Actor
from labeling.services.access import managed_project
from labeling.storage import rounds as rows
from labeling.storage.store import Store

CHUNK = 500
_NAMES = (
    "chatgpt|gpt-?\\d[\\w.-]*|openai|claude|anthropic|gemini|bard|llama(?:-?\\d[\\w.]*)?|mistral|mixtral|qwen|tongyi|deepseek|grok|xai"
    "|command r\\+?|cohere|phi-?\\d|gemma|vicuna|alpaca|ernie|kimi|moonshot|copilot|nova|alibaba cloud|google deepmind"
)
# A name alone is a topic; what counts is that the answer speaks of itself.
_SELF = re.compile(
    rf"\b(?:i am|i['’]m|as|my name is|call me|this is|i was (?:made|created|trained|developed|built) by|trained by|developed by)\s+"
    rf"(?:an?\s+|the\s+)?(?:(?:ai|language|large|assistant|model|chatbot|named|called)[\s,]+){{0,5}}(?:{_NAMES})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SelfNaming:
    """A completion of a pair that names its model: where, and in which words."""

    pair_id: int
    side: str
    words: str


def names_itself(text: str) -> str | None:
    """The words in which a text names the model that wrote it; None where it does not."""
    found = _SELF.search(text)
    return found[0] if found else None


def self_naming(store: Store, actor: Actor, slug: str) -> list[SelfNaming]:
    """All answers of the project's pairs that name their model, in stored order. Raises NotFoundError, ForbiddenError."""
    found: list[SelfNaming] = []
    after = 0
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        while texts := rows.texts_of_project(session, project_id, after, CHUNK):
            for row in texts:
                for side, text in (("a", row.a), ("b", row.b)):
                    words = names_itself(text)
                    if words is not None:
                        found.append(SelfNaming(row.pair_id, side, words))
            after = texts[-1].pair_id
    return found
