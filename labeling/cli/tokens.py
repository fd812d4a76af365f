"""`tiebreak token create`."""

from typing import Annotated

import typer

from labeling.cli.context import AsJson, opened, tell

tokens = typer.Typer(no_args_is_help=True, help="Make personal tokens for scripts.")


def register(app: typer.Typer) -> None:
    app.add_typer(tokens, name="token")


@tokens.callback()
def _tokens() -> None:
    """Make personal tokens for scripts."""


@tokens.command()
def create(
    annotator: Annotated[str, typer.Option("--annotator", help="Who the token speaks for; made where there is none.")],
    project: Annotated[
        str | None,
        typer.Option("--project", "-p", help="Bind the token to this project, and make the annotator a member."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown once."""
    from labeling.services.tokens import create_token

    with opened() as (store, actor):
        token = create_token(store, actor, annotator, project)
    made = " (new)" if token.made_account else ""
    place = f" in {token.project}" if token.project else ""
    human = (
        f"{token.secret}\n"
        f"A token for {token.annotator}{made}{place}, good until {token.expires_at:%d %B %Y}. It is not shown again. Send it as\n"
        "  Authorization: Bearer TOKEN"
    )
    tell(human, token, as_json)
