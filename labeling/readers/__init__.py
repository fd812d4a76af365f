"""Files to rows: `understand` says what a file is, `read` gives every row of it or the reason why there is none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labeling.errors import InputError
from labeling.readers.formats import FORMATS, suggested
from labeling.readers.opening import open_source
from labeling.readers.records import DELIMITERS, SHOWN, delimiter_of, records, syntax_of
from labeling.readers.refusals import Refusal, RowFault
from labeling.rows import CompletionRow, PairRow, PromptRow, Row

__all__ = ["FORMATS", "CompletionRow", "PairRow", "PromptRow", "Refusal", "Row", "Understanding", "read", "understand"]

LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a file was understood as. `mapping`: role to column; `columns`: what the first records hold."""

    name: str
    syntax: str
    kind: str
    format: str
    encoding: str
    delimiter: str | None
    is_gzip: bool
    columns: tuple[str, ...]
    mapping: Mapping[str, str]


def understand(
    source: Path | bytes,
    name: str,
    *,
    kind: str = "auto",
    format: str = "auto",
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Understanding:
    """Look at the first records and say what the file is; what is given overrules.

    Raises:
        InputError: the file cannot be opened, or nothing known fits it.
    """
    opened = open_source(source, name, encoding)
    with opened.stream:
        syntax = syntax_of(opened)
        delimiter = delimiter_of(opened) if syntax == "csv" else None
        looked_at = []
        is_empty = True
        for record in records(opened, syntax):
            is_empty = False
            if not isinstance(record, Refusal):
                looked_at.append(record[1])
            if len(looked_at) == LOOKED_AT:
                break
    if is_empty:
        raise InputError(f"{name} has no rows: nothing but a header or blank lines is in it.")
    columns = tuple(dict.fromkeys(key for record in looked_at for key in record))
    if format not in ("auto", *FORMATS):
        raise InputError(f"There is no format {format!r} to import. Known are: auto, {', '.join(FORMATS)}.")
    if kind not in ("auto", "prompts", "completions", "pairs"):
        raise InputError(f"A file is imported as prompts, completions or pairs, not as {kind!r}.")
    for role, column in (mapping or {}).items():
        if column not in columns:
            raise InputError(f"{name} has no column {column!r} for {role}. It has: {', '.join(columns) or 'none'}.")
    if format == "auto":
        format = _found(name, columns, looked_at, kind, dict(mapping or {}), delimiter)
    chosen = FORMATS[format]
    if kind not in ("auto", chosen.kind):
        raise InputError(f"The format {format} holds {chosen.kind}, not {kind}.")
    roles = suggested(list(columns), chosen.columns) | dict(mapping or {})
    unknown = [role for role in roles if role not in chosen.columns]
    if unknown:
        raise InputError(f"The format {format} has no {unknown[0]!r} to map. It has: {', '.join(chosen.columns)}.")
    return Understanding(name, syntax, chosen.kind, format, encoding, delimiter, opened.is_gzip, columns, roles)


def _found(
    name: str,
    columns: tuple[str, ...],
    looked_at: list[dict[str, object]],
    kind: str,
    mapping: dict[str, str],
    delimiter: str | None,
) -> str:
    if not looked_at:
        # Every row looked at is broken: each is told why when it is read.
        return "prompts" if kind == "auto" else kind
    if {"response_a", "response_b"} <= set(mapping):
        return "pairs"
    if "response" in mapping:
        return "completions"
    candidates = {key: one for key, one in FORMATS.items() if kind in ("auto", one.kind)}
    for key, one in candidates.items():
        if any(one.fits(record) for record in looked_at):
            return key
    if "prompt" in mapping:
        return "prompts"
    if not columns:
        raise InputError(
            f'{name} has rows, but no named field in any of them. Write objects, such as {{"prompt": "…"}}.'
        )
    seen = f"Its {'one column is' if len(columns) == 1 else 'columns are'}: {', '.join(columns)}."
    if delimiter and len(columns) == 1:
        seen += f" Cells may be cut by {', '.join(DELIMITERS.values())}."
    raise InputError(
        f"{name} has no columns that are known{'' if kind == 'auto' else f' for {kind}'}. {seen} Say which is which: --map prompt=COLUMN."
    )


def read(source: Path | bytes, understanding: Understanding) -> Iterator[tuple[int, Row] | Refusal]:
    """Every row of the file with its line, or a refusal with the line and the reason; nothing is left out silently."""
    opened = open_source(source, understanding.name, understanding.encoding)
    make = FORMATS[understanding.format].read
    with opened.stream:
        for record in records(opened, understanding.syntax):
            if isinstance(record, Refusal):
                yield record
                continue
            line, value = record
            try:
                yield line, make(value, understanding.mapping)
            except RowFault as fault:
                yield Refusal(line, fault.code, fault.reason, _shown(value))
            except KeyError as missing:
                yield Refusal(line, "missing_field", f'"{missing.args[0]}" is missing', _shown(value))


def _shown(value: dict[str, object]) -> str:
    import json

    return json.dumps(value, ensure_ascii=True)[:SHOWN]
