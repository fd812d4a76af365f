"""Whether a file of single completions has about as many desirable as undesirable ones."""

from exporters.completions import Single
from exporters.findings import Finding

# KTO's authors ask for desirable to undesirable, times their weights, between 1:1 and 4:3.
LEAST_RATIO, MOST_RATIO = 0.75, 4 / 3


def class_balance(single: Single) -> Finding | None:
    """A warning where one kind outweighs the other; it says with which weight they balance."""
    good, bad = single.desirable, single.undesirable
    if not bad:  # as in `sft`, which has no other kind
        return None
    if not good:
        return Finding(None, "label", "No completion is desirable", "Add pairs with a better side", "warning")
    if LEAST_RATIO <= good / bad <= MOST_RATIO:
        return None
    name, weight = ("undesirable_weight", good / bad) if good > bad else ("desirable_weight", bad / good)
    return Finding(
        None,
        "label",
        f"{good:,} completions are desirable and {bad:,} undesirable",
        f"Train with {name} {weight:.2g}, so that both kinds weigh the same",
        "warning",
    )
