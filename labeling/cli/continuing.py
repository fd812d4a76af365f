"""`tiebreak continue`: follow-up turns become the next prompts."""

from dataclasses import asdict
from typing import Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell


def register(app: typer.Typer) -> None:
    app.command("continue")(continue_)


def continue_(
    project: ProjectName,
    after: Annotated[
        str, typer.Option(help="chosen: the reply that the label rules make the better one. own: each generator's own.")
    ],
    rules: Annotated[
        str | None, typer.Option(help="Label rules, as for export: a file, or a name they are saved under.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would come out, and make nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the next turn of each conversation a prompt of its own, after the chosen or each generator's own reply."""
    from labeling.errors import InputError
    from labeling.services.continuing import After, continue_conversations
    from labeling.services.saved_rules import rules_from

    if after not in list(After):
        raise InputError(f"--after is {after[:40]!r}; write chosen or own.")
    with opened() as (store, actor):
        chosen = rules_from(store, actor, project, rules)
        view = continue_conversations(store, actor, project, After(after), chosen, dry_run=dry_run)
    told = (
        f"{view.made:,} prompts {'would be made' if dry_run else 'made'}. Of {view.prompts:,} prompts with a turn to come "
        f"{view.gone_on:,} go on now, {view.already:,} did before, {view.no_reply:,} have no "
        f"{'chosen reply' if after == After.CHOSEN else 'reply of a generator in use'}, in {view.calls_tools:,} the reply calls a tool."
    )
    tell(told, asdict(view), as_json)
