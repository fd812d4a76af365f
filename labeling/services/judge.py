"""Judges of a project: saved as versions, estimated, and run over pairs in both orders."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from labeling.domain import Actor, Json, JudgeSpec, Prompt, Right, RunMode
from labeling.errors import EndpointError, NotFoundError
from labeling.judging.families import of_same_family
from labeling.judging.outcome import ORDERS, Order
from labeling.judging.template import Reply, judge_messages, response_format, template_text
from labeling.llm.faults import Fault
from labeling.llm.keys import KeyState, key_state
from labeling.llm.request import chat_request, pace_of
from labeling.services import runs
from labeling.services.access import managed_project, open_project
from labeling.services.endpoints import ask_now, make_ready
from labeling.services.headers import keep_headers
from labeling.services.judge_pairs import choose, draw_for, left_for, no_pairs
from labeling.services.keys import address_of, is_sandbox_address, placed
from labeling.services.repairs import with_repairs
from labeling.services.scaling import LARGE, PART, scaled
from labeling.storage import completions, judging, keys
from labeling.storage import pair_selection as pairs_
from labeling.storage import requests as requests_
from labeling.storage.runs import run_with_key
from labeling.storage.store import Store

CHUNK = 50  # pairs read at a time, with their texts
FORMATS = ("json_schema", "json_object", "none")  # what an endpoint may take as response_format, best first


@dataclass(frozen=True, slots=True)
class JudgeView:
    """A saved judge. `pairs` counts those its judgements came to a result on."""

    id: int
    rater_id: int
    spec: JudgeSpec
    version: int
    key: KeyState
    is_sandbox: bool
    pairs: int

    @property
    def title(self) -> str:
        return f"{self.spec.name}, version {self.version}"


def save_judge(store: Store, actor: Actor, slug: str, spec: JudgeSpec) -> JudgeView:
    """The judge of this identity: the one that exists, or the next version of its name."""
    keep_headers(store, actor, slug, spec)
    with store.writing() as session:
        project_id = managed_project(session, actor, slug)
        is_sandbox = is_sandbox_address(spec.base_url)
        judge_id = judging.put_judge(session, project_id, spec, template_text(), is_sandbox=is_sandbox).id
    return next(view for view in list_judges(store, actor, slug) if view.id == judge_id)


def list_judges(store: Store, actor: Actor, slug: str) -> list[JudgeView]:
    """The project's judges, newest first."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        counts = judging.results_by_rater(session, project_id)
        found = [
            (row.id or 0, rater_id, judging.judge_spec_of(row), row.version, row.is_sandbox)
            for row, rater_id in judging.judges_of(session, project_id)
        ]
    return [
        JudgeView(
            id_, rater_id, spec, version, key_state(spec.key_env, address_of(spec.base_url)), is_sandbox, counts.get(rater_id, 0)
        )
        for id_, rater_id, spec, version, is_sandbox in found
    ]  # fmt: skip


def judge_named(store: Store, actor: Actor, slug: str, name: str) -> JudgeView:
    """The newest version of the judge of this name, or the one of this title (`strict, version 2`).

    Raises:
        NotFoundError: there is none.
    """
    views = list_judges(store, actor, slug)
    named = [view for view in views if view.title == name] or [view for view in views if view.spec.name == name]
    if not named:
        known = ", ".join(dict.fromkeys(view.spec.name for view in views)) or "none yet"
        raise NotFoundError(f"There is no judge called {name[:80]!r}. Judges of this project: {known}.")
    return max(named, key=lambda view: view.version)


def preview_prompt(store: Store, actor: Actor, slug: str, spec: JudgeSpec, pairs: str = "all") -> list[Json]:
    """The messages the judge would be sent for the first of these pairs; a made-up pair where there is none."""
    draw_for(store, actor, slug, pairs)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        found = pairs_.pair_texts(session, project_id, choose(session, project_id, pairs, first_only=True))
    made_up = pairs_.PairTexts(
        0,
        0,
        Prompt(({"role": "user", "content": "(the prompt)"},)),
        Reply("(one reply)"),
        Reply("(the other reply)"),
        None,
    )
    return _messages(spec, found[0] if found else made_up, "ab")


def own_family(store: Store, actor: Actor, slug: str, model: str) -> list[str]:
    """The names of generators, and of models whose completions were imported, of this model's family: judges favour theirs."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        generators = completions.generators_of(session, project_id, retired=True)
        named = [(row.name, row.model) for row in generators]
        named += [(source, source) for source in pairs_.imported_sources(session, project_id)]
        return list(dict.fromkeys(of_same_family(model, named)))


def estimate_judging(
    store: Store, actor: Actor, slug: str, spec: JudgeSpec, pairs: str, mode: RunMode = RunMode.LIVE
) -> runs.Estimate:
    """Requests (all orders and samples), tokens and money that judging these pairs would still take.

    Repairs of replies that cannot be read are in the upper end of tokens and money, not in the number of requests.
    """
    draw_for(store, actor, slug, pairs)
    digest = spec.digest(template_text())
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        form = keys.known_format(session, address_of(spec.base_url), spec.model) or FORMATS[0]
        rater_id = judging.rater_of_digest(session, project_id, digest)
        left, part = left_for(session, project_id, pairs, rater_id, LARGE, PART)
        replies = requests_.repaired_of(session, address_of(spec.base_url), spec.model)
    planned = _requests(store, project_id, spec, digest, rater_id, part, form, is_part=len(part) < left)
    found = runs.estimate(store, actor, slug, planned, mode)
    found = scaled(found, left * (2 if spec.orders == "both" else 1) * spec.samples, "pairs")
    return with_repairs(found, *replies)


def start_judging(
    store: Store,
    actor: Actor,
    slug: str,
    spec: JudgeSpec,
    pairs: str = "unlabelled",
    *,
    idempotency_key: str,
    budget_usd: float | None = None,
    mode: RunMode = RunMode.LIVE,
    max_tries: int = runs.MAX_TRIES,
) -> runs.RunView:
    """Save the judge and start its run over the chosen pairs that it has no result on yet.

    Raises:
        InputError: there is no such pair, a key is bound elsewhere, or the price of the model is unknown and a
            budget was set.
        EndpointError: the endpoint does not answer, or the key is missing.
    """
    draw_for(store, actor, slug, pairs)
    make_ready(store, actor, slug, spec, mode)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        chosen = choose(session, project_id, pairs)
        known = run_with_key(session, f"{project_id} {idempotency_key}")
    if known is not None and known.id is not None:
        return runs.run_view(store, actor, slug, known.id)
    if not chosen:
        raise no_pairs(pairs)
    return start_on(
        store, actor, slug, spec, chosen, pairs,
        idempotency_key=idempotency_key, budget_usd=budget_usd, mode=mode, max_tries=max_tries,
    )  # fmt: skip


def start_on(
    store: Store,
    actor: Actor,
    slug: str,
    spec: JudgeSpec,
    chosen: Sequence[int],
    pairs: str,
    *,
    idempotency_key: str,
    budget_usd: float | None,
    mode: RunMode,
    max_tries: int,
    jury: Sequence[str] = (),
) -> runs.RunView:
    """Save the judge and start its run on the pairs `chosen`; `pairs` and the names of a `jury` are kept in words.

    Raises as `start_judging`, and NothingToAskError where the judge has a result on all of them.
    """
    form = structured_format(store, actor, slug, spec, may_ask=mode is not RunMode.FILE)
    view = save_judge(store, actor, slug, spec)
    digest = spec.digest(template_text())
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
    return runs.start_run(
        store, actor, slug,
        purpose="judge",
        planned=_requests(store, project_id, spec, digest, view.rater_id, chosen, form),
        spec={"judge": view.title, "judge_id": view.id, "model": spec.model, "pairs": pairs, "chosen": len(chosen), "orders": spec.orders,
              "samples": spec.samples, "response_format": form, "jury": list(jury)},
        idempotency_key=idempotency_key,
        budget_usd=budget_usd,
        judge_id=view.id,
        mode=mode,
        max_tries=max_tries,
    )  # fmt: skip


def orders_of(policy: str, digest: str, pair_id: int) -> tuple[Order, ...]:
    """The orders in which a judge reads a pair; with the policy `random` always the same one for the same pair."""
    return ORDERS if policy == "both" else (random.Random(f"{digest} {pair_id}").choice(ORDERS),)


def structured_format(store: Store, actor: Actor, slug: str, spec: JudgeSpec, *, may_ask: bool = True) -> str:
    """Which of `FORMATS` the endpoint takes; found out by at most three tiny calls, and remembered.

    Where nobody may be asked, as for files that are run elsewhere, and nothing is known, it is the best one.

    Raises:
        EndpointError: the endpoint does not answer, for another reason than the format.
    """
    address = address_of(spec.base_url)
    with store.reading() as session:
        open_project(session, actor, slug, Right.MANAGE)
        known = keys.known_format(session, address, spec.model)
    if known or not may_ask:
        return known or FORMATS[0]
    example = pairs_.PairTexts(
        0, 0, Prompt(({"role": "user", "content": "Say yes."},)), Reply("Yes."), Reply("No."), None
    )
    for form in FORMATS:
        (answer,) = ask_now(store, actor, slug, [_planned(*placed(spec), example, "ab", 0, form)])
        refused = isinstance(answer, Fault) and form != FORMATS[-1] and _is_about_format(answer)
        if isinstance(answer, Fault) and not refused:
            raise EndpointError(answer.message)
        if not refused:
            break
    with store.writing() as session:
        keys.remember_format(session, address, spec.model, form)
    return form


def _is_about_format(fault: Fault) -> bool:
    words = fault.message.casefold()
    names = ("response_format", "json_schema", "json_object", "guided_json", "schema")
    return fault.refused_parameter == "response_format" or (
        fault.code in ("bad_request", "refused_parameter") and any(name in words for name in names)
    )


def _requests(
    store: Store,
    project_id: int,
    spec: JudgeSpec,
    digest: str,
    rater_id: int | None,
    chosen: Sequence[int],
    form: str,
    *,
    is_part: bool = False,
) -> Iterator[runs.PlannedRequest]:
    """Every order and sample of the pairs that this judge has no result on; with `is_part` one of each, in turn."""
    at, is_sandbox = placed(spec)
    turn = 0
    for start in range(0, len(chosen), CHUNK):
        ids = chosen[start : start + CHUNK]
        with store.reading() as session:
            done = judging.judged_among(session, rater_id, ids) if rater_id else set()
            found = pairs_.pair_texts(session, project_id, [id_ for id_ in ids if id_ not in done])
        for pair in found:
            asked = list(product(orders_of(spec.orders, digest, pair.id), range(spec.samples)))
            for order, sample in [asked[turn % len(asked)]] if is_part else asked:
                yield _planned(at, is_sandbox, pair, order, sample, form)
            turn += 1


def _planned(
    spec: JudgeSpec, is_sandbox: bool, pair: pairs_.PairTexts, order: Order, sample: int, form: str
) -> runs.PlannedRequest:
    return runs.PlannedRequest(
        request=chat_request(
            spec.base_url,
            spec.model,
            _messages(spec, pair, order),
            parameters={**spec.parameters, **_format(form, spec.offers_both_bad)},
            sample=sample,
        ),
        key_env=spec.key_env,
        pace=pace_of(spec),
        sample_number=sample,
        pair_id=pair.id or None,
        pair_order=order if pair.id else None,
        is_sandbox=is_sandbox,
    )


def _messages(spec: JudgeSpec, pair: pairs_.PairTexts, order: Order) -> list[Json]:
    first, second = (pair.a, pair.b) if order == "ab" else (pair.b, pair.a)
    return judge_messages(
        spec.rubric, pair.prompt, first, second,
        system_prompt=pair.system_prompt,
        reference=pair.reference if spec.uses_reference else None,
        offers_both_bad=spec.offers_both_bad,
    )  # fmt: skip


def _format(form: str, offers_both_bad: bool) -> dict[str, Any]:
    match form:
        case "json_schema":
            return {"response_format": response_format(offers_both_bad=offers_both_bad)}
        case "json_object":
            return {"response_format": {"type": "json_object"}}
        case _:
            return {}
