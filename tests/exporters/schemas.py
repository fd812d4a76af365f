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

_OFFER = {
    "tools": _list({"type": "object", "required": ["type", "function"]}),
    "parallel_tool_calls": {"type": "boolean"},
}
_PARALLEL = {"dependentRequired": {"parallel_tool_calls": ["tools"]}}


def _openai(message: object, reply: object, **offer: object) -> dict[str, object]:
    given = _object({"messages": _list(message)}, **offer)
    return _object(
        {"input": given | _PARALLEL, "preferred_output": _list(reply, 1), "non_preferred_output": _list(reply, 1)}
    )


_says = {role: _object({"role": {"const": role}, "content": TEXT}) for role in ("system", "user", "assistant")}
_any_of_three = {"anyOf": list(_says.values())}
_trl = {"prompt": _list(_trl_message), "chosen": _list(_trl_reply, 1), "rejected": _list(_trl_reply, 1)}
_spoken = _object({"from": {"enum": ["gpt", "function_call"]}, "value": TEXT})
_heard = _object({"from": {"enum": ["human", "observation"]}, "value": TEXT})
_parts = {"parts": _list(_object({"text": TEXT}))}


def _content(*roles: str) -> dict[str, object]:
    return _object({"role": {"enum": roles}, **_parts})


def _scored(score: int) -> dict[str, object]:
    return _object({"score": {"const": score}, "completion": _content("model")})


SCHEMAS = {
    "openai-dpo": _openai(_openai_message, _openai_reply, **_OFFER),
    "azure-dpo": _openai(_openai_message, _openai_reply, **_OFFER),
    "together-dpo": _openai(
        _object({"role": {"enum": ["system", "user", "assistant"]}, "content": TEXT}, name={"type": "string"}),
        _openai_reply,
        **_OFFER,
    ),
    "fireworks-dpo": _openai({"anyOf": [_says["system"], _says["user"]]}, _says["assistant"], tools=_OFFER["tools"]),
    "trl": _object(_trl, tools={"type": "string"}),
    "trl-standard": _object({"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}),
    "trl-kto": _object(
        {"prompt": _list(_trl_message), "completion": _list(_trl_reply, 1), "label": {"type": "boolean"}},
        tools={"type": "string"},
    ),
    "trl-reward": _object(_trl | {"margin": {"type": "number", "minimum": 0}}, tools={"type": "string"}),
    "sft": _object({"messages": _list(_openai_message)}, **_OFFER) | _PARALLEL,
    "axolotl": _object(
        {"messages": _list(_any_of_three), "chosen": _says["assistant"], "rejected": _says["assistant"]}
    ),
    "llama-factory": _object(
        {
            "conversations": _list({"anyOf": [_heard, _spoken]}),
            "chosen": _spoken,
            "rejected": _spoken,
            "system": {"type": "string"},
            "tools": {"type": "string"},
        }
    ),
    "gemini": _object(
        {
            "contents": _list(_content("user", "model")),
            "completions": {"type": "array", "prefixItems": [_scored(1), _scored(0)], "minItems": 2, "maxItems": 2},
        },
        system_instruction=_object(_parts),
    ),
}
