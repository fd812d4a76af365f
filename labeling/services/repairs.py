"""A judge's reply that cannot be read is asked for again, once: a request of its own, stored, counted and paid for.

The reply of that one is final, readable or not. What it may cost stands in the upper end of the estimate.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from labeling.domain import canonical_json
from labeling.judging.template import REPAIR
from labeling.llm.request import ChatRequest
from labeling.services.planning import Estimate
from labeling.stats.shares import wilson
from labeling.storage.requests import HarvestRow, NewRequest, Sent, plan, sent
from labeling.storage.store import Session
from labeling.storage.tables import Run

LONGEST_REPEATED = 4000  # characters of the reply that are sent back
KNOWN_FROM = 20  # first replies of a model from which their share is used
UNKNOWN_SHARE = 0.2


def ask_again(session: Session, run: Run, rows: Sequence[HarvestRow], words: str = REPAIR) -> None:
    """Put one repair for each of these answers into the run, with `words` that say what is asked for. The project must be
    locked."""
    if not rows:
        return
    session.refresh(run)  # another worker may have put some into it before the lock
    assert run.id is not None
    first = sent(session, list({row.request_id for row in rows}))
    plan(session, run.id, run.asked, [_repair(first[row.request_id], row, words) for row in rows])


def _repair(first: Sent, row: HarvestRow, words: str) -> NewRequest:
    body = json.loads(first.body)
    reply = row.text[:LONGEST_REPEATED]
    body["messages"] += [{"role": "assistant", "content": reply}, {"role": "user", "content": words}]
    request = ChatRequest(first.base_url, first.model, canonical_json(body), first.sample_number)
    return NewRequest(
        key=request.key,
        base_url=first.base_url,
        model=first.model,
        key_env=first.key_env,
        endpoint=first.endpoint,
        body=request.content,
        sample_number=row.sample_number,
        generator_id=None,
        prompt_id=row.prompt_id,
        pair_id=row.pair_id,
        pair_order=row.pair_order,
        completion_id=row.completion_id,
        is_repair=True,
    )


def with_repairs(found: Estimate, replies: int, repaired: int) -> Estimate:
    """The estimate with its upper end raised by repairs, when `repaired` of a model's last `replies` needed one.

    A repair sends prompt and reply again and is answered once more: at most twice the price of the first call.
    """
    share = wilson(min(repaired, replies), replies)[1] if replies >= KNOWN_FROM else UNKNOWN_SHARE
    new = found.requests - found.already_answered
    if not new:
        return found
    return replace(
        found,
        completion_tokens_high=round(found.completion_tokens_high * (1 + share)),
        usd_high=None if found.usd_high is None else found.usd_high * (1 + 2 * share),
        basis=f"{found.basis} The upper end holds a second call for {share:.0%} of the replies, where the first cannot be read.",
    )
