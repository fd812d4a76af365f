"""`tiebreak round list | make | change | close` and `tiebreak gold set | take | mix | results`."""

from enum import StrEnum
from typing import Annotated

import typer

from labeling.cli.context import AsJson, ProjectName, opened, tell
from labeling.domain import Verdict

rounds = typer.Typer(no_args_is_help=True, help="Rounds: pairs given to annotators for one purpose.")
gold = typer.Typer(no_args_is_help=True, help="Gold pairs: those whose verdict is known.")


class Made(StrEnum):
    """The purposes of rounds that can be made; a project's work round is there."""

    PRACTICE = "practice"
    CALIBRATION = "calibration"
    REPEAT = "repeat"
    REVIEW = "review"


class Order(StrEnum):
    IMPORTED = "imported"
    RANDOM = "random"
    UNCERTAIN = "uncertain"


class Reviewed(StrEnum):
    UNCERTAIN = "uncertain"
    FLAGGED = "flagged"


RoundName = Annotated[str, typer.Argument(metavar="ROUND")]


def register(app: typer.Typer) -> None:
    app.add_typer(rounds, name="round")
    app.add_typer(gold, name="gold")


@rounds.command("list")
def list_(project: ProjectName, as_json: AsJson = False) -> None:
    """List a project's rounds with how far they are."""
    from labeling.services.round_setup import rounds_of

    with opened() as (store, actor):
        found = rounds_of(store, actor, project)
    lines = [
        f"{one.name:<24} {one.purpose.value:<12} {'' if one.done is None else f'{one.done:,} of':>11} {one.pairs:>8,} pairs, {one.gold:,} gold, overlap {one.overlap}"
        + (", closed" if one.is_closed else "")
        for one in found
    ]
    tell("\n".join(lines), {"rounds": found}, as_json)


@rounds.command()
def make(
    name: RoundName,
    project: ProjectName,
    purpose: Annotated[Made, typer.Option(help="What it is for.")],
    annotator: Annotated[
        list[str] | None, typer.Option("--annotator", help="Who works in it; may be repeated.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs; practice takes all gold pairs.")] = 50,
    pass_mark: Annotated[
        float | None, typer.Option(min=0.01, max=1, help="Practice: the share that must be right before the work.")
    ] = None,
    which: Annotated[Reviewed, typer.Option(help="Review: which pairs.")] = Reviewed.UNCERTAIN,
    as_json: AsJson = False,
) -> None:
    """Make a round for practice, calibration, repetition or review."""
    from labeling.errors import InputError
    from labeling.services import round_setup as service

    people = annotator or []
    with opened() as (store, actor):
        place = (store, actor, project, name)
        if purpose is Made.PRACTICE:
            number = service.make_practice(*place, pass_mark)
        elif purpose is Made.CALIBRATION:
            number = service.make_calibration(*place, pairs, people)
        elif purpose is Made.REVIEW:
            number = service.make_review(*place, which.value, people, pairs)
        elif len(people) == 1:
            number = service.make_repeat(*place, pairs, people[0])
        else:
            raise InputError("A repeat round asks one annotator again: name one with --annotator.")
    tell(f"Round {name} is made; pairs: {number:,}.", {"round": name, "pairs": number}, as_json)


@rounds.command()
def change(
    name: RoundName,
    project: ProjectName,
    overlap: Annotated[int | None, typer.Option(help="Annotators for each pair; labels that are there stay.")] = None,
    order: Annotated[Order | None, typer.Option(help="In which order its pairs are given out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change how many annotators each pair of a round asks for, or its order."""
    from labeling.errors import InputError
    from labeling.services.ordering import order_round
    from labeling.services.round_setup import set_overlap

    if overlap is None and order is None:
        raise InputError("Nothing to change: say --overlap or --order.")
    with opened() as (store, actor):
        if overlap is not None:
            set_overlap(store, actor, project, overlap, name)
        if order is not None:
            order_round(store, actor, project, order.value, name)
    told = {"round": name, "overlap": overlap, "order": order and order.value}
    tell(f"Round {name} is changed.", told, as_json)


@rounds.command()
def close(
    name: RoundName,
    project: ProjectName,
    again: Annotated[bool, typer.Option("--open", help="Open it again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close a round, which then takes no more labels, or open it again."""
    from labeling.services.round_setup import close_round

    with opened() as (store, actor):
        close_round(store, actor, project, name, closed=not again)
    tell(f"Round {name} is {'open' if again else 'closed'}.", {"round": name, "closed": not again}, as_json)


@gold.command("set")
def set_(
    pair: Annotated[int, typer.Argument(min=1, help="The pair's number.")],
    verdict: Annotated[Verdict, typer.Argument(help="What is right, in stored order.")],
    project: ProjectName,
    why: Annotated[str, typer.Option(help="The reason, told in practice.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what is right about a pair."""
    from labeling.services.gold import set_gold

    with opened() as (store, actor):
        set_gold(store, actor, project, pair, verdict, why)
    tell(f"Pair {pair} is gold.", {"pair": pair, "verdict": verdict.value}, as_json)


@gold.command()
def take(
    rater: Annotated[str, typer.Argument(help="An annotator, or the name under which labels were imported.")],
    project: ProjectName,
    as_json: AsJson = False,
) -> None:
    """Make all that a rater says now gold."""
    from labeling.services.gold import gold_from

    with opened() as (store, actor):
        number = gold_from(store, actor, project, rater)
    tell(f"Gold as {rater} says; pairs: {number:,}.", {"rater": rater, "pairs": number}, as_json)


@gold.command()
def mix(
    share: Annotated[float, typer.Argument(min=0, max=0.5, help="0.05 makes every twentieth pair gold; 0 none.")],
    project: ProjectName,
    into: Annotated[str, typer.Option("--round", help="Into which round.")] = "work",
    as_json: AsJson = False,
) -> None:
    """Mix gold pairs into a round's queue."""
    from labeling.services.gold import mix_gold

    with opened() as (store, actor):
        number = mix_gold(store, actor, project, share, into)
    tell(f"Mixed into the round {into}; gold pairs: {number:,}.", {"round": into, "gold": number}, as_json)


@gold.command()
def results(project: ProjectName, as_json: AsJson = False) -> None:
    """Tell how each annotator did on gold pairs."""
    from labeling.services.gold import gold_results

    with opened() as (store, actor):
        found = gold_results(store, actor, project)
    lines = [f"{one.correct / one.answered:>5.0%} of {one.answered:>6,}  {one.annotator}" for one in found]
    tell("\n".join(lines) or "Nobody has labelled a gold pair yet.", {"results": found}, as_json)
