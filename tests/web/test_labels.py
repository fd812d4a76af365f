"""The labelling route, through Starlette's client and over a real server."""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import uvicorn
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from labeling.domain import Verdict
from labeling.services.gold import set_gold
from labeling.services.round_setup import make_practice
from labeling.services.tokens import create_token
from labeling.storage.projects import add_guidelines
from labeling.storage.tables import Account, Completion, CompletionText, GuidelineVersion, Label, Project, now
from labeling.web.labels import LARGEST_ANSWER, label_routes
from tests.services.labelling import Labelling, act, add_pairs, enqueue_pairs, make_labelling


class Client:
    """A script with a token."""

    def __init__(self, talk: Labelling, name: str = "ann") -> None:
        self.talk = talk
        self.http = TestClient(Starlette(routes=label_routes(lambda: talk.store)), raise_server_exceptions=True)
        self.token = create_token(talk.store, talk.owner, name, talk.slug).secret

    def post(self, *, slug=None, content=None, headers=(), **body):
        return self.http.post(
            f"/api/v1/projects/{slug or self.talk.slug}/labels",
            content=json.dumps(body) if content is None else content,
            headers={"authorization": f"Bearer {self.token}", "content-type": "application/json"} | dict(headers),
        )


@pytest.fixture
def talk(sqlite_store) -> Labelling:
    return make_labelling(sqlite_store)


@pytest.fixture
def client(talk) -> Client:
    return Client(talk)


def test_a_script_gets_pairs_labels_them_and_gets_the_next(store):
    talk = make_labelling(store)
    client = Client(talk)
    answer = client.post(want=2).json()
    assert answer["acked"] == answer["refused"] == []
    assert (answer["done"], answer["total"]) == (0, 3)
    first, second = answer["pairs"]
    assert first["pair_id"] == talk.pairs[0]
    assert set(first) == {"pair_id", "after", "prompt", "left", "right", "mine", "language", "sensitive"}
    assert (first["mine"], first["language"], first["sensitive"]) == (None, None, False)
    assert first["prompt"]["raw"].startswith("Question ")
    assert first["left"]["html"] == f'<p dir="auto">{first["left"]["raw"]}</p>\n'
    event = act(first["pair_id"], verdict="right")
    answer = client.post(events=[event], have=[second["pair_id"]], want=2).json()
    assert answer["acked"] == [event["event_id"]]
    assert (answer["done"], answer["mine"]) == (1, 1)
    assert [pair["pair_id"] for pair in answer["pairs"]] == [talk.pairs[2]]
    undo = act(first["pair_id"], "undo", after=event["event_id"])
    answer = client.post(events=[undo], have=[second["pair_id"], talk.pairs[2]], want=2).json()
    assert [pair["pair_id"] for pair in answer["pairs"]] == [first["pair_id"]]
    assert answer["pairs"][0]["after"] == undo["event_id"]
    assert answer["pairs"][0]["left"] == first["left"]


def test_the_answer_tells_where_the_annotator_is(client, talk):
    answer = client.post().json()
    assert (answer["state"], answer["round"], answer["guidelines"]) == ("open", {"name": "work", "purpose": "work"}, 1)
    assert "recent" not in answer
    talk.run(update(Project).values(closed_at=now()))
    assert client.post(want=3).json() | {"state": "closed", "pairs": []} == client.post(want=3).json()


def test_what_can_be_undone_is_told_newest_first(client):
    first, second, third = (pair["pair_id"] for pair in client.post(want=3).json()["pairs"])
    one, two = act(first), act(second, "skip")
    client.post(events=[one, two, act(third, "flag")])
    answer = client.post(recent=50).json()
    assert answer["recent"] == [
        {"pair_id": second, "event_id": two["event_id"], "action": "skip"},
        {"pair_id": first, "event_id": one["event_id"], "action": "label"},
    ]
    client.post(events=[act(second, "undo", after=two["event_id"])])
    assert [one["pair_id"] for one in client.post(recent=1).json()["recent"]] == [first]


def test_a_pair_is_opened_again_with_what_the_annotator_said_of_it(client, talk):
    talk.ask(strength=True, edits=True, reasons=["Clear"], criteria=["honest"])
    first, second, third = client.post(want=3).json()["pairs"]
    said = {
        "verdict": "right",
        "strength": 3,
        "criteria": {"honest": "left"},
        "reasons": ["Clear"],
        "comment": "because",
        "edited": "Better.",
    }
    label = act(first["pair_id"], **said)
    client.post(events=[label])
    opened = client.post(open=first["pair_id"], want=2, have=[second["pair_id"], third["pair_id"]]).json()["pairs"]
    assert [(pair["pair_id"], pair["mine"], pair["after"]) for pair in opened] == [
        (first["pair_id"], said | {"edited_side": "right"}, label["event_id"])
    ]
    assert (opened[0]["left"], opened[0]["right"]) == (first["left"], first["right"])
    change = act(first["pair_id"], verdict="tie", criteria={"honest": "tie"}, after=label["event_id"])
    client.post(events=[change])
    again = client.post(open=first["pair_id"]).json()["pairs"][0]
    assert (again["mine"]["verdict"], again["mine"]["strength"], again["after"]) == ("tie", None, change["event_id"])
    client.post(events=[act(first["pair_id"], "undo", after=change["event_id"])])
    undone = client.post(want=3).json()["pairs"][0]
    assert (undone["pair_id"], undone["mine"]["verdict"]) == (first["pair_id"], "tie")


def test_who_finds_both_bad_can_write_what_should_have_been_said(client, talk):
    talk.ask(edits=True)
    (pair,) = client.post(want=1).json()["pairs"]
    label = act(pair["pair_id"], verdict="both_bad", edited="Better.", edited_side="right")
    assert client.post(events=[label]).json()["acked"] == [label["event_id"]]
    (opened,) = client.post(open=pair["pair_id"]).json()["pairs"]
    assert (opened["mine"]["verdict"], opened["mine"]["edited"]) == ("both_bad", "Better.")
    assert opened["mine"]["edited_side"] == "right"
    (edit,) = talk.rows(Completion, Completion.kind == "edit")
    (parent,) = talk.rows(CompletionText, CompletionText.completion_id == edit.parent_id)
    assert parent.text == pair["right"]["raw"]


def test_a_pair_that_was_never_served_is_not_opened(client, talk):
    client.post(want=1)
    assert client.post(open=talk.pairs[2]).json()["pairs"] == []
    assert client.post(open=10**9).json()["pairs"] == []


def test_a_label_says_which_guidelines_its_annotator_had_seen(client, talk):
    first, second, third = (pair["pair_id"] for pair in client.post(want=3).json()["pairs"])
    with talk.store.writing() as session:
        add_guidelines(session, talk.project_id, "Prefer the shorter one.", talk.owner.account_id)
    assert client.post(events=[act(first)], guidelines=1).json()["guidelines"] == 2
    client.post(events=[act(second)], guidelines=2)
    client.post(events=[act(third)], guidelines=99)
    one, two = (row.id for row in talk.rows(GuidelineVersion))
    assert [row.guideline_version_id for row in talk.rows(Label)] == [one, two, two]


def test_nothing_tells_which_model_wrote_what(client):
    said = client.post(want=20).text
    for word in ("generator", "model", "source", "file", "completion", '"a"', '"b"', "a_id"):
        assert word not in said


def test_a_refused_event_is_told_and_the_rest_is_taken(client, talk):
    pair_id = client.post(want=1).json()["pairs"][0]["pair_id"]
    good, bad = act(pair_id), act(10**6)
    answer = client.post(events=[bad, good, {"event_id": 7}]).json()
    assert answer["acked"] == [good["event_id"]]
    assert [(one["event_id"], one["code"], one["retry"]) for one in answer["refused"]] == [
        ("", "malformed", False),
        (bad["event_id"], "unknown_pair", False),
    ]
    assert len(talk.rows(Label)) == 1


def test_ten_thousand_events_at_once_are_taken_two_hundred_at_a_time(client, talk):
    pair_id = client.post(want=1).json()["pairs"][0]["pair_id"]
    good = act(pair_id)
    answer = client.post(events=[good, *({"event_id": str(uuid4())} for _ in range(9_999))]).json()
    assert answer["acked"] == [good["event_id"]]
    codes = [one["code"] for one in answer["refused"]]
    assert (codes.count("malformed"), codes.count("too_many")) == (199, 9_800)
    assert all(one["retry"] == (one["code"] == "too_many") for one in answer["refused"])
    assert client.post(events=[{}] * 10_001).status_code == 400


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 400, "JSON object"),
        (b'{"events": {}}', 400, "events"),
        (b'{"have": ["1"]}', 400, "have"),
        (b'{"have": [9223372036854775808]}', 400, "have"),
        (b'{"have": [true]}', 400, "have"),
        (b'{"want": -1}', 400, "want"),
        (b'{"want": 51}', 400, "want"),
        (b'{"want": 1.5}', 400, "want"),
        (b'{"round": 5}', 400, "round"),
        (b'{"round": "\\u0000"}', 400, "round"),
        (b'{"round": "second"}', 404, "no round 'second'"),
        (b'{"a": "' + b"x" * 4 * 2**20 + b'"}', 413, "4 MB"),
    ],
)
def test_a_bad_body_is_refused_with_a_reason(client, content, status, said):
    answer = client.post(content=content)
    assert answer.status_code == status
    assert said in answer.json()["error"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_of_another_page_is_refused_by_its_type(client, kind):
    assert client.post(want=1, headers={"content-type": kind}).status_code == 415


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic abc", "Bearer tbk_forged", "Bearer \xfc"])
def test_without_a_good_token_nothing_is_told(client, header):
    answer = client.post(want=1, headers={"authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


def test_a_token_opens_its_project_alone(client, talk):
    other = make_labelling(talk.store, name="Other")
    assert client.post(slug=other.slug, want=1).status_code == 404
    assert client.post(slug="nowhere", want=1).status_code == 404
    assert client.post(slug="%00", want=1).status_code == 404
    assert client.http.get(f"/api/v1/projects/{talk.slug}/labels").status_code == 405


def test_a_large_answer_is_cut_between_pairs_and_the_rest_follows(talk):
    add_pairs(talk.store, talk.project_id, 8, text="long " * 30_000)
    enqueue_pairs(talk.store, talk.project_id)
    client = Client(talk)
    seen: list[int] = []
    while pairs := client.post(want=20).json()["pairs"]:
        answer = client.post(want=20)
        assert len(answer.content) <= LARGEST_ANSWER
        fresh = [pair["pair_id"] for pair in pairs]
        seen += fresh
        client.post(events=[act(pair_id) for pair_id in fresh])
    assert len(seen) == len(set(seen)) == 11


def test_hostile_text_leaves_as_harmless_html_and_as_it_is(talk):
    hostile = "<script>alert(1)</script>"
    add_pairs(talk.store, talk.project_id, 1, text=hostile)
    enqueue_pairs(talk.store, talk.project_id)
    pair = Client(talk).post(want=20).json()["pairs"][-1]
    assert hostile in pair["left"]["raw"]
    assert "<script" not in pair["left"]["html"]


@pytest.fixture
def served(store):
    """The route on a real server on loopback."""
    talk = make_labelling(store, pairs=60)
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=label_routes(lambda: store)), host="127.0.0.1", port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield talk, f"http://127.0.0.1:{port}/api/v1/projects/{talk.slug}/labels"
    server.should_exit = True
    thread.join()


def test_twenty_scripts_at_once_over_a_real_server_lose_and_double_nothing(served):
    talk, url = served
    tokens = [create_token(talk.store, talk.owner, f"person {number}", talk.slug).secret for number in range(20)]

    def post(token, **body):
        request = urllib.request.Request(
            url,
            data=json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def work(token):
        answer = post(token, want=3)
        sent = []
        while answer["pairs"]:
            events = [act(pair["pair_id"]) for pair in answer["pairs"]]
            post(token, events=events)
            answer = post(token, events=events, want=3)
            assert answer["acked"] == [event["event_id"] for event in events]
            sent += answer["acked"]
        return sent

    with ThreadPoolExecutor(20) as pool:
        sent = [event_id for done in pool.map(work, tokens) for event_id in done]
    labels = talk.rows(Label)
    assert sorted(row.event_id for row in labels) == sorted(sent)
    assert sorted(row.pair_id for row in labels) == talk.pairs
    assert len(talk.rows(Account, Account.name.like("person%"))) == 20


def test_practice_answers_with_what_is_right_and_keeps_the_work_closed(client, talk):
    for pair_id in talk.pairs[:2]:
        set_gold(talk.store, talk.owner, talk.slug, pair_id, Verdict.TIE, "Both say the same.")
    make_practice(talk.store, talk.owner, talk.slug, "practice", 0.5)
    answer = client.post(want=2).json()
    assert (answer["state"], answer["pairs"]) == ("practice_first", [])
    first, second = (pair["pair_id"] for pair in client.post(round="practice", want=2).json()["pairs"])
    event = act(first, verdict="tie")
    answer = client.post(round="practice", events=[event], have=[second], want=2).json()
    assert answer["feedback"] == [
        {
            "event_id": event["event_id"],
            "pair_id": first,
            "verdict": "tie",
            "correct": True,
            "reason": '<p dir="auto">Both say the same.</p>\n',
        }
    ]
    answer = client.post(round="practice", events=[act(second, verdict="left")]).json()
    assert not answer["feedback"][0]["correct"]
    told = {"round_name": "practice", "answered": 2, "correct": 1, "total": 2, "pass_mark": 0.5, "passed": True}
    assert answer["practice"] == told
    assert len(client.post(want=2).json()["pairs"]) == 2


def test_guidelines_are_told_with_what_changed(client, talk):
    def ask(query=""):
        return client.http.get(
            f"/api/v1/projects/{talk.slug}/guidelines{query}", headers={"authorization": f"Bearer {client.token}"}
        )

    with talk.store.writing() as session:
        add_guidelines(session, talk.project_id, "Prefer the kind one. <script>x</script>", talk.owner.account_id)
        add_guidelines(session, talk.project_id, "Prefer the true one. <script>x</script>", talk.owner.account_id)
    answer = ask("?since=2").json()
    assert answer["number"] == 3
    assert "<del>kind</del><ins>true</ins>" in answer["change"]
    assert "<script>" not in answer["change"] + answer["html"]
    assert ask("?since=3").json()["change"] is None
    assert ask().json()["change"] is None
    assert ask("?since=99").status_code == 404
    assert ask("?since=x").status_code == 400
    client.token = "tbk_forged"
    assert ask().status_code == 401
