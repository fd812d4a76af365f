"""LLaMA-Factory, ShareGPT ranking, with the `dataset_info.json` that names its columns.

Format: https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md

The trainer skips rows whose turns do not alternate, with no more than a warning in its log: such rows are refused here.
A call is a turn of its own there (`function_call`), and so is its result (`observation`): one text, or calls, not both.
`system` and `tools` stand in every row, empty where there is none, as the trainer asks for a column that it was told of.
"""

from typing import Any

import orjson

from exporters.messages import is_json_object, tool_fault
from exporters.rows import Message, PreferenceRow

DATASET_NAME = "tiebreak"
TURNS = {"user": "human", "tool": "observation"}


def llama_factory_record(row: PreferenceRow) -> dict[str, object]:
    """Return `row` as `conversations`, `chosen`, `rejected`, `system` and `tools`."""
    system, turns = _system_and_turns(row)
    functions = [tool["function"] for tool in row.tools]
    return {
        "conversations": [_turn(message) for message in turns],
        "chosen": _reply(row.chosen, row.chosen_tool_calls),
        "rejected": _reply(row.rejected, row.rejected_tool_calls),
        "system": system,
        "tools": orjson.dumps(functions).decode() if functions else "",
    }


def llama_factory_refusal(row: PreferenceRow) -> str | None:
    """Why `row` cannot be written here, as a key of `REFUSALS`; None where it can."""
    _, turns = _system_and_turns(row)
    for place, message in enumerate(turns):
        if (message["role"] in TURNS) != (place % 2 == 0) or message["role"] in ("system", "developer"):
            return "turns_alternate"
        # A tool's result has to say something here, too.
        if not message.get("tool_calls") and not (message.get("content") or "").strip():
            return "empty_message"
    sides: list[tuple[str, Any]] = [(row.chosen, row.chosen_tool_calls), (row.rejected, row.rejected_tool_calls)]
    said: list[tuple[str, Any]] = [(message.get("content") or "", message.get("tool_calls") or ()) for message in turns]
    for text, calls in said + sides:
        if calls and text.strip():
            return "text_and_calls"
        if not isinstance(calls, list | tuple) or not all(map(_is_call, calls)):
            return "tool_call"
    return "tool" if any(map(tool_fault, row.tools)) else None


def dataset_info(files: list[str]) -> dict[str, object]:
    """What `dataset_info.json` says about each file, by the name under which the trainer's settings call it."""
    columns = {name: name for name in ("chosen", "rejected", "system", "tools")}
    return {
        name.removesuffix(".parquet").removesuffix(".jsonl").replace("train", DATASET_NAME, 1): {
            "file_name": name,
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "conversations", **columns},
        }
        for name in files
    }


def _system_and_turns(row: PreferenceRow) -> tuple[str, tuple[Message, ...]]:
    first = row.prompt[0]
    if first["role"] in ("system", "developer"):
        return first.get("content") or "", row.prompt[1:]
    return "", row.prompt


def _turn(message: Message) -> dict[str, str]:
    if message["role"] == "assistant":
        return _reply(message.get("content") or "", message.get("tool_calls") or ())
    return {"from": TURNS[message["role"]], "value": message["content"]}


def _reply(text: str, tool_calls: tuple[Message, ...]) -> dict[str, str]:
    if not tool_calls:
        return {"from": "gpt", "value": text}
    calls = [
        {"name": call["function"]["name"], "arguments": orjson.loads(call["function"]["arguments"])}
        for call in tool_calls
    ]
    return {"from": "function_call", "value": orjson.dumps(calls[0] if len(calls) == 1 else calls).decode()}


def _is_call(call: Any) -> bool:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    return isinstance(function.get("arguments"), str) and is_json_object(function["arguments"])
