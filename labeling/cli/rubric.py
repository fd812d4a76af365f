"""`tiebreak rubric`: rubrics tried on one half of the gold pairs, and proven on the other."""

from typing import TYPE_CHECKING, Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell

if TYPE_CHECKING:
    from labeling.services.bench import Agreement, Bench, Comparison

JudgeArgument = Annotated[str, typer.Argument(help="A judge's name (its newest version), or `NAME, version N`.")]


def register(app: typer.Typer) -> None:
    rubric = typer.Typer(help="The rubric bench: judges against gold pairs.", no_args_is_help=True)
    rubric.command("bench")(bench)
    rubric.command("look")(look)
    rubric.command("compare")(compare)
    app.add_typer(rubric, name="rubric")


def bench(project: ProjectName, as_json: AsJson = False) -> None:
    """Every judge on the tune half: price, agreement, pairs fixed and broken against the try before.

    A try is a run on that half: tiebreak judge --pairs tune.
    """
    from labeling.services import bench as service

    with opened() as (store, actor):
        found = service.bench(store, actor, project)
    tell(_told_bench(found), found, as_json)


def look(judge: JudgeArgument, project: ProjectName, as_json: AsJson = False) -> None:
    """How a judge does on the held-out half, which it has read (tiebreak judge --pairs held-out). The look is counted."""
    from labeling.services import bench as service

    with opened() as (store, actor):
        found = service.look(store, actor, project, judge)
    told = f"{found.title} on the held-out half: {_told(found.agreement)}. This is look {found.number} at it."
    tell(told, found, as_json)


def compare(
    first: JudgeArgument,
    second: JudgeArgument,
    project: ProjectName,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="On the held-out half: counted as a look at each.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Two judges on the same gold pairs: the difference with its interval, and McNemar's p."""
    from labeling.services import bench as service

    with opened() as (store, actor):
        found = service.compare(store, actor, project, first, second, held_out=held_out)
    tell(_told_comparison(found), found, as_json)


def _told_bench(found: "Bench") -> str:
    looks = "nobody has looked at" if not found.looks else f"{found.looks} {'look' if found.looks == 1 else 'looks'} at"
    lines = [f"{found.tune:,} gold pairs to tune on, {found.held_out:,} held out; {looks} the held-out half."]
    for one in found.tries:
        price = "sandbox" if one.is_sandbox else "price unknown" if one.usd is None else f"${one.usd:.4f}"
        lines.append(f"{one.title}: {_told(one.agreement)}; {price}")
        if one.fixed is not None and one.broken is not None:
            lines.append(f"  against {one.before}: {_ids('fixed', one.fixed)}, {_ids('broken', one.broken)}")
    if not found.tries:
        lines.append("No judge has read the tune half. Try one with: tiebreak judge --pairs tune")
    return "\n".join(lines)


def _ids(word: str, pairs: tuple[int, ...]) -> str:
    named = ", ".join(map(str, pairs[:10])) + (", …" if len(pairs) > 10 else "")
    return f"{len(pairs):,} {word}{f' (pairs {named})' if pairs else ''}"


def _told(found: "Agreement") -> str:
    rest = f", {found.undecided:,} undecided, {found.unreadable:,} unreadable"
    return f"{found.right:,} of {found.pairs:,} right, {found.share:.1%} ({found.low:.1%} to {found.high:.1%}, Wilson){rest}"


def _told_comparison(found: "Comparison") -> str:
    return (
        f"On {found.pairs:,} pairs of the {found.half.replace('_', '-')} half: {found.first} has {found.first_right:,} right, "
        f"{found.second} {found.second_right:,}. Only the first has {found.only_first:,}, only the second {found.only_second:,}.\n"
        f"The second is {found.difference:+.1%} ({found.low:+.1%} to {found.high:+.1%}); by chance alone p = {found.p:.3f} (McNemar, exact)."
    )
