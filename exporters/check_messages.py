"""What the messages of a prompt and a reply have to be, whatever the format. Pure: parsed JSON in, its faults out."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import orjson

from exporters.findings import Fault
from exporters.messages import keys_without_text, repeated_role, unanswered_tool_message
from exporters.plain import text_of
from exporters.rows import Message, as_asked

KNOWN_ROLES = frozenset({"system", "user", "assistant", "tool"})
MESSAGE_KEYS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "weight", "refusal"})
REPLY_KEYS = frozenset({"role", "content", "name", "tool_calls", "refusal"})
UNSAID = ("name", "weight")  # keys of a reply that are no part of what is learned


def key_faults(record: Message, keys: tuple[str, ...], remedy: Callable[[str], str]) -> Iterator[Fault]:
    if len(record) == len(keys) and all(key in record for key in keys):
        return
    for key in keys:
        if key not in record:
            yield Fault(key, "is missing", f"Add {key}")
    for key in record:
        if key not in keys:
            yield Fault(str(key), "is not a key of this format", remedy(key))


def prompt_faults(
    field: str,
    messages: Any,
    *,
    call_fault: Callable[[Any], str | None],
    knows_developer: bool = False,
    is_for_services: bool = False,
) -> Iterator[Fault]:
    """Faults of the messages of a prompt. Some services want neighbours of different roles, and text in every key."""
    if not isinstance(messages, list) or not messages:
        yield Fault(field, "is not a list with at least one message", "Write the messages of the prompt")
        return
    sound = yield from message_faults(
        field, messages, call_fault, knows_developer=knows_developer, is_for_services=is_for_services
    )
    if not sound:
        return
    last = messages[-1].get("role")
    if last not in ("user", "tool"):
        yield Fault(f"{field}[{len(messages) - 1}].role", f"is {last!r}: the prompt has to end in a user or tool message", "Leave the last message out, or add the question")  # fmt: skip
    if is_for_services and len(messages) > 1 and (number := repeated_role(messages)):
        yield Fault(f"{field}[{number - 1}].role", "is the role of the message before; Together refuses such a file", "Join the two messages", "warning")  # fmt: skip
    if number := unanswered_tool_message(messages):
        yield Fault(f"{field}[{number - 1}].tool_call_id", "answers no earlier tool call", "Name the id of the call that it answers")  # fmt: skip


def message_faults(
    field: str,
    messages: Sequence[Any],
    call_fault: Callable[[Any], str | None],
    *,
    begin: int = 0,
    knows_developer: bool = False,
    is_for_services: bool = False,
) -> Generator[Fault, None, bool]:
    """Faults of each message by itself, from the one at `begin` on. Returns whether all are messages of known roles."""
    sound = True
    for place, message in enumerate(messages[begin:], begin):
        name = f"{field}[{place}]"
        if not isinstance(message, dict):
            yield Fault(name, "is not an object", 'Write {"role": "user", "content": "..."}')
            sound = False
            continue
        role: Any = message.get("role")
        if fault := _role_fault(f"{name}.role", role, knows_developer=knows_developer):
            yield fault
            if fault.severity == "error":
                sound = False
                continue
        yield from _content_faults(name, message, role, call_fault, is_for_services=is_for_services)
    return sound


def _role_fault(field: str, role: Any, *, knows_developer: bool) -> Fault | None:
    if role == "developer":
        if knows_developer:
            return Fault(field, "is 'developer', which hardly a chat template knows", "Write system instead", "warning")
        return Fault(field, "is 'developer', which is not known", "Write system instead")
    if isinstance(role, str) and role in KNOWN_ROLES:
        return None
    return Fault(field, f"is {role!r}, which is not known", "Use system, user, assistant or tool")


def _content_faults(
    name: str, message: Message, role: str, call_fault: Callable[[Any], str | None], *, is_for_services: bool
) -> Iterator[Fault]:
    content = message.get("content")
    if len(message) > 2:
        for key in message:
            if key not in MESSAGE_KEYS:
                yield Fault(f"{name}.{key}", "is not a key of a message", "Leave it out")
        if is_for_services:
            yield from _text_faults(name, message)
        yield from _weight_faults(name, message, role)
    calls = message.get("tool_calls")
    if calls is not None:
        yield from call_faults(name, calls, call_fault)
    if isinstance(content, str):
        if not content.strip() and not calls and role != "tool":
            yield Fault(f"{name}.content", "is empty", "Leave the message out, or write what it said")
    elif content is None and calls:
        yield Fault(f"{name}.content", "is null, which Together refuses", 'Write "" beside tool calls', "warning")
    else:
        yield Fault(f"{name}.content", not_text(message), "Write the content as one string")


def _text_faults(name: str, message: Message) -> Iterator[Fault]:
    for key in keys_without_text(message):
        yield Fault(f"{name}.{key}", "is not text", "Write it as a string, or leave it out")


def _weight_faults(name: str, message: Message, role: Any) -> Iterator[Fault]:
    weight = message.get("weight", 0)
    if type(weight) is not int or weight not in (0, 1) or ("weight" in message and role != "assistant"):
        yield Fault(f"{name}.weight", "is only for assistant messages, and 0 or 1", "Leave it out")


def not_text(message: Message) -> str:
    if "content" not in message:
        return "is missing"
    return "is a list of parts" if isinstance(message["content"], list) else "is not text"


def call_faults(name: str, calls: Any, call_fault: Callable[[Any], str | None]) -> Iterator[Fault]:
    if not isinstance(calls, list) or not calls:
        yield Fault(f"{name}.tool_calls", "is not a list with at least one call", "Leave it out where there is none")
        return
    for place, call in enumerate(calls):
        if fault := call_fault(call):
            yield Fault(f"{name}.tool_calls[{place}]", fault, "Mend the call")


def reply_faults(
    name: str,
    reply: Any,
    *,
    keys: frozenset[str],
    call_fault: Callable[[Any], str | None],
    is_for_services: bool = False,
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
        if is_for_services:
            yield from _text_faults(name, reply)
        if "weight" in keys:
            yield from _weight_faults(name, reply, "assistant")
    calls = reply.get("tool_calls")
    if calls is not None:
        yield from call_faults(name, calls, call_fault)
    content = reply.get("content")
    if isinstance(content, str):
        if not content.strip() and not calls:
            yield Fault(f"{name}.content", "is empty", "Replace the reply, or leave the row out")
    elif content is None and calls:
        yield Fault(f"{name}.content", "is null, which Together refuses", 'Write "" beside tool calls', "warning")
    else:
        yield Fault(f"{name}.content", not_text(reply), "Write the content as one string")


def same_sides(record: Message, better: str, worse: str, *, read: tuple[str, ...] = ()) -> Iterator[Fault]:
    if better in record and worse in record and say_the_same(record[better], record[worse], read=read):
        yield Fault(worse, f"is the same as {better}: there is nothing to learn from", "Leave the row out")


def say_the_same(one: Any, other: Any, *, read: tuple[str, ...] = ()) -> bool:
    """Whether two sides say the same. `read` are the keys of a message that its reader looks at, where not at all."""
    if text_of(one) != text_of(other):
        return False
    sides = [{key: side.get(key) for key in read} if read and isinstance(side, dict) else side for side in (one, other)]
    try:
        first, second = (json.dumps(said(side), sort_keys=True, default=str) for side in sides)  # where true is not 1
    except RecursionError:  # which is told of the line
        return False
    return first == second


def said(side: Any) -> Any:
    """A side without what tells no two apart: keys with nothing in them, names, ids of calls, how arguments are spaced."""
    if isinstance(side, list):
        return [said(message) for message in side]
    if not isinstance(side, dict):
        return side
    kept = {key: value for key, value in side.items() if value not in (None, "", []) and key not in UNSAID}
    if isinstance(calls := kept.get("tool_calls"), list):
        kept["tool_calls"] = [as_asked(call) for call in calls]
    return kept


def is_json_list(text: str) -> bool:
    """Whether this is a list of objects, as tools and calls are."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, list) and all(isinstance(one, dict) for one in found)
