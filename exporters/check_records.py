"""What each format demands of one record. Pure: a parsed line in, its faults out."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from exporters.findings import Fault
from exporters.messages import is_json_object, repeated_role, tool_call_fault, tool_fault, unanswered_tool_message
from exporters.rows import Message

KNOWN_ROLES = frozenset({"system", "user", "assistant", "tool"})
MESSAGE_KEYS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "weight", "refusal"})
REPLY_KEYS = frozenset({"role", "content", "name", "tool_calls", "refusal"})


def openai_dpo_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `openai-dpo`."""
    yield from _key_faults(record, ("input", "preferred_output", "non_preferred_output"), _openai_key_remedy)
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
            yield from _output_faults(side, record[side], offers_tools=bool(tools))
    yield from _same_sides(record, "preferred_output", "non_preferred_output")


def trl_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl`."""
    yield from _trl_key_faults(record)
    if "prompt" in record:
        prompt = record["prompt"]
        if isinstance(prompt, str):
            yield Fault(
                "prompt", "is text among rows of messages", "Write a list of messages, or check as trl-standard"
            )
        else:
            yield from _prompt_faults("prompt", prompt, call_fault=_trl_call_fault)
    for side in ("chosen", "rejected"):
        if side not in record:
            continue
        if not isinstance(record[side], list) or not record[side]:
            yield Fault(side, "is not a list of messages", 'Write [{"role": "assistant", "content": "..."}]')
            continue
        yield from _reply_faults(f"{side}[0]", record[side][0], keys=MESSAGE_KEYS, call_fault=_trl_call_fault)
    yield from _same_sides(record, "chosen", "rejected")
    tools = record.get("tools")
    if tools is not None and not isinstance(tools, list | str):
        yield Fault("tools", "is neither a list nor a JSON string", "Write the list of tools as a JSON string")
    elif isinstance(tools, str) and not _is_json_list(tools):
        yield Fault("tools", "is a string that holds no JSON list", "Write the list of tools as a JSON string")


def trl_standard_faults(record: Message) -> Iterator[Fault]:
    """The faults of one line's object in `trl-standard`."""
    yield from _trl_key_faults(record)
    for key in ("prompt", "chosen", "rejected"):
        if key not in record:
            continue
        if not isinstance(record[key], str):
            yield Fault(key, "is not text", "Write a string, or check as trl")
        elif not record[key].strip():
            yield Fault(key, "is empty", "Replace the text, or leave the row out")
    yield from _same_sides(record, "chosen", "rejected")


def _key_faults(record: Message, keys: tuple[str, ...], remedy: Callable[[str], str]) -> Iterator[Fault]:
    if len(record) == len(keys) and all(key in record for key in keys):
        return
    for key in keys:
        if key not in record:
            yield Fault(key, "is missing", f"Add {key}")
    for key in record:
        if key not in keys:
            yield Fault(str(key), "is not a key of this format", remedy(key))


def _openai_key_remedy(key: str) -> str:
    if key in ("preferred_completion", "non_preferred_completion"):
        return f"Rename it to {key.replace('completion', 'output')}: the old name is no longer read"
    if key in ("tools", "parallel_tool_calls", "messages"):
        return f"Move {key} into input"
    return "Leave it out; keep ids and notes in a file beside this one"


def _trl_key_faults(record: Message) -> Iterator[Fault]:
    for key in ("prompt", "chosen", "rejected"):
        if key not in record:
            yield Fault(key, "is missing", f"Add {key}")
    for key in ("label", "completion", "messages"):
        if key in record:
            yield Fault(key, "belongs to another type of data set", f"Leave {key} out: the trainer stops at it")


def _input_faults(given: Message) -> Iterator[Fault]:
    for key in given:
        if key not in ("messages", "tools", "parallel_tool_calls"):
            yield Fault(f"input.{key}", "is not a key of this format", "Leave it out")
    if "messages" not in given:
        yield Fault("input.messages", "is missing", "Add the messages of the prompt")
    else:
        yield from _prompt_faults("input.messages", given["messages"], call_fault=tool_call_fault, is_for_services=True)
    if "tools" in given:
        if not isinstance(given["tools"], list):
            yield Fault("input.tools", "is not a list", "Write a list of tools, or leave it out")
        elif not given["tools"]:
            yield Fault("input.tools", "is an empty list", "Leave tools out where there are none", "warning")
        else:
            yield from (
                Fault(f"input.tools[{place}]", fault, "Mend the tool")
                for place, tool in enumerate(given["tools"])
                if (fault := tool_fault(tool))
            )
    if "parallel_tool_calls" in given:
        if not isinstance(given["parallel_tool_calls"], bool):
            yield Fault("input.parallel_tool_calls", "is neither true nor false", "Write true or false")
        elif not given.get("tools"):
            yield Fault("input.parallel_tool_calls", "stands without tools", "Leave it out", "warning")


def _prompt_faults(
    field: str, messages: Any, *, call_fault: Callable[[Any], str | None], is_for_services: bool = False
) -> Iterator[Fault]:
    """Faults of the messages of a prompt. Services know no developer, and some want neighbours of different roles."""
    if not isinstance(messages, list) or not messages:
        yield Fault(field, "is not a list with at least one message", "Write the messages of the prompt")
        return
    sound = True
    for place, message in enumerate(messages):
        name = f"{field}[{place}]"
        if not isinstance(message, dict):
            yield Fault(name, "is not an object", 'Write {"role": "user", "content": "..."}')
            sound = False
            continue
        role: Any = message.get("role")
        if fault := _role_fault(f"{name}.role", role, knows_developer=not is_for_services):
            yield fault
            if fault.severity == "error":
                sound = False
                continue
        yield from _content_faults(name, message, role, call_fault)
    if not sound:
        return
    last = messages[-1].get("role")
    if last not in ("user", "tool"):
        yield Fault(f"{field}[{len(messages) - 1}].role", f"is {last!r}: the prompt has to end in a user or tool message", "Leave the last message out, or add the question")  # fmt: skip
    if is_for_services and len(messages) > 1 and (number := repeated_role(messages)):
        yield Fault(f"{field}[{number - 1}].role", "is the role of the message before; Together refuses such a file", "Join the two messages", "warning")  # fmt: skip
    if len(messages) > 1 and (number := unanswered_tool_message(messages)):
        yield Fault(f"{field}[{number - 1}].tool_call_id", "answers no earlier tool call", "Name the id of the call that it answers")  # fmt: skip


def _role_fault(field: str, role: Any, *, knows_developer: bool) -> Fault | None:
    if role == "developer":
        if knows_developer:
            return Fault(field, "is 'developer', which hardly a chat template knows", "Write system instead", "warning")
        return Fault(field, "is 'developer', which is not known", "Write system instead")
    if isinstance(role, str) and role in KNOWN_ROLES:
        return None
    return Fault(field, f"is {role!r}, which is not known", "Use system, user, assistant or tool")


def _content_faults(name: str, message: Message, role: str, call_fault: Callable[[Any], str | None]) -> Iterator[Fault]:
    content = message.get("content")
    if len(message) > 2:
        for key in message:
            if key not in MESSAGE_KEYS:
                yield Fault(f"{name}.{key}", "is not a key of a message", "Leave it out")
        if "weight" in message and (role != "assistant" or message["weight"] not in (0, 1)):
            yield Fault(f"{name}.weight", "is only for assistant messages, and 0 or 1", "Leave it out")
    calls = message.get("tool_calls")
    if calls is not None:
        yield from _call_faults(name, calls, call_fault)
    if isinstance(content, str):
        if not content.strip() and not calls and role != "tool":
            yield Fault(f"{name}.content", "is empty", "Leave the message out, or write what it said")
    elif content is None and calls:
        yield Fault(f"{name}.content", "is null, which Together refuses", 'Write "" beside tool calls', "warning")
    else:
        yield Fault(f"{name}.content", _not_text(message), "Write the content as one string")


def _not_text(message: Message) -> str:
    if "content" not in message:
        return "is missing"
    return "is a list of parts" if isinstance(message["content"], list) else "is not text"


def _call_faults(name: str, calls: Any, call_fault: Callable[[Any], str | None]) -> Iterator[Fault]:
    if not isinstance(calls, list) or not calls:
        yield Fault(f"{name}.tool_calls", "is not a list with at least one call", "Leave it out where there is none")
        return
    for place, call in enumerate(calls):
        if fault := call_fault(call):
            yield Fault(f"{name}.tool_calls[{place}]", fault, "Mend the call")


def _trl_call_fault(call: Any) -> str | None:
    """As for OpenAI, but arguments may be an object, and an id is not needed."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return "a tool call has no function"
    if not isinstance(function.get("name"), str) or not function["name"]:
        return "a tool call names no function"
    arguments = function.get("arguments")
    if not isinstance(arguments, dict) and not (isinstance(arguments, str) and is_json_object(arguments)):
        return "a tool call's arguments are no JSON object"
    return None


def _output_faults(side: str, output: Any, *, offers_tools: bool) -> Iterator[Fault]:
    if not isinstance(output, list) or len(output) != 1:
        found = f"has {len(output)} messages" if isinstance(output, list) else "is not a list"
        yield Fault(side, f"{found}; it holds exactly one", 'Write [{"role": "assistant", "content": "..."}]')
        return
    yield from _reply_faults(f"{side}[0]", output[0], keys=REPLY_KEYS, call_fault=tool_call_fault)
    if isinstance(output[0], dict) and output[0].get("tool_calls") and not offers_tools:
        yield Fault(f"{side}[0].tool_calls", "calls tools that input does not offer", "Add the tools to input.tools")


def _reply_faults(
    name: str, reply: Any, *, keys: frozenset[str], call_fault: Callable[[Any], str | None]
) -> Iterator[Fault]:
    if not isinstance(reply, dict):
        yield Fault(name, "is not an object", 'Write {"role": "assistant", "content": "..."}')
        return
    if reply.get("role") != "assistant":
        yield Fault(f"{name}.role", f"is {reply.get('role')!r}; a reply is the assistant's", "Write assistant")
    if len(reply) > 2:
        for key in reply:
            if key not in keys:
                yield Fault(f"{name}.{key}", "is not a key of a reply", "Leave it out")
    calls = reply.get("tool_calls")
    if calls is not None:
        yield from _call_faults(name, calls, call_fault)
    content = reply.get("content")
    if isinstance(content, str):
        if not content.strip() and not calls:
            yield Fault(f"{name}.content", "is empty", "Replace the reply, or leave the row out")
    elif content is None and calls:
        yield Fault(f"{name}.content", "is null, which Together refuses", 'Write "" beside tool calls', "warning")
    else:
        yield Fault(f"{name}.content", _not_text(reply), "Write the content as one string")


def _same_sides(record: Message, better: str, worse: str) -> Iterator[Fault]:
    if better in record and worse in record and record[better] == record[worse]:
        yield Fault(worse, f"is the same as {better}: there is nothing to learn from", "Leave the row out")


def _is_json_list(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), list)
    except orjson.JSONDecodeError:
        return False
