"""KTO rows: single completions, each called desirable or not. Two of one prompt that differ in it are a pair."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.domain import Verdict
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
class Waiting:
    """The completions of one prompt that have no counterpart yet, and the first of each kind."""

    queues: dict[bool, deque[tuple[int, RatedRow]]] = field(default_factory=lambda: {True: deque(), False: deque()})
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
    prompt has none of the other kind is refused. What waits for its counterpart is held in memory.
    """
    prompts: dict[str, Waiting] = {}
    for row in rows:
        if isinstance(row, Refusal):
            yield row
            continue
        line, rating = row
        waiting = prompts.setdefault(rating.prompt.prompt.digest, Waiting())
        waiting.first.setdefault(rating.is_desirable, rating.reply)
        others = waiting.queues[not rating.is_desirable]
        if others:
            other_line, counterpart = others.popleft()
            yield from _pair(rating, counterpart.reply, line, other_line)
        else:
            waiting.queues[rating.is_desirable].append((line, rating))
    left = [
        (line, rating, waiting.first.get(not rating.is_desirable))
        for waiting in prompts.values()
        for queue in waiting.queues.values()
        for line, rating in queue
    ]
    for line, rating, other in sorted(left, key=lambda one: one[0]):
        if other is None:
            called, missing = ("desirable", "undesirable") if rating.is_desirable else ("undesirable", "desirable")
            yield Refusal(
                line, "no_counterpart", f"the prompt has this {called} completion and none that is {missing}: no pair",
                rating.reply.text[:2000],
            )  # fmt: skip
        else:
            yield from _pair(rating, other, line)


def _pair(rating: RatedRow, other: Reply, *lines: int) -> Iterator[tuple[int, PairGroup] | Refusal]:
    """The pair that the records in `lines` give; a refusal for each of them where they contradict each other."""
    good, bad = (rating.reply, other) if rating.is_desirable else (other, rating.reply)
    if good.text != bad.text or good.tool_calls != bad.tool_calls:
        yield lines[0], PairGroup((PairRow(rating.prompt, good, bad, Verdict.A),), len(lines))
        return
    for line in lines:
        reason = "the same completion of one prompt is called desirable and undesirable"
        yield Refusal(line, "contradiction", reason, good.text[:2000])
