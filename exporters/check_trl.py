"""What the formats of TRL demand of one record. Pure: a parsed line in, its faults out."""

from collections.abc import Iterator
from math import isfinite

from exporters.check_messages import (
    MESSAGE_KEYS,
    is_json_list,
    message_faults,
    prompt_faults,
    reply_faults,
    same_sides,
)
from exporters.findings import Fault
from exporters.messages import trl_call_fault
from exporters.rows import Message

# With one of these columns the trainers take the data set for one of pictures, and ask for a model that sees.
PICTURES = ("image", "images")


def trl_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl`."""
    yield from _key_faults(record, ("prompt", "chosen", "rejected"), ("label", "completion", "messages", *PICTURES))
    yield from _prompt_faults(record)
    for side in ("chosen", "rejected"):
        yield from _side_faults(record, side)
    yield from same_sides(record, "chosen", "rejected")
    yield from _tools_faults(record)


def trl_reward_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl-reward`: as `trl`, with a margin."""
    yield from trl_faults(record)
    if "margin" not in record:
        yield Fault("margin", "is missing", "Ask for the strength of a preference, or check as trl")
    elif type(record["margin"]) not in (int, float) or not isfinite(record["margin"]):  # Parquet holds NaN, too
        yield Fault("margin", "is no number", "Write how much better the chosen side is, such as 2.0")
    elif record["margin"] < 0:
        yield Fault("margin", "is below 0: the rejected side would be the better one", "Exchange the sides")


def trl_kto_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl-kto`."""
    yield from _key_faults(record, ("prompt", "completion", "label"), ("chosen", "rejected", "messages", *PICTURES))
    yield from _prompt_faults(record)
    yield from _side_faults(record, "completion")
    if "label" in record and not isinstance(record["label"], bool):
        yield Fault("label", "is neither true nor false", "Write true for a desirable completion, else false")
    yield from _tools_faults(record)


def trl_standard_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl-standard`."""
    yield from _key_faults(record, ("prompt", "chosen", "rejected"), ("label", "completion", "messages", *PICTURES))
    for key in ("prompt", "chosen", "rejected"):
        if key not in record:
            continue
        if not isinstance(record[key], str):
            yield Fault(key, "is not text", "Write a string, or check as trl")
        elif not record[key].strip():
            yield Fault(key, "is empty", "Replace the text, or leave the row out")
    yield from same_sides(record, "chosen", "rejected")


def _key_faults(record: Message, keys: tuple[str, ...], foreign: tuple[str, ...]) -> Iterator[Fault]:
    for key in keys:
        if key not in record:
            yield Fault(key, "is missing", f"Add {key}")
    for key in foreign:
        if key in record:
            yield Fault(key, "belongs to another type of data set", f"Leave {key} out: the trainer stops at it")


def _prompt_faults(record: Message) -> Iterator[Fault]:
    if "prompt" not in record:
        return
    if isinstance(record["prompt"], str):
        yield Fault("prompt", "is text among rows of messages", "Write a list of messages, or check as trl-standard")
    else:
        yield from prompt_faults("prompt", record["prompt"], call_fault=trl_call_fault, knows_developer=True)


def _side_faults(record: Message, side: str) -> Iterator[Fault]:
    if side not in record:
        return
    if not isinstance(record[side], list) or not record[side]:
        yield Fault(side, "is not a list of messages", 'Write [{"role": "assistant", "content": "..."}]')
    else:
        yield from reply_faults(f"{side}[0]", record[side][0], keys=MESSAGE_KEYS, call_fault=trl_call_fault)
        if len(record[side]) > 1:  # further turns, such as a tool's result and what is said to it
            yield from message_faults(side, record[side], trl_call_fault, begin=1, knows_developer=True)


def _tools_faults(record: Message) -> Iterator[Fault]:
    tools = record.get("tools")
    if tools is not None and not isinstance(tools, list | str):
        yield Fault("tools", "is neither a list nor a JSON string", "Write the list of tools as a JSON string")
    elif isinstance(tools, str) and not is_json_list(tools):
        yield Fault("tools", "is a string that holds no JSON list of tools", "Write the list of tools as a JSON string")
    elif isinstance(tools, list) and not all(isinstance(tool, dict) for tool in tools):
        yield Fault("tools", "holds what is no tool", "Write each tool as an object")
