"""What is asked of an export, as one value: refused before anything is written, kept with the export, and asked again."""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from exporters import EXPORTERS, Format
from exporters.lines import Lines
from exporters.parquet import COLUMNS
from exporters.split import LEAST_VALIDATION_ROWS
from exporters.votes import VOTES
from labeling.domain import Actor, Right, Target
from labeling.errors import InputError
from labeling.services.access import open_project
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.personal_data import kinds_in
from labeling.services.targets import TARGETS
from labeling.storage.store import Store

FileKind: TypeAlias = Literal["jsonl", "parquet", "csv"]

# A short name that YAML reads as text: no number, and none of its words for yes and no.
LICENCE: Final = re.compile(r"(?!(?:yes|no|y|n|on|off|true|false|null)$)(?=.*[a-z])[a-z0-9][a-z0-9.+-]{0,59}")
UNTOLD: Final = "unknown"
DEFAULT_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What stands in an export, but for how far it looks.

    `validation_rows` asks for so many rows in place of a share. `system_prompt` stands in every row instead of what the
    generators had in common. `has_mark` begins each file with a byte-order mark, which Azure documents. `file_type`
    parquet is for the trainers that read it; votes are CSV or Parquet. `licence` stands on the card.
    """

    format: str
    rules: LabelRules = DEFAULT_RULES
    validation_share: float = DEFAULT_SHARE
    validation_rows: int | None = None
    seed: int = 0
    system_prompt: str | None = None
    has_mark: bool = False
    file_type: FileKind = "jsonl"
    licence: str = UNTOLD

    @property
    def counted(self) -> str:
        """What is counted while it is written."""
        return "labels" if self.format == VOTES else "pairs"

    @property
    def is_split(self) -> bool:
        """Whether a validation file is asked for."""
        return self.validation_share > 0 or self.validation_rows is not None

    def is_same_as(self, other: "ExportChoices") -> bool:
        """Whether the same files come of both; what the label rules are called does not matter."""
        unnamed = [replace(one, rules=replace(one.rules, name="")) for one in (self, other)]
        return unnamed[0] == unnamed[1]


def default_format(store: Store, actor: Actor, slug: str) -> str:
    """The format that the project's target reads. Raises NotFoundError, ForbiddenError."""
    with store.reading() as session:
        return TARGETS[Target(open_project(session, actor, slug, Right.SEE).target)].export_format


def checked(asked: ExportChoices) -> ExportChoices:
    """The same, with what follows from it. `votes` are every label: neither rules nor a split have a place there.

    Raises:
        InputError: no such format, or something that cannot be asked for, or not of this format.
    """
    if not LICENCE.fullmatch(asked.licence):
        raise InputError(f"{asked.licence!r} is no licence's short name, such as cc-by-4.0, apache-2.0 or unknown.")
    if asked.format == VOTES:
        return _checked_votes(asked)
    format = lines_named(asked.format, asked.file_type).format
    if asked.has_mark and not format.takes_mark:
        raise InputError(f"Files of the format {format.name} have no byte-order mark; azure-dpo may have one.")
    if not 0 <= asked.validation_share < 1:
        raise InputError(
            f"The validation share is {asked.validation_share:g}; it is 0 or more and below 1, such as 0.1, which is 10 %."
        )
    if asked.validation_rows is not None and asked.validation_rows < LEAST_VALIDATION_ROWS:
        raise InputError(
            f"{asked.validation_rows} validation rows say nothing; ask for {LEAST_VALIDATION_ROWS} or more."
        )
    if not -(2**31) <= asked.seed < 2**31:  # what every database holds
        raise InputError(f"The seed of the split is {asked.seed}; it is a whole number from {-(2**31)} to {2**31 - 1}.")
    if asked.system_prompt is not None and not asked.system_prompt.strip():
        raise InputError("The system prompt is empty. Write one, or leave it out.")
    if "\0" in (asked.system_prompt or ""):
        raise InputError("The system prompt holds a NUL byte. Remove it.")
    if asked.system_prompt is not None and asked.rules.personal_data == "leave_out" and kinds_in(asked.system_prompt):
        raise InputError(
            "The system prompt for every row holds what looks like personal data or a key, and the label rules leave such "
            "rows out. Mend the system prompt, or mask what is found."
        )
    return asked if asked.validation_rows is None else replace(asked, validation_share=0.0)


def _checked_votes(asked: ExportChoices) -> ExportChoices:
    others = {
        "label rules": asked.rules != DEFAULT_RULES,
        "a system prompt": asked.system_prompt is not None,
        "a byte-order mark": asked.has_mark,
        "a validation file": asked.validation_rows is not None,
    }
    if unfit := [name for name, is_asked in others.items() if is_asked]:
        raise InputError(f"Votes are every label as it was given, without {' and '.join(unfit)}. Leave that out.")
    kind: FileKind = "parquet" if asked.file_type == "parquet" else "csv"
    return ExportChoices(VOTES, validation_share=0.0, file_type=kind, licence=asked.licence)


def read_file_type(name: str) -> FileKind:
    """Raises InputError where files are not written so."""
    match name:
        case "jsonl" | "parquet" | "csv":
            return name
        case _:
            raise InputError(f"Files are not written as {name!r}. Choose jsonl or parquet; votes are csv or parquet.")


def lines_named(name: str, file_type: FileKind) -> Lines:
    """The lines of a format of rows. Raises InputError where there is none of this name, or it is not written so."""
    format = format_named(name)
    if file_type == "csv":
        raise InputError(f"{name} is not written as CSV; votes are.")
    if file_type == "parquet" and name not in COLUMNS:
        raise InputError(f"{name} is read from JSONL alone. Parquet is for {', '.join(COLUMNS)}.")
    return Lines(format, is_parquet=file_type == "parquet")


def format_named(name: str) -> Format:
    """A format of rows. Raises InputError where there is none of this name."""
    if name == VOTES:
        raise InputError("Votes are every label as it was given: label rules and rows are no part of them.")
    if name not in EXPORTERS:
        raise InputError(f"There is no format {name!r}. Choose one of {', '.join((*EXPORTERS, VOTES))}.")
    return EXPORTERS[name]
