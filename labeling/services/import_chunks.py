"""Rows of a file, some hundred at a time: each chunk is stored in one short transaction, and each row of it counted once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TypeAlias

from labeling.errors import ConflictError
from labeling.readers import Refusal
from labeling.ready_rows import RaterNames, ReadyPair, ReadyPrompt, ready_pairs, ready_prompts
from labeling.rows import CompletionRow, PairGroup, PairRow, PromptRow, Reply, Row, pairs_in, records_of
from labeling.storage import import_rows as rows_in
from labeling.storage import imports as stored
from labeling.storage.grouping import reserve_digests
from labeling.storage.import_labels import Said
from labeling.storage.store import Session, Store

# Of texts: they keep a writing transaction short, and memory small, as the number of a chunk's rows does.
CHUNK_CHARACTERS = 1_000_000
FIRST_SHOWN = 20
STALE = timedelta(seconds=30)

Lined = tuple[int, Row]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where rows go, and how: `model` wrote the completions whose file does not say who did. `said`: whose verdicts, there
    before, the file has repeated so far."""

    project_id: int
    import_id: int
    raters: RaterNames
    model: str | None
    is_reserved: bool
    said: set[Said] = field(default_factory=set)


@dataclass(slots=True)
class Chunk:
    """Rows that follow each other in a file, the refused ones apart; `pairs` are those that the rows hold."""

    rows: list[Lined] = field(default_factory=list)
    pairs: list[PairRow] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a chunk: what is new, which rows brought it, those without a prompt, pairs with sides alike, and
    the line of each label that contradicts one of its rater."""

    counts: dict[str, int]
    are_new: list[bool]
    missing: list[Refusal] = field(default_factory=list)
    alike: list[int] = field(default_factory=list)
    contradicting: list[int] = field(default_factory=list)


Put: TypeAlias = Callable[[Session], Added]


@dataclass(slots=True)
class Tally:
    """What an import has come to so far."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    alike: list[int] = field(default_factory=list)
    contradicting: list[int] = field(default_factory=list)

    def add(self, chunk: Chunk, added: Added) -> None:
        """Count the rows of a chunk: those of `added.are_new` in the order of its rows, without the missing ones."""
        refusals = chunk.refusals + added.missing
        self.counts.update(
            added.counts, read=len(refusals), alike=len(added.alike), contradicting=len(added.contradicting)
        )
        without = {row.line for row in added.missing}
        stored_rows = (row for line, row in chunk.rows if line not in without)
        for row, is_new in zip(stored_rows, added.are_new, strict=True):
            records = records_of(row)
            self.counts["read"] += records
            self.counts["taken" if is_new else "known"] += records
        self.reasons.update(row.code for row in refusals)
        self.alike = (self.alike + added.alike)[:FIRST_SHOWN]
        self.contradicting = list(dict.fromkeys(self.contradicting + added.contradicting))[:FIRST_SHOWN]

    @property
    def totals(self) -> dict[str, object]:
        """The columns of the import's row."""
        added = {key: self.counts[key] for key in _ADDED}
        return {
            "rows_read": self.counts["read"],
            "rows_taken": self.counts["taken"],
            "rows_known": self.counts["known"],
            "rows_refused": self.reasons.total(),
            "counts": json.dumps(
                added
                | {
                    "refused": dict(self.reasons),
                    "alike_pairs": self.alike,
                    "contradicting_lines": self.contradicting,
                }
            ),
        }

    def keep(self, session: Session, import_id: int) -> None:
        """Say that the import is alive; raise where another process took it for dead, so that nothing more is written."""
        if not stored.beat(session, import_id, **self.totals):
            raise ConflictError(
                f"The import stood still for over {STALE.seconds} seconds and was taken back. Nothing of it is stored: start it again."
            )


_ADDED = ("prompts", "completions", "pairs", "labels", "paired_up", "near", "alike", "contradicting")


def chunks(rows: Iterator[Lined | Refusal], size: int) -> Iterator[Chunk]:
    """Rows in parts of about `size` pairs, prompts or completions; of fewer, where they are long."""
    chunk, characters = Chunk(), 0
    for row in rows:
        if isinstance(row, Refusal):
            chunk.refusals.append(row)
        else:
            chunk.rows.append(row)
            chunk.pairs += pairs_in(row[1])
            characters += _characters(row[1])
        is_full = len(chunk.refusals) + max(len(chunk.rows), len(chunk.pairs)) >= size
        if is_full or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = Chunk(), 0
    if chunk.rows or chunk.refusals:
        yield chunk


def _characters(row: Row) -> int:
    """How long about the texts of a row are."""
    if isinstance(row, PairRow):
        return len(row.a.text) + len(row.b.text) + _prompt_characters(row.prompt)
    if isinstance(row, PairGroup):
        return sum(map(_characters, row.pairs))
    if isinstance(row, CompletionRow):
        return len(row.reply.text) + (_prompt_characters(row.prompt) if row.prompt else 0)
    return _prompt_characters(row)


def _prompt_characters(row: PromptRow) -> int:
    return sum(len(message.get("content") or "") for message in row.prompt.messages)


def take(store: Store, destination: Destination, chunk: Chunk, tally: Tally) -> None:
    """Store one chunk in one transaction; what can be is worked out before it begins."""
    prompts, put = _ready(chunk, destination)
    with store.writing() as session:
        added = put(session)
        if destination.is_reserved:
            reserve_digests(session, destination.project_id, [prompt.digest for prompt in prompts])
        stored.add_refusals(
            session,
            destination.import_id,
            [
                {"line": row.line, "code": row.code, "reason": row.reason, "content": row.content}
                for row in chunk.refusals + added.missing
            ],
        )
        tally.add(chunk, added)
        tally.keep(session, destination.import_id)


def without_prompt(line: int, row: CompletionRow, prompts: int) -> Refusal:
    """A completion whose id is that of no prompt, or of several."""
    named = f"the id {row.external_id!r}"
    if prompts:
        code, reason = "ambiguous_id", f"{prompts} prompts of the project have {named}; name the prompt by its text"
    else:
        code = "no_prompt_with_this_id"
        reason = f"no prompt of the project has {named}; import the prompts first"
    return Refusal(line, code, reason, row.reply.text[:2000])


def _ready(chunk: Chunk, destination: Destination) -> tuple[list[ReadyPrompt], Put]:
    """The prompts of a chunk, and what will store its rows, all of one kind."""
    if chunk.pairs:
        pairs = ready_pairs(chunk.pairs, destination.raters)
        return [one.prompt for one in pairs], partial(_put_pairs, destination, chunk.rows, pairs)
    completions = [(line, row) for line, row in chunk.rows if isinstance(row, CompletionRow)]
    if completions:
        prompts = ready_prompts(row.prompt for _, row in completions if row.prompt is not None)
        return prompts, partial(_put_completions, destination, completions, prompts)
    prompts = ready_prompts(row for _, row in chunk.rows if isinstance(row, PromptRow))
    return prompts, partial(_put_prompts, destination, prompts)


def _put_pairs(destination: Destination, rows: list[Lined], pairs: list[ReadyPair], session: Session) -> Added:
    put = rows_in.put_pair_rows(session, destination.project_id, destination.import_id, pairs, destination.said)
    each = iter(put.are_new)
    are_new = [any(list(islice(each, len(pairs_in(row))))) for _, row in rows]
    counts = {"prompts": put.prompts, "completions": put.completions, "pairs": put.pairs, "labels": put.labels}
    lines = [line for line, row in rows for _ in pairs_in(row)] if put.contradicting else []
    return Added(counts, are_new, alike=put.alike, contradicting=[lines[place] for place in put.contradicting])


def _put_prompts(destination: Destination, prompts: list[ReadyPrompt], session: Session) -> Added:
    put = rows_in.put_prompts(session, destination.project_id, destination.import_id, prompts, are_named=True)
    return Added({"prompts": len(put.new)}, rows_in.bringers(([one.digest] for one in prompts), {*put.new}))


def _put_completions(
    destination: Destination, rows: list[tuple[int, CompletionRow]], ready: list[ReadyPrompt], session: Session
) -> Added:
    """Join completions to their prompts by id, or by the prompt in the row; one whose id does not name one prompt is missing."""
    prompts = rows_in.put_prompts(session, destination.project_id, destination.import_id, ready)
    digests = iter(one.digest for one in ready)
    ids = {row.external_id for _, row in rows if row.external_id is not None}
    by_id = rows_in.prompts_by_external_id(session, destination.project_id, ids) if ids else {}
    wanted: dict[rows_in.CompletionKey, Reply] = {}
    placed: list[tuple[str, rows_in.CompletionKey]] = []
    missing: list[Refusal] = []
    for line, row in rows:
        digest = next(digests) if row.prompt else ""
        meant = [prompts.ids[digest]] if row.prompt else by_id.get(row.external_id or "", [])
        if len(meant) != 1:
            missing.append(without_prompt(line, row, len(meant)))
            continue
        key = rows_in.completion_key(meant[0], row.reply, destination.model)
        wanted.setdefault(key, row.reply)
        placed.append((digest, key))
    _, new = rows_in.put_completions(session, destination.import_id, wanted) if wanted else ({}, set())
    counts = {"prompts": len(prompts.new), "completions": len(new)}
    return Added(counts, rows_in.bringers(placed, {*prompts.new, *new}), missing)
