"""OpenAI supervised fine-tuning: the chosen replies as chats, one a line, for tuning before preference tuning.

Format: https://developers.openai.com/api/docs/guides/supervised-fine-tuning

TRL's SFTTrainer, Azure, Together and Fireworks read the same lines. The spelling of messages and tools is that of
`openai-dpo`, and so are the refusals.
"""

from exporters.openai_dpo import openai_message, openai_reply
from exporters.rows import CompletionRow


def sft_record(row: CompletionRow) -> dict[str, object]:
    """Return `row` as `messages`, the reply last, and `tools` where there are any."""
    messages = [openai_message(message) for message in row.prompt]
    record: dict[str, object] = {"messages": [*messages, openai_reply(row.text, row.tool_calls)]}
    if row.tools:
        record |= {"tools": row.tools, "parallel_tool_calls": True}
    return record
