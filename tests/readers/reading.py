"""Files made in a test, read as rows."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from labeling.readers import PairGroup, PairRow, Refusal, Row, Source, read, understand

USER = {"role": "user", "content": "Why is the sky blue?"}
GOOD = {"role": "assistant", "content": "Air scatters blue light most."}
BAD = {"role": "assistant", "content": "Because it is."}


def jsonl(*records: object) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def table(*records: dict[str, object]) -> bytes:
    """The records as CSV, with the JSON of what is no text."""
    out = io.StringIO(newline="")
    rows = [[one if isinstance(one, str) else json.dumps(one) for one in record.values()] for record in records]
    csv.writer(out, lineterminator="\n").writerows([list(records[0]), *rows])
    return out.getvalue().encode()


def rows_in(source: Source, name: str = "file.jsonl", **options: Any) -> list[Row | Refusal]:
    found = read(source, understand(source, name, **options))
    return [row if isinstance(row, Refusal) else row[1] for row in found]


def format_of(*records: object) -> str:
    return understand(jsonl(*records), "file.jsonl").format


def pair_in(record: object, **options: Any) -> PairRow:
    (row,) = rows_in(jsonl(record), **options)
    assert isinstance(row, PairRow), row
    return row


def group_in(record: object, **options: Any) -> PairGroup:
    (row,) = rows_in(jsonl(record), **options)
    assert isinstance(row, PairGroup), row
    return row


def refusal_in(source: object, **options: Any) -> Refusal:
    (row,) = rows_in(jsonl(source), **options)
    assert isinstance(row, Refusal), row
    return row


def said(row: PairRow) -> tuple[str, str, str]:
    """The last message of the prompt, and both sides."""
    return row.prompt.prompt.messages[-1]["content"], row.a.text, row.b.text


def write_parquet(path: Path, records: list[dict[str, object]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=50)
    return path
