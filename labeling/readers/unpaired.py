"""KTO rows: single completions, each called desirable or not. Two of one prompt that differ in it are a pair."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.domain import Verdict, completion_digest
from labeling.readers.chat import as_messages, as_reply, unfolded
from labeling.readers.columns import Columns, cell, needed, plain_name, prompt_messages, prompt_row
from labeling.readers.preferences import sharegpt_messages
from labeling.readers.refusals import Refusal, RowFault
from labeling.rows import PairGroup, PairRow, PromptRow, Reply

DESIRABLE = {"true": True, "1": True, "desirable": True, "good": True, "chosen": True}
UNDESIRABLE = {"false": False, "0": False, "undesirable": False, "bad": False, "rejected": False}


@dataclass(frozen=True, slots=True)
class RatedRow:
    """One completion as its file calls it, before its counterpart is found."""

    prompt: PromptRow
    reply: Reply
    is_desirable: bool


@dataclass(slots=True)
class Completions:
    """Those of one prompt. `said`: by digest whether one is desirable, and the line of a pair with it, None for one that is
    called both; `waiting`: rows without a counterpart, all of one kind; `first` of each kind that had one."""

    said: dict[str, tuple[bool, int | None] | None] = field(default_factory=dict)
    waiting: deque[tuple[int, str, RatedRow]] = field(default_factory=deque)
    first: dict[bool, Reply] = field(default_factory=dict)


def is_rated(record: Mapping[str, Any]) -> bool:
    """Whether a record is one completion with a plain yes or no."""
    names = {plain_name(name): name for name in record}
    label = next(
        (record[names[name]] for name in ("label", "kto_tag", "desirable", "is_desirable") if name in names), None
    )
    is_plain = isinstance(label, bool) or (isinstance(label, str) and label.lower() in ("true", "false"))
    return is_plain and any(name in names for name in ("completion", "response", "output", "messages", "conversations"))


def rated(record: dict[str, Any], columns: Columns) -> RatedRow:
    """TRL's `prompt`, `completion`, `label`; LLaMA-Factory's conversations with `kto_tag`; messages that end in the reply."""
    said = str(needed(record, columns, "desirable")).strip().lower().removesuffix(".0")
    is_desirable = (DESIRABLE | UNDESIRABLE).get(said)
    if is_desirable is None:
        raise RowFault("unknown_verdict", f"the label says {said[:60]!r}; known are true and false")
    if "response" in columns:
        reply = unfolded(needed(record, columns, "response"), columns["response"])
        messages = prompt_messages(record, columns, needed(record, columns, "prompt"))
        if isinstance(reply, list) and len(reply) > 1:
            whole = as_messages(reply, columns["response"])
            messages, reply = messages + whole[:-1], whole[-1]
    else:
        name = "conversations" if "conversations" in record else columns.get("prompt", "messages")
        whole = sharegpt_messages(record.get(name), name)
        messages, reply = whole[:-1], whole[-1]
    prompt = prompt_row(record, columns, messages)
    return RatedRow(prompt, as_reply(reply, "the completion", cell(record, columns, "model")), is_desirable)


def paired(rows: Iterable[tuple[int, RatedRow] | Refusal]) -> Iterator[tuple[int, PairGroup] | Refusal]:
    """Pairs of a desirable and an undesirable completion of one prompt, in the order of the file.

    Where a prompt has more of one kind, the ones left over are paired with the first of the other. A completion whose
    prompt has none of the other kind is refused, and so is one that is called both: no pair is made of it from then on,
    and one that was made before is told. What waits for its counterpart is held in memory.
    """
    prompts: dict[str, Completions] = {}
    for row in rows:
        if isinstance(row, Refusal):
            yield row
            continue
        line, rating = row
        of = prompts.setdefault(rating.prompt.prompt.digest, Completions())
        digest = _digest(rating.reply)
        said = of.said.setdefault(digest, (rating.is_desirable, None))
        if said is None or said[0] is not rating.is_desirable:
            yield _contradicted(line, rating, said[1] if said else None)
            of.said[digest] = None
            of.first = {kind: reply for kind, reply in of.first.items() if _digest(reply) != digest}
        else:
            yield from _met(of, line, digest, rating)
    left = [(line, digest, rating, of) for of in prompts.values() for line, digest, rating in of.waiting]
    for line, digest, rating, of in sorted(left, key=lambda one: one[0]):
        if of.said[digest] is None:
            yield _contradicted(line, rating)
        elif (other := of.first.get(not rating.is_desirable)) is not None:
            yield line, _pair(rating, other, 1)
        else:
            yield _alone(line, rating)


def _met(of: Completions, line: int, digest: str, rating: RatedRow) -> Iterator[tuple[int, PairGroup] | Refusal]:
    """The pair with the first row of the other kind that waits, or nothing: the row then waits itself."""
    while of.waiting and of.waiting[0][2].is_desirable is not rating.is_desirable:
        other_line, other_digest, other = of.waiting.popleft()
        if of.said[other_digest] is None:
            yield _contradicted(other_line, other)
            continue
        for key, one in ((digest, rating), (other_digest, other)):
            of.said[key] = one.is_desirable, line
            of.first.setdefault(one.is_desirable, one.reply)
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


def _alone(line: int, rating: RatedRow) -> Refusal:
    called, missing = ("desirable", "undesirable") if rating.is_desirable else ("undesirable", "desirable")
    reason = f"the prompt has this {called} completion and none left that is {missing}: no pair"
    return Refusal(line, "no_counterpart", reason, rating.reply.text[:2000])


def _digest(reply: Reply) -> str:
    return completion_digest(reply.text, reply.tool_calls)
