"""The sandbox as a server of its own in a thread, with its batches in the test's hands."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeling.domain import GeneratorSpec
from labeling.sandbox.batches import Desk
from labeling.web.sandbox import sandbox_app


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class BatchServer:
    """`desk` holds files and batches, `clock` moves its time, `calls` says what was asked: (method, path)."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.desk = Desk(clock=self.clock)
        self.calls: list[tuple[str, str]] = []
        self.keys: set[str | None] = set()
        self.headers: list[dict[str, str]] = []  # of each call
        # Told of each call when it is done and before it is answered: what it does then, the caller never learns.
        self.before_answer: Callable[[str, str], None] = lambda method, path: None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sandbox/v1"

    def count(self, method: str, path: str) -> int:
        return self.calls.count((method, path))

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        app = self._counting(sandbox_app(self.desk))
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def _counting(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self.before_answer(scope["method"], path)
                await send(message)

            if scope["type"] == "http":
                path = scope["path"].removeprefix("/sandbox/v1")
                self.calls.append((scope["method"], path))
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.headers.append(headers)
                self.keys.add(headers.get("authorization"))
            await app(scope, receive, told)

        return counted


def spec_of(server: BatchServer, model: str = "sandbox-large", **fields: object) -> GeneratorSpec:
    return GeneratorSpec(**{"name": model, "base_url": server.base_url, "model": model, **fields})  # type: ignore[arg-type]  # test helper
