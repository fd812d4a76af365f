"""What a finished export holds, as its manifest and its card tell it."""

from dataclasses import dataclass
from pathlib import Path

from exporters.completions import Single
from exporters.findings import Finding
from exporters.jsonl import FileFacts


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
    became rows. `validation_note` says why there is no validation file although one was asked for, or what one of a number
    of rows means as data is added; "" where nothing is to say.
    """

    folder: Path
    pairs: int
    rows: int
    train_rows: int
    validation_rows: int
    left_out: dict[str, int]
    sandbox: dict[str, int]
    masked: dict[str, int]
    decided_by: dict[str, int]
    files: tuple[FileFacts, ...]
    warnings: tuple[Finding, ...]
    raters: int
    agreement: Agreement
    licence: str
    validation_note: str
    single: Single | None
