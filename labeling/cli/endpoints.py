"""`tiebreak endpoints`: where a project's models are, what is known of them, and the headers that go along."""

from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell

if TYPE_CHECKING:
    from labeling.services.endpoint_list import EndpointView, ModelView

Address = Annotated[
    str, typer.Argument(metavar="BASE_URL", help="The endpoint's address, as generators and judges have it.")
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="The endpoints of a project, and their headers.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("headers")(headers)
    app.add_typer(group, name="endpoints")


def list_(project: ProjectName, as_json: AsJson = False) -> None:
    """Every endpoint that generators and judges use: keys by name, headers, models with their price."""
    from labeling.services.endpoint_list import list_endpoints

    with opened() as (store, actor):
        found = list_endpoints(store, actor, project)
    told = "\n".join(map(_told, found)) or "No endpoint is used yet: add a generator or a judge."
    tell(told, {"endpoints": found}, as_json)


def headers(
    base_url: Address,
    project: ProjectName,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="'NAME: VALUE'",
            help="May be repeated. A secret is written '${VARIABLE}', in single quotes.",
        ),
    ] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="NAME", help="May be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the headers that go with every request of the project to an endpoint; set or remove some."""
    from labeling.errors import NotFoundError
    from labeling.services.headers import headers_in, kept_headers, set_headers

    with opened() as (store, actor):
        kept = kept_headers(store, actor, project, base_url)
        for name in remove or ():
            if kept.pop(name.strip().lower(), None) is None:
                raise NotFoundError(f"No header {name.strip()[:80]!r} goes to {base_url}.")
        if set_ or remove:
            set_headers(store, actor, project, base_url, kept | headers_in("\n".join(set_ or ()), "--set"))
            kept = kept_headers(store, actor, project, base_url)
    told = "\n".join(f"{name}: {value}" for name, value in kept.items()) or f"No further header goes to {base_url}."
    tell(told, {"base_url": base_url, "headers": kept}, as_json)


def _told(one: "EndpointView") -> str:
    lines = [one.base_url]
    lines += [f"  key: {key.sentence}" for key in one.keys]
    lines += [f"  header: {name}: {value}" for name, value in one.headers.items()]
    lines += [f"  {_told_model(model)}" for model in one.models]
    return "\n".join(lines)


def _told_model(model: "ModelView") -> str:
    price = model.price
    cost = "sandbox" if model.is_sandbox else "price unknown"
    if price is not None:
        cost = f"${price.input:g} in, ${price.output:g} out for a million tokens, by {price.source}"
    form = f"; structured output: {model.response_format}" if model.response_format else ""
    return f"{model.model} (used by {', '.join(model.used_by)}): {cost}{form}"
