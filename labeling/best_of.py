"""One pair of the n scored completions of a prompt: which is chosen and which rejected. Pure.

The best over the worst gets worse as n grows; the best over the one near the mean less two standard deviations does
not (arXiv:2502.16825). The quality of the chosen side matters most (arXiv:2508.18312), so it is always the best.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, pstdev

from labeling.errors import InputError
from labeling.pairing import Candidate, NoPair
from labeling.preferring import Preferences, Preferred

CLEARLY, MUCH = 2.0, 4.0  # points from which the better side is clearly and much better


class Rejected(StrEnum):
    """Which completion is the rejected one."""

    LOW = "low"  # the one nearest to the mean less two standard deviations
    WORST = "worst"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class FromScores:
    """Pairs of one judge's scores: the best completion over one that is at least `margin` points worse.

    `judge` is the scoring judge's name or title; `margin` is in points of ten.
    """

    judge: str
    rejected: Rejected = Rejected.LOW
    margin: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.margin <= 9:
            raise InputError(
                f"The least margin is {self.margin:g} points; scores are from 1 to 10, so it is from 0 to 9."
            )


def prefer_scored(
    candidates: Sequence[Candidate],
    points: Mapping[int, float],
    how: FromScores,
    *,
    seed: str,
    labelled: Collection[frozenset[int]] = (),
) -> Preferences:
    """The best of the scored candidates over a worse one; equal scores are drawn by lot.

    Args:
        points: mean score by completion id; a candidate without one takes no part.
        labelled: couples that this judge's scores have labelled: one is enough for a prompt.
    """
    if labelled:
        return Preferences((), NoPair.HAS_PAIRS)
    scored = [one for one in candidates if one.completion_id in points]
    if len(scored) < 2:
        return Preferences((), NoPair.UNSCORED if len(candidates) > 1 else NoPair.TOO_FEW)
    draw = random.Random(seed)
    order = sorted(scored, key=lambda one: one.completion_id)
    draw.shuffle(order)
    best = max(order, key=lambda one: points[one.completion_id])
    top = points[best.completion_id]
    others = [one for one in order if one.digest != best.digest]
    if not others:
        return Preferences((), NoPair.SAME_TEXT)
    worse = [one for one in others if top > points[one.completion_id] <= top - how.margin]
    if not worse:
        return Preferences((), NoPair.CLOSE)
    other = _rejected(worse, [points[one.completion_id] for one in scored], points, how.rejected)
    return Preferences(
        (Preferred(best.completion_id, other.completion_id, _strength(top - points[other.completion_id])),)
    )


def _rejected(
    worse: Sequence[Candidate], every: Sequence[float], points: Mapping[int, float], how: Rejected
) -> Candidate:
    match how:
        case Rejected.RANDOM:
            return worse[0]  # they stand in drawn order
        case Rejected.WORST:
            return min(worse, key=lambda one: points[one.completion_id])
        case Rejected.LOW:
            # Of all samples: they are the whole population that was scored, not a draw from a larger one.
            target = fmean(every) - 2 * pstdev(every)
            return min(worse, key=lambda one: abs(points[one.completion_id] - target))


def _strength(difference: float) -> int:
    return 3 if difference >= MUCH else 2 if difference >= CLEARLY else 1
