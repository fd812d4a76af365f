"""Services that read OpenAI's preference lines with narrower rules: Azure, Together, Fireworks.

Azure:     https://learn.microsoft.com/azure/ai-foundry/openai/how-to/fine-tuning-direct-preference-optimization
Together:  https://docs.together.ai/docs/fine-tuning/preference-tuning
Fireworks: https://docs.fireworks.ai/fine-tuning/dpo-fine-tuning

A line is spelled as in `openai-dpo`. Azure takes all of it, and documents a byte-order mark, which a switch writes.
Together knows no tool messages. Fireworks takes prompts of one turn, no tool messages, and replies of text.
"""

from exporters.openai_dpo import openai_dpo_record, openai_dpo_refusal
from exporters.rows import PreferenceRow


def together_dpo_refusal(row: PreferenceRow) -> str | None:
    """As `openai_dpo_refusal`, and `tool_turns` where a tool's result stands in the prompt."""
    return openai_dpo_refusal(row) or ("tool_turns" if has_tool_turns(row) else None)


def fireworks_dpo_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `openai_dpo_record` does, without the switch for parallel calls."""
    record = openai_dpo_record(row)
    given = record["input"]
    if row.tools and isinstance(given, dict):
        del given["parallel_tool_calls"]
    return record


def fireworks_dpo_refusal(row: PreferenceRow) -> str | None:
    """As `together_dpo_refusal`; `several_turns` after an earlier reply, `reply_calls` where a reply calls a tool."""
    if code := together_dpo_refusal(row):
        return code
    if any(message["role"] == "assistant" for message in row.prompt):
        return "several_turns"
    return "reply_calls" if row.chosen_tool_calls or row.rejected_tool_calls else None


def has_tool_turns(row: PreferenceRow) -> bool:
    return any(message["role"] == "tool" or message.get("tool_calls") for message in row.prompt)
