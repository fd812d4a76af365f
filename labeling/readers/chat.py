"""Chat messages and replies as files write them, brought to one shape."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from labeling.domain import Json, Prompt, messages_fault
from labeling.readers.refusals import RowFault
from labeling.rows import Reply

KEPT = ("role", "content", "name", "tool_calls", "tool_call_id")
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# What messages have besides; of any other single object nobody knows whether it is one.
PARTS = {
    *KEPT,
    "reasoning_content",
    "reasoning",
    "thinking",
    "weight",
    "refusal",
    "audio",
    "annotations",
    "function_call",
}
SHAREGPT_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
    "system": "system", "observation": "tool", "tool": "tool", "function_call": "function_call",
    "tool_call": "function_call", "tool_response": "tool",
}  # fmt: skip
# With what the type of a part of a message begins that is no text.
MEDIA_PARTS = ("image", "input_image", "audio", "input_audio", "video", "input_video", "file", "input_file")
SPEAKERS = {*ROLES, *SHAREGPT_ROLES}
_OPENING = frozenset("[{ \t\r\n")
# How messages begin, and who speaks, where Python printed them into a cell.
_PRINTED = re.compile(r"\[?\s*\{'(role|content|from|value)': ")
_SPEAKER = re.compile(r"'(role|from)': '(system|developer|user|human|assistant|gpt|tool)'")
# The same of messages in JSON, whole or not.
_BEGUN = re.compile(r'(\[\s*\{\s*"id"|\[?\s*\{\s*"(role|content|from|value)")\s*:')
_SAID_BY = re.compile(rf'"(role|from)"\s*:\s*"({"|".join(sorted(SPEAKERS))})"', re.IGNORECASE)
_SAID = re.compile(r'"(content|value|tool_calls)"\s*:\s*["\[]')
# Of a list that is cut in its first message: there it says nothing that a message does not.
_CUT = re.compile(rf'\[\s*\{{\s*("content"\s*:\s*"|{_SAID_BY.pattern})[^}}]*\Z', re.IGNORECASE)
# What a model thought before it answered, in messages or their JSON in a cell: no part of a reply here.
_THOUGHT = re.compile(r'"(reasoning_content|thinking)\\*": *\\*"(?!\\*")')


def plain_text(value: object, field: str) -> str:
    """`value` as text that both engines can store.

    Raises:
        RowFault: it is no text, or holds a NUL.
    """
    if not isinstance(value, str):
        parts = value if isinstance(value, list) else []
        if not parts or not all(isinstance(part, dict) and part.get("type") == "text" for part in parts):
            raise _not_text(parts, field)
        value = "".join(str(part.get("text", "")) for part in parts)
    if "\x00" in value:
        raise RowFault("not_text", f"{field} holds a NUL byte; remove it")
    # Half a surrogate pair cannot stand here: neither JSON, Arrow nor a decoded line lets one through.
    return value


def _not_text(parts: list[Any], field: str) -> RowFault:
    kinds = [str(part["type"]) for part in parts if isinstance(part, dict) and part.get("type")]
    if shown := [kind for kind in kinds if kind.startswith(MEDIA_PARTS)]:
        return RowFault(
            "has_media",
            f"{field} has a part {shown[0][:40]!r}, which no text says; where the text can be judged without it, leave it out",
        )
    return RowFault("not_text", f"{field} is not text")


def json_text(value: object, field: str) -> str:
    """`value` as JSON. Raises RowFault where JSON cannot say it: bytes of a table, or hundreds of levels."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise RowFault("bad_tools", f"{field} cannot be written as JSON ({error})") from None


def as_messages(value: object, field: str) -> list[Json]:
    """Chat messages from a list of them, from their JSON (as tables hold it), or from one text of the user."""
    if not isinstance(value, list):
        value = unfolded(value, field)
        if isinstance(value, str):
            if not value or value.isspace():
                raise RowFault("empty_prompt", f"{field} is empty")
            return [{"role": "user", "content": plain_text(value, field)}]
        value = [value] if isinstance(value, dict) else value
    if not isinstance(value, list) or not value:
        raise RowFault(
            "empty_prompt" if value in (None, [], "") else "not_messages",
            f"{field} is neither text nor a list of messages",
        )
    return [_message(message, field, number) for number, message in enumerate(value)]


def unfolded(value: Any, field: str) -> Any:
    """The message or the messages that a text holds as their JSON, as tables have them; anything else, other JSON too, as it is.

    Raises:
        RowFault: it holds them as Python prints them, or as JSON that cannot be read.
    """
    if not isinstance(value, str) or value[:1] not in _OPENING:  # nearly every text there is
        return value
    text = value.strip()
    if text[:1] not in ("[", "{"):
        return value
    if _PRINTED.match(text) and text.endswith(("}", "]")) and _SPEAKER.search(text):
        raise RowFault(
            "not_messages",
            f"{field} holds messages as Python prints them; write them as JSON, or save the table as Parquet",
        )
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if _BEGUN.match(text) and _is_of_messages(text, error):
            raise RowFault(
                "not_json",
                f"{field} holds messages that are not JSON ({error.msg} at character {error.pos + 1}); write them whole, line feeds"
                " in them as \\n, null for NaN and both halves of a surrogate pair, or save the table as Parquet",
            ) from None
        return value
    if isinstance(found, list):
        return found if found and _is_message(found[0]) else value  # what the first one is, all should be
    return found if _is_message(found) and ("role" not in found or found.keys() <= PARTS) else value


def _is_message(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    if str(value.get("role")).lower() in SPEAKERS:
        return "content" in value or "tool_calls" in value
    return isinstance(value.get("value"), str) and str(value.get("from")).lower() in SHAREGPT_ROLES


def _is_of_messages(text: str, error: orjson.JSONDecodeError) -> bool:
    """Whether a text that begins as messages and is no JSON was meant as them alone: a question about JSON goes on behind it."""
    is_cut = error.pos >= len(text)
    if "after document" in error.msg or not (is_cut or text.endswith(("}", "]"))):
        return False
    is_said = _SAID_BY.search(text) is not None and _SAID.search(text) is not None
    return is_said or (is_cut and _CUT.match(text) is not None)


def _message(value: object, field: str, number: int | None = None) -> Json:
    if type(value) is dict and len(value) == 2:  # nearly every message there is
        content = value.get("content")
        if type(value.get("role")) is str and type(content) is str and "\x00" not in content:
            return value
    field = field if number is None else f"{field}[{number}]"
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        raise RowFault("not_messages", f"{field} is not a message with a role")
    message: Json = {key: value[key] for key in KEPT if value.get(key) is not None}
    if "content" in message:
        message["content"] = plain_text(message["content"], f"{field}.content")
    if "tool_calls" in message:
        if not isinstance(message["tool_calls"], list) or not all(isinstance(c, dict) for c in message["tool_calls"]):
            raise RowFault("bad_tools", f"{field}.tool_calls is not a list of objects")
        # Through JSON: a table may hold dates and gaps there.
        calls: list[Json] = orjson.loads(json_text(message["tool_calls"], f"{field}.tool_calls"))
        message["tool_calls"] = [_call(call) for call in calls]
    for name in ("name", "tool_call_id"):
        if not isinstance(message.get(name, ""), str | int):
            raise RowFault("not_messages", f"{field}.{name} is not text")
    return message


def _call(call: Json) -> Json:
    """A tool call whose arguments are a JSON string, as chat completions have it; TRL's rows hold the object."""
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), dict):
        return call
    return {**call, "function": {**function, "arguments": orjson.dumps(function["arguments"]).decode()}}


def as_prompt(messages: Sequence[Json], tools: object = None) -> Prompt:
    """A prompt from messages. Raises RowFault where it is none."""
    fault = messages_fault(messages)
    if fault:
        if "end in" in fault:
            raise RowFault("prompt_ends_wrong", fault)
        raise RowFault("empty_prompt" if "empty" in fault or "no messages" in fault else "not_messages", fault)
    if isinstance(tools, str):
        try:
            tools = orjson.loads(tools) if tools.strip() else None
        except orjson.JSONDecodeError:
            raise RowFault("bad_tools", "tools is not JSON") from None
    if not tools:
        return Prompt(tuple(messages))
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise RowFault("bad_tools", "tools is not a list of objects")
    return Prompt(tuple(messages), tuple(map(_offered, orjson.loads(json_text(tools, "tools")))))


def _offered(tool: Json) -> Json:
    """A tool in the shape of chat completions; LLaMA-Factory and ms-swift also write the bare function."""
    is_other = tool.get("type", "function") != "function" or not tool.keys().isdisjoint(("input_schema", "inputSchema"))
    if "function" in tool or "name" not in tool or is_other:  # Anthropic's and MCP's have schemas of their own
        return tool
    return {"type": "function", "function": {key: tool[key] for key in tool if key != "type"}}


def _unless_of_others(found: Any, text: str) -> Any:
    """What a reply's text holds; the text where that is one message of somebody else, of whom it tells."""
    messages = found if isinstance(found, list) else [found]
    is_single = len(messages) == 1 and isinstance(messages[0], dict)
    role = str(messages[0].get("role", "assistant")).lower() if is_single else "assistant"
    return found if SHAREGPT_ROLES.get(role, role) in ("assistant", "function_call") else text


def as_reply(value: object, field: str, source: object = None) -> Reply:
    """A completion from a text, an assistant message, or a list of just one.

    Raises:
        RowFault: it is empty, has more than one message, or is not the assistant's.
    """
    if value is None:
        raise RowFault("missing_field", f"{field} is missing")
    if type(value) is str and value[:1] in _OPENING:
        value = _unless_of_others(unfolded(value, field), value)
    if isinstance(value, list):
        if len(value) != 1:
            raise RowFault(
                "not_one_reply", f"{field} has {len(value)} messages; a completion is one message of the assistant"
            )
        value = value[0]
    calls: tuple[Json, ...] = ()
    if isinstance(value, dict):
        message = _message(value, field)
        if len(message) == 2 and message["role"] == "assistant" and source is None:
            text: str = message.get("content", "")
            if text and not text.isspace():
                return Reply(text)  # nearly every reply there is
        if message["role"] != "assistant":
            raise RowFault("not_one_reply", f"{field} is a message of the {message['role']}, not of the assistant")
        calls = tuple(message.get("tool_calls", ()))
        value = message.get("content", "")
    text = plain_text(value, field)
    if not calls and (not text or text.isspace()):
        raise RowFault("empty_side", f"{field} is empty")
    return Reply(text, calls, _name(source))


def holds_thoughts(record: Json) -> bool:
    """Whether a row says what a model thought before it answered."""
    with suppress(RecursionError):
        return _THOUGHT.search(json.dumps(record, default=str)) is not None
    return False


def split_conversations(chosen: list[Json], rejected: list[Json]) -> tuple[list[Json], Json, Json]:
    """The prompt that two conversations share (their common beginning), and the one message with which each goes on.

    Raises:
        RowFault: they are the same, or one goes on for more or less than one message.
    """
    shared = next(
        (place for place, (one, other) in enumerate(zip(chosen, rejected, strict=False)) if one != other),
        min(len(chosen), len(rejected)),
    )
    left = len(chosen) - shared, len(rejected) - shared
    if left == (0, 0):
        raise RowFault("identical_sides", "the two conversations are the same")
    if left != (1, 1):
        raise RowFault(
            "different_prompts",
            f"the two conversations part after {shared} messages and go on for {left[0]} and {left[1]};"
            " a completion is one message",
        )
    return chosen[:shared], chosen[shared], rejected[shared]


def shared_length(one: str, other: str) -> int:
    """With how many characters the two texts begin alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _name(value: Any) -> str | None:
    return plain_text(str(value), "the model's name").strip() or None if value not in (None, "") else None
