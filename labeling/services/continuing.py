"""Follow-up turns: each becomes the next prompt, after the chosen reply or after each generator's own."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from labeling.domain import Actor, Prompt
from labeling.services.access import managed_project
from labeling.services.deciding import ballot, decisions_on
from labeling.services.label_rules import DEFAULT_RULES, LabelRules
from labeling.storage import continuing as rows
from labeling.storage.completions import last_of_first, lock_project
from labeling.storage.store import Session, Store

CHUNK = 100  # prompts; keeps a writing transaction short


class After(StrEnum):
    """Which reply a conversation goes on from."""

    CHOSEN = "chosen"  # what the label rules make the better one, or an annotator's edit of it
    OWN = "own"  # each generator's first sample; only that generator goes on


@dataclass(frozen=True, slots=True)
class ContinueView:
    """What becomes of the prompts with a turn to come: prompts = gone_on + already + no_reply + calls_tools.

    `made` are new prompts, of which one prompt may bring several: one for each generator. `already` are those that were
    gone on from in this way before. `no_reply` have no chosen reply, or none of a generator in use; in `calls_tools` the reply
    calls a tool, which no user's turn can follow.
    """

    prompts: int
    made: int
    gone_on: int
    already: int
    no_reply: int
    calls_tools: int


def count_open(store: Store, actor: Actor, slug: str) -> int:
    """How many prompts have a turn to come."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return rows.count_open(session, project_id)


def continue_conversations(
    store: Store,
    actor: Actor,
    slug: str,
    after: After,
    rules: LabelRules = DEFAULT_RULES,
    *,
    dry_run: bool = False,
) -> ContinueView:
    """Make the next prompt of every conversation that has one to come; with `dry_run` only count them.

    A new prompt holds the conversation so far, the reply and the next turn; it is bound to its conversation, so that a
    split keeps its turns together. What was gone on from once is not again, also where another reply is chosen now.
    """
    counts: Counter[str] = Counter()
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        _, newest = last_of_first(session, project_id, None)  # what is made now goes on another time
    last = 0
    while True:
        with store.reading() as session:
            open_ = [one for one in rows.open_after(session, project_id, last, CHUNK) if one.id <= newest]
            if not open_:
                break
            new, found = _next(session, project_id, open_, after, rules)
        last = open_[-1].id
        counts.update(found)
        if new and not dry_run:
            with store.writing() as session:
                lock_project(session, project_id)
                done = rows.continued(session, [one.parent.id for one in new])
                new = [one for one in new if (one.after, one.generator_id) not in done.get(one.parent.id, ())]
                counts["made"] += rows.add_prompts(session, project_id, new)
        elif new:
            counts["made"] += len({one.prompt.digest for one in new})
    return ContinueView(
        prompts=counts["prompts"],
        made=counts["made"],
        gone_on=counts["gone_on"],
        already=counts["already"],
        no_reply=counts["no_reply"],
        calls_tools=counts["calls_tools"],
    )


def _next(
    session: Session, project_id: int, open_: Sequence[rows.Open], after: After, rules: LabelRules
) -> tuple[list[rows.Next], Counter[str]]:
    """The next prompts of some conversations, and how many of these end in each way."""
    ids = [one.id for one in open_]
    done = rows.continued(session, ids)
    if after is After.CHOSEN:
        chosen = _chosen(session, project_id, ids, rules)
        wanted: Mapping[int, dict[int | None, int]] = {prompt_id: {None: id_} for prompt_id, id_ in chosen.items()}
    else:
        own = rows.own_first(session, project_id, ids)
        wanted = {prompt_id: dict(by_generator.items()) for prompt_id, by_generator in own.items()}
    replies = rows.replies(session, [id_ for one in wanted.values() for id_ in one.values()])
    new: list[rows.Next] = []
    counts: Counter[str] = Counter(prompts=len(open_))
    for one in open_:
        made, reason = _continued(one, wanted.get(one.id, {}), replies, done.get(one.id, set()), after)
        new += made
        counts[reason] += 1
    return new, counts


def _continued(
    one: rows.Open,
    wanted: Mapping[int | None, int],
    replies: Mapping[int, rows.GoneOn],
    done: Iterable[tuple[str, int | None]],
    after: After,
) -> tuple[list[rows.Next], str]:
    """The next prompts of one conversation, and what it counts as."""
    left = {generator_id: replies[id_] for generator_id, id_ in wanted.items() if (after, generator_id) not in done}
    if not left:
        return [], "already" if wanted or any(way == after for way, _ in done) else "no_reply"
    plain = {
        generator_id: reply for generator_id, reply in left.items() if not reply.has_tool_calls and reply.text.strip()
    }
    new = [
        rows.Next(one, reply.id, _prompt(one, reply.text), after.value, generator_id)
        for generator_id, reply in plain.items()
    ]
    return new, "gone_on" if new else "calls_tools"


def _prompt(one: rows.Open, reply: str) -> Prompt:
    turns = ({"role": "assistant", "content": reply}, {"role": "user", "content": one.follow_ups[0]})
    return Prompt((*one.messages, *turns), one.tools)


def _chosen(session: Session, project_id: int, prompt_ids: Sequence[int], rules: LabelRules) -> dict[int, int]:
    """By prompt: the reply that won most of its decided pairs, less those it lost; the first of equal ones."""
    pairs = rows.pairs_of_prompts(session, project_id, prompt_ids)
    if not pairs:
        return {}
    sides = {pair_id: (prompt_id, a_id, b_id) for pair_id, prompt_id, a_id, b_id in pairs}
    decided = decisions_on(session, ballot(session, project_id, rules), [(pair[0], pair[1]) for pair in pairs])
    wins: dict[int, Counter[int]] = {}
    for pair_id, decision in decided.chosen:
        prompt_id, a_id, b_id = sides[pair_id]
        tally = wins.setdefault(prompt_id, Counter())
        winner, loser = (b_id, a_id) if decision.better == "b" else (a_id, b_id)
        tally[decision.edit_id or winner] += 1
        tally[loser] -= 1
    return {prompt_id: max(tally, key=lambda id_, tally=tally: tally[id_]) for prompt_id, tally in wins.items()}  # type: ignore[misc]  # bound now
