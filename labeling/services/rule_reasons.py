"""Why a pair is no row: each reason with the words of the table, and which label rule it belongs to."""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Reason(NamedTuple):
    """`title`: what the pairs are. `remedy`: what would bring them in. `rule`: the label rule that leaves them out, "" for none."""

    title: str
    remedy: str
    rule: str = ""


# In the order in which a pair is looked at: the first that holds counts it.
REASONS: Final[Mapping[str, Reason]] = {
    "left_out": Reason("Left out by a lead", "Take them in again on Rounds"),
    "reserved": Reason("Reserved for evaluation", "Never exported"),
    "no_label": Reason("No label", "Label them, or let a judge read them"),
    "only_skipped": Reason("Only skipped", "Another annotator may know"),
    "not_counted": Reason("Labels that do not count", "Change whose labels count", "who"),
    "judge_one_order": Reason("Judge read one order", "Run the judge in both orders", "only_both_orders"),
    "judge_undecided": Reason("Judge undecided", "A person's label settles them"),
    "judge_unreadable": Reason("Judge unreadable", "Run the judge again, or label them"),
    "too_few_labels": Reason("Too few labels", "Label them again, or ask for fewer", "least_labels"),
    "annotators_differ": Reason("Annotators differ", "One more label settles them", "agreement"),
    "imported_differ": Reason("Imported labels differ", "An annotator's label settles them", "agreement"),
    "judges_differ": Reason("Judges differ", "A person's label settles them", "agreement"),
    "raters_differ": Reason("Raters differ", "One more label settles them", "agreement"),
    "tie": Reason("Tie", "A training file has no ties", "ties"),
    "both_bad": Reason("Both bad", "New completions, or an edit, would help"),
    "no_strength": Reason(
        "No strength", "Ask for a strength with each label, and let edits beat the loser", "needs_strength"
    ),
    "too_weak": Reason("Too weak", "Take slighter preferences too", "least_strength"),
    "too_long": Reason("A reply is too long", "Allow longer replies", "longest_reply"),
    "off_policy": Reason("Not by the target model", "Generate replies with the model to be tuned", "on_policy"),
    "refusal": Reason("A reply is a refusal", "Keep refusals where they are right", "refusals"),
    "personal_data": Reason("Personal data or a key found", "Mask what is found instead", "personal_data"),
    "contradiction": Reason(
        "Contradicts other pairs of its prompt", "Label the prompt's pairs again", "contradictions"
    ),
    "over_cap": Reason("Over the pairs of one prompt", "Allow more pairs of a prompt", "per_prompt"),
    "length_match": Reason("Drawn out to match lengths", "Switch length matching off", "length_match"),
}
