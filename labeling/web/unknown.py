"""What is asked for under /api and is not there: a refusal that a script can read, instead of the app's first page."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def unknown_routes() -> list[Route]:
    """To be mounted behind all routes that there are."""

    async def unknown(request: Request) -> JSONResponse:
        sentence = f"There is no {request.method} {request.url.path[:200]} here. See the README for the routes."
        return JSONResponse({"error": sentence}, status_code=404)

    return [Route("/api/{rest:path}", unknown, methods=list(METHODS))]
