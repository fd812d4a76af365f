"""What comes in from files: rows of prompts, completions and pairs, before they are stored.

Nothing changes them. They are not frozen, for a frozen dataclass takes four times as long to make, and files have millions of rows.
"""

from dataclasses import dataclass

from labeling.domain import Json, Prompt, Verdict


@dataclass(slots=True)
class PromptRow:
    """A prompt with what the file says about it. `follow_ups` are later user turns, kept beside the prompt."""

    prompt: Prompt
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    reference: str | None = None
    follow_ups: tuple[str, ...] = ()
    language: str | None = None


@dataclass(slots=True)
class Reply:
    """The text of a completion, and who wrote it and why that ended, where the file tells."""

    text: str
    tool_calls: tuple[Json, ...] = ()
    source: str | None = None
    finish_reason: str | None = None


@dataclass(slots=True)
class CompletionRow:
    """A completion that exists already, for the prompt with this id in the project, or for the prompt given."""

    reply: Reply
    external_id: str | None = None
    prompt: PromptRow | None = None


@dataclass(slots=True)
class NamedVerdict:
    """What one rater whom the file names said of a pair, in the order of the file."""

    rater: str
    verdict: Verdict
    strength: int | None = None


@dataclass(slots=True)
class PairRow:
    """A prompt with two completions; `verdict` in the order of the file, None where the file has none.

    `labels` are the verdicts of raters whom the file names; `verdict` is then what most of them said, None where no
    verdict leads. `margin`, by how much the better one is better where the file tells that on a scale of its own, is for
    training files alone: no rater's strength is made of it. `unread`: answers in words that name no verdict, of a file whose
    answers need not be any.
    """

    prompt: PromptRow
    a: Reply
    b: Reply
    verdict: Verdict | None = None
    strength: int | None = None
    labels: tuple[NamedVerdict, ...] = ()
    margin: float | None = None
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class PairGroup:
    """The pairs that one record of a file gives (a ranking), or the pair that `records` of them give together."""

    pairs: tuple[PairRow, ...]
    records: int = 1


Row = PromptRow | CompletionRow | PairRow | PairGroup


def pairs_in(row: Row) -> tuple[PairRow, ...]:
    """The pairs of a row of pairs; none in any other."""
    if isinstance(row, PairRow):
        return (row,)
    return row.pairs if isinstance(row, PairGroup) else ()


def records_of(row: Row) -> int:
    """Of how many records of its file the row was made."""
    return row.records if isinstance(row, PairGroup) else 1
