"""A data set as a folder: train and validation files, provenance, manifest, card. It appears whole or not at all."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from exporters.balance import always_winning, class_balance
from exporters.card import card
from exporters.check import check_file
from exporters.completions import Single
from exporters.extra_files import extra_files
from exporters.files import begin_folder, discard_folder, finish_folder, write_file
from exporters.findings import Finding
from exporters.formats import EXPORTERS
from exporters.jsonl import FileFacts, JsonlFile, JsonlParts, json_line
from exporters.manifest import manifest
from exporters.parquet import COLUMNS, ParquetParts, parquet_refusal
from exporters.provenance import Told, told_of, told_of_piece
from exporters.quick import Quick
from exporters.rows import CompletionRow, Outcome, PreferenceRow, RowOrigin, RowRefused
from exporters.split import LEAST_VALIDATION_ROWS, LeastRows, Split
from exporters.spool import Spool
from exporters.tokens import BYTES_PER_TOKEN, about_tokens

# More of them tell nobody more, and a million of them would not fit into memory.
MOST_FINDINGS = 100


FileType: TypeAlias = Literal["jsonl", "parquet"]


class CheckFailed(Exception):
    """The finished files did not pass their own check; nothing is kept. `findings` holds the errors."""

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        more = f" {len(findings) - 1} more like it." if len(findings) > 1 else ""
        super().__init__(f"{first.message}. {first.remedy}.{more}")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the raters of rows agree: `several` rows rest on more than one label, and of their labels the mean share
    `agreed` says what came out; None where there is no such row."""

    several: int
    agreed: float | None


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished export holds: pairs = used + the sum of `left_out`, which counts them by code. `decided_by` counts
    rows by the kinds of raters that decided.

    `rows` are lines; they are the pairs used, but for formats of single completions, where `single` says how these
    became rows. `validation_note` says why there is no validation file although one was asked for; "" where nothing is
    to say.
    """

    folder: Path
    pairs: int
    rows: int
    train_rows: int
    validation_rows: int
    left_out: dict[str, int]
    sandbox: dict[str, int]
    decided_by: dict[str, int]
    files: tuple[FileFacts, ...]
    warnings: tuple[Finding, ...]
    raters: int
    agreement: "Agreement"
    licence: str
    validation_note: str
    single: Single | None


class DatasetWriter:
    """Writes rows one by one, in the order given, with memory that does not grow.

    Use it as a context manager: a fault, or leaving without `finish`, removes everything that was written. The first
    rows for the validation file are held back until there are enough of them to make one; else they end up in train.
    `validation_rows` asks for at least so many in place of a share; that many are held back.

    Raises:
        KeyError: there is no such format.
        FolderFault: the folder cannot be written.
    """

    def __init__(
        self,
        out: Path,
        format: str,
        *,
        validation_share: float = 0.0,
        seed: int = 0,
        has_mark: bool = False,
        file_type: FileType = "jsonl",
        validation_rows: int | None = None,
    ) -> None:
        if not 0 <= validation_share < 1:
            raise ValueError(f"validation_share is {validation_share}; it is 0 or more and below 1")
        self._format = EXPORTERS[format]
        if has_mark and not self._format.takes_mark:
            raise ValueError(f"{format} is written without a byte-order mark")
        self._most_tokens = self._format.most_tokens or sys.maxsize
        self._many_bytes = BYTES_PER_TOKEN * self._most_tokens
        if file_type == "parquet" and format not in COLUMNS:
            raise ValueError(f"{format} is read from JSONL alone")
        self._file_type = file_type
        self._has_mark = has_mark
        self._out = out
        self._share = validation_share
        self._seed = seed
        self._split = Split(seed=seed, share=validation_share)
        if validation_rows is not None and (validation_rows < LEAST_VALIDATION_ROWS or validation_share):
            raise ValueError(
                f"validation_rows is {validation_rows}; it is from {LEAST_VALIDATION_ROWS} on, and no share is given"
            )
        self._asked_rows = validation_rows
        self._least = LeastRows[tuple[bytes, Told]](self._split, validation_rows) if validation_rows else None
        self._used = 0
        self._last: tuple[int | None, str | None] = (None, None)
        self._left_out: Counter[str] = Counter()
        self._sandbox: Counter[str] = Counter()
        self._decided_by: Counter[str] = Counter()
        self._raters: set[tuple[str, ...]] = set()
        self._several, self._agreed = 0, 0.0
        self._writers: Counter[tuple[str, str]] = Counter()  # of the chosen and of the rejected side
        self._held: list[tuple[bytes, str, Told]] = []

    def __enter__(self) -> Self:
        self._folder = begin_folder(self._out)
        self._train, self._validation = self._parts("train"), self._parts("validation")
        self._provenance = JsonlFile(self._folder / "provenance.jsonl")
        self._spool = Spool(self._folder) if self._format.pieces is not None else None
        self._finished = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if not self._finished:
            for file in (self._train, self._validation, self._provenance, self._spool):
                if file is not None:
                    file.abandon()
            discard_folder(self._folder)
        return False

    def _parts(self, split: str) -> JsonlParts | ParquetParts:
        if self._file_type == "parquet":
            return ParquetParts(self._folder, split, self._format.name)
        return JsonlParts(self._folder, split, "jsonl", self._format.most_bytes, is_marked=self._has_mark)

    @property
    def takes(self) -> frozenset[Outcome]:
        """The outcomes that the format makes rows of."""
        return self._format.takes

    @property
    def used(self) -> int:
        """Pairs taken so far."""
        return self._used

    def leave_out(self, code: str, count: int = 1) -> None:
        """Count pairs that are no row, so that the manifest adds up."""
        self._left_out[code] += count

    def add(self, row: PreferenceRow, origin: RowOrigin) -> str | None:
        """Write `row`, or count its pair as left out. Returns the code of the refusal; None where it was written.

        A pair may have several rows, one after the other.
        """
        code = row.outcome if row.outcome not in self._format.takes else self._format.refusal(row)
        if code is None:
            try:
                self._take(row, origin)
            except RowRefused as refused:
                code = refused.code
        self._count(origin.pair, code)
        return code

    @property
    def quick(self) -> Quick | None:
        """What makes the line of an ordinary pair at once, for `add_line`; None where the format has no such way.

        An ordinary pair has nothing that Parquet has no column for.
        """
        return self._format.quick

    def add_line(self, line: bytes, group: str, told: Told) -> None:
        """Write a pair whose line `quick` made; `told` is what `told_of` says of its origin."""
        code = None
        if len(line) > self._many_bytes and about_tokens(line) > self._most_tokens:
            code = "too_long"
        self._count(told["pair"], code)
        if code is None:
            self._place(line, group, told)

    def finish(
        self, facts: Mapping[str, Any], *, licence: str = "unknown", warnings: Sequence[Finding] = ()
    ) -> Written:
        """Close and check the files, write manifest and card, and give the folder its name.

        `facts` goes into the manifest as it is: label rules, high-water mark, program version. It should hold nothing
        that changes without the data changing (no time, no path), so that the same export has the same bytes. `licence`
        is for the card, `warnings` are what the caller knows of the labels.

        Raises:
            CheckFailed: a written file has a fault.
            FolderFault: the disk refuses.
        """
        single = self._unspool()
        held = len(self._held)
        self._put_held(self._train, "train")
        for line, told in self._least.rows() if self._least is not None else ():
            self._put(self._validation, "validation", line, told)
        note = ""
        if self._share and not self._validation.rows:
            note = (
                f"No validation file: {self._share * 100:g} % come to {held} row{'' if held == 1 else 's'}, and fewer than "
                f"{LEAST_VALIDATION_ROWS} say nothing. All rows are in the train file."
            )
        files = [*self._train.close(), *self._validation.close()]
        self._provenance.close()
        warned = [*self._checked(files), *warnings, *always_winning(self._writers)]
        if single is not None and (balance := class_balance(single)):
            warned.append(balance)
        origin_facts = FileFacts(
            "provenance.jsonl",
            "provenance",
            1,
            self._provenance.rows,
            self._provenance.bytes,
            self._provenance.sha256,
        )
        written = Written(
            folder=self._out,
            pairs=self._used + self._left_out.total(),
            rows=self._provenance.rows,
            train_rows=sum(file.rows for file in files if file.split == "train"),
            validation_rows=sum(file.rows for file in files if file.split == "validation"),
            left_out=dict(sorted((+self._left_out).items())),
            sandbox=dict(sorted(self._sandbox.items())),
            decided_by=dict(sorted(self._decided_by.items())),
            files=(*files, origin_facts),
            warnings=tuple(warned),
            raters=len({rater for raters in self._raters for rater in raters}),
            agreement=Agreement(self._several, round(self._agreed / self._several, 3) if self._several else None),
            licence=licence,
            validation_note=note,
            single=single,
        )
        told_all = manifest(
            written, format=self._format.name, share=self._share, count=self._asked_rows, seed=self._seed, facts=facts
        )
        write_file(self._folder / "manifest.json", told_all)
        write_file(self._folder / "README.md", card(written, self._format, facts).encode())
        for name, content in extra_files(self._format.name, [file.name for file in files]):
            write_file(self._folder / name, content)
        finish_folder(self._folder, self._out)
        self._finished = True
        return written

    def _count(self, pair: int, code: str | None) -> None:
        """Count a pair once, whatever the number of its rows, which follow each other: used if one of them is."""
        if pair == self._last[0]:
            before = self._last[1]
            if before is None or code is not None:
                return
            self._left_out[before] -= 1
        self._last = (pair, code)
        if code is None:
            self._used += 1
        else:
            self._left_out[code] += 1

    def _take(self, row: PreferenceRow, origin: RowOrigin) -> None:
        if self._format.pieces is None:
            self._place(self._line(row), origin.group, told_of(origin))
            return
        assert self._spool is not None
        pieces = [(piece, self._line(piece)) for piece in self._format.pieces(row)]
        for piece, line in pieces:
            self._spool.add(piece, line, origin.group, told_of_piece(origin, piece))

    def _line(self, row: PreferenceRow | CompletionRow) -> bytes:
        if self._file_type == "parquet" and (code := parquet_refusal(row, self._format.name)):
            raise RowRefused(code, "the row has what has no column")
        line = json_line(self._format.record(row))
        if len(line) > self._many_bytes and about_tokens(line) > self._most_tokens:
            raise RowRefused("too_long", f"the row has more than {self._most_tokens} tokens")
        return line

    def _unspool(self) -> Single | None:
        """Place the spooled completions that are rows, each once."""
        if self._spool is None:
            return None
        for line, group, told in self._spool.rows():
            self._place(line, group, told)
        return self._spool.counts

    def _place(self, line: bytes, group: str, told: Told) -> None:
        if self._least is not None:
            for out in self._least.add(group, (line, told)):
                self._put(self._train, "train", *out)
        elif not self._split.is_validation(group):
            self._put(self._train, "train", line, told)
        elif self._validation.rows:
            self._put(self._validation, "validation", line, told)
        else:
            self._held.append((line, group, told))
            if len(self._held) == LEAST_VALIDATION_ROWS:
                self._put_held(self._validation, "validation")

    def _put(self, parts: JsonlParts | ParquetParts, split: str, line: bytes, told: Told) -> None:
        for kind in told["decided_by"]:
            self._decided_by[kind] += 1
        self._raters.add(tuple(told["raters"]))
        if len(told["labels"]) > 1:
            self._several += 1
            self._agreed += told["agreed"]
        if "chosen_by" in told:
            self._writers[told["chosen_by"], told["rejected_by"]] += 1
        told["split"] = split
        told["part"], told["line"] = parts.write(line)
        if told["sandbox"]:
            self._sandbox.update(("rows", *told["sandbox"]))
        self._provenance.write(json_line(told))

    def _put_held(self, parts: JsonlParts | ParquetParts, split: str) -> None:
        for line, _, told in self._held:
            self._put(parts, split, line, told)
        self._held.clear()

    def _checked(self, files: list[FileFacts]) -> list[Finding]:
        """The warnings of all files. Validation comes first: train is looked through for its prompts."""
        prompts: set[int] = set()
        errors: list[Finding] = []
        warnings: list[Finding] = []
        for file in sorted(files, key=lambda file: file.split, reverse=True):
            is_first = file.split == "validation"
            for finding in check_file(
                self._folder / file.name,
                self._format.name,
                remember=prompts if is_first else None,
                elsewhere=frozenset() if is_first else prompts,
                is_part=file.part > 1 or file.split == "validation",
            ):
                kept = errors if finding.severity == "error" else warnings
                if len(kept) < MOST_FINDINGS:
                    kept.append(finding)
                elif finding.severity == "error":
                    raise CheckFailed(errors)
        if errors:
            raise CheckFailed(errors)
        return warnings
