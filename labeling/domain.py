"""What the words of Tiebreak mean. Standard library only; every other part may import this one."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from json.encoder import encode_basestring
from typing import Any, Literal, NamedTuple, TypeAlias

Json: TypeAlias = dict[str, Any]
Side: TypeAlias = Literal["a", "b"]


class Target(StrEnum):
    """Where the model to be tuned lives. It sets the default format and its limits."""

    OPENAI = "openai"
    AZURE = "azure"
    TOGETHER = "together"
    FIREWORKS = "fireworks"
    OWN = "own"


class Verdict(StrEnum):
    """Which completion is better, always told in stored order."""

    A = "a"
    B = "b"
    TIE = "tie"
    BOTH_BAD = "both_bad"

    @property
    def swapped(self) -> "Verdict":
        """The same opinion with the two completions exchanged."""
        return {Verdict.A: Verdict.B, Verdict.B: Verdict.A}.get(self, self)


class ScreenVerdict(StrEnum):
    """A verdict as the annotator gave it, in the order of the screen."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both_bad"


def stored_verdict(screen: ScreenVerdict, left: Side) -> Verdict:
    """Turn a verdict of the screen into stored order; `left` is the completion that stood left."""
    match screen:
        case ScreenVerdict.LEFT:
            return Verdict(left)
        case ScreenVerdict.RIGHT:
            return Verdict(left).swapped
        case _:
            return Verdict(screen.value)


def screen_verdict(verdict: Verdict, left: Side) -> ScreenVerdict:
    """Turn a stored verdict into what the annotator saw; the inverse of `stored_verdict`."""
    if verdict in (Verdict.TIE, Verdict.BOTH_BAD):
        return ScreenVerdict(verdict.value)
    return ScreenVerdict.LEFT if verdict.value == left else ScreenVerdict.RIGHT


class RoundPurpose(StrEnum):
    WORK = "work"
    PRACTICE = "practice"
    CALIBRATION = "calibration"
    REPEAT = "repeat"
    REVIEW = "review"


class RunState(StrEnum):
    """`preparing` writes its requests; `stopped` met a fault that a person must mend, and can be resumed."""

    PREPARING = "preparing"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    CANCELLED = "cancelled"


class RunMode(StrEnum):
    """How a run's requests are sent: one by one, by the provider's Batch API, or as a file that is run elsewhere."""

    LIVE = "live"
    BATCH = "batch"
    FILE = "file"


class Role(StrEnum):
    OWNER = "owner"
    LEAD = "lead"
    ANNOTATOR = "annotator"


class Right(StrEnum):
    """What a service asks an actor for."""

    SEE = "see"  # names, guidelines, progress
    LABEL = "label"  # be served pairs and label them
    MANAGE = "manage"  # import, generate, judge, export, see other people's labels
    OWN = "own"  # members, keys, settings, erasure


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.LEAD: frozenset({Right.SEE, Right.LABEL, Right.MANAGE}),
    Role.ANNOTATOR: frozenset({Right.SEE, Right.LABEL}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. Services check an actor's rights against the members of the project.

    `is_admin` holds every right in every project: the one actor of an installation used alone.
    `project_id` narrows an actor that came with a token of one project.
    """

    account_id: int
    name: str
    is_admin: bool = False
    project_id: int | None = None


class Prompt(NamedTuple):
    """Chat messages up to the reply, with optional tools."""

    messages: tuple[Json, ...]
    tools: tuple[Json, ...] = ()

    @property
    def digest(self) -> str:
        tools = canonical_json(self.tools) if self.tools else None
        return prompt_digest(canonical_messages(self.messages), tools)

    @property
    def fault(self) -> str | None:
        """Why this prompt cannot be used, as one clause; None where it can."""
        return messages_fault(self.messages)


def messages_fault(messages: Sequence[Json]) -> str | None:
    """Why `messages` cannot be a prompt, as one clause; None where they can.

    A prompt has at least one user or tool message and ends with one: what follows is the reply.
    """
    if not messages:
        return "the prompt has no messages"
    for number, message in enumerate(messages, 1):
        role = message.get("role")
        if role not in ROLES:
            return f"message {number} has the role {role!r}; known are {', '.join(ROLES)}"
        content = message.get("content")
        if content is None and message.get("tool_calls"):
            continue
        if not isinstance(content, str):
            return f"the content of message {number} is not text"
    if messages[-1]["role"] not in ("user", "tool"):
        return "the prompt does not end in a user or tool message"
    if not str(messages[-1].get("content") or "").strip():
        return "the last message of the prompt is empty"
    return None


def with_system_prompt(messages: Sequence[Json], system_prompt: str | None) -> tuple[Json, ...]:
    """The messages as sent when a generator has a system prompt: always one system message, and the first.

    Where the prompt has one of its own, the generator's text stands before it in the same message: many chat
    templates refuse a second system message.
    """
    if not system_prompt:
        return tuple(messages)
    first = messages[0] if messages else {}
    if first.get("role") in SYSTEM:
        return ({**first, "content": f"{system_prompt}\n\n{first.get('content') or ''}"}, *messages[1:])
    return ({"role": "system", "content": system_prompt}, *messages)


SYSTEM = ("system", "developer")
ROLES = (*SYSTEM, "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """A model at an endpoint, as a person wrote it down. `digest` covers what decides the reply.

    Name, key variable and pace are not part of the identity. `parameters` holds only what was
    written: nothing is sent that nobody asked for.
    """

    name: str
    base_url: str
    model: str
    key_env: str | None = None
    system_prompt: str | None = None
    parameters: Json = field(default_factory=dict)
    samples: int = 1
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_in_flight: int | None = None
    headers: Mapping[str, str] | None = None  # of the endpoint; None where nothing is said of them

    @property
    def digest(self) -> str:
        return json_digest(
            {
                "base_url": self.base_url.rstrip("/"),
                "model": self.model,
                "system_prompt": self.system_prompt,
                "parameters": self.parameters,
            }
        )


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """A model with a rubric, as a person wrote it down. A new rubric is a new judge.

    `orders` is "alone" for a judge that scores each completion by itself.
    `uses_reference`: the judge reads a prompt's reference answer where there is one.
    """

    name: str
    base_url: str
    model: str
    rubric: str
    key_env: str | None = None
    orders: Literal["both", "random", "alone"] = "both"
    samples: int = 1
    parameters: Json = field(default_factory=dict)
    offers_both_bad: bool = False
    uses_reference: bool = True
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_in_flight: int | None = None
    headers: Mapping[str, str] | None = None  # of the endpoint; None where nothing is said of them

    def digest(self, template: str) -> str:
        """Identity: model, parameters, rubric, order policy and the template's text."""
        return json_digest(
            {
                "base_url": self.base_url.rstrip("/"),
                "model": self.model,
                "rubric": self.rubric,
                "orders": self.orders,
                "samples": self.samples,
                "parameters": self.parameters,
                "offers_both_bad": self.offers_both_bad,
                "uses_reference": self.uses_reference,
                "template": template,
            }
        )


_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: object) -> str:
    """One spelling for equal values: sorted keys, no spaces, characters as they are."""
    return _canonical(value)


def canonical_messages(messages: Sequence[Json]) -> str:
    """The canonical JSON of chat messages. Nearly all are a role and a text, which are spelled at once."""
    spelled = []
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if len(message) == 2 and type(role) is str and type(content) is str:
            spelled.append(f'{{"content":{encode_basestring(content)},"role":{encode_basestring(role)}}}')
        else:
            spelled.append(canonical_json(message))
    return f"[{','.join(spelled)}]"


def prompt_digest(messages: str, tools: str | None) -> str:
    """The identity of a prompt, from the canonical JSON of its messages and of its tools, where it has any."""
    return text_digest(f'{{"messages":{messages}}}' if tools is None else f'{{"messages":{messages},"tools":{tools}}}')


def json_digest(value: object) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return text_digest(canonical_json(value))


def text_digest(text: str) -> str:
    """SHA-256 of the text in UTF-8, in hex. Raises UnicodeEncodeError for a lone surrogate."""
    return hashlib.sha256(text.encode()).hexdigest()


def completion_digest(text: str, tool_calls: Sequence[Json] = ()) -> str:
    """The identity of what a completion says: its text, and its tool calls where it has any."""
    return json_digest({"text": text, "tool_calls": list(tool_calls)}) if tool_calls else text_digest(text)
