"""`tiebreak reserve`."""

from typing import Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell


def register(app: typer.Typer) -> None:
    app.command("reserve")(reserve)


def reserve(
    project: ProjectName,
    count: Annotated[int | None, typer.Option(min=1, help="How many prompts to keep in all, drawn by lot.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws others.")] = 0,
    release: Annotated[bool, typer.Option("--release", help="Keep none any longer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep prompts for evaluation: no export ever contains them. Without an option, tell how many are kept."""
    from labeling.services import reserving

    with opened() as (store, actor):
        if release:
            told = reserving.release(store, actor, project)
        elif count is not None:
            told = reserving.reserve(store, actor, project, count, seed=seed)
        else:
            told = reserving.reserved(store, actor, project)
    tell(f"{told.reserved:,} of {told.prompts:,} prompts are kept for evaluation", told, as_json)
