"""Batch JSONL: one line for each request, and one for each result.

The format is OpenAI's (https://platform.openai.com/docs/api-reference/batch); Azure, Together and vLLM's offline runner
read and write the same. A request's `custom_id` is its key, 64 characters: the longest that every provider takes.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

import orjson

from labeling.domain import Json
from labeling.llm.faults import Fault, error_in_body, place, status_fault, unreadable_fault
from labeling.llm.reply import Reply, read_reply
from labeling.llm.request import ChatRequest

URL: Final = "/v1/chat/completions"
MOST_LINES = 50_000
MOST_BYTES = 200_000_000
# What a provider writes for lines that it did not come to: they are free to be sent again, and cost no attempt.
UNDONE = ("batch_expired", "batch_cancelled")
KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One result, as read: the key of its request, and the HTTP answer or the error in its place."""

    key: str
    status: int
    body: object
    error: Json | None

    @property
    def is_undone(self) -> bool:
        return self.error is not None and self.error.get("code") in UNDONE


def request_line(key: str, content: str) -> str:
    """The line that asks for `content`, a body in canonical JSON, with its line end."""
    return f'{{"custom_id":"{key}","method":"POST","url":"{URL}","body":{content}}}\n'


def read_line(raw: bytes) -> ResultLine:
    """Read a line of a results or errors file.

    Raises:
        ValueError: it is no such line; the words say why, to stand after "line 5:".
    """
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ValueError("it is not JSON, or cut off") from None
    if not isinstance(line, dict):
        raise ValueError("it is no JSON object")
    key = line.get("custom_id")
    if not isinstance(key, str):
        raise ValueError('it has no "custom_id"')
    if not KEY.fullmatch(key):
        raise ValueError("its custom_id is none of Tiebreak's")
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict):
        status, body = response.get("status_code", 200), response.get("body")
    elif isinstance(error, dict):
        status, body = error.get("code"), {"error": error}
    else:
        raise ValueError('it has neither "response" nor "error"')
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status < 600:
        status = 500  # an error by name alone
    if body is None and isinstance(error, dict):
        body = {"error": error}
    return ResultLine(key, status, body, error if isinstance(error, dict) else None)


def reply_of(line: ResultLine, request: ChatRequest) -> Reply | Fault:
    """What the line says about its request, as a live call would have said it."""
    if line.is_undone:
        return Fault("expired", f"{place(request)} did not come to it in time.", retry=True, counts_as_attempt=False)
    raw = orjson.dumps(line.body)
    status = line.status
    if status == 200 and isinstance(line.body, dict):
        status = error_in_body(line.body) or 200
    if status != 200:
        fault = status_fault(request, status, {}, raw, has_key=True)
        # The batch was taken, so that its lines need no pace: whatever failed counts as a try.
        return replace(fault, counts_as_attempt=True, retry_after=None)
    if not isinstance(line.body, dict):
        return unreadable_fault(request, raw, "it is no JSON object")
    try:
        return read_reply(line.body, 0)
    except ValueError as error:
        return unreadable_fault(request, raw, str(error))
