"""The types of the columns of a JSONL file, as a data-set card tells them to `datasets`.

Without them it takes the types from the first rows of the first file, and stops at tools, calls, names and system
instructions that only later rows have, or only the validation file. Parquet has its types in the file. Tools and calls
look different in every row: they are `json`, a type that `datasets` 4.0 does not know, and 4.8 does.
"""

from typing import Any

from exporters.messages import KNOWN_KEYS


def _value(name: str, dtype: str = "string") -> dict[str, Any]:
    return {"name": name, "dtype": dtype}


def _messages(name: str) -> dict[str, Any]:
    keys = sorted(KNOWN_KEYS)
    return {"name": name, "list": [_value(key, "json" if key == "tool_calls" else "string") for key in keys]}


_OFFER = [_value("tools", "json"), _value("parallel_tool_calls", "bool")]
_OPENAI = [
    {"name": "input", "struct": [_messages("messages"), *_OFFER]},
    _messages("preferred_output"),
    _messages("non_preferred_output"),
]
_TRL = [_messages("prompt"), _messages("chosen"), _messages("rejected"), _value("tools")]
_PARTS = {"name": "parts", "list": [_value("text")]}
_CONTENT = [_value("role"), _PARTS]

# Of formats in which some rows have more keys than others.
FEATURES: dict[str, list[dict[str, Any]]] = {
    **dict.fromkeys(("openai-dpo", "azure-dpo", "together-dpo", "fireworks-dpo"), _OPENAI),
    "trl": _TRL,
    "trl-kto": [_messages("prompt"), _messages("completion"), _value("label", "bool"), _value("tools")],
    "trl-reward": [*_TRL, _value("margin", "float64")],
    "sft": [_messages("messages"), *_OFFER],
    "gemini": [
        {"name": "system_instruction", "struct": [_PARTS]},
        {"name": "contents", "list": _CONTENT},
        {"name": "completions", "list": [_value("score", "int64"), {"name": "completion", "struct": _CONTENT}]},
    ],
}
