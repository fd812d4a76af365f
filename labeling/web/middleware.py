"""What every request passes first: who may ask (client, Host, Origin), and the headers every answer carries.

Pure ASGI, so that the websocket is guarded like everything else and streamed answers are not gathered in memory.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from labeling.services.exposure import is_loopback

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Nothing is fetched from elsewhere, whatever a model wrote. Streamlit needs inline styles and one inline script, and
# its charts compile expressions: so this is a lock on fetching, and only half of one on scripts.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not "no-referrer": with that a browser sends our own forms with "Origin: null", which is refused below.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
# The labelling screen's files. Streamlit lets browsers keep them without saying for how long or of which version: after an
# upgrade old scripts would speak to a new route.
SCREEN_FILES: Final = "/_stcore/bidi-components/tiebreak."


class SecurityHeaders:
    """Adds `HEADERS` to every answer that has not set them itself; the labelling screen's files are asked for anew each time."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if SCREEN_FILES in scope["path"]:
                    headers["cache-control"] = "no-cache"
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class OnlyThisMachine:
    """Refuses what does not come from this machine and was not asked of it by its own page.

    Three locks, each for what the others let through: the client's address (an app that was bound wider than it
    should be), Host (a foreign name that was pointed at 127.0.0.1), Origin (a foreign page that calls this one).
    """

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reason = None if scope["type"] == "lifespan" else refusal(scope)
        if reason is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await JSONResponse({"error": reason}, status_code=403)(scope, receive, send)


def refusal(scope: Scope) -> str | None:
    """Why this connection is refused, as a sentence of at most 123 bytes (a websocket's limit); None where it is not."""
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return "Tiebreak answers this machine alone: signing in is not part of this version."
    headers = Headers(scope=scope)
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not _is_own_host(hosts[0]):
        return "This host name is not Tiebreak's own. Use http://127.0.0.1 with its port."
    origins = headers.getlist("origin")
    if origins and (len(origins) > 1 or not _is_same_origin(origins[0], hosts[0])):
        return "This request comes from a page of another origin. Open Tiebreak itself."
    return None


def _is_own_host(host: str) -> bool:
    """Names are compared, never resolved: a resolver is what an attacker of this kind holds."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and (name == "localhost" or is_loopback(name))


def _is_same_origin(origin: str, host: str) -> bool:
    scheme, separator, place = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and place.lower() == host.lower()
