"""`tiebreak hours`."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell


def register(app: typer.Typer) -> None:
    app.command()(hours)


def hours(
    project: ProjectName,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, included.")] = None,
    zone: Annotated[str, typer.Option("--zone", help="The time zone whose days are meant: Europe/Berlin.")] = "UTC",
    out: Annotated[Path | None, typer.Option("--csv", help="Write the days to this file as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the hours on screen by person and day: time away is left out, practice and skips are in."""
    from labeling.errors import InputError
    from labeling.services import hours as service

    with opened() as (store, actor):
        found = service.hours(
            store, actor, project, first_day=first and first.date(), last_day=last and last.date(), zone=zone
        )
    if out is not None:
        try:
            out.write_text(service.hours_csv(found), "utf-8", newline="")
        except OSError as error:
            raise InputError(f"{out} cannot be written ({error.strerror}). Name another file with --csv.") from error
    of: dict[str, float] = defaultdict(float)
    for day in found:
        of[day.annotator] += day.hours
    lines = [
        f"{day.day}  {day.hours:>7.2f} h  {day.labels:>7,} labels  {day.skips:>6,} skips  {day.annotator}"
        for day in found
    ]
    lines += [f"     total  {total:>7.2f} h  {'':>23}   {name}" for name, total in of.items()]
    tell("\n".join(lines) or "No time was spent on pairs in these days.", {"project": project, "days": found}, as_json)
