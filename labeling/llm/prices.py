"""What tokens cost: by the prices that were written here, else by the list of `genai-prices`, which needs no network.

A price that is not known stays None: it is shown as unknown and never counted as nothing.
"""

from functools import cache
from importlib.metadata import version
from math import ceil

from labeling.llm.own_prices import own_price, own_prices, prices_file

BATCH_SHARE = 0.5  # of the price, by Batch API: what OpenAI, Azure, Together and Groq ask
CHARACTERS_PER_TOKEN = 4  # a rough figure for English; other languages and code take more tokens


def estimated_tokens(characters: int) -> int:
    """Tokens of a text of this length, roughly. Whoever shows it says that it is an estimate."""
    return ceil(characters / CHARACTERS_PER_TOKEN)


def cost_usd(
    base_url: str, model: str, prompt_tokens: int, completion_tokens: int, cached_tokens: int | None = None
) -> float | None:
    """What a call with these tokens costs; None where the price of this model at this address is not known.

    `completion_tokens` include those spent on reasoning: every vendor bills them as output.
    """
    own = own_price(base_url, model)
    if own is not None:
        return own.cost_usd(prompt_tokens, completion_tokens, cached_tokens or 0)
    if not _is_listed(base_url, model):
        return None
    from genai_prices import Usage, calc_price

    cached = {"cache_read_tokens": cached_tokens} if cached_tokens else {}
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens, **cached)
    return float(calc_price(usage, model, provider_api_url=base_url).total_price)


def is_priced(base_url: str, model: str) -> bool:
    """Whether a price is known. A broken file of one's own is told here, before a run begins.

    Raises:
        InputError: the file of one's own prices is no such table.
    """
    own_prices()
    return own_price(base_url, model) is not None or _is_listed(base_url, model)


@cache
def _is_listed(base_url: str, model: str) -> bool:
    # The address decides: the same model costs something else at another vendor, and nothing on a machine of one's own.
    from genai_prices import Usage, calc_price

    try:
        calc_price(Usage(input_tokens=1, output_tokens=1), model, provider_api_url=base_url)
    except LookupError:
        return False
    return True


def load_list() -> None:
    """Read the price list now, which takes a moment, rather than at the first reply."""
    _is_listed("https://api.openai.com/v1", "gpt-4o-mini")


def list_source() -> str:
    """Which list the prices are from; its version says how old they may be."""
    return f"genai-prices {version('genai-prices')}"


def price_source() -> str:
    """Where prices come from, one's own file first."""
    return f"{prices_file().name} and {list_source()}" if own_prices() else list_source()
