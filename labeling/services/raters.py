"""Who gave the labels, as far as label rules ask: one line a rater, and the same as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from labeling.services.label_rules import LabelRules

Kind: TypeAlias = Literal["annotator", "imported", "judge", "rule"]
KINDS: Final[tuple[Kind, ...]] = ("annotator", "imported", "judge", "rule")
ANNOTATOR, IMPORTED, JUDGE, RULE = range(4)
NEVER: Final = 9

# The order in which kinds are asked; those of one number decide together. Rules come last: they read nothing.
TIERS: Final[Mapping[str, tuple[int, int, int, int]]] = {
    "people_first": (1, 2, 3, 4),
    "people": (1, 1, NEVER, NEVER),
    "judges": (NEVER, NEVER, 1, NEVER),
    "all": (1, 1, 1, 1),
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A rater. Judges have a name, a version of it, and whether they read both orders. Other kinds than these are rules."""

    kind: Kind
    name: str
    judge: str = ""
    version: int = 0
    reads_both_orders: bool = True
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Raters:
    """Raters as columns, each in the place that labels name. `judge` numbers judges of one name alike, -1 for others.

    `has_versions`: some judge is there in more than one.
    """

    voices: tuple[Voice, ...]
    ids: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    judge: npt.NDArray[np.int64]
    version: npt.NDArray[np.int64]
    reads_both_orders: npt.NDArray[np.bool_]
    has_versions: bool

    def places(self, rater_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Where the raters stand. Every one of them is known."""
        return np.searchsorted(self.ids, rater_ids)

    def chosen(self, rules: LabelRules) -> npt.NDArray[np.bool_]:
        """Those the rules count, whatever else is asked of them. Who has no weight does not."""
        chosen = np.array([_is_chosen(voice, rules) for voice in self.voices], dtype=bool)
        return chosen & (self.weights(rules) > 0) if rules.agreement == "weighted" else chosen

    def tiers(self, rules: LabelRules) -> npt.NDArray[np.int64]:
        """Who is asked before whom: the smallest number first, `NEVER` not at all."""
        return np.array(TIERS[rules.who])[self.kind]

    def weights(self, rules: LabelRules) -> npt.NDArray[np.float64]:
        given = dict(rules.weights)
        return np.array([given.get(voice.name, given.get(voice.judge, 1.0)) for voice in self.voices], dtype=float)


def raters(voices: Mapping[int, Voice]) -> Raters:
    """Columns of raters, given by their ids."""
    ids = sorted(voices)
    listed = tuple(voices[id_] for id_ in ids)
    names = {
        name: place for place, name in enumerate(dict.fromkeys(one.judge for one in listed if one.kind == "judge"))
    }
    return Raters(
        voices=listed,
        ids=np.array(ids, dtype=np.int64),
        kind=np.array([KINDS.index(voice.kind) for voice in listed], dtype=np.int64),
        judge=np.array([names[one.judge] if one.kind == "judge" else -1 for one in listed], dtype=np.int64),
        version=np.array([voice.version for voice in listed], dtype=np.int64),
        reads_both_orders=np.array([one.kind != "judge" or one.reads_both_orders for one in listed], dtype=bool),
        has_versions=len(names) < sum(voice.kind == "judge" for voice in listed),
    )


def _is_chosen(voice: Voice, rules: LabelRules) -> bool:
    if voice.kind == "rule":
        return voice.name in rules.rule_raters
    if voice.kind == "judge":
        return not rules.judges or voice.judge in rules.judges or voice.name in rules.judges
    return not rules.people or voice.name in rules.people


def names_of(voices: Sequence[Voice]) -> dict[str, list[str]]:
    """What `people`, `judges` and `rule_raters` can name: judges by the name of all their versions."""
    return {
        "people": sorted({voice.name for voice in voices if voice.kind in ("annotator", "imported")}),
        "judges": sorted({voice.judge for voice in voices if voice.kind == "judge"}),
        "rule_raters": sorted({voice.name for voice in voices if voice.kind == "rule"}),
    }
