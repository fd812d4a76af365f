"""Decided pairs become rows: the better completion chosen, the common system prompt put back, and where it all is from."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import orjson

from exporters import PreferenceRow, RowOrigin, RowRefused
from exporters.rows import Outcome
from labeling.domain import with_system_prompt
from labeling.services.deciding import Ballot, Decided, Decision, decisions, decisions_on
from labeling.storage import exports as rows
from labeling.storage.store import Session

TEXT_CHUNK = 500  # pairs whose texts are in memory at once
# `datasets` takes the types of a file from its first 10 MB: some rows with tools have to stand there.
TOOLS_FIRST = 500


def rows_of(
    session: Session,
    held: Ballot,
    system_prompt: str | None,
    left_out: Counter[str],
    looked: Callable[[int], None] = lambda _count: None,
    takes: AbstractSet[str] = frozenset(("better",)),
) -> Iterator[tuple[PreferenceRow, RowOrigin]]:
    """Every pair that makes a row, with its origin; the others are counted in `left_out`.

    Some pairs with tools come first, the others by id. `system_prompt`, where given, stands in every row instead of the
    generators'. `looked` is called with the number of pairs of each chunk. `takes` are the outcomes that the format
    makes rows of. Rows of one pair follow each other.
    """
    held = replace(held, takes=frozenset(takes))
    maker = _RowMaker(session, held, system_prompt)
    for chunk in _in_order(session, held):
        left_out.update(chunk.left_out)
        for pair, decision, edit in maker.texts(chunk.chosen):
            made, refusal = maker.made(pair, decision, edit)
            if refusal is not None and not made:
                left_out[refusal] += 1
            yield from made
        looked(chunk.looked)


def _in_order(session: Session, held: Ballot) -> Iterator[Decided]:
    with_tools = rows.pairs_with_tools(session, held.project_id, held.hidden, TOOLS_FIRST)
    if with_tools:
        yield decisions_on(session, held, with_tools)
    yield from decisions(session, held, {pair_id for pair_id, _ in with_tools})


@dataclass(frozen=True, slots=True)
class _Reply:
    """One side of a row: what it says, and who wrote it."""

    text: str
    calls: str | None
    by: str
    is_sandbox: bool


class _RowMaker:
    """Makes rows of decided pairs. `system_prompt`, where given, stands in every row instead of the generators'."""

    def __init__(self, session: Session, held: Ballot, system_prompt: str | None) -> None:
        self._session = session
        self._held = held
        self._system_prompt = system_prompt
        self._generators = rows.generators(session, held.project_id)
        self._kinds_of: dict[tuple[int, ...], tuple[str, ...]] = {}

    def texts(
        self, decided: Sequence[tuple[int, Decision]]
    ) -> Iterator[tuple[rows.PairRow, Decision, rows.EditRow | None]]:
        """The texts of decided pairs, by pair id."""
        for start in range(0, len(decided), TEXT_CHUNK):
            chunk = dict(decided[start : start + TEXT_CHUNK])
            edit_ids = [decision.edit_id for decision in chunk.values() if decision.edit_id is not None]
            edits = rows.edits_of(self._session, edit_ids) if edit_ids else {}
            for pair in rows.texts_of(self._session, list(chunk)):
                decision = chunk[pair.pair_id]
                yield pair, decision, edits.get(decision.edit_id) if decision.edit_id is not None else None

    def made(
        self, pair: rows.PairRow, decision: Decision, edit: rows.EditRow | None
    ) -> tuple[list[tuple[PreferenceRow, RowOrigin]], str | None]:
        """The rows of a pair with their origins, mostly one; and why one of them may stand in no training file."""
        messages = with_system_prompt(orjson.loads(pair.messages), self._system_prompt or self._common(pair))
        made, refusal = [], None
        for chosen, rejected in self._matches(pair, decision, edit):
            try:
                row = PreferenceRow(
                    messages,
                    chosen.text,
                    rejected.text,
                    tools=_loaded(pair.tools),
                    chosen_tool_calls=_loaded(chosen.calls),
                    rejected_tool_calls=_loaded(rejected.calls),
                    outcome=_outcome(decision, edit),
                    margin=decision.strength,
                )
            except RowRefused as refused:
                refusal = refused.code
            else:
                made.append((row, self._origin(pair, decision, chosen, rejected)))
        return made, refusal

    def _matches(
        self, pair: rows.PairRow, decision: Decision, edit: rows.EditRow | None
    ) -> Iterator[tuple[_Reply, _Reply]]:
        """Which reply beats which. Without a better one the sides stand in stored order."""
        a = _Reply(pair.a_text, pair.a_calls, self._wrote(pair.a_generator, pair.a_source), pair.a_sandbox)
        b = _Reply(pair.b_text, pair.b_calls, self._wrote(pair.b_generator, pair.b_source), pair.b_sandbox)
        if edit is None:
            yield (b, a) if decision.better == "b" else (a, b)
            return
        # An annotator wrote out what should have been said: text, without the call it began as.
        written = _Reply(edit.text, None, f"edit by {edit.rater}", edit.is_sandbox)
        original, other = (b, a) if edit.parent_id == pair.b_id else (a, b)
        loser = other if decision.better is None else a if decision.better == "b" else b
        if self._held.rules.edits != "beat_original":
            yield written, loser
        if self._held.rules.edits != "beat_loser" and original is not loser:
            yield written, original

    def _origin(self, pair: rows.PairRow, decision: Decision, chosen: _Reply, rejected: _Reply) -> RowOrigin:
        voices = [self._held.voice(rater) for rater in decision.raters]
        marks = [name for name, reply in (("chosen", chosen), ("rejected", rejected)) if reply.is_sandbox]
        if any(voice.is_sandbox for voice in voices):
            marks.append("judge")
        return RowOrigin(
            pair=pair.pair_id,
            group=pair.group,
            raters=tuple(voice.name for voice in voices),
            labels=decision.labels,
            strength=decision.strength,
            chosen_by=chosen.by,
            rejected_by=rejected.by,
            decided_by=self._kinds(decision.raters),
            sandbox=tuple(marks),
        )

    def _kinds(self, raters: tuple[int, ...]) -> tuple[str, ...]:
        found = self._kinds_of.get(raters)
        if found is None:
            kinds = {self._held.voice(rater).kind for rater in raters}
            found = self._kinds_of[raters] = tuple(sorted(kinds))
        return found

    def _common(self, pair: rows.PairRow) -> str | None:
        """The system prompt that both sides were written under; differing ones are not exported."""
        a, b = self._system_of(pair.a_generator), self._system_of(pair.b_generator)
        return a if a == b else None

    def _system_of(self, generator: int | None) -> str | None:
        return None if generator is None else self._generators[generator].system_prompt

    def _wrote(self, generator: int | None, source: str | None) -> str:
        return (source or "") if generator is None else self._generators[generator].name


def _outcome(decision: Decision, edit: rows.EditRow | None) -> Outcome:
    if edit is not None:  # it is better than what it was written for, however the pair was judged
        return "better"
    return "tie" if decision.reason == "tie" else "both_bad" if decision.reason == "both_bad" else "better"


def _loaded(text: str | None) -> tuple[dict[str, object], ...]:
    return tuple(orjson.loads(text)) if text else ()
