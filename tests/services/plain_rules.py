"""The label rules once more, for one pair and in plain Python: what the columns of `votes` are compared with."""

from typing import NamedTuple

from labeling.services.label_rules import LabelRules
from labeling.services.raters import Voice

DIFFER = {"annotator": "annotators_differ", "imported": "imported_differ", "judge": "judges_differ"}
TIERS = {
    "people_first": [{"annotator"}, {"imported"}, {"judge"}, {"rule"}],
    "people": [{"annotator", "imported"}],
    "judges": [{"judge"}],
    "all": [{"annotator", "imported", "judge", "rule"}],
}


class Event(NamedTuple):
    label_id: int
    seq: int
    rater_id: int
    round_id: int | None
    purpose: str | None
    revision: int
    action: str
    verdict: str | None
    strength: int | None
    edit_id: int | None


class Plain(NamedTuple):
    """`outcome` as in `votes.OUTCOMES`."""

    outcome: str
    labels: tuple[int, ...] = ()
    strength: float | None = None
    edit_id: int | None = None


def decide(events: list[Event], results: list[tuple[int, str]], voices: dict[int, Voice], rules: LabelRules) -> Plain:
    results = [(rater, state) for rater, state in results if state != "decided"]
    last: dict[tuple[int, int | None], Event] = {}
    for event in sorted(events, key=lambda event: event.revision):
        last[event.rater_id, event.round_id] = event
    standing = [event for event in last.values() if event.action == "label"]
    latest: dict[int, Event] = {}
    for event in sorted(standing, key=lambda event: event.seq):
        if _chosen(voices[event.rater_id], rules) and (event.purpose is None or event.purpose in rules.rounds):
            latest[event.rater_id] = event
    chosen = [(rater, state) for rater, state in results if _chosen(voices[rater], rules)]
    newest = _newest([*latest, *(rater for rater, _ in chosen)], voices)

    def counts(rater: int) -> bool:
        voice = voices[rater]
        return voice.kind != "judge" or (rater in newest and (voice.reads_both_orders or not rules.only_both_orders))

    votes = [event for event in latest.values() if counts(event.rater_id)]
    tiers = TIERS[rules.who]
    known = set().union(*tiers)
    review = [event for event in votes if event.purpose == "review" and voices[event.rater_id].kind == "annotator"]
    if rules.review_first and review and "annotator" in known:
        return _settled(review, voices, rules, least=1)
    for tier in tiers:
        deciding = [event for event in votes if voices[event.rater_id].kind in tier]
        if deciding:
            return _settled(deciding, voices, rules, least=rules.least_labels)
    if rules.who != "people":
        states = {state for rater, state in chosen if counts(rater)}
        for state in ("undecided", "unreadable"):
            if state in states:
                return Plain(f"judge_{state}")
        readers = {event.rater_id for event in standing} | {rater for rater, _ in chosen if rater in newest}
        hasty = {rater for rater in readers if not voices[rater].reads_both_orders and _chosen(voices[rater], rules)}
        if hasty and rules.only_both_orders:
            return Plain("judge_one_order")
    if results or standing:
        return Plain("not_counted")
    return Plain("only_skipped" if any(event.action == "skip" for event in last.values()) else "no_label")


def _chosen(voice: Voice, rules: LabelRules) -> bool:
    if rules.agreement == "weighted" and _weight(voice, rules) == 0:
        return False
    if voice.kind == "rule":
        return voice.name in rules.rule_raters
    if voice.kind == "judge":
        return not rules.judges or bool({voice.judge, voice.name} & set(rules.judges))
    return not rules.people or voice.name in rules.people


def _weight(voice: Voice, rules: LabelRules) -> float:
    given = dict(rules.weights)
    return given.get(voice.name, given.get(voice.judge, 1.0)) if rules.agreement == "weighted" else 1.0


def _newest(raters: list[int], voices: dict[int, Voice]) -> set[int]:
    newest: dict[str, int] = {}
    for rater in raters:
        voice = voices[rater]
        if voice.kind == "judge" and (voice.judge not in newest or voices[newest[voice.judge]].version < voice.version):
            newest[voice.judge] = rater
    return set(newest.values())


def _settled(votes: list[Event], voices: dict[int, Voice], rules: LabelRules, least: int) -> Plain:
    if len(votes) < least:
        return Plain("too_few_labels")
    weights = {event.label_id: _weight(voices[event.rater_id], rules) for event in votes}
    total = sum(weights.values())
    tally = dict.fromkeys(("a", "b", "tie", "both_bad"), 0.0)
    for event in votes:
        tally[event.verdict] += weights[event.label_id]
    verdict = max(tally, key=tally.__getitem__)
    agrees = (
        len({event.verdict for event in votes}) == 1
        if rules.agreement == "unanimous"
        else 2 * tally[verdict] > total + 1e-9
    )
    if not agrees:
        kinds = {voices[event.rater_id].kind for event in votes}
        return Plain(DIFFER.get(kinds.pop(), "raters_differ") if len(kinds) == 1 else "raters_differ")
    labels = tuple(event.label_id for event in votes)
    winners = sorted((event for event in votes if event.verdict == verdict), key=lambda event: event.seq)
    edits = [event.edit_id for event in winners if event.edit_id]
    if verdict not in ("a", "b"):
        if verdict == "both_bad" and edits and rules.edits != "ignore":
            return Plain("edited", labels, None, edits[-1])
        return Plain(verdict, labels)
    strength: float | None = None
    sided = [event for event in votes if event.verdict in ("a", "b")]
    if all(event.strength for event in sided):
        signed = [
            (event.strength if event.verdict == verdict else -event.strength) * weights[event.label_id]
            for event in sided
        ]
        strength = sum(signed) / total
    if rules.needs_strength or rules.least_strength > 1:
        if strength is None:
            return Plain("no_strength", labels)
        if round(strength, 3) < rules.least_strength and rules.least_strength > 1:
            return Plain("too_weak", labels)
    return Plain(verdict, labels, strength, edits[-1] if edits else None)
