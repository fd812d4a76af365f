"""Judging by files that are run elsewhere: what the results give rise to is written as a further part."""

import json

from labeling.domain import RunMode, RunState
from labeling.services import runs
from labeling.services.ingest import ingest_path
from labeling.services.judge import start_judging
from labeling.services.parts import write_files
from labeling.storage.tables import JudgeResult
from tests.services.batch_files import lines_of, write
from tests.services.judging import make_judging, prefers_good, spec


def said(line, content):
    message = {"role": "assistant", "content": content}
    body = {
        "id": "x", "object": "chat.completion", "model": line["body"]["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30},
    }  # fmt: skip
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": line["custom_id"], "response": response, "error": None}


def test_a_reply_in_a_file_that_cannot_be_read_is_asked_for_again_in_a_further_file(store, chat_endpoint, tmp_path):
    making = make_judging(store, pairs=2)
    judge = spec(chat_endpoint, base_url="http://127.0.0.1:9/v1")
    run = start_judging(*making.place, judge, "all", idempotency_key="once", mode=RunMode.FILE)
    (path,) = write_files(*making.place, run.id, tmp_path / "first")
    lines = lines_of([path])
    replies = [
        "I like the first." if "question 0" in json.dumps(line) else prefers_good(line["body"]) for line in lines
    ]
    results = [said(line, reply) for line, reply in zip(lines, replies, strict=True)]
    ingest_path(*making.place, write(tmp_path / "one.jsonl", results))
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.asked, view.answered, view.waiting) == (RunState.RUNNING, 6, 4, 2)
    (path,) = write_files(*making.place, run.id, tmp_path / "second")
    lines = lines_of([path])
    assert [len(line["body"]["messages"]) for line in lines] == [4, 4]
    ingest_path(
        *making.place,
        write(
            tmp_path / "two.jsonl",
            [said(line, prefers_good({"messages": line["body"]["messages"][:2]})) for line in lines],
        ),
    )
    view = runs.run_view(*making.place, run.id)
    assert (view.state, view.answered, view.waiting) == (RunState.DONE, 6, 0)
    assert [row.state for row in making.rows(JudgeResult)] == ["decided"] * 2
