"""What a reply or a fault means for its request: answered, failed for good, or another try and when.

429 waits and costs no attempt; what may pass (5xx, resets, cut bodies, empty replies) backs off with jitter, up to the
run's tries; what concerns one item fails that item; what a person must mend stops the run.
"""

import random
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from labeling.llm.faults import Fault
from labeling.llm.keys import origin_of
from labeling.llm.prices import cost_usd
from labeling.llm.reply import Reply
from labeling.storage.claims import Claimed, Outcome
from labeling.storage.tables import now

BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 60.0
UNREACHABLE_ROUNDS = 5  # waits without any connection, after which the run stops: about eight seconds
LIMITED_ROUNDS = 60  # waits at a limiter without any reply between, after which the run stops

BAD_REPLIES = {
    "empty": "answered with an empty message",
    "cut": "reached its limit of tokens before the end; raise max_tokens or max_completion_tokens",
    "refused": "refused this prompt",
}


@dataclass
class Trouble:
    """How long an endpoint has given nothing but waits, as this worker saw it."""

    rounds: int = 0
    until: float = 0.0  # on the clock of the event loop


@dataclass
class Troubles:
    """Waits of endpoints, each counted once however many requests met it. A reply of any kind ends them."""

    by_endpoint: dict[str, Trouble] = field(default_factory=dict)

    def wait(self, endpoint: str, moment: float, asked: float | None) -> tuple[float, int]:
        """Seconds to wait at `endpoint`, and how many waits in a row that makes."""
        trouble = self.by_endpoint.setdefault(endpoint, Trouble())
        if moment >= trouble.until:
            trouble.rounds += 1
            seconds = (
                asked
                if asked is not None
                else min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2 ** (trouble.rounds - 1))
            )
            trouble.until = moment + seconds
        elif asked is not None:
            trouble.until = max(trouble.until, moment + asked)
        return trouble.until - moment, trouble.rounds

    def over(self, endpoint: str) -> None:
        self.by_endpoint.pop(endpoint, None)


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome, the sentence with which the run stops, where it does, and the seconds for which nobody at the
    endpoint is to be asked."""

    outcome: Outcome
    stops: str | None = None
    holds_endpoint: float = 0.0


def outcome_of_reply(claimed: Claimed, reply: Reply, max_tries: int) -> Judged:
    billed = {
        "text": reply.text,
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "prompt_tokens": reply.prompt_tokens,
        "cached_tokens": reply.cached_tokens,
        "completion_tokens": reply.completion_tokens,
        "reasoning_tokens": reply.reasoning_tokens,
        "cost_usd": _cost(claimed, reply),
        "is_sandbox": reply.is_sandbox,
        "milliseconds": reply.milliseconds,
    }
    tries = claimed.attempts + 1
    if reply.state == "good":
        calls = orjson.dumps(reply.tool_calls).decode() if reply.tool_calls else None
        return Judged(Outcome(claimed, "answered", attempts=tries, tool_calls=calls, **billed))  # type: ignore[arg-type]  # a plain dictionary of fields
    message = f"{claimed.model} at {origin_of(claimed.base_url)} {BAD_REPLIES[reply.state]}."
    if reply.state == "empty" and tries < max_tries:
        due_at = now() + timedelta(seconds=_backoff(tries))
        return Judged(Outcome(claimed, "waiting", "empty", message, attempts=tries, due_at=due_at, **billed))  # type: ignore[arg-type]  # as above
    return Judged(Outcome(claimed, "failed", reply.state, message, attempts=tries, **billed))  # type: ignore[arg-type]  # as above


def outcome_of_fault(claimed: Claimed, fault: Fault, max_tries: int, troubles: Troubles, moment: float) -> Judged:
    if fault.stops_run:
        # It stays waiting: once the cause is mended, resuming the run sends it.
        waiting = Outcome(
            claimed, "waiting", fault.code, fault.message, attempts=claimed.attempts, due_at=now()
        )  # fmt: skip
        return Judged(waiting, stops=fault.message)
    if fault.retry and not fault.counts_as_attempt:
        return _held_back(claimed, fault, troubles, moment)
    tries = claimed.attempts + 1
    if fault.retry and tries < max_tries:
        due_at = now() + timedelta(seconds=max(_backoff(tries), fault.retry_after or 0.0))
        return Judged(Outcome(claimed, "waiting", fault.code, fault.message, attempts=tries, due_at=due_at))
    return Judged(Outcome(claimed, "failed", fault.code, fault.message, attempts=tries))


def outcome_of_unsent(claimed: Claimed) -> Judged:
    """Of what was claimed and held back: it is free again at once."""
    return Judged(Outcome(claimed, "waiting", is_kept=False, attempts=claimed.attempts, due_at=now()))


def _held_back(claimed: Claimed, fault: Fault, troubles: Troubles, moment: float) -> Judged:
    seconds, rounds = troubles.wait(claimed.endpoint, moment, fault.retry_after)
    is_unreachable = fault.code == "unreachable"
    # A refusal says when this request may come again; what it says of the others is the pacer's to judge.
    due_at = now() + timedelta(seconds=seconds if is_unreachable or fault.retry_after is None else fault.retry_after)
    outcome = Outcome(
        claimed, "waiting", fault.code, fault.message, is_kept=False, attempts=claimed.attempts, due_at=due_at
    )  # fmt: skip
    stops = None
    if rounds >= (UNREACHABLE_ROUNDS if is_unreachable else LIMITED_ROUNDS):
        troubles.over(claimed.endpoint)
        stops = fault.message
    return Judged(outcome, stops, seconds if is_unreachable else 0.0)


def _backoff(tries: int) -> float:
    # Full strength less some: requests that failed together must not come back together.
    return min(LONGEST_BACKOFF_SECONDS, BACKOFF_SECONDS * 2.0**tries) * random.uniform(0.5, 1.0)


def _cost(claimed: Claimed, reply: Reply) -> float | None:
    if reply.is_sandbox:
        return 0.0
    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return None
    tokens = (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens)
    found = cost_usd(claimed.base_url, claimed.model, *tokens)
    if found is None and reply.model and reply.model != claimed.model:
        # A deployment's name says nothing; the model that answered does.
        found = cost_usd(claimed.base_url, reply.model, *tokens)
    return found
