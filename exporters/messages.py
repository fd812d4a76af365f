"""Rules for chat messages which hold in more than one format."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from exporters.rows import Message

KNOWN_KEYS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
TEXT_KEYS = ("name", "tool_call_id", "refusal")  # beside the content
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_empty(message: Message) -> bool:
    """Whether a message says nothing: no text and no call. A tool's result may be empty."""
    return not (message.get("content") or "").strip() and message["role"] != "tool" and not message.get("tool_calls")


def keys_without_text(message: Message) -> Iterator[str]:
    """The keys of a message, beside its content, which have to be text and are not."""
    return (key for key in TEXT_KEYS if not isinstance(message.get(key), str | None))


def unanswered_tool_message(messages: Sequence[Message]) -> int | None:
    """The number (from 1) of the first tool message that answers no earlier call; None where all do."""
    called: set[str] = set()
    for number, message in enumerate(messages, 1):
        if message.get("role") == "tool":
            if not isinstance(key := message.get("tool_call_id"), str) or key not in called:
                return number
        elif isinstance(calls := message.get("tool_calls"), list):
            called.update(call["id"] for call in calls if isinstance(call, dict) and isinstance(call.get("id"), str))
    return None


def repeated_role(messages: Sequence[Message]) -> int | None:
    """The number (from 1) of the first message with the role of the one before it; None where there is none.

    Several tool results in a row answer parallel calls: they cannot be said otherwise, and are not counted here.
    """
    before = None
    for number, message in enumerate(messages, 1):
        role = message.get("role")
        if role == before and role != "tool":
            return number
        before = role
    return None


def tool_call_fault(call: Any) -> str | None:
    """What is wrong with one tool call in the shape of OpenAI's chat completions, as a clause."""
    if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
        return "a tool call has no function"
    if not isinstance(call.get("id"), str) or not call["id"].strip():
        return "a tool call has no id"
    if call.get("type") != "function":
        return "a tool call's type is not function"
    if not isinstance(call["function"].get("name"), str) or not call["function"]["name"].strip():
        return "a tool call names no function"
    if not isinstance(call["function"].get("arguments"), str):
        return "a tool call's arguments are not a JSON string"
    return None


def trl_call_fault(call: Any) -> str | None:
    """As `tool_call_fault`, for TRL: arguments may be an object, and neither id nor type is needed."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return "a tool call has no function"
    if not isinstance(function.get("name"), str) or not function["name"]:
        return "a tool call names no function"
    arguments = function.get("arguments")
    if not isinstance(arguments, dict) and not (isinstance(arguments, str) and is_json_object(arguments)):
        return "a tool call's arguments are no JSON object"
    return None


def tool_fault(tool: Any) -> str | None:
    """What is wrong with one offered tool, as a clause."""
    if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
        return 'a tool is not {"type": "function", "function": {…}}'
    name = tool["function"].get("name")
    if not isinstance(name, str) or not name:
        return "a tool has no name"
    return None


def service_tool_fault(tool: Any) -> str | None:
    """As `tool_fault`, for services: they take few letters in a name."""
    if fault := tool_fault(tool):
        return fault
    name = tool["function"]["name"]
    return None if FUNCTION_NAME.fullmatch(name) else "a tool's name is not 1 to 64 of a-z, A-Z, 0-9, _ and -"


def not_offered(calls: Sequence[Any], tools: Sequence[Any]) -> str | None:
    """The first function that is called and that no tool offers; None where there is none."""
    offered = {_function_name(tool) for tool in tools}
    return next((name for name in map(_function_name, calls) if name is not None and name not in offered), None)


def _function_name(holder: Any) -> str | None:
    """The name in a tool or in a call, however broken it is."""
    function = holder.get("function") if isinstance(holder, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def faulty_calls(
    messages: Sequence[Message], *replies: Sequence[Message], fault: Callable[[Any], str | None] = tool_call_fault
) -> Iterator[str]:
    """The faults of all tool calls of a prompt's messages and of replies, as clauses."""
    for calls in (*(message["tool_calls"] for message in messages if message.get("tool_calls")), *replies):
        if not isinstance(calls, list | tuple):
            yield "tool calls are not a list"
            continue
        yield from filter(None, map(fault, calls))


def is_json_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
