"""Label rules in words: what each is called on a page, its values, and all that are not as by default."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from labeling.services.label_rules import LabelRules
from labeling.ui.formats import count

USUAL: Final = "As by default"
LABELS: Final[Mapping[str, str]] = {
    "who": "Whose labels count",
    "people": "Only these people",
    "judges": "Only these judges",
    "rule_raters": "Rules that count as raters",
    "rounds": "Labels of these rounds",
    "only_rounds": "Of these only",
    "only_both_orders": "Only judges that read both orders",
    "review_first": "A review's verdict holds",
    "agreement": "When raters differ",
    "weights": "Weights",
    "least_labels": "Labels that decide, at least",
    "least_strength": "Least strength",
    "needs_strength": "Only pairs with a strength",
    "edits": "Edits by annotators",
    "ties": "Ties",
    "longest_reply": "Longest reply, characters",
    "refusals": "Refusals",
    "personal_data": "Personal data and keys",
    "on_policy": "Replies of the target model",
    "contradictions": "Contradictions in a prompt",
    "per_prompt": "Pairs of one prompt, at most",
    "length_match": "Match lengths",
    "seed": "Seed of the lots",
}
WORDS: Final[Mapping[str, Mapping[Any, str]]] = {
    "who": {
        "people_first": "People before judges",
        "people": "People only",
        "judges": "Judges only",
        "all": "People and judges alike",
    },
    "agreement": {"majority": "Majority", "unanimous": "All agree", "weighted": "Weighted"},
    "least_strength": {1.0: "Any", 1.5: "Over slightly", 2.0: "Clearly", 3.0: "Much"},
    "edits": {
        "beat_loser": "An edit beats the worse reply",
        "beat_original": "An edit beats what it was made from",
        "both": "Both: two rows of a pair",
        "ignore": "Edits are left aside",
    },
    "ties": {"say_nothing": "A tie says nothing", "both_good": "A tie is two good replies"},
    "refusals": {"keep": "Keep", "leave_out_chosen": "Not as chosen", "leave_out": "Leave out"},
    "personal_data": {"keep": "Keep", "mask": "Mask", "leave_out": "Leave out"},
    "on_policy": {"any": "Any model's", "one_side": "One side", "both_sides": "Both sides"},
    "contradictions": {"keep": "Keep", "resolve": "Drop the weakest", "leave_out": "Leave out"},
    "rounds": {"work": "Work", "review": "Review", "calibration": "Calibration", "practice": "Practice", "repeat": "Repeat"},
}  # fmt: skip


def changed_in_words(rules: LabelRules) -> str:
    """How many rules are not as by default."""
    changed = len(_unnamed(rules))
    return f"{changed} changed" if changed else USUAL


def in_words(rules: LabelRules) -> str:
    """Their name, and each rule that is not as by default, as the form calls it."""
    told = [f"{LABELS[name]}: {_value(name, value)}" for name, value in _unnamed(rules).items()]
    return "; ".join([*([rules.name] if rules.name else []), *(told or [USUAL])])


def _unnamed(rules: LabelRules) -> dict[str, Any]:
    return replace(rules, name="").changed()


def _value(name: str, value: Any) -> str:
    words = WORDS.get(name, {})
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{one} {weight:g}" for one, weight in value.items())
    if isinstance(value, list):
        return ", ".join(words.get(one, one) for one in value) or "none"
    if value in words:
        return words[value]
    return count(value) if isinstance(value, int) else f"{value:g}"
