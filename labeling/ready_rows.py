"""Rows with all that can be worked out of them before a database is asked: canonical JSON, digests, labels. Pure.

A write transaction holds the one writer's place, so that nothing is worked out inside it that can be ready before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from labeling.domain import canonical_json, canonical_messages, completion_digest, prompt_digest
from labeling.rows import NamedVerdict, PairRow, PromptRow
from labeling.sifting import are_alike


@dataclass(frozen=True, slots=True)
class RaterNames:
    """Under whose names the verdicts of a file are kept: all as `labels_as`, or those of raters that the file names."""

    labels_as: str | None = None
    are_names_kept: bool = True

    def labels(self, row: PairRow) -> list[NamedVerdict]:
        """The labels of a row to keep, in the order of the file."""
        if row.labels and self.are_names_kept:
            if self.labels_as is None:
                return list(row.labels)
            return [replace(label, rater=f"{self.labels_as}/{label.rater}") for label in row.labels]
        if row.labels or self.labels_as is None or row.verdict is None:
            return []
        return [NamedVerdict(self.labels_as, row.verdict, row.strength)]


@dataclass(slots=True)
class ReadyPrompt:
    """A prompt as it will be stored."""

    row: PromptRow
    digest: str
    messages: str
    tools: str | None


@dataclass(slots=True)
class ReadyPair:
    """A row of a pair as it will be stored: its prompt, the digests of both sides, the labels to keep, and whether the
    sides say nearly the same."""

    row: PairRow
    prompt: ReadyPrompt
    a_digest: str
    b_digest: str
    labels: Sequence[NamedVerdict]
    is_alike: bool


def ready_prompts(rows: Iterable[PromptRow]) -> list[ReadyPrompt]:
    """One for each row, in order; the same prompt is worked out once."""
    made: dict[str, ReadyPrompt] = {}
    ready = []
    for row in rows:
        messages = canonical_messages(row.prompt.messages)
        tools = canonical_json(row.prompt.tools) if row.prompt.tools else None
        digest = prompt_digest(messages, tools)
        first = made.setdefault(digest, ReadyPrompt(row, digest, messages, tools))
        ready.append(first if row.external_id == first.row.external_id else replace(first, row=row))
    return ready


def ready_pairs(rows: Sequence[PairRow], raters: RaterNames) -> list[ReadyPair]:
    return [
        ReadyPair(
            row,
            prompt,
            completion_digest(row.a.text, row.a.tool_calls),
            completion_digest(row.b.text, row.b.tool_calls),
            raters.labels(row),
            not row.a.tool_calls and not row.b.tool_calls and are_alike(row.a.text, row.b.text),
        )
        for row, prompt in zip(rows, ready_prompts(row.prompt for row in rows), strict=True)
    ]
