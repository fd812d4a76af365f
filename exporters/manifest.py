"""`manifest.json`: what an export holds, what it leaves out and why, so that every pair is accounted for."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from exporters.written import Written

MANIFEST_VERSION = 1


def manifest(
    written: Written, *, format: str, share: float, count: int | None, seed: int, facts: Mapping[str, Any]
) -> bytes:
    """The manifest as JSON: pairs = those used + everything under `left_out`. The same export gives the same bytes."""
    told = {
        "manifest_version": MANIFEST_VERSION,
        "format": format,
        "pairs": written.pairs,
        "rows": written.rows,
        "left_out": written.left_out,
        **({"completions": asdict(written.single)} if written.single is not None else {}),
        "split": {
            "by": "prompt group",
            "seed": seed,
            "validation_share": share,
            **({"validation_rows_asked": count} if count is not None else {}),
            "train_rows": written.train_rows,
            "validation_rows": written.validation_rows,
            "note": written.validation_note,
        },
        "sandbox": {"rows": 0, **written.sandbox},
        "masked": {"rows": 0, **written.masked},
        "decided_by": written.decided_by,
        "files": [asdict(file) for file in written.files],
        "warnings": [asdict(finding) for finding in written.warnings],
        **facts,
    }
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
