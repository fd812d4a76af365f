"""A data set as a folder: train and validation files, provenance, manifest, card. It appears whole or not at all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import compress, repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from exporters.balance import always_winning, class_balance
from exporters.card import card
from exporters.completions import Single
from exporters.extra_files import extra_files
from exporters.features import FEATURES
from exporters.files import begin_folder, discard_folder, finish_folder, write_file
from exporters.findings import CheckFailed, Finding
from exporters.formats import EXPORTERS
from exporters.jsonl import FileFacts, JsonlFile, json_line
from exporters.lines import TOO_MANY_TOKENS, Lines
from exporters.manifest import manifest
from exporters.parquet import COLUMNS
from exporters.plain import Parts, PlainPair
from exporters.provenance import About, Source, Sources, lines_of, placed, told_of, told_of_piece
from exporters.rows import CompletionRow, Outcome, PreferenceRow, RowOrigin, RowRefused
from exporters.shape import Shape
from exporters.split import LEAST_VALIDATION_ROWS, LeastRows, Split
from exporters.split_files import MOST_FINDINGS, Place, SplitFiles
from exporters.spool import Spool
from exporters.written import Written

FileType: TypeAlias = Literal["jsonl", "parquet"]

NOTHING_TO_TRAIN_ON = Finding(
    None,
    "",
    "No row is left to train on: the rows come of too few prompts, and a prompt with its near-duplicates is never split",
    "Ask for no validation file, for fewer rows in it, or for another seed",
)
ALL_TO_VALIDATE = Finding(
    None,
    "",
    "No row is left to train on: the validation file is asked to have as many rows as there are, or more",
    "Ask for fewer rows in it, or for no validation file",
)
ALL_CONFLICTING = Finding(
    None,
    "",
    "No row is left: every completion is desirable in one pair and undesirable in another of its prompt",
    "Label more pairs, or choose a format of pairs, such as trl",
)


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
        if file_type == "parquet" and format not in COLUMNS:
            raise ValueError(f"{format} is read from JSONL alone")
        self._file_type = file_type
        self._lines = Lines(self._format, is_parquet=file_type == "parquet")
        self._many_bytes = self._lines.many_bytes
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
        self._least = LeastRows[tuple[bytes, bytes]](self._split, validation_rows) if validation_rows else None
        self._used = 0
        self._last: tuple[int | None, str | None] = (None, None)
        self._left_out: Counter[str] = Counter()
        self._sources = Sources()
        self._held: list[tuple[bytes, bytes]] = []

    def __enter__(self) -> Self:
        self._folder = begin_folder(self._out)
        self._train, self._validation = self._files("train"), self._files("validation")
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

    def _files(self, split: str) -> SplitFiles:
        return SplitFiles(
            self._folder, split, self._format, is_marked=self._has_mark, is_parquet=self._file_type == "parquet",
            keeps_prompts=bool(self._share or self._asked_rows),
        )  # fmt: skip

    @property
    def takes(self) -> frozenset[Outcome]:
        """The outcomes that the format makes rows of."""
        return self._format.takes

    @property
    def used(self) -> int:
        """Pairs taken so far."""
        return self._used

    @property
    def left_out(self) -> dict[str, int]:
        """Pairs left out so far, by code."""
        return dict(sorted((+self._left_out).items()))

    def leave_out(self, code: str, count: int = 1) -> None:
        """Count pairs that are no row, so that the manifest adds up."""
        self._left_out[code] += count

    def add(self, row: PreferenceRow, origin: RowOrigin) -> str | None:
        """Write `row`, or count its pair as left out. Returns the code of the refusal; None where it was written.

        A pair may have several rows, one after the other.
        """
        code: str | None = row.outcome if row.outcome not in self._format.takes else None
        if code is None:
            try:
                self._take(row, origin)
            except RowRefused as refused:
                code = refused.code
        self._count(origin.pair, code)
        return code

    @property
    def shape(self) -> Shape | None:
        """How the line of an ordinary pair is put together, for `add_lines`; None where the format has no one shape."""
        return self._format.shape

    def source(self, origin: RowOrigin) -> Source:
        """What a row of this origin shares with others."""
        return self._sources.of(told_of(origin), origin.rater_ids)

    def add_lines(self, made: Sequence[tuple[bytes, PlainPair]], abouts: Sequence[About]) -> None:
        """Write ordinary pairs by what `shape` made of each, and what `RowOrigin` tells of it.

        An ordinary pair has nothing that Parquet has no column for.
        """
        lines, parts = zip(*made, strict=True)
        marks = self._split.are_validation([about[2] for about in abouts])
        is_open = bool(self._validation.rows) or not any(marks)
        size = sum(map(len, lines))
        has_room = self._train.has_room(size) and self._validation.has_room(size)
        if self._least is not None or not (is_open and has_room) or max(map(len, lines)) > self._many_bytes:
            for line, found, about in zip(lines, parts, abouts, strict=True):
                self._add_line(line, found, about)
            return
        self._sources.count_all(abouts)
        self._used += len(made)
        self._last = (abouts[-1][1], None)
        kept = [not mark for mark in marks]
        places = {
            mark: zip(
                repeat(files.split.encode()), files.write_all([*compress(lines, chosen)], [*compress(parts, chosen)])
            )
            for mark, files, chosen in ((False, self._train, kept), (True, self._validation, marks))
        }
        self._provenance.write_all(lines_of((next(places[mark]) for mark in marks), abouts))

    def _add_line(self, line: bytes, parts: Parts, about: About) -> None:
        source, pair, group, labels, strength, agreed, *sides = about
        if self._lines.is_too_long(line):
            self._count(pair, TOO_MANY_TOKENS)
            return
        self._count(pair, None)
        self._sources.count(source, len(labels), agreed)
        self._place(line, group, source.told(pair, group, labels, strength, agreed, *sides), parts)

    def finish(
        self, facts: Mapping[str, Any], *, licence: str = "unknown", warnings: Sequence[Finding] = ()
    ) -> Written:
        """Close and check the files, write manifest and card, and give the folder its name.

        `facts` goes into the manifest as it is: label rules, high-water mark, program version. It should hold nothing
        that changes without the data changing (no time, no path), so that the same export has the same bytes. `licence`
        is for the card, `warnings` are what the caller knows of the labels.

        Raises:
            CheckFailed: a written file has a fault, all rows went to the validation file, or all completions conflict.
            FolderFault: the disk refuses.
        """
        single = self._unspool()
        note = self._place_held()
        files = self._end()
        found = (self._validation.warnings + self._train.warnings)[:MOST_FINDINGS]
        # Replies that were chosen have no other kind to be weighed against.
        balance = class_balance(single if len(self.takes) > 1 else None)
        written = Written(
            folder=self._out,
            pairs=self._used + self._left_out.total(),
            rows=self._provenance.rows,
            train_rows=self._train.rows,
            validation_rows=self._validation.rows,
            left_out=self.left_out,
            sandbox=self._sources.sandbox,
            masked=self._sources.masked,
            decided_by=self._sources.decided_by,
            files=tuple(files),
            warnings=(*found, *warnings, *always_winning(self._sources.writers), *balance),
            raters=self._sources.raters,
            agreement=self._sources.agreement,
            licence=licence,
            validation_note=note,
            single=single,
        )
        self._describe(written, facts)
        finish_folder(self._folder, self._out)
        self._finished = True
        return written

    def _place_held(self) -> str:
        """Put rows that wait into their files; returns what is to say of the validation file, or ""."""
        held = len(self._held)
        self._put_held(self._train)
        if self._least is not None:
            for line, told in self._least.rows():
                self._put(self._validation, line, told)
            return _drawn_by_count(self._least.share, self._seed)
        if not self._share or self._validation.rows:
            return ""
        return (
            f"No validation file: {self._share * 100:g} % come to {held} row{'' if held == 1 else 's'}, and fewer than "
            f"{LEAST_VALIDATION_ROWS} say nothing. All rows are in the train file."
        )

    def _end(self) -> list[FileFacts]:
        """Close the files and give them their names. Raises CheckFailed."""
        for files in (self._train, self._validation):
            self._tell(files, files.settle())
        if self._used and not self._train.rows:
            raise CheckFailed([self._why_no_train()])
        ended = [*self._train.end(elsewhere=self._validation.prompts), *self._validation.end()]
        self._provenance.close()
        if errors := self._validation.errors + self._train.errors:
            raise CheckFailed(errors[:MOST_FINDINGS])
        return [*ended, self._provenance.facts(self._provenance.path.name, "provenance", 1)]

    def _why_no_train(self) -> Finding:
        if not self._validation.rows:
            return ALL_CONFLICTING
        return ALL_TO_VALIDATE if self._validation.rows <= (self._asked_rows or 0) else NOTHING_TO_TRAIN_ON

    def _describe(self, written: Written, facts: Mapping[str, Any]) -> None:
        """Write manifest and card, and what else a trainer wants beside the files."""
        told = manifest(
            written, format=self._format.name, share=self._share, count=self._asked_rows, seed=self._seed, facts=facts
        )
        write_file(self._folder / "manifest.json", told)
        write_file(self._folder / "README.md", card(written, self._format, facts, self._features()).encode())
        names = [file.name for file in written.files if file.split != "provenance"]
        for name, content in extra_files(self._format.name, names):
            write_file(self._folder / name, content)

    def _features(self) -> list[dict[str, Any]] | None:
        """The types that `datasets` has to be told, as not every row has the same keys."""
        is_rich = self._file_type == "jsonl" and (self._train.has_rich or self._validation.has_rich)
        return FEATURES.get(self._format.name) if is_rich else None

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
        """Raises RowRefused, before anything is written."""
        made = self._lines.of(row)
        if self._spool is None:
            ((_, line),) = made
            told = told_of(origin)
            self._sources.count(self._sources.of(told, origin.rater_ids), len(origin.labels), origin.agreed)
            self._place(line, origin.group, json_line(told))
            return
        for piece, line in made:
            assert isinstance(piece, CompletionRow)  # a spool is for formats of these
            self._spool.add(piece, line, origin, told_of_piece(origin, piece))

    def _unspool(self) -> Single | None:
        """Place the spooled completions that are rows, each once."""
        if self._spool is None:
            return None
        for line, group, rater_ids, told in self._spool.rows():
            self._sources.count(self._sources.of(told, rater_ids), len(told["labels"]), told["agreed"])
            self._place(line, group, json_line(told))
        return self._spool.counts

    def _place(self, line: bytes, group: str, told: bytes, parts: Parts | None = None) -> None:
        if self._least is not None:
            for out in self._least.add(group, (line, told)):
                self._put(self._train, *out)
        elif not self._split.is_validation(group):
            self._put(self._train, line, told, parts)
        elif self._validation.rows:
            self._put(self._validation, line, told, parts)
        else:
            self._held.append((line, told))
            if len(self._held) == LEAST_VALIDATION_ROWS:
                self._put_held(self._validation)

    def _put(self, files: SplitFiles, line: bytes, told: bytes, parts: Parts | None = None) -> None:
        self._tell(files, files.write(line, told, parts))

    def _tell(self, files: SplitFiles, places: Iterable[Place]) -> None:
        for part, number, told in places:
            self._provenance.write(placed(files.split, part, number, told))

    def _put_held(self, files: SplitFiles) -> None:
        for line, told in self._held:
            self._put(files, line, told)
        self._held.clear()


def _drawn_by_count(share: float | None, seed: int) -> str:
    """What a count means once there is more data, and how prompts keep their side."""
    told = "The validation rows were asked for by number: as data is added, prompts may move from validation to train."
    if share is None:
        return told
    return f"{told} The validation share {format(Decimal(repr(share)), 'f')}, with seed {seed}, draws the same prompts, and keeps each on its side, unless a new prompt joins two groups."
