"""A chat request, checked as OpenAI checks it, so that a mistake is met in the sandbox and not at the provider."""

import math
from collections.abc import Mapping
from typing import Any

from labeling.domain import Json
from labeling.sandbox.replies import SKILL

MODELS = tuple(SKILL)
REASONER = "sandbox-reasoner"
ROLES = ("system", "developer", "user", "assistant", "tool")
MOST_CHOICES = 128
DEFAULTS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
RANGES = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
LEAST = {"n": 1, "max_tokens": 1, "max_completion_tokens": 1, "seed": -(2**63)}


class RequestFault(Exception):
    """Why a request is refused; `body` is OpenAI's error body."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def checked(body: object) -> Json:
    """The request with `n` and `temperature` filled in. Raises RequestFault for what a provider would refuse."""
    if not isinstance(body, dict):
        raise RequestFault("The body of the request must be a JSON object.")
    request: Json = {**body, "n": body.get("n") or 1}
    _check_model(request)
    if request.get("stream"):
        raise RequestFault("The Tiebreak sandbox does not stream. Leave out 'stream' or send false.", "stream")
    _check_numbers(request)
    if request["model"] == REASONER:
        _check_reasoner(request)
    _check_messages(request.get("messages"))
    _check_form(request.get("response_format"))
    _check_tools(request.get("tools"))
    _check_stop(request.get("stop"))
    request["temperature"] = DEFAULTS["temperature"] if request.get("temperature") is None else request["temperature"]
    return request


def _check_model(request: Json) -> None:
    model = request.get("model")
    if not isinstance(model, str) or not model:
        raise RequestFault("You must provide a model parameter.", "model")
    if model not in MODELS:
        message = f"The model `{model[:100]}` does not exist in the sandbox. It has {', '.join(MODELS)}."
        raise RequestFault(message, "model", "model_not_found", 404)


def _check_reasoner(request: Json) -> None:
    """What reasoning models refuse, in the words in which a provider does."""
    for name, default in DEFAULTS.items():
        value = request.get(name)
        if value is not None and value != default:
            message = f"Unsupported value: '{name}' does not support {value} with this model."
            raise RequestFault(f"{message} Only the default ({default}) value is supported.", name, "unsupported_value")
    if request.get("max_tokens") is not None:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model."
        raise RequestFault(f"{message} Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")


def _check_numbers(request: Json) -> None:
    for name, (least, most) in RANGES.items():
        value = request.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise RequestFault(f"Invalid type for '{name}': expected a number.", name, "invalid_type")
        if not least <= value <= most:
            message = f"Invalid '{name}': must be from {least} to {most}, but got {value}."
            raise RequestFault(message, name, "decimal_out_of_range")
    for name, least in LEAST.items():
        value = request.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise RequestFault(f"Invalid type for '{name}': expected a whole number.", name, "invalid_type")
        if value < least or (name == "n" and value > MOST_CHOICES):
            raise RequestFault(f"Invalid '{name}': {value} is out of range.", name, "integer_out_of_range")


def _check_messages(messages: object) -> None:
    if not isinstance(messages, list) or not messages:
        raise RequestFault("Invalid 'messages': expected an array with at least one message.", "messages")
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise RequestFault(f"Invalid '{place}.role': supported are {', '.join(ROLES)}.", f"{place}.role")
        content = message.get("content")
        has_calls = message["role"] == "assistant" and bool(message.get("tool_calls"))
        if isinstance(content, str) or (content is None and has_calls):
            continue
        if not isinstance(content, list) or not all(_is_text_part(part) for part in content):
            fault = f"Invalid '{place}.content': expected a text or an array of text parts."
            raise RequestFault(fault, f"{place}.content", "invalid_type")


def _is_text_part(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _check_form(form: object) -> None:
    if form is None:
        return
    if not isinstance(form, dict) or form.get("type") not in ("text", "json_object", "json_schema"):
        message = "Invalid 'response_format.type': supported are 'text', 'json_object' and 'json_schema'."
        raise RequestFault(message, "response_format.type")
    named: Any = form.get("json_schema")
    if form["type"] == "json_schema" and not (
        isinstance(named, dict) and isinstance(named.get("name"), str) and isinstance(named.get("schema", {}), dict)
    ):
        message = "Missing required parameter: 'response_format.json_schema' with a name and a schema."
        raise RequestFault(message, "response_format.json_schema", "missing_required_parameter")


def _check_tools(tools: object) -> None:
    if tools is None:
        return
    if not isinstance(tools, list) or not all(_is_function(tool) for tool in tools):
        raise RequestFault("Invalid 'tools': expected an array of functions with names.", "tools", "invalid_type")


def _is_function(tool: object) -> bool:
    function = tool.get("function") if isinstance(tool, Mapping) and tool.get("type") == "function" else None
    return isinstance(function, Mapping) and isinstance(function.get("name"), str)


def _check_stop(stop: object) -> None:
    stops = [stop] if isinstance(stop, str) else stop
    if stops is None:
        return
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(one, str) and one for one in stops):
        raise RequestFault("Invalid 'stop': expected a text or up to four texts.", "stop", "invalid_type")
