"""Generators of a project, tried on one prompt, estimated, and run over all prompts."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from labeling.domain import Actor, GeneratorSpec, Json, Right, RunMode
from labeling.errors import InputError, NotFoundError
from labeling.llm.faults import Fault
from labeling.llm.keys import KeyState, key_state
from labeling.llm.reply import Reply
from labeling.llm.request import generator_request, pace_of
from labeling.pairing import PairMode
from labeling.preferring import Over
from labeling.services import runs
from labeling.services.access import managed_project, open_project
from labeling.services.endpoints import ask_now, make_ready
from labeling.services.headers import keep_headers
from labeling.services.keys import address_of, is_sandbox_address, placed
from labeling.services.pair_choice import sources_of
from labeling.services.pairing import PairPlan
from labeling.services.scaling import LARGE, PART, scaled
from labeling.services.specs import check_distinct
from labeling.sifting import OPEN, Sieve
from labeling.storage import completions as rows
from labeling.storage.all_over import all_over
from labeling.storage.store import Store
from labeling.storage.tables import PromptRow

CHUNK = 200  # prompts read at a time


@dataclass(frozen=True, slots=True)
class GeneratorView:
    """A generator in use: what was written, whether its key is there, how many completions it wrote."""

    id: int
    spec: GeneratorSpec
    key: KeyState
    is_sandbox: bool
    completions: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One generator's reply to one prompt, or why there is none. A trial is paid for, and nothing of it is kept."""

    name: str
    reply: Reply | None
    fault: Fault | None
    cost_usd: float | None

    @property
    def sentence(self) -> str | None:
        """What is wrong with the reply and how to mend it; None where it is good."""
        if self.fault is not None:
            return self.fault.message
        assert self.reply is not None
        return {
            "good": None,
            "empty": "The reply is empty: look at the prompt and at the limit of tokens.",
            "cut": "The reply was cut at the limit of tokens: raise max_tokens or max_completion_tokens.",
            "refused": "The model refused this prompt.",
        }[self.reply.state]


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """What a generation run asks for.

    `samples` replaces the generators' own number where given; `limit` takes only the first prompts; `pairs` makes
    pairs of each prompt as soon as its replies are there.
    """

    generators: tuple[GeneratorSpec, ...]
    samples: int | None = None
    limit: int | None = None
    pairs: PairPlan | None = field(default_factory=PairPlan)

    def __post_init__(self) -> None:
        if not self.generators:
            raise InputError("There is no generator yet. Add one, or give a file with --generators.")
        check_distinct(self.generators, "The generators")
        if self.samples is not None and not 1 <= self.samples <= 64:
            raise InputError("Samples must be from 1 to 64.")
        if self.limit is not None and self.limit < 1:
            raise InputError("The limit of prompts must be 1 or more.")

    def samples_of(self, spec: GeneratorSpec) -> int:
        return self.samples or spec.samples


def save_generators(store: Store, actor: Actor, slug: str, specs: Sequence[GeneratorSpec]) -> list[GeneratorView]:
    """Put generators in use. One of a name that is in use takes its place; completions of the old one stay."""
    check_distinct(specs, "The generators")
    for spec in specs:
        keep_headers(store, actor, slug, spec)
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        for spec in specs:
            rows.put_generator(session, project_id, spec, is_sandbox=is_sandbox_address(spec.base_url))
    return list_generators(store, actor, slug)


def list_generators(store: Store, actor: Actor, slug: str) -> list[GeneratorView]:
    """The generators in use, in the order they were made."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        written = rows.completions_by_generator(session, project_id)
        found = [(row.id or 0, rows.spec_of(row), row.is_sandbox) for row in rows.generators_of(session, project_id)]
    return [
        GeneratorView(id_, spec, key_state(spec.key_env, address_of(spec.base_url)), is_sandbox, written.get(id_, 0))
        for id_, spec, is_sandbox in found
    ]


def retire_generator(store: Store, actor: Actor, slug: str, generator_id: int) -> None:
    """Take a generator out of use; what it wrote stays."""
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        if not rows.retire_generator(session, project.id, generator_id):
            raise NotFoundError(f"There is no generator {generator_id} in {project.name!r}.")


def first_prompts(store: Store, actor: Actor, slug: str, most: int = 50) -> list[rows.PromptData]:
    """The first prompts, to try generators on."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        return rows.prompts_after(session, project_id, 0, most)


def try_generators(
    store: Store, actor: Actor, slug: str, specs: Sequence[GeneratorSpec], prompt_id: int
) -> list[Trial]:
    """Ask each generator once for a reply to one prompt, at once and outside any run."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        prompt = rows.prompt_with_id(session, project.id, prompt_id)
    if prompt is None:
        raise NotFoundError(f"There is no prompt {prompt_id} in {project.name!r}.")
    for spec in specs:
        make_ready(store, actor, slug, spec)
    planned = [_planned(*placed(spec), None, prompt, 0) for spec in specs]
    return [
        Trial(spec.name, None, answer, None)
        if isinstance(answer, Fault)
        else Trial(spec.name, answer, None, _cost(spec, answer))
        for spec, answer in zip(specs, ask_now(store, actor, slug, planned), strict=True)
    ]


def estimate_generation(
    store: Store, actor: Actor, slug: str, plan: GenerationPlan, mode: RunMode = RunMode.LIVE
) -> runs.Estimate:
    """Requests, tokens and money that the plan would still take. Nothing is saved."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        known = {row.digest: row.id for row in rows.generators_of(session, project_id, retired=True)}
        prompts, last = rows.last_of_first(session, project_id, plan.limit)
        missing = 0
        for spec in plan.generators:
            id_ = known.get(spec.digest)
            missing += rows.count_prompts_for(session, project_id, id_, last) * plan.samples_of(spec)
            if id_ is not None:
                missing -= rows.count_samples(session, id_, plan.samples_of(spec), last)
        part = all_over(session, PromptRow, project_id, PART, last) if prompts > LARGE else None
    pairs = [(spec, known.get(spec.digest)) for spec in plan.generators]
    found = runs.estimate(store, actor, slug, _requests(store, project_id, pairs, plan, last, part), mode)
    if missing and not found.requests:  # the little that is missing lies beside the part that was looked at
        found = runs.estimate(store, actor, slug, _requests(store, project_id, pairs, plan, last), mode)
    return scaled(found, missing, "prompts")


def start_generation(
    store: Store,
    actor: Actor,
    slug: str,
    plan: GenerationPlan,
    *,
    idempotency_key: str,
    budget_usd: float | None = None,
    mode: RunMode = RunMode.LIVE,
    max_tries: int = runs.MAX_TRIES,
) -> runs.RunView:
    """Save the generators and start a run for the completions that are not there yet.

    Raises:
        InputError: every completion is there already, a key is bound elsewhere, or the price of a model is
            unknown and a budget was set.
    """
    for spec in plan.generators:
        make_ready(store, actor, slug, spec, mode)
    views = save_generators(store, actor, slug, plan.generators)
    ids = {view.spec.digest: view.id for view in views}
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        if plan.pairs and plan.pairs.over:
            sources_of(
                session, project, plan.pairs.over
            )  # a wrong name is told now, not when replies have been paid for
        _, last = rows.last_of_first(session, project.id, plan.limit)
    pairs = [(spec, ids[spec.digest]) for spec in plan.generators]
    return runs.start_run(
        store, actor, slug,
        purpose="generate",
        planned=_requests(store, project.id, pairs, plan, last),
        spec=_spec(plan, ids),
        idempotency_key=idempotency_key,
        budget_usd=budget_usd,
        mode=mode,
        max_tries=max_tries,
    )  # fmt: skip


def pair_plan_of(spec: Json) -> PairPlan | None:
    """The pair plan in a run's `spec`, as `start_generation` wrote it."""
    pairs: dict[str, Any] | None = spec.get("pairs")
    if pairs is None:
        return None
    sieve = Sieve(**pairs["sieve"]) if "sieve" in pairs else OPEN
    over = Over(**pairs["over"]) if pairs.get("over") else None
    return PairPlan(PairMode(pairs["mode"]) if pairs["mode"] else None, pairs["per_prompt"], sieve, over)


def most_pairs(plan: GenerationPlan, prompts: int) -> int:
    """How many pairs a run over `prompts` prompts without any can make: what says the same makes none."""
    if plan.pairs is None:
        return 0
    if plan.pairs.over is not None:
        return prompts * (plan.pairs.per_prompt or 1)
    generators = len(plan.generators)
    between = generators * (generators - 1) // 2
    within = sum(plan.samples_of(spec) > 1 for spec in plan.generators)
    mode = plan.pairs.mode or (PairMode.SOURCES if generators > 1 else PairMode.SAMPLES)
    matches = between if mode is PairMode.SOURCES else within
    return prompts * min(matches, plan.pairs.per_prompt or matches)


def _spec(plan: GenerationPlan, ids: dict[str, int]) -> Json:
    pairs = plan.pairs and {
        "mode": plan.pairs.mode,
        "per_prompt": plan.pairs.per_prompt,
        "sieve": asdict(plan.pairs.sieve),
        "over": plan.pairs.over and asdict(plan.pairs.over),
    }
    return {
        "generators": [
            {"id": ids[spec.digest], "name": spec.name, "model": spec.model, "samples": plan.samples_of(spec)}
            for spec in plan.generators
        ],
        "limit": plan.limit,
        "pairs": pairs,
    }


def _requests(
    store: Store,
    project_id: int,
    generators: Sequence[tuple[GeneratorSpec, int | None]],
    plan: GenerationPlan,
    last: int,
    part: Collection[int] | None = None,
) -> Iterator[runs.PlannedRequest]:
    """The requests whose completions are not there yet, prompt by prompt up to the id `last`, so that pairs come early.

    Of a `part` of the prompts, where one is given, one request each: of the generators and samples in turn.
    """
    after = turn = 0
    asked = [(*placed(spec), generator_id, plan.samples_of(spec)) for spec, generator_id in generators]
    while True:
        with store.reading() as session:
            found = rows.prompts_after(session, project_id, after, CHUNK, within=part)
            prompts = [prompt for prompt in found if prompt.id <= last]
            there = rows.samples_there(session, [prompt.id for prompt in prompts])
            only = rows.own_generators(session, [prompt.id for prompt in prompts])
        if not prompts:
            return
        after = prompts[-1].id
        for prompt in prompts:
            missing = [
                (spec, is_sandbox, generator_id, prompt, sample)
                for spec, is_sandbox, generator_id, samples in asked
                if prompt.id not in only or generator_id in only[prompt.id]
                for sample in range(samples)
                if (prompt.id, generator_id, sample) not in there
            ]
            if part is not None and missing:
                missing = [missing[turn % len(missing)]]
                turn += 1
            for one in missing:
                yield _planned(*one)


def _planned(
    spec: GeneratorSpec, is_sandbox: bool, generator_id: int | None, prompt: rows.PromptData, sample: int
) -> runs.PlannedRequest:
    return runs.PlannedRequest(
        request=generator_request(spec, prompt.prompt, sample),
        key_env=spec.key_env,
        pace=pace_of(spec),
        sample_number=sample,
        prompt_id=prompt.id,
        generator_id=generator_id,
        is_sandbox=is_sandbox,
    )


def _cost(spec: GeneratorSpec, reply: Reply) -> float | None:
    from labeling.llm.prices import cost_usd

    if reply.prompt_tokens is None or reply.completion_tokens is None:
        return None
    return cost_usd(
        address_of(spec.base_url), spec.model, reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens
    )
