"""Files to rows: `understand` says what a file is, `read` gives every row of it or the reason why there is none.

A source is a file's path or bytes, or a data set that the `datasets` package reads.
"""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any, Final, TypeAlias

from labeling.domain import Json, Verdict
from labeling.errors import InputError, UntoldColumnsError
from labeling.readers.annotations import ANSWERS, numbers_of, questions_in, verdict_question
from labeling.readers.chat import holds_thoughts
from labeling.readers.columns import KNOWN_COLUMNS, further_responses, is_blank, media_fault, plain_name, suggested
from labeling.readers.data_sets import DataSet
from labeling.readers.formats import FORMATS, TWO_SIDES, Format, columns_of, found_format, mapped, other_side
from labeling.readers.implicit import column_like_prompt
from labeling.readers.records import COLUMNS_IN, DELIMITERS, LOOKED_AT, SHOWN, Record
from labeling.readers.refusals import Refusal, RowFault, too_deep
from labeling.readers.sources import Source, opened, source_named
from labeling.readers.unpaired import is_rated_by_numbers
from labeling.readers.verdicts import is_number, numbers_in, numbers_meant, said_in
from labeling.rows import CompletionRow, PairGroup, PairRow, PromptRow, Row

__all__ = [
    "FORMATS", "NAMED", "SIDES", "CompletionRow", "DataSet", "PairGroup", "PairRow", "PromptRow", "Refusal", "Row", "Source",
    "Understanding", "read", "read_by", "source_named", "understand",
]  # fmt: skip

NAMED = 30  # columns
SIDES: Final = frozenset(TWO_SIDES[0])  # roles
SIDES_OF_PAIRS = tuple(sorted(role for two in TWO_SIDES for role in two))
SAYS_BETTER = ("verdict", "preference")
Maker: TypeAlias = Callable[[Json, Mapping[str, str]], Any]
KINDS = ("prompts", "completions", "pairs")


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a file was understood as. `mapping`: role to column; `columns`: what the first records hold, and the
    questions that were answered in them; `verdicts`: what its own words for verdicts mean, and its numbers where they are told;
    `blank`: columns of further responses that are empty in the first records, so that a row which fills one is refused."""

    name: str
    syntax: str
    kind: str
    format: str
    encoding: str
    delimiter: str | None
    is_gzip: bool
    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    verdicts: Mapping[str, str] = field(default_factory=dict)
    blank: tuple[str, ...] = ()

    @property
    def idle(self) -> tuple[str, ...]:
        """The columns that play no role."""
        return tuple(column for column in self.columns if column not in self.mapping.values())

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Those of them that are called as a side of a pair, in a file of no pairs."""
        return () if self.kind == "pairs" else tuple(suggested(self.idle, SIDES_OF_PAIRS).values())


def understand(
    source: Source,
    name: str,
    *,
    kind: str = "auto",
    format: str = "auto",
    mapping: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    verdicts: Mapping[str, str] | None = None,
) -> Understanding:
    """Look at the first records and say what the file is; what is given overrules. A role that is mapped to "" is in no column.

    Raises:
        InputError: the file cannot be opened, or nothing known fits it.
    """
    if format not in ("auto", *FORMATS):
        raise InputError(f"There is no format {format!r} to import. Known are: auto, {', '.join(FORMATS)}.")
    if kind not in ("auto", *KINDS):
        raise InputError(f"A file is imported as prompts, completions or pairs, not as {kind!r}.")
    given = dict(mapping or {})
    for word, verdict in (verdicts or {}).items():
        if verdict not in tuple(Verdict):
            raise InputError(f"{word!r} cannot mean {verdict!r}. A verdict is one of {', '.join(Verdict)}.")
    is_to_find = format == "auto"
    with opened(source, name, encoding) as file:
        found = file.records()
        first = next(found, None)
        if first is None:
            raise InputError(f"{name} has no rows: nothing but a header or blank lines is in it.")
        looked_at = list(islice(_good(chain([first], found)), LOOKED_AT))
        if format == "auto":
            format = _found(name, looked_at, kind, given, file.delimiter)
        chosen = FORMATS[format]
        if kind not in ("auto", chosen.kind):
            raise InputError(f"The format {format} holds {chosen.kind}, not {kind}.")
        first_columns = columns_of(chosen, looked_at)
        later = islice(found, COLUMNS_IN if file.is_uneven else 0)  # else all rows have the same
        columns = tuple(dict.fromkeys((*first_columns, *columns_of(chosen, _good(later)))))
    roles = mapped(chosen, columns, given, of_first=len(first_columns))
    if format == "trl" and "prompt" not in roles.keys() | given.keys():
        _expect_implicit_prompt(name, looked_at, roles)
    seen = Understanding(
        name,
        file.syntax,
        chosen.kind,
        format,
        encoding,
        file.delimiter,
        file.is_gzip,
        columns,
        roles,
        dict(verdicts or {}),
    )
    is_guessed = (
        is_to_find and kind == "auto" and "desirable" not in given and "label" not in map(plain_name, given.values())
    )
    if is_guessed and format == "completions" and is_rated_by_numbers(columns, _first(source, seen)):
        return understand(source, name, format="kto", mapping=mapping, encoding=encoding, verdicts=verdicts)
    seen = _of_two_responses(seen, source, given)
    seen = _with_verdicts(seen, source, is_question_given="verdict" in given)
    for role, column in given.items():
        if column and column not in seen.columns:
            raise InputError(
                f"{name} has no column {column!r} for {role}. It has: {', '.join(seen.columns) or 'none'}."
            )
    unknown = [role for role in roles if role not in chosen.columns]
    if unknown:
        raise InputError(f"The format {format} has no {unknown[0]!r} to map. It has: {', '.join(chosen.columns)}.")
    if verdicts and "verdict" not in chosen.columns:
        raise InputError(f"The format {format} has no column whose words for verdicts could be given a meaning.")
    return seen


def _of_two_responses(seen: Understanding, source: Source, given: Mapping[str, str]) -> Understanding:
    """The same, where two are chosen of several without a verdict that is not given: it may be of all.

    Columns that are empty as far as is looked hold no response; each row is then expected to have none there.

    Raises UntoldColumnsError where a third response would be lost without a word.
    """
    roles = seen.mapping
    further = further_responses(seen.columns, roles) if roles.keys() >= SIDES else []
    if not further:
        return seen
    blank = set(further)
    for record in _first(source, seen):
        blank -= {name for name in blank if not is_blank(record.get(name))}
        if not blank:
            break
    if len(blank) == len(further):
        return replace(seen, blank=tuple(further))
    further = [name for name in further if name not in blank]
    if given.keys() >= SIDES:
        return replace(seen, mapping={role: roles[role] for role in roles if role not in SAYS_BETTER or role in given})
    a, b = roles["response_a"], roles["response_b"]
    says = "".join(f", and {_map(role, roles[role])} where it is of these two" for role in SAYS_BETTER if role in roles)
    raise UntoldColumnsError(
        f"{seen.name} has more responses than the two that would be compared, {a} and {b}: also {', '.join(further[:NAMED])}.",
        f"Leave the others out of the file, or choose two: {_map('response_a', a)} {_map('response_b', b)}{says}.",
        dict.fromkeys((*SIDES, *(role for role in SAYS_BETTER if role in roles)), ""),
    )


def _map(role: str, column: str) -> str:
    """How a command says it, of a name with spaces too."""
    return f"--map {shlex.quote(f'{role}={column}')}"


def _expect_implicit_prompt(name: str, looked_at: list[Json], roles: Mapping[str, str]) -> None:
    """Raise UntoldColumnsError where what two texts begin with would be taken for a prompt that may stand in a column."""
    if column := column_like_prompt(looked_at, roles):
        raise UntoldColumnsError(
            f"{name} has no column that is known as the prompt, but {column!r}, which may be it.",
            f"Call it prompt, or say {_map('prompt', column)}. Where the prompt is what chosen and rejected begin with, say"
            " --map prompt= instead.",
            {"prompt": column},
        )


def _with_verdicts(seen: Understanding, source: Source, *, is_question_given: bool) -> Understanding:
    """The same with what no record tells alone: which question is the verdict, where several are, and what its numbers mean."""
    columns, roles = seen.columns, dict(seen.mapping)
    numbers: set[str] = set()
    if FORMATS[seen.format].spelled is not None:
        questions = questions_in(_first(source, seen), roles, seen.verdicts)
        columns = tuple(name for name in dict.fromkeys((*columns, *questions)) if name != ANSWERS)
        if not is_question_given and (found := verdict_question(questions, roles)):
            roles["verdict"] = found
        question = roles.get("verdict")
        if question is not None and question not in questions:
            raise InputError(f"{seen.name} has no question {question!r}. It has: {', '.join(questions) or 'none'}.")
        numbers = numbers_of(question, questions, roles)
    elif column := roles.get("verdict"):
        numbers = numbers_in(_first(source, seen), column)
    # Where one number is given a meaning, each needs one: it is told of no 1 that it is the first.
    meant = {} if any(map(is_number, seen.verdicts)) else numbers_meant(numbers, roles)
    return replace(seen, columns=columns, mapping=roles, verdicts=meant | dict(seen.verdicts))


def _first(source: Source, seen: Understanding) -> Iterator[Json]:
    """The first records anew, laid out."""
    with opened(source, seen.name, seen.encoding, seen.syntax) as file:
        yield from map(FORMATS[seen.format].fields, _good(islice(file.records(), COLUMNS_IN)))


def _good(records: Iterator[Record | Refusal]) -> Iterator[Json]:
    """The records that are some; where the file itself breaks off is told when it is read."""
    with suppress(InputError):
        yield from (record[1] for record in records if not isinstance(record, Refusal))


def _found(
    name: str, looked_at: list[dict[str, Any]], kind: str, mapping: dict[str, str], delimiter: str | None
) -> str:
    if not looked_at:
        # Every row looked at is broken: each is told why when it is read.
        return "prompts" if kind == "auto" else kind
    columns = tuple(dict.fromkeys(key for record in looked_at for key in record))
    for role in mapping:
        if role not in KNOWN_COLUMNS:
            raise InputError(f"No format has a {role!r} to map. A column can be one of: {', '.join(KNOWN_COLUMNS)}.")
    if any(map(_is_nova, looked_at)):
        raise InputError(
            f"{name} holds preferences as Amazon Nova takes them, messages that end in candidates, which are not read."
            " Write each as a record of trl: the messages before them as prompt, chosen and rejected."
        )
    if found := found_format(looked_at, kind, mapping):
        return found
    if not columns:
        raise InputError(
            f'{name} has rows, but no named field in any of them. Write objects, such as {{"prompt": "…"}}.'
        )
    more = f" and {len(columns) - NAMED:,} more" if len(columns) > NAMED else ""
    seen = f"Its {'one column is' if len(columns) == 1 else 'columns are'}: {', '.join(columns[:NAMED])}{more}."
    if delimiter and len(columns) == 1:
        seen += f" Cells may be cut by {', '.join(DELIMITERS.values())}."
    if nested := [key for key in columns if any(_is_nested(record.get(key)) for record in looked_at)]:
        seen += f" What stands inside {', '.join(nested[:NAMED])} cannot be mapped: lay it out as columns of their own."
    other = other_side(mapping)
    more = f"Say also which one is {other}" if other else "Choose a format and say which column is which"
    how = f"--map {other}=COLUMN" if other else "--format pairs --map prompt=COLUMN"
    raise UntoldColumnsError(
        f"{name} has no columns that are known{'' if kind == 'auto' else f' for {kind}'}. {seen}",
        f"{more} ({how}).",
        {},
        "pairs" if len(columns) > 2 else "prompts",
    )


def _is_nova(record: dict[str, Any]) -> bool:
    messages = record.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and isinstance(last.get("candidates"), list)


def _is_nested(value: object) -> bool:
    """Whether fields lie in it; messages are read as they are."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and first.keys().isdisjoint(("role", "from"))


def read(source: Source, understanding: Understanding, limit: int | None = None) -> Iterator[tuple[int, Row] | Refusal]:
    """Every row of the file with its line, or a refusal with the line and the reason; nothing is left out silently.

    `limit`: how many records are read, None for all. A `PairGroup` says how many records it was made of.
    """
    return read_by(FORMATS[understanding.format].read, source, understanding, limit)


def read_by(
    make: Maker, source: Source, understanding: Understanding, limit: int | None = None
) -> Iterator[tuple[int, Any] | Refusal]:
    """As `read`, with what `make` makes of a record in place of its row."""
    with opened(source, understanding.name, understanding.encoding, understanding.syntax) as file:
        format = FORMATS[understanding.format]
        fields = _spelled(format, understanding) if understanding.verdicts else format.fields
        if understanding.blank:
            fields = _of_two_only(fields, understanding.blank)
        rows = _rows(islice(file.records(), limit), make, fields, understanding.mapping)
        yield from rows if format.collect is None else format.collect(rows)


def _spelled(format: Format, understanding: Understanding) -> Callable[[Json], Json]:
    """The fields of a record with the file's own words for verdicts said in ours."""
    column, verdicts = understanding.mapping.get("verdict"), understanding.verdicts
    if (spell := format.spelled) is not None:
        return lambda record: spell(format.fields(record), verdicts, column)
    if column is None:
        return format.fields

    def spelled(record: Json) -> Json:
        laid = format.fields(record)
        meant = verdicts.get(said_in(laid, column))
        return laid if meant is None else {**laid, column: meant}

    return spelled


def _of_two_only(fields: Callable[[Json], Json], blank: tuple[str, ...]) -> Callable[[Json], Json]:
    """The fields of a record that has no third response; raises RowFault for one that has."""

    def checked(record: Json) -> Json:
        laid = fields(record)
        for name in blank:
            if not is_blank(laid.get(name)):
                raise RowFault(
                    "third_response",
                    f'"{name}" holds a further response, where the first {COLUMNS_IN:,} rows have none; put such rows in a file of'
                    " their own, of which it can be said which two are compared",
                )
        return laid

    return checked


def _rows(
    records: Iterable[Record | Refusal], make: Maker, fields: Callable[[Json], Json], mapping: Mapping[str, str]
) -> Iterator[tuple[int, Any] | Refusal]:
    for record in records:
        if isinstance(record, Refusal):
            yield record
            continue
        line, value = record
        try:
            yield line, make(fields(value), mapping)
        except RowFault as found:
            fault = _graver(found, value, mapping)
            reason = fault.reason
            if fault.code == "identical_sides" and holds_thoughts(value):
                reason += "; reasoning_content and thinking, in which they may differ, are not kept"
            yield Refusal(line, fault.code, reason, _shown(value), fault.word)
        except KeyError as missing:
            yield Refusal(line, "missing_field", f'"{missing.args[0]}" is missing', _shown(value))
        except RecursionError:
            yield too_deep(line)


def _graver(fault: RowFault, value: Json, mapping: Mapping[str, str]) -> RowFault:
    """That a row has a picture, which may be why its texts have another shape; else the fault that was found."""
    with suppress(RecursionError):
        return media_fault(value, mapping) or fault
    return fault


def _shown(value: dict[str, object]) -> str:
    try:
        return json.dumps(value, ensure_ascii=True, default=str)[:SHOWN]
    except RecursionError:
        return ""
