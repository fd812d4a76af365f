"""A data set as a folder: train and validation files, provenance, manifest, card. It appears whole or not at all."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from exporters.card import card
from exporters.check import check_file
from exporters.files import begin_folder, discard_folder, finish_folder, write_file
from exporters.findings import Finding
from exporters.formats import EXPORTERS
from exporters.jsonl import FileFacts, JsonlFile, JsonlParts, json_line
from exporters.manifest import manifest
from exporters.rows import PreferenceRow, RowOrigin, RowRefused
from exporters.split import LEAST_VALIDATION_ROWS, is_validation

# More of them tell nobody more, and a million of them would not fit into memory.
MOST_FINDINGS = 100


class CheckFailed(Exception):
    """The finished files did not pass their own check; nothing is kept. `findings` holds the errors."""

    def __init__(self, findings: list[Finding]) -> None:
        first = findings[0]
        more = f" {len(findings) - 1} more like it." if len(findings) > 1 else ""
        super().__init__(f"{first.message}. {first.remedy}.{more}")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished export holds. `left_out` counts, by code, the pairs that are no row.

    `validation_note` says why there is no validation file although one was asked for; "" where nothing is to say.
    """

    folder: Path
    rows: int
    train_rows: int
    validation_rows: int
    left_out: dict[str, int]
    sandbox: dict[str, int]
    files: tuple[FileFacts, ...]
    warnings: tuple[Finding, ...]
    validation_note: str


class DatasetWriter:
    """Writes rows one by one, in the order given, with memory that does not grow.

    Use it as a context manager: a fault, or leaving without `finish`, removes everything that was written. The first
    rows for the validation file are held back until there are enough of them to make one; else they end up in train.

    Raises:
        KeyError: there is no such format.
        FolderFault: the folder cannot be written.
    """

    def __init__(self, out: Path, format: str, *, validation_share: float = 0.0, seed: int = 0) -> None:
        if not 0 <= validation_share < 1:
            raise ValueError(f"validation_share is {validation_share}; it is 0 or more and below 1")
        self._format = EXPORTERS[format]
        self._out = out
        self._share = validation_share
        self._seed = seed
        self._left_out: Counter[str] = Counter()
        self._sandbox: Counter[str] = Counter()
        self._held: list[tuple[bytes, RowOrigin]] = []

    def __enter__(self) -> Self:
        self._folder = begin_folder(self._out)
        most_bytes = self._format.most_bytes
        self._train = JsonlParts(self._folder, "train", self._format.extension, most_bytes)
        self._validation = JsonlParts(self._folder, "validation", self._format.extension, most_bytes)
        self._provenance = JsonlFile(self._folder / "provenance.jsonl")
        self._finished = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        if not self._finished:
            for file in (self._train, self._validation, self._provenance):
                file.abandon()
            discard_folder(self._folder)
        return False

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._train.rows + self._validation.rows + len(self._held)

    def leave_out(self, code: str, count: int = 1) -> None:
        """Count pairs that are no row, so that the manifest adds up."""
        self._left_out[code] += count

    def add(self, row: PreferenceRow, origin: RowOrigin) -> str | None:
        """Write `row`, or count it as left out. Returns the code of the refusal; None where it was written."""
        code = self._format.refusal(row)
        if code is None:
            try:
                line = json_line(self._format.record(row))
            except RowRefused as refused:
                code = refused.code
        if code is not None:
            self._left_out[code] += 1
            return code
        if not is_validation(origin.group, seed=self._seed, share=self._share):
            self._put(self._train, "train", line, origin)
        elif self._validation.rows:
            self._put(self._validation, "validation", line, origin)
        else:
            self._held.append((line, origin))
            if len(self._held) == LEAST_VALIDATION_ROWS:
                self._put_held(self._validation, "validation")
        return None

    def finish(self, facts: Mapping[str, Any]) -> Written:
        """Close and check the files, write manifest and card, and give the folder its name.

        `facts` goes into the manifest as it is: label rules, high-water mark, program version. It should hold nothing
        that changes without the data changing (no time, no path), so that the same export has the same bytes.

        Raises:
            CheckFailed: a written file has a fault.
            FolderFault: the disk refuses.
        """
        held = len(self._held)
        self._put_held(self._train, "train")
        note = ""
        if self._share and not self._validation.rows:
            note = (
                f"No validation file: {self._share * 100:g} % come to {held} row{'' if held == 1 else 's'}, and fewer than "
                f"{LEAST_VALIDATION_ROWS} say nothing. All rows are in the train file."
            )
        files = [*self._train.close(), *self._validation.close()]
        self._provenance.close()
        warnings = self._checked(files)
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
            rows=self._provenance.rows,
            train_rows=sum(file.rows for file in files if file.split == "train"),
            validation_rows=sum(file.rows for file in files if file.split == "validation"),
            left_out=dict(sorted(self._left_out.items())),
            sandbox=dict(sorted(self._sandbox.items())),
            files=(*files, origin_facts),
            warnings=tuple(warnings),
            validation_note=note,
        )
        told = manifest(written, format=self._format.name, share=self._share, seed=self._seed, facts=facts)
        write_file(self._folder / "manifest.json", told)
        write_file(self._folder / "README.md", card(written, self._format).encode())
        finish_folder(self._folder, self._out)
        self._finished = True
        return written

    def _put(self, parts: JsonlParts, split: str, line: bytes, origin: RowOrigin) -> None:
        part, number = parts.write(line)
        if origin.sandbox:
            self._sandbox.update(("rows", *origin.sandbox))
        self._provenance.write(
            json_line(
                {
                    "split": split,
                    "part": part,
                    "line": number,
                    "pair": origin.pair,
                    "prompt": origin.group,
                    "raters": origin.raters,
                    "labels": origin.labels,
                    "strength": origin.strength,
                    "chosen_by": origin.chosen_by,
                    "rejected_by": origin.rejected_by,
                    "sandbox": origin.sandbox,
                }
            )
        )

    def _put_held(self, parts: JsonlParts, split: str) -> None:
        for line, origin in self._held:
            self._put(parts, split, line, origin)
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
