"""Pairs from completions: which come out is told before, and a second call makes none twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labeling.domain import Actor, Right
from labeling.errors import InputError
from labeling.pairing import NoPair, PairMode, PromptPairs, choose_pairs
from labeling.services.access import open_project
from labeling.storage import completions as rows
from labeling.storage.queue import enqueue
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project

CHUNK = 100  # prompts; keeps a writing transaction short
MOST_PER_PROMPT = 50


@dataclass(frozen=True, slots=True)
class PairingView:
    """What becomes of all prompts: prompts = with new pairs + has_pairs + too_few + same_text.

    `same_text_matches` counts the matches of completions left out because both say the same, also in prompts
    that got another pair.
    """

    prompts: int
    pairs: int
    with_pairs: int
    has_pairs: int
    too_few: int
    same_text: int
    same_text_matches: int


@dataclass(frozen=True, slots=True)
class PairPlan:
    """How pairs are made. Without a mode each prompt takes two sources where it has them, else two samples of one.

    `per_prompt` is the most pairs of a prompt, None for one of every match.
    """

    mode: PairMode | None = None
    per_prompt: int | None = 1

    def __post_init__(self) -> None:
        if self.per_prompt is not None and not 1 <= self.per_prompt <= MOST_PER_PROMPT:
            raise InputError(f"Pairs a prompt must be from 1 to {MOST_PER_PROMPT}, or all.")


def make_pairs(
    store: Store, actor: Actor, slug: str, plan: PairPlan | None = None, *, dry_run: bool = False
) -> PairingView:
    """Make the pairs of all prompts that lack them; with `dry_run` only count them."""
    plan = plan or PairPlan()
    counts: Counter[str] = Counter()
    after = 0
    while True:
        with store.reading() if dry_run else store.writing() as session:
            project = open_project(session, actor, slug, Right.MANAGE)
            assert project.id is not None
            prompts = rows.prompt_ids_after(session, project.id, after, CHUNK)
            if not prompts:
                break
            choices = chosen(session, project, prompts, plan)
            if not dry_run:
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
    )


def pair_up(session: Session, project: Project, prompts: Sequence[tuple[int, str]], plan: PairPlan) -> int:
    """Make the pairs of these prompts (id, digest) inside the caller's transaction; the number made."""
    assert project.id is not None
    rows.lock_project(session, project.id)
    return store_pairs(session, project.id, chosen(session, project, prompts, plan))


def chosen(
    session: Session, project: Project, prompts: Sequence[tuple[int, str]], plan: PairPlan
) -> dict[int, PromptPairs]:
    """What each prompt's completions become, by prompt id."""
    assert project.id is not None
    ids = [prompt_id for prompt_id, _ in prompts]
    candidates = rows.candidates_of(session, project.id, ids)
    existing = rows.pairs_of(session, ids)
    first = rows.tuned_sources(session, project.id, project.target_model)
    found = {}
    for prompt_id, digest in prompts:
        texts = candidates.get(prompt_id, [])
        sources = len({one.source for one in texts})
        found[prompt_id] = choose_pairs(
            texts,
            plan.mode or (PairMode.SOURCES if sources > 1 else PairMode.SAMPLES),
            limit=plan.per_prompt,
            first=first,
            seed=f"{project.id} {digest}",
            existing=existing.get(prompt_id, ()),
        )
    return found


def store_pairs(session: Session, project_id: int, choices: dict[int, PromptPairs]) -> int:
    """Store chosen pairs and put them in the queue of the rounds that take all pairs."""
    pairs = [(prompt_id, a, b) for prompt_id, choice in choices.items() for a, b in choice.pairs]
    ids = rows.add_pairs(session, project_id, pairs)
    enqueue(session, project_id, ids)
    return len(ids)


def _counted(choices: Iterable[PromptPairs]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for choice in choices:
        counts["prompts"] += 1
        counts["pairs"] += len(choice.pairs)
        counts["same_text_matches"] += choice.same_text
        counts[choice.reason or "with_pairs"] += 1
    return counts
