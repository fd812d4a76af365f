"""Check a training file before a service does: every fault with its line, in one pass, whatever the size.

Services say what is wrong only after the upload, and mostly one fault at a time.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from exporters.findings import Finding
from exporters.formats import EXPORTERS, MEGABYTE
from exporters.parquet import COLUMNS, MAGIC, parquet_records
from exporters.plain import has_tool_turns, is_rich
from exporters.rows import Message
from exporters.tokens import BYTES_PER_TOKEN, about_tokens

# A line beyond this is no example of any trainer, and is not worth the memory.
LONGEST_LINE = 32 * MEGABYTE
# `datasets` takes the types of all columns from the first block of a file, and stops at a later row with more keys.
FIRST_BLOCK = 10 << 20
FEW_ROWS = 50
LENGTH_ROWS, LENGTH_SHARE = 20, 0.9
MARK = b"\xef\xbb\xbf"

# What a file is that is no JSONL at all, by its first bytes.
OTHER_FILES = (
    (b"\x1f\x8b", "is compressed with gzip", "Unpack it first: services take plain JSONL"),
    (b"PK\x03\x04", "is a zip archive", "Unpack it, and check the JSONL file in it"),
    (b"PAR1", "is a Parquet file", "Write it as JSONL"),
    (b"SQLite format 3", "is a SQLite database", "Export from it, and check the JSONL file"),
    (b"\xff\xfe", "is UTF-16 text", "Save it as UTF-8 without a byte-order mark"),
    (b"\xfe\xff", "is UTF-16 text", "Save it as UTF-8 without a byte-order mark"),
)


def check_file(
    path: Path,
    format: str,
    *,
    remember: set[int] | None = None,
    elsewhere: AbstractSet[int] = frozenset(),
    is_part: bool = False,
    most_tokens: int | None = None,
) -> Iterator[Finding]:
    """Find every fault of the file at `path`, read as `format` (a key of `EXPORTERS`); lines are split on `\\n` alone.

    To find prompts that stand in two files, give `remember` an empty set with the first file and pass it as
    `elsewhere` with the second. `is_part` says that other files of the same split hold more rows. `most_tokens` takes
    the place of the format's limit for one row.

    Raises:
        OSError: the file cannot be read.
        KeyError: there is no such format.
    """
    return _Check(path, format, remember, elsewhere, is_part, most_tokens).findings()


class _Check:
    """One pass over one file, and what has to be counted on the way."""

    def __init__(
        self,
        path: Path,
        format: str,
        remember: set[int] | None,
        elsewhere: AbstractSet[int],
        is_part: bool,
        most_tokens: int | None,
    ) -> None:
        self._path = path
        self._format = EXPORTERS[format]
        self._most_tokens = most_tokens or self._format.most_tokens
        self._remember = remember
        self._elsewhere = elsewhere
        self._compares_prompts = remember is not None or bool(elsewhere)
        self._is_part = is_part
        self._rows = 0
        self._longer_chosen = 0
        self._longer_rejected = 0
        self._crlf: list[int] = []
        self._crlf_count = 0
        self._rich_line: int | None = None
        self._tool_rows = 0

    def findings(self) -> Iterator[Finding]:
        size = self._path.stat().st_size
        with self._path.open("rb", buffering=1 << 20) as file:
            start = file.read(4096)
            if start.startswith(MAGIC) and self._format.name in COLUMNS:
                yield from self._parquet_findings()
                yield from self._whole_findings()
                return
            if other := _other_file(start):
                yield other
                return
            file.seek(0)
            yield from self._line_findings(file)
        most = self._format.most_bytes
        if most is not None and size > most:
            yield Finding(None, "", f"The file has {size:,} bytes; a service takes {most:,}", "Split it into parts")
        yield from self._whole_findings()

    def _line_findings(self, file: BinaryIO) -> Iterator[Finding]:
        number = place = 0
        many_bytes = BYTES_PER_TOKEN * self._most_tokens if self._most_tokens else LONGEST_LINE
        loads, plain = orjson.loads, self._format.plain
        while line := file.readline(LONGEST_LINE):
            number += 1
            start, place = place, place + len(line)
            try:
                record: Any = loads(line)
            except orjson.JSONDecodeError:
                record = None
            if type(record) is not dict or line.endswith(b"\r\n"):
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    yield Finding(
                        number, "", f"The line is longer than {LONGEST_LINE // MEGABYTE} MB", "Leave the row out"
                    )
                    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                        place += len(rest)
                    place += len(rest)
                    continue
                record, finding = self._record(number, line)
                if finding:
                    yield finding
                    if number == 1 and _goes_on(line):
                        return  # every further line would be the same fault
                if record is None:
                    continue
            parts = plain(record)
            if parts is None:
                yield from self._closer(number, record, start)
                parts = self._format.parts(record)
            if len(line) > many_bytes:
                yield from self._token_findings(number, line)
            self._rows += 1
            if found := self._compared(number, *parts):
                yield found

    def _parquet_findings(self) -> Iterator[Finding]:
        for number, record in enumerate(parquet_records(self._path), 1):
            self._rows += 1
            parts = self._format.plain(record)
            if parts is None:
                yield from self._closer(number, record, 0)
                parts = self._format.parts(record)
            if found := self._compared(number, *parts):
                yield found

    def _compared(self, number: int, prompt: Any, chosen: str, rejected: str | None) -> Finding | None:
        """Count which side is the longer one, and look for the prompt in the other file."""
        if rejected is not None:
            if len(chosen) > len(rejected):
                self._longer_chosen += 1
            elif len(chosen) < len(rejected):
                self._longer_rejected += 1
        if self._compares_prompts:
            key = hash(orjson.dumps(prompt))
            if self._remember is not None:
                self._remember.add(key)
            if key in self._elsewhere:
                return Finding(
                    number, "prompt", "The prompt stands in the validation file too", "Split by prompt, not by row"
                )
        return None

    def _closer(self, number: int, record: Message, start: int) -> Iterator[Finding]:
        """The faults of a record that is not plain; `start` is where its line begins in the file."""
        for fault in self._format.faults(record):
            yield Finding(number, *fault)
        self._tool_rows += has_tool_turns(self._format.parts(record)[0])
        if self._rich_line is None and is_rich(record):
            self._rich_line = number
            if start > FIRST_BLOCK:
                yield Finding(number, "", "Tools appear for the first time far down in the file, and `datasets` stops there", "Put the rows with tools first", "warning")  # fmt: skip

    def _token_findings(self, number: int, line: bytes) -> Iterator[Finding]:
        tokens = about_tokens(line)
        if self._most_tokens and tokens > self._most_tokens:
            yield Finding(
                number,
                "",
                f"The row has about {tokens:,} tokens; the limit is {self._most_tokens:,}",
                "Shorten the prompt or the replies, or leave the row out",
            )

    def _record(self, number: int, line: bytes) -> tuple[Message | None, Finding | None]:
        """The object of a line, or None, and the one finding about the line as such."""
        if line.endswith(b"\r\n"):
            self._crlf_count += 1
            self._crlf = self._crlf or [number]
        if line.startswith(MARK):
            if number == 1 and self._format.takes_mark:
                return self._object(number, line[3:])
            return self._object(number, line[3:])[0], Finding(
                number, "", "A byte-order mark stands before the text", "Save the file as UTF-8 without it"
            )
        if not line.strip():
            return None, Finding(number, "", "The line is blank", "Delete it: some services refuse the whole file")
        return self._object(number, line)

    def _object(self, number: int, line: bytes) -> tuple[Message | None, Finding | None]:
        try:
            record: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            return None, _not_json(number, line, error)
        if isinstance(record, dict):
            return record, None
        if isinstance(record, list):
            return None, Finding(
                number, "", "The line is a JSON array", "Write each of its objects on a line of its own"
            )
        return None, Finding(number, "", "The line is not a JSON object", "Write one object on each line")

    def _whole_findings(self) -> Iterator[Finding]:
        if self._crlf:
            yield Finding(
                self._crlf[0],
                "",
                f"Lines end in \\r\\n ({self._crlf_count} of them)",
                "Save the file with \\n line ends",
            )
        least = self._format.least_rows
        if self._rows < least and not self._is_part:
            what = "The file has no row" if not self._rows else f"The file has {_rows(self._rows)}"
            yield Finding(
                None, "", f"{what}; at least {least} are needed", "Label more pairs, or loosen the label rules"
            )
        elif self._rows < FEW_ROWS and not self._is_part:
            yield Finding(None, "", f"The file has {_rows(self._rows)}; an effect is seldom seen below {FEW_ROWS}", "Label more pairs", "warning")  # fmt: skip
        if self._tool_rows and self._format.name == "openai-dpo":
            yield Finding(
                None,
                "input.messages",
                f"Tool messages stand in {_rows(self._tool_rows)}; OpenAI and Azure take them, Together and Fireworks do not",
                "Leave these prompts out for the latter two",
                "warning",
            )
        differ = self._longer_chosen + self._longer_rejected
        if differ >= LENGTH_ROWS and self._longer_chosen >= LENGTH_SHARE * differ:
            yield Finding(None, "", f"The better reply is the longer one in {self._longer_chosen} of {differ} rows, so that a model learns to write at length", "Add pairs where the shorter reply is better", "warning")  # fmt: skip


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _other_file(start: bytes) -> Finding | None:
    if not start:
        return Finding(None, "", "The file is empty", "Export again")
    for magic, message, remedy in OTHER_FILES:
        if start.startswith(magic):
            return Finding(None, "", f"The file {message}", remedy)
    return None


def _not_json(number: int, line: bytes, error: orjson.JSONDecodeError) -> Finding:
    if b"\0" in line:
        return Finding(number, "", "The line holds NUL bytes", "Save the file as UTF-8 text again; it may be damaged")
    try:
        line.decode()
    except UnicodeDecodeError as fault:
        return Finding(number, "", f"Byte {fault.start + 1} of the line is not UTF-8", "Save the file as UTF-8")
    if _goes_on(line) and number == 1:
        return Finding(number, "", "The JSON goes over several lines", "Write each object on a line of its own")
    if not line.endswith(b"\n"):
        return Finding(number, "", "The last line is cut off", "Delete it, or export again")
    return Finding(number, "", f"The line is not JSON ({error.msg} at character {error.colno})", "Mend the line")


def _goes_on(line: bytes) -> bool:
    """Whether this looks like the first line of one JSON value that is spread over many."""
    return line.lstrip().startswith(b"[") or line.strip() == b"{"
