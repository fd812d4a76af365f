"""What a run would cost, in the words of both pages: never a price made up, never $0.00 for a server of one's own."""

import math
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import streamlit as st

from labeling.domain import RunMode
from labeling.llm.keys import is_loopback
from labeling.services.keys import address_of, is_sandbox_address
from labeling.services.planning import Estimate
from labeling.ui.formats import money, plural, token_range, tokens

MODES = {RunMode.LIVE: "One by one", RunMode.BATCH: "By batch", RunMode.FILE: "As files"}


def is_own_server(base_url: str) -> bool:
    """Whether an address is of this machine or a private network: nobody bills for it by the token."""
    address = address_of(base_url)
    try:
        return is_loopback(address) or ip_address(urlsplit(address).hostname or "").is_private
    except ValueError:
        return False


def is_priced(found: Estimate, base_urls: Sequence[str]) -> bool:
    """Whether a budget in money means anything."""
    return found.usd_high is not None and not all(is_sandbox_address(url) for url in base_urls)


def cost_figure(found: Estimate, base_urls: Sequence[str]) -> tuple[str, str, str]:
    """Label, value and help of the figure that tells the price."""
    if all(is_sandbox_address(url) for url in base_urls):
        return "Cost", "Sandbox", "Made-up replies of an endpoint on this machine, without a price."
    if found.usd_low is not None:
        return "Cost", money(found.usd_low, found.usd_high).replace("$", r"\$"), found.basis.replace("$", r"\$")
    if all(is_own_server(url) for url in base_urls):
        return "Cost", "Own server", "Nobody bills for it by the token."
    return (
        "Cost",
        "Unknown",
        f"There is no price for {', '.join(found.unpriced_models)}; set one on the page Endpoints.",
    )


def token_figures(found: Estimate) -> list[tuple[str, str, str]]:
    out = token_range(found.completion_tokens_low, found.completion_tokens_high)
    return [("Tokens in", tokens(found.prompt_tokens), found.basis), ("Tokens out", out, "Reasoning included.")]


def mode_choice(key: str) -> RunMode:
    """Ask how the requests are to be sent."""
    return st.segmented_control(
        "Send",
        list(RunMode),
        default=RunMode.LIVE,
        required=True,
        key=key,
        format_func=lambda mode: MODES[mode],
        help="One by one: a worker asks at the endpoint's pace. By batch: the provider's Batch API, usually at half the price, "
        "within 24 hours. As files: Batch JSONL that you run with an engine of your own, and whose results you bring back.",
    )


def start_label(found: Estimate, base_urls: Sequence[str], mode: RunMode = RunMode.LIVE) -> str:
    """The label of the button that spends: with the sum where there is one, else with the number of requests."""
    if mode is RunMode.FILE:
        return f"Write {plural(found.requests - found.already_answered, 'request')} as files"
    if not is_priced(found, base_urls):
        return f"Start run, {plural(found.requests - found.already_answered, 'request')}"
    middle = ((found.usd_low or 0) + (found.usd_high or 0)) / 2
    return f"Start run, about {money(middle)}".replace("$", r"\$")


def stop_at(found: Estimate, base_urls: Sequence[str], mode: RunMode = RunMode.LIVE) -> float | None:
    """Ask for the budget, with half as much again as the estimate to begin with; None where there is no price."""
    if mode is RunMode.FILE or not is_priced(found, base_urls):
        return None
    return st.number_input(
        "Stop at, USD",
        value=float(max(1, math.ceil(1.5 * (found.usd_high or 0)))),
        step=0.5,
        format="%.2f",
        width=140,
        help="The run stops here, whatever the estimate said.",
    )
