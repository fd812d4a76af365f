"""What an import would do: the whole file is read, and nothing is stored."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from labeling.domain import Actor, Verdict, completion_digest
from labeling.readers import Refusal, Source, Understanding, read
from labeling.ready_rows import RaterNames
from labeling.rows import CompletionRow, PairGroup, PairRow, PromptRow, Reply, Row, pairs_in, records_of
from labeling.services.access import managed_project
from labeling.services.import_chunks import FIRST_SHOWN, Lined, without_prompt
from labeling.services.imports import ImportOptions
from labeling.services.refused_reasons import Reasons, RefusedRows
from labeling.storage import import_rows as rows_in
from labeling.storage.import_rows import Side
from labeling.storage.store import Session, Store

SAMPLES = 5
PROGRESS_EVERY = 1000
ASKED_AT_ONCE = 500
MOST_WORDS = 9  # of a column that holds so many, nobody says what each means

Opinion = tuple[Verdict, int | None]  # with its strength


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: read = taken + refused, in records of the file.

    `pairs` are those that the taken ones hold, `new_pairs` those of them that are not in the project, each counted once, `raters` those whom the
    file names, `words` those for verdicts that are not known, none where they are many. `labels` are those that are kept, under whichever name, one of each rater on a pair, be they in the
    project already or not; `contradicting` those of them that would be left out, since their rater says otherwise before,
    `contradicting_lines` where the first of them stand.
    """

    understanding: Understanding
    read: int
    taken: int
    refused: Mapping[str, int]
    refusals: tuple[RefusedRows, ...]
    samples: tuple[Lined, ...]
    prompts: int
    new_prompts: int
    pairs: int
    new_pairs: int
    labels: int
    contradicting: int
    contradicting_lines: tuple[int, ...]
    raters: int
    words: tuple[str, ...]


def preview(
    store: Store,
    actor: Actor,
    slug: str,
    source: Source,
    name: str,
    options: ImportOptions,
    progress: Callable[[int], object] = lambda _rows: None,
) -> Preview:
    """Read the whole file without storing anything. `progress` is told the number of rows read so far.

    Raises:
        InputError: the file cannot be read as anything known.
    """
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
    understanding = options.understood(source, name)
    counts: Counter[str] = Counter()
    reasons = Reasons()
    samples: list[Lined] = []
    digests: set[str] = set()
    new_pairs: set[int] = set()
    kept = RaterNames(options.labels_as, options.are_names_kept)
    opinions: dict[int, Opinion] = {}
    contradicting: list[int] = []
    words: set[str] = set()
    raters: set[str] = set()
    joined: dict[str, list[tuple[int, CompletionRow]]] = {}
    for number, row in enumerate(read(source, understanding, options.limit)):
        if number % PROGRESS_EVERY == 0:
            progress(counts["read"])
        if isinstance(row, Refusal):
            counts["read"] += 1
            reasons.add(row)
            if row.word and len(words) < MOST_WORDS:
                words.add(row.word)
            continue
        line, content = row
        pairs = pairs_in(content)
        counts.update(read=records_of(content), pairs=len(pairs))
        raters.update(label.rater for pair in pairs for label in pair.labels)
        words.update(word for pair in pairs for word in pair.unread if len(words) < MOST_WORDS)
        if len(samples) < SAMPLES:
            samples += [(line, pair) for pair in pairs] or [row]
        prompt = _prompt_of(content)
        if prompt is not None:
            digest = prompt.prompt.digest
            digests.add(digest)
            for pair in pairs:
                a, b = _side(pair.a), _side(pair.b)
                both = _key(digest, a, b)
                new_pairs.add(both)
                said = _opinions(both, pair, kept, is_turned=b < a)
                contradicting += [line for rater, opinion in said if opinions.setdefault(rater, opinion) != opinion]
        elif isinstance(content, CompletionRow):
            joined.setdefault(content.external_id or "", []).append((line, content))
    known = 0
    for part in _parts(digests):
        with store.reading() as session:
            ids = rows_in.prompts_by_digest(session, project_id, part)
            known += len(ids)
            if new_pairs:
                new_pairs.difference_update(_known_pairs(session, ids))
    for part in _parts(joined):
        with store.reading() as session:
            found = rows_in.prompts_by_external_id(session, project_id, part)
        for key in part:
            if (prompts := len(found.get(key, ()))) != 1:
                for line, completion in joined[key]:
                    reasons.add(without_prompt(line, completion, prompts))
    return Preview(
        understanding=understanding,
        read=counts["read"],
        taken=counts["read"] - reasons.codes.total(),
        refused=dict(reasons.codes),
        refusals=tuple(reasons.told()),
        samples=tuple(samples[:SAMPLES]),
        pairs=counts["pairs"],
        new_pairs=len(new_pairs),
        prompts=len(digests),
        new_prompts=len(digests) - known,
        labels=len(opinions),
        contradicting=len(contradicting),
        contradicting_lines=tuple(dict.fromkeys(contradicting))[:FIRST_SHOWN],
        raters=len(raters),
        words=tuple(sorted(words)) if len(words) < MOST_WORDS else (),
    )


def passed_over(seen: Understanding) -> str:
    """Which columns look as if the file held pairs, where it is read as something else; empty where none do."""
    if not seen.passed_over:
        return ""
    named = ", ".join(repr(column[:60]) for column in seen.passed_over)
    return (
        f"read as {seen.kind} without {named}: where the rows are pairs, choose the format trl (chosen and rejected) or pairs"
        " (two responses), and say which columns hold the two sides"
    )


def as_stored(line: int, row: Row) -> dict[str, Any]:
    """What a row is about to become, by the name of each part; of a ranking its first pair."""
    if isinstance(row, PairGroup):
        row = row.pairs[0]
    if isinstance(row, PairRow):
        return {
            "Prompt": _text(row.prompt), "a, first reply": row.a.text, "b, second reply": row.b.text,
            "Verdict": _verdicts(row), "Turns": len(row.prompt.prompt.messages), "Row": line,
        }  # fmt: skip
    if isinstance(row, CompletionRow):
        of = _text(row.prompt) if row.prompt else f"id {row.external_id}"
        return {"Prompt": of, "Reply": row.reply.text, "Model": row.reply.source or "", "Row": line}
    return {"Prompt": _text(row), "Turns": len(row.prompt.messages), "Id": row.external_id or "", "Row": line}


def _verdicts(row: PairRow) -> str:
    """The verdict, or those of the raters whom the file names."""
    return ", ".join(one.verdict.value for one in row.labels) or (row.verdict.value if row.verdict else "")


def _text(row: PromptRow) -> str:
    return str(row.prompt.messages[-1].get("content") or "")


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while part := list(islice(remaining, ASKED_AT_ONCE)):
        yield part


def _prompt_of(row: Row) -> PromptRow | None:
    if isinstance(row, PairGroup):
        return row.pairs[0].prompt
    return row if isinstance(row, PromptRow) else row.prompt


def _side(reply: Reply) -> Side:
    return reply.source or rows_in.NAMELESS, completion_digest(reply.text, reply.tool_calls)


def _key(digest: str, a: Side, b: Side) -> int:
    """A pair by a hash, whichever side stands first: files have millions."""
    return hash((digest, *sorted((a, b))))


def _known_pairs(session: Session, prompts: Mapping[str, int]) -> Iterator[int]:
    """The keys of the pairs that these prompts have, by digest; also as files tell them that do not name who wrote the sides."""
    digests = {key: digest for digest, key in prompts.items()}
    for prompt_id, *sides in rows_in.sides_in(session, digests.keys()):
        for a, b in product(*({side, (rows_in.NAMELESS, side[1])} for side in sides)):
            yield _key(digests[prompt_id], a, b)


def _opinions(key: int, row: PairRow, kept: RaterNames, *, is_turned: bool) -> Iterator[tuple[int, Opinion]]:
    """What each label to keep says, whichever side stands first, by a hash of its rater and the pair."""
    for one in kept.labels(row):
        yield hash((one.rater, key)), (one.verdict.swapped if is_turned else one.verdict, one.strength)
