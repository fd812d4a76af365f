"""Decided pairs become rows: the better completion chosen, the common system prompt put back, and where it all is from."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import orjson

from exporters import PreferenceRow, RowOrigin, RowRefused
from labeling.domain import with_system_prompt
from labeling.services.deciding import Ballot, Decided, decisions, decisions_on
from labeling.services.label_rules import Decision
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
) -> Iterator[tuple[PreferenceRow, RowOrigin]]:
    """Every pair that makes a row, with its origin; the others are counted in `left_out`.

    Some pairs with tools come first, the others by id. `system_prompt`, where given, stands in every row instead of the
    generators'. `looked` is called with the number of pairs of each chunk.
    """
    maker = _RowMaker(session, held, system_prompt)
    for chunk in _in_order(session, held):
        decided: list[tuple[int, Decision]] = []
        for pair_id, decision in chunk:
            if decision.better is None:
                left_out[decision.reason or ""] += 1
            else:
                decided.append((pair_id, decision))
        for pair, decision, edit in maker.texts(decided):
            try:
                row = maker.row(pair, decision, edit)
            except RowRefused as refused:
                left_out[refused.code] += 1
            else:
                yield row, maker.origin(pair, decision, edit)
        looked(len(chunk))


def _in_order(session: Session, held: Ballot) -> Iterator[Decided]:
    with_tools = rows.pairs_with_tools(session, held.project_id, held.hidden, TOOLS_FIRST)
    if not with_tools:
        yield from decisions(session, held)
        return
    yield decisions_on(session, held, with_tools)
    done = {pair_id for pair_id, _ in with_tools}
    for chunk in decisions(session, held):
        yield [decided for decided in chunk if decided[0] not in done]


class _RowMaker:
    """Makes rows of decided pairs. `system_prompt`, where given, stands in every row instead of the generators'."""

    def __init__(self, session: Session, held: Ballot, system_prompt: str | None) -> None:
        self._session = session
        self._voices = held.voices
        self._system_prompt = system_prompt
        self._generators = rows.generators(session, held.project_id)

    def texts(
        self, decided: Sequence[tuple[int, Decision]]
    ) -> Iterator[tuple[rows.PairRow, Decision, rows.EditRow | None]]:
        """The texts of decided pairs (only those with a better side), by pair id."""
        for start in range(0, len(decided), TEXT_CHUNK):
            chunk = dict(decided[start : start + TEXT_CHUNK])
            edit_ids = [decision.edit_id for decision in chunk.values() if decision.edit_id is not None]
            edits = rows.edits_of(self._session, edit_ids) if edit_ids else {}
            for pair in rows.texts_of(self._session, list(chunk)):
                decision = chunk[pair.pair_id]
                yield pair, decision, edits.get(decision.edit_id) if decision.edit_id is not None else None

    def row(self, pair: rows.PairRow, decision: Decision, edit: rows.EditRow | None) -> PreferenceRow:
        """Raises RowRefused where no training file may hold it."""
        is_a = decision.better == "a"
        better, worse = (pair.a_text, pair.b_text) if is_a else (pair.b_text, pair.a_text)
        better_calls, worse_calls = (pair.a_calls, pair.b_calls) if is_a else (pair.b_calls, pair.a_calls)
        messages = with_system_prompt(orjson.loads(pair.messages), self._system_prompt or self._common(pair))
        if edit is not None:  # an annotator wrote out what should have been said: text, without the call it began as
            better, better_calls = edit.text, None
        return PreferenceRow(
            messages,
            better,
            worse,
            tools=_loaded(pair.tools),
            chosen_tool_calls=_loaded(better_calls),
            rejected_tool_calls=_loaded(worse_calls),
        )

    def origin(self, pair: rows.PairRow, decision: Decision, edit: rows.EditRow | None) -> RowOrigin:
        is_a = decision.better == "a"
        a_by, b_by = self._wrote(pair.a_generator, pair.a_source), self._wrote(pair.b_generator, pair.b_source)
        marks = []
        if edit.is_sandbox if edit is not None else pair.a_sandbox if is_a else pair.b_sandbox:
            marks.append("chosen")
        if pair.b_sandbox if is_a else pair.a_sandbox:
            marks.append("rejected")
        if any(self._voices[rater].is_sandbox for rater in decision.raters):
            marks.append("judge")
        return RowOrigin(
            pair=pair.pair_id,
            group=pair.group,
            raters=tuple(self._voices[rater].name for rater in decision.raters),
            labels=decision.labels,
            strength=decision.strength,
            chosen_by=f"edit by {edit.rater}" if edit is not None else a_by if is_a else b_by,
            rejected_by=b_by if is_a else a_by,
            sandbox=tuple(marks),
        )

    def _common(self, pair: rows.PairRow) -> str | None:
        """The system prompt that both sides were written under; differing ones are not exported."""
        a, b = self._system_of(pair.a_generator), self._system_of(pair.b_generator)
        return a if a == b else None

    def _system_of(self, generator: int | None) -> str | None:
        return None if generator is None else self._generators[generator].system_prompt

    def _wrote(self, generator: int | None, source: str | None) -> str:
        return (source or "") if generator is None else self._generators[generator].name


def _loaded(text: str | None) -> tuple[dict[str, object], ...]:
    return tuple(orjson.loads(text)) if text else ()
