"""What an import writes: new prompts, completions and pairs with their labels, each once, under the import's row."""

import json
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Executable, select, tuple_, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from labeling.domain import canonical_json, completion_digest
from labeling.ready_rows import ReadyPair, ReadyPrompt
from labeling.rows import PromptRow, Reply
from labeling.storage.import_labels import Said, put_labels
from labeling.storage.inserting import insert_rows, new_ids
from labeling.storage.tables import Completion, CompletionText, Pair, PromptAlias, PromptText, core, now
from labeling.storage.tables import PromptRow as PromptTable

PROMPT, COMPLETION, PAIR = core(PromptTable), core(Completion), core(Pair)
NAMELESS = ""  # the source of a completion whose file names none


@dataclass(frozen=True, slots=True)
class PutPrompts:
    """Prompts that are stored now: their ids by digest, and which are new."""

    ids: dict[str, int]
    new: set[str]


# Joined so that each digest is looked up by itself: asked for a list, PostgreSQL reads the whole project, of which it
# knows nothing while an import fills it.
BY_DIGEST = """
    SELECT wanted.value, found.id FROM json_each(?) AS wanted
        CROSS JOIN prompt AS found ON found.project_id = ? AND found.digest = wanted.value"""
_BY_DIGEST_LATERAL = """
    SELECT wanted.value, found.id FROM json_array_elements_text(%s::json) AS wanted CROSS JOIN LATERAL
        (SELECT id FROM prompt WHERE project_id = %s AND prompt.digest = wanted.value LIMIT 1) AS found"""


def prompts_by_digest(session: Session, project_id: int, digests: Collection[str]) -> dict[str, int]:
    query = BY_DIGEST if session.get_bind().dialect.name == "sqlite" else _BY_DIGEST_LATERAL
    return dict(session.connection().exec_driver_sql(query, (json.dumps(list(digests)), project_id)).all())


def prompts_by_external_id(session: Session, project_id: int, ids: Collection[str]) -> dict[str, list[int]]:
    """The prompts of the project with each id that is there: several, where files number theirs alike."""
    own, further = col(PromptTable.external_id), col(PromptAlias.external_id)
    query: Executable = union(
        select(own, col(PromptTable.id)).where(col(PromptTable.project_id) == project_id, own.in_(ids)),
        select(further, col(PromptAlias.prompt_id)).where(col(PromptAlias.project_id) == project_id, further.in_(ids)),
    )
    found: dict[str, list[int]] = {}
    for external_id, key in session.execute(query):
        found.setdefault(external_id, []).append(key)
    return found


def put_prompts(
    session: Session, project_id: int, import_id: int, prompts: Sequence[ReadyPrompt], *, are_named: bool = False
) -> PutPrompts:
    """Store the prompts that are new, and, where `are_named`, further ids of any: the id of a pair may be the row's own."""
    wanted: dict[str, ReadyPrompt] = {}
    for one in prompts:
        wanted.setdefault(one.digest, one)
    known = prompts_by_digest(session, project_id, wanted.keys())
    new = [one for digest, one in wanted.items() if digest not in known]
    added = _add_prompts(session, project_id, import_id, new) if new else {}
    ids = known | added
    if are_named:
        own = {one.digest: one.row.external_id for one in new}
        named = {(one.digest, one.row.external_id) for one in prompts}
        if further := {(digest, id_) for digest, id_ in named if id_ is not None and id_ != own.get(digest)}:
            _put_aliases(session, project_id, import_id, ids, further)
    return PutPrompts(ids, set(added))


def _put_aliases(
    session: Session,
    project_id: int,
    import_id: int,
    ids: Mapping[str, int],
    further: Collection[tuple[str, str | None]],
) -> None:
    """Keep ids of prompts, by digest, unless they have them already."""
    prompts = {ids[digest] for digest, _ in further}
    query = select(col(PromptTable.id), col(PromptTable.external_id)).where(col(PromptTable.id).in_(prompts))
    own = dict(session.execute(query).all())
    rows = {(ids[digest], external_id) for digest, external_id in further if own[ids[digest]] != external_id}
    constants = {"project_id": project_id, "import_id": import_id}
    insert_rows(
        session, core(PromptAlias), ("prompt_id", "external_id"), sorted(rows), constants, passes_over_known=True
    )


def _add_prompts(session: Session, project_id: int, import_id: int, new: Sequence[ReadyPrompt]) -> dict[str, int]:
    """Store prompts that are not there; returns their ids by digest."""
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
    return {one.digest: key for key, one in zip(ids, new, strict=True)}


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


Side: TypeAlias = tuple[str, str]  # who wrote it, "" where that is not told, and the digest of the text


def sides_in(session: Session, prompt_ids: Collection[int]) -> Iterator[tuple[int, Side, Side]]:
    """The pairs of these prompts: of each the prompt and both sides. Only of what was imported a file can name who wrote it."""
    a, b = aliased(Completion), aliased(Completion)
    sides = (col(one) for side in (a, b) for one in (side.kind, side.source, side.text_digest))
    query = (
        select(col(Pair.prompt_id), *sides)
        .join(a, col(Pair.a_id) == col(a.id))
        .join(b, col(Pair.b_id) == col(b.id))
        .where(col(Pair.prompt_id).in_(prompt_ids))
    )
    for prompt_id, *told in session.execute(query):
        first, second = (
            (source or NAMELESS if kind == "imported" else NAMELESS, digest)
            for kind, source, digest in (told[:3], told[3:])
        )
        yield prompt_id, first, second


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


@dataclass(frozen=True, slots=True)
class PutPairs:
    """What rows of pairs added. `are_new`: of each row whether it brought anything; `alike`: new pairs whose sides say nearly the same;
    `contradicting`: the row of each label that was left out, since its rater had said otherwise before."""

    prompts: int
    completions: int
    pairs: int
    labels: int
    are_new: list[bool]
    alike: list[int]
    contradicting: list[int]


def put_pair_rows(
    session: Session, project_id: int, import_id: int, ready: Sequence[ReadyPair], said: set[Said]
) -> PutPairs:
    """Store rows of pairs, each once; `said` as in `put_labels`."""
    prompts = put_prompts(session, project_id, import_id, [one.prompt for one in ready])
    placed: list[tuple[CompletionKey, CompletionKey]] = []
    wanted: dict[CompletionKey, Reply] = {}
    for one in ready:
        row, prompt_id = one.row, prompts.ids[one.prompt.digest]
        keys = (prompt_id, row.a.source, one.a_digest), (prompt_id, row.b.source, one.b_digest)
        wanted.setdefault(keys[0], row.a)
        wanted.setdefault(keys[1], row.b)
        placed.append(keys)
    new_prompt_ids = {prompts.ids[digest] for digest in prompts.new}
    ids, new_completions = put_completions(session, import_id, wanted, new_prompt_ids)
    stored = [(ids[a], ids[b]) for a, b in placed]
    sides = [(a, b) if a < b else (b, a) for a, b in stored]
    pairs = {
        both: (a[0], a[2], b[2]) if both == told else (a[0], b[2], a[2])
        for both, told, (a, b) in zip(sides, stored, placed, strict=True)
    }
    new_sides = {ids[key] for key in new_completions}
    pair_ids, new_pairs = put_pairs(session, project_id, import_id, pairs, new_sides)
    given = [
        (row, pair_ids[both], both != told, one.labels)
        for row, (one, told, both) in enumerate(zip(ready, stored, sides, strict=True))
        if one.labels
    ]
    labels = put_labels(session, project_id, import_id, given, said)
    brought = {pair_ids[both] for both in new_pairs}
    return PutPairs(
        prompts=len(prompts.new),
        completions=len(new_completions),
        pairs=len(new_pairs),
        labels=len(labels.new),
        are_new=bringers(
            (
                (one.prompt.digest, *both, both, *((label.rater, pair_ids[both]) for label in one.labels))
                for one, both in zip(ready, sides, strict=True)
            ),
            {*prompts.new, *new_sides, *new_pairs, *labels.new},
        ),
        alike=[
            key
            for key in dict.fromkeys(pair_ids[both] for one, both in zip(ready, sides, strict=True) if one.is_alike)
            if key in brought
        ],
        contradicting=labels.contradicting,
    )


def bringers(rows: Iterable[Iterable[Hashable]], new: set[Hashable]) -> list[bool]:
    """Of each row, whether it is the first that holds something of `new`, which is emptied by it."""
    found = []
    for held in rows:
        first = new.intersection(held)
        new -= first
        found.append(bool(first))
    return found
