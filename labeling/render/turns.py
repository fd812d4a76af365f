"""A prompt of several turns, and a completion with tool calls, as HTML and as raw text."""

import json
from collections.abc import Sequence
from html import escape

from labeling.domain import Json, Prompt
from labeling.render.code import code_block
from labeling.render.safe import clean, representable
from labeling.render.text import render

NAMES = {"system": "System", "developer": "Developer", "user": "User", "assistant": "Assistant", "tool": "Tool"}


def render_prompt(prompt: Prompt) -> str:
    """Return the prompt's turns as safe HTML, each under its role; a single user message stands alone."""
    if len(prompt.messages) == 1 and prompt.messages[0].get("role") == "user" and not prompt.tools:
        return render_completion(str(prompt.messages[0].get("content") or ""))
    *before, newest = prompt.messages
    turns = [*(_turn(message) for message in before), _turn(newest, "turn last")]
    if prompt.tools:
        turns.append(f'<div class="turn"><div class="role">Tools</div>{_as_json(list(prompt.tools))}</div>')
    return "".join(turns)


def render_completion(text: str, tool_calls: Sequence[Json] = ()) -> str:
    """Return a completion's text, and below it the tool calls it makes."""
    return (render(text) if text or not tool_calls else "") + "".join(_call(call) for call in tool_calls)


def raw_prompt(prompt: Prompt) -> str:
    """Return the prompt's turns as they are, each headed by its role where there is more than one."""
    if len(prompt.messages) == 1 and prompt.messages[0].get("role") == "user" and not prompt.tools:
        return str(prompt.messages[0].get("content") or "")
    turns = [
        f"[{message.get('role')}]\n{raw_completion(str(message.get('content') or ''), message.get('tool_calls') or ())}"
        for message in prompt.messages
    ]
    if prompt.tools:
        turns.append(f"[tools]\n{_json(list(prompt.tools))}")
    return "\n\n".join(turns)


def raw_completion(text: str, tool_calls: Sequence[Json] = ()) -> str:
    """Return a completion as it is: its text, then each tool call as JSON."""
    return "\n\n".join([*([text] if text or not tool_calls else []), *(_json(call) for call in tool_calls)])


def _turn(message: Json, kind: str = "turn") -> str:
    role = str(message.get("role"))
    name = NAMES.get(role, role)
    if message.get("name"):
        name = f"{name} {message['name']}"
    body = render_completion(str(message.get("content") or ""), message.get("tool_calls") or ())
    return f'<div class="{kind}"><div class="role">{escape(representable(name))}</div>{body}</div>'


def _call(call: object) -> str:
    """A call by its function's name over its arguments; as JSON where it is anything else."""
    match call:
        case {"function": {"name": str(name), "arguments": str(arguments), **rest}} if not rest:
            said = f'<div class="role">Calls {escape(representable(name))}</div>{_arguments(arguments)}'
            return clean(f'<div class="tool">{said}</div>')
    return _as_json(call)


def _arguments(written: str) -> str:
    """Spread over lines where that changes nothing but spaces, else as they were written."""
    try:
        value = json.loads(written)
    except (ValueError, RecursionError):
        return code_block(representable(written), "")
    is_same = any(
        json.dumps(value, ensure_ascii=is_ascii, separators=between) == written
        for is_ascii in (False, True)
        for between in ((", ", ": "), (",", ":"))
    )
    return code_block(_json(value) if is_same else representable(written), "json")


def _as_json(value: object) -> str:
    return clean(f'<div class="tool">{code_block(_json(value), "json")}</div>')


def _json(value: object) -> str:
    return representable(json.dumps(value, ensure_ascii=False, indent=2))
