"""Axolotl, `rl: dpo` with `type: chat_template.default`: the prompt's messages, and each side as one message.

Format: https://docs.axolotl.ai/docs/rlhf.html

The loader keeps role and content of a message and drops all else in silence, so that a row with tools is refused.
"""

from exporters.rows import Message, PreferenceRow


def axolotl_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `messages`, `chosen` and `rejected`."""
    return {
        "messages": [{"role": _role(message), "content": message["content"]} for message in row.prompt],
        "chosen": {"role": "assistant", "content": row.chosen},
        "rejected": {"role": "assistant", "content": row.rejected},
    }


def axolotl_refusal(row: PreferenceRow) -> str | None:
    """`no_tools` where tools stand in it, `empty_message` where a message is blank."""
    if row.has_tools:
        return "no_tools"
    return None if all(message["content"].strip() for message in row.prompt) else "empty_message"


def _role(message: Message) -> str:
    return "system" if message["role"] == "developer" else str(message["role"])
