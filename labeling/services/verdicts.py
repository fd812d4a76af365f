"""A judge's verdicts with its reasons, hidden from whoever still has to label the pair."""

import json
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labeling.domain import Actor, Right, Verdict
from labeling.errors import InputError, NotFoundError
from labeling.services.access import open_project
from labeling.storage import judging
from labeling.storage import verdicts as rows
from labeling.storage.store import Session, Store

CHUNK = 200
TITLE = 120  # characters of a prompt that stand in a table
Filter: TypeAlias = Literal["all", "undecided", "unreadable", "opposed"]
FILTERS: tuple[Filter, ...] = ("all", "undecided", "unreadable", "opposed")


@dataclass(frozen=True, slots=True)
class VerdictView:
    """What a judge made of one pair, in stored order.

    Of a hidden pair only its number and prompt are told. `people` is the verdict most people give now, None where
    there is none or no most; `reasons` has one text for each judgement, with the order it was read in.
    """

    pair_id: int
    prompt: str
    is_hidden: bool
    is_sandbox: bool
    state: str | None = None
    verdict: Verdict | None = None
    strength: int | None = None
    why: str | None = None
    reasons: tuple[str, ...] = ()
    people: Verdict | None = None

    @property
    def is_opposed(self) -> bool:
        """People say the other side is better."""
        return (self.verdict, self.people) in ((Verdict.A, Verdict.B), (Verdict.B, Verdict.A))


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """pairs = decided + undecided + unreadable; `undecided_why` counts its reasons.

    `repairs` counts replies that could not be read and were asked for again.
    """

    pairs: int
    decided: int
    undecided: int
    unreadable: int
    undecided_why: dict[str, int]
    repairs: int


def outcome_counts(store: Store, actor: Actor, slug: str, judge_id: int) -> OutcomeCounts:
    """What all of a judge's judgements in the project came to."""
    with store.reading() as session:
        project_id, rater_id = _judge(session, actor, slug, judge_id)
        found = judging.count_results(session, project_id, rater_id)
        repairs = judging.count_repairs(session, judge_id)
    by_state = {state: sum(n for (one, _), n in found.items() if one == state) for state, _ in found}
    return OutcomeCounts(
        pairs=sum(found.values()),
        decided=by_state.get("decided", 0),
        undecided=by_state.get("undecided", 0),
        unreadable=by_state.get("unreadable", 0),
        undecided_why={reason: n for (state, reason), n in found.items() if state == "undecided" and reason},
        repairs=repairs,
    )


def verdicts(
    store: Store, actor: Actor, slug: str, judge_id: int, *, only: Filter = "all", most: int = 100
) -> list[VerdictView]:
    """The newest pairs of a judge, at most `most`. With a filter, hidden pairs are left out: it would tell on them."""
    if only not in FILTERS:
        raise InputError(f"{only!r} is no filter of verdicts; write one of {', '.join(FILTERS)}.")
    found: list[VerdictView] = []
    before: int | None = None
    while len(found) < most:
        with store.reading() as session:
            project_id, rater_id = _judge(session, actor, slug, judge_id)
            results = rows.results_after(session, project_id, rater_id, before, CHUNK)
            if not results:
                break
            ids = [result.pair_id for result in results]
            hidden = rows.still_to_label(session, actor.account_id, ids)
            shown = [id_ for id_ in ids if id_ not in hidden]
            reasons = rows.reasons_on(session, rater_id, shown)
            people = rows.people_on(session, project_id, shown)
        before = ids[-1]
        for result in results:
            view = _view(
                result, result.pair_id in hidden, reasons.get(result.pair_id, []), people.get(result.pair_id, {})
            )
            if only == "all" or (not view.is_hidden and (view.is_opposed if only == "opposed" else view.state == only)):
                found.append(view)
    return found[:most]


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
    is_hidden: bool,
    reasons: list[tuple[str, float | None, float | None, str]],
    people: dict[str, int],
) -> VerdictView:
    if is_hidden:
        return VerdictView(row.pair_id, _title(row.messages), is_hidden=True, is_sandbox=row.is_sandbox)
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
