"""What a run asks for, before it starts: one entry a wanted call, and what they are likely to cost."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from labeling.domain import Actor, Right, RunMode
from labeling.llm import prices
from labeling.llm.keys import origin_of
from labeling.llm.request import ChatRequest, Pace
from labeling.services.access import open_project
from labeling.storage import requests as rows
from labeling.storage.store import Store

CHUNK = 200  # requests written in one transaction, which stays under 50 ms
LOW_TOKENS = 50  # of a reply, where nothing is known of the model
HIGH_TOKENS = 1000
KNOWN_FROM = 5  # answers of a model from which their mean is used
RATED_ON = 10_000  # tokens: up to here a token costs the same
SPREAD = 1.3  # how far the mean of all replies may be from that of the last ones


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One wanted call, and what the run wants it for: a prompt's completion, one order of a pair, or a completion's score."""

    request: ChatRequest
    key_env: str | None
    pace: Pace
    sample_number: int
    prompt_id: int | None = None
    generator_id: int | None = None
    pair_id: int | None = None
    pair_order: Literal["ab", "ba"] | None = None
    completion_id: int | None = None
    is_sandbox: bool = False

    @property
    def endpoint(self) -> str:
        """The name of its pace: limits are counted by account and model."""
        return f"{origin_of(self.request.base_url)} {self.key_env or '-'} {self.request.model}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan is likely to take. Money is None where the price of a model is unknown; answered ones cost nothing.

    `usd_error`: how far the money of as many other requests of the plan may lie from that of these, at 95 %; where these
    are only a part of it, `scaling.scaled` has widened the interval by that.
    """

    requests: int
    already_answered: int
    prompt_tokens: int
    completion_tokens_low: int
    completion_tokens_high: int
    usd_low: float | None
    usd_high: float | None
    unpriced_models: tuple[str, ...]
    basis: str
    usd_error: float = 0.0


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens of one call, and what they cost: at least and at most. Money is None where the price is unknown."""

    prompt_tokens: int
    completion_tokens: tuple[int, int]
    usd: tuple[float, float] | None


class Expectation:
    """Expects tokens and money of calls, from the last answers of the same model where there are some."""

    def __init__(self, store: Store, mode: RunMode = RunMode.LIVE) -> None:
        self._share = 1.0 if mode is RunMode.LIVE else prices.BATCH_SHARE
        with store.reading() as session:
            self._recent = rows.recent_tokens(session)
        self.from_answers = False
        self._rates: dict[tuple[str, str], tuple[float, ...] | None] = {}  # US dollars for a token in and out

    def of(self, one: PlannedRequest) -> Expected:
        request = one.request
        prompt_tokens = prices.estimated_tokens(len(request.content))
        low, high = self._completion_tokens(request)
        if one.is_sandbox:
            return Expected(prompt_tokens, (low, high), (0.0, 0.0))
        usd = [self._usd(request, prompt_tokens, completion_tokens) for completion_tokens in (low, high)]
        if usd[0] is None or usd[1] is None:
            return Expected(prompt_tokens, (low, high), None)
        return Expected(prompt_tokens, (low, high), (usd[0], usd[1]))

    def _usd(self, request: ChatRequest, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What a call costs. Looking a price up takes as long as writing several requests down: a model's is asked once."""
        place = (request.base_url, request.model)
        if place not in self._rates:
            known = prices.is_priced(*place)
            each = [prices.cost_usd(*place, *tokens) for tokens in ((RATED_ON, 0), (0, RATED_ON))] if known else [None]
            self._rates[place] = None if None in each else tuple((usd or 0.0) / RATED_ON for usd in each)
        rates = self._rates[place]
        if rates is None:
            return None
        if prompt_tokens > RATED_ON:  # some models cost more from a length on
            return self._share * (prices.cost_usd(*place, prompt_tokens, completion_tokens) or 0.0)
        return self._share * (prompt_tokens * rates[0] + completion_tokens * rates[1])

    def _completion_tokens(self, request: ChatRequest) -> tuple[int, int]:
        count, mean = self._recent.get((request.base_url, request.model), (0, 0.0))
        if count >= KNOWN_FROM:
            self.from_answers = True
            return round(mean / SPREAD), round(mean * SPREAD)
        body = request.body
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        high = limit if isinstance(limit, int) else HIGH_TOKENS
        return min(LOW_TOKENS, high), high


def estimate(
    store: Store, actor: Actor, slug: str, planned: Iterable[PlannedRequest], mode: RunMode = RunMode.LIVE
) -> Estimate:
    """What `planned` would take, without what is answered already. Nothing is written."""
    with store.reading() as session:
        open_project(session, actor, slug, Right.MANAGE)
    expectation = Expectation(store, mode)
    seen: set[str] = set()
    total = answered = prompt_tokens = low = high = 0
    usd, squares = [0.0, 0.0], 0.0
    unpriced: dict[str, None] = {}
    for chunk in chunks(planned):
        keys = [one.request.key for one in chunk]
        with store.reading() as session:
            there = rows.answered_keys(session, keys)
        for key, one in zip(keys, chunk, strict=True):
            total += 1
            if key in there or key in seen:
                answered += 1
                continue
            seen.add(key)
            expected = expectation.of(one)
            prompt_tokens += expected.prompt_tokens
            low += expected.completion_tokens[0]
            high += expected.completion_tokens[1]
            if expected.usd is None:
                unpriced[one.request.model] = None
            else:
                usd = [usd[0] + expected.usd[0], usd[1] + expected.usd[1]]
                squares += expected.usd[1] ** 2
    known = not unpriced
    return Estimate(
        requests=total,
        already_answered=answered,
        prompt_tokens=prompt_tokens,
        completion_tokens_low=low,
        completion_tokens_high=high,
        usd_low=usd[0] if known else None,
        usd_high=usd[1] if known else None,
        unpriced_models=tuple(unpriced),
        basis=_basis(mode, from_answers=expectation.from_answers),
        usd_error=1.96 * math.sqrt(max(0.0, squares - usd[1] ** 2 / total)) if total else 0.0,
    )


def chunks(planned: Iterable[PlannedRequest]) -> Iterator[Sequence[PlannedRequest]]:
    left = iter(planned)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def _basis(mode: RunMode, *, from_answers: bool) -> str:
    out = (
        "tokens out from the last answers of the same model"
        if from_answers
        else f"tokens out between {LOW_TOKENS} and the limit written (or {HIGH_TOKENS}) for each reply"
    )
    batch = "" if mode is RunMode.LIVE else f" at {prices.BATCH_SHARE:.0%} of it, as batches are"
    return (
        f"Estimated: tokens in as characters divided by {prices.CHARACTERS_PER_TOKEN}, {out}, "
        f"prices by {prices.price_source()}{batch}; reasoning counts as tokens out."
    )
