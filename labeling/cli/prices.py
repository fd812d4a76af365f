"""`tiebreak prices`: one's own prices as they were understood, and what a model costs."""

from typing import Annotated

import typer

from labeling.cli.context import AsJson, tell


def register(app: typer.Typer) -> None:
    app.command()(prices)


def prices(
    model: Annotated[str, typer.Argument(help="A model; without one your own prices are listed.")] = "",
    base_url: Annotated[str, typer.Option(help="Where the model is asked.")] = "https://api.openai.com/v1",
    as_json: AsJson = False,
) -> None:
    """Show your own prices (prices.toml), or what a model costs and by which source."""
    from dataclasses import asdict

    from labeling.llm.own_prices import own_price, own_prices, prices_file
    from labeling.llm.prices import cost_usd, list_source

    own = own_prices()
    if not model:
        lines = [
            f"{one.model} at {one.base_url or 'any address'}: ${one.input:g} in, ${one.output:g} out for a million tokens"
            for one in own
        ]
        empty = f"No prices of your own. Write them in {prices_file()}; docs/engine.md shows how."
        tell("\n".join(lines) or empty, {"file": str(prices_file()), "prices": [asdict(one) for one in own]}, as_json)
        return
    each = [cost_usd(base_url, model, *tokens) for tokens in ((1_000_000, 0), (0, 1_000_000))]
    source = str(prices_file()) if own_price(base_url, model) else list_source()
    known = each[0] is not None and each[1] is not None
    told = (
        f"{model} at {base_url}: ${each[0]:g} in, ${each[1]:g} out for a million tokens, by {source}."
        if known
        else f"The price of {model} at {base_url} is not known. Write it in {prices_file()}."
    )
    found = {"model": model, "base_url": base_url, "input": each[0], "output": each[1]}
    tell(told, {**found, "source": source if known else None}, as_json)
