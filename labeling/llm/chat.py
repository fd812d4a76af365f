"""One chat call over plain aiohttp, which costs a sixth of the SDK's CPU, and no retry of its own.

Key and secrets stand in the headers of one call and nowhere else; redirects are not followed, since they would go along.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson

from labeling.llm.faults import Fault, error_in_body, place, status_fault, unreadable_fault, without_key
from labeling.llm.headers import NO_HEADERS, Headers
from labeling.llm.limits import Limits, told_limits
from labeling.llm.reply import Reply, read_reply
from labeling.llm.request import ChatRequest, address_of

TIMEOUT_SECONDS = 600.0  # models that reason may take minutes
CONNECT_SECONDS = 15.0
SHORTEST_SECRET = 16  # characters; what is shorter may be a word of the reply
MOST_BYTES = 20_000_000  # no reply is as long as this; a server that never ends is


class ChatClient:
    """Calls to chat endpoints that share connections. To be used as an async context manager."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # How many calls are in flight is the worker's decision alone.
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.timeout_seconds, sock_connect=CONNECT_SECONDS),
            headers={"User-Agent": "tiebreak"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, request: ChatRequest, key: str | None, extra: Headers = NO_HEADERS) -> Reply | Fault:
        """Send one request and read its reply. Every fault of the endpoint is returned, none is raised."""
        return without_secrets(await self._ask(request, key, extra), key, extra)

    async def models(
        self, request: ChatRequest, key: str | None, extra: Headers = NO_HEADERS
    ) -> list[dict[str, object]] | Fault:
        """The models that the endpoint of `request` lists."""
        return without_secrets(await self._models(request, key, extra), key, extra)

    async def _ask(self, request: ChatRequest, key: str | None, extra: Headers) -> Reply | Fault:
        address = _chat_address(request.base_url)
        started = time.monotonic()
        got = await self._exchange(
            request, "POST", address, sent_headers(address, key, extra), request.content.encode()
        )
        if isinstance(got, Fault):
            return got
        milliseconds = round((time.monotonic() - started) * 1000)
        status, headers, raw = got
        raw = _without_echo(raw, key, extra)
        if status != 200:
            return status_fault(request, status, headers, raw, has_key=key is not None)
        return _read(request, raw, milliseconds, told_limits(headers), has_key=key is not None)

    async def _models(self, request: ChatRequest, key: str | None, extra: Headers) -> list[dict[str, object]] | Fault:
        address = address_of(request.base_url, "models")
        got = await self._exchange(request, "GET", address, sent_headers(address, key, extra), None)
        if isinstance(got, Fault):
            return got
        status, headers, raw = got
        if status != 200:
            return status_fault(request, status, headers, raw, has_key=key is not None)
        try:
            listed = orjson.loads(raw)["data"]
            return [model for model in listed if isinstance(model, dict) and isinstance(model.get("id"), str)]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return unreadable_fault(request, raw, "it has no list of models")

    async def _exchange(
        self, request: ChatRequest, method: str, address: str, headers: dict[str, str], content: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes] | Fault:
        """Status, headers (names in any case) and body, or the fault that kept them away."""
        assert self._session is not None, "ChatClient is used inside `async with`"
        if content:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method, address, data=content, headers=headers, allow_redirects=False
            ) as response:
                raw = await _body(response)
                if raw is None:
                    return Fault(
                        "too_large",
                        f"{place(request)} sent more than {MOST_BYTES // 1_000_000} MB; no reply is that long.",
                    )
                return response.status, response.headers, raw
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            return self._broken(place(request), error)

    def _broken(self, at: str, error: Exception) -> Fault:
        """What it means that no answer came."""
        match error:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return Fault(
                    "certificate", f"{at} has no certificate that can be trusted: {_why(error)}.", stops_run=True
                )
            case aiohttp.ClientConnectorError():
                message = f"{at} cannot be reached: {_why(error)}. Check that it runs and that base_url is right, then resume."
                return Fault("unreachable", message, retry=True, counts_as_attempt=False)
            case TimeoutError():
                return Fault("timeout", f"{at} did not answer within {self.timeout_seconds:g} seconds.", retry=True)
            case aiohttp.ClientPayloadError():
                return Fault("cut_body", f"{at} broke off in the middle of its answer.", retry=True)
        return Fault("connection", f"{at} broke the connection: {_why(error)}.", retry=True)


@lru_cache
def _chat_address(base_url: str) -> str:
    return address_of(base_url, "chat/completions")


def key_header(address: str, key: str | None) -> dict[str, str]:
    """The one header that holds the key; Azure has its own name for it."""
    if key is None:
        return {}
    if (urlsplit(address).hostname or "").endswith(".openai.azure.com"):
        return {"api-key": key}
    return {"Authorization": f"Bearer {key}"}


def sent_headers(address: str, key: str | None, extra: Headers) -> dict[str, str]:
    """The key's header and the further ones; where both have one name, it is the endpoint's own."""
    own = key_header(address, key)
    if not extra.values:
        return own
    return {name: value for name, value in own.items() if name.lower() not in extra.values} | dict(extra.values)


Got = TypeVar("Got")


def without_secrets(got: Got | Fault, key: str | None, extra: Headers) -> Got | Fault:
    """A fault in words that repeat neither key nor secret; anything else as it is."""
    if not isinstance(got, Fault):
        return got
    return replace(got, message=without_key(got.message, key, *extra.secrets))


def _without_echo(raw: bytes, key: str | None, extra: Headers) -> bytes:
    """A body without the secrets that it repeats: replies are stored."""
    for secret in (key or "", *extra.secrets):
        if len(secret) >= SHORTEST_SECRET and secret.encode() in raw:
            raw = raw.replace(secret.encode(), b"[key]")
    return raw


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None where it is longer than any reply."""
    if response.content_length is not None and response.content_length <= MOST_BYTES:
        return await response.read()  # without its length it may grow for ever, packed or not
    read = bytearray()
    async for piece in response.content.iter_any():
        read += piece
        if len(read) > MOST_BYTES:
            return None
    return bytes(read)


def _read(
    request: ChatRequest, raw: bytes, milliseconds: int, limits: Limits | None, *, has_key: bool
) -> Reply | Fault:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return unreadable_fault(request, raw, "it is not JSON")
    if not isinstance(body, dict):
        return unreadable_fault(request, raw, "it is no JSON object")
    status = error_in_body(body)
    if status is not None:
        return status_fault(request, status, {}, raw, has_key=has_key)
    try:
        return read_reply(body, milliseconds, limits)
    except ValueError as error:
        return unreadable_fault(request, raw, str(error))


def _why(error: Exception) -> str:
    """The cause in a few words; the names of aiohttp's classes are for programmers."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is unknown"
    if isinstance(error, aiohttp.ClientConnectorError):
        return (error.os_error.strerror or "no connection").lower().split("[")[0].strip() or "no connection"
    return str(error).rstrip(".").split("\n")[0][:200] or "no reason given"
