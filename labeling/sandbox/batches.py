"""Files and batches of the sandbox, as OpenAI's Batch API keeps them: uploaded, checked, worked through, given out.

A file and a batch belong to the key that made them: another key meets a 404, as at a provider. Everything lies in a
temporary folder and in memory, and is gone with the process.
"""

import json
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from labeling.domain import Json
from labeling.sandbox.chat import complete, tokens
from labeling.sandbox.request import RequestFault

ENDPOINT = "/v1/chat/completions"
DAY_SECONDS = 86_400
MOST_LINES = 50_000
MOST_BYTES = 200_000_000
MOST_IN_ALL = 1_000_000_000  # bytes that the sandbox keeps
LONGEST_ID = 64
PAGE = 100
ENDED = ("failed", "completed", "expired", "cancelled")


@dataclass
class _Batch:
    owner: str
    shown: Json
    lines: list[tuple[int, int]] = field(default_factory=list)  # offset and length in the input file, in order of work
    done: int = 0
    answered: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    @property
    def is_at_work(self) -> bool:
        return self.shown["status"] in ("in_progress", "cancelling")

    @property
    def queued(self) -> int:
        """The tokens that it asks about."""
        return tokens("x" * sum(length for _, length in self.lines))


class Desk:
    """The files and batches of one sandbox.

    `seconds` is the least time a batch takes, `window_seconds` the time after which it expires; `clock` tells the time,
    `answer` makes a chat completion of a body. `most_queued` is how many tokens batches of one owner may hold at a time.
    """

    def __init__(
        self,
        *,
        seconds: float = 0,
        window_seconds: float = DAY_SECONDS,
        clock: Callable[[], float] = time.time,
        answer: Callable[[object], Json] = complete,
        most_queued: int | None = None,
    ) -> None:
        self.seconds = seconds
        self.window_seconds = window_seconds
        self.clock = clock
        self.answer = answer
        self.most_queued = most_queued
        self._folder: Path | None = None
        self._files: dict[str, tuple[str, Json]] = {}
        self._batches: dict[str, _Batch] = {}

    # --- files --------------------------------------------------------------------------------------------------

    def add_file(self, owner: str, name: str, purpose: str, content: bytes) -> Json:
        if purpose not in ("batch", "batch_output"):
            raise RequestFault(f"The sandbox takes files for batches only, not for {purpose[:40]!r}.", "purpose")
        if purpose == "batch" and len(content) > MOST_BYTES:
            raise RequestFault(f"The file is larger than the {MOST_BYTES:,} bytes of a batch.", "file", status=413)
        if len(content) + sum(shown["bytes"] for _, shown in self._files.values()) > MOST_IN_ALL:
            raise RequestFault("The sandbox holds no more files; delete some, or start it again.", "file", status=413)
        shown: Json = {
            "id": f"file-{secrets.token_hex(12)}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(self.clock()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self._path(shown["id"]).write_bytes(content)
        self._files[shown["id"]] = (owner, shown)
        return shown

    def file(self, owner: str, file_id: str) -> Json:
        found = self._files.get(file_id)
        if found is None or found[0] != owner:
            raise RequestFault(f"No such File object: {file_id[:100]}", "id", status=404)
        return found[1]

    def path_of(self, owner: str, file_id: str) -> Path:
        self.file(owner, file_id)
        return self._path(file_id)

    def delete_file(self, owner: str, file_id: str) -> Json:
        self.file(owner, file_id)
        del self._files[file_id]
        self._path(file_id).unlink(missing_ok=True)
        return {"id": file_id, "object": "file", "deleted": True}

    def files(self, owner: str, after: str | None = None) -> Json:
        return _page([shown for whose, shown in self._files.values() if whose == owner], after)

    # --- batches ------------------------------------------------------------------------------------------------

    def create(self, owner: str, body: object) -> Json:
        if not isinstance(body, dict):
            raise RequestFault("The body of the request must be a JSON object.")
        if body.get("endpoint") != ENDPOINT:
            raise RequestFault(f"The sandbox runs batches for {ENDPOINT} only.", "endpoint")
        if body.get("completion_window") != "24h":
            raise RequestFault("Invalid 'completion_window': supported is '24h'.", "completion_window")
        file_id = str(body.get("input_file_id"))
        self.file(owner, file_id)
        moment = int(self.clock())
        shown: Json = {
            "id": f"batch_{secrets.token_hex(12)}",
            "object": "batch",
            "endpoint": ENDPOINT,
            "errors": None,
            "input_file_id": file_id,
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": moment,
            "expires_at": moment + int(self.window_seconds),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "metadata": body.get("metadata"),
        }
        self._batches[shown["id"]] = _Batch(owner, shown)
        return shown

    def batch(self, owner: str, batch_id: str) -> Json:
        return self._of(owner, batch_id).shown

    def batches(self, owner: str, after: str | None = None) -> Json:
        return _page([one.shown for one in self._batches.values() if one.owner == owner], after)

    def cancel(self, owner: str, batch_id: str) -> Json:
        batch = self._of(owner, batch_id)
        if batch.shown["status"] in ENDED:
            raise RequestFault(f"Cannot cancel a batch with status '{batch.shown['status']}'.", status=409)
        batch.shown["status"] = "cancelling"
        batch.shown["cancelling_at"] = int(self.clock())
        return batch.shown

    def progress(self, batch_id: str) -> tuple[str, int]:
        """How far a batch is: its status, and how many of its lines are done."""
        batch = self._batches[batch_id]
        return batch.shown["status"], batch.done

    def advance(self, batch_id: str, most: int) -> bool:
        """Do up to `most` lines of a batch; whether it has ended."""
        batch = self._batches[batch_id]
        status = batch.shown["status"]
        if status == "validating":
            self._validate(batch)
        elif status == "cancelling":
            self._finish(batch, "cancelled")
        elif status == "in_progress":
            passed = self.clock() - batch.shown["created_at"]
            share = min(1.0, passed / self.seconds) if self.seconds else 1.0
            self._work(batch, min(most, int(len(batch.lines) * share) - batch.done))
            if batch.done == len(batch.lines):
                self._finish(batch, "completed")
            elif passed >= self.window_seconds:
                self._finish(batch, "expired")
        return batch.shown["status"] in ENDED

    def _validate(self, batch: _Batch) -> None:
        errors: list[Json] = []
        seen: set[str] = set()
        models: set[object] = set()
        offset = 0
        try:
            file = self.path_of(batch.owner, batch.shown["input_file_id"]).open("rb")
        except RequestFault as fault:
            errors.append({"code": "invalid_file", "message": str(fault), "line": None, "param": None})
        else:
            with file:
                for number, raw in enumerate(file, 1):
                    words = _wrong(raw, seen, models)
                    if words:
                        errors.append({"code": "invalid_request", "message": words, "line": number, "param": None})
                    batch.lines.append((offset, len(raw)))
                    offset += len(raw)
            if not batch.lines:
                errors.append({"code": "empty_file", "message": "The file has no lines.", "line": None, "param": None})
            if len(batch.lines) > MOST_LINES:
                words = f"The file has more than {MOST_LINES:,} lines."
                errors.append({"code": "too_many_tasks", "message": words, "line": None, "param": None})
        queued = sum(one.queued for one in self._batches.values() if one.owner == batch.owner and one.is_at_work)
        if self.most_queued is not None and queued + batch.queued > self.most_queued:
            words = f"Enqueued token limit reached for this model. Limit: {self.most_queued:,} enqueued tokens. Please try again once some in_progress batches have been completed."
            errors.append({"code": "token_limit_exceeded", "message": words, "line": None, "param": None})
        if errors:
            batch.shown["errors"] = {"object": "list", "data": errors[:20]}
            batch.shown["status"] = "failed"
            batch.shown["failed_at"] = int(self.clock())
            return
        # In an order of its own, so that nobody comes to rely on the order of the requests.
        Random(batch.shown["id"]).shuffle(batch.lines)
        batch.shown["request_counts"]["total"] = len(batch.lines)
        batch.shown["status"] = "in_progress"

    def _work(self, batch: _Batch, most: int) -> None:
        if most <= 0:
            return
        counts = batch.shown["request_counts"]
        with self._path(batch.shown["input_file_id"]).open("rb") as file:
            for offset, length in batch.lines[batch.done : batch.done + most]:
                file.seek(offset)
                line = json.loads(file.read(length))
                try:
                    batch.answered.append(_result(line["custom_id"], 200, self.answer(line["body"])))
                    counts["completed"] += 1
                except RequestFault as fault:
                    batch.refused.append(_result(line["custom_id"], fault.status, fault.body))
                    counts["failed"] += 1
        batch.done += most

    def _finish(self, batch: _Batch, status: str) -> None:
        if status == "expired":
            with self._path(batch.shown["input_file_id"]).open("rb") as file:
                for offset, length in batch.lines[batch.done :]:
                    file.seek(offset)
                    batch.refused.append(_expired(json.loads(file.read(length))["custom_id"]))
        for name, lines in (("output", batch.answered), ("error", batch.refused)):
            if lines:
                content = b"".join(lines)
                shown = self.add_file(
                    batch.owner, f"{batch.shown['id']}_{name}.jsonl", "batch_output", content
                )  # fmt: skip
                batch.shown[f"{name}_file_id"] = shown["id"]
                lines.clear()
        batch.shown["status"] = status
        batch.shown[f"{status}_at"] = int(self.clock())

    def _of(self, owner: str, batch_id: str) -> _Batch:
        found = self._batches.get(batch_id)
        if found is None or found.owner != owner:
            raise RequestFault(f"No batch found with id '{batch_id[:100]}'.", "batch_id", status=404)
        return found

    def _path(self, file_id: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tiebreak-sandbox-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / file_id


def _wrong(raw: bytes, seen: set[str], models: set[object]) -> str | None:
    """What a provider refuses a line for; None for a good one."""
    try:
        line = json.loads(raw)
    except ValueError:
        return "This line is not parseable as valid JSON."
    if not isinstance(line, dict) or not isinstance(line.get("body"), dict):
        return "The line has no body."
    name = line.get("custom_id")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        return f"The custom_id must be a text of 1 to {LONGEST_ID} characters."
    if name in seen:
        return f"The custom_id {name!r} is not unique in the file."
    seen.add(name)
    if line.get("method") != "POST" or line.get("url") != ENDPOINT:
        return f"The method must be POST and the url {ENDPOINT}, as the batch's endpoint."
    models.add(line["body"].get("model"))
    return "The file has more than one model." if len(models) > 1 else None


def _result(custom_id: str, status: int, body: Json) -> bytes:
    response = {"status_code": status, "request_id": secrets.token_hex(16), "body": body}
    return _line(
        {"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": custom_id, "response": response, "error": None}
    )


def _expired(custom_id: str) -> bytes:
    words = "This request could not be executed before the completion window expired."
    error = {"code": "batch_expired", "message": words}
    return _line({"id": f"batch_req_{secrets.token_hex(12)}", "custom_id": custom_id, "response": None, "error": error})


def _line(result: Json) -> bytes:
    return json.dumps(result, ensure_ascii=False).encode() + b"\n"


def _page(shown: list[Json], after: str | None) -> Json:
    """The newest first, a page from behind the id `after`."""
    newest = shown[::-1]
    ids = [one["id"] for one in newest]
    first = ids.index(after) + 1 if after in ids else 0
    page = newest[first : first + PAGE]
    return {
        "object": "list",
        "data": page,
        "has_more": first + PAGE < len(newest),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
