"""Import a file into a project: looked at first, written in short transactions, seen by nobody until it ends."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from labeling.domain import Actor, Right
from labeling.errors import ConflictError, InputError, NotFoundError
from labeling.readers import Refusal, Source, Understanding, read, understand
from labeling.rows import CompletionRow, PairGroup, PairRow, PromptRow, Reply, Row, pairs_in, records_of
from labeling.services.access import open_project
from labeling.services.grouping import group_prompts
from labeling.services.pairing import PairPlan, make_pairs
from labeling.services.queue import enqueue_pairs
from labeling.sifting import OPEN
from labeling.storage import import_rows as rows_in
from labeling.storage import imports as stored
from labeling.storage.grouping import reserve_digests
from labeling.storage.store import IntegrityError, Session, Store
from labeling.storage.tables import Import, now

CHUNK = 250  # rows; keeps a writing transaction short
SAMPLES = 5
ALIKE_SHOWN = 20
STALE = timedelta(seconds=30)
PROGRESS_EVERY = 10

Lined = tuple[int, Row]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be taken. `labels_as`: the rater its verdicts are kept under, None to drop them.

    Where the file names its raters their verdicts are kept by name (under `labels_as/name`, where both are given),
    unless `are_names_kept` is false. `model`: who wrote the completions, where the file does not say. `is_joined_up`: make every pair of the sources
    of each prompt afterwards. `is_reserved`: keep the prompts for evaluation, so that no export ever contains them. `limit`: how many records
    are read, None for all.
    """

    kind: str = "auto"
    format: str = "auto"
    mapping: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    labels_as: str | None = None
    are_names_kept: bool = True
    model: str | None = None
    is_joined_up: bool = False
    is_reserved: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: read = taken + refused, in records of the file.

    `pairs` are those that the taken ones hold, `raters` those whom the file names.
    """

    understanding: Understanding
    read: int
    taken: int
    refused: Mapping[str, int]
    refusals: tuple[Refusal, ...]
    samples: tuple[Lined, ...]
    prompts: int
    new_prompts: int
    pairs: int
    labels: int
    raters: int


@dataclass(frozen=True, slots=True)
class ImportView:
    """An import: read = taken + known + refused. `known` rows held nothing that was not there already.

    `near_prompts`: prompts of the project that came into a group of near-duplicates by it, `alike_sides`: new pairs whose
    sides say nearly the same.
    """

    id: int
    kind: str
    format: str
    file_name: str
    state: str
    read: int
    taken: int
    known: int
    refused: int
    refused_by_reason: Mapping[str, int]
    prompts: int
    completions: int
    pairs: int
    labels: int
    paired_up: int
    near_prompts: int
    alike_sides: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedRow:
    line: int
    code: str
    reason: str
    content: str


def preview(store: Store, actor: Actor, slug: str, source: Source, name: str, options: ImportOptions) -> Preview:
    """Read the whole file without storing anything.

    Raises:
        InputError: the file cannot be read as anything known.
    """
    with store.reading() as session:
        project_id = _project_id(session, actor, slug)
    understanding = _understood(source, name, options)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    refusals: list[Refusal] = []
    samples: list[Lined] = []
    digests: set[str] = set()
    raters: set[str] = set()
    joined: dict[str, list[tuple[int, CompletionRow]]] = {}
    for row in read(source, understanding, options.limit):
        if isinstance(row, Refusal):
            counts["read"] += 1
            reasons[row.code] += 1
            if reasons[row.code] == 1:
                refusals.append(row)
            continue
        line, content = row
        pairs = pairs_in(content)
        counts.update(read=records_of(content), pairs=len(pairs), labels=sum(map(_label_count, pairs)))
        raters.update(label.rater for pair in pairs for label in pair.labels)
        if len(samples) < SAMPLES:
            samples += [(line, pair) for pair in pairs] or [row]
        prompt = _prompt_of(content)
        if prompt is not None:
            digests.add(prompt.prompt.digest)
        elif isinstance(content, CompletionRow):
            joined.setdefault(content.external_id or "", []).append((line, content))
    known = 0
    for part in _parts(digests):
        with store.reading() as session:
            known += len(rows_in.prompts_by_digest(session, project_id, part))
    for part in _parts(joined):
        with store.reading() as session:
            found = rows_in.prompts_by_external_id(session, project_id, part)
        missing = [_without_prompt(*row) for key in part if key not in found for row in joined[key]]
        if missing and not reasons[missing[0].code]:
            refusals.append(missing[0])
        reasons.update(row.code for row in missing)
    return Preview(
        understanding=understanding,
        read=counts["read"],
        taken=counts["read"] - reasons.total(),
        refused=dict(reasons),
        refusals=tuple(refusals),
        samples=tuple(samples[:SAMPLES]),
        pairs=counts["pairs"],
        prompts=len(digests),
        new_prompts=len(digests) - known,
        labels=counts["labels"],
        raters=len(raters),
    )


def run_import(
    store: Store,
    actor: Actor,
    slug: str,
    source: Source,
    name: str,
    options: ImportOptions,
    progress: Callable[[int], None] = lambda _rows: None,
) -> ImportView:
    """Take the file in. What is there already is not stored twice; nobody sees a row before the last one is written.

    `progress` is told the number of rows read so far.

    Raises:
        InputError: the file cannot be read as anything known; nothing was stored.
        ConflictError: another import of this project is being written.
    """
    understanding = _understood(source, name, options)
    project_id, import_id = _begin(store, actor, slug, understanding, options)
    tally = _Tally()
    try:
        rows = read(source, understanding, options.limit)
        for number, chunk in enumerate(_chunks(rows), 1):
            _take(store, project_id, import_id, chunk, options, tally)
            if number % PROGRESS_EVERY == 0:
                progress(tally.counts["read"])
        with store.writing() as session:
            _keep(session, import_id, tally)
            stored.close_import(session, import_id, "done", now())
    except BaseException:
        _remove(store, import_id)
        raise
    enqueue_pairs(store, project_id, import_id)
    tally.counts["near"] = group_prompts(store, project_id)
    if options.is_joined_up:
        tally.counts["paired_up"] = make_pairs(store, actor, slug, PairPlan(per_prompt=None, sieve=OPEN)).pairs
    if tally.counts["near"] or tally.counts["paired_up"]:
        with store.writing() as session:
            stored.recount(session, import_id, **tally.totals)
    return import_view(store, actor, slug, import_id)


def import_view(store: Store, actor: Actor, slug: str, import_id: int) -> ImportView:
    with store.reading() as session:
        return _view(_found(session, actor, slug, import_id))


def list_imports(store: Store, actor: Actor, slug: str, limit: int = 50) -> list[ImportView]:
    """The imports of a project, newest first."""
    with store.reading() as session:
        return [_view(row) for row in stored.imports_of(session, _project_id(session, actor, slug), limit)]


def refused_rows(store: Store, actor: Actor, slug: str, import_id: int) -> list[RefusedRow]:
    """Every refused row of an import, with what it said, to be mended and sent again."""
    with store.reading() as session:
        found = stored.refusals_of(session, _id(_found(session, actor, slug, import_id)))
        return [RefusedRow(row.line, row.code, row.reason, row.content) for row in found]


def refused_jsonl(rows: list[RefusedRow], file_name: str) -> str:
    """Refused rows as a file: one JSON object a line with file, line, code, reason and content."""
    return "".join(
        json.dumps(
            {"file": file_name, "line": row.line, "code": row.code, "reason": row.reason, "content": row.content},
            ensure_ascii=False,
        )
        + "\n"
        for row in rows
    )


def recover_imports(store: Store) -> int:
    """Take back what imports that were killed have written; return how many there were. For the start of a process."""
    with store.reading() as session:
        dead = [_id(row) for row in stored.all_unfinished(session) if now() - row.heartbeat_at > STALE]
    for import_id in dead:
        _remove(store, import_id)
    return len(dead)


def _understood(source: Source, name: str, options: ImportOptions) -> Understanding:
    return understand(
        source, name, kind=options.kind, format=options.format, mapping=options.mapping, encoding=options.encoding
    )


def _begin(
    store: Store, actor: Actor, slug: str, understanding: Understanding, options: ImportOptions
) -> tuple[int, int]:
    recover_imports(store)
    if options.labels_as is not None and not options.labels_as.strip():
        raise InputError("The rater whose labels the file holds needs a name, or drop the labels.")
    said = {"mapping": dict(understanding.mapping), "labels_as": options.labels_as, "model": options.model}
    try:
        with store.writing() as session:
            project_id = _project_id(session, actor, slug)
            row = Import(
                project_id=project_id, kind=understanding.kind, format=understanding.format,
                file_name=understanding.name, options=json.dumps(said, ensure_ascii=False), created_by=actor.account_id,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return project_id, _id(row)
    except IntegrityError as error:
        raise ConflictError(
            f"Another import into {slug!r} is being written. Wait for its end;"
            f" one that was killed is taken back {STALE.seconds} seconds after its last sign of life."
        ) from error


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while part := list(islice(remaining, 500)):
        yield part


def _chunks(rows: Iterator[Lined | Refusal]) -> Iterator[list[Lined | Refusal]]:
    """Rows in parts of about `CHUNK` pairs, prompts or completions."""
    chunk: list[Lined | Refusal] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += 1 if isinstance(row, Refusal) else max(1, len(pairs_in(row[1])))
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a chunk: what each row added, pairs with sides alike, rows without a prompt."""

    written: list[rows_in.Written]
    alike: list[int] = field(default_factory=list)
    missing: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What an import has come to so far."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    alike: list[int] = field(default_factory=list)

    def add(self, done: _Done, refusals: list[Refusal]) -> None:
        self.counts.update(read=len(refusals), alike=len(done.alike))
        for one in done.written:
            self.counts["read"] += one.records
            self.counts["taken" if one.is_new else "known"] += one.records
        added = rows_in.together(done.written, 0)
        self.counts.update(prompts=added.prompts, completions=added.completions, pairs=added.pairs, labels=added.labels)
        self.reasons.update(row.code for row in refusals)
        self.alike = (self.alike + done.alike)[:ALIKE_SHOWN]

    @property
    def totals(self) -> dict[str, object]:
        """The columns of the import's row."""
        added = {key: self.counts[key] for key in _ADDED}
        return {
            "rows_read": self.counts["read"],
            "rows_taken": self.counts["taken"],
            "rows_known": self.counts["known"],
            "rows_refused": self.reasons.total(),
            "counts": json.dumps(added | {"refused": dict(self.reasons), "alike_pairs": self.alike}),
        }


_ADDED = ("prompts", "completions", "pairs", "labels", "paired_up", "near", "alike")


def _take(
    store: Store,
    project_id: int,
    import_id: int,
    chunk: list[Lined | Refusal],
    options: ImportOptions,
    tally: _Tally,
) -> None:
    """Store one chunk in one transaction and count every row of it once; what can be is worked out before it begins."""
    refusals = [row for row in chunk if isinstance(row, Refusal)]
    rows = [row for row in chunk if not isinstance(row, Refusal)]
    put = _ready(rows, options)
    with store.writing() as session:
        done = put(session, project_id, import_id)
        if options.is_reserved:
            reserve_digests(
                session, project_id, [prompt.prompt.digest for _, row in rows for prompt in _prompts_in(row)]
            )
        refusals += done.missing
        stored.add_refusals(
            session,
            import_id,
            [{"line": row.line, "code": row.code, "reason": row.reason, "content": row.content} for row in refusals],
        )
        tally.add(done, refusals)
        _keep(session, import_id, tally)


def _ready(rows: list[Lined], options: ImportOptions) -> Callable[[Session, int, int], _Done]:
    """What will store the rows of a chunk, all of one kind."""
    if rows and pairs_in(rows[0][1]):
        pairs = rows_in.ready_pairs([pair for _, row in rows for pair in pairs_in(row)])
        return partial(_put_pairs, rows=rows, ready=pairs, options=options)
    if rows and isinstance(rows[0][1], CompletionRow):
        given = [row.prompt for _, row in rows if isinstance(row, CompletionRow) and row.prompt is not None]
        return partial(_put_completions, rows=rows, ready=rows_in.ready_prompts(given), options=options)
    prompts = [row for _, row in rows if isinstance(row, PromptRow)]
    return partial(_put_prompts, ready=rows_in.ready_prompts(prompts))


def _put_pairs(
    session: Session,
    project_id: int,
    import_id: int,
    rows: list[Lined],
    ready: rows_in.ReadyPairs,
    options: ImportOptions,
) -> _Done:
    raters = rows_in.RaterNames(options.labels_as, options.are_names_kept)
    put = rows_in.put_pair_rows(session, project_id, import_id, ready, raters)
    each = iter(put.written)
    written = [rows_in.together(list(islice(each, len(pairs_in(row)))), records_of(row)) for _, row in rows]
    alike = [
        pair_id
        for pair_id, one, is_alike in zip(put.pair_ids, put.written, ready.are_alike, strict=True)
        if is_alike and one.pairs
    ]
    return _Done(written, alike)


def _put_prompts(session: Session, project_id: int, import_id: int, ready: list[rows_in.ReadyPrompt]) -> _Done:
    put = rows_in.put_prompts(session, project_id, import_id, ready)
    new = set(put.new)
    written = []
    for one in ready:
        written.append(rows_in.Written(prompts=int(one.digest in new)))
        new.discard(one.digest)
    return _Done(written)


def _prompts_in(row: Row) -> list[PromptRow]:
    if isinstance(row, PromptRow):
        return [row]
    if isinstance(row, CompletionRow):
        return [] if row.prompt is None else [row.prompt]
    return [pair.prompt for pair in pairs_in(row)]


def _keep(session: Session, import_id: int, tally: _Tally) -> None:
    """Say that the import is alive; raise where another process took it for dead, so that nothing more is written."""
    if not stored.beat(session, import_id, **tally.totals):
        raise ConflictError(
            f"The import stood still for over {STALE.seconds} seconds and was taken back. Nothing of it is stored: start it again."
        )


def _put_completions(
    session: Session,
    project_id: int,
    import_id: int,
    rows: list[Lined],
    ready: list[rows_in.ReadyPrompt],
    options: ImportOptions,
) -> _Done:
    """Join completions to their prompts by id, or by the prompt in the row; one without its prompt is refused."""
    completions = [(line, row) for line, row in rows if isinstance(row, CompletionRow)]
    prompts = rows_in.put_prompts(session, project_id, import_id, ready)
    digests = iter(one.digest for one in ready)
    ids = {row.external_id for _, row in completions if row.external_id is not None}
    by_id = rows_in.prompts_by_external_id(session, project_id, ids) if ids else {}
    wanted: dict[rows_in.CompletionKey, Reply] = {}
    placed: list[tuple[str, rows_in.CompletionKey]] = []
    missing: list[Refusal] = []
    for line, row in completions:
        digest = next(digests) if row.prompt else ""
        prompt_id = prompts.ids[digest] if row.prompt else by_id.get(row.external_id or "")
        if prompt_id is None:
            missing.append(_without_prompt(line, row))
            continue
        key = rows_in.completion_key(prompt_id, row.reply, options.model)
        wanted.setdefault(key, row.reply)
        placed.append((digest, key))
    _, new = rows_in.put_completions(session, import_id, wanted) if wanted else ({}, set())
    new_prompts = set(prompts.new)
    written = []
    for digest, key in placed:
        written.append(rows_in.Written(prompts=int(digest in new_prompts), completions=int(key in new)))
        new_prompts.discard(digest)
        new.discard(key)
    return _Done(written, missing=missing)


def _without_prompt(line: int, row: CompletionRow) -> Refusal:
    reason = f"no prompt of the project has the id {row.external_id!r}; import the prompts first"
    return Refusal(line, "no_prompt_with_this_id", reason, row.reply.text[:2000])


def _remove(store: Store, import_id: int) -> None:
    """Take back every row of an import that did not end, in short transactions; its refusals stay as a record."""
    with store.writing() as session:
        if not stored.beat(session, import_id):
            return  # another process has taken it back
        stored.open_erasure(session, import_id)
    is_gone = False
    while not is_gone:
        with store.writing() as session:
            # This locks the import's row: one that wakes up while it is taken back waits, and then finds it closed.
            stored.beat(session, import_id)
            is_gone = stored.forget(session, import_id, CHUNK) == 0
            if is_gone:
                stored.close_import(session, import_id, "removed", now())


def _prompt_of(row: Row) -> PromptRow | None:
    if isinstance(row, PairGroup):
        return row.pairs[0].prompt
    return row if isinstance(row, PromptRow) else row.prompt


def _label_count(row: PairRow) -> int:
    return len(row.labels) if row.labels else int(row.verdict is not None)


def _project_id(session: Session, actor: Actor, slug: str) -> int:
    project = open_project(session, actor, slug, Right.MANAGE)
    assert project.id is not None
    return project.id


def _found(session: Session, actor: Actor, slug: str, import_id: int) -> Import:
    project_id = _project_id(session, actor, slug)
    row = session.get(Import, import_id)
    if row is None or row.project_id != project_id:
        raise NotFoundError(f"The project {slug!r} has no import {import_id}.")
    return row


def _view(row: Import) -> ImportView:
    counts = json.loads(row.counts)
    return ImportView(
        id=_id(row),
        kind=row.kind,
        format=row.format,
        file_name=row.file_name,
        state=row.state,
        read=row.rows_read,
        taken=row.rows_taken,
        known=row.rows_known,
        refused=row.rows_refused,
        refused_by_reason=counts.get("refused", {}),
        prompts=counts.get("prompts", 0),
        completions=counts.get("completions", 0),
        pairs=counts.get("pairs", 0),
        labels=counts.get("labels", 0),
        paired_up=counts.get("paired_up", 0),
        near_prompts=counts.get("near", 0),
        alike_sides=counts.get("alike", 0),
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _id(row: Import) -> int:
    assert row.id is not None
    return row.id
