"""Pairs from a file to a training file: no project, no database, one row at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from exporters.files import FolderFault, working_folder
from exporters.formats import EXPORTERS, Format
from exporters.jsonl import JsonlFile, json_line
from exporters.lines import TOO_MANY_TOKENS, Lines
from exporters.parquet import COLUMNS, ParquetFile, schema_of
from exporters.refusals import refused
from exporters.rows import CompletionRow, Outcome, PreferenceRow, RowOrigin, RowRefused
from exporters.spool import Spool
from labeling.domain import Verdict
from labeling.errors import ConflictError, ExportError, InputError
from labeling.readers import FORMATS, NAMED, Refusal, Source, Understanding, read_by, understand
from labeling.rows import PairRow, Reply, Row, pairs_in, records_of
from labeling.services.ordinary import maker, ordinary_line

PROGRESS_EVERY = 10_000
SHOWN = 2000
# What a name calls a file that is not written here: lines of JSON in it would be taken for something else.
OTHER_KINDS = (".parquet", ".json", ".csv", ".tsv", ".xlsx", ".gz", ".zip", ".zst", ".bz2", ".xz")
# Reasons that another way of reading may do away with; the others say themselves what helps, if anything does.
OTHERWISE_READ = {
    "missing_field", "not_text", "not_messages", "not_one_reply", "not_a_ranking",
    "no_common_prompt", "empty_prompt", "empty_side", "prompt_ends_wrong", "identical_sides",
}  # fmt: skip
NOWHERE = RowOrigin(0, "")  # nothing is told of where a converted row comes from
NO_VERDICT = "no_verdict"
UNDECIDED = {
    None: (NO_VERDICT, "the row does not say which completion is better"),
    Verdict.TIE: ("tie", "the verdict is a tie: it carries no preference"),
    Verdict.BOTH_BAD: ("both_bad", "both completions are bad: neither is one to learn from"),
}


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """How the file is read: `format` and `mapping` overrule what is found; `verdicts`: what the file's own words for verdicts mean; `limit` is the number of rows, None for all."""

    format: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion came to: read = converted + refused, in rows of the file; `rows` were written to `out`.

    `pairs_left_out` counts the pairs of converted rankings that are no row, such as ties. `completions`, of a format of single
    completions: how many are desirable and undesirable rows, and how many were repeated or stood against each other, which
    are no rows. `refused_file` holds the refused rows and these pairs with their reasons; None where there are none.
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
    completions: Mapping[str, int]
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

    A name that ends in `.parquet` makes a Parquet file, as an export does; every other JSONL. Both files are there whole or not at all. `progress` is told the number of rows read so far.

    Raises:
        InputError: the source cannot be read as pairs, there is no such format, or `out` is no name for what is written.
        ConflictError: a file to write is there already.
        ExportError: the disk refuses.
    """
    format, understanding = _understood(source, name, to, out, options)
    with _told_faults(), ExitStack() as stack:
        conversion = _Conversion(name, format, out, stack.enter_context(working_folder(out)), stack)
        for row in read_by(maker(format, understanding), source, understanding, options.limit):
            conversion.take(row)
            if conversion.read % PROGRESS_EVERY == 0:
                progress(conversion.read)
        return conversion.end(understanding)


def _understood(source: Source, name: str, to: str, out: Path, options: ConvertOptions) -> tuple[Format, Understanding]:
    """What is to be written, and how the source is read. Raises as `convert`."""
    if to not in EXPORTERS:
        raise InputError(f"There is no format {to!r} to write. Choose one of {', '.join(EXPORTERS)}.")
    _expect_file_name(out, to)
    _expect_free(out)
    understanding = understand(
        source,
        name,
        format=options.format,
        mapping=options.mapping,
        encoding=options.encoding,
        verdicts=options.verdicts,
    )
    if understanding.kind != "pairs" and understanding.columns:  # else each row is told why it cannot be read
        raise InputError(_no_pairs(name, understanding))
    return EXPORTERS[to], understanding


def _no_pairs(name: str, understanding: Understanding) -> str:
    """Why a file that holds no pairs is not converted, and what says so where it does hold some."""
    said = f"{name} was read as {understanding.format}, which holds {understanding.kind}: only pairs can be converted."
    remedy = "Import it and label it first, or, where it holds pairs by other names, say how it is read:"
    idle = understanding.idle
    how = "--from trl --map chosen=COLUMN --map rejected=COLUMN"
    if understanding.kind == "completions":
        how += ", or, where a column says which are good, --from kto --map desirable=COLUMN"
    more = f" and {len(idle) - NAMED:,} more" if len(idle) > NAMED else ""
    # Of a format without roles each column may be read.
    seen = f" In no role: {', '.join(idle[:NAMED])}{more}." if idle and understanding.mapping else ""
    return f"{said}{seen} {remedy} {how}."


def _expect_file_name(out: Path, to: str) -> None:
    """Raise InputError where `out` names no file, or calls the lines that are written something else."""
    if not out.name or out.is_dir():
        raise InputError(f"{str(out)!r} is a folder, not a file to write. Name one, such as {out / 'train.jsonl'}.")
    if str(out) == "-" or (out.exists() and not out.is_file()):
        raise InputError(
            f"{str(out)!r} is no file: a conversion is there whole or not at all. Name one, such as train.jsonl."
        )
    lines = out.name
    while (ending := Path(lines).suffix).lower() in OTHER_KINDS:
        lines = lines.removesuffix(ending)
    if lines == out.name or (_is_parquet(out) and to in COLUMNS):
        return
    name = lines if lines.lower().endswith(".jsonl") else f"{lines}.jsonl"
    if to in COLUMNS:
        raise InputError(
            f"{to} is written as JSONL or Parquet. Name it {name} or {Path(name).with_suffix('.parquet')}."
        )
    raise InputError(f"{to} is read from JSONL alone. Name it {name}; Parquet is for {', '.join(COLUMNS)}.")


def _expect_free(out: Path) -> None:
    for path in (out, _refused_file(out)):
        if path.exists():
            raise ConflictError(f"{path} is already there. Delete it, or write to another name.")


def _is_parquet(out: Path) -> bool:
    return out.suffix.lower() == ".parquet"


def _refused_file(out: Path) -> Path:
    return out.with_name(out.name + ".refused.jsonl")


class _Conversion:
    """The files of one conversion, in `folder` until they are given their names, let go with `stack`; and what went where."""

    def __init__(self, name: str, format: Format, out: Path, folder: Path, stack: ExitStack) -> None:
        self.read = 0  # rows
        self._name = name
        self._format = format
        self._lines = Lines(format, _is_parquet(out))
        self._out = out
        self._folder = folder
        self._stack = stack
        self._reasons: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        rows = folder / "rows"
        self._written = ParquetFile(rows, schema_of(format.name)) if _is_parquet(out) else JsonlFile(rows)
        stack.callback(self._written.abandon)
        self._refused: JsonlFile | None = None
        # Where single completions wait until each is known to be a row.
        self._spool = Spool(folder) if format.pieces is not None else None
        if self._spool is not None:
            stack.callback(self._spool.abandon)

    def take(self, row: tuple[int, Row] | tuple[int, bytes] | Refusal) -> None:
        """Write a row, or its line where that is made already, or why there is none."""
        self.read += 1
        if isinstance(row, Refusal):
            self._reasons[row.code] += 1
            self._refuse([row])
        elif isinstance(row[1], bytes):
            if (refusal := self._write_line(row[0], row[1])) is not None:
                self._reasons[refusal.code] += 1
                self._refuse([refusal])
        else:
            self._write_pairs(row[0], row[1])

    def end(self, understanding: Understanding) -> Converted:
        """Give the files their names, when both are on the disk. Raises ExportError where no row could be written, and
        ConflictError where somebody else wrote to these names in the meantime."""
        refusals, refused_file = self._reasons.total(), _refused_file(self._out)
        written = self._written
        if self._spool is not None:
            for line, *_ in self._spool.rows():
                written.write(line)
        written.close()
        _expect_free(self._out)
        if self._refused is not None:
            self._refused.close()
            self._refused.path.rename(refused_file)
        if self.read == refusals:
            raise ExportError(_nothing(self._name, understanding, self._reasons, refused_file))
        if not written.rows:
            raise ExportError(
                f"Every completion of {self._name} is desirable in one row and undesirable in another: none says anything."
            )
        written.path.rename(self._out)
        return Converted(
            file=self._name,
            read_as=understanding.format,
            to=self._format.name,
            out=str(self._out),
            read=self.read,
            converted=self.read - refusals,
            refused=refusals,
            rows=written.rows,
            bytes=self._out.stat().st_size,
            sha256=written.sha256,
            refused_by_reason=dict(self._reasons.most_common()),
            pairs_left_out=dict(self._left_out.most_common()),
            completions=asdict(self._spool.counts) if self._spool is not None else {},
            refused_file=str(refused_file) if self._refused is not None else None,
        )

    def _write_pairs(self, line: int, row: Row) -> None:
        """The pairs of a row; it counts as refused records where none could be written."""
        pairs, records = pairs_in(row), records_of(row)
        self.read += records - 1
        refusals = [refusal for pair in pairs if (refusal := self._write(line, pair)) is not None]
        if not refusals:
            return
        if len(refusals) == len(pairs):
            self._reasons[refusals[0].code] += records
        else:
            self._left_out.update(refusal.code for refusal in refusals)
        self._refuse(refusals)

    def _write(self, line: int, row: PairRow) -> Refusal | None:
        """Write a pair; returns why it cannot be."""
        if (made_line := ordinary_line(self._format, row)) is not None:
            return self._write_line(line, made_line)
        try:
            made = self._lines.of(preference_row(row, self._format.takes))
        except RowRefused as fault:
            return Refusal(line, fault.code, str(fault), _shown(row))
        for piece, its_line in made:
            if self._spool is None:
                self._written.write(its_line)
            else:
                assert isinstance(piece, CompletionRow)  # a spool is for formats of these
                self._spool.add(piece, its_line, NOWHERE, {})
        return None

    def _write_line(self, line: int, made: bytes) -> Refusal | None:
        """Write an ordinary line; returns why it cannot be."""
        if self._lines.is_too_long(made):
            return Refusal(line, TOO_MANY_TOKENS, str(refused(TOO_MANY_TOKENS)), made[:SHOWN].decode(errors="ignore"))
        self._written.write(made)
        return None

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        if self._refused is None:
            self._refused = JsonlFile(self._folder / "refused")
            self._stack.callback(self._refused.abandon)
        for refusal in refusals:
            self._refused.write(_told(self._name, refusal))


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
        code, reason = UNDECIDED[row.verdict]
        if row.verdict is None and row.unread:
            words = ", ".join(repr(word[:60]) for word in row.unread)
            reason += f"; no verdict by itself: {words}; say what it means with --verdict VERDICT=WORD, or which question is the verdict with --map verdict=QUESTION"
        raise RowRefused(code, reason)
    prompt = row.prompt.prompt
    return PreferenceRow(
        prompt.messages, chosen.text, rejected.text, prompt.tools, chosen.tool_calls, rejected.tool_calls, outcome,
        row.strength if row.margin is None else row.margin,
    )  # fmt: skip


def _shown(row: PairRow) -> str:
    def side(reply: Reply) -> dict[str, object]:
        return {"text": reply.text} | ({"tool_calls": reply.tool_calls} if reply.tool_calls else {})

    shown = {"prompt": row.prompt.prompt.messages, "a": side(row.a), "b": side(row.b), "verdict": row.verdict}
    return orjson.dumps(shown).decode()[:SHOWN]


def _told(name: str, refusal: Refusal) -> bytes:
    return json_line(
        {"file": name, "line": refusal.line, "code": refusal.code, "reason": refusal.reason, "content": refusal.content}
    )


def _may_map_verdict(understanding: Understanding) -> bool:
    """Whether a column could be the verdict and none is: of a tool's export it is a question."""
    format = FORMATS[understanding.format]
    return format.spelled is None and "verdict" in format.columns and "verdict" not in understanding.mapping


def _nothing(name: str, understanding: Understanding, reasons: Counter[str], refused_out: Path) -> str:
    if not reasons:
        return f"No row of {name} was asked for. Give --limit a number above 0."
    told = ", ".join(f"{count:,} {code}" for code, count in reasons.most_common())
    remedy = ""
    if not reasons.keys().isdisjoint(OTHERWISE_READ):
        remedy = "; say how the file is read with --from"
    elif NO_VERDICT in reasons and _may_map_verdict(understanding):
        remedy = "; say which column is the verdict with --map verdict=COLUMN"
    return (
        f"Not one row of {name}, read as {understanding.format}, can be written: {told}."
        f" Each row's reason is in {refused_out}{remedy}."
    )


@contextmanager
def _told_faults() -> Iterator[None]:
    try:
        yield
    except FolderFault as error:
        raise ExportError(str(error)) from error
