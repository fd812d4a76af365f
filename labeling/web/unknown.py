"""Addresses that no page has: under /api a refusal that a script can read, and the way to the first page by its name."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def unknown_routes() -> list[Route]:
    """To be mounted behind all routes that there are."""

    async def unknown(request: Request) -> JSONResponse:
        sentence = f"There is no {request.method} {request.url.path[:200]} here. See the README for the routes."
        return JSONResponse({"error": sentence}, status_code=404)

    async def projects(_request: Request) -> RedirectResponse:
        # Streamlit knows its first page by / alone, and says of /projects that there is no such page.
        return RedirectResponse("/", 307)

    return [
        Route("/projects", projects, methods=["GET"]),
        Route("/api/{rest:path}", unknown, methods=list(METHODS)),
    ]
