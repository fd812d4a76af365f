"""What the preference format of OpenAI, and those like it, demand of one record. Pure: a parsed line in, its faults out."""

from collections.abc import Iterator
from typing import Any

from exporters.check_messages import REPLY_KEYS, key_faults, prompt_faults, reply_faults, same_sides
from exporters.findings import Fault
from exporters.messages import not_offered, service_tool_fault, tool_call_fault
from exporters.rows import Message


def openai_dpo_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `openai-dpo`."""
    yield from key_faults(record, ("input", "preferred_output", "non_preferred_output"), _openai_key_remedy)
    tools: Any = ()
    if "input" in record:
        given = record["input"]
        if not isinstance(given, dict):
            yield Fault("input", "is not an object", 'Write {"messages": [...]}')
        else:
            tools = given.get("tools")
            yield from _input_faults(given)
    for side in ("preferred_output", "non_preferred_output"):
        if side in record:
            yield from _output_faults(side, record[side], tools)
    yield from same_sides(record, "preferred_output", "non_preferred_output")


def together_dpo_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `together-dpo`: as `openai-dpo`, and what Together refuses."""
    for fault in openai_dpo_faults(record):
        yield fault._replace(severity="error") if "Together refuses" in fault.message else fault
    for place, message in enumerate(_messages_of(record)):
        if isinstance(message, dict) and message.get("role") == "tool":
            yield Fault(f"input.messages[{place}].role", "is 'tool', which is not known there", "Leave the row out")


def fireworks_dpo_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `fireworks-dpo`: as `together-dpo`, one turn, and text for replies."""
    yield from together_dpo_faults(record)
    for place, message in enumerate(_messages_of(record)):
        if isinstance(message, dict) and message.get("role") == "assistant":
            yield Fault(f"input.messages[{place}].role", "is 'assistant': prompts have one turn", "Leave the row out")
    for side in ("preferred_output", "non_preferred_output"):
        output = record.get(side)
        if isinstance(output, list) and output and isinstance(output[0], dict) and output[0].get("tool_calls"):
            yield Fault(f"{side}[0].tool_calls", "are not taken: a reply is text", "Leave the row out")


def sft_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `sft`."""
    for key in record:
        if key not in ("messages", "tools", "parallel_tool_calls"):
            yield Fault(str(key), "is not a key of this format", "Leave it out")
    messages = record.get("messages")
    if not isinstance(messages, list) or len(messages) < 2:
        yield Fault("messages", "is not a list of a prompt and its reply", "Write the prompt's messages and the reply")
        return
    yield from prompt_faults("messages", messages[:-1], call_fault=tool_call_fault, is_for_services=True)
    last = f"messages[{len(messages) - 1}]"
    yield from reply_faults(
        last, messages[-1], keys=REPLY_KEYS | {"weight"}, call_fault=tool_call_fault, is_for_services=True
    )
    yield from _offer_faults("", record)
    if isinstance(messages[-1], dict) and messages[-1].get("tool_calls"):
        yield from _reach_faults(f"{last}.tool_calls", messages[-1]["tool_calls"], record.get("tools"), "the row")


def _messages_of(record: Message) -> list[Any]:
    given = record.get("input")
    messages = given.get("messages") if isinstance(given, dict) else None
    return messages if isinstance(messages, list) else []


def _openai_key_remedy(key: str) -> str:
    if key in ("preferred_completion", "non_preferred_completion"):
        return f"Rename it to {key.replace('completion', 'output')}: the old name is no longer read"
    if key in ("tools", "parallel_tool_calls", "messages"):
        return f"Move {key} into input"
    return "Leave it out; keep ids and notes in a file beside this one"


def _input_faults(given: Message) -> Iterator[Fault]:
    for key in given:
        if key not in ("messages", "tools", "parallel_tool_calls"):
            yield Fault(f"input.{key}", "is not a key of this format", "Leave it out")
    if "messages" not in given:
        yield Fault("input.messages", "is missing", "Add the messages of the prompt")
    else:
        yield from prompt_faults("input.messages", given["messages"], call_fault=tool_call_fault, is_for_services=True)
    yield from _offer_faults("input.", given)


def _offer_faults(where: str, given: Message) -> Iterator[Fault]:
    """Faults of the tools that a prompt offers; they stand in `given`, whose name with its dot is `where`."""
    if "tools" in given:
        if not isinstance(given["tools"], list):
            yield Fault(f"{where}tools", "is not a list", "Write a list of tools, or leave it out")
        elif not given["tools"]:
            yield Fault(f"{where}tools", "is an empty list", "Leave tools out where there are none", "warning")
        else:
            yield from (
                Fault(f"{where}tools[{place}]", fault, "Mend the tool")
                for place, tool in enumerate(given["tools"])
                if (fault := service_tool_fault(tool))
            )
    if "parallel_tool_calls" in given:
        if not isinstance(given["parallel_tool_calls"], bool):
            yield Fault(f"{where}parallel_tool_calls", "is neither true nor false", "Write true or false")
        elif not given.get("tools"):
            yield Fault(f"{where}parallel_tool_calls", "stands without tools", "Leave it out", "warning")


def _reach_faults(field: str, calls: Any, tools: Any, holder: str) -> Iterator[Fault]:
    """The fault of calls that `tools` do not offer, which stand in `holder`."""
    if not tools:
        yield Fault(field, f"calls tools that {holder} does not offer", "Add the tools")
    elif isinstance(tools, list) and isinstance(calls, list) and (called := not_offered(calls, tools)):
        yield Fault(field, f"calls {called!r}, which {holder} does not offer", "Add the tool, or leave the row out")


def _output_faults(side: str, output: Any, tools: Any) -> Iterator[Fault]:
    if not isinstance(output, list) or len(output) != 1:
        found = f"has {len(output)} messages" if isinstance(output, list) else "is not a list"
        yield Fault(side, f"{found}; it holds exactly one", 'Write [{"role": "assistant", "content": "..."}]')
        return
    yield from reply_faults(f"{side}[0]", output[0], keys=REPLY_KEYS, call_fault=tool_call_fault, is_for_services=True)
    if isinstance(output[0], dict) and output[0].get("tool_calls"):
        yield from _reach_faults(f"{side}[0].tool_calls", output[0]["tool_calls"], tools, "input")
