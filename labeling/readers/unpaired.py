"""KTO rows: single completions, each called desirable or not. Two of one prompt that differ in it are a pair."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.domain import SYSTEM, Json, Verdict, completion_digest
from labeling.readers.chat import as_messages, as_reply, unfolded
from labeling.readers.columns import (
    PROMPT,
    Columns,
    cell,
    is_blank,
    listed,
    needed,
    plain_name,
    prompt_messages,
    prompt_row,
)
from labeling.readers.preferences import joined, sharegpt_messages, turned
from labeling.readers.refusals import Refusal, RowFault
from labeling.rows import PairGroup, PairRow, PromptRow, Reply

DESIRABLE = {"true": True, "1": True, "desirable": True, "good": True, "chosen": True}
UNDESIRABLE = {"false": False, "0": False, "undesirable": False, "bad": False, "rejected": False}
TRL_COLUMNS = {"prompt", "completion", "label"}
MOST_HELD = 4  # replies of one kind that have a counterpart: where one is contradicted, the next stands in


@dataclass(frozen=True, slots=True)
class RatedRow:
    """One completion as its file calls it, before its counterpart is found."""

    prompt: PromptRow
    reply: Reply
    is_desirable: bool


@dataclass(slots=True)
class Completions:
    """Those of one prompt. `said`: by digest whether one is desirable, and the line of a pair with it, None for one that is
    called both; `waiting`: rows without a counterpart, all of one kind; `met`: the first of each kind that had one, by digest."""

    said: dict[str, tuple[bool, int | None] | None] = field(default_factory=dict)
    waiting: deque[tuple[int, str, RatedRow]] = field(default_factory=deque)
    met: dict[bool, dict[str, Reply]] = field(default_factory=lambda: {True: {}, False: {}})


def is_rated(record: Mapping[str, Any]) -> bool:
    """Whether a record is one completion with a plain yes or no."""
    names = {plain_name(name): name for name in record}
    label = next(
        (record[names[name]] for name in ("label", "kto_tag", "desirable", "is_desirable") if name in names), None
    )
    is_plain = isinstance(label, bool) or (isinstance(label, str) and label.lower() in ("true", "false"))
    return is_plain and any(name in names for name in ("completion", "response", "output", "messages", "conversations"))


def is_rated_by_numbers(columns: Iterable[str], records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a table has TRL's three columns and no other, with 1 and 0 for true and false, as a spreadsheet writes them.

    Under other names, beside another number or without the other of the two a 1 may mean anything.
    """
    names = [name for name in columns if name.strip()]
    if {plain_name(name) for name in names} != TRL_COLUMNS:
        return False
    column = next(name for name in names if plain_name(name) == "label")
    labels = set()
    for record in records:
        label = record.get(column)
        if isinstance(label, dict | list) or str(label).removesuffix(".0") not in ("0", "1"):
            return False
        labels.add(str(label).removesuffix(".0"))
    return len(labels) == 2


def rated(record: dict[str, Any], columns: Columns) -> RatedRow:
    """TRL's `prompt`, `completion`, `label`, the completion perhaps a whole conversation; LLaMA-Factory's conversations with
    `kto_tag`; messages that end in the reply."""
    said = str(needed(record, columns, "desirable")).strip().lower().removesuffix(".0")
    is_desirable = (DESIRABLE | UNDESIRABLE).get(said)
    if is_desirable is None:
        raise RowFault("unknown_verdict", f"the label says {said[:60]!r}; known are true and false")
    if "response" in columns:
        reply = unfolded(needed(record, columns, "response"), columns["response"])
        if isinstance(reply, list) and len(reply) > 1:
            *messages, reply = as_messages(turned(reply, columns["response"]), columns["response"])
            if not _is_whole([*messages, reply], record, columns):
                messages = joined(_asked(record, columns), messages, (reply,), columns["prompt"])
        else:
            messages = _asked(record, columns)
    else:
        name = "conversations" if "conversations" in record else columns.get("prompt", "messages")
        whole = sharegpt_messages(record.get(name), name)
        messages, reply = whole[:-1], whole[-1]
    prompt = prompt_row(record, columns, messages)
    return RatedRow(prompt, as_reply(reply, "the completion", cell(record, columns, "model")), is_desirable)


def _is_whole(turns: list[Json], record: dict[str, Any], columns: Columns) -> bool:
    """Whether the user begins a conversation, and nothing beside it is of the prompt."""
    speaker = next((turn["role"] for turn in turns if turn["role"] not in SYSTEM), None)
    return speaker == "user" and all(is_blank(listed(cell(record, columns, role))) for role in PROMPT)


def _asked(record: dict[str, Any], columns: Columns) -> list[Json]:
    given = unfolded(needed(record, columns, "prompt"), "prompt")
    return prompt_messages(record, columns, turned(given, columns["prompt"]))


def paired(rows: Iterable[tuple[int, RatedRow] | Refusal]) -> Iterator[tuple[int, PairGroup] | Refusal]:
    """Pairs of a desirable and an undesirable completion of one prompt, in the order of the file.

    Where a prompt has more of one kind, the ones left over are paired with the first of the other that is called one thing
    only, among the few that are held. A completion for which there is none is refused, and so is one that is called both:
    no pair is made of it from then on, and one that was made before is told. Held in memory are a digest of every
    completion, what waits for its counterpart, and of each prompt and kind up to `MOST_HELD` replies that had one.
    """
    prompts: dict[str, Completions] = {}
    for row in rows:
        if isinstance(row, Refusal):
            yield row
            continue
        line, rating = row
        of = prompts.setdefault(rating.prompt.prompt.digest, Completions())
        digest = completion_digest(rating.reply.text, rating.reply.tool_calls)
        said = of.said.setdefault(digest, (rating.is_desirable, None))
        if said is None or said[0] is not rating.is_desirable:
            yield _contradicted(line, rating, said[1] if said else None)
            of.said[digest] = None
            of.met[not rating.is_desirable].pop(digest, None)
        else:
            yield from _met(of, line, digest, rating)
    open_ = ((of, _kinds(of)) for of in prompts.values() if of.waiting)
    left = [(*row, of, kinds) for of, kinds in open_ for row in of.waiting]
    for line, digest, rating, of, kinds in sorted(left, key=lambda one: one[0]):
        if of.said[digest] is None:
            yield _contradicted(line, rating)
        elif others := of.met[not rating.is_desirable]:
            yield line, _pair(rating, next(iter(others.values())), 1)
        else:
            yield _alone(line, rating, is_other_unheld=(not rating.is_desirable) in kinds)


def _met(of: Completions, line: int, digest: str, rating: RatedRow) -> Iterator[tuple[int, PairGroup] | Refusal]:
    """The pair with the first row of the other kind that waits, or nothing: the row then waits itself."""
    while of.waiting and of.waiting[0][2].is_desirable is not rating.is_desirable:
        other_line, other_digest, other = of.waiting.popleft()
        if of.said[other_digest] is None:
            yield _contradicted(other_line, other)
            continue
        for key, one in ((digest, rating), (other_digest, other)):
            of.said[key] = one.is_desirable, line
            if len(met := of.met[one.is_desirable]) < MOST_HELD:
                met.setdefault(key, one.reply)
        yield line, _pair(rating, other.reply, 2)
        return
    of.waiting.append((line, digest, rating))


def _pair(rating: RatedRow, other: Reply, records: int) -> PairGroup:
    good, bad = (rating.reply, other) if rating.is_desirable else (other, rating.reply)
    return PairGroup((PairRow(rating.prompt, good, bad, Verdict.A),), records)


def _contradicted(line: int, rating: RatedRow, paired_in: int | None = None) -> Refusal:
    """A row whose completion is called the opposite, too; `paired_in`: the line of the last pair made with it before."""
    reason = "the same completion of one prompt is called desirable and undesirable"
    if paired_in is not None:
        reason += f"; pairs made with it before this row was read stay, the last in line {paired_in}"
    return Refusal(line, "contradiction", reason, rating.reply.text[:2000])


def _kinds(of: Completions) -> set[bool]:
    """Of which kinds a prompt has completions that are called one thing only."""
    return {said[0] for said in of.said.values() if said}


def _alone(line: int, rating: RatedRow, *, is_other_unheld: bool) -> Refusal:
    called, missing = ("desirable", "undesirable") if rating.is_desirable else ("undesirable", "desirable")
    reason = f"the prompt has this {called} completion and none left that is {missing}: no pair"
    if is_other_unheld:
        reason = (
            f"the {missing} completions of the prompt that were held for it are called {called}, too, and further ones"
            " are in pairs already and no longer held: no pair; leave out what is called both, and import the file again"
        )
    return Refusal(line, "no_counterpart", reason, rating.reply.text[:2000])
