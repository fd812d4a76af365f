"""The fields that generators and judges share: name, endpoint, key variable, parameters, pace.

Every fault starts with the place (file, table), names the field and says how to mend it. Values that may be secrets
are never repeated: a key written where its variable's name belongs must not reach a screen or a log.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from labeling.domain import Json
from labeling.errors import InputError

NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "repetition_penalty", "min_p")
WHOLE_NUMBERS = ("max_tokens", "max_completion_tokens", "seed", "top_k")
PARAMETERS = (*NUMBERS, *WHOLE_NUMBERS, "stop", "reasoning_effort", "response_format", "logit_bias")
PACE = ("requests_per_minute", "tokens_per_minute", "max_in_flight")
COMMON = ("name", "base_url", "model", "key_env", "samples", *PACE, *PARAMETERS, "extra_body", "headers")
OURS = {
    "model": "write it as model of the table",
    "messages": "they come from the prompts",
    "n": "write samples = … instead",
    "stream": "replies are read whole",
    "tools": "they come from the prompts",
}
MOST_SAMPLES = 64
SANDBOX = "sandbox"  # the word for the sandbox's address, which differs from start to start
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
KEY_LIKE = re.compile(r"(?i)(sk-|sk_|hf_|gsk_|xai-|r8_|tgp_|fw_|pplx-|ghp_|bearer|eyJ|AKIA[0-9A-Z]{12}|AIza).*")


def common_fields(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check the shared fields of one table; the result holds the keyword arguments of a spec."""
    name = text_field(table, "name", where) or ""
    if not name or len(name) > 80 or not name.isprintable():
        raise InputError(f"{where}: name is missing or not one line of at most 80 characters; give it a short name.")
    where = f"{where} ({name})"
    model = text_field(table, "model", where)
    if not model:
        raise InputError(f"{where}: model is missing; write the model's id as the endpoint lists it.")
    samples = whole_number(table.get("samples", 1), "samples", where)
    if not 1 <= samples <= MOST_SAMPLES:
        raise InputError(f"{where}: samples must be from 1 to {MOST_SAMPLES}.")
    pace = {key: whole_number(table[key], key, where) for key in PACE if key in table}
    for key, value in pace.items():
        if value < 1:
            raise InputError(f"{where}: {key} must be 1 or more; leave it out for no limit of your own.")
    return {
        "name": name,
        "base_url": base_url(table.get("base_url"), where),
        "model": model,
        "key_env": key_variable(table.get("key_env"), where),
        "parameters": _parameters(table, where),
        "samples": samples,
        **pace,
    }


def base_url(value: object, where: str) -> str:
    """An endpoint's address without a trailing slash, or the word `sandbox`. Raises InputError, which never repeats a password."""
    if value == SANDBOX:
        return SANDBOX
    example = 'such as "https://api.openai.com/v1"'
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}: base_url is missing; write the endpoint's address, {example}.")
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InputError(f"{where}: base_url is not an address; write one, {example}.") from None
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise InputError(f"{where}: base_url is not an http or https address; write one, {example}.")
    if parts.username or parts.password:
        raise InputError(
            f"{where}: base_url holds a user name or password; take it out and name the key's variable as key_env."
        )
    if parts.query or parts.fragment:
        raise InputError(f"{where}: base_url has a part after ? or #; end it at the version, {example}.")
    if parts.path.endswith(("/completions", "/responses", "/models")):
        raise InputError(
            f"{where}: base_url names a route; end it at the version, {example}: Tiebreak adds /chat/completions."
        )
    return url


def key_variable(value: object, where: str) -> str | None:
    """The name of an environment variable; None where no key is needed. A key itself is refused unseen."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not VARIABLE.fullmatch(value) or looks_like_key(value):
        raise InputError(
            f"{where}: key_env is not a variable's name (it may be a key itself, so it is not shown here); put the key into "
            'the environment or .env, and write the variable\'s name, such as "OPENAI_API_KEY".'
        )
    return value


def looks_like_key(value: str) -> bool:
    """Whether a text is rather a key than a variable's name: a known beginning, or a long run without an underscore."""
    longest = max(map(len, value.split("_")))
    mixed = any(c.islower() for c in value) and any(c.isupper() for c in value) and any(c.isdigit() for c in value)
    return bool(KEY_LIKE.fullmatch(value)) or longest > 24 or (mixed and len(value) >= 16)


def _parameters(table: Mapping[str, Any], where: str) -> Json:
    written = {key: _parameter(key, table[key], where) for key in PARAMETERS if key in table}
    extra = table.get("extra_body", {})
    if not isinstance(extra, Mapping):
        raise InputError(f'{where}: extra_body must be a table, such as {{ reasoning_effort = "none" }}.')
    for key, value in extra.items():
        if key in OURS:
            raise InputError(f'{where}: extra_body cannot set "{key}": {OURS[key]}.')
        if key in written:
            raise InputError(f'{where}: "{key}" is written twice, in the table and in extra_body; keep one.')
        if re.search(r"(?i)api.?key|authorization|secret|password", key):
            raise InputError(
                f'{where}: extra_body holds "{key}"; keys are named as key_env and never written in a file.'
            )
        written[key] = _plain(value, f"{where}: extra_body.{key}")
    if "max_tokens" in written and "max_completion_tokens" in written:
        raise InputError(
            f"{where}: max_tokens and max_completion_tokens are both written; keep the one the endpoint takes."
        )
    return written


def _parameter(key: str, value: object, where: str) -> object:
    if key in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{where}: {key} must be a number.")
        if value < 0 and not key.endswith("_penalty"):
            raise InputError(f"{where}: {key} must be 0 or more.")
        return value
    if key in WHOLE_NUMBERS:
        number = whole_number(value, key, where)
        if key.startswith("max") and number < 1:
            raise InputError(f"{where}: {key} must be 1 or more.")
        return number
    if key == "stop":
        stops = value if isinstance(value, list) else [value]
        if not stops or not all(isinstance(stop, str) and stop for stop in stops):
            raise InputError(f"{where}: stop must be a text or a list of texts.")
        return value
    return _plain(value, f"{where}: {key}")


def _plain(value: object, where: str) -> object:
    """`value` where both JSON and TOML can hold it: one has null, the other dates, nan and inf."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, where) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, where) for inner in value]
    if isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise InputError(
        f"{where} holds a value that cannot be sent from a file (null, a date, nan or inf); write a text or a number."
    )


def known(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    """Refuse a field that nobody reads: a misspelt parameter would be silently left out."""
    unknown = {key: None for key in table if key not in keys}
    if not unknown:
        return
    hint = (
        "a key is never written in a file: name its variable as key_env"
        if any("key" in key for key in unknown)
        else ("fields that only your endpoint knows go into extra_body = { … }")
    )
    raise InputError(f"{where}: {quoted(unknown)} is not known; {hint}.")


def quoted(keys: Iterable[str]) -> str:
    return ", ".join(f'"{key[:40]}"' for key in list(keys)[:5])


def text_field(table: Mapping[str, Any], key: str, where: str) -> str | None:
    """The stripped text of a field; None where it is missing or blank."""
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{where}: {key} must be text in quotes.")
    return value.strip() or None if value else None


def whole_number(value: object, key: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{where}: {key} must be a whole number.")
    return value
