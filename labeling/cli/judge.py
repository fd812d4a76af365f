"""`tiebreak judge`: a model's verdicts on pairs, by a rubric, in both orders."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell
from labeling.cli.running import (
    MaxTries,
    Mode,
    Out,
    finish,
    leave,
    run_key,
    spec_file,
    told_estimate,
    told_files,
    told_run,
)
from labeling.domain import RunMode
from labeling.errors import NothingToAskError

if TYPE_CHECKING:
    from labeling.services.verdicts import OutcomeCounts


def register(app: typer.Typer) -> None:
    app.command()(judge)


def told_slots(counts: "OutcomeCounts") -> str:
    """The first-slot share as a sentence; nothing where no reply prefers a side."""
    if counts.first_slot_share is None or counts.first_slot_interval is None:
        return ""
    low, high = counts.first_slot_interval
    return (
        f"\nThe reply that stood first was preferred in {counts.first_slot_share:.1%} of {counts.preferring:,} judgements "
        f"({low:.1%} to {high:.1%}); without a lean it is half."
    )


def judge(
    project: ProjectName,
    judge: Annotated[
        Path, typer.Option(help="A TOML file with the judge and its rubric.", exists=True, dir_okay=False)
    ],
    pairs: Annotated[str, typer.Option(help="all, unlabelled, disputed, gold or sample:N.")] = "unlabelled",
    budget: Annotated[float | None, typer.Option(help="Stop at this many US dollars.", min=0)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Tell requests and money, and start nothing.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait for the end; work the run here where no worker does.")] = True,
    key: Annotated[str, typer.Option(help="Any text: the same one twice starts one run.")] = "",
    mode: Mode = RunMode.LIVE,
    out: Out = Path(),
    max_tries: MaxTries = 5,
    as_json: AsJson = False,
) -> None:
    """Let a judge read pairs; a verdict that turns with the order or denies its scores stays undecided."""
    from labeling.services.judge import estimate_judging, own_family, start_judging
    from labeling.services.parts import write_files
    from labeling.services.specs import read_judge
    from labeling.services.verdicts import outcome_counts

    spec = read_judge(spec_file(judge), judge.name, judge.parent)
    with opened() as (store, actor):
        family = own_family(store, actor, project, spec.model)
        warning = (
            f"{spec.model} is of the family of {', '.join(family)}: judges favour their family." if family else None
        )
        if estimate:
            found = estimate_judging(store, actor, project, spec, pairs, mode)
            tell("\n".join(filter(None, [told_estimate(found), warning])), found, as_json)
            return
        try:
            run = start_judging(
                store, actor, project, spec, pairs, idempotency_key=run_key(key), budget_usd=budget, mode=mode, max_tries=max_tries
            )  # fmt: skip
        except NothingToAskError:
            told = "Every such pair is judged already: no run was started."
            tell(told, {"run": None, "outcomes": None, "same_family": family}, as_json)
            return
        if mode is RunMode.FILE and run.waiting:
            files = write_files(store, actor, project, run.id, out)
            data = {"run": asdict(run), "files": files, "outcomes": None, "same_family": family}
            tell("\n".join(filter(None, [told_files(files, run), warning])), data, as_json)
            return
        if wait:
            run = finish(store, actor, project, run.id)
        counts = outcome_counts(store, actor, project, run.spec["judge_id"])
    why = ", ".join(f"{count:,}: {reason}" for reason, count in counts.undecided_why.items())
    told = (
        f"{run.spec['judge']}: {counts.pairs:,} pairs read, {counts.decided:,} decided, {counts.undecided:,} undecided"
        f"{f' ({why})' if why else ''}, {counts.unreadable:,} unreadable, "
        f"{counts.repairs:,} replies asked for again."
        f"{told_slots(counts)}"
    )
    human = "\n".join(filter(None, [told_run(run), told, warning]))
    tell(human, {"run": asdict(run), "outcomes": asdict(counts), "same_family": family}, as_json)
    if wait:
        leave(run)
