"""`tiebreak pair`: pairs of the completions that are there, without any request."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.best_of import FromScores, Rejected
from labeling.cli.context import AsJson, ProjectName, opened, tell
from labeling.errors import InputError
from labeling.pairing import PairMode

if TYPE_CHECKING:
    from labeling.preferring import Over
    from labeling.services.pairing import PairingView
    from labeling.sifting import Sieve

ALIKE = 0.9  # as in labeling.sifting, which --help need not wait for
KeepRefusals = Annotated[bool, typer.Option("--keep-refusals", help="Pair replies that decline what was asked, too.")]
KeepCut = Annotated[bool, typer.Option("--keep-cut", help="Pair replies that were cut off, too.")]
Better = Annotated[
    str, typer.Option(help="Label the replies of this generator, model or imported source as better, without a judge.")
]
Worse = Annotated[str, typer.Option(help="… than those of this one.")]
Alike = Annotated[
    float, typer.Option(help="Drop one of two replies that are this much alike, 0.5 to 1; 0 keeps both.", min=0, max=1)
]


def register(app: typer.Typer) -> None:
    app.command()(pair)


def pair(
    project: ProjectName,
    pairs: Annotated[
        PairMode | None, typer.Option(help="Two samples of one source, or every two sources; else what there is.")
    ] = None,
    pairs_per_prompt: Annotated[int, typer.Option(help="Most pairs of a prompt; 0 for one of every match.", min=0)] = 1,
    better: Better = "",
    worse: Worse = "",
    from_scores: Annotated[
        str, typer.Option(help="Take the best completion of each prompt by this scoring judge's scores, and label it.")
    ] = "",
    rejected: Annotated[
        Rejected,
        typer.Option(help="With scores: the rejected one is near mean - 2 standard deviations, the worst, or any."),
    ] = Rejected.LOW,
    margin: Annotated[float, typer.Option(help="With scores: it is at least so many points worse.", min=0, max=9)] = 1,
    refusals: KeepRefusals = False,
    cuts: KeepCut = False,
    alike: Alike = ALIKE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would come out, and make nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make pairs of completions that are there. Refusals, cut replies and near-duplicates are dropped and counted."""
    from labeling.services.pairing import PairPlan, make_pairs

    scores = FromScores(from_scores, rejected, margin) if from_scores else None
    plan = PairPlan(pairs, pairs_per_prompt or None, sieve(refusals, cuts, alike), over(better, worse), scores)
    with opened() as (store, actor):
        made = make_pairs(store, actor, project, plan, dry_run=dry_run)
    head = f"{made.pairs:,} pairs {'would be made' if dry_run else 'made'}, from {made.with_pairs:,} prompts."
    tell(f"{head}\n{told_pairs(made)}", asdict(made), as_json)


def sieve(refusals: bool, cuts: bool, alike: float) -> "Sieve":
    """The sieve of the options: what is kept is not dropped."""
    from labeling.sifting import Sieve

    return Sieve(refusals=not refusals, cuts=not cuts, alike=alike or None)


def over(better: str, worse: str) -> "Over | None":
    """The rule of the options --better and --worse; None where neither is given."""
    from labeling.preferring import Over

    if bool(better) != bool(worse):
        raise InputError(
            "--better and --worse go together: name the model whose replies are better, and the other one."
        )
    return Over(better, worse) if better else None


def told_pairs(made: "PairingView") -> str:
    """Where the prompts are, and which replies were dropped, in words."""
    told = (
        f"Of {made.prompts:,} prompts {made.with_pairs:,} come to new pairs or labels, {made.has_pairs:,} have theirs already; "
        f"{made.too_few:,} have too few completions, {made.same_text:,} have completions of one text only, {made.too_few_left:,} "
        "too few replies left."
    )
    dropped = ", ".join(f"{number:,} {reason}" for reason, number in made.dropped.items())
    if made.unscored or made.close:
        told += f" {made.unscored:,} have too few scored completions, {made.close:,} none that is worse by the margin."
    if made.labels:
        told += f" {made.labels:,} labels come with them: nobody compared the two replies."
    return f"{told} Replies dropped: {dropped}." if dropped else told
