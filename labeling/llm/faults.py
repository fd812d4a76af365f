"""Why a call brought no reply, as a code to act on and one sentence to show.

One owner of retries: what is said here (`retry`, `stops_run`, `counts_as_attempt`, `retry_after`) is what the worker
does, and no other layer tries again. The server's own words are kept, on one line, without anything like a key.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from labeling.domain import Json
from labeling.llm.keys import origin_of
from labeling.llm.limits import Limits, told_limits
from labeling.llm.request import ChatRequest

WORDS_KEPT = 300  # characters of the server's own message
LONGEST_WAIT_SECONDS = 3600.0  # who asks to wait longer than this has run out of a daily or monthly quota

KEY_LIKE = re.compile(r"\b(?:sk|pk|rk|key|gsk|xai|AIza|hf|Bearer)[-_ ][\w.\-*]{6,}")
QUOTA = re.compile(
    r"insufficient[ _](?:quota|funds|balance|credit)|exceeded your current quota|credit balance|billing|payment required"
    r"|per day|\bRPD\b|\bTPD\b|daily (?:limit|quota)",
    re.IGNORECASE,
)
BAD_KEY = re.compile(r"(?:invalid|incorrect|not valid|missing|no) .{0,20}api.?key|api.?key.{0,20}(?:invalid|incorrect|not valid|missing)", re.IGNORECASE)  # fmt: skip
FILTERED = re.compile(r"content.?(?:filter|policy|management)|moderation|flagged|safety system", re.IGNORECASE)
TOO_LONG = re.compile(r"context.?(?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens", re.IGNORECASE)  # fmt: skip
NO_MODEL = re.compile(r"model.{0,80}(?:not (?:exist|found)|does not exist|unknown)|(?:unknown|no such|invalid) model", re.IGNORECASE)  # fmt: skip
REFUSES = re.compile(
    r"unsupported|not supported|support|unrecogni[sz]ed|unknown|unexpected|extra (?:inputs|fields)|not permitted|not allowed"
    r"|deprecated|invalid|must be|out of range|too (?:large|high|small|low)|at most|at least|less than|greater than",
    re.IGNORECASE,
)
NAMED = re.compile(
    r"['\"`]([A-Za-z_]\w*)[\w.\[\]]*['\"`]|(?:parameter|argument(?: supplied)?|field)s?:?\s+([A-Za-z_]\w*)"
)
TRY_AGAIN = re.compile(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?", re.IGNORECASE)
DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?$")

VARIETY = ("temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty")
INSTEAD = {
    "max_tokens": "write max_completion_tokens instead",
    "max_completion_tokens": "write max_tokens instead",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A call without a usable reply. `message` names the model and the origin, and never holds a key."""

    code: str
    message: str
    retry: bool = False
    stops_run: bool = False
    counts_as_attempt: bool = True
    retry_after: float | None = None  # seconds
    refused_parameter: str | None = None
    limits: Limits | None = None  # of the endpoint, as far as it told them


def place(request: ChatRequest) -> str:
    return f"{request.model} at {origin_of(request.base_url)}"


def status_fault(request: ChatRequest, status: int, headers: Mapping[str, str], raw: bytes, *, has_key: bool) -> Fault:
    """The fault of an HTTP answer that is no success; `raw` is its body as far as it was read."""
    error = _error_of(raw)
    words = _words(error, raw)
    said = f"{place(request)} answered {status}" + (f": {words}" if words else "")
    told = f"{words} {error.get('code', '')} {error.get('type', '')}"
    wait = _wait(headers, words)
    if 300 <= status < 400:
        return Fault(
            "redirect",
            f"{place(request)} points to another address ({status}). Redirects are not followed, since the key would go "
            "along: write the final address as base_url.",
            stops_run=True,
        )
    if status == 402 or (status in (400, 403, 429) and QUOTA.search(told)) or (status == 429 and (wait or 0) > LONGEST_WAIT_SECONDS):  # fmt: skip
        return Fault("quota", f"{said}. The quota is used up: add credit or wait for it, then resume.", stops_run=True)
    if status == 429:
        return Fault(
            "rate_limited",
            f"{said}.",
            retry=True,
            counts_as_attempt=False,
            retry_after=wait,
            limits=told_limits(headers),
        )
    if status in (408, 409, 425) or status >= 500:
        return Fault("server_error", f"{said}.", retry=True, retry_after=wait)
    if status in (400, 403) and FILTERED.search(told):
        return Fault("refused", f"{said}. The endpoint's content filter refused this prompt.")
    if status == 401 or (status == 400 and BAD_KEY.search(words)):
        mend = "correct the key in its variable" if has_key else "name the variable of its key as key_env"
        return Fault("unauthorized", f"{said}. It did not take the key: {mend}, then resume.", stops_run=True)
    if status == 403:
        mend = "use a key that may use this model" if has_key else "name the variable of its key as key_env"
        return Fault("forbidden", f"{said}. Access is forbidden: {mend}, then resume.", stops_run=True)
    if status in (404, 405, 410) or (status == 400 and (error.get("param") == "model" or NO_MODEL.search(told))):
        return Fault("not_found", f"{said}. Check the model's name and base_url.", stops_run=True)
    if status == 413 or TOO_LONG.search(told):
        return Fault("too_large", f"{said}. The prompt is too long for this model.")
    refused = _refused_parameter(request.body, error, words)
    if refused is not None:
        return Fault(
            "refused_parameter",
            f"{place(request)} refuses {refused}: {words}. {instead_of(refused)}",
            stops_run=True,
            refused_parameter=refused,
        )
    return Fault("bad_request", f"{said}.")


def instead_of(parameter: str) -> str:
    """What to do without a parameter that a model refuses."""
    if parameter in VARIETY:
        return f"Take {parameter} out, and vary the system prompt or the model instead."
    if parameter == "response_format":
        return "Take response_format out; this model has no structured output of that kind."
    return f"Take {parameter} out, or {INSTEAD.get(parameter, 'write a value that it takes')}."


def unreadable_fault(request: ChatRequest, raw: bytes, why: str) -> Fault:
    """The fault of a 200 whose body is no chat completion."""
    start = raw[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return Fault(
            "not_json",
            f"{place(request)} answered with a web page, not with JSON: check base_url, which often ends in /v1.",
            stops_run=True,
        )
    return Fault("not_json", f"{place(request)} answered 200, but the answer is no chat completion: {why}.", retry=True)


def error_in_body(body: Json) -> int | None:
    """The status of an error that came as a success, as some gateways send it; None where there is none."""
    error = body.get("error")
    if not error or body.get("choices"):
        return None
    code = error.get("code") if isinstance(error, dict) else None
    number = int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdigit()) else 502
    return number if 300 <= number < 600 else 502


def without_key(text: str, *secrets: str | None) -> str:
    """`text` without the key and other secrets, also where a server repeats a key or a part of it."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[key]")
    return KEY_LIKE.sub("[key]", text)


def _error_of(raw: bytes) -> Json:
    """The error object of a body, whichever of the usual shapes it has; empty where there is none."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(body, list) and body:
        body = body[0]  # one vendor wraps its error in a list
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": str(error)}


def _words(error: Json, raw: bytes) -> str:
    message = error.get("message") or error.get("detail") or error.get("msg")
    if isinstance(message, list):
        message = "; ".join(
            f"{'.'.join(map(str, part.get('loc', ())))}: {part.get('msg')}" if isinstance(part, dict) else str(part)
            for part in message
        )
    if message is None and not raw.lstrip().startswith((b"<", b"{", b"[")):
        message = raw[: 4 * WORDS_KEPT].decode(errors="replace")
    line = " ".join(str(message or "").split())
    line = "".join(character for character in line if character.isprintable())
    return line[:WORDS_KEPT].rstrip(".") + ("…" if len(line) > WORDS_KEPT else "")


def _refused_parameter(body: Json, error: Json, words: str) -> str | None:
    """The name of a parameter that was sent and is refused; None where the fault is another one."""
    sent = [name for name in body if name not in ("model", "messages", "tools")]
    param = error.get("param")
    if isinstance(param, str) and param:
        name = re.split(r"[.\[]", param)[0]
        return name if name in sent else None
    detail = error.get("detail")
    if isinstance(detail, list):
        places = [str(step) for part in detail if isinstance(part, dict) for step in part.get("loc", ())]
        return next((name for name in places if name in sent), None)
    if not REFUSES.search(words):
        return None
    return next((name for name in _names_in(words) if name in sent), None)


def _names_in(words: str) -> Iterator[str]:
    for match in NAMED.finditer(words):
        yield match.group(1) or match.group(2)


def _wait(headers: Mapping[str, str], words: str) -> float | None:
    """Seconds that the server asks to wait; None where it does not say."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            return max(0.0, float(value) * unit)
        except ValueError:
            if value and unit == 1.0:
                return _until(value)
    for name in ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"):
        kind = name.rsplit("-", 1)[1]
        match = DURATION.match(headers.get(name, "").strip())
        if match and match.group() and headers.get(f"x-ratelimit-remaining-{kind}", "").strip() == "0":
            return _seconds(match)
    match = TRY_AGAIN.search(words)
    return _seconds(match) if match and any(match.groups()) else None


def _until(date: str) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _seconds(match: re.Match[str]) -> float:
    hours, minutes, rest, unit = match.groups()
    last = float(rest or 0) * (0.001 if unit and unit.lower() == "ms" else 1.0)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + last
