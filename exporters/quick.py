"""Lines of ordinary pairs, made at once.

Nearly every pair is the same simple thing: turns of text, and two texts. Its line can be made without the objects that
the careful way makes, and is the same byte for byte; whatever is not ordinary gets None, and goes the careful way.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import orjson

from exporters.plain import is_plain_prompt
from exporters.rows import Message

# Prompt, chosen, rejected to the line.
Quick: TypeAlias = Callable[[Sequence[Message], str, str], bytes | None]


def quick_openai(prompt: Sequence[Message], chosen: str, rejected: str) -> bytes | None:
    """A line of `openai-dpo` and the formats that are spelled like it."""
    if chosen == rejected or not chosen.strip() or not rejected.strip() or not is_plain_prompt(prompt):
        return None
    try:
        return orjson.dumps(
            {
                "input": {"messages": prompt},
                "preferred_output": ({"role": "assistant", "content": chosen},),
                "non_preferred_output": ({"role": "assistant", "content": rejected},),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
    except orjson.JSONEncodeError:
        return None


def quick_trl(prompt: Sequence[Message], chosen: str, rejected: str) -> bytes | None:
    """A line of `trl`."""
    if chosen == rejected or not chosen.strip() or not rejected.strip() or not is_plain_prompt(prompt):
        return None
    try:
        return orjson.dumps(
            {
                "prompt": prompt,
                "chosen": ({"role": "assistant", "content": chosen},),
                "rejected": ({"role": "assistant", "content": rejected},),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
    except orjson.JSONEncodeError:
        return None
