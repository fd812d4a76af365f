"""The rules of one training file, line by line: what is wrong with each, and in the end with the whole.

A line is checked where it is read from a file (`check.py`) and where it is written into one (`split_files.py`).
"""

import json
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import gt, lt
from typing import Any

import orjson

from exporters.check_labels import Labels
from exporters.findings import Finding
from exporters.formats import MEGABYTE, Format
from exporters.jsonl import BYTE_ORDER_MARK
from exporters.plain import Parts, PlainPair, has_tool_turns, is_rich
from exporters.rows import Message
from exporters.tokens import BYTES_PER_TOKEN, about_tokens

# A line beyond this is no example of any trainer, and is not worth the memory.
LONGEST_LINE = 32 * MEGABYTE
# `datasets` takes the types of all columns from the first block of a file, and stops at a later row with more keys.
FIRST_BLOCK = 10 << 20
FEW_ROWS = 50
# Files of several services in which some of them refuse tools: field, what stands there, and who does not take it.
TOOLS_NOT_FOR_ALL = {
    "openai-dpo": ("input.messages", "Tool messages stand", "Together and Fireworks do"),
    "sft": ("messages", "Tools or tool messages stand", "Together does"),
}
TEMPLATE = "chat_template_kwargs"
LENGTH_ROWS, LENGTH_SHARE = 20, 0.9


class Tally:
    """What is counted over the rows of a file, or of all files of a split."""

    def __init__(self) -> None:
        self.rows = 0
        self.longer_chosen = 0
        self.longer_rejected = 0
        self.tool_rows = 0
        self.template_rows = 0


class LineCheck:
    """Takes the lines, or the records, of one file in order, and counts what has to be counted on the way.

    `is_part` says that other files hold more rows. `most_tokens` takes the place of the format's limit for one row. `tally`
    is that of the files before, where they are of one split. With `keeps_prompts` the prompts of the rows are remembered
    for `repeated_prompts`, 8 bytes each. `labels` compares the rows of a file of single completions; `plain` does not
    look at them.
    """

    def __init__(
        self,
        format: Format,
        *,
        is_part: bool = False,
        most_tokens: int | None = None,
        keeps_prompts: bool = False,
        tally: Tally | None = None,
        labels: Labels | None = None,
    ) -> None:
        self._format = format
        self._plain = format.plain
        self._is_part = is_part
        self._most_tokens = most_tokens or format.most_tokens
        self._many_bytes = BYTES_PER_TOKEN * self._most_tokens if self._most_tokens else LONGEST_LINE
        self.prompts: array[int] | None = array("q") if keeps_prompts else None
        self._bytes = 0  # before the present line
        self._lines = 0
        self._tally = Tally() if tally is None else tally
        self._labels = labels
        self._crlf_line: int | None = None
        self._crlf_count = 0
        self._rich_line: int | None = None  # the first with keys that plain rows have not

    @property
    def has_rich(self) -> bool:
        """Whether there was a line with keys that plain rows have not."""
        return self._rich_line is not None

    @property
    def has_labels(self) -> bool:
        """Whether the rows are compared with each other, so that each has to be looked at."""
        return self._labels is not None

    def plain(self, line: bytes) -> Parts | None:
        """The parts of a line with nothing wrong or special in it, known at a glance. It is not counted."""
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        parts = self._plain(record) if type(record) is dict and not line.endswith(b"\r\n") else None
        return None if parts is None or _may_repeat(line, record) else parts

    def line(self, line: bytes, parts: Parts | None = None) -> Iterable[Finding]:
        """What is wrong with the next line; `parts` are those that `plain` found in it, where it was asked."""
        if parts is None or len(line) > self._many_bytes:
            return list(self._looked_at(line))
        self._lines += 1
        self._bytes += len(line)
        self._row(*parts)
        return ()

    def plain_lines(self, parts: Sequence[PlainPair], size: int) -> None:
        """Count the next lines, in which `plain` found these parts, and which have `size` bytes together."""
        self._lines += len(parts)
        self._bytes += size
        self._tally.rows += len(parts)
        prompts, chosen, rejected = zip(*parts, strict=True)
        lengths = list(map(len, chosen)), list(map(len, rejected))
        self._tally.longer_chosen += sum(map(gt, *lengths))
        self._tally.longer_rejected += sum(map(lt, *lengths))
        if self.prompts is not None:
            self.prompts.extend(map(hash, prompts))

    def record(self, record: Message) -> Iterator[Finding]:
        """The same for a row of a file without lines."""
        self._lines += 1
        yield from self._record(record)
        if self._most_tokens:
            line = orjson.dumps(record, default=str, option=orjson.OPT_APPEND_NEWLINE)
            if len(line) > self._many_bytes:
                yield from self._too_long(line)

    def pass_over(self, length: int) -> Finding:
        """Count a line of so many bytes that is too long to be looked at."""
        self._lines += 1
        self._bytes += length
        return Finding(self._lines, "", f"The line is longer than {LONGEST_LINE // MEGABYTE} MB", "Leave the row out")

    def whole(self, size: int) -> Iterator[Finding]:
        """What is wrong with the file as such, which has `size` bytes, and with its rows together."""
        yield from self.file(size)
        yield from self.together()
        if self._labels is not None and not self._is_part:
            yield from self._labels.together()

    def file(self, size: int) -> Iterator[Finding]:
        """What is wrong with the file as such."""
        most = self._format.most_bytes
        if most is not None and size > most:
            yield Finding(None, "", f"The file has {size:,} bytes; a service takes {most:,}", "Split it into parts")
        if self._crlf_line is not None:
            yield Finding(
                self._crlf_line, "", f"Lines end in \\r\\n ({self._crlf_count} of them)",
                "Save the file with \\n line ends",
            )  # fmt: skip

    def together(self) -> Iterator[Finding]:
        """What is wrong with the rows together: those of the file, or of all files of the tally."""
        least = self._format.least_rows
        if self._tally.rows < least and not self._is_part:
            what = "The file has no row" if not self._tally.rows else f"The file has {_rows(self._tally.rows)}"
            yield Finding(
                None, "", f"{what}; at least {least} are needed", "Label more pairs, or loosen the label rules"
            )
        elif self._tally.rows < FEW_ROWS and not self._is_part:
            yield Finding(None, "", f"The file has {_rows(self._tally.rows)}; an effect is seldom seen below {FEW_ROWS}", "Label more pairs", "warning")  # fmt: skip
        if self._tally.tool_rows and self._format.name in TOOLS_NOT_FOR_ALL:
            field, what, who = TOOLS_NOT_FOR_ALL[self._format.name]
            yield Finding(
                None, field, f"{what} in {_rows(self._tally.tool_rows)}; OpenAI and Azure take them, {who} not",
                "Leave these rows out there", "warning",
            )  # fmt: skip
        if 0 < self._tally.template_rows < self._tally.rows:
            yield Finding(
                None, TEMPLATE, f"Stands in {self._tally.template_rows:,} of {_rows(self._tally.rows)}; TRL stops at those without it",
                "Write it into every row, or leave it out",
            )  # fmt: skip
        differ = self._tally.longer_chosen + self._tally.longer_rejected
        if differ >= LENGTH_ROWS and self._tally.longer_chosen >= LENGTH_SHARE * differ:
            yield Finding(None, "", f"The better reply is the longer one in {self._tally.longer_chosen} of {differ} rows, so that a model learns to write at length", "Add pairs where the shorter reply is better", "warning")  # fmt: skip

    def _looked_at(self, line: bytes) -> Iterator[Finding]:
        self._lines += 1
        start, self._bytes = self._bytes, self._bytes + len(line)
        record, finding = self._object(line)
        if finding:
            yield finding
        if record is None:
            return
        yield from self._record(record, start)
        if len(line) > self._many_bytes:
            yield from self._too_long(line)

    def _record(self, record: Message, start: int = 0) -> Iterator[Finding]:
        """The faults of a record; `start` is where its line begins in the file."""
        parts = self._plain(record)
        if parts is None:
            for fault in self._format.faults(record):
                yield Finding(self._lines, *fault)
            parts = self._format.parts(record)
            self._tally.tool_rows += "tools" in record or has_tool_turns(parts[0])
            self._tally.template_rows += TEMPLATE in record
            if self._rich_line is None and is_rich(record):
                self._rich_line = self._lines
                if start > FIRST_BLOCK:
                    yield Finding(self._lines, "", "Tools, names or a system instruction appear for the first time far down in the file, and `datasets` stops there", "Put such a row first", "warning")  # fmt: skip
        if self._labels is not None:
            for fault in self._labels.faults(record):
                yield Finding(self._lines, *fault)
        self._row(*parts)

    def _row(self, prompt: Any, chosen: str, rejected: str | None) -> None:
        """Count a row, and which side is the longer one."""
        self._tally.rows += 1
        if rejected is not None:
            if len(chosen) > len(rejected):
                self._tally.longer_chosen += 1
            elif len(chosen) < len(rejected):
                self._tally.longer_rejected += 1
        if self.prompts is not None:
            self.prompts.append(hash(prompt if isinstance(prompt, bytes) else orjson.dumps(prompt)))

    def _too_long(self, line: bytes) -> Iterator[Finding]:
        tokens = about_tokens(line)
        if self._most_tokens and tokens > self._most_tokens:
            yield Finding(
                self._lines, "", f"The row has about {tokens:,} tokens; the limit is {self._most_tokens:,}",
                "Shorten the prompt or the replies, or leave the row out",
            )  # fmt: skip

    def _object(self, line: bytes) -> tuple[Message | None, Finding | None]:
        """The object of a line, or None, and the one finding about the line as such."""
        number, finding = self._lines, None
        if line.endswith(b"\r\n"):
            self._crlf_count += 1
            self._crlf_line = self._crlf_line or number
        if line.startswith(BYTE_ORDER_MARK):
            line = line[len(BYTE_ORDER_MARK) :]
            if number > 1 or not self._format.takes_mark:
                finding = Finding(
                    number, "", "A byte-order mark stands before the text", "Save the file as UTF-8 without it"
                )
        elif not line.strip():
            return None, Finding(number, "", "The line is blank", "Delete it: some services refuse the whole file")
        try:
            record: Any = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            return None, finding or _not_json(number, line, error)
        if isinstance(record, dict):
            return record, finding or _repeated(number, line, record)
        if isinstance(record, list):
            told = Finding(number, "", "The line is a JSON array", "Write each of its objects on a line of its own")
        else:
            told = Finding(number, "", "The line is not a JSON object", "Write one object on each line")
        return None, finding or told


def repeated_prompts(prompts: Collection[int], elsewhere: AbstractSet[int]) -> Iterator[Finding]:
    """For each row of a file, given by its prompt as `LineCheck` remembers it, whether that stands in the other file."""
    for number, prompt in enumerate(prompts, 1):
        if prompt in elsewhere:
            yield Finding(
                number, "prompt", "The prompt stands in the validation file too", "Split by prompt, not by row"
            )


def goes_on(line: bytes) -> bool:
    """Whether this looks like the first line of one JSON value that is spread over many."""
    return line.lstrip().startswith(b"[") or line.strip() == b"{"


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _may_repeat(line: bytes, record: Message) -> bool:
    """Whether the line perhaps has more keys than the record that was read from it: of two of one name, one is kept."""
    try:
        written = orjson.dumps(record)  # texts never get longer by this
    except orjson.JSONEncodeError:  # nested hundreds of levels deep
        return True
    return len(line) != len(written) + 1 and line.count(b'":') != written.count(b'":')


def _repeated(number: int, line: bytes, record: Message) -> Finding | None:
    """What is wrong with a line in which an object has a key twice: readers take the last one, or stop at the file."""
    repeated: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = set[str]()
        for name, _ in pairs:
            (repeated.append if name in names else names.add)(name)

    if not _may_repeat(line, record):
        return None
    try:
        json.loads(line, object_pairs_hook=look)
    except RecursionError:
        return Finding(number, "", "The row is nested hundreds of levels deep", "Leave the row out")
    return Finding(number, repeated[0], "is there twice in one object", "Keep one of them") if repeated else None


def _not_json(number: int, line: bytes, error: orjson.JSONDecodeError) -> Finding:
    if b"\0" in line:
        return Finding(number, "", "The line holds NUL bytes", "Save the file as UTF-8 text again; it may be damaged")
    try:
        line.decode()
    except UnicodeDecodeError as fault:
        return Finding(number, "", f"Byte {fault.start + 1} of the line is not UTF-8", "Save the file as UTF-8")
    if goes_on(line) and number == 1:
        return Finding(number, "", "The JSON goes over several lines", "Write each object on a line of its own")
    if not line.endswith(b"\n"):
        return Finding(number, "", "The last line is cut off", "Delete it, or export again")
    return Finding(number, "", f"The line is not JSON ({error.msg} at character {error.colno})", "Mend the line")
