"""What a file teaches beside what it should: one kind outweighs the other, or one writer always wins."""

from collections.abc import Iterator, Mapping

from exporters.completions import Single
from exporters.findings import Finding

# Where a finding is about the labels, which a file alone does not tell.
WRITERS, SIDES = "writers", "sides"

# KTO's authors ask for desirable to undesirable, times their weights, between 1:1 and 4:3.
LEAST_RATIO, MOST_RATIO = 0.75, 4 / 3


def class_balance(single: Single | None) -> Iterator[Finding]:
    """A warning where one kind of single completions outweighs the other; it says with which weight they balance."""
    if single is None:
        return
    good, bad = single.desirable, single.undesirable
    for count, kind, side in ((good, "desirable", "better"), (bad, "undesirable", "worse")):
        if not count:
            yield Finding(None, "label", f"No completion is {kind}", f"Add pairs with a {side} side", "warning")
            return
    if LEAST_RATIO <= good / bad <= MOST_RATIO:
        return
    name, weight = ("undesirable_weight", good / bad) if good > bad else ("desirable_weight", bad / good)
    yield Finding(
        None,
        "label",
        f"{good:,} completions are desirable and {bad:,} undesirable",
        f"Train with {name} {weight:.2g}, so that both kinds weigh the same",
        "warning",
    )


LEAST_MATCHES, ALWAYS = 20, 0.95
EDIT_BY = "edit by "  # and the annotator's name: who wrote what beats a reply because it was written to


def always_winning(writers: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """A warning for each writer that is hardly ever beaten; `writers` counts rows by who wrote chosen and rejected. Edits
    are no writer's: an edit always wins."""
    won: dict[str, int] = {}
    met: dict[str, int] = {}
    for (chosen, rejected), count in writers.items():
        if chosen != rejected and not chosen.startswith(EDIT_BY):
            won[chosen] = won.get(chosen, 0) + count
            met[chosen] = met.get(chosen, 0) + count
            met[rejected] = met.get(rejected, 0) + count
    for name, matches in sorted(met.items()):
        wins = won.get(name, 0)
        if matches >= LEAST_MATCHES and wins >= ALWAYS * matches:
            yield Finding(
                None,
                WRITERS,
                f"{name or 'One writer'} wins {wins:,} of {matches:,} rows, so that a model learns who wrote rather than what is good",
                "Add pairs of other writers, or of the same writer twice",
                "warning",
            )


def side_always_winning(wins: int, labels: int) -> Finding | None:
    """A warning where the side that stood left wins, or loses, nearly always; of annotators' labels with a side."""
    if labels < LEAST_MATCHES or max(wins, labels - wins) < ALWAYS * labels:
        return None
    side, count = ("left", wins) if 2 * wins > labels else ("right", labels - wins)
    return Finding(
        None,
        SIDES,
        f"The side that stood {side} was preferred in {count:,} of {labels:,} labels: somebody may not have read",
        "Look at the raters' labels on Rounds",
        "warning",
    )
