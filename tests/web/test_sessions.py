"""Signing in and out through Starlette's client, with the middleware that gives browsers their cookie."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from labeling.services.access import local_actor
from labeling.services.sessions import COOKIE, actor_of_session, label_token
from labeling.services.tokens import create_token
from labeling.web.labels import label_routes
from labeling.web.sessions import LARGEST_FORM, BrowserCookie, session_routes
from tests.services.labelling import Labelling, make_labelling


async def page(_request):
    return HTMLResponse("<p>page</p>")


async def data(_request):
    return JSONResponse({})


@pytest.fixture
def talk(sqlite_store) -> Labelling:
    return make_labelling(sqlite_store)


@pytest.fixture
def browser(talk) -> TestClient:
    routes = [
        *session_routes(lambda: talk.store),
        *label_routes(lambda: talk.store),
        Route("/", page),
        Route("/data", data),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(BrowserCookie)]), follow_redirects=False)


def test_a_page_gives_the_browser_a_cookie_that_scripts_cannot_read(browser):
    assert "set-cookie" not in browser.get("/data").headers
    said = browser.get("/").headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Strict" in said
    assert len(browser.cookies[COOKIE]) > 40
    assert "set-cookie" not in browser.get("/").headers


def test_a_token_signs_the_browser_in_under_a_new_cookie(browser, talk):
    browser.get("/")
    before = browser.cookies[COOKIE]
    token = create_token(talk.store, talk.owner, "ann", talk.slug).secret
    answer = browser.post("/sign-in", data={"token": f" {token} "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    after = browser.cookies[COOKIE]
    assert after != before
    assert actor_of_session(talk.store, after).name == "ann"
    assert "labels as ann" in browser.get("/sign-out").text
    answer = browser.post("/sign-out")
    assert answer.status_code == 303
    assert actor_of_session(talk.store, after) == local_actor(talk.store)
    assert browser.cookies[COOKIE] != after


@pytest.mark.parametrize("form", [{}, {"token": "tbk_forged"}, {"token": "x" * LARGEST_FORM}, {"other": "1"}])
def test_a_bad_token_is_refused_in_a_sentence(browser, form):
    answer = browser.post("/sign-in", data=form)
    assert answer.status_code == 403
    assert "unknown, expired or revoked" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_label_route_takes_a_screen_token_with_its_cookie_alone(browser, talk):
    browser.get("/")
    token = label_token(talk.store, talk.actor("ann"), talk.slug, browser.cookies[COOKIE])
    way = f"/api/v1/projects/{talk.slug}/labels"
    headers = {"authorization": f"Bearer {token.secret}"}
    assert len(browser.post(way, json={"want": 3}, headers=headers).json()["pairs"]) == 3
    browser.cookies.clear()
    assert browser.post(way, json={"want": 3}, headers=headers).status_code == 401
