"""The sandbox's routes: an OpenAI-compatible endpoint under /sandbox/v1, for this machine only.

Everything it answers carries the header `x-tiebreak-sandbox` and the fingerprint "tiebreak-sandbox". It asks for no key
and reads none.
"""

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeling.sandbox.batches import Desk
from labeling.sandbox.chat import complete, models
from labeling.sandbox.request import RequestFault
from labeling.services.exposure import is_loopback
from labeling.services.sandbox import SANDBOX_PATH, sandbox_latency
from labeling.web.middleware import OnlyThisMachine
from labeling.web.sandbox_batches import batch_routes

HEADER = b"x-tiebreak-sandbox"
LARGEST_BODY = 4_000_000  # bytes


def sandbox_routes(desk: Desk | None = None) -> list[Mount]:
    """The routes to mount in an app; batches are kept at `desk`. Raises InputError for a latency that is no number."""
    latency = sandbox_latency()

    async def chat(request: Request) -> JSONResponse:
        answer = complete(_parsed(await _body(request)))
        await asyncio.sleep(latency)
        return JSONResponse(answer)

    async def list_models(request: Request) -> JSONResponse:  # noqa: ARG001, a route takes the request
        return JSONResponse(models())

    endpoint = Starlette(
        routes=[
            Route("/chat/completions", chat, methods=["POST"]),
            Route("/models", list_models, methods=["GET"]),
            *batch_routes(desk or Desk(), latency),
        ],
        exception_handlers={RequestFault: _refuse, HTTPException: _refuse_route, ClientDisconnect: _gone},
    )
    return [Mount(SANDBOX_PATH, _Marked(endpoint))]


def sandbox_app(desk: Desk | None = None) -> Starlette:
    """The sandbox as a server of its own."""
    return Starlette(routes=sandbox_routes(desk), middleware=[Middleware(OnlyThisMachine)])


class _Marked:
    """Marks each answer as the sandbox's, and answers this machine only."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (HEADER, b"1")]
            await send(message)

        client = scope.get("client")
        if client is not None and is_loopback(client[0]):
            await self._endpoint(scope, receive, marked)
            return
        fault = RequestFault("The Tiebreak sandbox answers requests of its own machine only.", status=403)
        await JSONResponse(fault.body, fault.status)(scope, receive, marked)


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is too large: it is never held as a whole then."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            message = f"The body is larger than the {LARGEST_BODY:,} bytes that the Tiebreak sandbox reads."
            raise RequestFault(message, status=413)
        parts.append(part)
    return b"".join(parts)


def _parsed(body: bytes) -> Any:
    try:
        parsed = json.loads(body)
        # Python reads lone surrogates and NaN, which no answer could carry; a provider refuses them as well.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise RequestFault("We could not parse the JSON body of your request.", code="invalid_json") from None
    return parsed


async def _refuse(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestFault)
    return JSONResponse(error.body, error.status)


async def _refuse_route(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = f"Invalid URL ({request.method} {request.url.path}). The sandbox has chat/completions, models, files and batches."
    return JSONResponse(RequestFault(message).body, error.status_code, headers=error.headers)


async def _gone(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(RequestFault("The request ended before its body did.").body, 400)
