"""What goes into an export: a judged comparison, and beside it where it comes from.

What may never stand in a training file is refused where the row is made, so that no format has to look for it again.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

Message: TypeAlias = dict[str, Any]
Outcome: TypeAlias = Literal["better", "tie", "both_bad"]

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


class RowRefused(ValueError):
    """The comparison cannot be a row; `code` is a key of `exporters.refusals.REFUSALS`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    """One judged comparison: a prompt and two different completions, the better one first.

    `prompt` is chat messages up to the reply, `tools` what the prompt offers, both in the shape of OpenAI's chat
    completions. A side is a text, tool calls, or both. `outcome` is "better" but for the formats that learn from single
    completions: with "tie" both sides are good, with "both_bad" both are bad, and their order says nothing. `margin` is
    the mean strength, up to 3; None where a rater gave none.

    Raises:
        RowRefused: the sides are the same, one is empty, a role is unknown, or the prompt does not end in a user or
            tool message.
    """

    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    tools: tuple[Message, ...] = ()
    chosen_tool_calls: tuple[Message, ...] = ()
    rejected_tool_calls: tuple[Message, ...] = ()
    outcome: Outcome = "better"
    margin: float | None = None

    def __post_init__(self) -> None:
        for number, message in enumerate(self.prompt, 1):
            if message.get("role") not in ROLES:
                raise RowRefused("unknown_role", f"message {number} has the role {message.get('role')!r}")
            content = message.get("content")
            if not isinstance(content, str) and (content is not None or not message.get("tool_calls")):
                raise RowRefused("content_not_text", f"the content of message {number} is not text")
        if not self.prompt or self.prompt[-1]["role"] not in ("user", "tool"):
            raise RowRefused("prompt_end", "the prompt does not end in a user or tool message")
        if not self.chosen_tool_calls and not self.chosen.strip():
            raise RowRefused("empty_side", "the chosen side is empty")
        if not self.rejected_tool_calls and not self.rejected.strip():
            raise RowRefused("empty_side", "the rejected side is empty")
        if self.chosen == self.rejected and what_calls_ask(self.chosen_tool_calls) == what_calls_ask(
            self.rejected_tool_calls
        ):
            raise RowRefused("identical_sides", "chosen and rejected are the same")

    @property
    def has_tools(self) -> bool:
        """Whether tools, tool calls or a tool's result stand anywhere in it."""
        return bool(
            self.tools
            or self.chosen_tool_calls
            or self.rejected_tool_calls
            or any("tool_calls" in message or message["role"] == "tool" for message in self.prompt)
        )


def what_calls_ask(calls: tuple[Message, ...]) -> str:
    """What calls ask for: neither their ids nor how their arguments are spaced tell two replies apart."""
    return json.dumps([as_asked(call) for call in calls], sort_keys=True)  # where true is not 1


def as_asked(call: Any) -> Any:
    """A call without its id, and its arguments as the object that they spell; what is no call as it is."""
    if not isinstance(call, dict):
        return call
    function = call.get("function")
    if isinstance(function, dict) and isinstance(function.get("arguments"), str):
        with suppress(orjson.JSONDecodeError):  # which a format refuses, or writes as it is
            function = {**function, "arguments": orjson.loads(function["arguments"])}
    return {**call, "id": None, "function": function}


@dataclass(frozen=True, slots=True)
class CompletionRow:
    """One completion of a prompt, and whether it is desirable: what formats without pairs are made of.

    `is_first` says which side of its comparison it was.
    """

    prompt: tuple[Message, ...]
    text: str
    is_desirable: bool
    is_first: bool
    tools: tuple[Message, ...] = ()
    tool_calls: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class RowOrigin:
    """Where a row comes from; it is told in `provenance.jsonl`, never in the row, as services refuse unknown keys.

    `decided_by` are the kinds of raters that decided: annotator, imported, judge, or rule (nobody compared the sides).
    `group` joins rows that must stay on one side of a split: the digest of the prompt, or what binds several prompts
    together. `strength` is the raters' mean, 1 slightly to 3 much; None where nobody was asked.
    `agreed` is the share of the labels that say what came out. `chosen_id` and `rejected_id` tell the completions. `sandbox` names the
    parts that only the offline sandbox wrote: chosen, rejected, judge. `masked` are the kinds of personal data and keys
    that were found around the sides and replaced, `chosen_masked` and `rejected_masked` those in a side.
    `asked` tells the prompt where rows of one prompt may begin with different system prompts, so that a completion is
    known in each of them; "" where the row's own prompt tells it. `rater_ids` tell raters of one name apart; () where
    their names do.
    """

    pair: int
    group: str
    raters: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    strength: float | None = None
    agreed: float = 1.0
    chosen_id: int = 0
    rejected_id: int = 0
    chosen_by: str = ""
    rejected_by: str = ""
    decided_by: tuple[str, ...] = ()
    sandbox: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    chosen_masked: tuple[str, ...] = ()
    rejected_masked: tuple[str, ...] = ()
    asked: str = ""
    rater_ids: tuple[int, ...] = ()
