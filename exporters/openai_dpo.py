"""OpenAI preference fine-tuning (PFT, DPO): one JSON object per line. Azure, Together and Fireworks read it too.

Format: https://developers.openai.com/api/docs/guides/direct-preference-optimization

One spelling is written that all of them take: exactly one assistant message a side, text content everywhere ("" beside
tool calls: Together refuses null), role `developer` as `system` (only OpenAI's newest models know the former), no key
that is not in the format, `tools` and `parallel_tool_calls` only where the prompt has tools. Two neighbouring messages
of one role are refused, because Together turns down a whole file for one such row. Tool messages are kept, also several
in a row (they answer parallel calls): OpenAI and Azure take them. Together and Fireworks do not; the check says so.
"""

from exporters.messages import (
    KNOWN_KEYS,
    faulty_calls,
    is_empty,
    keys_without_text,
    not_offered,
    repeated_role,
    service_tool_fault,
    unanswered_tool_message,
)
from exporters.rows import Message, PreferenceRow

# Meant for supervised tuning, where each assistant message can be weighed. Here only the two replies are trained on.
IGNORED_KEYS = frozenset({"weight", "refusal"})


def openai_dpo_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as one line's object: `input`, `preferred_output`, `non_preferred_output`."""
    messages = [openai_message(message) for message in row.prompt]
    given: dict[str, object] = {"messages": messages}
    if row.tools:
        # What chat completions do where nothing is said, and what the replies were generated under.
        given |= {"tools": row.tools, "parallel_tool_calls": True}
    return {
        "input": given,
        "preferred_output": [openai_reply(row.chosen, row.chosen_tool_calls)],
        "non_preferred_output": [openai_reply(row.rejected, row.rejected_tool_calls)],
    }


def openai_dpo_refusal(row: PreferenceRow) -> str | None:
    """Why `row` cannot be written here, as a key of `REFUSALS`; None where it can."""
    messages = [openai_message(message) for message in row.prompt]
    for message in messages:
        if is_empty(message):
            return "empty_message"
        if len(message) > 2 and (not message.keys() <= KNOWN_KEYS or any(keys_without_text(message))):
            return "unknown_key"
    if repeated_role(messages):
        return "repeated_role"
    return _tool_refusal(row) if row.has_tools else None


def _tool_refusal(row: PreferenceRow) -> str | None:
    if any(map(service_tool_fault, row.tools)):
        return "tool"
    if next(faulty_calls(row.prompt, row.chosen_tool_calls, row.rejected_tool_calls), None):
        return "tool_call"
    if unanswered_tool_message(row.prompt):
        return "tool_message"
    if not_offered((*row.chosen_tool_calls, *row.rejected_tool_calls), row.tools):
        return "calls_without_tools"
    return None


def openai_message(message: Message) -> Message:
    if len(message) == 2 and message["role"] != "developer" and message.get("content") is not None:
        return message
    written = {key: value for key, value in message.items() if key not in IGNORED_KEYS}
    if not written.get("tool_calls", True):  # no call at all, as some clients write it
        del written["tool_calls"]
    if written["role"] == "developer":
        written["role"] = "system"
    if written.get("content") is None:
        written["content"] = ""
    return written


def openai_reply(text: str, tool_calls: tuple[Message, ...]) -> Message:
    reply: Message = {"role": "assistant", "content": text}
    if tool_calls:
        reply["tool_calls"] = tool_calls
    return reply
