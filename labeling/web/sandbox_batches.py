"""The sandbox's routes for files and batches. A batch is worked through a few lines at a time, between other requests."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from labeling.domain import Json
from labeling.sandbox.batches import MOST_BYTES, Desk
from labeling.sandbox.request import RequestFault

LINES_AT_ONCE = 5  # a line takes about a millisecond, in which nobody else is answered
REST_SECONDS = 0.001
LOOK_SECONDS = 0.05  # while there is nothing to do for a batch
LARGEST_FORM = MOST_BYTES + 100_000


def batch_routes(desk: Desk, latency: float) -> list[Route]:
    """Routes under the endpoint's address; `latency` seconds pass before each line."""
    working: set[asyncio.Task[None]] = set()

    async def files(request: Request) -> Response:
        owner = _owner(request)
        if request.method == "GET":
            return JSONResponse(desk.files(owner, request.query_params.get("after")))
        name, purpose, content = await _form(request)
        return JSONResponse(desk.add_file(owner, name, purpose, content))

    async def file(request: Request) -> Response:
        does: Callable[[str, str], Json] = desk.delete_file if request.method == "DELETE" else desk.file
        return JSONResponse(does(_owner(request), request.path_params["id"]))

    async def content(request: Request) -> Response:
        return FileResponse(desk.path_of(_owner(request), request.path_params["id"]))

    async def batches(request: Request) -> Response:
        owner = _owner(request)
        if request.method == "GET":
            return JSONResponse(desk.batches(owner, request.query_params.get("after")))
        created = desk.create(owner, await _json(request))
        task = asyncio.create_task(_work(desk, created["id"], latency))
        working.add(task)
        task.add_done_callback(working.discard)
        return JSONResponse(created)

    async def batch(request: Request) -> Response:
        return JSONResponse(desk.batch(_owner(request), request.path_params["id"]))

    async def cancel(request: Request) -> Response:
        return JSONResponse(desk.cancel(_owner(request), request.path_params["id"]))

    return [
        Route("/files", files, methods=["GET", "POST"]),
        Route("/files/{id}", file, methods=["GET", "DELETE"]),
        Route("/files/{id}/content", content, methods=["GET"]),
        Route("/batches", batches, methods=["GET", "POST"]),
        Route("/batches/{id}", batch, methods=["GET"]),
        Route("/batches/{id}/cancel", cancel, methods=["POST"]),
    ]


async def _work(desk: Desk, batch_id: str, latency: float) -> None:
    before = None
    while not desk.advance(batch_id, 1 if latency else LINES_AT_ONCE):
        now = desk.progress(batch_id)
        await asyncio.sleep(latency or (LOOK_SECONDS if now == before else REST_SECONDS))
        before = now


def _owner(request: Request) -> str:
    """Whose it is: the key, by digest. The sandbox keeps none."""
    key = request.headers.get("authorization") or request.headers.get("api-key") or ""
    return hashlib.sha256(key.encode()).hexdigest()


async def _form(request: Request) -> tuple[str, str, bytes]:
    """Name, purpose and content of an upload."""
    if int(request.headers.get("content-length") or 0) > LARGEST_FORM:
        raise RequestFault(f"The file is larger than the {MOST_BYTES:,} bytes of a batch.", "file", status=413)
    try:
        async with request.form() as form:
            upload, purpose = form.get("file"), form.get("purpose")
            if not isinstance(upload, UploadFile) or not isinstance(purpose, str):
                raise RequestFault("An upload has a file and a purpose.", "file")
            return upload.filename or "upload", purpose, await upload.read()
    except HTTPException as error:
        raise RequestFault(f"The upload cannot be read: {error.detail}") from None


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise RequestFault("We could not parse the JSON body of your request.", code="invalid_json") from None
