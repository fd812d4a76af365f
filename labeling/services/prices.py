"""What a model costs, and prices of one's own, which come before the price list."""

from dataclasses import dataclass

from labeling.domain import Actor
from labeling.errors import ForbiddenError, InputError
from labeling.llm.own_prices import OwnPrice, own_price, prices_file
from labeling.llm.price_file import remove_price, write_price
from labeling.llm.prices import cost_usd, list_source
from labeling.services.keys import address_of
from labeling.services.spec_fields import base_url as checked_address

MILLION = 1_000_000
MOST_USD = 1e6


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, and who says so. `at` is the address an own price is for, None for any."""

    input: float
    output: float
    cached_input: float
    source: str
    is_own: bool
    at: str | None = None


def price_of(base_url: str, model: str) -> Price | None:
    """The price of a model at an address, one's own first; None where it is not known."""
    base_url = address_of(base_url)
    own = own_price(base_url, model)
    if own is not None:
        return Price(own.input, own.output, own.cached_input, prices_file().name, is_own=True, at=own.base_url)
    fresh, output = cost_usd(base_url, model, MILLION, 0), cost_usd(base_url, model, 0, MILLION)
    cached = cost_usd(base_url, model, MILLION, 0, MILLION)
    if fresh is None or output is None or cached is None:
        return None
    return Price(fresh, output, cached, list_source(), is_own=False)


def unknown_price(base_url: str, model: str) -> InputError:
    """Why a run with a budget is not begun."""
    return InputError(
        f"The price of {model} at {base_url} is not known, so a budget cannot be kept; set it on the page Endpoints or with "
        "tiebreak prices, or start without a budget."
    )


def set_price(
    actor: Actor, *, base_url: str | None, model: str, fresh: float, output: float, cached_input: float | None = None
) -> None:
    """Write a price of one's own for a model at an address, or at any: US dollars for a million tokens in (`fresh`, and
    `cached_input` of those that the endpoint had kept) and out.

    It counts from the next estimate and the next answer on; what was paid stays as it was counted.

    Raises:
        ForbiddenError: the file is the server's, and the actor does not run it.
        InputError: a figure is no price, or the file cannot be written.
    """
    _check(actor)
    if not model.strip() or not model.isprintable():
        raise InputError("The price names no model; write the model's id as the endpoint lists it.")
    cached = fresh if cached_input is None else cached_input
    for usd in (fresh, output, cached):
        if not 0 <= usd < MOST_USD:  # also refuses what is no number
            raise InputError("A price is US dollars for a million tokens, from 0 to less than 1,000,000, such as 0.15.")
    at = checked_address(base_url, "The price") if base_url else None
    write_price(OwnPrice(model.strip(), at and address_of(at).rstrip("/"), float(fresh), float(output), float(cached)))


def forget_price(actor: Actor, *, base_url: str | None, model: str) -> bool:
    """Take a price of one's own away; the list's counts again. False where there is none. Raises as `set_price`."""
    _check(actor)
    return remove_price(model, base_url.rstrip("/") if base_url else None)


def _check(actor: Actor) -> None:
    if not actor.is_admin:
        raise ForbiddenError("Prices of one's own are for whoever runs this server; ask them to write them.")
