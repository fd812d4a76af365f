"""Addresses that no page has."""

from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeling.web.unknown import unknown_routes

client = TestClient(Starlette(routes=unknown_routes()))


def test_an_unknown_route_is_refused_in_a_sentence_that_a_script_can_read():
    answer = client.post("/api/v9/labels")
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("There is no POST /api/v9/labels here.")


def test_the_list_of_projects_is_found_by_its_name_too():
    answer = client.get("/projects?project=talk", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/")
