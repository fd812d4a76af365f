"""Many pairs decided at once: label events as columns in, one outcome for each pair out. No database, no loops over pairs.

It costs some 30 ms for 300,000 labels, so that a page can show what a rule does as it is changed. Columns are numpy
arrays of one length; pairs and raters are told by their places, 0 and up.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.domain import RoundPurpose
from labeling.services.label_rules import LabelRules
from labeling.services.raters import ANNOTATOR, JUDGE, NEVER, Raters
from labeling.services.rule_reasons import REASONS

Column: TypeAlias = npt.NDArray[Any]

# What an event says. `SKIPPED` and `TAKEN_BACK` are no verdicts.
VERDICTS: Final = ("a", "b", "tie", "both_bad")
A, B, TIE, BOTH_BAD, SKIPPED, TAKEN_BACK = range(6)

# The purpose of the round an event was given in; 0 where there is none (judges, labels that came with a file), the last
# for rounds that the rules do not name.
PURPOSES: Final = ("", *(purpose.value for purpose in RoundPurpose), "unnamed")
UNNAMED: Final = len(PURPOSES) - 1
REVIEW: Final = PURPOSES.index("review")

# What becomes of a pair: a or b is better, both are bad but an annotator wrote a better one, or a reason.
OUTCOMES: Final = ("a", "b", "edited", *REASONS)
EDITED: Final = 2
CODE: Final = {name: place for place, name in enumerate(OUTCOMES)}
DIFFER: Final = np.array(
    [CODE[name] for name in ("annotators_differ", "imported_differ", "judges_differ", "raters_differ")]
)

UNDECIDED, UNREADABLE = range(2)  # what a judge's judgements come to where they give no label


@dataclass(frozen=True, slots=True)
class Events:
    """The last event of each rater on each pair in each round, ordered by pair, rater and time.

    `strength` is 0 where there is none, `edit` the completion an annotator wrote instead, 0 for none. `seq` tells the
    time; `place` is where the event stood in what was read.
    """

    pair: Column
    rater: Column
    purpose: Column
    verdict: Column
    strength: Column
    edit: Column
    seq: Column
    place: Column


@dataclass(frozen=True, slots=True)
class Results:
    """Pairs that a judge did not decide: which, whose, `UNDECIDED` or `UNREADABLE`."""

    pair: Column
    rater: Column
    state: Column


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry for each pair: `code` in `OUTCOMES`, `strength` (NaN where none is known).

    `deciding` are the places in the events of the labels that decided, ordered by pair.
    """

    code: npt.NDArray[np.int8]
    strength: npt.NDArray[np.float64]
    deciding: Column


def last_events(
    *, pair: Column, rater: Column, round_: Column, purpose: Column, revision: Column, seq: Column, verdict: Column,
    strength: Column, edit: Column,
) -> Events:  # fmt: skip
    """The greatest revision of each rater in each round: the others are history."""
    voice = pair * (int(rater.max(initial=0)) + 1) + rater
    kept = np.lexsort((revision, round_, voice))
    kept = kept[_last_of_each(voice[kept], round_[kept])]
    if not _last_of_each(voice[kept]).all():  # someone labelled a pair in two rounds: the later one comes last
        kept = kept[np.lexsort((seq[kept], voice[kept]))]
    return Events(
        pair=pair[kept], rater=rater[kept], purpose=purpose[kept], verdict=verdict[kept], strength=strength[kept],
        edit=edit[kept], seq=seq[kept], place=kept,
    )  # fmt: skip


def decide_all(events: Events, results: Results, pairs: int, raters: Raters, rules: LabelRules) -> Outcomes:
    """What the rules make of `pairs` pairs."""
    counts, newest = _counting(events, results, raters, rules)
    tier = np.full(len(counts), NEVER)
    if len(counts):
        tier = raters.tiers(rules)[events.rater[counts]]
    if rules.review_first:
        reviewed = (events.purpose[counts] == REVIEW) & (raters.kind[events.rater[counts]] == ANNOTATOR)
        tier = np.where(reviewed & (tier != NEVER), 0, tier)
    asked = tier != NEVER
    counts, tier = counts[asked], tier[asked]
    deciding, review = _first_tier(events.pair[counts], tier)
    deciding = counts[deciding]

    code = _undecided(events, results, pairs, raters, rules, newest)
    strength = np.full(pairs, np.nan)
    if len(deciding):
        decided, codes, strengths = _settled(events, deciding, review, raters, rules)
        code[decided] = codes
        strength[decided] = strengths
    return Outcomes(code, strength, deciding)


def edits_of(events: Events, outcomes: Outcomes) -> tuple[Column, Column]:
    """(pair, edit) for each pair decided with an edit: the newest of those who gave the winning verdict."""
    deciding = outcomes.deciding
    code = outcomes.code[events.pair[deciding]]
    wins = events.verdict[deciding] == np.where(code == EDITED, BOTH_BAD, code)
    edited = deciding[wins & (events.edit[deciding] > 0)]
    # By time: an edit that was written later is the better informed one.
    edited = edited[np.lexsort((events.seq[edited], events.pair[edited]))]
    edited = edited[_last_of_each(events.pair[edited])]
    return events.pair[edited], events.edit[edited]


# --- who counts --------------------------------------------------------------------------------------------------


def _counting(events: Events, results: Results, raters: Raters, rules: LabelRules) -> tuple[Column, Column]:
    """Places of the labels that count, one a rater, by pair; and of each result, whether its judge counts."""
    chosen = raters.chosen(rules)
    purposes = np.array([not name or name in rules.rounds for name in PURPOSES])
    votes = np.flatnonzero((events.verdict <= BOTH_BAD) & purposes[events.purpose] & chosen[events.rater])
    # One voice for each rater: who labelled in work and again in review means the latter.
    votes = votes[_last_of_each(events.pair[votes], events.rater[votes])]
    read = np.flatnonzero(chosen[results.rater])
    counted, newest = np.ones(len(votes), dtype=bool), np.zeros(len(results.pair), dtype=bool)
    newest[read] = True
    if raters.has_versions:
        pair = np.concatenate([events.pair[votes], results.pair[read]])
        rater = np.concatenate([events.rater[votes], results.rater[read]])
        counted, newest[read] = np.split(_newest_versions(pair, rater, raters), [len(votes)])
    if rules.only_both_orders:
        counted = counted & raters.reads_both_orders[events.rater[votes]]
    return votes[counted], newest


def _newest_versions(pair: Column, rater: Column, raters: Raters) -> Column:
    """Of each judge the newest version that read the pair: versions of one judge never form a majority."""
    judge = raters.judge[rater]
    newest = np.ones(len(pair), dtype=bool)
    judged = np.flatnonzero(judge >= 0)
    key = pair[judged] * (int(raters.judge.max()) + 1) + judge[judged]
    order = np.lexsort((raters.version[rater[judged]], key))
    key, version = key[order], raters.version[rater[judged]][order]
    last = np.flatnonzero(_last_of_each(key))
    sizes = np.diff(last, prepend=-1)
    newest[judged[order]] = version == np.repeat(version[last], sizes)
    return newest


def _first_tier(pair: Column, tier: Column) -> tuple[Column, Column]:
    """Of labels ordered by pair, which stand in their pair's first tier; and for each of these, whether it is the review."""
    if not len(pair):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    starts = _starts(pair)
    first = np.repeat(np.minimum.reduceat(tier, starts), np.diff(starts, append=len(pair)))
    deciding = tier == first
    return deciding, tier[deciding] == 0


# --- what they come to -------------------------------------------------------------------------------------------


def _settled(
    events: Events, deciding: Column, review: Column, raters: Raters, rules: LabelRules
) -> tuple[Column, Column, Column]:
    """The pairs that have deciding labels, and for each its outcome and strength."""
    pair, verdict = events.pair[deciding], events.verdict[deciding].astype(np.int64)
    starts = _starts(pair)
    sizes = np.diff(starts, append=len(pair))
    place = np.repeat(np.arange(len(starts)), sizes)
    weight = raters.weights(rules)[events.rater[deciding]] if rules.agreement == "weighted" else np.ones(len(pair))
    tally = np.bincount(place * 4 + verdict, weights=weight, minlength=4 * len(starts)).reshape(-1, 4)
    total, most, best = tally.sum(axis=1), tally.max(axis=1), tally.argmax(axis=1)
    if rules.agreement == "unanimous":
        agreed = np.count_nonzero(tally, axis=1) == 1
    else:
        agreed = 2 * most > total + 1e-9
    strength = _strengths(events.strength[deciding], verdict, weight, place, best, total)

    kind = raters.kind[events.rater[deciding]]
    low, high = np.minimum.reduceat(kind, starts), np.maximum.reduceat(kind, starts)
    code = np.where(low == high, DIFFER[low], CODE["raters_differ"])
    code[agreed] = np.array([A, B, CODE["tie"], CODE["both_bad"]])[best[agreed]]
    has_side = agreed & (best <= B)
    if rules.needs_strength or rules.least_strength > 1:
        code[has_side & np.isnan(strength)] = CODE["no_strength"]
    if rules.least_strength > 1:
        code[has_side & (strength < rules.least_strength)] = CODE["too_weak"]
    if rules.edits != "ignore":
        edited = (events.edit[deciding] > 0) & (verdict == BOTH_BAD)
        code[agreed & (best == BOTH_BAD) & (np.bincount(place, weights=edited, minlength=len(starts)) > 0)] = EDITED
    if rules.least_labels > 1:  # a review is asked of as many as it is: its verdict holds
        code[(sizes < rules.least_labels) & ~review[starts]] = CODE["too_few_labels"]
    return pair[starts], code, strength


def _strengths(
    strength: Column, verdict: Column, weight: Column, place: Column, best: Column, total: Column
) -> npt.NDArray[np.float64]:
    """The mean signed strength: a label for the other side counts against it, a tie as nothing. NaN where one has none."""
    sign = np.where(verdict > B, 0.0, np.where(verdict == best[place], 1.0, -1.0))
    known = np.where((verdict <= B) & (strength == 0), np.nan, strength)
    summed = np.bincount(place, weights=sign * known * weight, minlength=len(best))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = summed / total
    return np.where(best <= B, np.round(mean, 3), np.nan)


def _undecided(
    events: Events, results: Results, pairs: int, raters: Raters, rules: LabelRules, counts: Column
) -> npt.NDArray[np.int8]:
    """For each pair why nobody decides it, as if no label counted. `counts`: of each result, whether its judge does."""
    code = np.full(pairs, CODE["no_label"], dtype=np.int8)
    code[events.pair[events.verdict == SKIPPED]] = CODE["only_skipped"]
    code[events.pair[events.verdict <= BOTH_BAD]] = CODE["not_counted"]
    code[results.pair] = CODE["not_counted"]
    if rules.who == "people":
        return code
    if rules.only_both_orders:
        hasty = ~raters.reads_both_orders & raters.chosen(rules)
        code[events.pair[hasty[events.rater] & (events.verdict <= BOTH_BAD)]] = CODE["judge_one_order"]
        code[results.pair[hasty[results.rater] & counts]] = CODE["judge_one_order"]
        counts = counts & raters.reads_both_orders[results.rater]
    counts = counts & (raters.kind[results.rater] == JUDGE)
    code[results.pair[counts & (results.state == UNREADABLE)]] = CODE["judge_unreadable"]
    code[results.pair[counts & (results.state == UNDECIDED)]] = CODE["judge_undecided"]
    return code


# --- groups ------------------------------------------------------------------------------------------------------


def _last_of_each(*ordered: Column) -> Column:
    """Of columns ordered together, which entries are the last of their group."""
    last = np.zeros(len(ordered[0]), dtype=bool)
    last[-1:] = True
    for column in ordered:
        last[:-1] |= column[1:] != column[:-1]
    return last


def _starts(ordered: Column) -> Column:
    """Where each group of an ordered column begins."""
    return np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
