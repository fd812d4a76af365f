"""A jury: several judges read the same pairs, started together. Each one's labels are kept one by one.

Label rules make a majority of them at export. Versions of one judge are never two voices, so a jury has each name once.
"""

from collections.abc import Sequence

from labeling.domain import Actor, JudgeSpec, RunMode
from labeling.errors import InputError, NothingToAskError
from labeling.judging.template import template_text
from labeling.services import runs
from labeling.services.access import managed_project
from labeling.services.endpoints import make_ready
from labeling.services.judge import estimate_judging, start_judging, start_on, structured_format
from labeling.services.judge_pairs import choose, draw_for, no_pairs
from labeling.services.planning import Estimate
from labeling.services.prices import unknown_price
from labeling.storage.runs import run_with_key
from labeling.storage.store import Store


def check_jury(specs: Sequence[JudgeSpec]) -> None:
    """Raises InputError where two judges have one name, or are one and the same."""
    for number, spec in enumerate(specs):
        for earlier in specs[:number]:
            if spec.name == earlier.name:
                raise InputError(
                    f'Two judges of the jury are called "{spec.name}": versions of one judge never form a majority. '
                    "Give each its own name."
                )
            if spec.digest(template_text()) == earlier.digest(template_text()):
                raise InputError(
                    f'The judges "{earlier.name}" and "{spec.name}" are one and the same; change the model or the rubric of one.'
                )


def estimate_jury(
    store: Store, actor: Actor, slug: str, specs: Sequence[JudgeSpec], pairs: str, mode: RunMode = RunMode.LIVE
) -> Estimate:
    """What all judges together would still take. Raises InputError as `check_jury`."""
    check_jury(specs)
    each = [estimate_judging(store, actor, slug, spec, pairs, mode) for spec in specs]
    if len(each) == 1:
        return each[0]
    return Estimate(
        requests=sum(one.requests for one in each),
        already_answered=sum(one.already_answered for one in each),
        prompt_tokens=sum(one.prompt_tokens for one in each),
        completion_tokens_low=sum(one.completion_tokens_low for one in each),
        completion_tokens_high=sum(one.completion_tokens_high for one in each),
        usd_low=_total([one.usd_low for one in each]),
        usd_high=_total([one.usd_high for one in each]),
        unpriced_models=tuple(dict.fromkeys(model for one in each for model in one.unpriced_models)),
        basis="\n".join(dict.fromkeys(f"{spec.name}: {one.basis}" for spec, one in zip(specs, each, strict=True))),
        usd_error=sum(one.usd_error for one in each),
    )


def start_jury(
    store: Store,
    actor: Actor,
    slug: str,
    specs: Sequence[JudgeSpec],
    pairs: str = "unlabelled",
    *,
    idempotency_key: str,
    budget_usd: float | None = None,
    mode: RunMode = RunMode.LIVE,
    max_tries: int = runs.MAX_TRIES,
) -> list[runs.RunView]:
    """Start one run for each judge over the same pairs, those without a result by that judge.

    The pairs are chosen once: what the first judge labels stays with the others. The budget is shared out by what
    each judge is expected to cost at most. One judge alone is `start_judging`.

    Raises:
        InputError, EndpointError: as `start_judging`, before any judge has started.
        NothingToAskError: every judge has a result on all of these pairs.
    """
    check_jury(specs)
    if len(specs) == 1:
        run = start_judging(
            store, actor, slug, specs[0], pairs,
            idempotency_key=idempotency_key, budget_usd=budget_usd, mode=mode, max_tries=max_tries,
        )  # fmt: skip
        return [run]
    draw_for(store, actor, slug, pairs)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        keys = [f"{idempotency_key} {spec.name}" for spec in specs]
        known = [run_with_key(session, f"{project_id} {key}") for key in keys]
        chosen = choose(session, project_id, pairs)
    started = [run.id for run in known if run is not None and run.id is not None]
    if started:
        return [runs.run_view(store, actor, slug, run_id) for run_id in started]
    if not chosen:
        raise no_pairs(pairs)
    for spec in specs:
        make_ready(store, actor, slug, spec, mode)
        structured_format(store, actor, slug, spec, may_ask=mode is not RunMode.FILE)
    budgets = _budgets(store, actor, slug, specs, pairs, budget_usd, mode)
    found = []
    for spec, key, budget in zip(specs, keys, budgets, strict=True):
        try:
            run = start_on(
                store, actor, slug, spec, chosen, pairs,
                idempotency_key=key, budget_usd=budget, mode=mode, max_tries=max_tries,
                jury=[one.name for one in specs],
            )  # fmt: skip
        except NothingToAskError:
            continue
        found.append(run)
    if not found:
        raise NothingToAskError("There is nothing to ask for: every judge of the jury has read all of these pairs.")
    return found


def _budgets(
    store: Store,
    actor: Actor,
    slug: str,
    specs: Sequence[JudgeSpec],
    pairs: str,
    budget_usd: float | None,
    mode: RunMode,
) -> list[float | None]:
    if budget_usd is None:
        return [None] * len(specs)
    highest = []
    for spec in specs:
        found = estimate_judging(store, actor, slug, spec, pairs, mode)
        if found.usd_high is None:
            raise unknown_price(spec.base_url, spec.model)
        highest.append(found.usd_high)
    total = sum(highest)
    return [budget_usd * one / total if total else budget_usd / len(specs) for one in highest]


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [one for one in amounts if one is not None]
    return sum(known) if len(known) == len(amounts) else None
