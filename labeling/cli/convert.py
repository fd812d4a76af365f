"""`tiebreak convert`: a file of pairs to a training file."""

from pathlib import Path
from typing import Annotated

import typer

from labeling.cli.context import AsJson, expect_many_rows, progress, remark, tell
from labeling.cli.imports import VerdictWords, mapping_of, verdicts_of


def register(app: typer.Typer) -> None:
    app.command("convert")(convert)


def convert(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="Pairs with verdicts: a file, a folder, or hf:org/name[:split].")
    ],
    to: Annotated[str, typer.Option("--to", "-t", help="The format to write, as for export.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The file to make; it must not be there. A name in .parquet makes Parquet."),
    ],
    from_: Annotated[
        str, typer.Option("--from", "--format", help="How IN is read; auto finds it by content.")
    ] = "auto",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="ROLE=COLUMN, such as prompt=question; repeatable.")
    ] = None,
    verdicts: VerdictWords = None,
    encoding: Annotated[str, typer.Option("--encoding", help="What the text is written in.")] = "utf-8",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first rows, this many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Convert a file of pairs to a training file: no project, no database. Refused rows go to OUT.refused.jsonl."""
    from labeling.readers import source_named
    from labeling.services.convert import ConvertOptions
    from labeling.services.convert import convert as run_convert

    expect_many_rows()
    where, name = source_named(source)
    done = run_convert(
        where,
        name,
        to=to,
        out=out,
        options=ConvertOptions(
            format=from_,
            mapping=mapping_of(map_ or []),
            verdicts=verdicts_of(verdicts or []),
            encoding=encoding,
            limit=limit,
        ),
        progress=lambda rows: progress(f"{name}: {rows:,} rows read"),
    )
    counts = f"{done.read:,} rows read as {done.read_as} = {done.converted:,} converted + {done.refused:,} refused"
    lines = [f"{name}: {counts}; {done.rows:,} rows of {done.to} in {done.out}"]
    lines += [f"  refused: {number:,} {code}" for code, number in done.refused_by_reason.items()]
    lines += [f"  left out: {number:,} pairs of rankings, {code}" for code, number in done.pairs_left_out.items()]
    if done.completions:
        told = ", ".join(f"{number:,} {kind}" for kind, number in done.completions.items() if number)
        lines.append(f"  completions: {told}; what is repeated or conflicting is no row")
    if done.refused_file:
        lines.append(f"  the refused rows, each with its reason: {done.refused_file}")
    if not as_json:
        remark("\n".join(lines))
    tell("", done, as_json)
    if done.refused:
        raise typer.Exit(1)
