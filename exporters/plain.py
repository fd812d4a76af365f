"""Records told apart quickly: the plain ones, in which nothing can be wrong, from all others.

Nearly every row of a file has the same simple shape. Knowing it at a glance halves the work of a check; whatever is not
plain goes through the full rules, which say what is wrong, if anything.
"""

from typing import Any, TypeAlias

from exporters.rows import Message

# The prompt as it stands, and the texts of both sides ("" where they are no text).
Parts: TypeAlias = tuple[Any, str, str]

NEXT_ROLES = {"": ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}


def plain_openai(record: Message) -> Parts | None:
    """The parts of a sound `openai-dpo` record without tools and names; None where a closer look is needed."""
    try:
        given = record["input"]
        if len(record) != 3 or len(given) != 1:
            return None
        messages = given["messages"]
        chosen = _plain_reply(record["preferred_output"])
        rejected = _plain_reply(record["non_preferred_output"])
    except (KeyError, TypeError):
        return None
    return _plain_parts(messages, chosen, rejected)


def plain_trl(record: Message) -> Parts | None:
    """The same for `trl`."""
    try:
        if len(record) != 3:
            return None
        messages = record["prompt"]
        chosen = _plain_reply(record["chosen"])
        rejected = _plain_reply(record["rejected"])
    except (KeyError, TypeError):
        return None
    return _plain_parts(messages, chosen, rejected)


def plain_strings(record: Message) -> Parts | None:
    """The same for `trl-standard`."""
    texts = record.get("prompt"), record.get("chosen"), record.get("rejected")
    prompt, chosen, rejected = texts
    if not isinstance(prompt, str) or not isinstance(chosen, str) or not isinstance(rejected, str):
        return None
    if len(record) != 3 or chosen == rejected or not (prompt.strip() and chosen.strip() and rejected.strip()):
        return None
    return prompt, chosen, rejected


def parts_of(record: Message) -> Parts:
    """The prompt and the texts of any record, however broken."""
    given = record.get("input")
    if isinstance(given, dict):
        sides = record.get("preferred_output"), record.get("non_preferred_output")
        return given.get("messages"), _text_of(sides[0]), _text_of(sides[1])
    return record.get("prompt"), _text_of(record.get("chosen")), _text_of(record.get("rejected"))


def is_rich(record: Message) -> bool:
    """Whether a record has keys that plain rows have not: tools, tool calls, names."""
    given = record.get("input")
    if "tools" in record or (isinstance(given, dict) and len(given) > 1):
        return True
    lists = [record.get(key) for key in ("prompt", "chosen", "rejected", "preferred_output", "non_preferred_output")]
    if isinstance(given, dict):
        lists.append(given.get("messages"))
    return any(
        isinstance(message, dict) and len(message) > 2
        for messages in lists
        if isinstance(messages, list)
        for message in messages
    )


def has_tool_turns(prompt: Any) -> bool:
    """Whether a tool was called or answered in the messages of a prompt."""
    return isinstance(prompt, list) and any(
        isinstance(message, dict) and (message.get("role") == "tool" or "tool_calls" in message) for message in prompt
    )


def _plain_parts(messages: Any, chosen: str | None, rejected: str | None) -> Parts | None:
    if chosen is None or rejected is None or chosen == rejected or not isinstance(messages, list):
        return None
    before = ""
    for message in messages:
        if not isinstance(message, dict) or len(message) != 2:
            return None
        role, content = message.get("role"), message.get("content")
        if not isinstance(role, str) or role not in NEXT_ROLES[before]:
            return None
        if not isinstance(content, str) or not content.strip():
            return None
        before = role
    return (messages, chosen, rejected) if before == "user" else None


def _plain_reply(output: Any) -> str | None:
    if len(output) != 1:
        return None
    reply = output[0]
    if len(reply) != 2 or reply["role"] != "assistant":
        return None
    content = reply["content"]
    return content if isinstance(content, str) and content.strip() else None


def _text_of(side: Any) -> str:
    if isinstance(side, list) and side and isinstance(side[0], dict):
        side = side[0].get("content")
    return side if isinstance(side, str) else ""
