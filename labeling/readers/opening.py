"""Open what a person gave us: by what is in it, not by its name."""

import codecs
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from labeling.errors import InputError

HEAD_BYTES = 1 << 16
MAX_ROW_BYTES = 4 << 20
MAX_DOCUMENT_BYTES = 256 << 20
MAX_DOCUMENT_MEMORY = 2 << 30
# What is packed tighter than text ever is, and comes to more than this, is no text.
MOST_TIMES, MOST_BYTES = 200, 256 << 20

_FOREIGN = (
    (b"PK\x03\x04", "is a zip file", "Unpack it and import what is in it."),
    (b"PK\x05\x06", "is an empty zip file", "Unpack the archive and import what is in it."),
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Word file", "Save the sheet as CSV UTF-8 and import that."),
    (b"%PDF", "is a PDF", "Import text, CSV, JSON, JSONL or Parquet."),
    (b"SQLite format 3", "is a database", "Import text, CSV, JSON, JSONL or Parquet."),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd", "Unpack it, or pack it with gzip."),
    (b"BZh", "is packed with bzip2", "Unpack it, or pack it with gzip."),
    (b"\xfd7zXZ\x00", "is packed with xz", "Unpack it, or pack it with gzip."),
    (b"7z\xbc\xaf", "is a 7z archive", "Unpack it and import what is in it."),
    (b"Rar!", "is a RAR archive", "Unpack it and import what is in it."),
    (b"ARROW1", "is an Arrow file", "Import the whole folder it lies in, or save it as Parquet."),
    (b"\xff\xfe", "is UTF-16 text", "Save it as UTF-8 and import that."),
    (b"\xfe\xff", "is UTF-16 text", "Save it as UTF-8 and import that."),
)  # fmt: skip


_WORKBOOK = re.compile(rb"\[Content_Types\]\.xml|xl/")


class EmptyFile(InputError):
    """There is nothing in it but blank lines."""


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: its name, its bytes from the start (unpacked, without a byte-order mark) and how it was packed."""

    name: str
    stream: BinaryIO
    is_gzip: bool
    encoding: str
    head: str
    is_utf8: bool = True
    is_parquet: bool = False


def open_source(source: Path | bytes, name: str, encoding: str = "utf-8") -> Source:
    """Open `source` for one pass.

    Raises:
        InputError: the file is missing, is of a kind that is not read, or is not text in `encoding`.
    """
    raw = _opened(source, name)
    with ExitStack() as on_fault:
        on_fault.enter_context(raw)
        is_gzip = _read(raw, 2, name) == b"\x1f\x8b"
        raw.seek(0)
        # A gzip reader leaves the file it was given open: it gets one of its own, which ends with it.
        stream: BinaryIO = io.BufferedReader(_Unpacked(_opened(source, name), name)) if is_gzip else raw
        on_fault.enter_context(stream)
        found = _looked_at(stream, name, encoding, is_gzip=is_gzip)
        on_fault.pop_all()
        if is_gzip:
            raw.close()
    return found


def _opened(source: Path | bytes, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        mode = source.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise InputError(
                f"{name} is a pipe or a device, which is not read twice. Write what it gives to a file first."
            )
        return source.open("rb")
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror}).") from error


class _Unpacked(gzip.GzipFile):
    """A packed file that ends where it unpacks to gigabytes of next to nothing."""

    def __init__(self, packed: BinaryIO, name: str) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self.packed = packed
        self.title = name

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if (unpacked := self.tell()) > MOST_BYTES and unpacked > MOST_TIMES * self.packed.tell():
            raise InputError(
                f"{self.title} unpacks to over {MOST_TIMES} times its size. Unpack it yourself, look at what is in it,"
                " and import that."
            )
        return found

    def close(self) -> None:
        super().close()
        self.packed.close()


def _looked_at(stream: BinaryIO, name: str, encoding: str, *, is_gzip: bool) -> Source:
    head = _read(stream, HEAD_BYTES, name)
    if head.startswith(b"PAR1"):
        if is_gzip:
            raise InputError(f"{name} is a Parquet file that was gzip'd. Unpack it first: Parquet is packed in itself.")
        stream.seek(0)
        return Source(name, stream, is_gzip, encoding, "", is_parquet=True)
    if head.startswith(b"PK\x03\x04") and (_WORKBOOK.search(head) or name.lower().endswith((".xlsx", ".xlsm"))):
        raise InputError(
            f"{name} is an Excel workbook. In Excel choose File, Save As, CSV UTF-8 (one sheet a file), and import that."
        )
    if head[257:262] == b"ustar":
        raise InputError(f"{name} is a tar archive. Unpack it and import what is in it.")
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise InputError(f"{name} {what}. {remedy}")
    if len(head) > 1 and (head[0] == 0) != (head[1] == 0):
        raise InputError(f"{name} is UTF-16 text. Save it as UTF-8 and import that.")
    if not head.strip():
        # What comes after so many blanks is not known.
        raise (EmptyFile if len(head) < HEAD_BYTES else InputError)(f"{name} is empty.")
    start_at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    stream.seek(start_at)
    known = _known_encoding(encoding)
    return Source(name, stream, is_gzip, encoding, _head_text(head[start_at:], name, encoding), known == "utf-8")


def _known_encoding(encoding: str) -> str:
    try:
        # Lines are cut before they are decoded.
        known = codecs.lookup(encoding).name if b"\n".decode(encoding) == "\n" else "unknown"
    except (LookupError, UnicodeError):
        known = "unknown"
    # The last three can make half a surrogate pair, which is no text.
    if known in ("unknown", "idna", "punycode", "utf-7", "unicode-escape", "raw-unicode-escape"):
        raise InputError(f"{encoding!r} is not an encoding that is read. Try utf-8, latin-1 or cp1252.")
    return known


def _head_text(head: bytes, name: str, encoding: str) -> str:
    try:
        return head.decode(encoding)
    except UnicodeDecodeError as error:
        is_cut = len(head) >= HEAD_BYTES - 3 and error.start >= len(head) - 3
        if is_cut:  # a character that goes on after what was looked at
            return head[: error.start].decode(encoding)
        if b"\0" in head:
            raise InputError(f"{name} is not text. Import text, CSV, JSON, JSONL or Parquet.") from error
        line = head[: error.start].count(b"\n") + 1
        raise InputError(
            f"{name}:{line}: byte 0x{head[error.start]:02X} is not {encoding.upper()} text."
            " Save the file as UTF-8, or say what it is written in (--encoding latin-1)."
        ) from error


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} is damaged: it cannot be unpacked ({error}).") from error


def read_all(source: Source) -> bytes:
    """The whole file, for a JSON document. Raises InputError over 256 MiB, or where it would fill the memory."""
    content = _read(source.stream, MAX_DOCUMENT_BYTES + 1, source.name)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InputError(
            f"{source.name} is over {MAX_DOCUMENT_BYTES >> 20} MiB as one JSON document. Write it as JSONL: one object a line."
        )
    if 200 * (content.count(b"{") + content.count(b"[")) + 40 * content.count(b",") > MAX_DOCUMENT_MEMORY:
        raise InputError(
            f"{source.name} holds too many small values for one JSON document. Write it as JSONL: one object a line."
        )
    return content


def lines(source: Source) -> Iterator[tuple[int, bytes | None]]:
    """Lines split on line feeds alone, numbered from 1, without their ending; None for one over 4 MiB.

    A U+2028 inside a text is a character like any other: `str.splitlines` would cut the line there.
    """
    number = 0
    while True:
        line = _read_line(source)
        if not line:
            return
        number += 1
        if len(line) > MAX_ROW_BYTES:
            while line and not line.endswith(b"\n"):
                line = _read_line(source)
            yield number, None
        else:
            yield number, line.rstrip(b"\n").removesuffix(b"\r")


def _read_line(source: Source) -> bytes:
    try:
        return source.stream.readline(MAX_ROW_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{source.name} is damaged: it cannot be unpacked to its end ({error}).") from error
