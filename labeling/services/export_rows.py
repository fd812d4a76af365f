"""Decided pairs become rows: the better completion chosen, the common system prompt put back, and where it all is from."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

import orjson

from exporters import DatasetWriter, PreferenceRow, RowOrigin, RowRefused
from exporters.balance import EDIT_BY
from exporters.plain import PlainPair
from exporters.provenance import About, Source
from exporters.rows import Outcome
from labeling.domain import canonical_messages, with_system_prompt
from labeling.services.deciding import Ballot, Decided, Decision, decisions, decisions_on
from labeling.services.masked_groups import joined_by_masks
from labeling.services.personal_data import mask, masked
from labeling.storage import exports as rows
from labeling.storage.store import Session

TEXT_CHUNK = 1000  # pairs whose texts are in memory at once
# `datasets` takes the types of a file from its first 10 MB: some rows with tools have to stand there.
TOOLS_FIRST = 500
MOST_KNOWN = 10_000
MOST_LINES = 500  # that wait to be written together

Calls: TypeAlias = tuple[dict[str, object], ...]


def rows_of(
    session: Session,
    held: Ballot,
    system_prompt: str | None,
    left_out: Counter[str],
    looked: Callable[[int], None] = lambda _count: None,
) -> Iterator[tuple[PreferenceRow, RowOrigin]]:
    """Every pair that makes a row, by id and with its origin; the others are counted in `left_out`.

    `system_prompt`, where given, stands in every row instead of the
    generators'. `looked` is called with the number of pairs of each chunk. Rows of one pair follow each other.
    """
    maker = _RowMaker(session, held, system_prompt)
    for chunk in decisions(session, held):
        left_out.update(chunk.left_out)
        for texts, decided, edits in maker.texts(chunk.chosen):
            for row, (_, decision) in zip(texts.rows, decided, strict=True):
                made, refusal = maker.made(texts.pair(row), decision, edits)
                if refusal is not None and not made:
                    left_out[refusal] += 1
                yield from made
        looked(chunk.looked)


def write_rows(
    session: Session,
    held: Ballot,
    system_prompt: str | None,
    left_out: Counter[str],
    writer: DatasetWriter,
    looked: Callable[[int], None],
) -> tuple[int, int]:
    """Give every pair that makes a row to `writer`: those of `rows_of`, but some with tools come first.

    Returns how many of the labels that decided them prefer the side that stood left on a screen, and how many either side.
    """
    wins, seen = 0, 0
    maker = _RowMaker(session, held, system_prompt)
    ordinary = _Ordinary(maker, writer, may_be=held.rules.personal_data != "mask")
    for chunk in _in_order(session, held):
        left_out.update(chunk.left_out)
        for texts, decided, edits in maker.texts(chunk.chosen):
            for pair, decision in ordinary.others(texts, decided):
                made, refusal = maker.made(pair, decision, edits)
                if refusal is not None and not made:
                    left_out[refusal] += 1
                for row, origin in made:
                    writer.add(row, origin)
        wins, seen = wins + chunk.left_wins, seen + chunk.left_wins + chunk.right_wins
        looked(chunk.looked)
    return wins, seen


def _in_order(session: Session, held: Ballot) -> Iterator[Decided]:
    with_tools = [
        pair
        for pair in rows.pairs_with_tools(session, held.project_id, held.hidden, TOOLS_FIRST)
        if held.last_pair is None or pair[0] <= held.last_pair
    ]
    if with_tools:
        yield decisions_on(session, held, with_tools)
    yield from decisions(session, held, [pair_id for pair_id, _ in with_tools])


@dataclass(frozen=True, slots=True)
class _Reply:
    """One side of a row: what it says, and who wrote it."""

    id: int
    text: str
    calls: str | None
    by: str
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class _Match:
    """What a row says of two replies. `strength` is that of this comparison: None where nobody gave one."""

    chosen: _Reply
    rejected: _Reply
    outcome: Outcome
    strength: float | None


class _Ordinary:
    """Pairs that a format's shape makes lines of, some at a time, in place of rows and records; none where `may_be` is not."""

    def __init__(self, maker: "_RowMaker", writer: DatasetWriter, *, may_be: bool) -> None:
        self._maker = maker
        self._writer = writer
        self._shape = writer.shape if may_be else None
        # What is the same for all pairs of one origin: what provenance says, and the system prompt.
        self._known: dict[tuple[object, ...], tuple[Source, str | None]] = {}

    def others(
        self, texts: rows.PairTexts, decided: Sequence[tuple[int, Decision]]
    ) -> Iterator[tuple[rows.PairRow, Decision]]:
        """Give the ordinary ones of some pairs to the writer; each other one comes back when those before it are written."""
        shape, origins, known = self._shape, texts.origins, self._known
        lines: list[tuple[bytes, PlainPair]] = []
        abouts: list[About] = []
        for row, (_, decision) in zip(texts.rows, decided, strict=True):
            pair_id, group, messages, tools, a_id, b_id, a_text, b_text, a_calls, b_calls = row
            better, raters, labels, strength, edit_id, reason, agreed = decision
            made = None
            if shape is not None and not (tools or a_calls or b_calls) and reason is None and edit_id is None:
                key = raters, better, origins[a_id], origins[b_id]
                source, system = known.get(key) or self._know(key, texts.pair(row), decision)
                if better == "b":
                    a_id, b_id, a_text, b_text = b_id, a_id, b_text, a_text
                if system:
                    made = shape.around(with_system_prompt(orjson.loads(messages), system), a_text, b_text)
                else:
                    made = shape.line(messages, a_text, b_text)
            if made is not None:
                lines.append(made)
                abouts.append((source, pair_id, group, labels, strength, agreed, a_id, b_id))
            if lines and (made is None or len(lines) == MOST_LINES):
                self._writer.add_lines(lines, abouts)
                lines, abouts = [], []
            if made is None:
                yield texts.pair(row), decision
        if lines:
            self._writer.add_lines(lines, abouts)

    def _know(self, key: tuple[object, ...], pair: rows.PairRow, decision: Decision) -> tuple[Source, str | None]:
        """Source and system prompt of all pairs that come from where this one does."""
        if len(self._known) == MOST_KNOWN:
            self._known.clear()
        origin, system = self._maker.origin(pair, decision)
        self._known[key] = known = self._writer.source(origin), system
        return known


class _RowMaker:
    """Makes rows of decided pairs. `system_prompt`, where given, stands in every row instead of the generators'."""

    def __init__(self, session: Session, held: Ballot, system_prompt: str | None) -> None:
        self._session = session
        self._held = held
        self._system_prompt = system_prompt
        self._generators = rows.generators(session, held.project_id)
        self._kinds_of: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._is_masked = held.rules.personal_data == "mask"
        self._joined = joined_by_masks(session, held) if self._is_masked and held.is_split else {}

    def texts(
        self, decided: Iterator[tuple[int, Decision]]
    ) -> Iterator[tuple[rows.PairTexts, Sequence[tuple[int, Decision]], dict[int, rows.EditRow]]]:
        """Decided pairs, some at a time: their texts, and the edits there are, by id."""
        while chunk := list(islice(decided, TEXT_CHUNK)):
            edit_ids = [decision.edit_id for _, decision in chunk if decision.edit_id is not None]
            edits = rows.edits_of(self._session, edit_ids) if edit_ids else {}
            pair_ids = [pair_id for pair_id, _ in chunk]
            yield rows.texts_of(self._session, pair_ids, by_group=self._held.is_split), chunk, edits

    def origin(self, pair: rows.PairRow, decision: Decision) -> tuple[RowOrigin, str | None]:
        """Where the row of a pair without an edit comes from, and the system prompt that stands in it."""
        (match,) = self._matches(pair, decision, None)
        system = self._system_prompt or self._common(pair.a_origin, pair.b_origin)
        return self._origin(pair, decision, match), system

    def made(
        self, pair: rows.PairRow, decision: Decision, edits: Mapping[int, rows.EditRow]
    ) -> tuple[list[tuple[PreferenceRow, RowOrigin]], str | None]:
        """The rows of a pair with their origins, mostly one; and why one of them may stand in no training file."""
        edit = edits.get(decision.edit_id or 0)
        system = self._system_prompt or self._common(pair.a_origin, pair.b_origin)
        messages, tools, asked = orjson.loads(pair.messages), _loaded(pair.tools), pair.messages
        found: set[str] = set()
        if self._is_masked:
            if not self._held.keeps_names:  # what is dropped is not masked
                messages = [{key: value for key, value in one.items() if key != "name"} for one in messages]
            messages, tools = masked(messages, found), tuple(masked(tool, found) for tool in tools)
            asked = _as_asked(canonical_messages(messages))
            system = system and mask(system, found)
        prompt = with_system_prompt(messages, system)
        made, refusal = [], None
        for match in self._matches(pair, decision, edit):
            in_better, in_worse = set[str](), set[str]()
            better, worse = ((reply.text, _loaded(reply.calls)) for reply in (match.chosen, match.rejected))
            if self._is_masked:
                better, worse = _masked_reply(*better, in_better), _masked_reply(*worse, in_worse)
            try:
                row = PreferenceRow(
                    prompt,
                    better[0],
                    worse[0],
                    tools=tools,
                    chosen_tool_calls=better[1],
                    rejected_tool_calls=worse[1],
                    outcome=match.outcome,
                    margin=match.strength,
                )
            except RowRefused as refused:
                refusal = refused.code
            else:
                origin = self._origin(pair, decision, match)
                if self._is_masked:
                    masks, of_better, of_worse = (tuple(sorted(kinds)) for kinds in (found, in_better, in_worse))
                    origin = replace(
                        origin, asked=asked, masked=masks, chosen_masked=of_better, rejected_masked=of_worse
                    )
                made.append((row, origin))
        return made, refusal

    def _matches(self, pair: rows.PairRow, decision: Decision, edit: rows.EditRow | None) -> Iterator[_Match]:
        """Which reply beats which. Without a better one the sides stand in stored order."""
        a = _Reply(pair.a_id, pair.a_text, pair.a_calls, self._wrote(pair.a_origin), pair.a_origin.is_sandbox)
        b = _Reply(pair.b_id, pair.b_text, pair.b_calls, self._wrote(pair.b_origin), pair.b_origin.is_sandbox)
        if edit is None:
            chosen, rejected = (b, a) if decision.better == "b" else (a, b)
            yield _Match(chosen, rejected, _outcome(decision), decision.strength)
            return
        # An annotator wrote out what should have been said: text, without the call it began as.
        written = _Reply(edit.completion_id, edit.text, None, f"{EDIT_BY}{edit.rater}", edit.is_sandbox)
        original, other = (b, a) if edit.parent_id == pair.b_id else (a, b)
        loser = other if decision.better is None else a if decision.better == "b" else b
        if decision.better is None and "both_bad" in self._held.takes:  # which an edit does not take back
            yield _Match(a, b, "both_bad", None)
        beaten: list[tuple[_Reply, float | None]] = []
        if self._held.rules.edits != "beat_original":
            # The strength was given for the better reply over this one, and the edit is better still.
            beaten.append((loser, decision.strength))
        if self._held.rules.edits != "beat_loser" and original is not loser:
            beaten.append((original, None))
        for reply, strength in beaten:
            if (pair.pair_id, reply.id) not in self._held.drawn_out:
                yield _Match(written, reply, "better", strength)

    def _origin(self, pair: rows.PairRow, decision: Decision, match: _Match) -> RowOrigin:
        chosen, rejected = match.chosen, match.rejected
        voices = [self._held.voice(rater) for rater in decision.raters]
        marks = [name for name, reply in (("chosen", chosen), ("rejected", rejected)) if reply.is_sandbox]
        if any(voice.is_sandbox for voice in voices):
            marks.append("judge")
        return RowOrigin(
            pair=pair.pair_id,
            group=self._joined.get(pair.group, pair.group),
            raters=tuple(voice.name for voice in voices),
            labels=decision.labels,
            strength=match.strength,
            agreed=decision.agreed,
            chosen_id=chosen.id,
            rejected_id=rejected.id,
            chosen_by=chosen.by,
            rejected_by=rejected.by,
            decided_by=self._kinds(decision.raters),
            sandbox=tuple(marks),
            asked=_as_asked(pair.messages),
            rater_ids=decision.raters,
        )

    def _kinds(self, raters: tuple[int, ...]) -> tuple[str, ...]:
        found = self._kinds_of.get(raters)
        if found is None:
            kinds = {self._held.voice(rater).kind for rater in raters}
            found = self._kinds_of[raters] = tuple(sorted(kinds))
        return found

    def _common(self, *origins: rows.CompletionOrigin) -> str | None:
        """The system prompt that both sides were written under; differing ones are not exported."""
        a, b = (None if one.generator is None else self._generators[one.generator].system_prompt for one in origins)
        return a if a == b else None

    def _wrote(self, origin: rows.CompletionOrigin) -> str:
        return (origin.source or "") if origin.generator is None else self._generators[origin.generator].name


def _outcome(decision: Decision) -> Outcome:
    return "tie" if decision.reason == "tie" else "both_bad" if decision.reason == "both_bad" else "better"


def _masked_reply(text: str, calls: Calls, kinds: set[str]) -> tuple[str, Calls]:
    return mask(text, kinds), tuple(masked(call, kinds) for call in calls)


def _loaded(text: str | None) -> Calls:
    return tuple(orjson.loads(text)) if text else ()


def _as_asked(messages: str) -> str:
    """What tells a prompt in a file: what developers say is written there as the system's."""
    return messages.replace('"role":"developer"', '"role":"system"') if '"developer"' in messages else messages
