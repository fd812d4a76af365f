"""The keys of endpoints: named by variable, read when they are needed, never shown and never stored."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from labeling.errors import InputError

# What the program is set up with is no endpoint's key, whatever a form or file says.
FOREIGN = ("TIEBREAK_",)


@dataclass(frozen=True, slots=True)
class KeyState:
    """Whether the key of an endpoint is there. Never its value."""

    variable: str | None
    found: bool
    needed: bool
    where: Literal["environment", ".env"] | None

    @property
    def sentence(self) -> str:
        if self.variable is None:
            return "No key variable is named; most endpoints refuse that." if self.needed else "No key is sent."
        if self.where is not None:
            place = "the environment" if self.where == "environment" else ".env"
            return f"{self.variable} is set in {place}."
        return f"{self.variable} is not set; set it in the environment or in .env, then start Tiebreak again."


def key_state(variable: str | None, base_url: str) -> KeyState:
    """Whether `variable` holds a key, and whether the endpoint is likely to want one (this machine's do not)."""
    needed = not is_loopback(base_url)
    if variable is None:
        return KeyState(None, found=False, needed=needed, where=None)
    where, _ = _looked_up(variable)
    return KeyState(variable, found=where is not None, needed=needed, where=where)


def key_value(variable: str | None) -> str | None:
    """The key itself, to be handed to `ChatClient.ask` and to nothing else; None where no variable is named.

    Raises:
        InputError: the variable is not set, or holds what no key can be.
    """
    if variable is None:
        return None
    _, value = _looked_up(variable)
    if not value:
        raise InputError(
            f"The key variable {variable} is not set; set it in the environment or in .env, then start Tiebreak again."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InputError(f"{variable} holds characters that no key has; copy the key into it again.")
    return value


def origin_of(base_url: str) -> str:
    """Scheme, host and port: where a key goes. The default port is left out."""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port not in (None, {"http": 80, "https": 443}.get(parts.scheme)) else ""
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _looked_up(variable: str) -> tuple[Literal["environment", ".env"] | None, str]:
    """Where the variable is set, and to what; the environment goes before the file."""
    _check_name(variable)
    places: tuple[tuple[Literal["environment", ".env"], Mapping[str, str]], ...] = (
        ("environment", os.environ),
        (".env", _env_file()),
    )
    for where, values in places:
        value = values.get(variable, "").strip().strip("'\"")
        if value:
            return where, value
    return None, ""


def _check_name(variable: str) -> None:
    # A value pasted where the name belongs must not be repeated in a sentence.
    if not variable.isidentifier() or variable.startswith(FOREIGN):
        raise InputError(
            "key_env is not the name of a key variable; write a name such as OPENAI_API_KEY, never the key itself."
        )


def _env_file() -> dict[str, str]:
    path = Path(".env")
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.absolute()} cannot be read; it must be a text file that you may read.") from error
