"""`tiebreak generate`: completions from endpoints, and pairs of them."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell
from labeling.cli.pair import ALIKE, Alike, Better, KeepCut, KeepRefusals, Worse, over, sieve, told_pairs
from labeling.cli.running import (
    Budget,
    Key,
    MaxTries,
    Mode,
    OnlyEstimate,
    Out,
    Wait,
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
from labeling.pairing import PairMode

if TYPE_CHECKING:
    from labeling.services.runs import RunView


def register(app: typer.Typer) -> None:
    app.command()(generate)


def generate(
    project: ProjectName,
    generators: Annotated[
        Path, typer.Option(help="A TOML file, one table for each generator.", exists=True, dir_okay=False)
    ],
    samples: Annotated[int | None, typer.Option(help="Replies to each prompt, instead of the file's.", min=1)] = None,
    limit: Annotated[int | None, typer.Option(help="Take only the first prompts.", min=1)] = None,
    budget: Budget = None,
    estimate: OnlyEstimate = False,
    pair_up: Annotated[bool, typer.Option(help="Make pairs of the completions.")] = True,
    pairs: Annotated[
        PairMode | None, typer.Option(help="Two samples of one source, or every two sources; else what there is.")
    ] = None,
    pairs_per_prompt: Annotated[int, typer.Option(help="Most pairs of a prompt; 0 for one of every match.", min=0)] = 1,
    better: Better = "",
    worse: Worse = "",
    refusals: KeepRefusals = False,
    cuts: KeepCut = False,
    alike: Alike = ALIKE,
    wait: Wait = True,
    key: Key = "",
    mode: Mode = RunMode.LIVE,
    out: Out = Path(),
    max_tries: MaxTries = 5,
    as_json: AsJson = False,
) -> None:
    """Generate completions for a project's prompts, and make pairs of them."""
    from labeling.services.generate import GenerationPlan, estimate_generation, start_generation
    from labeling.services.pairing import PairingView, PairPlan, make_pairs
    from labeling.services.parts import write_files
    from labeling.services.specs import read_generators

    pair_plan = (
        PairPlan(pairs, pairs_per_prompt or None, sieve(refusals, cuts, alike), over(better, worse))
        if pair_up
        else None
    )
    plan = GenerationPlan(read_generators(spec_file(generators), generators.name), samples, limit, pair_plan)
    made: PairingView | None = None
    run: RunView | None
    with opened() as (store, actor):
        if estimate:
            found = estimate_generation(store, actor, project, plan, mode)
            tell(told_estimate(found), found, as_json)
            return
        try:
            run = start_generation(
                store, actor, project, plan, idempotency_key=run_key(key), budget_usd=budget, mode=mode, max_tries=max_tries
            )  # fmt: skip
        except NothingToAskError:
            run = None
        if run and mode is RunMode.FILE and run.waiting:
            files = write_files(store, actor, project, run.id, out)
            tell(told_files(files, run), {"run": asdict(run), "files": files, "pairs": None}, as_json)
            return
        if wait:
            run = finish(store, actor, project, run.id) if run else None
            # Pairs come while the run goes; those of prompts where one request of several failed come now.
            made = make_pairs(store, actor, project, pair_plan) if pair_plan else None
    told = [told_run(run) if run else "Every completion is there already: no run was started."]
    if made:
        told.append(told_pairs(made))
    tell("\n".join(told), {"run": asdict(run) if run else None, "pairs": asdict(made) if made else None}, as_json)
    if run and wait:
        leave(run)
