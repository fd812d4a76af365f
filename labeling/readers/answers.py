"""Rows of single completions that join prompts by id, and of prompts alone."""

from dataclasses import replace
from typing import Any

from labeling.readers.chat import as_messages, as_reply, plain_text
from labeling.readers.columns import (
    Columns,
    cell,
    expect_whole_id,
    identifier,
    is_blank,
    needed,
    plain_name,
    prompt_row,
)
from labeling.readers.refusals import RowFault
from labeling.readers.scored import marked_turns
from labeling.rows import CompletionRow, PromptRow


def completion_table(record: dict[str, Any], columns: Columns) -> CompletionRow:
    reply = as_reply(needed(record, columns, "response"), columns["response"], cell(record, columns, "model"))
    ended = record.get("finish_reason", record.get("stop_reason"))
    if isinstance(ended, str) and ended.strip():
        reply = replace(reply, finish_reason=ended.strip()[:40])
    if cell(record, columns, "prompt") or _is_input_alone(record, columns):
        messages = marked_turns(record, columns) if "helpfulness" in record else None  # HelpSteer2's single answers
        return CompletionRow(reply, prompt=prompt_row(record, columns, messages))
    return CompletionRow(reply, external_id=_needed_id(record, columns))


def _is_input_alone(record: dict[str, Any], columns: Columns) -> bool:
    """Whether the second part of an instruction is the prompt, where there is no first; a context alone asks nothing."""
    return plain_name(columns.get("input", "")) == "input" and not is_blank(cell(record, columns, "input"))


def _needed_id(record: dict[str, Any], columns: Columns) -> str:
    expect_whole_id(record, columns)
    found = identifier(cell(record, columns, "id"))
    if found is None:
        raise RowFault("missing_field", "the row has neither a prompt nor the id of one")
    return found


def arena_answer(record: dict[str, Any], columns: Columns) -> CompletionRow:
    """Arena-hard's answers: the last message holds `{"answer": text}` or a text; the prompt is known by its id."""
    last = record["messages"][-1] if isinstance(record["messages"], list) and record["messages"] else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        raise RowFault("not_one_reply", "the last message is not the assistant's")
    content = last.get("content")
    text = content.get("answer") if isinstance(content, dict) else content
    return CompletionRow(as_reply(text, "the answer", record.get("model")), external_id=_needed_id(record, columns))


def fastchat_answer(record: dict[str, Any], columns: Columns) -> CompletionRow:
    """FastChat's answers: `choices[0].turns[0]` answers the first turn."""
    try:
        text = record["choices"][0]["turns"][0]
    except (LookupError, TypeError):
        raise RowFault("missing_field", '"choices[0].turns[0]" is missing') from None
    return CompletionRow(
        as_reply(text, "choices[0].turns[0]", record.get("model_id")), external_id=_needed_id(record, columns)
    )


def prompt_alone(record: dict[str, Any], columns: Columns) -> PromptRow:
    """A prompt by itself, which completions may join by its id."""
    expect_whole_id(record, columns)
    return prompt_row(record, columns)


def questions(record: dict[str, Any], columns: Columns) -> PromptRow:
    """MT-bench: the first turn is the prompt, later ones are kept as follow-ups."""
    turns = record["turns"]
    if not isinstance(turns, list) or not turns:
        raise RowFault("empty_prompt", '"turns" is empty')
    expect_whole_id(record, columns)
    first, *later = [_turn(turn) for turn in turns]
    row = prompt_row(record, columns, as_messages(first, "turns[0]"))
    reference = record.get("reference")
    text = (
        reference[0] if isinstance(reference, list) and reference and isinstance(reference[0], str) else row.reference
    )
    return PromptRow(row.prompt, row.external_id, row.tags, text, tuple(later), row.language)


def _turn(turn: object) -> str:
    return plain_text(turn.get("content") if isinstance(turn, dict) else turn, "a turn")
