"""What label rules do to a project: how many pairs stay, by reason how many go, and what the rows would be like.

The columns of the project are kept (`project_book`), so that the effect of a changed rule on 100,000 pairs is told in
a fraction of a second. An export leaves out exactly the pairs that are counted here.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from labeling.domain import Actor, Right
from labeling.errors import InputError
from labeling.services.access import managed_project, open_project
from labeling.services.deciding import Ballot, Gone, ballot, set_aside
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.services.pair_rules import contradicting, gone_by, longer_chosen, lots, over_cap, over_length
from labeling.services.personal_data import KINDS
from labeling.services.project_book import Sides, book_of, book_with_sides, open_results
from labeling.services.raters import names_of
from labeling.services.text_traits import EDIT_REFUSES, REFUSES_A, REFUSES_B, edit_traits, read_traits, traits_of
from labeling.services.votes import CODE, EDITED, OUTCOMES, A, B, Column, Outcomes, decide_all, edits_of
from labeling.storage import exports as rows
from labeling.storage.store import Session, Store
from labeling.storage.vote_columns import edit_facts

ONLY_BETTER: Final = frozenset({"better"})
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`."""

    part: int
    whole: int


@dataclass(frozen=True, slots=True)
class Singles:
    """Rows of single completions: each completion once. `conflicting` ones are desirable in one pair and not in another."""

    desirable: int
    undesirable: int
    conflicting: int


@dataclass(frozen=True, slots=True)
class Effect:
    """pairs = kept + the sum of `left_out` (by reason, in the order in which rules are asked).

    `rows` come of the pairs kept: of `effect` before a format refuses any. `unread`: pairs whose texts are not read yet, which a
    rule about texts does not leave out so far. The rest is of the pairs kept and known only where it was asked for:
    `longer_before` and `longer_after` lengths are matched, of all rows of the pairs, `own_both` and `own_one` sides by the model to be tuned,
    `edited` by an annotator, `contradicting` others of their prompt, `without_strength` in all of their rows; `found`
    counts pairs in whose rows personal data or keys were found, by kind, before the rule about them. `own_both` and
    `own_one` are None where no such model is named.
    """

    pairs: int
    kept: int
    rows: int
    left_out: dict[str, int]
    label_seq: int
    unread: int = 0
    edited: int = 0
    without_strength: int = 0
    longer_before: Share | None = None
    longer_after: Share | None = None
    target_model: str | None = None
    own_both: int | None = None
    own_one: int | None = None
    contradicting: int | None = None
    found: dict[str, int] | None = None
    singles: Singles | None = None


def effect(
    store: Store,
    actor: Actor,
    slug: str,
    rules: LabelRules = DEFAULT_RULES,
    *,
    takes: frozenset[str] = ONLY_BETTER,
    figures: bool = True,
) -> Effect:
    """What the rules do now. `takes` are the outcomes a format makes rows of; without `figures` only pairs are counted.

    Reads only the texts that a rule asks for and `read_texts` has not read yet, and those of edits.

    Raises:
        InputError: a rule asks for the target model's replies, and the project names none.
    """
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.SEE)
        assert project.id is not None
        held = replace(ballot(session, project.id, rules), takes=takes)
        return _Weighing(store, session, held, project.target_model, figures=figures).effect()


def effect_on(store: Store, session: Session, held: Ballot) -> Effect:
    """The same of a ballot, with figures; they are of the pairs that `held.fits`, where that is known."""
    return _Weighing(store, session, held, rows.target_model(session, held.project_id), figures=True).effect()


def rater_names(store: Store, actor: Actor, slug: str) -> dict[str, list[str]]:
    """What the rules `people`, `judges`, `rule_raters` and `only_rounds` can name: who said something, and where."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        held = ballot(session, project_id, DEFAULT_RULES)
        book = book_of(store, session, held)
        raters = held.raters.places(np.unique(book.events.rater)).tolist()
        raters += np.unique(open_results(session, held, book).rater).tolist()
        rounds = rows.rounds(session, project_id)
        given_in = [rounds[id_][0] for id_ in np.unique(book.rounds).tolist() if id_ in rounds]
    return names_of([held.raters.voices[place] for place in raters]) | {"only_rounds": given_in}


def read_texts(store: Store, actor: Actor, slug: str, progress: Progress | None = None) -> None:
    """Read what no rule about texts has read yet, once; `progress` is called with the pairs known and all."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        held = ballot(session, project_id, DEFAULT_RULES)
        book = book_of(store, session, held)
    read_traits(store, held, book.pair_id, progress)


def settled(store: Store, session: Session, held: Ballot) -> Ballot:
    """The ballot with the pairs that go for what is known of all pairs. Texts are read where a rule asks for it."""
    if not held.rules.looks_across:
        return held
    if held.rules.reads_texts:
        read_traits(store, held, book_of(store, session, held).pair_id)
    weighing = _Weighing(store, session, held, rows.target_model(session, held.project_id), figures=False)
    return weighing.settled()


@dataclass(frozen=True, slots=True)
class _Rows:
    """Each pair's row, and after them the second ones of edits: the place of the pair, the reply that is rejected and its
    length, and whether the file takes the row."""

    pair: Column
    rejected_id: Column
    rejected: Column
    fits: Column


class _Weighing:
    """One pass of the rules over a book: `code` is, for each pair, its outcome after all rules."""

    def __init__(
        self, store: Store, session: Session, held: Ballot, target_model: str | None, *, figures: bool
    ) -> None:
        self._store, self._session, self._held, self._model = store, session, held, target_model
        self._figures = figures
        rules = held.rules
        if rules.on_policy != "any" and not target_model:
            raise InputError(
                "The label rule on_policy asks for replies of the model to be tuned, and the project names none. "
                "Name it on the page Generate, or leave the rule at any."
            )
        self._sides: Sides | None = None
        if figures or rules.looks_across:
            self.book, self._sides = book_with_sides(store, session, held, target_model)
        else:
            self.book = book_of(store, session, held)
        events = self.book.events_of(held)
        self.outcomes: Outcomes = decide_all(
            events, open_results(session, held, self.book), len(self.book.pair_id), held.raters, rules
        )
        set_aside(self.outcomes.code, self.book.pair_id, self.book.prompt_id, held)
        if held.last_pair is not None:  # an export made again: later pairs are not there for it
            self.outcomes.code[self.book.pair_id > held.last_pair] = CODE["no_label"]
        self._edit_pairs, self._edit_ids = edits_of(events, self.outcomes)
        if rules.edits == "ignore":
            self._edit_pairs, self._edit_ids = self._edit_pairs[:0], self._edit_ids[:0]
        is_used = held.taken[self.outcomes.code[self._edit_pairs]]
        self._edit_pairs, self._edit_ids = self._edit_pairs[is_used], self._edit_ids[is_used]
        self.code: Column = self.outcomes.code.copy()
        fits = held.fits
        self._fits: Column = (
            np.ones(len(self.code), dtype=bool) if fits is None else np.isin(self.book.pair_id, fits.pairs)
        )
        self._unread, self._found = 0, np.zeros(0, dtype=np.int8)
        self._longer_before = self._longer_after = Share(0, 0)
        self._drawn_out: frozenset[tuple[int, int]] = frozenset()
        if self._sides is not None:
            self._compare(self._sides)
            self._narrow(self._sides)

    @property
    def _stays(self) -> Column:
        stays: Column = self._held.taken[self.code]
        return stays

    def _go(self, gone: Column, reason: str) -> None:
        self.code[gone & self._stays] = CODE[reason]

    def _compare(self, sides: Sides) -> None:
        """Lengths of the chosen and the rejected reply, an edit taken for the better one."""
        is_b = self.outcomes.code == B
        self._longest = np.maximum(sides.a_length, sides.b_length)
        self._chosen = np.where(is_b, sides.b_length, sides.a_length)
        self._rejected = np.where(is_b, sides.a_length, sides.b_length)
        # Of each edit, whether a and b stand in a row beside it.
        self._beside_a, self._beside_b = np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
        rejected_id = np.where(is_b, sides.a_id, sides.b_id)
        self._rows = _Rows(np.arange(len(self.code)), rejected_id, self._rejected, self._fits)
        if not len(self._edit_ids):
            return
        facts = _edit_columns(self._session, self._edit_ids)
        parent, length = facts[:, 0], facts[:, 1]
        pair, edits = self._edit_pairs, self._held.rules.edits
        bad = self.outcomes.code[pair] == EDITED
        of_a = sides.a_id[pair] == parent
        loses_a = np.where(bad, ~of_a, is_b[pair])
        beats_a = of_a if edits == "beat_original" else loses_a
        also = (of_a != loses_a) & (edits == "both")  # against the original too, where that is not the loser
        beats_both = bad & ("both_bad" in self._held.takes) | also
        self._beside_a, self._beside_b = beats_a | beats_both, ~beats_a | beats_both
        a_length, b_length = sides.a_length[pair], sides.b_length[pair]
        self._chosen[pair], self._rejected[pair] = length, np.where(beats_a, a_length, b_length)
        a_id, b_id = sides.a_id[pair], sides.b_id[pair]
        rejected_id[pair], second_id = np.where(beats_a, a_id, b_id), np.where(beats_a, b_id, a_id)[also]
        fits = self._fits.copy()
        fits[pair] = self._edits_fit(pair, rejected_id[pair])
        self._rows = _Rows(
            np.concatenate([self._rows.pair, pair[also]]),
            np.concatenate([rejected_id, second_id]),
            np.concatenate([self._rejected, np.where(beats_a, b_length, a_length)[also]]),
            np.concatenate([fits, self._edits_fit(pair[also], second_id)]),
        )
        beside = np.maximum(np.where(self._beside_a, a_length, 0), np.where(self._beside_b, b_length, 0))
        self._longest[pair] = np.maximum(length, beside)

    def _edits_fit(self, pair: Column, rejected_id: Column) -> Column:
        """Of rows of edits, told by the place of their pair and the reply they reject, which the file takes."""
        if self._held.fits is None:
            return np.ones(len(pair), dtype=bool)
        edited = self._held.fits.edited
        told = zip(self.book.pair_id[pair].tolist(), rejected_id.tolist(), strict=True)
        return np.fromiter((row in edited for row in told), dtype=bool, count=len(pair))

    def _narrow(self, sides: Sides) -> None:
        """The rules about decided pairs, one after the other: what one leaves out no later one counts."""
        rules = self._held.rules
        if rules.longest_reply:
            self._go(self._longest > rules.longest_reply, "too_long")
        if rules.on_policy != "any":
            own = sides.a_own & sides.b_own if rules.on_policy == "both_sides" else sides.a_own | sides.b_own
            self._go(~own, "off_policy")
        if rules.refusals != "keep" or rules.personal_data != "keep":
            self._read_texts()
        lot = lots(self.book.pair_id, rules.seed)
        is_a = self.outcomes.code == A
        better, worse = np.where(is_a, sides.a, sides.b), np.where(is_a, sides.b, sides.a)
        if rules.contradictions != "keep":
            sided = self._stays & (self.code <= B)
            self._go(gone_by(rules.contradictions, better, worse, sided, self.outcomes.strength, lot), "contradiction")
        if rules.per_prompt:
            self._go(over_cap(self.book.prompt_id, self._stays & self._fits, rules.per_prompt, lot), "over_cap")
        pair, rejected = self._rows.pair, self._rows.rejected
        chosen, sided = self._chosen[pair], (self._stays & (self.code <= EDITED))[pair] & self._rows.fits
        self._longer_before = self._longer_after = Share(*longer_chosen(chosen, rejected, sided))
        if rules.length_match:
            gone = over_length(chosen, rejected, sided, lot[pair])
            self._draw_out(gone, sides)
            self._longer_after = Share(*longer_chosen(chosen, rejected, sided & ~gone))

    def _draw_out(self, gone: Column, sides: Sides) -> None:
        """Rows go, and a pair with the last of its rows."""
        pair = self._rows.pair
        drawn, has_row = np.zeros(len(self.code), dtype=bool), np.zeros(len(self.code), dtype=bool)
        drawn[pair[gone]] = True
        has_row[pair[self._rows.fits & ~gone]] = True
        self._go(drawn & ~has_row, "length_match")
        one = np.flatnonzero(gone & has_row[pair])
        if not len(one):
            return
        pair, rejected_id = pair[one], self._rows.rejected_id[one]
        self._drawn_out = frozenset(zip(self.book.pair_id[pair].tolist(), rejected_id.tolist(), strict=True))
        is_a, edit = rejected_id == sides.a_id[pair], np.searchsorted(self._edit_pairs, pair)
        # Both bad ones still stand in a row of their own.
        is_away = (self.code[pair] != EDITED) | ("both_bad" not in self._held.takes)
        self._beside_a[edit[is_a & is_away]] = False
        self._beside_b[edit[~is_a & is_away]] = False

    def _read_texts(self) -> None:
        """The rules about texts: they read what stands in the rows, of a pair with an edit perhaps one side alone."""
        rules = self._held.rules
        known, traits = traits_of(self._store, self._held.project_id).of(self.book.pair_id)
        self._unread = int(np.count_nonzero(~known & self._stays))
        refuses, found = traits.refuses, traits.around | traits.a | traits.b
        chosen = np.where(self.code == A, REFUSES_A, np.where(self.code == B, REFUSES_B, 0))
        chosen[self.code == CODE["tie"]] = REFUSES_A | REFUSES_B  # which is a row where both are good
        if len(self._edit_ids):
            pair = self._edit_pairs
            read = edit_traits(self._store, self._session, self._held, self._edit_ids.tolist())
            edit_refuses, edit_found = np.array([read[id_] for id_ in self._edit_ids.tolist()], dtype=np.int8).T
            in_rows = REFUSES_A * self._beside_a + REFUSES_B * self._beside_b
            refuses[pair] = refuses[pair] & in_rows | edit_refuses
            found[pair] = traits.around[pair] | traits.a[pair] * self._beside_a | traits.b[pair] * self._beside_b
            found[pair] |= edit_found
            chosen[pair] = EDIT_REFUSES
        if rules.refusals != "keep":
            self._go((refuses if rules.refusals == "leave_out" else refuses & chosen) > 0, "refusal")
        if rules.personal_data == "keep":
            return
        self._found = np.where(self._stays, found, 0)
        if rules.personal_data == "leave_out":
            self._go(found > 0, "personal_data")

    def settled(self) -> Ballot:
        gone = np.flatnonzero(self.code != self.outcomes.code)
        return replace(
            self._held,
            gone=Gone(self.book.pair_id[gone], self.code[gone].astype(np.int8)),
            drawn_out=self._drawn_out,
            told=self._told(),
        )

    def _told(self) -> dict[str, object]:
        """What the rules across pairs came to, as JSON."""
        assert self._sides is not None
        stays, sides = self._stays & self._fits, self._sides
        found = self._found_by_kind() if len(self._found) else None
        return {
            "longer_chosen": {"before": asdict(self._longer_before), "after": asdict(self._longer_after)},
            "target_model": self._model,
            "own_replies": None if self._model is None else dict(zip(("both", "one"), _own(sides, stays), strict=True)),
            **({} if found is None else {"found": found}),
        }

    # --- what is told ------------------------------------------------------------------------------------------------

    def effect(self) -> Effect:
        taken = self._held.taken
        counts = np.bincount(self.code, minlength=len(OUTCOMES))
        kept = int(counts[taken].sum())
        told = Effect(
            pairs=len(self.code),
            kept=kept,
            rows=kept,
            left_out={OUTCOMES[place]: int(count) for place, count in enumerate(counts) if count and not taken[place]},
            label_seq=self._held.mark,
        )
        return told if self._sides is None or not self._figures else self._with_figures(told, self._sides)

    def _with_figures(self, told: Effect, sides: Sides) -> Effect:
        stays, rules = self._stays & self._fits, self._held.rules
        edited = stays[self._edit_pairs]
        is_a = self.code == A
        better, worse = np.where(is_a, sides.a, sides.b), np.where(is_a, sides.b, sides.a)
        twice = edited & self._beside_a & self._beside_b
        has_strength = ~np.isnan(self.outcomes.strength)
        if rules.edits == "beat_original":  # nobody said how much better an edit is than what it was made from
            has_strength[self._edit_pairs] = False
        singles = None if self._held.takes == ONLY_BETTER else self._singles(sides)
        own_both, own_one = (None, None) if self._model is None else _own(sides, stays)
        return replace(
            told,
            rows=singles.desirable + singles.undesirable if singles else told.kept + int(np.count_nonzero(twice)),
            unread=self._unread,
            edited=int(np.count_nonzero(edited)),
            without_strength=int(np.count_nonzero(stays & (self.code <= EDITED) & ~has_strength)),
            longer_before=self._longer_before,
            longer_after=self._longer_after,
            target_model=self._model,
            own_both=own_both,
            own_one=own_one,
            contradicting=int(np.count_nonzero(contradicting(better, worse, stays & (self.code <= B)))),
            found=self._found_by_kind() if rules.personal_data != "keep" else None,
            singles=singles,
        )

    def _found_by_kind(self) -> dict[str, int]:
        found = np.where(self._stays & ~self._fits, 0, self._found)
        return {kind: int(np.count_nonzero(found & 1 << bit)) for bit, kind in enumerate(KINDS)}

    def _singles(self, sides: Sides) -> Singles:
        a, b = sides.a, sides.b
        stays = self._stays & self._fits
        first, second = np.where(self.code == B, b, a), np.where(self.code == B, a, b)
        # An edit is a reply of its own; it stands where the better one stood.
        pair = self._edit_pairs
        first[pair] = -self._edit_ids
        second[pair] = np.where(self._beside_a, a[pair], b[pair])
        twice = b[pair[self._beside_a & self._beside_b & stays[pair]]]
        tie, bad = self.code == CODE["tie"], self.code == CODE["both_bad"]
        good = np.union1d(first[stays & ~bad], second[stays & tie])
        poor = np.unique(np.concatenate([second[stays & ~tie], first[stays & bad], twice]))
        conflicting = len(np.intersect1d(good, poor))
        return Singles(len(good) - conflicting, len(poor) - conflicting, conflicting)


def _own(sides: Sides, among: Column) -> tuple[int, int]:
    """Of the pairs `among`, how many have both and how many have one of their sides by the model to be tuned."""
    both, one = sides.a_own & sides.b_own, sides.a_own ^ sides.b_own
    return int(np.count_nonzero(among & both)), int(np.count_nonzero(among & one))


def _edit_columns(session: Session, edit_ids: Column) -> Column:
    """(parent, characters) of each edit."""
    facts = edit_facts(session, edit_ids.tolist())
    return np.array([facts[id_] for id_ in edit_ids.tolist()], dtype=np.int64)
