"""Result lines of batches become outcomes of their requests, as live answers do, at the price of a batch."""

import math
from dataclasses import replace

from labeling.llm.batch_lines import ResultLine, reply_of
from labeling.llm.faults import Fault
from labeling.llm.prices import BATCH_SHARE
from labeling.llm.request import ChatRequest
from labeling.services.outcomes import Judged, Troubles, outcome_of_fault, outcome_of_reply
from labeling.storage.claims import Claimed


def judged_line(claimed: Claimed, line: ResultLine, max_tries: int, *, is_last: bool) -> Judged:
    """What a line means for its request. With `is_last` nothing is tried again by itself: a fault is a failure."""
    got = reply_of(line, ChatRequest(claimed.base_url, claimed.model, claimed.body, claimed.sample_number))
    if isinstance(got, Fault):
        fault = replace(got, retry=False, stops_run=False) if is_last else got
        return outcome_of_fault(claimed, fault, max_tries, Troubles(), -math.inf)
    judged = outcome_of_reply(claimed, got, 0 if is_last else max_tries)
    cost = judged.outcome.cost_usd
    paid = None if cost is None else cost * BATCH_SHARE
    # How long the model took over one line of a batch nobody knows.
    return Judged(replace(judged.outcome, cost_usd=paid, milliseconds=None), judged.stops)
