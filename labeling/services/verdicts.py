"""A judge's verdicts with its reasons, hidden from whoever still has to label the pair."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from exporters.votes import safe_cell
from labeling.domain import Actor, Right, Verdict
from labeling.errors import InputError, NotFoundError
from labeling.judging.outcome import Undecided
from labeling.services.access import open_project
from labeling.stats.shares import wilson
from labeling.storage import judging
from labeling.storage import verdicts as rows
from labeling.storage.bench import held_out_among
from labeling.storage.store import Session, Store

CHUNK = 200
TITLE = 120  # characters of a prompt that stand in a table
Filter: TypeAlias = Literal["all", "flips", "contradictions", "undecided", "unreadable", "opposed"]
# The states, and for undecided ones the reasons, that a filter lets through. Opposed ones are found among the decided.
KINDS: Mapping[Filter, tuple[str | None, str | None]] = {
    "all": (None, None),
    "flips": ("undecided", Undecided.ORDER),
    "contradictions": ("undecided", Undecided.CONTRADICTION),
    "undecided": ("undecided", None),
    "unreadable": ("unreadable", None),
    "opposed": ("decided", None),
}
FILTERS: tuple[Filter, ...] = tuple(KINDS)
COLUMNS = ("pair", "prompt", "state", "why", "verdict", "strength", "people", "gold", "is_sandbox", "reasons")


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What a judge made of one pair, in stored order.

    Of a hidden pair only its number and prompt are told: the actor still has to label it, or it is a gold pair of the
    bench's held-out half (`is_held_out`), whose looks are counted there. `people` is the verdict most people give now, None where
    there is none or no most; `reasons` has one text for each judgement, with the order it was read in.
    """

    pair_id: int
    prompt: str
    is_hidden: bool
    is_sandbox: bool
    is_held_out: bool = False
    state: str | None = None
    verdict: Verdict | None = None
    strength: int | None = None
    why: str | None = None
    reasons: tuple[str, ...] = ()
    people: Verdict | None = None
    gold: Verdict | None = None

    @property
    def is_opposed(self) -> bool:
        """People, or the gold verdict, say the other side is better."""
        others = {Verdict.A: Verdict.B, Verdict.B: Verdict.A}
        return self.verdict in others and others[self.verdict] in (self.people, self.gold)


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """pairs = decided + undecided + unreadable; `undecided_why` counts its reasons.

    `repairs` counts replies that could not be read and were asked for again. Of the `preferring` replies, those that
    prefer a side, `first_slot` prefer the one that stood first: half of them, where only the replies count.
    `order_agreement` is the share of pairs whose verdict stays when the replies change places, of those that are
    readable in both orders and contradict themselves in neither; None for a judge of one order.
    """

    pairs: int
    decided: int
    undecided: int
    unreadable: int
    undecided_why: dict[str, int]
    repairs: int
    first_slot: int
    preferring: int
    first_slot_share: float | None
    first_slot_interval: tuple[float, float] | None
    order_agreement: float | None


def outcome_counts(store: Store, actor: Actor, slug: str, judge_id: int) -> OutcomeCounts:
    """What all of a judge's judgements in the project came to."""
    with store.reading() as session:
        project_id, rater_id = _judge(session, actor, slug, judge_id)
        reads_both = judging.judge_with_id(session, judge_id)[0].orders == "both"
        found = judging.count_results(session, project_id, rater_id)
        repairs = judging.count_repairs(session, judge_id)
        first, second = judging.count_slots(session, rater_id)
    decided = sum(n for (state, _), n in found.items() if state == "decided")
    kept = decided + found.get(("undecided", Undecided.ORDER.value), 0)
    by_state = {state: sum(n for (one, _), n in found.items() if one == state) for state, _ in found}
    return OutcomeCounts(
        pairs=sum(found.values()),
        decided=by_state.get("decided", 0),
        undecided=by_state.get("undecided", 0),
        unreadable=by_state.get("unreadable", 0),
        undecided_why={reason: n for (state, reason), n in found.items() if state == "undecided" and reason},
        repairs=repairs,
        first_slot=first,
        preferring=first + second,
        first_slot_share=first / (first + second) if first + second else None,
        first_slot_interval=wilson(first, first + second) if first + second else None,
        order_agreement=decided / kept if kept and reads_both else None,
    )


def verdicts(
    store: Store, actor: Actor, slug: str, judge_id: int, *, only: Filter = "all", most: int = 100
) -> list[VerdictView]:
    """The newest pairs of a judge, at most `most`. With a filter, hidden pairs are left out: it would tell on them."""
    return list(islice(each_verdict(store, actor, slug, judge_id, only=only), most))


def each_verdict(
    store: Store, actor: Actor, slug: str, judge_id: int, *, only: Filter = "all"
) -> Iterator[VerdictView]:
    """All pairs of a judge, the newest first, read in short transactions. Filters as in `verdicts`."""
    if only not in FILTERS:
        raise InputError(f"{only!r} is no filter of verdicts; write one of {', '.join(FILTERS)}.")
    before: int | None = None
    while True:
        with store.reading() as session:
            project_id, rater_id = _judge(session, actor, slug, judge_id)
            results = rows.results_after(
                session, project_id, rater_id, before, CHUNK, *KINDS[only], only_opposed=only == "opposed"
            )
            if not results:
                return
            ids = [result.pair_id for result in results]
            held_out = held_out_among(session, project_id, ids)
            hidden = rows.still_to_label(session, actor.account_id, ids) | held_out
            shown = [id_ for id_ in ids if id_ not in hidden]
            reasons = rows.reasons_on(session, rater_id, shown)
            people = rows.people_on(session, project_id, shown)
        before = ids[-1]
        for result in results:
            if result.pair_id in hidden:
                if only == "all":
                    yield VerdictView(
                        result.pair_id,
                        _title(result.messages),
                        is_hidden=True,
                        is_held_out=result.pair_id in held_out,
                        is_sandbox=result.is_sandbox,
                    )
                continue
            view = _view(result, reasons.get(result.pair_id, []), people.get(result.pair_id, {}))
            if only != "opposed" or view.is_opposed:
                yield view


def verdicts_csv(found: Iterable[VerdictView]) -> Iterator[str]:
    """The verdicts as lines of CSV with a heading, one line of the file at a time. Hidden ones are left out."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for view in found:
        if not view.is_hidden:
            reasons = safe_cell("\n".join(view.reasons))
            prompt, people, gold = safe_cell(view.prompt), view.people or "", view.gold or ""
            start = (view.pair_id, prompt, view.state, view.why or "", view.verdict or "", view.strength or "")
            writer.writerow([*start, people, gold, str(view.is_sandbox).lower(), reasons])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def _judge(session: Session, actor: Actor, slug: str, judge_id: int) -> tuple[int, int]:
    """The project's id and the judge's rater."""
    project = open_project(session, actor, slug, Right.MANAGE)
    assert project.id is not None
    for judge, rater_id in judging.judges_of(session, project.id):
        if judge.id == judge_id:
            return project.id, rater_id
    raise NotFoundError(f"There is no judge {judge_id} in {project.name!r}.")


def _view(
    row: rows.ResultRow,
    reasons: list[tuple[str, float | None, float | None, str]],
    people: dict[str, int],
) -> VerdictView:
    return VerdictView(
        pair_id=row.pair_id,
        prompt=_title(row.messages),
        is_hidden=False,
        is_sandbox=row.is_sandbox,
        state=row.state,
        verdict=Verdict(row.verdict) if row.verdict else None,
        strength=row.strength,
        why=row.reason,
        reasons=tuple(_reason(*one) for one in reasons),
        people=_most(people),
        gold=Verdict(row.gold) if row.gold else None,
    )


def _reason(order: str, score_a: float | None, score_b: float | None, text: str) -> str:
    scores = f", a {score_a:g}, b {score_b:g}" if score_a is not None and score_b is not None else ""
    return f"{order[0]} first{scores}: {text}"


def _most(people: dict[str, int]) -> Verdict | None:
    best = sorted(people.items(), key=lambda one: -one[1])
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return None
    return Verdict(best[0][0])


def _title(messages: str) -> str:
    """The beginning of the last message, on one line."""
    text = " ".join(str(json.loads(messages)[-1].get("content") or "").split())
    return text if len(text) <= TITLE else text[: TITLE - 1] + "…"
