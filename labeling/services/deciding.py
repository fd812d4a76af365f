"""Every pair of a project decided by label rules, in chunks by pair id. No long text is read here."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np

from labeling.domain import Side
from labeling.services.label_rules import LabelRules
from labeling.services.raters import Raters, Voice, raters
from labeling.services.votes import (
    CODE,
    EDITED,
    OUTCOMES,
    PURPOSES,
    UNNAMED,
    Column,
    Events,
    Outcomes,
    Results,
    decide_all,
    edits_of,
    last_events,
)
from labeling.storage import exports as rows
from labeling.storage import vote_columns as columns
from labeling.storage.judging import judge_title
from labeling.storage.store import Session

CHUNK = 10_000
SIDES: tuple[Side, Side] = ("a", "b")
# What a rater says who agrees with an outcome, as a number of `EventColumns.verdict`.
SAYS = {CODE["a"]: 0, CODE["b"]: 1, CODE["tie"]: 2, CODE["both_bad"]: 3, EDITED: 3}


class Decision(NamedTuple):
    """A pair that makes a row. `reason` is None where a side is better, or an edit; else "tie" or "both_bad".

    `better` is None where both are bad and an edit stands for what should have been said, as it is with a reason.
    `raters` and `labels` are those it rests on, `strength` their mean signed strength, None where one of them has none.
    `edit_id` is the completion that an annotator wrote, `agreed` the share of the labels that say what came out.
    """

    better: Side | None
    raters: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    strength: float | None = None
    edit_id: int | None = None
    reason: str | None = None
    agreed: float = 1.0


@dataclass(frozen=True, slots=True)
class Decided:
    """A chunk: looked = the pairs that `chosen` gives, once, + the sum of `left_out`, which counts by reason.

    Of the labels that `chosen` rests on, and that prefer a side seen on a screen, there are `left_wins` for the one that
    stood left and `right_wins` for the other.
    """

    looked: int
    chosen: Iterator[tuple[int, Decision]]
    left_out: Counter[str]
    left_wins: int
    right_wins: int


@dataclass(frozen=True, slots=True)
class Gone:
    """What rules that look across pairs leave out: pairs by id, each with its reason as a place in `OUTCOMES`."""

    pair_id: Column
    code: Column


NONE_GONE: Final = Gone(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8))


@dataclass(frozen=True, slots=True)
class Fits:
    """What a file takes: pairs, by id, of which it takes a row; and the rows of edits that it takes, each told by its pair
    and the reply that is rejected in it."""

    pairs: Column
    edited: frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Ballot:
    """What deciding a project's pairs needs to know, of one moment: who the raters are, up to which label.

    `purposes` are places in `PURPOSES` by round, as far as the rules name it. Pairs after `last_pair`, where given, are not looked at. `takes` are
    the outcomes the format makes rows of: better, and perhaps tie and both_bad. `gone` is what rules that look across
    pairs leave out, `drawn_out` the rows of edits that go while another row of their pair stays, told as in `Fits`; `told` is what
    the rules came to, for the manifest. Where rows are split (`is_split`) they are told by the
    groups of their prompts, which later prompts may join; else by the prompts, which never change. `fits` is
    what the file takes, where that is known: other pairs take nobody's place in what is drawn, and no figure tells of them. `keeps_names`
    says whether the format has a place for the names of speakers.
    """

    project_id: int
    rules: LabelRules
    mark: int
    hidden: list[int]
    reserved: list[int]
    left_out: list[int]
    purposes: dict[int, int]
    raters: Raters
    last_pair: int | None = None
    takes: frozenset[str] = frozenset({"better"})
    gone: Gone = NONE_GONE
    drawn_out: frozenset[tuple[int, int]] = frozenset()
    told: Mapping[str, Any] = field(default_factory=dict)
    is_split: bool = False
    fits: Fits | None = None
    keeps_names: bool = True

    @property
    def taken(self) -> Column:
        """By the places of `OUTCOMES`, which of them are rows."""
        taken = np.arange(len(OUTCOMES)) <= EDITED
        taken[CODE["tie"]] = "tie" in self.takes and self.rules.ties == "both_good"
        taken[CODE["both_bad"]] = "both_bad" in self.takes
        return taken

    def voice(self, rater_id: int) -> Voice:
        return self.raters.voices[int(np.searchsorted(self.raters.ids, rater_id))]


def ballot(session: Session, project_id: int, rules: LabelRules) -> Ballot:
    return Ballot(
        project_id=project_id,
        rules=rules,
        mark=rows.label_mark(session, project_id),
        hidden=rows.hidden_imports(session, project_id),
        reserved=sorted(rows.reserved_prompts(session, project_id)),
        left_out=sorted(rows.left_out_pairs(session, project_id)),
        purposes={
            id_: PURPOSES.index(purpose) if not rules.only_rounds or name in rules.only_rounds else UNNAMED
            for id_, (name, purpose) in rows.rounds(session, project_id).items()
        },
        raters=raters({row.rater_id: _voice(row) for row in rows.voices(session, project_id)}),
    )


def decisions(session: Session, held: Ballot, without: Sequence[int] = ()) -> Iterator[Decided]:
    """Every visible pair of the project by id but those of `without`, a chunk at a time."""
    last, end = 0, sys.maxsize if held.last_pair is None else held.last_pair
    while last < end and len((pairs := _chunk(session, held, last))[0]):
        last = int(pairs[0][-1])
        wanted = (pairs[0] <= end) & ~np.isin(pairs[0], without)
        if wanted.any():
            yield _decided(session, held, *(column[wanted] for column in pairs))


def _chunk(session: Session, held: Ballot, after: int) -> tuple[Column, Column]:
    """The next pairs, and their prompts. Mostly they follow each other, and which the prompts are need not be known."""
    if not held.reserved and rows.are_visible_pairs(session, held.project_id, after + 1, after + CHUNK, held.hidden):
        return np.arange(after + 1, after + CHUNK + 1), np.zeros(CHUNK, dtype=np.int64)
    return _columns(rows.pair_chunk(session, held.project_id, after, held.hidden, CHUNK))


def decisions_on(session: Session, held: Ballot, pairs: Sequence[tuple[int, int]]) -> Decided:
    """Some pairs, given as (pair, prompt) by id."""
    return _decided(session, held, *_columns(pairs))


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[Column, Column]:
    pair_id, prompt_id = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return pair_id, prompt_id


def _decided(session: Session, held: Ballot, pair_id: Column, prompt_id: Column) -> Decided:
    ids = pair_id.tolist()
    read = columns.events_on(session, ids, held.mark, held.hidden)
    events = events_of(read, pair_id, held)
    results = results_of(columns.open_results_on(session, ids, held.mark), pair_id, held)
    outcomes = decide_all(events, results, len(ids), held.raters, held.rules)
    code = set_aside(outcomes.code, pair_id, prompt_id, held)
    gone = _found(pair_id, held.gone.pair_id)
    code[gone] = held.gone.code[np.searchsorted(held.gone.pair_id, pair_id[gone])]
    taken = held.taken[code]
    counts = np.bincount(code[~taken], minlength=len(OUTCOMES))
    left_out = Counter({OUTCOMES[place]: int(count) for place, count in enumerate(counts) if count})
    deciding = outcomes.deciding[taken[events.pair[outcomes.deciding]]]
    _, left_wins, right_wins = np.bincount(read.stood[events.place[deciding]], minlength=3).tolist()
    chosen = _chosen(pair_id, code, outcomes, events, read.label_id, held)
    return Decided(len(ids), chosen, left_out, left_wins, right_wins)


def set_aside(code: Column, pair_id: Column, prompt_id: Column, held: Ballot) -> Column:
    """Outcomes with what no label changes: a prompt is kept for evaluation, or a lead left the pair out."""
    if held.reserved:
        code[np.isin(prompt_id, held.reserved)] = CODE["reserved"]
    if held.left_out:
        code[np.isin(pair_id, held.left_out)] = CODE["left_out"]
    return code


def events_of(read: columns.EventColumns, pair_id: Column, held: Ballot) -> Events:
    """Events as they were read, on the pairs `pair_id` (ascending); `place` is where they stood."""
    mine = np.flatnonzero(_found(read.pair_id, pair_id))
    round_ids = read.round_id[mine]
    rounds, which = np.unique(round_ids, return_inverse=True)
    purposes = np.array([held.purposes.get(int(round_), 0) for round_ in rounds], dtype=np.int64)
    events = last_events(
        pair=np.searchsorted(pair_id, read.pair_id[mine]),
        rater=held.raters.places(read.rater_id[mine]),
        round_=round_ids,
        purpose=purposes[which] if len(rounds) else round_ids,
        revision=read.revision[mine],
        seq=read.seq[mine],
        verdict=read.verdict[mine],
        strength=read.strength[mine],
        edit=read.edit_id[mine],
    )
    return replace(events, place=mine[events.place])


def results_of(read: columns.ResultColumns, pair_id: Column, held: Ballot) -> Results:
    mine = np.flatnonzero(_found(read.pair_id, pair_id))
    return Results(
        np.searchsorted(pair_id, read.pair_id[mine]), held.raters.places(read.rater_id[mine]), read.state[mine]
    )


def _chosen(
    pair_id: Column, code: Column, outcomes: Outcomes, events: Events, label_id: Column, held: Ballot
) -> Iterator[tuple[int, Decision]]:
    """The pairs that make rows, by id. There may be a million: they are put together of columns, each when it is asked
    for. Ten thousand at a time would be looked through again and again by the garbage collector."""
    edits = dict(zip(*(column.tolist() for column in edits_of(events, outcomes)), strict=True))
    if held.rules.edits == "ignore":
        edits = {}
    deciding = outcomes.deciding
    pairs = events.pair[deciding]
    kept = np.flatnonzero(held.taken[code])
    raters_ = tuple(held.raters.ids[events.rater[deciding]].tolist())
    labels = tuple(label_id[events.place[deciding]].tolist())
    verdicts = events.verdict[deciding].tolist()
    columns = (kept, pair_id[kept], code[kept], outcomes.strength[kept])
    spans = (np.searchsorted(pairs, kept, side=side) for side in ("left", "right"))
    for place, pair, which, strength, start, end in zip(*(one.tolist() for one in (*columns, *spans)), strict=True):
        yield (
            pair,
            Decision(
                SIDES[which] if which < EDITED else None,
                raters_[start:end],
                labels[start:end],
                None if strength != strength else strength,  # NaN is not itself
                edits.get(place),
                OUTCOMES[which] if which > EDITED else None,
                1.0 if end - start == 1 else round(verdicts[start:end].count(SAYS[which]) / (end - start), 3),
            ),
        )


def _found(wanted: Column, ordered: Column) -> Column:
    """Which of `wanted` are among `ordered` (ascending)."""
    if not len(ordered):
        return np.zeros(len(wanted), dtype=bool)
    places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    found: Column = ordered[places] == wanted
    return found


def _voice(row: rows.VoiceRow) -> Voice:
    if row.kind == "judge":
        name = judge_title(row.judge or "", row.version or 0, row.orders or "")
        # A judge that scores replies alone is no version of the one of its name that compares; it knows no order.
        judge = f"{row.judge}, scoring" if row.orders == "alone" else row.judge or ""
        return Voice("judge", name, judge, row.version or 0, row.orders != "random", bool(row.is_sandbox))
    if row.kind in ("annotator", "imported"):
        return Voice("annotator" if row.kind == "annotator" else "imported", row.name)
    return Voice("rule", row.name)
