"""Exports, and the files of runs, as downloads, streamed whatever their size.

    GET /api/v1/projects/{slug}/exports/{id}/{file}      a file of the export, or all of it: `SLUG-ID.zip`; 409 where
                                                         it is no longer what was exported
    GET /api/v1/projects/{slug}/runs/{id}/{file}         the Batch JSONL of one part of a run

With `Authorization: Bearer …` the token's owner asks; without, the one actor of an installation used alone (the
middleware has let nobody else in).
"""

from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from labeling.domain import Actor
from labeling.errors import ExportError, ForbiddenError, InputError, NotFoundError, TiebreakError
from labeling.services.export_files import export_file, export_files, zip_name
from labeling.services.parts import part_blocks
from labeling.services.sessions import COOKIE, actor_of_session
from labeling.services.tokens import actor_of_token
from labeling.services.zipped import zip_blocks
from labeling.storage.store import Store

PATH: Final = "/api/v1/projects/{slug}/exports/{number:int}/{file}"
RUN_PATH: Final = "/api/v1/projects/{slug}/runs/{number:int}/{file}"
TYPES: Final = {".jsonl": "application/jsonl", ".json": "application/json", ".md": "text/markdown; charset=utf-8"}


Answering: TypeAlias = Callable[[Callable[[], Store], str | None, str | None, str, int, str], Response]


def download_routes(store: Callable[[], Store]) -> list[Route]:
    """The routes; `store` is called for each request, in a thread (the first call may open the database)."""

    def route(path: str, answer: Answering) -> Route:
        async def download(request: Request) -> Response:
            way = request.path_params
            try:
                return await run_in_threadpool(
                    answer,
                    store,
                    request.headers.get("authorization"),
                    request.cookies.get(COOKIE),
                    way["slug"],
                    way["number"],
                    way["file"],
                )
            except ForbiddenError as error:
                return JSONResponse({"error": str(error)}, status_code=403)
            except NotFoundError as error:
                return JSONResponse({"error": str(error)}, status_code=404)
            except InputError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            except ExportError as error:
                return JSONResponse({"error": str(error)}, status_code=409)
            except TiebreakError as error:
                return JSONResponse({"error": str(error)}, status_code=503)

        return Route(path, download, methods=["GET"])

    return [route(PATH, answer_download), route(RUN_PATH, answer_part)]


def answer_download(
    store: Callable[[], Store],
    authorization: str | None,
    session_secret: str | None,
    slug: str,
    export_id: int,
    file: str,
) -> Response:
    """Raises TiebreakError: no such export or file, not finished, changed since, no right to it."""
    opened = store()
    actor = _actor(opened, authorization, session_secret)
    headers = _headers(file)
    if file == zip_name(slug, export_id):
        blocks = zip_blocks(export_files(opened, actor, slug, export_id), file.removesuffix(".zip"))
        return StreamingResponse(blocks, media_type="application/zip", headers=headers)
    path = export_file(opened, actor, slug, export_id, file)
    return FileResponse(path, media_type=TYPES.get(path.suffix, "application/octet-stream"), headers=headers)


def answer_part(
    store: Callable[[], Store],
    authorization: str | None,
    session_secret: str | None,
    slug: str,
    run_id: int,
    file: str,
) -> Response:
    """Raises TiebreakError: no such run or part, no right to it."""
    opened = store()
    blocks = part_blocks(opened, _actor(opened, authorization, session_secret), slug, run_id, file)
    return StreamingResponse(blocks, media_type=TYPES[".jsonl"], headers=_headers(file))


def _headers(file: str) -> dict[str, str]:
    return {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file)}",
        "cache-control": "no-store",
    }


def _actor(store: Store, authorization: str | None, session_secret: str | None) -> Actor:
    if authorization is None:
        return actor_of_session(store, session_secret)
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise ForbiddenError("Only tokens are taken here. Send the header Authorization: Bearer TOKEN")
    return actor_of_token(store, secret.strip())
