"""Prices of one's own: a TOML file for models that the price list does not know, or that cost something else here.

# prices.toml in the data folder, or where TIEBREAK_PRICES says; US dollars for a million tokens
[[price]]
model = "our-model"
base_url = "http://gpu-7:8000/v1"   # optional: else the model at any address
input = 0.15
output = 0.60
cached_input = 0.03                 # optional: else as input
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from labeling.errors import InputError, TiebreakError
from labeling.settings import settings

NAMES = frozenset({"model", "base_url", "input", "output", "cached_input"})
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """US dollars for a million tokens."""

    model: str
    base_url: str | None
    input: float
    output: float
    cached_input: float

    def cost_usd(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int) -> float:
        fresh = max(0, prompt_tokens - cached_tokens)
        return (fresh * self.input + cached_tokens * self.cached_input + completion_tokens * self.output) / MILLION


@dataclass
class _Kept:
    """The file as it was read last: it is looked at again only when it changed."""

    stamp: tuple[str, int, int] | None = None
    prices: tuple[OwnPrice, ...] = ()


_kept = _Kept()


def own_price(base_url: str, model: str) -> OwnPrice | None:
    """The price written for this model at this address, else for the model at any address.

    A file that cannot be read leaves what was read before: paid answers must not be lost over it.
    """
    try:
        prices = own_prices()
    except TiebreakError:
        prices = _kept.prices
    ours = [one for one in prices if one.model == model and one.base_url in (None, base_url.rstrip("/"))]
    return max(ours, key=lambda one: one.base_url is not None, default=None)


def prices_file() -> Path:
    folder = os.getcwd()  # noqa: PTH109  # asked for each reply, and a Path costs several times as much
    return _file(os.environ.get("TIEBREAK_PRICES"), os.environ.get("TIEBREAK_DATA_FOLDER"), folder)


@lru_cache
def _file(*_of: object) -> Path:
    # Settings read files: not once for each reply.
    found = settings()
    return found.prices or found.data_folder / "prices.toml"


def own_prices() -> tuple[OwnPrice, ...]:
    """All prices of the file; none where there is no file.

    Raises:
        InputError: the file is there and is no such table.
    """
    path = prices_file()
    try:
        status = path.stat()
    except FileNotFoundError:
        _kept.stamp, _kept.prices = None, ()
        return ()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). Check its rights.") from error
    stamp = (str(path), status.st_mtime_ns, status.st_size)
    if stamp != _kept.stamp:
        _kept.prices = _read(path)
        _kept.stamp = stamp
    return _kept.prices


def _read(path: Path) -> tuple[OwnPrice, ...]:
    try:
        return parsed_prices(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}). Correct it, or take it away.") from error


def parsed_prices(path: Path, text: str) -> tuple[OwnPrice, ...]:
    """The prices in the text of the file `path`. Raises InputError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML file ({error}). Correct it, or take it away.") from error
    rows = table.get("price", [])
    if set(table) - {"price"} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path} must hold [[price]] tables and nothing else.")
    return tuple(_price(path, number, row) for number, row in enumerate(rows, 1))


def _price(path: Path, number: int, row: Mapping[str, object]) -> OwnPrice:
    unknown = sorted(set(row) - NAMES)
    if unknown:
        raise InputError(f"{path}: price {number} has {', '.join(unknown)}; write {', '.join(sorted(NAMES))}.")
    model, base_url = row.get("model"), row.get("base_url")
    if not isinstance(model, str) or not model:
        raise InputError(f"{path}: price {number} names no model.")
    if base_url is not None and not isinstance(base_url, str):
        raise InputError(f"{path}: base_url of price {number} is no text.")
    usd = {name: _usd(path, number, name, row.get(name)) for name in ("input", "output")}
    cached = _usd(path, number, "cached_input", row["cached_input"]) if "cached_input" in row else usd["input"]
    return OwnPrice(model, base_url.rstrip("/") if base_url else None, usd["input"], usd["output"], cached)


def _usd(path: Path, number: int, name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise InputError(f"{path}: {name} of price {number} must be US dollars for a million tokens, such as 0.15.")
    return float(value)
