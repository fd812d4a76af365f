"""`tiebreak prices`: one's own prices as they were understood, what a model costs, and a price that is set."""

from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, opened, tell
from labeling.errors import InputError

if TYPE_CHECKING:
    from labeling.domain import Actor

OPENAI = "https://api.openai.com/v1"


def register(app: typer.Typer) -> None:
    app.command()(prices)


def prices(
    model: Annotated[str, typer.Argument(help="A model; without one your own prices are listed.")] = "",
    base_url: Annotated[str, typer.Option(help="Where the model is asked.")] = OPENAI,
    input_: Annotated[float | None, typer.Option("--input", help="Set: USD for a million tokens in.")] = None,
    output: Annotated[float | None, typer.Option(help="Set: USD for a million tokens out.")] = None,
    cached_input: Annotated[
        float | None, typer.Option(help="Set: USD for a million cached tokens in; as --input where left out.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Take your own price away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show your own prices (prices.toml), or what a model costs and by which source; or set a price of your own."""
    is_set = (input_, output, cached_input) != (None, None, None)
    if (is_set or forget) and not model:
        raise InputError("Name the model whose price it is.")
    if not model:
        _list(as_json)
        return
    if forget:
        _forget(model, base_url)
    elif is_set:
        if input_ is None or output is None:
            raise InputError("A price needs --input and --output: US dollars for a million tokens.")
        from labeling.services.prices import set_price

        set_price(_actor(), base_url=base_url, model=model, fresh=input_, output=output, cached_input=cached_input)
    _show(model, base_url, as_json)


def _list(as_json: bool) -> None:
    from dataclasses import asdict

    from labeling.llm.own_prices import own_prices, prices_file

    own = own_prices()
    lines = [
        f"{one.model} at {one.base_url or 'any address'}: ${one.input:g} in, ${one.output:g} out for a million tokens"
        for one in own
    ]
    empty = f"No prices of your own. Set one with tiebreak prices MODEL --input … --output …, or write them in {prices_file()}."
    tell("\n".join(lines) or empty, {"file": str(prices_file()), "prices": [asdict(one) for one in own]}, as_json)


def _show(model: str, base_url: str, as_json: bool) -> None:
    from labeling.llm.own_prices import prices_file
    from labeling.services.prices import price_of

    price = price_of(base_url, model)
    source = None if price is None else str(prices_file()) if price.is_own else price.source
    told = f"The price of {model} at {base_url} is not known. Write it in {prices_file()}, or set it with --input and --output."
    if price is not None:
        told = f"{model} at {base_url}: ${price.input:g} in, ${price.output:g} out for a million tokens, by {source}."
    found = {"input": price and price.input, "output": price and price.output, "source": source}
    tell(told, {"model": model, "base_url": base_url, **found}, as_json)


def _forget(model: str, base_url: str) -> None:
    from labeling.services.prices import forget_price

    if not forget_price(_actor(), base_url=base_url, model=model):
        raise InputError(f"There is no price of your own for {model} at {base_url}. See them with: tiebreak prices")


def _actor() -> "Actor":
    with opened() as (_, actor):
        return actor
