"""Pairs from completions: which come out is told before, and a second call makes none twice."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from labeling.best_of import FromScores
from labeling.domain import Actor, Right
from labeling.errors import InputError
from labeling.pairing import NoPair, PairMode
from labeling.preferring import Over
from labeling.services.access import open_project
from labeling.services.pair_choice import Choice, by_lot, by_rule, by_scores
from labeling.services.pair_storing import store_choices
from labeling.services.score import scorer_named
from labeling.sifting import DEFAULT_SIEVE, Dropped, Sieve
from labeling.storage import completions as rows
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project

CHUNK = 100  # prompts; keeps a writing transaction short
MOST_PER_PROMPT = 50


@dataclass(frozen=True, slots=True)
class PairingView:
    """What becomes of all prompts: prompts = with new pairs + has_pairs + too_few + same_text + too_few_left + unscored + close.

    `pairs` are new, `labels` those that a rule or scores give them, or to pairs that were there. `unscored` prompts have
    fewer than two scored replies, in `close` ones none is worse than the best by the margin. `dropped` counts replies that
    the sieve took out of prompts without all their pairs, by reason (a `Dropped`).
    """

    prompts: int
    pairs: int
    with_pairs: int
    has_pairs: int
    too_few: int
    same_text: int
    too_few_left: int = 0
    unscored: int = 0
    close: int = 0
    labels: int = 0
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PairPlan:
    """How pairs are made. Without a mode each prompt takes two sources where it has them, else two samples of one.

    `per_prompt` is the most pairs of a prompt, None for one of every match. `sieve` drops replies before. `over` makes
    pairs of two sources, and labels the one's replies as better; `scores` takes the best completion of each prompt, by one
    judge's scores, over a worse one.
    """

    mode: PairMode | None = None
    per_prompt: int | None = 1
    sieve: Sieve = DEFAULT_SIEVE
    over: Over | None = None
    scores: FromScores | None = None

    def __post_init__(self) -> None:
        if self.per_prompt is not None and not 1 <= self.per_prompt <= MOST_PER_PROMPT:
            raise InputError(f"Pairs a prompt must be from 1 to {MOST_PER_PROMPT}, or all.")
        if self.over is not None and self.over.better == self.over.worse:
            raise InputError("The better and the worse model are the same; name two.")
        if self.over is not None and self.scores is not None:
            raise InputError("Pairs are labelled by a rule or by scores, not by both at once.")


def make_pairs(
    store: Store, actor: Actor, slug: str, plan: PairPlan | None = None, *, dry_run: bool = False
) -> PairingView:
    """Make the pairs of all prompts that lack them; with `dry_run` only count them.

    Raises:
        InputError: a source that the plan names wrote nothing here.
        NotFoundError: there is no such scoring judge.
    """
    plan = plan or PairPlan()
    scorer_id = scorer_named(store, actor, slug, plan.scores.judge).rater_id if plan.scores else None
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
            choices = chosen(session, project, prompts, plan, scorer_id)
            seen = rows.pairs_of(session, [prompt_id for prompt_id, _ in prompts])
        if not dry_run and any(choice.pairs or choice.preferred for choice in choices.values()):
            with store.writing() as session:
                rows.lock_project(session, project.id)
                if rows.pairs_of(session, [prompt_id for prompt_id, _ in prompts]) != seen:
                    choices = chosen(session, project, prompts, plan, scorer_id)
                store_choices(session, project.id, choices, actor.account_id, plan.over, scorer_id)
        after = prompts[-1][0]
        counts.update(_counted(choices.values()))
    return PairingView(
        prompts=counts["prompts"],
        pairs=counts["pairs"],
        with_pairs=counts["with_pairs"],
        has_pairs=counts[NoPair.HAS_PAIRS],
        too_few=counts[NoPair.TOO_FEW],
        same_text=counts[NoPair.SAME_TEXT],
        too_few_left=counts[NoPair.DROPPED],
        unscored=counts[NoPair.UNSCORED],
        close=counts[NoPair.CLOSE],
        labels=counts["labels"],
        dropped={reason.value: counts[f"dropped {reason}"] for reason in Dropped if counts[f"dropped {reason}"]},
    )


def pair_up(
    session: Session, project: Project, prompts: Sequence[tuple[int, str]], plan: PairPlan, account_id: int
) -> int:
    """Make the pairs of these prompts (id, digest) inside the caller's transaction, which has locked the project; the
    number made."""
    assert project.id is not None
    return store_choices(session, project.id, chosen(session, project, prompts, plan), account_id, plan.over)


def chosen(
    session: Session,
    project: Project,
    prompts: Sequence[tuple[int, str]],
    plan: PairPlan,
    scorer_id: int | None = None,
) -> dict[int, Choice]:
    """What each prompt's completions become, by prompt id. `scorer_id` is the rater whose scores the plan names."""
    if plan.scores is not None and scorer_id is not None:
        return by_scores(session, project, prompts, plan.scores, scorer_id, plan.sieve)
    if plan.over is not None:
        return by_rule(session, project, prompts, plan.over, plan.per_prompt, plan.sieve)
    return by_lot(session, project, prompts, plan.mode, plan.per_prompt, plan.sieve)


def _counted(choices: Iterable[Choice]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for choice in choices:
        counts["prompts"] += 1
        counts["pairs"] += len(choice.pairs)
        counts["labels"] += len(choice.preferred)
        counts[choice.reason or "with_pairs"] += 1
        counts.update({f"dropped {reason}": number for reason, number in choice.dropped.items()})
    return counts
