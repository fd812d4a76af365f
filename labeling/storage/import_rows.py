"""What an import writes: new prompts, completions, pairs and labels, each once, under the import's row.

Whatever can be worked out without the database is ready before the transaction begins: it holds the one writer's place.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import func, select, tuple_
from sqlmodel import Session, col

from labeling.domain import Verdict, canonical_json, canonical_messages, completion_digest, prompt_digest
from labeling.rows import NamedVerdict, PairRow, PromptRow, Reply
from labeling.sifting import are_alike
from labeling.storage.inserting import insert_rows, new_ids
from labeling.storage.labels import take_seqs
from labeling.storage.tables import Completion, CompletionText, Label, Pair, PromptText, Rater, core, now
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


@dataclass(frozen=True, slots=True)
class ReadyPrompt:
    """A prompt as it will be stored."""

    row: PromptRow
    digest: str
    messages: str
    tools: str | None


@dataclass(frozen=True, slots=True)
class PutPrompts:
    """Prompts that are stored now: their ids by digest, and which are new."""

    ids: dict[str, int]
    new: set[str]


def ready_prompts(rows: Iterable[PromptRow]) -> list[ReadyPrompt]:
    """One for each row, in order; the same prompt is worked out once."""
    made: dict[str, ReadyPrompt] = {}
    digests = []
    for row in rows:
        messages = canonical_messages(row.prompt.messages)
        tools = canonical_json(row.prompt.tools) if row.prompt.tools else None
        digest = prompt_digest(messages, tools)
        digests.append(digest)
        if digest not in made:
            made[digest] = ReadyPrompt(row, digest, messages, tools)
    return [made[digest] for digest in digests]


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


def put_prompts(session: Session, project_id: int, import_id: int, prompts: Iterable[ReadyPrompt]) -> PutPrompts:
    """Store the prompts that are new."""
    wanted = {one.digest: one for one in prompts}
    known = prompts_by_digest(session, project_id, wanted.keys())
    new = [one for digest, one in wanted.items() if digest not in known]
    if not new:
        return PutPrompts(known, set())
    ids = new_ids(session, PROMPT, len(new))
    insert_rows(
        session,
        PROMPT,
        ("id", "digest", "external_id", "language"),
        [(key, one.digest, one.row.external_id, one.row.language) for key, one in zip(ids, new, strict=True)],
        {"project_id": project_id, "import_id": import_id, "created_at": now()},
    )
    insert_rows(
        session,
        core(PromptText),
        ("prompt_id", "messages", "tools", "tags", "reference", "follow_ups"),
        [(key, one.messages, one.tools, *_beside(one.row)) for key, one in zip(ids, new, strict=True)],
        {},
    )
    added = {one.digest: key for key, one in zip(ids, new, strict=True)}
    return PutPrompts(known | added, set(added))


def _beside(row: PromptRow) -> tuple[str | None, str | None, str | None]:
    return (
        canonical_json(row.tags) if row.tags else None,
        row.reference,
        canonical_json(row.follow_ups) if row.follow_ups else None,
    )


CompletionKey = tuple[int, str | None, str]


def completion_key(prompt_id: int, reply: Reply, model: str | None = None) -> CompletionKey:
    """Who said what to which prompt; `model` stands in where the reply does not name its source."""
    return prompt_id, reply.source or model, completion_digest(reply.text, reply.tool_calls)


def put_completions(
    session: Session, import_id: int, wanted: Mapping[CompletionKey, Reply], new_prompts: Collection[int] = ()
) -> tuple[dict[CompletionKey, int], set[CompletionKey]]:
    """Store the completions that are new, keyed by (prompt, source, text digest).

    A reply whose file names no source is the one with that text that the prompt has already, whoever wrote it: an
    export that comes back adds nothing. `new_prompts` have none yet, and are not looked for.
    """
    found = _known_completions(session, [key for key in wanted if key[0] not in new_prompts])
    new = [wish for wish in wanted if wish not in found]
    if not new:
        return found, set()
    ids = new_ids(session, COMPLETION, len(new))
    rows = []
    texts = []
    for key, wish in zip(ids, new, strict=True):
        prompt_id, source, digest = wish
        reply = wanted[wish]
        rows.append((key, prompt_id, source or NAMELESS, digest, len(reply.text), reply.finish_reason))
        texts.append((key, reply.text, canonical_json(reply.tool_calls) if reply.tool_calls else None))
    insert_rows(
        session,
        COMPLETION,
        ("id", "prompt_id", "source", "text_digest", "characters", "finish_reason"),
        rows,
        {"kind": "imported", "import_id": import_id, "created_at": now()},
    )
    insert_rows(session, core(CompletionText), ("completion_id", "text", "tool_calls"), texts, {})
    return found | dict(zip(new, ids, strict=True)), set(new)


def _known_completions(session: Session, wanted: Collection[CompletionKey]) -> dict[CompletionKey, int]:
    if not wanted:
        return {}
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
    for wish in wanted:
        prompt_id, source, digest = wish
        known = by_text.get((prompt_id, digest)) if source is None else by_source.get(wish)
        if known is not None:
            found[wish] = known
    return found


Sides = tuple[int, int]  # ids of a and b, a before b


def put_pairs(
    session: Session,
    project_id: int,
    import_id: int,
    wanted: Mapping[Sides, tuple[int, str, str]],
    new_sides: Collection[int],
) -> tuple[dict[Sides, int], set[Sides]]:
    """Store the pairs that are new: sides to (prompt, digest of a, digest of b). Return ids, and which were new.

    A pair with one of `new_sides`, completions that were just stored, is not looked for.
    """
    old = [sides for sides in wanted if sides[0] not in new_sides and sides[1] not in new_sides]
    known: dict[Sides, int] = {}
    if old:
        query = select(col(Pair.a_id), col(Pair.b_id), col(Pair.id)).where(
            col(Pair.a_id).in_({a for a, _ in old}), tuple_(col(Pair.a_id), col(Pair.b_id)).in_(old)
        )
        known = {(row[0], row[1]): row[2] for row in session.execute(query)}
    new = [sides for sides in wanted if sides not in known]
    ids = new_ids(session, PAIR, len(new)) if new else []
    insert_rows(
        session,
        PAIR,
        ("id", "prompt_id", "a_id", "b_id", "a_digest", "b_digest"),
        [(key, wanted[sides][0], *sides, *wanted[sides][1:]) for key, sides in zip(ids, new, strict=True)],
        {"project_id": project_id, "import_id": import_id, "created_at": now()},
    )
    return known | dict(zip(new, ids, strict=True)), set(new)


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
    insert_rows(
        session,
        core(Label),
        ("seq", "pair_id", "rater_id", "revision", "verdict", "strength", "event_id"),
        [
            (
                first + place,
                key[1],
                key[0],
                revisions.get(key, 0) + 1,
                wanted[key][0].value,
                wanted[key][1],
                events[key],
            )
            for place, key in enumerate(new)
        ],
        {"project_id": project_id, "action": "label", "import_id": import_id, "created_at": at},
    )
    return set(new)


@dataclass(frozen=True, slots=True)
class ReadyPairs:
    """Rows of pairs with what is worked out before they are stored, row by row: prompts, the digests of both sides, and
    whether these say nearly the same."""

    rows: Sequence[PairRow]
    prompts: Sequence[ReadyPrompt]
    sides: Sequence[tuple[str, str]]
    are_alike: Sequence[bool]


@dataclass(frozen=True, slots=True)
class PutPairs:
    """What each row added, and the ids of their pairs."""

    written: list[Written]
    pair_ids: list[int]


def ready_pairs(rows: Sequence[PairRow]) -> ReadyPairs:
    return ReadyPairs(
        rows,
        ready_prompts(row.prompt for row in rows),
        [
            (completion_digest(row.a.text, row.a.tool_calls), completion_digest(row.b.text, row.b.tool_calls))
            for row in rows
        ],
        [not row.a.tool_calls and not row.b.tool_calls and are_alike(row.a.text, row.b.text) for row in rows],
    )


def put_pair_rows(session: Session, project_id: int, import_id: int, ready: ReadyPairs, raters: RaterNames) -> PutPairs:
    """Store rows of pairs, each once."""
    prompts = put_prompts(session, project_id, import_id, ready.prompts)
    placed: list[tuple[CompletionKey, CompletionKey]] = []
    wanted: dict[CompletionKey, Reply] = {}
    for row, prompt, (a, b) in zip(ready.rows, ready.prompts, ready.sides, strict=True):
        prompt_id = prompts.ids[prompt.digest]
        keys = (prompt_id, row.a.source, a), (prompt_id, row.b.source, b)
        wanted.setdefault(keys[0], row.a)
        wanted.setdefault(keys[1], row.b)
        placed.append(keys)
    new_prompt_ids = {prompts.ids[digest] for digest in prompts.new}
    ids, new_completions = put_completions(session, import_id, wanted, new_prompt_ids)
    sides = [(min(ids[a], ids[b]), max(ids[a], ids[b])) for a, b in placed]
    pairs = {
        both: (a[0], a[2], b[2]) if both[0] == ids[a] else (a[0], b[2], a[2])
        for both, (a, b) in zip(sides, placed, strict=True)
    }
    new_sides = {ids[key] for key in new_completions}
    pair_ids, new_pairs = put_pairs(session, project_id, import_id, pairs, new_sides)
    said = _labels(session, project_id, ready.rows, raters, [pair_ids[both] for both in sides])
    turned = [ids[a] > ids[b] for a, b in placed]
    labels = {
        key: (label.verdict.swapped if is_turned else label.verdict, label.strength)
        for given, is_turned in zip(said, turned, strict=True)
        for key, label in given
    }
    new_labels = put_labels(session, project_id, import_id, labels)
    new_prompts = set(prompts.new)
    written = [
        Written(
            prompts=_once(new_prompts, prompt.digest),
            completions=_once(new_completions, a) + _once(new_completions, b),
            pairs=_once(new_pairs, both),
            labels=sum(_once(new_labels, key) for key, _ in given),
        )
        for prompt, (a, b), both, given in zip(ready.prompts, placed, sides, said, strict=True)
    ]
    return PutPairs(written, [pair_ids[both] for both in sides])


def _labels(
    session: Session, project_id: int, rows: Sequence[PairRow], raters: RaterNames, pair_ids: Sequence[int]
) -> list[list[tuple[LabelKey, NamedVerdict]]]:
    """For each row the labels to keep, in the order of the file, with their rater's id and pair's."""
    rater_ids: dict[str, int] = {}
    found = []
    for row, pair_id in zip(rows, pair_ids, strict=True):
        given = []
        for label in raters.labels(row):
            if label.rater not in rater_ids:
                rater_ids[label.rater] = imported_rater(session, project_id, label.rater)
            given.append(((rater_ids[label.rater], pair_id), label))
        found.append(given)
    return found


def _once(new: set[Any], item: object) -> int:
    """1 for the first row that brought `item`, 0 for later ones of the same chunk."""
    if item in new:
        new.remove(item)
        return 1
    return 0
