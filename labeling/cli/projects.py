"""`tiebreak project create | list | show`."""

from pathlib import Path
from typing import Annotated

import typer

from labeling.cli.context import AsJson, ProjectArgument, opened, tell
from labeling.domain import Target

projects = typer.Typer(no_args_is_help=True, help="Make and list projects.")


def register(app: typer.Typer) -> None:
    app.add_typer(projects, name="project")


@projects.command()
def create(
    name: Annotated[str, typer.Argument(help="What the project is called.")],
    target: Annotated[Target, typer.Option(help="Where the model to be tuned lives.")] = Target.OPENAI,
    target_model: Annotated[str, typer.Option(help="The model to be tuned.")] = "",
    overlap: Annotated[int, typer.Option(help="Annotators for each pair.")] = 1,
    guidelines: Annotated[
        Path | None, typer.Option(help="A text file with the guidelines.", exists=True, dir_okay=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a project."""
    from labeling.errors import InputError
    from labeling.services.projects import create_project

    try:
        text = guidelines.read_text("utf-8") if guidelines else ""
    except UnicodeDecodeError as error:
        raise InputError(f"{guidelines} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    with opened() as (store, actor):
        view = create_project(
            store, actor, name=name, target=target, target_model=target_model, overlap=overlap, guidelines=text
        )
    tell(f"Project {view.slug} is made. Next: tiebreak import FILE --project {view.slug}", view, as_json)


@projects.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the projects."""
    from labeling.services.projects import list_projects

    with opened() as (store, actor):
        found = list_projects(store, actor)
    lines = [
        f"{view.slug:<30} {view.prompts:>9,} prompts {view.pairs:>9,} pairs {view.labelled_pairs:>9,} labelled"
        for view in found
    ]
    human = "\n".join(lines) or "No project yet. Make one with: tiebreak project create NAME"
    tell(human, {"projects": found}, as_json)


@projects.command()
def show(slug: ProjectArgument, as_json: AsJson = False) -> None:
    """Show one project in counts."""
    from labeling.services.next_step import next_step
    from labeling.services.projects import project_view

    with opened() as (store, actor):
        view = project_view(store, actor, slug)
        step = next_step(store, actor, view)
    human = (
        f"{view.name} ({view.slug}), target {view.target.value}\n"
        f"{view.prompts:,} prompts, {view.pairs:,} pairs, {view.labelled_pairs:,} labelled, {view.open_pairs:,} open\n"
        f"{view.overlap} annotators for each pair; guidelines version {view.guideline_number}\n"
        f"Next: {step.sentence}"
    )
    tell(human, view, as_json)
