"""`tiebreak export` and `tiebreak check`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, expect_many_rows, opened, progress, tell
from labeling.cli.exports import changes_lines, looking, pushed_line, written_lines
from labeling.cli.rules import effect_lines
from labeling.errors import ExportError, TiebreakError

if TYPE_CHECKING:
    from labeling.domain import Actor
    from labeling.services.export_changes import Changes
    from labeling.services.export_list import ExportView
    from labeling.services.hub import Pushed
    from labeling.storage.store import Store

MOST_SHOWN = 50  # findings for people; --json has all of them

FORMATS = "openai-dpo (PFT, DPO), trl, trl-kto, sft, votes …; docs/formats.md has all."


def register(app: typer.Typer) -> None:
    app.command("export")(export)
    app.command("check")(check)


def export(
    project: ProjectName,
    format: Annotated[
        str | None, typer.Option("--format", "-f", help=f"{FORMATS} Without it, that of the project's target.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to make; it must not be there, or be empty.")
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="Label rules: a TOML or JSON file, or a name they are saved under.")
    ] = None,
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Only tell what would stay and what would go, by rule; write nothing.")
    ] = False,
    validation_share: Annotated[
        float | None, typer.Option(help="How much goes to validation.jsonl, by prompt: 0.1 if not said; 0 for none.")
    ] = None,
    validation_rows: Annotated[
        int | None,
        typer.Option(help="At least so many rows to validation.jsonl, drawn anew as data is added; a share is not."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another split.")] = 0,
    system_prompt: Annotated[
        Path | None,
        typer.Option(help="A text file: the system prompt of every row.", exists=True, dir_okay=False),
    ] = None,
    byte_order_mark: Annotated[bool, typer.Option(help="Begin files with a byte-order mark: azure-dpo only.")] = False,
    file_type: Annotated[
        str, typer.Option(help="jsonl, or parquet for trl*, sft, axolotl, llama-factory; votes: csv or parquet.")
    ] = "jsonl",
    licence: Annotated[str, typer.Option(help="Of the data, for its card: cc-by-4.0, apache-2.0 …")] = "unknown",
    since: Annotated[
        int | None, typer.Option(help="The number of an earlier export: tell what was added, removed, turned round.")
    ] = None,
    push: Annotated[str | None, typer.Option(help="Then send it to a hub: hf:organization/name.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a new data set on the hub.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the labelled pairs as a training file, with manifest and provenance, and check it.

    The format votes writes every label instead, as CSV or Parquet.
    """
    from dataclasses import asdict

    from labeling.services.estimate import estimate
    from labeling.services.export import export as run_export
    from labeling.services.export_changes import comparable
    from labeling.services.export_choices import DEFAULT_SHARE, ExportChoices, default_format, read_file_type
    from labeling.services.hub import repository
    from labeling.services.rule_files import read_text
    from labeling.services.saved_rules import rules_from

    expect_many_rows()
    prompt = read_text(system_prompt).strip() if system_prompt else None
    if push is not None:
        repository(push)  # a name that is none is told before anything is written
    elif public:
        raise typer.BadParameter("it is of a data set on a hub: say which with --push", param_hint="--public")
    if validation_rows is not None and validation_share is not None:
        raise typer.BadParameter("say how many rows, or which share, not both", param_hint="--validation-rows")
    if out is None and not only_estimate:
        raise typer.BadParameter("name the folder to make, or ask for an --estimate", param_hint="--out")
    if only_estimate and (since is not None or push is not None):
        raise typer.BadParameter("it writes nothing that could be compared or sent", param_hint="--estimate")
    with opened() as (store, actor):
        format = format or default_format(store, actor, project)
        label_rules = rules_from(store, actor, project, rules)
        if only_estimate:
            told = estimate(
                store, actor, project, format=format, rules=label_rules, system_prompt=prompt,
                file_type=read_file_type(file_type), progress=lambda read, pairs: progress(f"{read:,} of {pairs:,} pairs read"),
            )  # fmt: skip
            tell(effect_lines(told), told, as_json)
            return
        if since is not None:
            comparable(store, actor, project, since, format)
        asked = ExportChoices(
            format, label_rules, DEFAULT_SHARE if validation_share is None else validation_share, validation_rows, seed, prompt,
            byte_order_mark, read_file_type(file_type), licence,
        )  # fmt: skip
        view = run_export(store, actor, project, asked, out=out, progress=looking(asked))
        human, data = written_lines(view), asdict(view)
        if since is not None:
            found = _changed(store, actor, project, since, view)
            human += f"\n{changes_lines(found)}"
            data["changes"] = asdict(found)
        if push is not None:
            if not as_json:
                tell(human, data, as_json)  # before what takes its time, and may fail
            pushed = _pushed(store, actor, project, view, push, public=public)
            human = pushed_line(pushed)
            data["pushed"] = asdict(pushed)
    tell(human, data, as_json)


def _changed(store: "Store", actor: "Actor", project: str, since: int, view: "ExportView") -> "Changes":
    """Raises ExportError: the earlier export cannot be read; the new one is done."""
    from labeling.services.export_changes import changes

    try:
        return changes(store, actor, project, since, view.id)
    except TiebreakError as error:
        raise ExportError(f"{error} Export {view.id} is done, in {view.folder}.") from error


def _pushed(store: "Store", actor: "Actor", project: str, view: "ExportView", name: str, *, public: bool) -> "Pushed":
    """Raises ExportError: it could not be sent, and how to try that again; the export itself is done."""
    from labeling.services.hub import push

    progress(f"sending export {view.id} to {name}")
    try:
        return push(store, actor, project, view.id, name, public=public)
    except TiebreakError as error:
        command = f"tiebreak exports push {view.id} {name} --project {project}{' --public' * public}"
        raise ExportError(f"{error} Export {view.id} is done, in {view.folder}: send it with `{command}`.") from error


def check(
    file: Annotated[Path, typer.Argument(help="The file to check.")],
    format: Annotated[str, typer.Option("--format", "-f", help=FORMATS)],
    most_tokens: Annotated[
        int | None, typer.Option(min=1, help="The limit for one row, in place of the service's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a training file: every fault with its line. Exit status 1 where a service would refuse it."""
    from dataclasses import asdict
    from itertools import islice

    from labeling.services.check import check as run_check

    found = run_check(file, format, most_tokens)
    shown = list(found) if as_json else list(islice(found, MOST_SHOWN))
    more = list(found)
    errors = sum(finding.severity == "error" for finding in (*shown, *more))
    warnings = len(shown) + len(more) - errors
    lines = [f"{file}: {finding.severity}: {finding}" for finding in shown]
    if more:
        lines.append(f"{file}: {len(more):,} more; see all with --json")
    lines.append(f"{file}: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}")
    data = {
        "file": str(file),
        "format": format,
        "errors": errors,
        "warnings": warnings,
        "findings": [asdict(finding) for finding in shown],
    }
    tell("\n".join(lines), data, as_json)
    if errors:
        raise typer.Exit(1)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
