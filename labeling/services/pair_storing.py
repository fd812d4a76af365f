"""Chosen pairs are stored, put in the queue, and labelled where a rule or scores tell the better side."""

from collections.abc import Mapping

from labeling.domain import Verdict
from labeling.preferring import Over
from labeling.services.pair_choice import Choice
from labeling.storage import completions as rows
from labeling.storage import preferring
from labeling.storage.queue import enqueue
from labeling.storage.store import Session


def store_choices(
    session: Session,
    project_id: int,
    choices: Mapping[int, Choice],
    account_id: int,
    over: Over | None = None,
    scorer_id: int | None = None,
) -> int:
    """Store chosen pairs and put them in the queue of the rounds that take all pairs; the number of new pairs.

    Labels, where there are any, are those of the rule `over` or of the scoring judge that is the rater `scorer_id`. The
    project must be locked by the caller.
    """
    pairs = [(prompt_id, a, b) for prompt_id, choice in choices.items() for a, b in choice.pairs]
    ids = rows.add_pairs(session, project_id, pairs)
    enqueue(session, project_id, ids)
    rater_id = scorer_id
    if over is not None and any(choice.preferred for choice in choices.values()):
        rater_id = preferring.put_rule_rater(session, project_id, over.rater)
    if rater_id is not None:
        label_choices(session, project_id, choices, rater_id, account_id)
    return len(ids)


def label_choices(
    session: Session, project_id: int, choices: Mapping[int, Choice], rater_id: int, account_id: int
) -> int:
    """Give the chosen preferences to their pairs as this rater's labels; the number of labels given."""
    prompts = [prompt_id for prompt_id, choice in choices.items() if choice.preferred]
    known = preferring.pair_ids(session, prompts)
    wanted = {}
    for prompt_id in prompts:
        for one in choices[prompt_id].preferred:
            pair_id = known[min(one.couple), max(one.couple)]
            wanted[pair_id] = (Verdict.A if one.chosen < one.rejected else Verdict.B, one.strength)
    return preferring.put_labels(session, project_id, rater_id, account_id, wanted)
