"""Pairs whose better side is known without comparing the two: one model's replies over another's. Pure.

A stronger model over a weaker one teaches the difference between them ("delta learning", arXiv:2507.06187); nobody
compared the two texts, so the labels are a rule's and never count as a person's or a judge's.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

from labeling.pairing import Candidate, NoPair


@dataclass(frozen=True, slots=True)
class Over:
    """One source over another: names of generators, models, or sources of imported completions."""

    better: str
    worse: str

    @property
    def rater(self) -> str:
        """The name of the rater whose labels these are: what it is, so that nobody takes it for a judge."""
        return f"rule: {self.better} over {self.worse}"


@dataclass(frozen=True, slots=True)
class Preferred:
    """Two completions of one prompt, the better one first. `strength` is 1 slightly to 3 much, None where nothing tells."""

    chosen: int
    rejected: int
    strength: int | None = None

    @property
    def couple(self) -> frozenset[int]:
        return frozenset((self.chosen, self.rejected))


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one prompt comes to: the new preferences, or why there are none."""

    made: tuple[Preferred, ...]
    reason: NoPair | None = None


def prefer_source(
    candidates: Sequence[Candidate],
    better: Collection[str],
    worse: Collection[str],
    *,
    limit: int | None = 1,
    seed: str,
    existing: Collection[frozenset[int]] = (),
    labelled: Collection[frozenset[int]] = (),
) -> Preferences:
    """A reply of the sources `better` over one of `worse`, drawn by lot; every couple of them where `limit` is None.

    Args:
        existing: couples that are a pair already, whoever made it: they are labelled first, before new pairs are made.
        labelled: couples that this rule has labelled; they count towards the limit.
    """
    if limit is not None and len(labelled) >= limit:
        return Preferences((), NoPair.HAS_PAIRS)
    ones = [one for one in candidates if one.source in better]
    others = [one for one in candidates if one.source in worse]
    if not ones or not others:
        return Preferences((), NoPair.TOO_FEW)
    couples = [
        Preferred(one.completion_id, other.completion_id)
        for one, other in product(ones, others)
        if one.digest != other.digest
    ]
    if not couples:
        return Preferences((), NoPair.SAME_TEXT)
    free = sorted((one for one in couples if one.couple not in labelled), key=lambda one: (one.chosen, one.rejected))
    random.Random(seed).shuffle(free)
    free.sort(key=lambda one: one.couple not in existing)
    made = free if limit is None else free[: limit - len(labelled)]
    return Preferences(tuple(made), None if made else NoPair.HAS_PAIRS)
