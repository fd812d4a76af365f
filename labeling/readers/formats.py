"""The formats that are read. A new one is one entry here: how it is recognised, and how one record becomes a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from labeling.domain import Verdict
from labeling.readers.chat import as_messages, as_prompt, as_reply, plain_text, split_conversations
from labeling.readers.refusals import RowFault
from labeling.rows import CompletionRow, PairRow, PromptRow, Reply, Row

Columns = Mapping[str, str]

# By which names a table's columns are known, in order of preference.
KNOWN_COLUMNS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "messages", "instruction", "question", "input", "query"),
    "system": ("system", "system_prompt"),
    "response_a": ("response_a", "output_1", "completion_a", "answer_a", "response_1", "completion_1", "output_a", "a"),
    "response_b": ("response_b", "output_2", "completion_b", "answer_b", "response_2", "completion_2", "output_b", "b"),
    "verdict": ("verdict", "label", "winner", "preference", "better", "preferred"),
    "strength": ("strength",),
    "response": ("response", "completion", "answer", "output", "reply"),
    "model": ("model", "model_id", "model_name", "generator", "source"),
    "model_a": ("model_a", "model_1"),
    "model_b": ("model_b", "model_2"),
    "id": ("id", "uid", "question_id", "prompt_id", "example_id"),
    "tags": ("tags", "tag", "category", "topic"),
    "reference": ("reference", "reference_answer", "gold_answer"),
    "tools": ("tools",),
    "language": ("language", "lang"),
}

VERDICTS: dict[str, Verdict] = {
    **dict.fromkeys(("a", "1", "model_a", "response_a", "output_1", "first", "left", "a>b", "[[a]]"), Verdict.A),
    **dict.fromkeys(("b", "2", "model_b", "response_b", "output_2", "second", "right", "b>a", "[[b]]"), Verdict.B),
    **dict.fromkeys(("tie", "equal", "same", "a=b", "[[c]]"), Verdict.TIE),
    **dict.fromkeys(("both_bad", "bothbad", "tie (bothbad)", "both bad", "neither"), Verdict.BOTH_BAD),
}


@dataclass(frozen=True, slots=True)
class Format:
    """`fits` tells from a record's fields; `read` makes the row or raises RowFault. `columns`: roles a mapping may name."""

    kind: str
    title: str
    fits: Callable[[dict[str, Any]], bool]
    read: Callable[[dict[str, Any], Columns], Row]
    columns: tuple[str, ...] = ()


def suggested(names: list[str], roles: tuple[str, ...]) -> dict[str, str]:
    """Which column plays which role, by their names; each column once."""
    lower = {name.lower(): name for name in reversed(names)}
    mapping: dict[str, str] = {}
    for role in roles:
        for known in KNOWN_COLUMNS[role]:
            if known in lower and lower[known] not in mapping.values():
                mapping[role] = lower[known]
                break
    return mapping


def cell(record: dict[str, Any], columns: Columns, role: str) -> Any:
    """What the record holds in the column of that role; None where there is none."""
    return record.get(columns[role]) if role in columns else None


def _needed(record: dict[str, Any], columns: Columns, role: str) -> Any:
    name = columns.get(role)
    if name is None:
        raise RowFault("missing_field", f"no column is mapped to {role}")
    if name not in record:
        raise RowFault("missing_field", f'"{name}" is missing')
    return record[name]


def _prompt_row(
    record: dict[str, Any], columns: Columns, messages: list[dict[str, Any]] | None = None, tools: object = None
) -> PromptRow:
    if messages is None:
        messages = as_messages(_needed(record, columns, "prompt"), columns.get("prompt", "prompt"))
    if not columns:
        return PromptRow(as_prompt(messages, tools))
    system = cell(record, columns, "system")
    if isinstance(system, str) and system.strip() and messages[0]["role"] not in ("system", "developer"):
        messages = [{"role": "system", "content": plain_text(system, columns["system"])}, *messages]
    reference, language = cell(record, columns, "reference"), cell(record, columns, "language")
    return PromptRow(
        as_prompt(messages, tools if tools is not None else cell(record, columns, "tools")),
        external_id=_identifier(cell(record, columns, "id")),
        tags=_tags(cell(record, columns, "tags")),
        reference=plain_text(reference, columns["reference"]) if isinstance(reference, str) and reference else None,
        language=plain_text(language, columns["language"]).strip() or None if isinstance(language, str) else None,
    )


def _identifier(value: object) -> str | None:
    return (
        plain_text(str(value), "the id").strip() or None
        if isinstance(value, str | int) and not isinstance(value, bool)
        else None
    )


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        if value.startswith("["):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                value = [value]
        else:
            value = value.split(",")
    return (
        tuple(tag for tag in (plain_text(str(one), "a tag").strip() for one in value) if tag)
        if isinstance(value, list)
        else ()
    )


def _verdict(value: object) -> Verdict | None:
    if value is None or not str(value).strip():
        return None
    found = VERDICTS.get(str(value).strip().lower().removesuffix(".0"))  # a table with gaps writes 1 as 1.0
    if found is None:
        raise RowFault(
            "unknown_verdict", f"the verdict says {str(value)[:60]!r}; known are a, b, tie, both_bad, 1 and 2"
        )
    return found


def _strength(value: object) -> int | None:
    if value in (None, ""):
        return None
    said = str(value).strip().removesuffix(".0")
    if said not in ("1", "2", "3"):
        raise RowFault("unknown_strength", f"the strength says {str(value)[:60]!r}; known are 1, 2 and 3")
    return int(said)


def _pair(prompt: PromptRow, a: Reply, b: Reply, verdict: Verdict | None, strength: int | None = None) -> PairRow:
    if a.text == b.text and a.tool_calls == b.tool_calls:
        raise RowFault("identical_sides", "both completions are the same text")
    return PairRow(prompt, a, b, verdict, strength if verdict in (Verdict.A, Verdict.B) else None)


def _openai(record: dict[str, Any], columns: Columns) -> Row:
    given = record["input"]
    if not isinstance(given, dict):
        raise RowFault("missing_field", '"input" is not an object with messages')
    prompt = _prompt_row(
        record, columns, as_messages(given.get("messages"), "input.messages"), given.get("tools") or []
    )
    return _pair(prompt, _output(record, "preferred"), _output(record, "non_preferred"), Verdict.A)


def _output(record: dict[str, Any], side: str) -> Reply:
    name = side + "_output"
    if name not in record and side + "_completion" in record:
        name = side + "_completion"  # what OpenAI called it at first
    return as_reply(record.get(name), name)


def _chosen_rejected(record: dict[str, Any], columns: Columns) -> Row:
    """TRL and `ultrafeedback-binarized`: `chosen` and `rejected` as texts, as the last message, or as whole conversations."""
    chosen, rejected, given = record["chosen"], record.get("rejected"), record.get("prompt", record.get("instruction"))
    if rejected is None:
        raise RowFault("missing_field", '"rejected" is missing')
    if isinstance(chosen, str) and isinstance(rejected, str) and chosen[:2] == rejected[:2] == "[{":
        chosen, rejected = as_messages(chosen, "chosen"), as_messages(rejected, "rejected")
    if isinstance(chosen, list) and isinstance(rejected, list) and (len(chosen) > 1 or len(rejected) > 1):
        messages, chosen, rejected = split_conversations(
            as_messages(chosen, "chosen"), as_messages(rejected, "rejected")
        )
        before = as_messages(given, "prompt") if isinstance(given, list) and given else []
        if messages[: len(before)] != before:
            messages = before + messages
    elif given is None:
        raise RowFault("missing_field", '"prompt" is missing')
    else:
        messages = as_messages(given, "prompt")
    prompt = _prompt_row(record, columns, messages, record.get("tools") or [])
    return _pair(prompt, as_reply(chosen, "chosen"), as_reply(rejected, "rejected"), Verdict.A)


def _pair_table(record: dict[str, Any], columns: Columns) -> Row:
    return _pair(
        _prompt_row(record, columns),
        as_reply(_needed(record, columns, "response_a"), columns["response_a"], cell(record, columns, "model_a")),
        as_reply(_needed(record, columns, "response_b"), columns["response_b"], cell(record, columns, "model_b")),
        _verdict(cell(record, columns, "verdict")),
        _strength(cell(record, columns, "strength")),
    )


def _completion_table(record: dict[str, Any], columns: Columns) -> Row:
    reply = as_reply(_needed(record, columns, "response"), columns["response"], cell(record, columns, "model"))
    ended = record.get("finish_reason", record.get("stop_reason"))
    if isinstance(ended, str) and ended.strip():
        reply = replace(reply, finish_reason=ended.strip()[:40])
    if "prompt" in columns and cell(record, columns, "prompt"):
        return CompletionRow(reply, prompt=_prompt_row(record, columns))
    return CompletionRow(reply, external_id=_needed_id(record, columns))


def _needed_id(record: dict[str, Any], columns: Columns) -> str:
    found = _identifier(cell(record, columns, "id"))
    if found is None:
        raise RowFault("missing_field", "the row has neither a prompt nor the id of one")
    return found


def _arena_answer(record: dict[str, Any], columns: Columns) -> Row:
    """Arena-hard's answers: the last message holds `{"answer": text}` or a text; the prompt is known by its id."""
    last = record["messages"][-1] if isinstance(record["messages"], list) and record["messages"] else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        raise RowFault("not_one_reply", "the last message is not the assistant's")
    content = last.get("content")
    text = content.get("answer") if isinstance(content, dict) else content
    return CompletionRow(as_reply(text, "the answer", record.get("model")), external_id=_needed_id(record, columns))


def _fastchat_answer(record: dict[str, Any], columns: Columns) -> Row:
    """FastChat's answers: `choices[0].turns[0]` answers the first turn."""
    try:
        text = record["choices"][0]["turns"][0]
    except (LookupError, TypeError):
        raise RowFault("missing_field", '"choices[0].turns[0]" is missing') from None
    return CompletionRow(
        as_reply(text, "choices[0].turns[0]", record.get("model_id")), external_id=_needed_id(record, columns)
    )


def _questions(record: dict[str, Any], columns: Columns) -> Row:
    """MT-bench: the first turn is the prompt, later ones are kept as follow-ups."""
    turns = record["turns"]
    if not isinstance(turns, list) or not turns:
        raise RowFault("empty_prompt", '"turns" is empty')
    first, *later = [_turn(turn) for turn in turns]
    row = _prompt_row(record, columns, as_messages(first, "turns[0]"))
    reference = record.get("reference")
    text = (
        reference[0] if isinstance(reference, list) and reference and isinstance(reference[0], str) else row.reference
    )
    return PromptRow(row.prompt, row.external_id, row.tags, text, tuple(later), row.language)


def _turn(turn: object) -> str:
    return plain_text(turn.get("content") if isinstance(turn, dict) else turn, "a turn")


def _prompt_table(record: dict[str, Any], columns: Columns) -> Row:
    return _prompt_row(record, columns)


def _has(*roles: str) -> Callable[[dict[str, Any]], bool]:
    return lambda record: all(suggested(list(record), roles).get(role) for role in roles)


_ABOUT_PROMPT = ("id", "tags", "reference", "system", "tools", "language")
PAIR_ROLES = ("response_a", "response_b", "prompt", "verdict", "strength", "model_a", "model_b", *_ABOUT_PROMPT)
COMPLETION_ROLES = ("prompt", "response", "model", *_ABOUT_PROMPT)
PROMPT_ROLES = ("prompt", *_ABOUT_PROMPT)

# In the order in which a file is tried: the most particular first.
FORMATS: dict[str, Format] = {
    "openai-dpo": Format(
        "pairs", "OpenAI preference JSONL (PFT, DPO)",
        lambda r: "input" in r and ("preferred_output" in r or "preferred_completion" in r), _openai, _ABOUT_PROMPT,
    ),
    "trl": Format("pairs", "TRL: prompt, chosen, rejected", lambda r: "chosen" in r and "rejected" in r, _chosen_rejected, _ABOUT_PROMPT),
    "pairs": Format("pairs", "table with a prompt and two responses", _has("prompt", "response_a", "response_b"), _pair_table, PAIR_ROLES),
    "mt-bench": Format("prompts", "MT-bench questions", lambda r: isinstance(r.get("turns"), list), _questions, ("id", "tags")),
    "arena-answers": Format(
        "completions", "arena-hard answers",
        lambda r: "messages" in r and "model" in r and "uid" in r, _arena_answer, ("id",),
    ),
    "fastchat-answers": Format("completions", "FastChat answers", lambda r: "choices" in r and "question_id" in r, _fastchat_answer, ("id",)),
    "completions": Format(
        "completions", "table with responses to prompts",
        lambda r: _has("response")(r) and (_has("id")(r) or _has("prompt")(r)), _completion_table, COMPLETION_ROLES,
    ),
    "prompts": Format("prompts", "prompts: texts or chat messages", _has("prompt"), _prompt_table, PROMPT_ROLES),
}  # fmt: skip
