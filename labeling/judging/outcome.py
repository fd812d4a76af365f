"""From the judgements of one pair to one outcome: decided, undecided or unreadable.

A verdict counts only if it survives the swap of the two replies. One that turns with the order is position bias
(Zheng et al. 2023, arXiv:2306.05685): it says nothing about the pair, so it is not a tie either.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from labeling.domain import Verdict
from labeling.judging.reading import JudgementRead, ReadState

Order: TypeAlias = Literal["ab", "ba"]  # "ab": completion a stood first
ORDERS: tuple[Order, ...] = ("ab", "ba")


class Level(StrEnum):
    """A judge's five levels in stored order, and `both_bad`."""

    A_MUCH = "a_much"
    A_SLIGHTLY = "a_slightly"
    TIE = "tie"
    B_SLIGHTLY = "b_slightly"
    B_MUCH = "b_much"
    BOTH_BAD = "both_bad"

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.value) if self in (Level.TIE, Level.BOTH_BAD) else Verdict(self.value[0])

    @property
    def strength(self) -> int | None:
        """1 slightly, 3 much (arena-hard's weight); None where no side is better."""
        return None if self in (Level.TIE, Level.BOTH_BAD) else 3 if self.value.endswith("much") else 1


class OutcomeState(StrEnum):
    DECIDED = "decided"
    UNDECIDED = "undecided"
    UNREADABLE = "unreadable"


class Undecided(StrEnum):
    """Why a pair stays undecided: such pairs come first in the people's queue and are not exported."""

    ORDER = "the verdict turns with the order"
    CONTRADICTION = "the verdict contradicts its own scores"
    SAMPLES = "the samples of one order disagree"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One reply of a judge in stored order; `scores` are of a and b. Level and scores are None where unreadable."""

    order: Order
    state: ReadState
    level: Level | None = None
    scores: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the judgements of one pair come to. Only a decided one has a verdict and may have a strength."""

    state: OutcomeState
    verdict: Verdict | None = None
    strength: int | None = None
    reason: Undecided | None = None


def stored(read: JudgementRead, order: Order) -> Judgement:
    """Turn a reply as read (first, second) into stored order (a, b)."""
    if read.level is None or read.scores is None:
        return Judgement(order, read.state)
    names = ("a", "b") if order == "ab" else ("b", "a")
    level = read.level.replace("first", names[0]).replace("second", names[1])
    scores = read.scores if order == "ab" else (read.scores[1], read.scores[0])
    return Judgement(order, read.state, Level(level), scores)


def combine(judgements: Sequence[Judgement], orders: Sequence[Order] = ORDERS) -> Outcome:
    """The outcome of one pair, from all judgements of one judge.

    Args:
        judgements: any number in each of the orders, in any sequence.
        orders: the orders that were asked for; each needs at least one readable judgement.

    Returns:
        Decided when every order's majority of samples says the same; the strength is the rounded mean of the
        judgements that say so, halves down (slightly and much make clearly). Undecided with its reason, or
        unreadable when an order has no readable judgement.
    """
    by_order = [[one for one in judgements if one.order == order and one.level is not None] for order in orders]
    if not by_order or not all(by_order):
        return Outcome(OutcomeState.UNREADABLE)
    opinions = [_majority(readable) for readable in by_order]
    for reason in (Undecided.CONTRADICTION, Undecided.SAMPLES):
        if reason in opinions:
            return Outcome(OutcomeState.UNDECIDED, reason=reason)
    first = opinions[0]
    if not isinstance(first, Verdict) or any(opinion is not first for opinion in opinions):
        return Outcome(OutcomeState.UNDECIDED, reason=Undecided.ORDER)
    agreeing = [one for readable in by_order for one in readable if _opinion(one) is first]
    return Outcome(OutcomeState.DECIDED, first, _mean_strength(agreeing))


def opinion_of(judgements: Sequence[Judgement], order: Order) -> Verdict | None:
    """What the judge says in one order alone: the majority of its samples; None where there is none, or nothing readable."""
    readable = [one for one in judgements if one.order == order and one.level is not None]
    opinion = _majority(readable) if readable else None
    return opinion if isinstance(opinion, Verdict) else None


def _opinion(judgement: Judgement) -> Verdict | None:
    return judgement.level.verdict if judgement.level and judgement.state is ReadState.READ else None


def _majority(readable: Sequence[Judgement]) -> Verdict | Undecided:
    """What more than half of the readable samples of one order say."""
    opinion, count = Counter(map(_opinion, readable)).most_common(1)[0]
    if 2 * count <= len(readable):
        return Undecided.SAMPLES
    return opinion or Undecided.CONTRADICTION


def _mean_strength(judgements: Sequence[Judgement]) -> int | None:
    strengths = [one.level.strength for one in judgements if one.level and one.level.strength]
    if not strengths:
        return None
    total, count = sum(strengths), len(strengths)
    return max(1, -(-(2 * total - count) // (2 * count)))  # ceil(mean - 1/2): halves go down
