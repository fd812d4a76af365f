"""`tiebreak score`: a judge scores each completion alone, from 1 to 10."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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


def register(app: typer.Typer) -> None:
    app.command()(score)


def score(
    project: ProjectName,
    judge: Annotated[
        Path, typer.Option(help="A TOML file with the judge and its rubric.", exists=True, dir_okay=False)
    ],
    limit: Annotated[int | None, typer.Option(help="Take only the first prompts with two completions.", min=1)] = None,
    budget: Budget = None,
    estimate: OnlyEstimate = False,
    wait: Wait = True,
    key: Key = "",
    mode: Mode = RunMode.LIVE,
    out: Out = Path(),
    max_tries: MaxTries = 5,
    as_json: AsJson = False,
) -> None:
    """Let a judge score each completion alone; `tiebreak pair --from-scores JUDGE` makes pairs of the scores."""
    from labeling.services.judge import own_family
    from labeling.services.parts import write_files
    from labeling.services.score import estimate_scoring, list_scorers, start_scoring
    from labeling.services.specs import read_judge

    spec = read_judge(spec_file(judge), judge.name, judge.parent)
    with opened() as (store, actor):
        family = own_family(store, actor, project, spec.model)
        warning = family_warning(spec.model, family) if family else None
        if estimate:
            found = estimate_scoring(store, actor, project, spec, limit, mode)
            tell("\n".join(filter(None, [told_estimate(found), warning])), found, as_json)
            return
        try:
            run = start_scoring(
                store, actor, project, spec, idempotency_key=run_key(key), limit=limit, budget_usd=budget, mode=mode,
                max_tries=max_tries,
            )  # fmt: skip
        except NothingToAskError:
            told = "Every such completion is scored already: no run was started."
            tell(told, {"run": None, "scored": None, "unreadable": None, "same_family": family}, as_json)
            return
        if mode is RunMode.FILE and run.waiting:
            files = write_files(store, actor, project, run.id, out)
            waiting = {"run": asdict(run), "files": files, "scored": None, "unreadable": None, "same_family": family}
            tell("\n".join(filter(None, [told_files(files, run), warning])), waiting, as_json)
            return
        if wait:
            run = finish(store, actor, project, run.id)
        view = next(one for one in list_scorers(store, actor, project) if one.id == run.spec["judge_id"])
    told = f"{view.title}: {view.scored:,} completions scored, {view.unreadable:,} unreadable."
    data = {"run": asdict(run), "scored": view.scored, "unreadable": view.unreadable, "same_family": family}
    tell("\n".join(filter(None, [told_run(run), told, warning])), data, as_json)
    if wait:
        leave(run)
