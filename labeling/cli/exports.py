"""`tiebreak exports`: what was exported; made again, compared, sent to a hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, progress, tell

if TYPE_CHECKING:
    from labeling.services.export_changes import Changes
    from labeling.services.export_choices import ExportChoices
    from labeling.services.export_list import ExportView
    from labeling.services.export_state import Progress
    from labeling.services.hub import Pushed

ExportNumber = Annotated[int, typer.Argument(metavar="EXPORT", help="Its number, as `tiebreak exports list` shows it.")]
HubName = Annotated[str, typer.Argument(metavar="NAME", help="Where to: hf:organization/name.")]
Public = Annotated[bool, typer.Option("--public", help="Let everybody see a new data set; without it, it is private.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Exports so far: list, again, changes, push.")
    commands.command("list")(list_)
    commands.command("again")(again)
    commands.command("changes")(changes)
    commands.command("push")(push)
    app.add_typer(commands, name="exports")


def list_(project: ProjectName, as_json: AsJson = False) -> None:
    """The project's exports, newest first, each with the digest of its files."""
    from labeling.services.export_list import exports, settle_stopped

    with opened() as (store, actor):
        settle_stopped(store)
        listed = exports(store, actor, project, most=None)
    lines = [
        f"{view.id:>5}  {view.created_at:%Y-%m-%d %H:%M}  {view.format:<14} {view.state:<8} {view.rows:>9,} rows  "
        f"{view.digest[:12] or '-':<12}  {view.fault or view.folder or ''}"
        for view in listed
    ]
    tell("\n".join(lines) or "There are no exports yet.", {"exports": listed}, as_json)


def again(
    export: ExportNumber,
    project: ProjectName,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to make; it must not be there, or be empty.")],
    as_json: AsJson = False,
) -> None:
    """Make an export once more, with the labels and pairs of then: the same rules, seed and bytes."""
    from labeling.services.export import export_again
    from labeling.services.export_list import export_view

    with opened() as (store, actor):
        before = export_view(store, actor, project, export)
        view = export_again(store, actor, project, export, out=out, progress=looking(before.choices))
    is_same = view.digest == before.digest
    told = "the same bytes" if is_same else "not the same bytes: something that it rests on was changed since"
    tell(
        f"{view.rows:,} rows in {view.folder}: {told}",
        {"export": view, "is_same": is_same, "digest_before": before.digest},
        as_json,
    )


def changes(
    export: ExportNumber,
    project: ProjectName,
    since: Annotated[int, typer.Option("--since", help="The number of the earlier export.")],
    as_json: AsJson = False,
) -> None:
    """What was added, removed and turned round since an earlier export."""
    from labeling.services.export_changes import changes as compare

    with opened() as (store, actor):
        found = compare(store, actor, project, since, export)
    tell(changes_lines(found), found, as_json)


def push(
    export: ExportNumber, name: HubName, project: ProjectName, public: Public = False, as_json: AsJson = False
) -> None:
    """Send a finished export to the Hugging Face hub as a data set, private unless --public."""
    from labeling.services.hub import push as send

    with opened() as (store, actor):
        pushed = send(store, actor, project, export, name, public=public)
    tell(pushed_line(pushed), pushed, as_json)


def looking(asked: "ExportChoices") -> "Progress":
    """How far an export is, told while it is written."""
    return lambda looked, of: progress(f"{looked:,} of {of:,} {asked.counted}")


def pushed_line(pushed: "Pushed") -> str:
    """For people: where the data set is, and who sees it."""
    card = "; its card, README.md, as it was edited after the export" if pushed.is_card_edited else ""
    return f"{pushed.address} ({'private' if pushed.is_private else 'public'}){card}"


def written_lines(view: "ExportView") -> str:
    """For people: what an export wrote, and what it left out."""
    left_out = "".join(f"\n  {count:>9,} left out: {reason}" for reason, count in view.left_out.items())
    if view.is_votes:
        return f"{view.rows:,} labels in {view.folder}{left_out}"
    notes = "".join(f"\n{sentence}" for sentence in (view.note, *view.warnings) if sentence)
    sandbox = f"\n{view.sandbox['rows']:,} rows rest on the sandbox." if view.sandbox else ""
    return (
        f"{view.rows:,} rows of {view.pairs:,} pairs, checked, in {view.folder}\n"
        f"  {view.train_rows:>9,} to train\n  {view.validation_rows:>9,} to validate{left_out}{notes}{sandbox}"
    )


def changes_lines(found: "Changes") -> str:
    """For people: a line for each kind, with the first pairs."""
    kinds = (
        ("added", found.added), ("removed", found.removed), ("moved between train and validation", found.moved),
        ("turned round", found.turned_round), ("rewritten", found.rewritten),
    )  # fmt: skip
    lines = [f"Since export {found.since}: {found.kept:,} rows are as they were"]
    for name, change in kinds:
        shown = ", ".join(map(str, change.pairs[:10])) + (" …" if change.count > 10 else "")
        lines.append(f"  {change.count:>9,} {name}" + (f": pairs {shown}" if change.count else ""))
    return "\n".join(lines)
