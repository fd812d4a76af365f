"""A file's records, whatever it is written in: JSONL, a JSON document, a table with a header, lines of text."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from labeling.errors import InputError
from labeling.readers.columns import KNOWN_COLUMNS, suggested
from labeling.readers.formats import FORMATS, found_format
from labeling.readers.opening import HEAD_BYTES, MAX_ROW_BYTES, Source, lines, read_all
from labeling.readers.parquet import parquet_records
from labeling.readers.refusals import Refusal, size_fault, too_long

Record = tuple[int, dict[str, Any]]
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
TEXT_FIELD = "prompt"
LOOKED_AT = 20
NAME = re.compile(r"[A-Za-z][\w.-]{0,39}")  # of a column
OPENED_BELOW = re.compile(
    r'\{\s*"[^"\n]*"\s*:[^\S\n]*\n\s*\['
)  # a document around a list that begins on a line of its own
EXCEL = "sep="  # how Excel says in a line above the header which delimiter a table has
SHOWN = 2000
# A field that few rows have need not be in the first: its column is looked for so far.
COLUMNS_IN = 10_000


def syntax_of(source: Source) -> str:
    """How the file is written, by its content: parquet, jsonl, json, csv or text."""
    if source.is_parquet:
        return "parquet"
    text = source.head.lstrip()
    if text.startswith("["):
        return "json"
    if text.startswith("{"):
        if source.name.lower().removesuffix(".gz").endswith(".json") and "\n" not in text.rstrip():
            return "json"  # a document on one line, perhaps an object around the list
        first = text.split("\n", 1)[0].strip()
        # A first line that only opens an object is a pretty-printed document; one that is merely broken is a row.
        return "json" if first in ("{", "{ ") or _opens_only(first) or OPENED_BELOW.match(text) else "jsonl"
    stem = source.name.lower().removesuffix(".gz")
    if stem.endswith((".csv", ".tsv")) or _is_table(source):
        return "csv"
    return "jsonl" if stem.endswith((".jsonl", ".ndjson", ".json")) else "text"


def _is_table(source: Source) -> bool:
    """Whether text is a table whatever its name: a header of columns that make rows, and as many cells in each line looked at.

    Prompts may hold commas, too. What is no table for certain is text.
    """
    if not source.head.split("\n", 1)[0].strip():
        return False
    try:
        reader = csv.reader(io.StringIO(source.head, newline="\n"), delimiter=delimiter_of(source))
        header, *rows = [row for row in islice(reader, LOOKED_AT + 1) if row]
    except (csv.Error, InputError, ValueError):
        return False
    if len(rows) < LOOKED_AT and len(source.head) > HEAD_BYTES // 4:
        rows = rows[:-1]  # which may be cut
    known = suggested(header, tuple(KNOWN_COLUMNS))
    are_names = all(name in known.values() or NAME.fullmatch(name.strip()) for name in header)
    has_texts = "prompt" in known or {"chosen", "rejected"} <= known.keys()
    return are_names and has_texts and len(known) > 1 and bool(rows) and all(len(row) == len(header) for row in rows)


def _opens_only(line: str) -> bool:
    return line.count("{") + line.count("[") > line.count("}") + line.count("]") and line.endswith(("{", "[", ","))


def delimiter_of(source: Source) -> str:
    """The delimiter that the first line tells, as Excel writes it, or the one that cuts the header into most cells."""
    header = source.head.split("\n", 1)[0]
    if (told := header.removesuffix("\r").removeprefix(EXCEL)) in DELIMITERS:
        return told
    try:
        found = {delimiter: len(next(csv.reader([header], delimiter=delimiter), [])) for delimiter in DELIMITERS}
    except csv.Error as error:
        raise _no_header(source, error) from error
    return max(found, key=lambda delimiter: found[delimiter])


def records(source: Source, syntax: str) -> Iterator[Record | Refusal]:
    """Every record of the file with its line, or the reason why there is none."""
    if syntax == "parquet":
        return parquet_records(source.stream, source.name)
    return {"jsonl": _jsonl, "json": _json, "csv": _csv, "text": _text}[syntax](source)


def _jsonl(source: Source) -> Iterator[Record | Refusal]:
    for number, line in lines(source):
        if line is None:
            yield too_long(number)
        elif line.strip():
            yield _parsed(source, number, line)


def _parsed(source: Source, number: int, line: bytes) -> Record | Refusal:
    text: bytes | str = line
    try:
        if not source.is_utf8:
            text = line.decode(source.encoding)
        value = orjson.loads(text)
    except UnicodeDecodeError as error:
        return not_text(number, line, error)
    except orjson.JSONDecodeError as error:
        try:
            text = line.decode(source.encoding)
        except UnicodeDecodeError as fault:
            return not_text(number, line, fault)
        return Refusal(
            number,
            "not_json",
            f"not JSON ({error.msg} at column {error.colno}); {_remedy(error)}",
            text[:SHOWN],
        )
    if not isinstance(value, dict):
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return Refusal(
            number, "not_an_object", f"the line is a JSON {_type(value)}, not an object with fields", shown[:SHOWN]
        )
    return number, value


def _remedy(error: orjson.JSONDecodeError) -> str:
    if re.match("-?(NaN|Infinity)", error.doc[max(0, error.pos - 1) :].lstrip(" :,[")):
        return "JSON has no NaN and no Infinity: write null"
    if "surrogate" in error.msg:
        return "half of a surrogate pair is no character: write both halves, or leave it out"
    if "infinity" in error.msg:
        return "write so large a number in quotes"
    if "depth" in error.msg:
        return "flatten what lies a thousand levels deep"
    if "\r" in error.doc:
        return "rows end in a line feed, not in a carriage return: save it so"
    if "after document" in error.msg and error.doc[error.pos :].startswith(("{", "[")):
        return f"two JSON values {'on one line' if error.lineno == 1 else 'in one document'}: write one a line"
    return "it may be half-written"


def _json(source: Source) -> Iterator[Record | Refusal]:
    content = read_all(source)
    try:
        document = orjson.loads(content.decode(source.encoding))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{source.name}:{line}: byte 0x{content[error.start]:02X} is not {source.encoding.upper()} text. Save the file as UTF-8."
        ) from error
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"{source.name}:{error.lineno}: not JSON ({error.msg} at column {error.colno}); {_remedy(error)}."
            " For one object a line, name it .jsonl."
        ) from error
    is_large = len(content) > MAX_ROW_BYTES
    for number, value in enumerate(_items(document, source.name), 1):
        if is_large and (fault := size_fault(number, value)):
            yield fault
        elif isinstance(value, dict):
            yield number, value
        elif isinstance(value, str):
            yield number, {TEXT_FIELD: value}
        else:
            yield Refusal(
                number,
                "not_an_object",
                f"item {number} is a JSON {_type(value)}, not an object with fields",
                str(value)[:SHOWN],
            )


def _items(document: object, name: str) -> list[Any]:
    """The rows of a document: an array, the one array of an object, or the object itself."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        arrays = [
            value for value in document.values() if isinstance(value, list) and value and isinstance(value[0], dict)
        ]
        return [document] if len(arrays) != 1 or _is_row(document, arrays[0]) else arrays[0]
    raise InputError(f"{name} is a JSON {_type(document)}, not an array of objects.")


def _is_row(document: dict[str, Any], inside: list[Any]) -> bool:
    """Whether an object is a record that holds a list of objects, and is not put around records."""
    if any(key in document for key in ("prompt", "messages", "input", "chosen", "turns")):
        return True
    found = found_format([document], "auto", {})
    if found is None:
        return False
    of_list = found_format([one for one in inside[:LOOKED_AT] if isinstance(one, dict)], "auto", {})
    if found in ("prompts", "completions"):  # of which a question or an answer may describe the list
        return of_list is None
    # What a rating or a ranking holds may be texts with their scores, but no pairs.
    return found not in ("kto", "ranking") or of_list is None or FORMATS[of_list].kind != "pairs"


def _csv(source: Source) -> Iterator[Record | Refusal]:
    csv.field_size_limit(MAX_ROW_BYTES)
    faults: dict[int, Refusal] = {}
    delimiter = delimiter_of(source)
    held: list[str] = []  # the lines of the row that is being read
    reader = csv.reader(_kept(_decoded(source, faults), held), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header == [EXCEL, ""]:
            header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _no_header(source, error) from error
    if not any(header):
        raise InputError(
            f"{source.name}:{reader.line_num}: the line names no column. Begin the table with the names of its columns, without"
            " a blank line above them."
        )
    if twice := next((name for name, times in Counter(header).items() if name and times > 1), None):
        raise InputError(
            f"{source.name}:{reader.line_num}: two columns are called {twice!r}. Rename one of them, or take it out."
        )
    while True:
        started = reader.line_num + 1
        held.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            opened = open_quote("".join(held), delimiter)
            reason = (
                f"the row cannot be read as CSV ({error})"
                if opened is None
                else f"a quote opens in line {started + opened} and does not close: all that follows it was read as one cell;"
                " close it, and double the quotes inside a cell"
            )
            yield Refusal(started, "not_csv", reason, "".join(held)[:SHOWN])
            continue
        met = [faults.pop(line) for line in range(started, reader.line_num + 1) if line in faults]
        if met:
            yield met[0]
        elif not any(cell.strip() for cell in cells):
            continue
        elif len(cells) != len(header):
            cut = f"cut at each {DELIMITERS[delimiter]}"
            reason = f"the row has {len(cells)} cells, the header {len(header)}, {cut}; quote cells that hold one"
            yield Refusal(started, "wrong_cells", reason, DELIMITER_SHOWN.join(cells)[:SHOWN])
        else:
            yield started, dict(zip(header, cells, strict=True))


def open_quote(text: str, delimiter: str) -> int | None:
    """In which line of `text`, from 0, the quoted cell begins that has no end; None where each has one."""
    position, at_start = 0, True
    while position < len(text):
        character = text[position]
        if character == '"' and at_start:
            opened = position
            # A doubled quote is a character of the cell.
            while (closing := text.find('"', position + 1)) >= 0 and text[closing + 1 : closing + 2] == '"':
                position = closing + 1
            if closing < 0:
                return text.count("\n", 0, opened)
            position = closing
        at_start = character in (delimiter, "\n")
        position += 1
    return None


def _kept(lines: Iterator[str], held: list[str]) -> Iterator[str]:
    for line in lines:
        held.append(line)
        yield line


def _no_header(source: Source, error: csv.Error) -> InputError:
    return InputError(
        f"{source.name}:1: the header cannot be read as CSV ({error}). Save the table as CSV UTF-8 with line feeds at the ends of rows."
    )


DELIMITER_SHOWN = " | "


def _decoded(source: Source, faults: dict[int, Refusal]) -> Iterator[str]:
    """Lines for the CSV reader; one that is no text is left empty and noted in `faults`."""
    for number, line in lines(source):
        if line is None:
            faults[number] = too_long(number)
            yield "\n"
            continue
        try:
            yield line.decode(source.encoding) + "\n"
        except UnicodeDecodeError as error:
            faults[number] = not_text(number, line, error)
            yield "?\n"


def _text(source: Source) -> Iterator[Record | Refusal]:
    """One prompt a line; empty lines are no rows."""
    for number, line in lines(source):
        if line is None:
            yield too_long(number)
            continue
        try:
            text = line.decode(source.encoding)
        except UnicodeDecodeError as error:
            yield not_text(number, line, error)
            continue
        if text.strip():
            yield number, {TEXT_FIELD: text}


def not_text(number: int, line: bytes, error: UnicodeDecodeError) -> Refusal:
    reason = f"byte 0x{line[error.start]:02X} at {error.start + 1} is not {error.encoding.upper()} text; save the file as UTF-8"
    return Refusal(number, "not_text", reason, line.decode("latin-1")[:SHOWN])


def _type(value: object) -> str:
    return {list: "array", str: "string", bool: "boolean", int: "number", float: "number"}.get(type(value), "null")
