"""Our own JSON Schema of one line of each format, written from the services' documentation for these tests."""

TEXT = {"type": "string", "pattern": r"\S"}


def _object(required: dict[str, object], **optional: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": list(required),
        "properties": required | optional,
        "additionalProperties": False,
    }


def _schemas(arguments: str) -> tuple[dict[str, object], dict[str, object]]:
    """A prompt's message and a reply; `arguments` is the JSON type of a tool call's arguments."""
    function = _object({"name": TEXT, "arguments": {"type": arguments}})
    calls = {
        "type": "array",
        "minItems": 1,
        "items": _object({"id": TEXT, "type": {"const": "function"}, "function": function}),
    }
    said = _object({"role": {"enum": ["system", "user"]}, "content": TEXT}, name={"type": "string"})
    replied = {
        "anyOf": [
            _object({"role": {"const": "assistant"}, "content": TEXT}, tool_calls=calls),
            _object({"role": {"const": "assistant"}, "content": {"type": "string"}, "tool_calls": calls}),
        ]
    }
    result = _object({"role": {"const": "tool"}, "content": {"type": "string"}, "tool_call_id": TEXT})
    return {"anyOf": [said, replied, result]}, replied


def _list(items: object, most: int | None = None) -> dict[str, object]:
    return {"type": "array", "minItems": 1, "items": items} | ({"maxItems": most} if most else {})


_openai_message, _openai_reply = _schemas("string")
_trl_message, _trl_reply = _schemas("object")

SCHEMAS = {
    "openai-dpo": _object(
        {
            "input": _object(
                {"messages": _list(_openai_message)},
                tools=_list({"type": "object", "required": ["type", "function"]}),
                parallel_tool_calls={"type": "boolean"},
            )
            | {"dependentRequired": {"parallel_tool_calls": ["tools"]}},
            "preferred_output": _list(_openai_reply, 1),
            "non_preferred_output": _list(_openai_reply, 1),
        }
    ),
    "trl": _object(
        {"prompt": _list(_trl_message), "chosen": _list(_trl_reply, 1), "rejected": _list(_trl_reply, 1)},
        tools={"type": "string"},
    ),
    "trl-standard": _object({"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}),
}
