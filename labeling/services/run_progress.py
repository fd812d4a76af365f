"""How a run goes on: its pace, the time and the money it will still take, its last answers, its parts."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, variance

from labeling.domain import Actor, RunState
from labeling.services.parts import PartView, list_parts
from labeling.services.runs import RunView, run_view
from labeling.storage import run_figures as rows
from labeling.storage import runs as run_rows
from labeling.storage.run_figures import RECENT
from labeling.storage.store import Store
from labeling.storage.tables import now

WINDOW_SECONDS = 60.0
KNOWN_FROM = 20  # answers from which money to come is told by them, not by the estimate
WIDTH = 1.96  # of an interval of 95 %, in deviations
ANSWERS = 5
CHARACTERS = 280


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One of a run's last answers. `text` is its beginning; None for a judge's, which may sway who has still to label."""

    at: datetime
    text: str | None
    is_whole: bool
    prompt_id: int | None
    pair_id: int | None
    completion_tokens: int | None
    cost_usd: float | None
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run and what is to come of it.

    `requests_per_minute` is of the last minute. `seconds_left` is None where nothing can be said: nothing came yet, or
    a provider or a person takes their time. `to_come_usd` is from at least to at most, None where a price is unknown.
    """

    run: RunView
    requests_per_minute: int
    seconds_left: float | None
    to_come_usd: tuple[float, float] | None
    answers: tuple[AnswerView, ...]
    parts: tuple[PartView, ...]


def run_progress(store: Store, actor: Actor, slug: str, run_id: int, *, known: RunView | None = None) -> RunProgress:
    """`known` is the run's view where it was read this moment."""
    view = known or run_view(store, actor, slug, run_id)
    with store.reading() as session:
        expected = json.loads(run_rows.run_with_id(session, run_id).spec).get("expected_total_usd")
        recent = rows.recent_costs(session, run_id)
        last = rows.recent_answers(session, run_id, ANSWERS, CHARACTERS)
    rate = _rate(view, [at for at, _ in recent])
    is_live = view.mode == "live" and view.state is RunState.RUNNING
    return RunProgress(
        run=view,
        requests_per_minute=round(rate),
        seconds_left=60 * view.waiting / rate if is_live and rate else None,
        to_come_usd=_to_come(view, [cost for _, cost in recent], expected),
        answers=tuple(_answer(one, may_be_read=view.purpose == "generate") for one in last),
        parts=tuple(list_parts(store, actor, slug, run_id)) if view.mode != "live" else (),
    )


def _rate(view: RunView, times: Sequence[datetime]) -> float:
    """Answers a minute over the last minute, or over the time since the start where that is less."""
    if view.started_at is None:
        return 0.0
    end = view.ended_at or now()
    since = max(view.started_at, end - timedelta(seconds=WINDOW_SECONDS))
    inside = [at for at in times if at >= since]
    if len(inside) == RECENT:  # more came than are read: they alone tell the pace
        since = min(inside)
    seconds = (end - since).total_seconds()
    return 60 * len(inside) / seconds if seconds >= 1 else 0.0


def _to_come(
    view: RunView, costs: Sequence[float | None], expected: tuple[float, float] | None
) -> tuple[float, float] | None:
    """What the waiting requests will cost: by the mean of the last answers and its error, before them by the estimate."""
    left = view.waiting
    if not left:
        return 0.0, 0.0
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    if len(known) < KNOWN_FROM:
        share = left / view.asked
        return None if expected is None else (expected[0] * share, expected[1] * share)
    mean, spread = fmean(known), variance(known)
    # Two errors: that of the mean, which all that is left shares, and that of the single requests.
    error = WIDTH * math.sqrt(left * spread + left * left * spread / len(known))
    return max(0.0, left * mean - error), left * mean + error


def _answer(one: rows.RecentAnswer, *, may_be_read: bool) -> AnswerView:
    return AnswerView(
        at=one.created_at,
        text=one.text if may_be_read else None,
        is_whole=one.characters <= CHARACTERS,
        prompt_id=one.prompt_id,
        pair_id=one.pair_id,
        completion_tokens=one.completion_tokens,
        cost_usd=one.cost_usd,
        is_sandbox=one.is_sandbox,
    )
