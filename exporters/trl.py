"""TRL's preference types with an explicit prompt: conversational (`trl`), standard (`trl-standard`), with a margin for
reward models (`trl-reward`), and single completions for KTO (`trl-kto`).

Format: https://huggingface.co/docs/trl/dataset_formats

Conversational rows keep every role; tools are a JSON string, so that the column has one type whatever the tools look
like, and a call's arguments are an object, as chat templates expect them.

Standard rows are strings which the trainer joins as they are. Only a prompt of one user message has one plain spelling
as a string; for system prompts, several turns and tools each model has its own template, and any text we made up for
them would be trained on. Such rows are refused with a reason: `trl` takes them and applies the model's template.
"""

from typing import Any

import orjson

from exporters.messages import (
    KNOWN_KEYS,
    faulty_calls,
    is_empty,
    is_json_object,
    trl_call_fault,
    unanswered_tool_message,
)
from exporters.rows import CompletionRow, Message, PreferenceRow


def trl_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `prompt`, `chosen`, `rejected`, each a list of messages, and `tools` where there are any."""
    record: dict[str, object] = {
        "prompt": [_message(message) for message in row.prompt],
        "chosen": [_reply(row.chosen, row.chosen_tool_calls)],
        "rejected": [_reply(row.rejected, row.rejected_tool_calls)],
    }
    if row.tools:
        record["tools"] = orjson.dumps(row.tools).decode()
    return record


def trl_refusal(row: PreferenceRow) -> str | None:
    """`empty_message`, `tool_call` or `tool_message` where the prompt or a call is not whole; tools are taken as they are."""
    if any(map(is_empty, row.prompt)):
        return "empty_message"
    if not row.has_tools:
        return None
    if next(faulty_calls(row.prompt, row.chosen_tool_calls, row.rejected_tool_calls, fault=trl_call_fault), None):
        return "tool_call"
    return "tool_message" if unanswered_tool_message(row.prompt) else None


def trl_reward_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `trl_record` does, with `margin`: how much better the chosen side is, on the raters' scale."""
    return {**trl_record(row), "margin": row.margin}


def trl_reward_refusal(row: PreferenceRow) -> str | None:
    """As `trl_refusal`; `no_strength` where a rater gave none: a margin that nobody stated would be made up;
    `opposed_strength` where the majority is for one side, and the strengths together for the other."""
    if row.margin is None:
        return "no_strength"
    return "opposed_strength" if row.margin < 0 else trl_refusal(row)


def trl_kto_record(row: CompletionRow) -> dict[str, object]:
    """Return `row` as `prompt`, `completion` and `label`, and `tools` where there are any."""
    record: dict[str, object] = {
        "prompt": [_message(message) for message in row.prompt],
        "completion": [_reply(row.text, row.tool_calls)],
        "label": row.is_desirable,
    }
    if row.tools:
        record["tools"] = orjson.dumps(row.tools).decode()
    return record


def trl_standard_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as three strings, for a prompt of one user message."""
    return {"prompt": row.prompt[0]["content"], "chosen": row.chosen, "rejected": row.rejected}


def trl_standard_refusal(row: PreferenceRow) -> str | None:
    """`needs_roles` where the row is more than one user message and two texts."""
    if len(row.prompt) > 1 or row.prompt[0]["role"] != "user" or row.has_tools:
        return "needs_roles"
    return None if row.prompt[0]["content"].strip() else "empty_message"


def _message(message: Message) -> Message:
    if len(message) == 2 and message["role"] != "developer" and message.get("content") is not None:
        return message
    written = {key: value for key, value in message.items() if key in KNOWN_KEYS}
    if written["role"] == "developer":  # hardly a chat template knows it; some leave the message out in silence
        written["role"] = "system"
    if written.get("content") is None:
        written["content"] = ""
    if calls := written.pop("tool_calls", None):
        written["tool_calls"] = [_call(call) for call in calls]
    return written


def _reply(text: str, tool_calls: tuple[Message, ...]) -> Message:
    reply: Message = {"role": "assistant", "content": text}
    if tool_calls:
        reply["tool_calls"] = [_call(call) for call in tool_calls]
    return reply


def _call(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if not isinstance(arguments, str) or not is_json_object(arguments):
        return call
    return {**call, "function": {**function, "arguments": orjson.loads(arguments)}}
