"""The rubric bench: rubrics are tried on one half of the gold pairs, and proven on the other one.

A rubric that is changed until it fits the pairs it is tried on proves nothing: only the held-out half does, and
each look at it wears it out, so looks are counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labeling.domain import Actor
from labeling.errors import InputError
from labeling.judging.outcome import ORDERS, Order, opinion_of
from labeling.services.access import managed_project
from labeling.services.bench_split import draw_halves
from labeling.services.judge import judge_named
from labeling.stats.shares import mcnemar, paired_difference, wilson
from labeling.storage import bench as rows
from labeling.storage.judging import judgements_on
from labeling.storage.store import Session, Store
from labeling.storage.tables import BenchLook

Results = dict[int, tuple[str, str | None]]  # by pair: state and verdict


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge says what gold says: `right` of `pairs`, with the 95 % Wilson interval of that share.

    Every pair it read counts: what it left undecided (`undecided`) or nobody could read (`unreadable`) is not right.
    `right_a_first` and `right_b_first` are what one order alone would come to; of `both_orders` pairs that are readable
    in both, `same_in_both` say the same.
    """

    pairs: int
    right: int
    undecided: int
    unreadable: int
    share: float
    low: float
    high: float
    right_a_first: int
    right_b_first: int
    same_in_both: int
    both_orders: int


@dataclass(frozen=True, slots=True)
class Try:
    """A judge on the tune half. `fixed` and `broken` are pairs that it has right and the try before had not, and the
    other way round, of those that both have read; None for the first try.

    `usd` is what its requests on these pairs cost, None where a price is unknown.
    """

    judge_id: int
    title: str
    agreement: Agreement
    usd: float | None
    is_sandbox: bool
    base_url: str
    before: str | None
    fixed: tuple[int, ...] | None
    broken: tuple[int, ...] | None
    looks: int


@dataclass(frozen=True, slots=True)
class Bench:
    """The halves in pairs, the tries in the order in which their judges were made, and all looks at the held-out half."""

    tune: int
    held_out: int
    tries: tuple[Try, ...]
    looks: int


@dataclass(frozen=True, slots=True)
class Look:
    """How a judge does on the held-out half; it is look `number` at that half in this project."""

    title: str
    agreement: Agreement
    number: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two judges on the same pairs: those that only one has right, and how sure the difference is.

    `difference` is the second's share less the first's, with its 95 % interval (Bonett and Price); `p` is McNemar's, exact.
    """

    first: str
    second: str
    half: str
    pairs: int
    first_right: int
    second_right: int
    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p: float


def bench(store: Store, actor: Actor, slug: str) -> Bench:
    """The state of the bench. Nothing of the held-out half is told but its size and how often it was looked at."""
    draw_halves(store, actor, slug)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        gold = rows.gold_of_half(session, project_id, "tune")
        held_out = len(rows.gold_of_half(session, project_id, "held_out"))
        results = rows.results_on(session, project_id, "tune")
        judges = rows.judges_on(session, project_id, list(results))
        agreements = {rater_id: _agreement(session, rater_id, results[rater_id], gold) for _, rater_id in judges}
        looks = rows.looks_of(session, project_id)
        costs = {judge.id: rows.cost_on(session, project_id, judge.id or 0, "tune") for judge, _ in judges}
    tries: list[Try] = []
    right_before: tuple[str, Mapping[int, bool]] | None = None
    for judge, rater_id in judges:
        title = f"{judge.name}, version {judge.version}"
        right = _right(results[rater_id], gold)
        both = right.keys() & right_before[1].keys() if right_before else set()
        cost = costs[judge.id]
        tries.append(
            Try(
                judge_id=judge.id or 0,
                title=title,
                agreement=agreements[rater_id],
                usd=None if cost.unpriced else cost.usd,
                is_sandbox=judge.is_sandbox,
                base_url=judge.base_url,
                before=right_before[0] if right_before else None,
                fixed=tuple(sorted(one for one in both if right[one] and not right_before[1][one])) if right_before else None,
                broken=tuple(sorted(one for one in both if right_before[1][one] and not right[one])) if right_before else None,
                looks=looks.get(rater_id, 0),
            )
        )  # fmt: skip
        right_before = (title, right)
    return Bench(len(gold), held_out, tuple(tries), sum(looks.values()))


def look(store: Store, actor: Actor, slug: str, judge: str) -> Look:
    """How a judge does on the held-out half. The look is counted before it is told.

    Raises:
        NotFoundError: there is no such judge.
        InputError: it has not read the held-out half.
    """
    view = judge_named(store, actor, slug, judge)
    draw_halves(store, actor, slug)
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        gold, results = _read(session, project_id, "held_out", {view.rater_id: view.title})
        agreement = _agreement(session, view.rater_id, results[view.rater_id], gold)
        _count(session, project_id, actor, view.rater_id, agreement)
        number = sum(rows.looks_of(session, project_id).values())
    return Look(view.title, agreement, number)


def compare(store: Store, actor: Actor, slug: str, first: str, second: str, *, held_out: bool = False) -> Comparison:
    """Two judges on the gold pairs of a half that both have read. On the held-out half it is a look at each.

    Raises:
        NotFoundError: there is no such judge.
        InputError: one of them has not read the half, or both are the same one.
    """
    one, other = judge_named(store, actor, slug, first), judge_named(store, actor, slug, second)
    if one.id == other.id:
        raise InputError(f"Both are {one.title}: name two judges, or two versions as in `strict, version 1`.")
    draw_halves(store, actor, slug)
    half = "held_out" if held_out else "tune"
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        gold, results = _read(session, project_id, half, {one.rater_id: one.title, other.rater_id: other.title})
        if held_out:
            for view in (one, other):
                agreement = _agreement(session, view.rater_id, results[view.rater_id], gold)
                _count(session, project_id, actor, view.rater_id, agreement)
    left, right = _right(results[one.rater_id], gold), _right(results[other.rater_id], gold)
    both = left.keys() & right.keys()
    only_first = sum(left[pair] and not right[pair] for pair in both)
    only_second = sum(right[pair] and not left[pair] for pair in both)
    low, high = paired_difference(only_first, only_second, len(both))
    return Comparison(
        first=one.title,
        second=other.title,
        half=half,
        pairs=len(both),
        first_right=sum(left[pair] for pair in both),
        second_right=sum(right[pair] for pair in both),
        only_first=only_first,
        only_second=only_second,
        difference=(only_second - only_first) / len(both) if both else 0.0,
        low=low,
        high=high,
        p=mcnemar(only_first, only_second),
    )


def _read(
    session: Session, project_id: int, half: str, titles: Mapping[int, str]
) -> tuple[dict[int, str], dict[int, Results]]:
    """The gold verdicts of a half and what these raters came to on it; InputError where one has read none of it."""
    gold = rows.gold_of_half(session, project_id, half)
    results = rows.results_on(session, project_id, half)
    for rater_id, title in titles.items():
        if not results.get(rater_id):
            name = half.replace("_", "-")
            raise InputError(
                f"{title} has not read the {name} half ({len(gold)} pairs). Run it first: tiebreak judge --pairs {name}"
            )
    return gold, results


def _count(session: Session, project_id: int, actor: Actor, rater_id: int, agreement: Agreement) -> None:
    rows.add_look(
        session,
        BenchLook(
            project_id=project_id,
            rater_id=rater_id,
            pairs=agreement.pairs,
            right=agreement.right,
            created_by=actor.account_id,
        ),
    )


def _right(results: Results, gold: Mapping[int, str]) -> dict[int, bool]:
    """Of each pair that was read, whether the judge says what gold says."""
    return {pair_id: verdict == gold[pair_id] for pair_id, (_, verdict) in results.items() if pair_id in gold}


def _agreement(session: Session, rater_id: int, results: Results, gold: Mapping[int, str]) -> Agreement:
    right = _right(results, gold)
    judgements = judgements_on(session, rater_id, list(right))
    one_order: dict[Order, dict[int, str]] = {order: {} for order in ORDERS}
    for pair_id, found in judgements.items():
        for order in ORDERS:
            opinion = opinion_of([one.judgement for one in found], order)
            if opinion is not None:
                one_order[order][pair_id] = opinion.value
    a_first, b_first = one_order["ab"], one_order["ba"]
    both = a_first.keys() & b_first.keys()
    states = [state for pair_id, (state, _) in results.items() if pair_id in gold]
    low, high = wilson(sum(right.values()), len(right))
    return Agreement(
        pairs=len(right),
        right=sum(right.values()),
        undecided=states.count("undecided"),
        unreadable=states.count("unreadable"),
        share=sum(right.values()) / len(right) if right else 0.0,
        low=low,
        high=high,
        right_a_first=sum(verdict == gold[pair_id] for pair_id, verdict in a_first.items()),
        right_b_first=sum(verdict == gold[pair_id] for pair_id, verdict in b_first.items()),
        same_in_both=sum(a_first[pair_id] == b_first[pair_id] for pair_id in both),
        both_orders=len(both),
    )
