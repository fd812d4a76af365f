"""Pairs from a file to a training file: no project, no database, one row at a time."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from exporters.files import FolderFault, folder_fault
from exporters.formats import EXPORTERS, Format
from exporters.jsonl import JsonlFile, json_line
from exporters.refusals import REFUSALS
from exporters.rows import Outcome, PreferenceRow, RowRefused
from exporters.spool import Spool
from labeling.domain import Verdict
from labeling.errors import ConflictError, ExportError, InputError
from labeling.readers import Refusal, Source, Understanding, read_by, understand
from labeling.rows import PairRow, Reply, Row, pairs_in, records_of
from labeling.services.ordinary import maker, ordinary_line

PROGRESS_EVERY = 10_000
SHOWN = 2000
UNDECIDED = {
    None: ("no_verdict", "the row does not say which completion is better"),
    Verdict.TIE: ("tie", "the verdict is a tie: it carries no preference"),
    Verdict.BOTH_BAD: ("both_bad", "both completions are bad: neither is one to learn from"),
}


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """How the file is read: `format` and `mapping` overrule what is found; `limit` is the number of rows, None for all."""

    format: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion came to: read = converted + refused, in rows of the file; `rows` were written to `out`.

    `pairs_left_out` counts the pairs of converted rankings that are no row, such as ties. `refused_file` holds the refused
    rows and these pairs with their reasons; None where there are none.
    """

    file: str
    read_as: str
    to: str
    out: str
    read: int
    converted: int
    refused: int
    rows: int
    bytes: int
    sha256: str
    refused_by_reason: Mapping[str, int]
    pairs_left_out: Mapping[str, int]
    refused_file: str | None


def convert(
    source: Source,
    name: str,
    *,
    to: str,
    out: Path,
    options: ConvertOptions = ConvertOptions(),
    progress: Callable[[int], None] = lambda _rows: None,
) -> Converted:
    """Write every decided pair of `source` to `out`; the others go to `OUT.refused.jsonl`, each with its reason.

    Both files are there whole or not at all. `progress` is told the number of rows read so far.

    Raises:
        InputError: the source cannot be read as pairs, or there is no such format.
        ConflictError: a file to write is there already.
        ExportError: the disk refuses.
    """
    if to not in EXPORTERS:
        raise InputError(f"There is no format {to!r} to write. Choose one of {', '.join(EXPORTERS)}.")
    if out.suffix.lower() == ".parquet":
        raise InputError(
            f"{out} would hold lines of JSON. Name it {out.with_suffix('.jsonl').name}; Parquet is for exports."
        )
    format = EXPORTERS[to]
    refused_out = out.with_name(out.name + ".refused.jsonl")
    for path in (out, refused_out):
        if path.exists():
            raise ConflictError(f"{path} is already there. Delete it, or write to another name.")
    understanding = understand(source, name, format=options.format, mapping=options.mapping, encoding=options.encoding)
    if understanding.kind != "pairs" and understanding.columns:  # else each row is told why it cannot be read
        raise InputError(
            f"{name} was read as {understanding.format}, which holds {understanding.kind}: only pairs can be converted."
            " Say how it is read with --from, or import it and label it first."
        )
    reasons: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    read_rows = 0
    with _told_faults(), ExitStack() as stack:
        written = stack.enter_context(_partial(out))
        left: JsonlFile | None = None
        spool = stack.enter_context(_spooling(out)) if format.pieces is not None else None
        for row in read_by(maker(format, understanding), source, understanding, options.limit):
            read_rows += 1
            if isinstance(row, Refusal):
                refusals = [row]
                reasons[row.code] += 1
            elif type(row[1]) is bytes:
                written.write(row[1])
                refusals = []
            else:
                refusals = _write_all(spool or written, format, *row, reasons, left_out)
                read_rows += records_of(row[1]) - 1
            if refusals:
                left = left or stack.enter_context(_partial(refused_out))
                for refusal in refusals:
                    left.write(_told(name, refusal))
            if read_rows % PROGRESS_EVERY == 0:
                progress(read_rows)
        refused = reasons.total()
        if left is not None:
            left.close()
            left.path.rename(refused_out)
        if read_rows == refused:
            raise ExportError(_nothing(name, understanding, reasons, refused_out))
        if spool is not None:
            for line, _, _ in spool.rows():
                written.write(line)
        written.close()
        written.path.rename(out)
        return Converted(
            file=name,
            read_as=understanding.format,
            to=to,
            out=str(out),
            read=read_rows,
            converted=read_rows - refused,
            refused=refused,
            rows=written.rows,
            bytes=written.bytes,
            sha256=written.sha256,
            refused_by_reason=dict(reasons.most_common()),
            pairs_left_out=dict(left_out.most_common()),
            refused_file=str(refused_out) if left is not None else None,
        )


def preference_row(row: PairRow, takes: AbstractSet[str] = frozenset()) -> PreferenceRow:
    """The pair with the better completion first; `takes` may hold "both_bad". Raises RowRefused where none is better."""
    outcome: Outcome = "better"
    if row.verdict is Verdict.A:
        chosen, rejected = row.a, row.b
    elif row.verdict is Verdict.B:
        chosen, rejected = row.b, row.a
    elif row.verdict is Verdict.BOTH_BAD and "both_bad" in takes:
        chosen, rejected, outcome = row.a, row.b, "both_bad"
    else:
        raise RowRefused(*UNDECIDED[row.verdict])
    prompt = row.prompt.prompt
    return PreferenceRow(
        prompt.messages, chosen.text, rejected.text, prompt.tools, chosen.tool_calls, rejected.tool_calls, outcome,
        row.strength,
    )  # fmt: skip


def _write_all(
    file: JsonlFile | Spool, format: Format, line: int, row: Row, reasons: Counter[str], left_out: Counter[str]
) -> list[Refusal]:
    """Write the pairs of a row; return those that cannot be, counted as refused records where none could."""
    pairs = pairs_in(row)
    refusals = [refusal for pair in pairs if (refusal := _write(file, format, line, pair)) is not None]
    if refusals and len(refusals) == len(pairs):
        reasons[refusals[0].code] += records_of(row)
    elif refusals:
        left_out.update(refusal.code for refusal in refusals)
    return refusals


def _write(file: JsonlFile | Spool, format: Format, line: int, row: PairRow) -> Refusal | None:
    if isinstance(file, JsonlFile) and (made_line := ordinary_line(format, row)) is not None:
        file.write(made_line)
        return None
    try:
        made = preference_row(row, format.takes)
        code = format.refusal(made)
        if code is None:
            if isinstance(file, Spool):
                for piece in () if format.pieces is None else format.pieces(made):
                    file.add(piece, json_line(format.record(piece)), "", {})
            else:
                file.write(json_line(format.record(made)))
            return None
        reason = f"{REFUSALS[code].title}. {REFUSALS[code].remedy}."
    except RowRefused as refused:
        code, reason = refused.code, str(refused)
    return Refusal(line, code, reason, _shown(row))


def _shown(row: PairRow) -> str:
    def side(reply: Reply) -> dict[str, object]:
        return {"text": reply.text} | ({"tool_calls": reply.tool_calls} if reply.tool_calls else {})

    shown = {"prompt": row.prompt.prompt.messages, "a": side(row.a), "b": side(row.b), "verdict": row.verdict}
    return orjson.dumps(shown).decode()[:SHOWN]


def _told(name: str, refusal: Refusal) -> bytes:
    return json_line(
        {"file": name, "line": refusal.line, "code": refusal.code, "reason": refusal.reason, "content": refusal.content}
    )


def _nothing(name: str, understanding: Understanding, reasons: Counter[str], refused_out: Path) -> str:
    if not reasons:
        return f"No row of {name} was asked for. Give --limit a number above 0."
    told = ", ".join(f"{count:,} {code}" for code, count in reasons.most_common())
    return (
        f"Not one row of {name}, read as {understanding.format}, can be written: {told}."
        f" Each row's reason is in {refused_out}; say how the file is read with --from."
    )


@contextmanager
def _partial(target: Path) -> Iterator[JsonlFile]:
    """A hidden file beside `target`, removed at the end unless it was given its name."""
    try:
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True)
        descriptor, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial")
        os.close(descriptor)
    except FileExistsError as error:
        raise FolderFault(f"{target.parent} is a file, not a folder. Choose another folder.") from error
    except OSError as error:
        raise folder_fault(error, target) from error
    mask = os.umask(0o077)
    os.umask(mask)
    Path(made).chmod(0o666 & ~mask)  # mkstemp makes a file for its owner alone; the finished one is an ordinary file
    file = JsonlFile(Path(made))
    try:
        yield file
    finally:
        file.abandon()
        Path(made).unlink(missing_ok=True)


@contextmanager
def _spooling(target: Path) -> Iterator[Spool]:
    """Where single completions wait until each is known to be a row; removed at the end."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.", suffix=".partial") as folder:
        spool = Spool(Path(folder))
        try:
            yield spool
        finally:
            spool.abandon()


@contextmanager
def _told_faults() -> Iterator[None]:
    try:
        yield
    except FolderFault as error:
        raise ExportError(str(error)) from error
