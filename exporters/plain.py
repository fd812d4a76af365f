"""Records told apart quickly: the plain ones, in which nothing can be wrong, from all others.

Nearly every row of a file has the same simple shape. Knowing it at a glance halves the work of a check; whatever is not
plain goes through the full rules, which say what is wrong, if anything.
"""

from typing import Any, TypeAlias

from exporters.rows import Message

# The prompt as it stands, and the texts of both sides ("" where they are no text, None where the format has one side).
Parts: TypeAlias = tuple[Any, str, str | None]
# The same of a pair that is text alone: its messages as JSON, and both texts.
PlainPair: TypeAlias = tuple[bytes, str, str]

MESSAGE_LISTS = ("prompt", "chosen", "rejected", "completion", "messages", "preferred_output", "non_preferred_output")
NEXT_ROLES = {"": ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}


def plain_openai(record: Message) -> Parts | None:
    """The parts of a sound `openai-dpo` record without tools and names; None where a closer look is needed."""
    try:
        given = record["input"]
        if len(record) != 3 or len(given) != 1:
            return None
        return _plain_pair(given["messages"], record["preferred_output"], record["non_preferred_output"])
    except (KeyError, TypeError):
        return None


def plain_trl(record: Message) -> Parts | None:
    """The same for `trl`."""
    try:
        return _plain_pair(record["prompt"], record["chosen"], record["rejected"]) if len(record) == 3 else None
    except KeyError:
        return None


def plain_kto(record: Message) -> Parts | None:
    """The same for `trl-kto`."""
    try:
        if len(record) != 3 or type(record["label"]) is not bool:
            return None
        messages = record["prompt"]
        text = _plain_reply(record["completion"])
    except (KeyError, TypeError, ValueError):
        return None
    return (messages, text, None) if text is not None and is_plain_prompt(messages) else None


def plain_strings(record: Message) -> Parts | None:
    """The same for `trl-standard`."""
    texts = record.get("prompt"), record.get("chosen"), record.get("rejected")
    prompt, chosen, rejected = texts
    if not isinstance(prompt, str) or not isinstance(chosen, str) or not isinstance(rejected, str):
        return None
    if len(record) != 3 or chosen == rejected or not (prompt.strip() and chosen.strip() and rejected.strip()):
        return None
    return prompt, chosen, rejected


def openai_parts(record: Message) -> Parts:
    """The prompt and the texts of any `openai-dpo` record, however broken."""
    given = record.get("input")
    messages = given.get("messages") if isinstance(given, dict) else None
    return messages, text_of(record.get("preferred_output")), text_of(record.get("non_preferred_output"))


def trl_parts(record: Message) -> Parts:
    """The same for `trl`, `trl-standard` and `trl-reward`."""
    return record.get("prompt"), text_of(record.get("chosen")), text_of(record.get("rejected"))


def kto_parts(record: Message) -> Parts:
    """The same for `trl-kto`: there is one text."""
    return record.get("prompt"), text_of(record.get("completion")), None


def sft_parts(record: Message) -> Parts:
    """The same for `sft`: the last message is the one text."""
    messages = record.get("messages")
    if not isinstance(messages, list) or not messages:
        return None, "", None
    return messages[:-1], text_of(messages[-1]), None


def axolotl_parts(record: Message) -> Parts:
    """The same for `axolotl`."""
    return record.get("messages"), text_of(record.get("chosen")), text_of(record.get("rejected"))


def llama_factory_parts(record: Message) -> Parts:
    """The same for `llama-factory`."""
    turns = [record.get("system"), record.get("conversations")]
    return turns, text_of(record.get("chosen")), text_of(record.get("rejected"))


def gemini_parts(record: Message) -> Parts:
    """The same for `gemini`."""
    texts = {1: "", 0: ""}
    completions = record.get("completions")
    for scored in completions if isinstance(completions, list) else ():
        if isinstance(scored, dict) and scored.get("score") in (0, 1):
            completion = scored.get("completion")
            texts[int(scored["score"])] = text_of(completion.get("parts") if isinstance(completion, dict) else None)
    return [record.get("system_instruction"), record.get("contents")], texts[1], texts[0]


def is_rich(record: Message) -> bool:
    """Whether a record has keys that plain rows have not: tools, tool calls, names, a system instruction."""
    given = record.get("input")
    if "tools" in record or "system_instruction" in record or (isinstance(given, dict) and len(given) > 1):
        return True
    lists = [record.get(key) for key in MESSAGE_LISTS]
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


def _plain_pair(messages: Any, better: Any, worse: Any) -> Parts | None:
    """The parts of a record with these messages and lists of replies; None where they are not plain."""
    try:
        (preferred,), (other,) = better, worse
        chosen, rejected = preferred["content"], other["content"]
        if (
            len(preferred) != 2
            or len(other) != 2
            or preferred["role"] != "assistant"
            or other["role"] != "assistant"
            or chosen == rejected
            or not chosen.strip()
            or not rejected.strip()
            or not is_plain_prompt(messages)
        ):
            return None
    except (AttributeError, KeyError, TypeError, ValueError):  # not one reply, no object, no text
        return None
    return messages, chosen, rejected


def is_plain_prompt(messages: Any) -> bool:
    """Whether these are turns of text alone, in the usual order, and the user's last."""
    if not isinstance(messages, list | tuple):
        return False
    before = ""
    for message in messages:
        try:
            role, content = message["role"], message["content"]
            if len(message) != 2 or role not in NEXT_ROLES[before] or not content.strip():
                return False
        except (AttributeError, KeyError, TypeError):  # no object, no text, a role that is none
            return False
        before = role
    return before == "user"


def is_plain_question(messages: str) -> bool:
    """Whether a prompt's JSON, with sorted keys and no spaces, is at a glance one plain turn of the user.

    Others need a closer look, also those with a quote inside the text.
    """
    return (
        messages.startswith('[{"content":"')
        and messages.find('"', 13) == len(messages) - 17
        and messages.endswith('","role":"user"}]')
        and messages[13].isalnum()
    )


def _plain_reply(output: Any) -> str | None:
    """The text of a list of one plain reply. Raises KeyError, TypeError or ValueError where it is none."""
    (reply,) = output
    content = reply["content"]
    if len(reply) != 2 or reply["role"] != "assistant" or not isinstance(content, str) or not content.strip():
        return None
    return content


def text_of(side: Any) -> str:
    """The text of a reply, however it is wrapped; "" where there is none."""
    if isinstance(side, list) and side:
        side = side[0]
    if isinstance(side, dict):
        side = side.get("content", side.get("value", side.get("text")))
    return side if isinstance(side, str) else ""
