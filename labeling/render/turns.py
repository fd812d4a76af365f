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
    turns = [_turn(message) for message in prompt.messages]
    if prompt.tools:
        turns.append(f'<div class="turn"><div class="role">Tools</div>{_call(list(prompt.tools))}</div>')
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


def _turn(message: Json) -> str:
    role = str(message.get("role"))
    name = NAMES.get(role, role)
    if message.get("name"):
        name = f"{name} {message['name']}"
    body = render_completion(str(message.get("content") or ""), message.get("tool_calls") or ())
    return f'<div class="turn"><div class="role">{escape(representable(name))}</div>{body}</div>'


def _call(call: object) -> str:
    return clean(f'<div class="tool">{code_block(_json(call), "json")}</div>')


def _json(value: object) -> str:
    return representable(json.dumps(value, ensure_ascii=False, indent=2))
