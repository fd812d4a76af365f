"""What a chat endpoint replied, as read: text, tool calls, tokens, and whether it may be taken as good."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from labeling.domain import Json
from labeling.llm.limits import Limits

ReplyState: TypeAlias = Literal["good", "empty", "cut", "refused"]

# How a reply of the sandbox is recognised, so that it is marked on every screen and in every export.
SANDBOX = "tiebreak-sandbox"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. Only `good` may become a completion or a verdict; the others cost their tokens all the same.

    Token counts are None where the endpoint did not tell them. `completion_tokens` include `reasoning_tokens`,
    `prompt_tokens` include `cached_tokens`.
    """

    text: str
    tool_calls: tuple[Json, ...]
    state: ReplyState
    finish_reason: str | None
    model: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int | None
    cached_tokens: int | None
    milliseconds: int
    is_sandbox: bool
    limits: Limits | None = None  # of the endpoint, as far as it told them


def read_reply(body: Json, milliseconds: int, limits: Limits | None = None) -> Reply:
    """Read the body of a chat completion.

    Raises:
        ValueError: it is JSON, but no chat completion.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ValueError("it has no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise ValueError("its first choice has no message")
    finish_reason = _text_or_none(choices[0].get("finish_reason"))
    refusal = message.get("refusal")
    text = _content(message.get("content"))
    tool_calls = tuple(call for call in message.get("tool_calls") or () if isinstance(call, dict))
    usage = body.get("usage")
    details = usage if isinstance(usage, dict) else {}
    return Reply(
        text=text or (refusal if isinstance(refusal, str) else ""),
        tool_calls=tool_calls,
        state=_state(text, tool_calls, finish_reason, bool(refusal)),
        finish_reason=finish_reason,
        model=_text_or_none(body.get("model")),
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        reasoning_tokens=_count(details.get("completion_tokens_details"), "reasoning_tokens"),
        cached_tokens=_count(details.get("prompt_tokens_details"), "cached_tokens"),
        milliseconds=milliseconds,
        is_sandbox=body.get("system_fingerprint") == SANDBOX,
        limits=limits,
    )


def _state(text: str, tool_calls: Sequence[Json], finish_reason: str | None, has_refusal: bool) -> ReplyState:
    if has_refusal or finish_reason == "content_filter":
        return "refused"
    # Also without any text: a model that reasons may spend the whole limit before its first word.
    if finish_reason in ("length", "max_tokens"):
        return "cut"
    return "good" if text.strip() or tool_calls else "empty"


def _content(content: object) -> str:
    """The text of a message. Some gateways answer a list of parts where others answer text."""
    if isinstance(content, list):
        content = "".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    # No database stores NUL: one such reply would keep all that came with it from being stored.
    return content.replace("\0", "\ufffd") if isinstance(content, str) else ""


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(usage: object, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
