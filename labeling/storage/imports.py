"""What an import writes: new prompts, completions, pairs and labels, each once, under the import's row."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlmodel import Session, col

from labeling.domain import Verdict, canonical_json, completion_digest
from labeling.rows import NamedVerdict, PairRow, PromptRow, Reply
from labeling.storage.labels import take_seqs
from labeling.storage.tables import (
    Completion,
    CompletionText,
    Erasure,
    Import,
    ImportRefusal,
    Label,
    Pair,
    PromptText,
    Rater,
    core,
    now,
)
from labeling.storage.tables import PromptRow as PromptTable

PROMPT, COMPLETION, PAIR = core(PromptTable), core(Completion), core(Pair)
NAMELESS = ""  # the source of a completion whose file names none
EVENTS = UUID("6f0d8bd5-9f43-5c38-8f0b-5f1c4f0d7a11")


@dataclass(frozen=True, slots=True)
class Written:
    """What one row added; nothing where everything in it was there already."""

    prompts: int = 0
    completions: int = 0
    pairs: int = 0
    labels: int = 0
    records: int = 1

    @property
    def is_new(self) -> bool:
        return bool(self.prompts or self.completions or self.pairs or self.labels)


def together(parts: Sequence[Written], records: int) -> Written:
    """What the pairs of one group added, as that of the records it was made of."""
    return Written(
        prompts=sum(part.prompts for part in parts),
        completions=sum(part.completions for part in parts),
        pairs=sum(part.pairs for part in parts),
        labels=sum(part.labels for part in parts),
        records=records,
    )


@dataclass(frozen=True, slots=True)
class RaterNames:
    """Under whose names the verdicts of a file are kept: all as `labels_as`, or those of raters that the file names."""

    labels_as: str | None = None
    are_names_kept: bool = True

    def labels(self, row: PairRow) -> list[NamedVerdict]:
        """The labels of a row to keep, in the order of the file."""
        if row.labels and self.are_names_kept:
            if self.labels_as is None:
                return list(row.labels)
            return [replace(label, rater=f"{self.labels_as}/{label.rater}") for label in row.labels]
        if row.labels or self.labels_as is None or row.verdict is None:
            return []
        return [NamedVerdict(self.labels_as, row.verdict, row.strength)]


def unfinished(session: Session, project_id: int) -> Import | None:
    query = select(Import).where(col(Import.project_id) == project_id, col(Import.state) == "writing")
    return session.scalars(query).first()


def all_unfinished(session: Session) -> Sequence[Import]:
    return session.scalars(select(Import).where(col(Import.state) == "writing")).all()


def imports_of(session: Session, project_id: int, limit: int) -> Sequence[Import]:
    query = select(Import).where(col(Import.project_id) == project_id).order_by(col(Import.id).desc()).limit(limit)
    return session.scalars(query).all()


def refusals_of(session: Session, import_id: int) -> Sequence[ImportRefusal]:
    query = select(ImportRefusal).where(col(ImportRefusal.import_id) == import_id).order_by(col(ImportRefusal.id))
    return session.scalars(query).all()


def add_refusals(session: Session, import_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(core(ImportRefusal)), [row | {"import_id": import_id} for row in rows])


def imported_rater(session: Session, project_id: int, name: str) -> int:
    """The rater that labels of this name belong to, made at first need."""
    query = select(col(Rater.id)).where(
        col(Rater.project_id) == project_id, col(Rater.name) == name, col(Rater.kind) == "imported"
    )
    found = session.scalar(query)
    if found is not None:
        return found
    rater = Rater(kind="imported", name=name, project_id=project_id)
    session.add(rater)
    session.flush()
    assert rater.id is not None
    return rater.id


def prompts_by_digest(session: Session, project_id: int, digests: Collection[str]) -> dict[str, int]:
    query = select(col(PromptTable.digest), col(PromptTable.id)).where(
        col(PromptTable.project_id) == project_id, col(PromptTable.digest).in_(digests)
    )
    return {digest: key for digest, key in session.execute(query) if key is not None}


def prompts_by_external_id(session: Session, project_id: int, ids: Collection[str]) -> dict[str, int]:
    """The first prompt of the project with each id."""
    query = select(col(PromptTable.external_id), func.min(col(PromptTable.id))).where(
        col(PromptTable.project_id) == project_id, col(PromptTable.external_id).in_(ids)
    )
    return dict(session.execute(query.group_by(col(PromptTable.external_id))).all())


def put_prompts(
    session: Session, project_id: int, import_id: int, rows: Iterable[PromptRow]
) -> tuple[dict[str, int], set[str]]:
    """Store the prompts that are new; return the key of each digest, and the digests that were new."""
    wanted = {row.prompt.digest: row for row in rows}
    known = prompts_by_digest(session, project_id, wanted.keys())
    new = [digest for digest in wanted if digest not in known]
    if not new:
        return known, set()
    at = now()
    values = [
        {
            "project_id": project_id, "digest": digest, "external_id": wanted[digest].external_id, "language": wanted[digest].language, "is_sensitive": False,
            "is_reserved": False, "import_id": import_id, "created_at": at,
        }
        for digest in new
    ]  # fmt: skip
    made = session.execute(insert(PROMPT).returning(PROMPT.c.digest, PROMPT.c.id), values)
    added = dict(made.all())
    session.execute(insert(core(PromptText)), [_prompt_text(added[digest], wanted[digest]) for digest in new])
    return known | added, set(new)


def _prompt_text(prompt_id: int, row: PromptRow) -> dict[str, Any]:
    return {
        "prompt_id": prompt_id,
        "messages": canonical_json(row.prompt.messages),
        "tools": canonical_json(row.prompt.tools) if row.prompt.tools else None,
        "tags": canonical_json(row.tags) if row.tags else None,
        "reference": row.reference,
        "follow_ups": canonical_json(row.follow_ups) if row.follow_ups else None,
    }


CompletionKey = tuple[int, str | None, str]


def completion_key(prompt_id: int, reply: Reply, model: str | None = None) -> CompletionKey:
    """Who said what to which prompt; `model` stands in where the reply does not name its source."""
    return prompt_id, reply.source or model, completion_digest(reply.text, reply.tool_calls)


def put_completions(
    session: Session, import_id: int, wanted: dict[CompletionKey, Reply]
) -> tuple[dict[CompletionKey, int], set[CompletionKey]]:
    """Store the completions that are new, keyed by (prompt, source, text digest).

    A reply whose file names no source is the one with that text that the prompt has already, whoever wrote it: an
    export that comes back adds nothing.
    """
    query = select(
        col(Completion.prompt_id), col(Completion.source), col(Completion.kind), col(Completion.text_digest), col(Completion.id)
    ).where(
        # SQLite looks up single keys by an index, but reads the whole table for a list of tuples.
        col(Completion.prompt_id).in_({key[0] for key in wanted}),
        tuple_(col(Completion.prompt_id), col(Completion.text_digest)).in_({(key[0], key[2]) for key in wanted}),
    )  # fmt: skip
    by_source: dict[CompletionKey, int] = {}
    by_text: dict[tuple[int, str], int] = {}
    for prompt_id, source, kind, digest, key in session.execute(query.order_by(col(Completion.id))):
        by_text.setdefault((prompt_id, digest), key)
        if kind == "imported":
            by_source[prompt_id, source, digest] = key
    found: dict[CompletionKey, int] = {}
    new: list[CompletionKey] = []
    for wish in wanted:
        prompt_id, source, digest = wish
        key = by_text.get((prompt_id, digest)) if source is None else by_source.get(wish)
        if key is None:
            new.append(wish)
        else:
            found[wish] = key
    if not new:
        return found, set()
    at = now()
    values = [
        {
            "prompt_id": prompt_id, "kind": "imported", "source": NAMELESS if source is None else source,
            "text_digest": digest, "characters": len(wanted[prompt_id, source, digest].text), "is_sandbox": False,
            "finish_reason": wanted[prompt_id, source, digest].finish_reason,
            "import_id": import_id, "created_at": at,
        }
        for prompt_id, source, digest in new
    ]  # fmt: skip
    statement = insert(COMPLETION).returning(
        COMPLETION.c.prompt_id, COMPLETION.c.source, COMPLETION.c.text_digest, COMPLETION.c.id
    )
    made = {(row[0], row[1], row[2]): row[3] for row in session.execute(statement, values)}
    texts = []
    for wish in new:
        prompt_id, source, digest = wish
        found[wish] = made[prompt_id, NAMELESS if source is None else source, digest]
        reply = wanted[wish]
        calls = canonical_json(reply.tool_calls) if reply.tool_calls else None
        texts.append({"completion_id": found[wish], "text": reply.text, "tool_calls": calls})
    session.execute(insert(core(CompletionText)), texts)
    return found, set(new)


def put_pairs(
    session: Session, project_id: int, import_id: int, wanted: Iterable[tuple[int, int, str, int, str]]
) -> tuple[dict[tuple[int, int], int], set[tuple[int, int]]]:
    """Store the pairs that are new: (prompt, a, its digest, b, its digest), a before b. Return keys by (a, b)."""
    rows = {(a, b): (prompt, a_digest, b_digest) for prompt, a, a_digest, b, b_digest in wanted}
    query = select(col(Pair.a_id), col(Pair.b_id), col(Pair.id)).where(
        col(Pair.a_id).in_({a for a, _ in rows}), tuple_(col(Pair.a_id), col(Pair.b_id)).in_(rows)
    )
    known = {(row[0], row[1]): row[2] for row in session.execute(query)}
    new = [sides for sides in rows if sides not in known]
    if not new:
        return known, set()
    at = now()
    values = [
        {
            "project_id": project_id, "prompt_id": rows[a, b][0], "a_id": a, "b_id": b, "a_digest": rows[a, b][1],
            "b_digest": rows[a, b][2], "is_sandbox": False, "import_id": import_id, "created_at": at,
        }
        for a, b in new
    ]  # fmt: skip
    made = session.execute(insert(PAIR).returning(PAIR.c.a_id, PAIR.c.b_id, PAIR.c.id), values)
    return known | {(row[0], row[1]): row[2] for row in made}, set(new)


LabelKey = tuple[int, int]  # rater, pair


def put_labels(
    session: Session, project_id: int, import_id: int, wanted: dict[LabelKey, tuple[Verdict, int | None]]
) -> set[LabelKey]:
    """Store raters' labels on pairs, told in stored order; return those that were new.

    The event's id follows from the rater, the pair and what is said, so that the same file adds nothing. A file that
    says something else is that rater's next revision.
    """
    if not wanted:
        return set()
    last = select(col(Label.rater_id), col(Label.pair_id), func.max(col(Label.revision))).where(
        col(Label.rater_id).in_({rater for rater, _ in wanted}), col(Label.pair_id).in_({pair for _, pair in wanted}),
        col(Label.round_id).is_(None),
    )  # fmt: skip
    revisions = {
        (rater, pair): revision
        for rater, pair, revision in session.execute(last.group_by(col(Label.rater_id), col(Label.pair_id)))
    }
    events = {
        key: str(uuid5(EVENTS, f"{key[0]}:{key[1]}:{verdict}:{strength}"))
        for key, (verdict, strength) in wanted.items()
    }
    known = set(session.scalars(select(col(Label.event_id)).where(col(Label.event_id).in_(events.values()))))
    new = [key for key in wanted if events[key] not in known]
    if not new:
        return set()
    at, first = now(), take_seqs(session, project_id, len(new))
    session.execute(
        insert(core(Label)),
        [
            {
                "project_id": project_id, "seq": first + place, "pair_id": key[1], "rater_id": key[0],
                "revision": revisions.get(key, 0) + 1, "action": "label", "verdict": wanted[key][0].value,
                "strength": wanted[key][1], "is_surplus": False, "event_id": events[key], "import_id": import_id,
                "created_at": at,
            }
            for place, key in enumerate(new)
        ],
    )  # fmt: skip
    return set(new)


def put_pair_rows(
    session: Session, project_id: int, import_id: int, rows: Sequence[PairRow], raters: RaterNames
) -> list[Written]:
    """Store rows of pairs; return what each added."""
    prompt_ids, new_prompts = put_prompts(session, project_id, import_id, [row.prompt for row in rows])
    placed = []
    wanted: dict[CompletionKey, Reply] = {}
    for row in rows:
        digest = row.prompt.prompt.digest
        keys = [completion_key(prompt_ids[digest], side) for side in (row.a, row.b)]
        wanted.setdefault(keys[0], row.a)
        wanted.setdefault(keys[1], row.b)
        placed.append((digest, keys[0], keys[1]))
    completion_ids, new_completions = put_completions(session, import_id, wanted)
    pairs = [_ordered(one[1], completion_ids[one[1]], one[2], completion_ids[one[2]]) for one in placed]
    pair_ids, new_pairs = put_pairs(session, project_id, import_id, [pair[0] for pair in pairs])
    labels: dict[LabelKey, tuple[Verdict, int | None]] = {}
    given: list[list[LabelKey]] = []
    rater_ids: dict[str, int] = {}
    for row, (pair, is_swapped) in zip(rows, pairs, strict=True):
        said: list[LabelKey] = []
        for label in raters.labels(row):
            if label.rater not in rater_ids:
                rater_ids[label.rater] = imported_rater(session, project_id, label.rater)
            key = (rater_ids[label.rater], pair_ids[pair[1], pair[3]])
            labels[key] = (label.verdict.swapped if is_swapped else label.verdict, label.strength)
            said.append(key)
        given.append(said)
    new_labels = put_labels(session, project_id, import_id, labels)
    written = []
    for (digest, a, b), (pair, _), said in zip(placed, pairs, given, strict=True):
        written.append(
            Written(
                prompts=_once(new_prompts, digest),
                completions=_once(new_completions, a) + _once(new_completions, b),
                pairs=_once(new_pairs, (pair[1], pair[3])),
                labels=sum(_once(new_labels, key) for key in said),
            )
        )
    return written


def _once(new: set[Any], item: object) -> int:
    """1 for the first row that brought `item`, 0 for later ones of the same chunk."""
    if item in new:
        new.remove(item)
        return 1
    return 0


def _ordered(a_key: CompletionKey, a: int, b_key: CompletionKey, b: int) -> tuple[tuple[int, int, str, int, str], bool]:
    """The pair in stored order (by id), and whether that turned it round."""
    if a < b:
        return (a_key[0], a, a_key[2], b, b_key[2]), False
    return (a_key[0], b, b_key[2], a, a_key[2]), True


def forget(session: Session, import_id: int, limit: int) -> int:
    """Delete up to `limit` rows of an import that never ended, labels first; return how many went."""
    for table, text in ((Label, None), (Pair, None), (Completion, CompletionText), (PromptTable, PromptText)):
        rows = core(table)
        keys = session.scalars(select(rows.c.id).where(rows.c.import_id == import_id).limit(limit)).all()
        if not keys:
            continue
        if text is not None:
            texts = core(text)
            session.execute(delete(texts).where(next(iter(texts.primary_key)).in_(keys)))
        session.execute(delete(rows).where(rows.c.id.in_(keys)))
        return len(keys)
    return 0


def open_erasure(session: Session, import_id: int) -> None:
    session.add(Erasure(import_id=import_id, reason="the import was interrupted"))


def close_import(session: Session, import_id: int, state: str, at: datetime) -> None:
    session.execute(update(Erasure).where(col(Erasure.import_id) == import_id).values(ended_at=at))
    session.execute(update(Import).where(col(Import.id) == import_id).values(state=state, ended_at=at))


def beat(session: Session, import_id: int, **counts: Any) -> bool:
    """Say that the import is alive, and how far it is. False: it was taken back meanwhile, and may write no more."""
    alive = update(Import).where(col(Import.id) == import_id, col(Import.state) == "writing")
    updated = session.execute(alive.values(heartbeat_at=now(), **counts).returning(col(Import.id)))
    return updated.first() is not None


def recount(session: Session, import_id: int, **counts: Any) -> None:
    """Write the counts of an import that has ended."""
    session.execute(update(Import).where(col(Import.id) == import_id).values(**counts))
