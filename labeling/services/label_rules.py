"""Label rules: how labels become one verdict for each pair, and which of the decided pairs go into the file.

One frozen value: stored with each export, saved under a name, written as TOML. What the rules mean is in `docs/rules.md`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, get_args

from labeling.domain import RoundPurpose
from labeling.errors import InputError

Who: TypeAlias = Literal["people_first", "people", "judges", "all"]
Agreement: TypeAlias = Literal["majority", "unanimous", "weighted"]
Edits: TypeAlias = Literal["beat_loser", "beat_original", "both", "ignore"]
Ties: TypeAlias = Literal["say_nothing", "both_good"]
Refusals: TypeAlias = Literal["keep", "leave_out_chosen", "leave_out"]
PersonalData: TypeAlias = Literal["keep", "leave_out", "mask"]
Contradictions: TypeAlias = Literal["keep", "resolve", "leave_out"]
OnPolicy: TypeAlias = Literal["any", "one_side", "both_sides"]

# Practice and calibration are for the annotators, a repeat asks them again: none of these is work for the file.
ROUNDS: Final = ("work", "review")
VERSION: Final = 1  # of the rules' shape; a later one reads the earlier ones

# How a strength is told: of people, of judges (arena-hard's weights), of whoever sees no difference.
STRENGTH_SCALE: Final = {"people": [1, 2, 3], "judges": [1, 3], "tie": 0}


@dataclass(frozen=True, slots=True)
class LabelRules:
    """Label rules. Everything that is not given is as it is here.

    Who counts. `who`: people before judges (annotators; where none has labelled, labels that came with a file; then
    judges), one of the two alone, or all alike. `people`, `judges`: only these, by name; empty for all of them.
    `rule_raters`: raters that are rules and not readers count only if named. `rounds` are purposes of rounds,
    `only_rounds` names of some of them, empty for all.
    `only_both_orders`: judges that read one order only do not count.

    How they become one. `review_first`: where a review round gave a verdict, that one holds. `agreement`: more than
    half of the labels, all of them, or more than half of the `weights` (by name; 1 where none is given). `least_labels`
    of those who decide. `least_strength` of their mean signed strength; `needs_strength`: without one no row.

    What becomes of a decided pair. `edits`: an annotator's edit beats the worse reply, its own original, or both.
    `ties`: formats of single completions make
    two undesirable rows of both bad, and two desirable ones of a tie where the guidelines define it so. `longest_reply` in characters, 0 for any.
    `on_policy`: replies of the project's target model. `per_prompt`: at most so many pairs of one prompt, 0 for any.
    `length_match`: as many longer as shorter replies chosen. `seed` is of what is drawn by lot.

    `name` is the one they are saved under, where they are; `version` is of this shape.
    """

    who: Who = "people_first"
    people: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    rule_raters: tuple[str, ...] = ()
    rounds: tuple[str, ...] = ROUNDS
    only_rounds: tuple[str, ...] = ()
    only_both_orders: bool = True
    review_first: bool = True
    agreement: Agreement = "majority"
    weights: tuple[tuple[str, float], ...] = ()
    least_labels: int = 1
    least_strength: float = 1.0
    needs_strength: bool = False
    edits: Edits = "beat_loser"
    ties: Ties = "say_nothing"
    longest_reply: int = 0
    refusals: Refusals = "keep"
    personal_data: PersonalData = "keep"
    on_policy: OnPolicy = "any"
    contradictions: Contradictions = "keep"
    per_prompt: int = 0
    length_match: bool = False
    seed: int = 0
    name: str = field(default="", kw_only=True)
    version: int = field(default=VERSION, kw_only=True)

    def as_dict(self) -> dict[str, Any]:
        """What JSON holds; `read_rules` reads it back."""
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return told | {"weights": dict(self.weights)}

    def changed(self) -> dict[str, Any]:
        """Only what is not as by default."""
        usual = DEFAULT_RULES.as_dict()
        return {name: value for name, value in self.as_dict().items() if value != usual[name]}

    @property
    def reads_texts(self) -> bool:
        """Whether the replies themselves must be read to know which pairs stay."""
        return self.refusals != "keep" or self.personal_data == "leave_out"

    @property
    def looks_across(self) -> bool:
        """Whether a pair's place depends on other pairs, or on more than its labels: all must be known before one is written."""
        return (
            self.reads_texts
            or self.longest_reply > 0
            or self.on_policy != "any"
            or self.contradictions != "keep"
            or self.per_prompt > 0
            or self.length_match
        )


DEFAULT_RULES: Final = LabelRules()
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "who": get_args(Who),
    "agreement": get_args(Agreement),
    "edits": get_args(Edits),
    "ties": get_args(Ties),
    "refusals": get_args(Refusals),
    "personal_data": get_args(PersonalData),
    "on_policy": get_args(OnPolicy),
    "contradictions": get_args(Contradictions),
}


def read_rules(given: Mapping[str, Any]) -> LabelRules:
    """Rules from a file or a stored export; what is not given is as by default.

    Raises:
        InputError: an unknown rule, or a value it cannot have.
    """
    known = {field.name for field in fields(LabelRules)}
    found = {}
    for name, value in given.items():
        if name not in known:
            raise InputError(f"There is no label rule {name!r}. Known are {', '.join(sorted(known))}.")
        found[name] = _READERS.get(name, _choice)(name, value)
    return LabelRules(**found)


def rules_toml(rules: LabelRules) -> str:
    """The rules as a file that `--rules` takes; only what is not as by default."""
    lines = ["# Label rules of Tiebreak. What is not named here is as by default.", f"version = {VERSION}"]
    changed = rules.changed()
    weights = changed.pop("weights", {})
    lines += [f"{name} = {_toml(value)}" for name, value in changed.items()]
    if weights:
        lines += ["", "[weights]", *(f"{_toml(name)} = {_toml(value)}" for name, value in weights.items())]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # TOML's basic strings escape as JSON does, and DEL too.
        import json

        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


# --- reading one value -------------------------------------------------------------------------------------------


def _choice(name: str, value: Any) -> Any:
    if value not in CHOICES[name]:
        raise InputError(f"The label rule {name} is {value!r}; it can be {', '.join(CHOICES[name])}.")
    return value


def _yes_or_no(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise InputError(f"The label rule {name} is {value!r}; it is true or false.")
    return value


def _whole(least: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        if type(value) is not int or not least <= value < 2**31:
            raise InputError(f"The label rule {name} is {value!r}; it is a whole number from {least}.")
        return value

    return read


def _strength(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not 1 <= value <= 3:
        raise InputError(f"The label rule {name} is {value!r}; it is a number from 1 to 3.")
    return float(value)


def _rounds(name: str, value: Any) -> tuple[str, ...]:
    purposes = [purpose.value for purpose in RoundPurpose]
    if not isinstance(value, list | tuple) or not all(purpose in purposes for purpose in value):
        raise InputError(f"The label rule {name} is {value!r}; it is a list of {', '.join(purposes)}.")
    return tuple(value)


def _names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
        raise InputError(f"The label rule {name} is {value!r}; it is a list of names.")
    return tuple(value)


def _weights(name: str, value: Any) -> tuple[tuple[str, float], ...]:
    known = value if isinstance(value, Mapping) else None
    if known is None or not all(type(one) in (int, float) and 0 <= one <= 1000 for one in known.values()):
        raise InputError(
            f"The label rule {name} is {value!r}; it is a table of names, each with a number from 0 to 1000."
        )
    return tuple(sorted((str(rater), float(weight)) for rater, weight in known.items()))


def _name(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"The label rule {name} is {value!r}; it is a text.")
    return value


def _version(name: str, value: Any) -> int:
    if value != VERSION:
        raise InputError(f"The label rules are of {name} {value!r}; this program reads {name} {VERSION}.")
    return VERSION


_READERS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "people": _names,
    "judges": _names,
    "rule_raters": _names,
    "only_rounds": _names,
    "rounds": _rounds,
    "only_both_orders": _yes_or_no,
    "review_first": _yes_or_no,
    "weights": _weights,
    "least_labels": _whole(1),
    "least_strength": _strength,
    "needs_strength": _yes_or_no,
    "longest_reply": _whole(0),
    "per_prompt": _whole(0),
    "length_match": _yes_or_no,
    "seed": _whole(0),
    "name": _name,
    "version": _version,
}
