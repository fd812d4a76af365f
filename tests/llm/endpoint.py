"""A local chat endpoint whose faults a test sets, and which counts what it was asked."""

import asyncio
import json
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aiohttp import web

Wire = Literal["drop", "cut", "hang", "garbage"]


@dataclass(frozen=True)
class Step:
    """What one call gets: an HTTP answer, or a fault of the connection."""

    status: int = 200
    body: Any = None  # text as it is, anything else as JSON
    headers: dict[str, str] = field(default_factory=dict)
    wire: Wire | None = None


def reply(text: str | None = "Fine.", *, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "served-model",
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
    }


class Endpoint:
    """Runs in a thread of its own while the context lasts.

    steps       answers for the next calls, in order; after them every call gets `otherwise`
    poison      words that make a call get their step, whenever they stand in its last message
    """

    def __init__(self) -> None:
        self.steps: deque[Step] = deque()
        self.poison: dict[str, Step] = {}
        self.otherwise: Step | None = None
        self.delay = 0.0
        self.models: Step = Step(body={"data": [{"id": "served-model", "owned_by": "tests"}]})
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.paths: list[str] = []
        self.answered: Counter[str] = Counter()  # last message -> answers sent with status 200
        self.in_flight = 0
        self.high_water = 0
        self._gate = asyncio.Event()
        self._gate.set()
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The last message of every call, in order of arrival."""
        return [body["messages"][-1]["content"] for body in self.bodies]

    def hold(self) -> None:
        """From now on calls arrive and none is answered, until `go_on`."""
        self._loop.call_soon_threadsafe(self._gate.clear)

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    def __enter__(self) -> Self:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(30), "the endpoint did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(30)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=50_000_000)
        app.router.add_post("/{path:.*}", self._chat)
        app.router.add_get("/{path:.*}", self._models)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        started.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        last = body["messages"][-1]["content"]
        with self._lock:
            self.bodies.append(body)
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
            self.times.append(time.monotonic())
            self.paths.append(request.path_qs)
            self.in_flight += 1
            self.high_water = max(self.high_water, self.in_flight)
            step = self._next(last)
        try:
            await self._gate.wait()
            if self.delay:
                await asyncio.sleep(self.delay)
            return await self._answer(request, step, last)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _next(self, last: str) -> Step:
        for word, step in self.poison.items():
            if word in last:
                return step
        if self.steps:
            return self.steps.popleft()
        return self.otherwise or Step(body=reply(f"Answer to {last}"))

    async def _answer(self, request: web.Request, step: Step, last: str) -> web.StreamResponse:
        text = step.body if isinstance(step.body, str) else json.dumps(step.body)
        if step.wire is None:
            if step.status == 200:
                self.answered[last] += 1
            kind = "text/html" if text.startswith("<") else "application/json"
            return web.Response(status=step.status, text=text, headers=step.headers, content_type=kind)
        assert request.transport is not None
        if step.wire == "hang":
            await asyncio.sleep(3600)
        if step.wire == "garbage":
            request.transport.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        if step.wire == "cut":
            request.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
            )
            await asyncio.sleep(0.05)
        request.transport.abort() if step.wire == "drop" else request.transport.close()
        await asyncio.sleep(0)
        return web.Response()

    async def _models(self, request: web.Request) -> web.StreamResponse:
        with self._lock:
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return await self._answer(request, self.models, "models")
