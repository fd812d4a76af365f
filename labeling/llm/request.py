"""One call to a chat endpoint, known by the digest of what is sent.

Nothing is sent that nobody wrote: no default temperature, no default token limit, no header beyond the key's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from labeling.domain import GeneratorSpec, Json, JudgeSpec, Prompt, canonical_json, text_digest, with_system_prompt
from labeling.errors import InputError

# What the engine decides itself. `n` and `stream` would make one request several answers or pieces of one.
OWN_NAMES = ("model", "messages", "tools", "n", "stream", "stream_options")
SECRET_NAMES = ("api_key", "apikey", "api-key", "authorization", "key")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is sent to `base_url`: `content` is the JSON body, in canonical spelling, with `sample` worked into it
    (seed + sample) where it has a seed."""

    base_url: str
    model: str
    content: str
    sample: int

    @property
    def body(self) -> Json:
        body: Json = json.loads(self.content)
        return body

    @property
    def key(self) -> str:
        """The identity of the call. An answered key is never paid for again.

        With a seed the samples differ in what is sent; without one only their number tells them apart.
        """
        # Reading the body takes ten times as long as looking into its text.
        has_seed = '"seed"' in self.content and "seed" in self.body
        sample = "" if has_seed else str(self.sample)
        return text_digest(f"{self.base_url}\n{sample}\n{self.content}")


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a model at an endpoint may be asked, as far as it was stated."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_in_flight: int | None = None


def pace_of(spec: GeneratorSpec | JudgeSpec) -> Pace:
    return Pace(spec.requests_per_minute, spec.tokens_per_minute, spec.max_in_flight)


def generator_request(spec: GeneratorSpec, prompt: Prompt, sample: int) -> ChatRequest:
    """The call that asks `spec` for its reply number `sample` (from 0) to `prompt`."""
    return chat_request(
        spec.base_url,
        spec.model,
        with_system_prompt(prompt.messages, spec.system_prompt),
        parameters=spec.parameters,
        tools=prompt.tools,
        sample=sample,
    )


def chat_request(
    base_url: str,
    model: str,
    messages: Sequence[Json],
    *,
    parameters: Mapping[str, object] | None = None,
    tools: Sequence[Json] = (),
    sample: int = 0,
) -> ChatRequest:
    """The call with these messages. `extra_body` in `parameters` is merged at the top level of the body.

    Raises:
        InputError: the address or a parameter cannot be used.
    """
    sent = _merged(parameters or {}, model)
    if "seed" in sent:
        seed = sent["seed"]
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise InputError(f"The seed of {model} is {seed!r}: write a whole number, or leave it out.")
        sent["seed"] = seed + sample
    body: Json = {"model": model, "messages": list(messages), **sent}
    if tools:
        body["tools"] = list(tools)
    return ChatRequest(endpoint_address(base_url), model, canonical_json(body), sample)


def _merged(parameters: Mapping[str, object], model: str) -> dict[str, object]:
    sent = {name: value for name, value in parameters.items() if name != "extra_body"}
    extra = parameters.get("extra_body", {})
    if not isinstance(extra, Mapping):
        raise InputError(f"extra_body of {model} is not a table of parameters; write extra_body = {{ name = value }}.")
    for name, value in extra.items():
        if name in sent and sent[name] != value:
            raise InputError(f"{model} has {name} twice, with two values; write it once, outside extra_body.")
        sent[name] = value
    for name in sent:
        if name in OWN_NAMES:
            hint = "use samples for more than one reply" if name == "n" else "leave it out"
            raise InputError(f"{name} of {model} cannot be a parameter: Tiebreak sets it itself; {hint}.")
        if name.lower() in SECRET_NAMES:
            raise InputError(
                f"{name} of {model} looks like a key, which would be stored; name its variable as key_env instead."
            )
    return sent


def endpoint_address(base_url: str) -> str:
    """`base_url` in one spelling: no slash at the end, scheme and host in lower case.

    Raises:
        InputError: it is no address of an endpoint, or holds a secret, which would be stored.
    """
    parts = urlsplit(base_url.strip())
    try:
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        has_host = False
    if parts.scheme not in ("http", "https") or not has_host:
        raise InputError(f"base_url {base_url!r} is no address; write one such as https://api.openai.com/v1.")
    if parts.username is not None or parts.password is not None:
        raise InputError(f"base_url for {parts.hostname} holds a user name; leave it out and name a key_env instead.")
    if any(name != "api-version" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise InputError(f"base_url for {parts.hostname} has more than api-version after its ?; leave the rest out.")
    path = parts.path.rstrip("/")
    if path.endswith("/chat/completions"):
        raise InputError(f"base_url {base_url!r} ends in /chat/completions; leave that off.")
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, parts.query, ""))


def address_of(base_url: str, path: str) -> str:
    """Where `path` (such as chat/completions) is found under `base_url`; its query (api-version) stays last."""
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{path}", parts.query, ""))
