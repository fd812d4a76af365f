"""Batch JSONL, run by the sandbox as an offline engine would: results in another order than the requests."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labeling.sandbox.chat import complete
from labeling.sandbox.request import RequestFault


def lines_of(paths: Iterable[Path]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def result_of(line: dict[str, Any]) -> dict[str, Any]:
    """The result line of a request line."""
    try:
        status, body = 200, complete(line["body"])
    except RequestFault as fault:
        status, body = fault.status, fault.body
    return {
        "id": f"batch_req_{line['custom_id'][:8]}",
        "custom_id": line["custom_id"],
        "response": {"status_code": status, "request_id": "r", "body": body},
        "error": None,
    }


def write(path: Path, results: Iterable[dict[str, Any] | str]) -> Path:
    path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in results))
    return path


def run_files(paths: Iterable[Path], out: Path) -> Path:
    """Every request's result, the last one first."""
    return write(out, reversed([result_of(line) for line in lines_of(paths)]))
