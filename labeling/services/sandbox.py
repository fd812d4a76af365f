"""Where the sandbox is, and whether an endpoint is one. What a sandbox wrote is marked on every screen and in exports."""

import os
from urllib.parse import urlsplit

from labeling.errors import InputError
from labeling.services.exposure import is_loopback
from labeling.settings import settings

SANDBOX_PATH = "/sandbox/v1"
LATENCY_VARIABLE = "TIEBREAK_SANDBOX_LATENCY"
APP_PORT = 8501  # Streamlit's own default


def sandbox_url(port: int = APP_PORT) -> str:
    """The sandbox's address: as TIEBREAK_SANDBOX_URL names it, else that of an app on `port` of this machine."""
    return settings().sandbox_url.rstrip("/") or f"http://127.0.0.1:{port}{SANDBOX_PATH}"


def is_sandbox(base_url: str) -> bool:
    """Whether an endpoint's address is a sandbox's: our path on this machine, or the one that the setting names."""
    address = base_url.rstrip("/")
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_ours = parts.path.endswith(SANDBOX_PATH) and (host == "localhost" or is_loopback(host))
    named = settings().sandbox_url.rstrip("/")
    return is_ours or bool(named and address == named)


def sandbox_latency() -> float:
    """Seconds that the sandbox lets pass before each answer, from TIEBREAK_SANDBOX_LATENCY; 0 where it is not set."""
    text = os.environ.get(LATENCY_VARIABLE, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 600:
        raise InputError(f"{LATENCY_VARIABLE} is {text[:40]!r}; write the seconds as a number from 0 to 600.")
    return seconds
