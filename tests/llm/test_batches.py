import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from labeling.llm.batch_lines import read_line, request_line
from labeling.llm.batches import BatchClient, ProviderFault
from tests.llm.endpoint import Endpoint, Step
from tests.services.batch_server import BatchServer

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
BODY = '{"messages":[{"content":"Hi","role":"user"}],"model":"sandbox-large"}'


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as started:
        yield started


def lines(count: int, body: str = BODY) -> io.BytesIO:
    return io.BytesIO("".join(request_line(f"{number:064x}", body) for number in range(count)).encode())


def ended(client: BatchClient, batch_id: str):
    until = time.monotonic() + 200
    while not (found := client.look(batch_id)).has_ended:
        assert time.monotonic() < until, "the batch did not end"
        time.sleep(0.02)
    return found


def results(client: BatchClient, file_id: str) -> list[dict[str, object]]:
    into = io.BytesIO()
    client.download(file_id, into)
    return [json.loads(line) for line in into.getvalue().splitlines()]


def test_a_file_becomes_a_batch_and_its_results_are_read(server):
    with BatchClient(server.base_url, "sandbox-large", "k") as client:
        file_id = client.upload("part.jsonl", lines(7))
        batch = client.create(file_id, "token")
        done = ended(client, batch.id)
        assert (done.status, done.done, done.error_file_id) == ("completed", 7, None)
        found = results(client, done.output_file_id or "")
        assert {one["custom_id"] for one in found} == {f"{number:064x}" for number in range(7)}
        assert client.find_file("part.jsonl", SINCE) == file_id
        assert client.find_file("other.jsonl", SINCE) is None
        assert client.find_batch("file-none", "token", SINCE) == done
        assert client.find_batch("file-none", "other", SINCE) is None
    assert server.keys == {"Bearer k"}


def test_no_key_sends_no_header(server):
    with BatchClient(server.base_url, "sandbox-large", None) as client:
        client.upload("part.jsonl", lines(1))
    assert server.keys == {None}


def test_another_key_finds_neither_file_nor_batch(server):
    with BatchClient(server.base_url, "m", "one") as client:
        file_id = client.upload("part.jsonl", lines(1))
        batch_id = client.create(file_id, "t").id
    with BatchClient(server.base_url, "m", "other-key-123456") as client:
        assert client.find_file("part.jsonl", SINCE) is None
        assert client.find_batch(file_id, "t", SINCE) is None
        for call in (lambda: client.look(batch_id), lambda: client.download(file_id, io.BytesIO())):
            with pytest.raises(ProviderFault) as caught:
                call()
            assert caught.value.status == 404
            assert "other-key-123456" not in str(caught.value)


def test_lines_that_a_provider_refuses_are_told_with_their_number(server):
    twice = io.BytesIO(lines(1).getvalue() * 2)
    with BatchClient(server.base_url, "m", None) as client:
        batch = ended(client, client.create(client.upload("p.jsonl", twice), "t").id)
    assert batch.status == "failed"
    assert batch.errors[0][1].startswith("line 2: The custom_id '000")


def test_what_is_done_by_a_cancel_or_the_end_of_the_window_is_kept(server):
    server.desk.seconds = 100
    with BatchClient(server.base_url, "m", None) as client:
        first = client.create(client.upload("p.jsonl", lines(10)), "one").id
        second = client.create(client.upload("p.jsonl", lines(10)), "two").id
        server.clock.now += 50
        until = time.monotonic() + 200
        while client.look(first).done + client.look(second).done < 10:
            assert time.monotonic() < until
            time.sleep(0.02)
        client.cancel(first)
        cancelled = ended(client, first)
        client.cancel(first)
        server.desk.window_seconds = 60
        server.clock.now += 10
        expired = ended(client, second)
        assert (cancelled.status, expired.status) == ("cancelled", "expired")
        assert len(results(client, cancelled.output_file_id or "")) == 5
        assert cancelled.error_file_id is None
        late = results(client, expired.error_file_id or "")
        assert len(late) == 10 - len(results(client, expired.output_file_id or ""))
        assert all(read_line(json.dumps(one).encode()).is_undone for one in late)


@pytest.mark.parametrize(
    ("step", "code", "retry"),
    [
        (Step(429, {"error": {"message": "slow"}}), "rate_limited", True),
        (Step(503, {"error": {"message": "busy"}}), "server_error", True),
        (Step(401, {"error": {"message": "Incorrect API key provided: sk-abcdef123456."}}), "unauthorized", False),
        (Step(200, "<html>"), "not_json", True),
        (Step(wire="drop"), "unreachable", True),
        (Step(307, {}, {"location": "http://127.0.0.1:1/elsewhere"}), "redirect", False),
    ],
)
def test_faults_have_their_codes_and_hold_no_key(step, code, retry):
    with Endpoint() as endpoint, BatchClient(endpoint.base_url, "m", "sk-abcdef123456") as client:
        endpoint.models = step
        with pytest.raises(ProviderFault) as caught:
            client.look("batch_1")
    assert (caught.value.fault.code, caught.value.fault.retry) == (code, retry)
    assert "sk-abcdef" not in str(caught.value)


def test_an_endpoint_that_is_not_there_is_told():
    with (
        BatchClient("http://127.0.0.1:1/v1", "m", None) as client,
        pytest.raises(ProviderFault, match="cannot be reached"),
    ):
        client.look("batch_1")
