"""An estimate of a large plan from a part of it: writing out 100,000 requests to count them would take minutes."""

from dataclasses import replace

from labeling.services.planning import Estimate

LARGE = 1000  # prompts or pairs from which a part is enough
PART = 100  # requests that are written out then, each of another prompt or pair: a page waits for them


def scaled(found: Estimate, requests: int, noun: str) -> Estimate:
    """What `requests` take, when the part that was estimated has `found`. Their number itself is exact; the interval of
    the money is widened by how far such a part may be from the whole."""
    if not found.requests or found.requests == requests:
        return found
    factor = requests / found.requests
    return replace(
        found,
        requests=requests,
        already_answered=min(requests, round(factor * found.already_answered)),
        prompt_tokens=round(factor * found.prompt_tokens),
        completion_tokens_low=round(factor * found.completion_tokens_low),
        completion_tokens_high=round(factor * found.completion_tokens_high),
        usd_low=None if found.usd_low is None else factor * max(0.0, found.usd_low - found.usd_error),
        usd_high=None if found.usd_high is None else factor * (found.usd_high + found.usd_error),
        usd_error=factor * found.usd_error,
        basis=f"{found.basis} Counted on {found.requests:,} {noun} and scaled up.",
    )
