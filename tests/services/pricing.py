"""Prices for endpoints of this machine, which no price list names."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider


@contextmanager
def prices(**usd: int) -> Iterator[None]:
    """By model, with _ for -: US dollars for a million tokens out."""
    models = [
        ModelInfo(id=name, match=ClauseEquals(name.replace("_", "-")), prices=ModelPrice(output_mtok=Decimal(price)))
        for name, price in usd.items()
    ]
    local = Provider(id="local", name="Local", api_pattern=r"http://127\.0\.0\.1", models=models)
    set_custom_snapshot(DataSnapshot(providers=[local], from_auto_update=False))
    try:
        yield
    finally:
        set_custom_snapshot(None)
