"""Signing in and out of a browser, and the cookie by which it is known.

    GET, POST /sign-in      a form for a personal token
    GET, POST /sign-out     says first what this browser still keeps

Plain pages of their own: a Streamlit script cannot set a cookie. That a form comes from here is checked by the
middleware (Origin) and by the cookie itself, which other sites cannot send along.
"""

from collections.abc import Callable
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from labeling.errors import ForbiddenError, TiebreakError
from labeling.services.sessions import COOKIE, LASTS, actor_of_session, new_session_secret, sign_in, sign_out
from labeling.storage.store import Store
from labeling.web.middleware import Asgi, Message, Receive, Scope, Send

LARGEST_FORM: Final = 10_000
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Tiebreak</title>
<style>
:root {{ color-scheme: light dark; --line: light-dark(#e1e4ea, #2b303b); --accent: light-dark(#3b5bdb, #4a6af0); }}
body {{ background: light-dark(#fff, #0f1115); color: light-dark(#0f1217, #e6e8ee); font: 15px/1.6 system-ui, sans-serif;
  max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }}
h1 {{ font-size: 24px; font-weight: 650; }}
label, input {{ display: block; width: 100%; box-sizing: border-box; }}
input {{ font: inherit; padding: .5rem .6rem; margin: .3rem 0 1rem; border: 1px solid var(--line); border-radius: 8px; }}
button, .button {{ font: inherit; padding: .45rem .9rem; border: 1px solid var(--line); border-radius: 8px; background: none;
  color: inherit; cursor: pointer; text-decoration: none; }}
[hidden] {{ display: none !important; }}
form {{ display: flex; flex-wrap: wrap; gap: .5rem; }}
.primary {{ background: var(--accent); border-color: var(--accent); color: #fff; }}
.fault {{ border-left: 3px solid #c2455a; padding-left: .7rem; }}
code {{ font-size: 13px; }}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""
_SIGN_IN: Final = """{fault}<form method="post" action="/sign-in">
<label for="token">Personal token</label>
<input id="token" name="token" type="password" autocomplete="off" required autofocus>
<button class="primary">Sign in</button><a class="button" href="/">Cancel</a></form>
<p>Labels are then stored under the token's annotator. A token is made with <code>tiebreak token create</code>.</p>"""
# What the labelling screen has not sent yet lies in this browser alone, so only the browser can tell. What another
# annotator left here unsent stays until that one is back.
_SIGN_OUT: Final = r"""<p>{who}</p><p id="kept" class="fault" hidden></p>
<form method="post" action="/sign-out">
<a class="button" id="save" hidden download="unsent-labels.json">Download them</a>
<button class="primary">Sign out</button><a class="button" href="/label">Back to labelling</a></form>
<script>
const labels = /^tiebreak\.(outbox|refused)\.[^.]+\.{account}\./, seen = /^tiebreak\.guidelines\.[^.]+\.{account}$/;
const own = (...kinds) => Object.keys(localStorage).filter((key) => kinds.some((kind) => kind.test(key)));
const kept = own(labels).flatMap((key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return []; } });
if (kept.length) {
  const told = document.getElementById("kept"), save = document.getElementById("save");
  const said = kept.length === 1 ? "1 unsent label is" : `${kept.length} unsent labels are`;
  told.textContent = `${said} kept in this browser and will be deleted. Go back to labelling to send them first, or download them.`;
  told.hidden = save.hidden = false;
  save.href = URL.createObjectURL(new Blob([JSON.stringify(kept, null, 1)], { type: "application/json" }));
}
document.querySelector("form").addEventListener("submit", () => own(labels, seen).forEach((key) => localStorage.removeItem(key)));
</script>"""


def session_routes(store: Callable[[], Store]) -> list[Route]:
    """The two pages; `store` is called for each request, in a thread."""

    async def show_sign_in(_request: Request) -> Response:
        return _page("Sign in", _SIGN_IN.format(fault=""))

    async def do_sign_in(request: Request) -> Response:
        token = (await _form(request)).get("token", "").strip()
        try:
            signed_in = await run_in_threadpool(lambda: sign_in(store(), token, request.cookies.get(COOKIE)))
        except TiebreakError as error:
            status = 403 if isinstance(error, ForbiddenError) else 503
            told = f'<p class="fault" role="alert">{escape(str(error))}</p>'
            return _page("Sign in", _SIGN_IN.format(fault=told), status)
        answer = RedirectResponse("/", 303)
        _set(answer.headers, signed_in.secret, is_secure=request.url.scheme == "https")
        return answer

    async def show_sign_out(request: Request) -> Response:
        actor = await run_in_threadpool(lambda: actor_of_session(store(), request.cookies.get(COOKIE)))
        page = _SIGN_OUT.replace("{account}", str(actor.account_id))
        return _page("Sign out", page.replace("{who}", f"This browser labels as {escape(actor.name)}."))

    async def do_sign_out(request: Request) -> Response:
        secret = request.cookies.get(COOKIE)
        if secret:
            await run_in_threadpool(lambda: sign_out(store(), secret))
        answer = RedirectResponse("/", 303)
        _set(answer.headers, new_session_secret(), is_secure=request.url.scheme == "https")
        return answer

    return [
        Route("/sign-in", show_sign_in, methods=["GET"]),
        Route("/sign-in", do_sign_in, methods=["POST"]),
        Route("/sign-out", show_sign_out, methods=["GET"]),
        Route("/sign-out", do_sign_out, methods=["POST"]),
    ]


class BrowserCookie:
    """Gives a browser that opens a page without one the cookie by which it is known."""

    def __init__(self, app: Asgi) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or COOKIE in Request(scope).cookies:
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    _set(headers, new_session_secret(), is_secure=scope["scheme"] == "https")
            await send(message)

        await self.app(scope, receive, with_cookie)


def _set(headers: MutableHeaders, secret: str, *, is_secure: bool) -> None:
    parts = [f"{COOKIE}={secret}", "Path=/", f"Max-Age={int(LASTS.total_seconds())}", "HttpOnly", "SameSite=Strict"]
    headers.append("set-cookie", "; ".join([*parts, "Secure"] if is_secure else parts))


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, body=body), status, {"cache-control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form, read only as far as one may go."""
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_FORM:
                return {}
    except ClientDisconnect:
        return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
