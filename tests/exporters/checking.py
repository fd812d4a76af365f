"""Files to check: sound ones, and records with one thing changed."""

import json
from pathlib import Path

from exporters.check import check_file
from exporters.formats import EXPORTERS
from exporters.jsonl import json_line
from tests.exporters.samples import TOOLS, many

CALLING = {"role": "assistant", "content": "", "tool_calls": list(TOOLS.rejected_tool_calls)}


def good(format: str = "openai-dpo", count: int = 60) -> bytes:
    exporter = EXPORTERS[format]
    lines = [json_line(record) for row, _ in many(count) for record in exporter.records(row)]
    return b"".join(lines[:count])


def findings(tmp_path: Path, content: bytes, format: str = "openai-dpo"):
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    return list(check_file(path, format))


def changed(record: dict[str, object], path: str, value: object) -> dict[str, object]:
    """A copy of `record` with the value at a path like `input.messages.0.role` set, or taken out where it is `...`."""
    copy = json.loads(json.dumps(record))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place = copy
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy
