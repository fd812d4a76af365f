"""How the labels of a pair become one verdict, or a reason why they do not. Pure: no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from labeling.domain import RoundPurpose, Side
from labeling.errors import InputError

Who: TypeAlias = Literal["people_first", "people", "judges", "all"]
Agreement: TypeAlias = Literal["majority", "unanimous"]
Edits: TypeAlias = Literal["beat_loser", "ignore"]

# Practice and calibration are for the annotators, a repeat asks them again: none of these is work for the file.
ROUNDS = ("work", "review")


@dataclass(frozen=True, slots=True)
class LabelRules:
    """Label rules, stored with each export.

    `who`: people before judges (annotators; where none has labelled, labels that came with a file; then judges), one of
    the two alone, or all alike. `agreement`: more than half of the labels, or all of them. `least_labels` of those who
    decide; `least_strength` of their mean, 1 (any) to 3. Judges who read one order only do not count unless
    `only_both_orders` is off. `rounds` are purposes of rounds. `edits`: an annotator's edit takes the place of the
    better completion, or is left aside. Ties, both bad and undecided pairs never become rows.
    """

    who: Who = "people_first"
    agreement: Agreement = "majority"
    least_labels: int = 1
    least_strength: float = 1.0
    only_both_orders: bool = True
    rounds: tuple[str, ...] = ROUNDS
    edits: Edits = "beat_loser"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "rounds": list(self.rounds)}


DEFAULT_RULES = LabelRules()
CHOICES: Mapping[str, tuple[str, ...]] = {
    "who": get_args(Who),
    "agreement": get_args(Agreement),
    "edits": get_args(Edits),
}


def read_rules(given: Mapping[str, Any]) -> LabelRules:
    """Rules from a file or a stored export; what is not given is as by default.

    Raises:
        InputError: an unknown rule, or a value it cannot have.
    """
    known = {field.name for field in fields(LabelRules)}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"There is no label rule {name!r}. Known are {', '.join(sorted(known))}.")
        if name in CHOICES and value not in CHOICES[name]:
            raise InputError(f"The label rule {name} is {value!r}; it can be {', '.join(CHOICES[name])}.")
    count, strength = given.get("least_labels", 1), given.get("least_strength", 1)
    orders, rounds = given.get("only_both_orders", True), given.get("rounds", ROUNDS)
    if type(count) is not int or count < 1:
        raise InputError(f"The label rule least_labels is {count!r}; it is a whole number from 1.")
    if type(strength) not in (int, float) or not 1 <= strength <= 3:
        raise InputError(f"The label rule least_strength is {strength!r}; it is a number from 1 to 3.")
    if type(orders) is not bool:
        raise InputError(f"The label rule only_both_orders is {orders!r}; it is true or false.")
    purposes = [purpose.value for purpose in RoundPurpose]
    if not isinstance(rounds, list | tuple) or not all(purpose in purposes for purpose in rounds):
        raise InputError(f"The label rule rounds is {rounds!r}; it is a list of {', '.join(purposes)}.")
    return LabelRules(**{**given, "rounds": tuple(rounds)})


@dataclass(frozen=True, slots=True)
class Voice:
    """A rater, as far as rules ask. Judges have a name, a version of it, and whether they read both orders."""

    kind: Literal["annotator", "imported", "judge"]
    name: str
    judge: str = ""
    version: int = 0
    reads_both_orders: bool = True
    is_sandbox: bool = False


class Event(NamedTuple):
    """One label event of one rater on one pair; `purpose` is its round's, None for judges and imported labels."""

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


class Result(NamedTuple):
    """What a judge's judgements of a pair came to: decided, undecided or unreadable."""

    rater_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The better side, or why there is none (`reason`, a key of `REASONS`).

    `labels` are those it rests on, `strength` their mean (a label for the other side counts against it, a tie as
    nothing); None where one of them has none. `edit_id` is the completion to take for the better side.
    """

    better: Side | None
    reason: str | None = None
    raters: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    strength: float | None = None
    edit_id: int | None = None


# Each with the table's words: what the pairs are, and what would bring them in.
REASONS: Mapping[str, tuple[str, str]] = {
    "no_label": ("No label", "Label them, or let a judge read them"),
    "only_skipped": ("Only skipped", "Another annotator may know"),
    "not_counted": ("Labels that do not count", "Change whose labels count"),
    "tie": ("Tie", "A training file has no ties"),
    "both_bad": ("Both bad", "New completions would help"),
    "annotators_differ": ("Annotators differ", "One more label settles them"),
    "imported_differ": ("Imported labels differ", "An annotator's label settles them"),
    "judges_differ": ("Judges differ", "A person's label settles them"),
    "raters_differ": ("Raters differ", "One more label settles them"),
    "too_few_labels": ("Too few labels", "Label them again, or ask for fewer"),
    "too_weak": ("Too weak", "Take slighter preferences too"),
    "judge_undecided": ("Judge undecided", "A person's label settles them"),
    "judge_unreadable": ("Judge unreadable", "Run the judge again, or label them"),
    "judge_one_order": ("Judge read one order", "Run the judge in both orders"),
    "reserved": ("Reserved for evaluation", "Never exported"),
    "left_out": ("Left out by a lead", "Take them in again on Rounds"),
}
DIFFER = {"annotator": "annotators_differ", "imported": "imported_differ", "judge": "judges_differ"}

NO_LABEL = Decision(None, "no_label")
TIERS: Mapping[Who, tuple[frozenset[str], ...]] = {
    "people_first": (frozenset({"annotator"}), frozenset({"imported"}), frozenset({"judge"})),
    "people": (frozenset({"annotator"}), frozenset({"imported"})),
    "judges": (frozenset({"judge"}),),
    "all": (frozenset({"annotator", "imported", "judge"}),),
}


def decide(
    events: Sequence[Event], results: Sequence[Result], voices: Mapping[int, Voice], rules: LabelRules = DEFAULT_RULES
) -> Decision:
    """What all label events of a pair, and what its judges came to, make of it. `voices` knows every rater in them."""
    if not events and not results:
        return NO_LABEL
    current = _last_events(events)
    standing = [event for event in current if event.action == "label"]
    votes = _latest_of_each_rater(event for event in standing if event.purpose is None or event.purpose in rules.rounds)
    judges = _newest_versions([*(vote.rater_id for vote in votes), *(result.rater_id for result in results)], voices)
    counted = [vote for vote in votes if _counts(vote.rater_id, judges, voices, rules)]
    for tier in TIERS[rules.who]:
        deciding = [vote for vote in counted if voices[vote.rater_id].kind in tier]
        if deciding:
            return _settled(deciding, voices, rules)
        if "judge" in tier:
            states = {result.state for result in results if _counts(result.rater_id, judges, voices, rules)}
            for state in ("undecided", "unreadable"):
                if state in states:
                    return Decision(None, f"judge_{state}")
    return Decision(None, _why_nobody_decides(current, results, judges, voices, rules))


def _last_events(events: Sequence[Event]) -> list[Event]:
    """The greatest revision of each rater in each round: the others are history."""
    if len(events) == 1:
        return list(events)
    last: dict[tuple[int, int | None], Event] = {}
    for event in events:
        key = (event.rater_id, event.round_id)
        if key not in last or event.revision > last[key].revision:
            last[key] = event
    return list(last.values())


def _latest_of_each_rater(standing: Iterable[Event]) -> list[Event]:
    """One voice for each rater: who labelled in work and again in review means the latter."""
    latest: dict[int, Event] = {}
    for event in sorted(standing, key=lambda event: event.seq):
        latest[event.rater_id] = event
    return list(latest.values())


def _newest_versions(rater_ids: Iterable[int], voices: Mapping[int, Voice]) -> set[int]:
    """Of each judge the newest version that read the pair: versions of one judge never form a majority."""
    newest: dict[str, int] = {}
    for rater_id in rater_ids:
        voice = voices[rater_id]
        if voice.kind != "judge":
            continue
        before = newest.get(voice.judge)
        if before is None or voices[before].version < voice.version:
            newest[voice.judge] = rater_id
    return set(newest.values())


def _counts(rater_id: int, judges: set[int], voices: Mapping[int, Voice], rules: LabelRules) -> bool:
    voice = voices[rater_id]
    if voice.kind != "judge":
        return True
    return rater_id in judges and (voice.reads_both_orders or not rules.only_both_orders)


def _settled(votes: Sequence[Event], voices: Mapping[int, Voice], rules: LabelRules) -> Decision:
    if len(votes) < rules.least_labels:
        return Decision(None, "too_few_labels")
    counts: dict[str, int] = {}
    for vote in votes:
        counts[vote.verdict or ""] = counts.get(vote.verdict or "", 0) + 1
    verdict, most = max(counts.items(), key=lambda item: item[1])
    if most != len(votes) if rules.agreement == "unanimous" else 2 * most <= len(votes):
        kinds = {voices[vote.rater_id].kind for vote in votes}
        return Decision(None, DIFFER[kinds.pop()] if len(kinds) == 1 else "raters_differ")
    if verdict not in ("a", "b"):
        return Decision(None, verdict)
    strength = _strength(votes, verdict)
    if rules.least_strength > 1 and (strength is None or strength < rules.least_strength):
        return Decision(None, "too_weak")
    winners = [vote for vote in votes if vote.verdict == verdict]
    edits = [vote.edit_id for vote in winners if vote.edit_id is not None] if rules.edits == "beat_loser" else []
    return Decision(
        better="a" if verdict == "a" else "b",
        raters=tuple(vote.rater_id for vote in votes),
        labels=tuple(vote.label_id for vote in votes),
        strength=strength,
        edit_id=edits[-1] if edits else None,
    )


def _strength(votes: Sequence[Event], verdict: str) -> float | None:
    total = 0
    for vote in votes:
        if vote.verdict in ("a", "b"):
            if vote.strength is None:
                return None
            total += vote.strength if vote.verdict == verdict else -vote.strength
    return round(total / len(votes), 3)


def _why_nobody_decides(
    current: Sequence[Event],
    results: Sequence[Result],
    judges: set[int],
    voices: Mapping[int, Voice],
    rules: LabelRules,
) -> str:
    if (
        rules.who != "people"
        and rules.only_both_orders
        and any(not voices[judge].reads_both_orders for judge in judges)
    ):
        return "judge_one_order"
    if results or any(event.action == "label" for event in current):
        return "not_counted"
    return "only_skipped" if any(event.action == "skip" for event in current) else "no_label"
