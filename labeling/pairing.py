"""Which completions of a prompt become pairs. Pure: standard library only.

The choice for a prompt depends on the seed and on this prompt alone, so that a project which grows keeps the pairs
it has. Completions of the same text make no pair: there is nothing to prefer.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product


class PairMode(StrEnum):
    SAMPLES = "samples"  # two samples of one source
    SOURCES = "sources"  # every two sources: generators, imported models


class NoPair(StrEnum):
    """Why a prompt gets no new pair. A prompt is counted once, under the first that holds."""

    HAS_PAIRS = "has its pairs already"
    TOO_FEW = "has too few completions"
    SAME_TEXT = "has completions of the same text only"
    DROPPED = "has too few replies left"
    UNSCORED = "has too few scored completions"
    CLOSE = "has scores too close together"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion of the prompt. `source` tells who wrote it; equal digests are equal texts."""

    completion_id: int
    source: str
    digest: str


@dataclass(frozen=True, slots=True)
class PromptPairs:
    """The new pairs of one prompt as completion ids, the smaller first, or why there are none.

    `same_text` counts the matches (two sources, or one with itself) that were tried and had one text only.
    """

    pairs: tuple[tuple[int, int], ...]
    same_text: int = 0
    reason: NoPair | None = None


def choose_pairs(
    candidates: Sequence[Candidate],
    mode: PairMode,
    *,
    limit: int | None = 1,
    first: Collection[str] = (),
    seed: str,
    existing: Collection[frozenset[int]] = (),
) -> PromptPairs:
    """Choose the pairs of one prompt.

    Args:
        candidates: all completions of the prompt.
        limit: most pairs of this prompt, those in `existing` included; None for one pair from every match.
        first: sources of the model to be tuned: matches with one of them are taken first, as preference data
            teaches most about what that model itself writes.
        seed: names the choice; give each prompt its own (the project's seed and the prompt's digest).
        existing: the completion ids of the prompt's pairs; a match that has one is not made again.
    """
    if limit is not None and len(existing) >= limit:
        return PromptPairs((), reason=NoPair.HAS_PAIRS)
    draw = random.Random(seed)
    made: list[tuple[int, int]] = []
    same_text = matches = covered = 0
    for left, right in _matches(candidates, mode, frozenset(first), draw):
        matches += 1
        if any(frozenset((one.completion_id, other.completion_id)) in existing for one, other in _couples(left, right)):
            covered += 1
            continue
        couples = [couple for couple in _couples(left, right) if couple[0].digest != couple[1].digest]
        if not couples:
            same_text += 1
            continue
        a, b = sorted(draw.choice(couples), key=lambda one: one.completion_id)
        made.append((a.completion_id, b.completion_id))
        if limit is not None and len(existing) + len(made) >= limit:
            break
    if made:
        return PromptPairs(tuple(made), same_text)
    if not matches:
        return PromptPairs((), reason=NoPair.TOO_FEW)
    return PromptPairs((), same_text, NoPair.SAME_TEXT if same_text and not covered else NoPair.HAS_PAIRS)


def _matches(
    candidates: Sequence[Candidate], mode: PairMode, first: frozenset[str], draw: random.Random
) -> Iterator[tuple[list[Candidate], list[Candidate]]]:
    """The groups of completions to draw one pair from, those with the model to be tuned first, else by lot."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda one: one.completion_id):
        groups.setdefault(candidate.source, []).append(candidate)
    match mode:
        case PairMode.SAMPLES:
            named = [(source, source) for source, group in groups.items() if len(group) > 1]
        case PairMode.SOURCES:
            named = list(combinations(groups, 2))
    draw.shuffle(named)
    named.sort(key=first.isdisjoint)  # False, sharing one with `first`, sorts before True
    for one, other in named:
        yield groups[one], groups[other]


def _couples(left: list[Candidate], right: list[Candidate]) -> list[tuple[Candidate, Candidate]]:
    return list(combinations(left, 2)) if left is right else list(product(left, right))
