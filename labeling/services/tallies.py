"""What a worker saw of a run: enough to know a reply's mean price, and that nothing succeeds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from labeling.services.outcomes import Judged
from labeling.storage.runs import RunningRow
from labeling.storage.tables import Run

FIRST_FAILURES = 20  # that many without a single answer, all alike, and the run stops


@dataclass(frozen=True, slots=True)
class Active:
    """A running run as far as claiming needs it."""

    id: int
    purpose: str
    max_tries: int
    budget_usd: float | None
    spent_usd: float
    expected_usd: float | None


def active_run(run: RunningRow) -> Active:
    return Active(run.id, run.purpose, run.max_tries, run.budget_usd, run.spent_usd, _expected_usd(run.spec))


@lru_cache
def _expected_usd(spec: str) -> float | None:
    """What one request is expected to cost at most; read once, however often the run is looked at."""
    usd = json.loads(spec).get("expected_usd")
    return usd if isinstance(usd, int | float) else None


@dataclass
class Tally:
    billed: int = 0
    spent_usd: float = 0.0
    answered: int = 0
    failed: int = 0
    reasons: frozenset[str] = frozenset()


class Tallies:
    """The tallies of all runs that this worker works on."""

    def __init__(self) -> None:
        self._by_run: dict[int, Tally] = {}

    def add(self, judged: Judged) -> None:
        outcome = judged.outcome
        tally = self._by_run.setdefault(outcome.claimed.run_id, Tally())
        if outcome.was_billed:
            tally.billed += 1
            tally.spent_usd += outcome.cost_usd or 0.0
        tally.answered += outcome.state == "answered"
        if outcome.state == "failed":
            tally.failed += 1
            tally.reasons |= {outcome.reason or ""}

    def forget(self, run_id: int) -> None:
        self._by_run.pop(run_id, None)

    def usd_each(self, run: Active) -> float | None:
        """What one more request is likely to cost; None where that is not known."""
        tally = self._by_run.get(run.id, Tally())
        return tally.spent_usd / tally.billed if tally.billed >= FIRST_FAILURES else run.expected_usd

    def stops(self, judged: Sequence[Judged]) -> dict[int, str]:
        """Runs that a person must look at now, and the sentence for each."""
        found: dict[int, str] = {}
        for one in judged:
            run_id = one.outcome.claimed.run_id
            if one.stops:
                found.setdefault(run_id, one.stops)
            tally = self._by_run[run_id]
            if (
                one.outcome.state == "failed"
                and not tally.answered
                and tally.failed >= FIRST_FAILURES
                and len(tally.reasons) == 1
            ):
                found.setdefault(
                    run_id,
                    f"The first {tally.failed} requests failed alike: {one.outcome.message} "
                    "Mend the cause, then resume; retry the failed ones afterwards.",
                )
        for run_id in found:
            self.forget(run_id)
        return found


def budget_reached(run: Active | Run, each_usd: float) -> str:
    """The sentence with which a run ends that may not spend more."""
    budget = run.budget_usd or 0.0
    told = f"{budget:.2f}" if not budget or budget >= 0.01 else f"{budget:.1g}"
    return (
        f"The budget of ${told} is reached: ${run.spent_usd:.4f} are spent, and the next request "
        f"may cost ${each_usd:.4f}. Resume the run with a higher budget to go on."
    )
