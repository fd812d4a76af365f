"""Over a real Starlette app: what comes in from elsewhere is refused before any route sees it."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from labeling.web.middleware import CONTENT_SECURITY_POLICY, OnlyThisMachine, SecurityHeaders

OWN = {"host": "127.0.0.1:8501"}


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def screen_file(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("script", headers={"cache-control": "public"})


async def own_policy(_request: Request) -> JSONResponse:
    return JSONResponse({}, headers={"content-security-policy": "sandbox"})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def client(address: str = "127.0.0.1") -> TestClient:
    app = Starlette(
        routes=[
            Route("/", hello, methods=["GET", "POST"]),
            Route("/own", own_policy),
            Route("/base/_stcore/bidi-components/tiebreak.label/main.js", screen_file),
            WebSocketRoute("/stream", echo),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(OnlyThisMachine)],
    )
    return TestClient(app, client=(address, 50000))


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST", "[::1]:8501", "127.8.0.1"])
def test_the_names_of_this_machine_are_answered(host):
    assert client().get("/", headers={"host": host}).text == "hello"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8501",
        "192.168.0.7:8501",
        "0.0.0.0:8501",
        "evil@127.0.0.1.example",
        "[::1",
        "",
        "abad.cafe",
    ],
)
def test_a_foreign_host_is_refused_with_a_sentence(host):
    answer = client().get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "host name" in answer.json()["error"]


def test_two_host_headers_are_refused():
    assert client().get("/", headers=[("host", "127.0.0.1"), ("host", "evil.example")]).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:9999", "http://localhost:8501", "null", "file://", "127.0.0.1:8501"],
)
def test_a_foreign_origin_is_refused_with_a_sentence(method, origin):
    answer = client().request(method, "/", headers={**OWN, "origin": origin})
    assert answer.status_code == 403
    assert "another origin" in answer.json()["error"]


def test_its_own_origin_is_answered():
    assert client().post("/", headers={**OWN, "origin": "http://127.0.0.1:8501"}).text == "hello"


@pytest.mark.parametrize("address", ["192.168.0.7", "2001:db8::7", "::ffff:192.168.0.7", "testclient", ""])
def test_another_machine_is_refused_even_with_a_forged_host(address):
    answer = client(address).get("/", headers=OWN)
    assert answer.status_code == 403
    assert "this machine alone" in answer.json()["error"]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(address):
    assert client(address).get("/", headers=OWN).status_code == 200


def test_the_websocket_of_its_own_page_opens():
    with client().websocket_connect("/stream", headers={**OWN, "origin": "http://127.0.0.1:8501"}) as websocket:
        assert websocket.receive_text() == "hello"


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("127.0.0.1", {**OWN, "origin": "http://evil.example"}),
        ("127.0.0.1", {**OWN, "origin": "null"}),
        ("127.0.0.1", {"host": "evil.example"}),
        ("192.168.0.7", OWN),
    ],
)
def test_the_websocket_is_guarded_like_the_rest(address, headers):
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        client(address).websocket_connect("/stream", headers=headers),
    ):
        raise AssertionError("the websocket opened")
    assert closed.value.code == 1008
    assert 0 < len(closed.value.reason.encode()) <= 123


@pytest.mark.parametrize("headers", [OWN, {"host": "evil.example"}])
def test_every_answer_carries_the_locks_on_fetching(headers):
    answer = client().get("/", headers=headers)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_route_may_set_a_stricter_policy_of_its_own():
    assert client().get("/own", headers=OWN).headers["content-security-policy"] == "sandbox"


def test_a_browser_asks_for_the_labelling_screen_anew_after_an_upgrade():
    answer = client().get("/base/_stcore/bidi-components/tiebreak.label/main.js", headers=OWN)
    assert answer.headers.get_list("cache-control") == ["no-cache"]


@pytest.mark.parametrize("directive", ["default-src", "connect-src", "img-src", "frame-src", "style-src", "script-src"])
def test_the_policy_names_no_other_place(directive):
    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert "'self'" in policy[directive]
    assert "http" not in policy[directive]
    assert "*" not in policy[directive]
