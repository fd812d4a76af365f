"""One chat call over plain aiohttp, which costs a sixth of the SDK's CPU, and no retry of its own.

The key stands in one header of one call and nowhere else; redirects are not followed, since it would go along.
"""

import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import orjson

from labeling.llm.faults import Fault, error_in_body, place, status_fault, unreadable_fault, without_key
from labeling.llm.reply import Reply, read_reply
from labeling.llm.request import ChatRequest, address_of

TIMEOUT_SECONDS = 600.0  # models that reason may take minutes
CONNECT_SECONDS = 15.0
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

    async def ask(self, request: ChatRequest, key: str | None) -> Reply | Fault:
        """Send one request and read its reply. Every fault of the endpoint is returned, none is raised."""
        address = address_of(request.base_url, "chat/completions")
        started = time.monotonic()
        got = await self._exchange(request, "POST", address, key, request.content.encode())
        if isinstance(got, Fault):
            return got
        milliseconds = round((time.monotonic() - started) * 1000)
        status, headers, raw = got
        if status != 200:
            return _redacted(status_fault(request, status, headers, raw, has_key=key is not None), key)
        return _read(request, raw, key, milliseconds)

    async def models(self, request: ChatRequest, key: str | None) -> list[dict[str, object]] | Fault:
        """The models that the endpoint of `request` lists."""
        got = await self._exchange(request, "GET", address_of(request.base_url, "models"), key, None)
        if isinstance(got, Fault):
            return got
        status, headers, raw = got
        if status != 200:
            return _redacted(status_fault(request, status, headers, raw, has_key=key is not None), key)
        try:
            listed = orjson.loads(raw)["data"]
            return [model for model in listed if isinstance(model, dict) and isinstance(model.get("id"), str)]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return unreadable_fault(request, raw, "it has no list of models")

    async def _exchange(
        self, request: ChatRequest, method: str, address: str, key: str | None, content: bytes | None
    ) -> tuple[int, dict[str, str], bytes] | Fault:
        """Status, headers (names in lower case) and body, or the fault that kept them away."""
        assert self._session is not None, "ChatClient is used inside `async with`"
        headers = {**key_header(address, key), **({"Content-Type": "application/json"} if content else {})}
        at = place(request)
        try:
            async with self._session.request(
                method, address, data=content, headers=headers, allow_redirects=False
            ) as response:
                raw = await _body(response)
                if raw is None:
                    return Fault(
                        "too_large", f"{at} sent more than {MOST_BYTES // 1_000_000} MB; no reply is that long."
                    )
                return response.status, {name.lower(): value for name, value in response.headers.items()}, raw
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError) as error:
            return _redacted(
                Fault("certificate", f"{at} has no certificate that can be trusted: {_why(error)}.", stops_run=True),
                key,
            )
        except aiohttp.ClientConnectorError as error:
            message = (
                f"{at} cannot be reached: {_why(error)}. Check that it runs and that base_url is right, then resume."
            )
            return Fault("unreachable", message, retry=True, counts_as_attempt=False)
        except TimeoutError:
            return Fault("timeout", f"{at} did not answer within {self.timeout_seconds:g} seconds.", retry=True)
        except aiohttp.ClientPayloadError:
            return Fault("cut_body", f"{at} broke off in the middle of its answer.", retry=True)
        except (aiohttp.ClientError, ConnectionError) as error:
            return _redacted(Fault("connection", f"{at} broke the connection: {_why(error)}.", retry=True), key)


def key_header(address: str, key: str | None) -> dict[str, str]:
    """The one header that holds the key; Azure has its own name for it."""
    if key is None:
        return {}
    if (urlsplit(address).hostname or "").endswith(".openai.azure.com"):
        return {"api-key": key}
    return {"Authorization": f"Bearer {key}"}


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    """The whole body; None where it is longer than any reply."""
    read = bytearray()
    async for piece in response.content.iter_any():
        read += piece
        if len(read) > MOST_BYTES:
            return None
    return bytes(read)


def _read(request: ChatRequest, raw: bytes, key: str | None, milliseconds: int) -> Reply | Fault:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return unreadable_fault(request, raw, "it is not JSON")
    if not isinstance(body, dict):
        return unreadable_fault(request, raw, "it is no JSON object")
    status = error_in_body(body)
    if status is not None:
        return _redacted(status_fault(request, status, {}, raw, has_key=key is not None), key)
    try:
        return read_reply(body, milliseconds)
    except ValueError as error:
        return unreadable_fault(request, raw, str(error))


def _redacted(fault: Fault, key: str | None) -> Fault:
    return Fault(
        fault.code,
        without_key(fault.message, key),
        fault.retry,
        fault.stops_run,
        fault.counts_as_attempt,
        fault.retry_after,
        fault.refused_parameter,
    )


def _why(error: Exception) -> str:
    """The cause in a few words; the names of aiohttp's classes are for programmers."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is unknown"
    if isinstance(error, aiohttp.ClientConnectorError):
        return (error.os_error.strerror or "no connection").lower().split("[")[0].strip() or "no connection"
    return str(error).rstrip(".").split("\n")[0][:200] or "no reason given"
