"""`tiebreak judge`: models' verdicts on pairs, by a rubric, in both orders; one judge, or a jury of several."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell
from labeling.cli.running import (
    Budget,
    Key,
    MaxTries,
    Mode,
    OnlyEstimate,
    Out,
    Wait,
    family_warning,
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
    from labeling.domain import Actor, JudgeSpec
    from labeling.services.runs import RunView
    from labeling.services.verdicts import OutcomeCounts
    from labeling.storage.store import Store

PAIRS = "all, unlabelled, disputed, gold, tune, held-out (gold in halves), sample:N, sample:N:SEED, or unsure:JUDGE (those it was unsure of)."


def register(app: typer.Typer) -> None:
    app.command()(judge)


def judge(
    project: ProjectName,
    judge: Annotated[
        list[Path],
        typer.Option(help="A TOML file with a judge, or several. Repeat it for a jury.", exists=True, dir_okay=False),
    ],
    pairs: Annotated[str, typer.Option(help=PAIRS)] = "unlabelled",
    budget: Budget = None,
    estimate: OnlyEstimate = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Show what the judge would read of the first pair, and start nothing.")
    ] = False,
    wait: Wait = True,
    key: Key = "",
    mode: Mode = RunMode.LIVE,
    out: Out = Path(),
    max_tries: MaxTries = 5,
    as_json: AsJson = False,
) -> None:
    """Let judges read pairs; a verdict that turns with the order or denies its scores stays undecided."""
    from labeling.services.judge import own_family
    from labeling.services.jury import estimate_jury, start_jury
    from labeling.services.parts import write_files
    from labeling.services.specs import read_judges
    from labeling.services.verdicts import outcome_counts

    specs = [spec for path in judge for spec in read_judges(spec_file(path), path.name, path.parent)]
    with opened() as (store, actor):
        if show_prompt:
            _show_prompts(store, actor, project, specs, pairs, as_json)
            return
        family = {spec.name: own_family(store, actor, project, spec.model) for spec in specs}
        warnings = [family_warning(spec.model, family[spec.name]) for spec in specs if family[spec.name]]
        if estimate:
            found = estimate_jury(store, actor, project, specs, pairs, mode)
            tell("\n".join([told_estimate(found), *warnings]), found, as_json)
            return
        try:
            started = start_jury(
                store, actor, project, specs, pairs,
                idempotency_key=run_key(key), budget_usd=budget, mode=mode, max_tries=max_tries,
            )  # fmt: skip
        except NothingToAskError:
            told = "Every such pair is judged already: no run was started."
            tell(
                told,
                {"run": None, "outcomes": None, "same_family": [name for names in family.values() for name in names]},
                as_json,
            )
            return
        results: list[dict[str, Any]] = []
        for run in started:
            if mode is RunMode.FILE and run.waiting:
                files = write_files(store, actor, project, run.id, out)
                results.append({"run": run, "files": files, "outcomes": None})
                continue
            ended = finish(store, actor, project, run.id) if wait else run
            counts = outcome_counts(store, actor, project, run.spec["judge_id"])
            results.append({"run": ended, "outcomes": counts})
    for one in results:
        one["same_family"] = family.get(one["run"].spec["judge"].rpartition(", version ")[0], [])
    human = "\n".join([*map(_told, results), *warnings])
    data = [{**one, "run": asdict(one["run"])} for one in results]
    tell(human, data[0] if len(specs) == 1 else {"judges": data}, as_json)
    if wait and mode is not RunMode.FILE:
        for one in results:
            leave(one["run"])


def told_slots(counts: "OutcomeCounts") -> str:
    """The first-slot share as a sentence; nothing where no reply prefers a side."""
    if counts.first_slot_share is None or counts.first_slot_interval is None:
        return ""
    low, high = counts.first_slot_interval
    stays = (
        ""
        if counts.order_agreement is None
        else f" {counts.order_agreement:.1%} of its verdicts stay when they change places."
    )
    return (
        f"\nThe reply that stood first was preferred in {counts.first_slot_share:.1%} of {counts.preferring:,} judgements "
        f"({low:.1%} to {high:.1%}); without a lean it is half.{stays}"
    )


def _told(result: dict[str, Any]) -> str:
    run: RunView = result["run"]
    counts: OutcomeCounts | None = result["outcomes"]
    if counts is None:
        return told_files(result["files"], run)
    why = ", ".join(f"{count:,}: {reason}" for reason, count in counts.undecided_why.items())
    told = (
        f"{run.spec['judge']}: {counts.pairs:,} pairs read, {counts.decided:,} decided, {counts.undecided:,} undecided"
        f"{f' ({why})' if why else ''}, {counts.unreadable:,} unreadable, {counts.repairs:,} replies asked for again."
    )
    return f"{told_run(run)}\n{told}{told_slots(counts)}"


def _show_prompts(
    store: "Store", actor: "Actor", project: str, specs: "list[JudgeSpec]", pairs: str, as_json: bool
) -> None:
    from labeling.services.judge import preview_prompt

    for spec in specs:
        messages = preview_prompt(store, actor, project, spec, pairs)
        human = "\n\n".join(f"--- {spec.name}, {one['role']}\n{one['content']}" for one in messages)
        tell(human, {"judge": spec.name, "messages": messages}, as_json)
