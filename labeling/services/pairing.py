"""Pairs from completions: which come out is told before, and a second call makes none twice."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from labeling.domain import Actor, Right
from labeling.errors import InputError
from labeling.pairing import Candidate, NoPair, PairMode, PromptPairs, choose_pairs
from labeling.services.access import open_project
from labeling.sifting import DEFAULT_SIEVE, Dropped, Sieve, sift
from labeling.storage import completions as rows
from labeling.storage.queue import enqueue
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project

CHUNK = 100  # prompts; keeps a writing transaction short
MOST_PER_PROMPT = 50


@dataclass(frozen=True, slots=True)
class PairingView:
    """What becomes of all prompts: prompts = with new pairs + has_pairs + too_few + same_text + too_few_left.

    `same_text_matches` counts the matches of completions left out because both say the same, also in prompts
    that got another pair. `dropped` counts replies that the sieve took out of prompts without all their pairs, by
    reason (a `Dropped`).
    """

    prompts: int
    pairs: int
    with_pairs: int
    has_pairs: int
    too_few: int
    same_text: int
    same_text_matches: int
    too_few_left: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PairPlan:
    """How pairs are made. Without a mode each prompt takes two sources where it has them, else two samples of one.

    `per_prompt` is the most pairs of a prompt, None for one of every match. `sieve` drops replies before.
    """

    mode: PairMode | None = None
    per_prompt: int | None = 1
    sieve: Sieve = DEFAULT_SIEVE

    def __post_init__(self) -> None:
        if self.per_prompt is not None and not 1 <= self.per_prompt <= MOST_PER_PROMPT:
            raise InputError(f"Pairs a prompt must be from 1 to {MOST_PER_PROMPT}, or all.")


@dataclass(frozen=True, slots=True)
class Choice:
    """The pairs of one prompt, and how many of its replies were dropped before, by reason."""

    made: PromptPairs
    dropped: Counter[Dropped] = field(default_factory=Counter)


def make_pairs(
    store: Store, actor: Actor, slug: str, plan: PairPlan | None = None, *, dry_run: bool = False
) -> PairingView:
    """Make the pairs of all prompts that lack them; with `dry_run` only count them."""
    plan = plan or PairPlan()
    counts: Counter[str] = Counter()
    after = 0
    while True:
        with store.reading() as session:
            project = open_project(session, actor, slug, Right.MANAGE)
            assert project.id is not None
            prompts = rows.prompt_ids_after(session, project.id, after, CHUNK)
            if not prompts:
                break
            # Reading and comparing texts takes longer than a writing transaction may.
            choices = chosen(session, project, prompts, plan)
            seen = rows.pairs_of(session, [prompt_id for prompt_id, _ in prompts])
        if not dry_run and any(choice.made.pairs for choice in choices.values()):
            with store.writing() as session:
                rows.lock_project(session, project.id)
                if rows.pairs_of(session, [prompt_id for prompt_id, _ in prompts]) != seen:
                    choices = chosen(session, project, prompts, plan)
                store_pairs(session, project.id, choices)
        after = prompts[-1][0]
        counts.update(_counted(choices.values()))
    return PairingView(
        prompts=counts["prompts"],
        pairs=counts["pairs"],
        with_pairs=counts["with_pairs"],
        has_pairs=counts[NoPair.HAS_PAIRS],
        too_few=counts[NoPair.TOO_FEW],
        same_text=counts[NoPair.SAME_TEXT],
        same_text_matches=counts["same_text_matches"],
        too_few_left=counts[NoPair.DROPPED],
        dropped={reason.value: counts[f"dropped {reason}"] for reason in Dropped if counts[f"dropped {reason}"]},
    )


def pair_up(session: Session, project: Project, prompts: Sequence[tuple[int, str]], plan: PairPlan) -> int:
    """Make the pairs of these prompts (id, digest) inside the caller's transaction; the number made."""
    assert project.id is not None
    rows.lock_project(session, project.id)
    return store_pairs(session, project.id, chosen(session, project, prompts, plan))


def chosen(session: Session, project: Project, prompts: Sequence[tuple[int, str]], plan: PairPlan) -> dict[int, Choice]:
    """What each prompt's completions become, by prompt id."""
    assert project.id is not None
    ids = [prompt_id for prompt_id, _ in prompts]
    candidates = rows.candidates_of(session, project.id, ids)
    existing = rows.pairs_of(session, ids)
    first = rows.tuned_sources(session, project.id, project.target_model)
    # The texts are read only of prompts that may get a pair.
    open_ = [
        prompt_id
        for prompt_id, texts in candidates.items()
        if len(texts) > 1 and (plan.per_prompt is None or len(existing.get(prompt_id, ())) < plan.per_prompt)
    ]
    sifted = _sifted(session, {prompt_id: candidates[prompt_id] for prompt_id in open_}, plan.sieve, first)
    found = {}
    for prompt_id, digest in prompts:
        texts, dropped = sifted.get(prompt_id) or (candidates.get(prompt_id, []), Counter())
        sources = len({one.source for one in texts})
        made = choose_pairs(
            texts,
            plan.mode or (PairMode.SOURCES if sources > 1 else PairMode.SAMPLES),
            limit=plan.per_prompt,
            first=first,
            seed=f"{project.id} {digest}",
            existing=existing.get(prompt_id, ()),
        )
        if dropped and made.reason in (NoPair.TOO_FEW, NoPair.SAME_TEXT):
            made = replace(made, reason=NoPair.DROPPED)
        found[prompt_id] = Choice(made, dropped)
    return found


def _sifted(
    session: Session, candidates: dict[int, list[Candidate]], sieve: Sieve, first: Collection[str]
) -> dict[int, tuple[list[Candidate], Counter[Dropped]]]:
    """The replies of each prompt that the sieve leaves, and what it dropped."""
    if sieve.is_open or not candidates:
        return {}
    said = rows.said_of(session, [one.completion_id for texts in candidates.values() for one in texts])
    return {prompt_id: sift(texts, said, sieve, first) for prompt_id, texts in candidates.items()}


def store_pairs(session: Session, project_id: int, choices: dict[int, Choice]) -> int:
    """Store chosen pairs and put them in the queue of the rounds that take all pairs."""
    pairs = [(prompt_id, a, b) for prompt_id, choice in choices.items() for a, b in choice.made.pairs]
    ids = rows.add_pairs(session, project_id, pairs)
    enqueue(session, project_id, ids)
    return len(ids)


def _counted(choices: Iterable[Choice]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for choice in choices:
        counts["prompts"] += 1
        counts["pairs"] += len(choice.made.pairs)
        counts["same_text_matches"] += choice.made.same_text
        counts[choice.made.reason or "with_pairs"] += 1
        counts.update({f"dropped {reason}": number for reason, number in choice.dropped.items()})
    return counts
