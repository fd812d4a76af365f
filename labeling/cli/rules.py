"""`tiebreak rules list | show | save | remove`: label rules of a project under names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell

if TYPE_CHECKING:
    from labeling.services.rule_effect import Effect, Share

rules = typer.Typer(no_args_is_help=True, help="Label rules, saved under names.")

RulesName = Annotated[str, typer.Argument(metavar="NAME")]


def register(app: typer.Typer) -> None:
    app.add_typer(rules, name="rules")


@rules.command("list")
def list_(project: ProjectName, as_json: AsJson = False) -> None:
    """List the label rules that are saved in a project, with what in them is not as by default."""
    from labeling.services.saved_rules import saved_rules

    with opened() as (store, actor):
        found = saved_rules(store, actor, project)
    lines = [f"{one.name}, version {one.version}: {_told(one.rules.changed())}" for one in found]
    data = [{"name": one.name, "version": one.version, "rules": one.rules.as_dict()} for one in found]
    tell("\n".join(lines) or "No label rules are saved.", {"rules": data}, as_json)


@rules.command()
def show(name: RulesName, project: ProjectName, as_json: AsJson = False) -> None:
    """Print label rules as the file that `--rules` takes."""
    from labeling.services.label_rules import rules_toml
    from labeling.services.saved_rules import rules_named

    with opened() as (store, actor):
        found = rules_named(store, actor, project, name)
    tell(rules_toml(found.rules).rstrip(), {"version": found.version, "rules": found.rules.as_dict()}, as_json)


@rules.command()
def save(
    name: RulesName,
    file: Annotated[Path, typer.Argument(help="A TOML or JSON file with label rules.", exists=True, dir_okay=False)],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Save the label rules of a file under a name; a name that is there gets its next version."""
    from labeling.services.rule_files import read_rules_file
    from labeling.services.saved_rules import save_rules

    with opened() as (store, actor):
        saved = save_rules(store, actor, project, name, read_rules_file(file))
    data = {"name": saved.name, "version": saved.version, "rules": saved.rules.as_dict()}
    tell(f"Saved as {saved.name}, version {saved.version}.", data, as_json)


@rules.command()
def remove(name: RulesName, project: ProjectName, as_json: AsJson = False) -> None:
    """Take label rules off the list. Exports made by them keep theirs."""
    from labeling.services.saved_rules import remove_rules

    with opened() as (store, actor):
        remove_rules(store, actor, project, name)
    tell(f"{name} is removed.", {"removed": name}, as_json)


def effect_lines(told: "Effect") -> str:
    """An effect for people: each pair counted once, then what the rows would be like."""
    from exporters.refusals import REFUSALS
    from labeling.services.rule_reasons import REASONS

    lines = [f"{told.rows:,} rows of {told.kept:,} of {told.pairs:,} pairs"]
    for reason, count in told.left_out.items():
        words = REASONS.get(reason) or REFUSALS[reason]
        lines.append(f"  {count:>9,} {words.title.lower()} ({reason}): {words.remedy[0].lower()}{words.remedy[1:]}")
    if told.longer_before is not None and told.longer_after is not None and told.longer_before.whole:
        lines.append(f"longer reply chosen: {_share(told.longer_before)}")
        if told.longer_after != told.longer_before:
            lines[-1] += f", after matching lengths {_share(told.longer_after)}"
    if told.target_model:
        lines.append(f"by {told.target_model}: both replies of {told.own_both:,} pairs, one of {told.own_one:,}")
    if told.contradicting:
        lines.append(f"{told.contradicting:,} pairs contradict other pairs of their prompt (see contradictions)")
    if told.found is not None:
        listed = ", ".join(f"{kind} in {count:,}" for kind, count in told.found.items() if count)
        lines.append(f"found: {listed or 'nothing that looks like mail, phone, card or key'}")
    if told.singles is not None:
        one = told.singles
        lines.append(
            f"desirable {one.desirable:,}, undesirable {one.undesirable:,}, both and dropped {one.conflicting:,}"
        )
    return "\n".join(lines)


def _share(share: "Share") -> str:
    return f"{share.part:,} of {share.whole:,}" + (f" ({100 * share.part / share.whole:.0f} %)" if share.whole else "")


def _told(changed: dict[str, object]) -> str:
    changed.pop("name", None)
    return ", ".join(f"{name} = {value}" for name, value in changed.items()) or "as by default"
