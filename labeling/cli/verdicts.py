"""`tiebreak verdicts`: what a judge said, pair by pair, with its reasons."""

import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, progress, tell
from labeling.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labeling.services.verdicts import VerdictView


def register(app: typer.Typer) -> None:
    app.command()(verdicts)


def verdicts(
    project: ProjectName,
    judge: Annotated[str, typer.Option(help="The judge's name (its newest version), or `NAME, version N`.")],
    only: Annotated[
        str, typer.Option(help="all, flips, contradictions, undecided, unreadable or opposed (to people or gold).")
    ] = "all",
    limit: Annotated[int, typer.Option(help="At most so many pairs, the newest first; 0 is all.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option("--csv", help="Write them to this file as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a judge said of each pair. Pairs that you still have to label yourself are hidden."""
    from labeling.services import verdicts as service
    from labeling.services.judge import judge_named

    with opened() as (store, actor):
        view = judge_named(store, actor, project, judge)
        counts = service.outcome_counts(store, actor, project, view.id)
        found = service.each_verdict(store, actor, project, view.id, only=only)  # type: ignore[arg-type]  # checked by the service
        if limit:
            found = islice(found, limit)
        hidden: list[int] = []
        found = _noting(found, hidden)
        if as_json:
            data = [asdict(one) for one in found]
            tell("", {"judge": view.title, "outcomes": asdict(counts), "verdicts": data}, as_json)
        elif out is None:
            for line in service.verdicts_csv(found):
                sys.stdout.write(line)
        else:
            try:
                with out.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(service.verdicts_csv(found))
            except OSError as error:
                raise InputError(f"{out} cannot be written ({error.strerror}). Name another file.") from error
            progress(f"Written to {out}.")
    if hidden and not as_json:
        many = "1 pair is" if len(hidden) == 1 else f"{len(hidden):,} pairs are"
        progress(f"{many} hidden: you still have to label them (or close their round), or they are gold and held out.")


def _noting(found: "Iterator[VerdictView]", hidden: list[int]) -> "Iterator[VerdictView]":
    """The verdicts, with the pairs of hidden ones noted on the way."""
    for view in found:
        if view.is_hidden:
            hidden.append(view.pair_id)
        yield view
