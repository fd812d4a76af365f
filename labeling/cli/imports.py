"""`tiebreak import`: files into a project."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from labeling.cli.context import AsJson, ProjectName, complain, expect_many_rows, opened, progress, tell
from labeling.errors import InputError, TiebreakError

if TYPE_CHECKING:
    from labeling.services.import_list import ImportView
    from labeling.services.import_preview import Preview
    from labeling.services.refused_reasons import RefusedRows


SHOWN, SHORT = 3, 80  # rows of a dry run, and characters of each text
VerdictWords: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--verdict", help="VERDICT=WORD, such as b=new, where the file has words of its own."),
]


def register(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…", help="Text, CSV, JSON, JSONL (also gzip'd), Parquet, a folder, or hf:org/name[:split]."
        ),
    ],
    project: ProjectName,
    kind: Annotated[str, typer.Option("--as", help="prompts, completions or pairs.")] = "auto",
    format: Annotated[str, typer.Option("--format", help="How the file is read; auto finds it by content.")] = "auto",
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="ROLE=COLUMN, such as prompt=question; verdict= for no column; repeatable."),
    ] = None,
    verdicts: VerdictWords = None,
    labels_as: Annotated[str, typer.Option("--labels-as", help="Keep the file's verdicts as this rater's.")] = "",
    drop_names: Annotated[
        bool, typer.Option("--drop-named-labels", help="Drop the labels of raters whom the file names.")
    ] = False,
    model: Annotated[str, typer.Option("--model", help="Who wrote the completions, where the file does not say.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="What the text is written in.")] = "utf-8",
    pair_up: Annotated[
        bool, typer.Option("--pair-up", help="Then make every pair of the sources of each prompt.")
    ] = False,
    reserve: Annotated[
        bool, typer.Option("--reserve", help="Keep the prompts for evaluation: no export ever contains them.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows, this many.")] = None,
    refused: Annotated[Path | None, typer.Option("--refused", help="Write refused rows to this file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import prompts, completions or pairs.

    Verdicts are kept under the names that the file gives to its raters; where it gives none, --labels-as names their
    rater, or they are dropped.
    """
    from labeling.readers import source_named
    from labeling.services import import_list
    from labeling.services.import_preview import preview
    from labeling.services.imports import ImportOptions, run_import

    options = ImportOptions(
        kind=kind,
        format=format,
        mapping=mapping_of(map_ or []),
        verdicts=verdicts_of(verdicts or []),
        encoding=encoding,
        labels_as=labels_as or None,
        are_names_kept=not drop_names,
        model=model or None,
        is_joined_up=pair_up,
        is_reserved=reserve,
        limit=limit,
    )
    if refused:
        _expect_free(refused)
    done: list[dict[str, object]] = []
    lines, left, fault = [], "", None
    expect_many_rows()
    try:
        with opened() as (store, actor):
            for file in files:
                path, name = source_named(file)
                if dry_run:
                    seen = preview(store, actor, project, path, name, options)
                    done.append(_previewed(name, seen))
                    lines.append(
                        f"{name}: read as {seen.understanding.format}; {seen.read:,} rows, {seen.taken:,} can be taken"
                        f"{_new(seen)}, nothing stored{_understood(seen)}{_first_of(seen.refusals)}{_contradicting(seen)}"
                        + _unread(seen, is_question_given="verdict" in options.mapping)
                    )
                    continue
                view = run_import(store, actor, project, path, name, options, partial(_progress, name))
                done.append(asdict(view))
                lines.append(_imported(name, view))
                if refused and view.refused:
                    left += import_list.refused_jsonl(import_list.refused_rows(store, actor, project, view.id), name)
    except TiebreakError as error:  # it does not hide what the files before it came to
        if not done:
            raise
        fault = error
    if refused and left:
        try:
            with refused.open("x", encoding="utf-8") as kept:  # not over what came to be there meanwhile
                kept.write(left)
        except OSError as error:
            unkept = f"{refused} cannot be written ({error.strerror}). The page Data has the refused rows too."
            fault = InputError(f"{fault} {unkept}" if fault else unkept)
    tell("\n".join(lines), {"imports": done} | ({"error": str(fault)} if fault else {}), as_json)
    if fault:
        complain(fault)
    if fault or any(one["refused"] for one in done):
        raise typer.Exit(1)


def _previewed(name: str, seen: "Preview") -> dict[str, object]:
    from labeling.services.import_preview import as_stored

    read_as = {
        "file": name, "format": seen.understanding.format, "kind": seen.understanding.kind,
        "mapping": dict(seen.understanding.mapping), "columns": seen.understanding.columns,
        "first_rows": [as_stored(line, row) for line, row in seen.samples],
    }  # fmt: skip
    return read_as | {
        key: getattr(seen, key)
        for key in (
            "read",
            "taken",
            "refused",
            "prompts",
            "new_prompts",
            "pairs",
            "new_pairs",
            "labels",
            "contradicting",
            "contradicting_lines",
            "words",
        )
    }


def _new(seen: "Preview") -> str:
    """How many prompts and pairs would be new: each counts once, and those of the project do not."""
    pairs = f", {seen.new_pairs:,} pairs" if seen.understanding.kind == "pairs" else ""
    return f" (new: {seen.new_prompts:,} prompts{pairs})"


def _understood(seen: "Preview") -> str:
    """Which column plays which role, which plays none, and what the first rows become."""
    from labeling.services.import_preview import as_stored, passed_over

    mapping = seen.understanding.mapping
    lines = []
    if mapping:
        idle = seen.understanding.idle
        not_read = f"; in no role: {', '.join(map(_short, idle))}" if idle else ""
        lines.append("columns: " + ", ".join(f"{role}={_short(at)}" for role, at in mapping.items()) + not_read)
    if told := passed_over(seen.understanding):
        lines.append(told)
    for line, row in seen.samples[:SHOWN]:
        parts = as_stored(line, row)
        del parts["Row"]
        lines.append(f"row {line}: " + ", ".join(f"{name}: {_short(value)}" for name, value in parts.items() if value))
    return "".join(f"\n  {line}" for line in lines)


def _short(value: object) -> str:
    """A part of a file for the terminal, which takes no orders from it."""
    return repr(value if isinstance(value, int) else str(value)[:SHORT])


def _imported(name: str, view: "ImportView") -> str:
    from labeling.readers import FORMATS

    has_none = FORMATS[view.format].spelled is not None and not view.labels
    hint = "\n  no labels: --dry-run tells which answers name no verdict" if has_none and view.taken else ""
    return (
        f"{name}: {view.read:,} rows read as {view.format} = {view.taken:,} taken + {view.known:,} there already"
        f" + {view.refused:,} refused. New: {view.prompts:,} prompts, {view.completions:,} completions,"
        f" {view.pairs + view.paired_up:,} pairs, {view.labels:,} labels{_why(view.refused_by_reason)}{hint}{_contradicting(view)}{_near(view)}"
    )


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """`ROLE=COLUMN` as typed, by role. Raises InputError for what is written otherwise."""
    return _once("--map", _halves(pairs, "--map takes ROLE=COLUMN, such as prompt=question"))


def verdicts_of(pairs: list[str]) -> dict[str, str]:
    """`VERDICT=WORD` as typed, by word. Raises InputError for what is written otherwise."""
    halves = _halves(pairs, "--verdict takes VERDICT=WORD, such as b=new")
    return _once("--verdict", ((word, said) for said, word in halves))


def _once(option: str, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The second of each pair by the first. Raises InputError where two say otherwise of the same."""
    said: dict[str, str] = {}
    for key, value in pairs:
        if said.setdefault(key, value) != value:
            raise InputError(f"{option} says of {key!r} both {said[key]!r} and {value!r}. Leave one of them out.")
    return said


def _expect_free(refused: Path) -> None:
    """Raise InputError where the refused rows could not be written, or would be written over something."""
    if not refused.absolute().parent.is_dir():
        raise InputError(f"The folder {refused.parent} for --refused is not there. Make it first.")
    if refused.exists():
        raise InputError(f"{refused} for --refused is already there. Delete it, or write to another name.")


def _halves(pairs: list[str], wanted: str) -> Iterator[tuple[str, str]]:
    """What stands before and after the first equals sign of each."""
    for pair in pairs:
        ours, found, theirs = pair.partition("=")
        if not found or not ours:
            raise InputError(f"{wanted}, not {pair!r}.")
        yield ours, theirs


def _progress(name: str, rows: int) -> None:
    progress(f"{name}: {rows:,} rows read")


def _contradicting(found: "ImportView | Preview") -> str:
    """Which labels contradict an earlier one of their rater, in words."""
    from labeling.services.import_list import contradictions

    if not found.contradicting:
        return ""
    return f"\n  contradicting: {contradictions(found.contradicting, found.contradicting_lines)}"


def _near(view: "ImportView") -> str:
    """What near-duplicates were found, in words."""
    found = ""
    if view.near_prompts:
        prompts = "prompt is now in a group" if view.near_prompts == 1 else "prompts are now in groups"
        found += f"\n  near-duplicates: {view.near_prompts:,} {prompts} that ask nearly the same; no split parts them"
    if view.alike_sides:
        found += f"\n  near-duplicates: {view.alike_sides:,} pair{'s'[: view.alike_sides != 1]} whose two sides say nearly the same"
    return found


def _unread(seen: "Preview", *, is_question_given: bool) -> str:
    """Which words of the file name no verdict, or that no question is known to be the verdict."""
    from labeling.readers import FORMATS

    if FORMATS[seen.understanding.format].spelled is not None and "verdict" not in seen.understanding.mapping:
        hint = "\n  no question is surely the verdict: say which with --map verdict=QUESTION"
        return "" if is_question_given else hint
    told = ", ".join(repr(word[:60]) for word in seen.words)
    return f"\n  no verdicts by themselves: {told}; say what they mean with --verdict VERDICT=WORD" if told else ""


def _first_of(refusals: Iterable["RefusedRows"]) -> str:
    """Why rows would be refused, and the first of each reason."""
    return "".join(
        f"\n  refused: {one.rows:,} {one.first.code}, the first in line {one.first.line}: {one.first.reason}"
        for one in refusals
    )


def _why(reasons: Mapping[str, int]) -> str:
    """Why rows were refused."""
    return "".join(f"\n  refused: {number:,} {code}" for code, number in reasons.items())
