"""Scoring judges of a project: each reply alone, from 1 to 10; estimated, run, and looked at."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from labeling.domain import Actor, Json, JudgeSpec, Prompt, RunMode
from labeling.errors import InputError, NotFoundError
from labeling.judging.scoring import score_format, score_messages, scoring_template_text
from labeling.judging.template import Reply
from labeling.llm.request import chat_request, pace_of
from labeling.services import runs
from labeling.services.access import managed_project
from labeling.services.endpoints import make_ready
from labeling.services.judge import FORMATS, structured_format
from labeling.services.kept import remembered
from labeling.services.keys import address_of, is_sandbox_address, placed
from labeling.services.repairs import with_repairs
from labeling.services.scaling import LARGE, PART, scaled
from labeling.storage import judging, keys, scoring
from labeling.storage import requests as requests_
from labeling.storage.all_over import all_over
from labeling.storage.runs import run_with_key
from labeling.storage.store import Session, Store
from labeling.storage.tables import PromptRow
from labeling.storage.verdicts import still_to_label

CHUNK = 50  # prompts read at a time, with all their completions
TITLE = 120  # characters of a prompt that stand in a table


@dataclass(frozen=True, slots=True)
class ScorerView:
    """A saved scoring judge, with the completions it has scored, and those where nothing it said could be read."""

    id: int
    rater_id: int
    spec: JudgeSpec
    version: int
    is_sandbox: bool
    scored: int
    unreadable: int

    @property
    def title(self) -> str:
        return judging.judge_title(self.spec.name, self.version, self.spec.orders)


@dataclass(frozen=True, slots=True)
class ScoreView:
    """A scored completion: the mean of its samples, None where nothing could be read, and the newest reasons.

    Of a hidden one, which stands in a pair that whoever looks may still have to label, only the prompt is told.
    """

    completion_id: int
    prompt: str
    is_sandbox: bool
    is_hidden: bool
    reply: str = ""
    points: float | None = None
    reasoning: str = ""


def scoring_spec(spec: JudgeSpec) -> JudgeSpec:
    """A judge's spec as that of one who scores replies alone: nothing is compared, so neither order nor both bad."""
    return replace(spec, orders="alone", offers_both_bad=False)


def list_scorers(store: Store, actor: Actor, slug: str) -> list[ScorerView]:
    """The project's scoring judges, newest first."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        counts = scoring.score_counts(session, project_id)
        return [
            ScorerView(
                row.id or 0, rater_id, judging.judge_spec_of(row), row.version, row.is_sandbox, *counts.get(rater_id, (0, 0))
            )
            for row, rater_id in judging.judges_of(session, project_id, alone=True)
        ]  # fmt: skip


def scorer_named(store: Store, actor: Actor, slug: str, name: str) -> ScorerView:
    """The newest version of the scoring judge of this name, or the one of this title. Raises NotFoundError."""
    views = list_scorers(store, actor, slug)
    named = [view for view in views if view.title == name] or [view for view in views if view.spec.name == name]
    if not named:
        known = ", ".join(dict.fromkeys(view.spec.name for view in views)) or "none yet"
        raise NotFoundError(f"There is no scoring judge called {name[:80]!r}. Scoring judges of this project: {known}.")
    return max(named, key=lambda view: view.version)


def preview_scoring(store: Store, actor: Actor, slug: str, spec: JudgeSpec) -> list[Json]:
    """The messages the judge would be sent for the first reply; a made-up one where there is none yet."""
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        first = scoring.scorable(session, project_id, 0, 1)
        found = scoring.completion_texts(session, first[0][1][:1]) if first else []
    made_up = scoring.CompletionTexts(
        0, 0, Prompt(({"role": "user", "content": "(the prompt)"},)), Reply("(the reply)"), None
    )
    return _messages(spec, found[0] if found else made_up)


def estimate_scoring(
    store: Store, actor: Actor, slug: str, spec: JudgeSpec, limit: int | None = None, mode: RunMode = RunMode.LIVE
) -> runs.Estimate:
    """Requests, tokens and money that scoring the replies of the first `limit` prompts (of all) would still take.

    Repairs of replies that cannot be read are in the upper end of tokens and money, not in the number of requests.
    """
    spec = scoring_spec(spec)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        form = keys.known_format(session, address_of(spec.base_url), spec.model) or FORMATS[0]
        rater_id = judging.rater_of_digest(session, project_id, spec.digest(scoring_template_text()))
        replies = requests_.repaired_of(session, address_of(spec.base_url), spec.model)
        prompts, completions = _scorable(session, project_id)
        there = scoring.score_counts(session, project_id).get(rater_id, (0, 0)) if rater_id else (0, 0)
        part = all_over(session, PromptRow, project_id, PART)
    if min(prompts, limit or prompts) <= LARGE:
        found = runs.estimate(store, actor, slug, _requests(store, project_id, spec, rater_id, limit, form), mode)
    else:
        share = min(1.0, (limit or prompts) / prompts)
        missing = round(share * (completions - sum(there)) * spec.samples)
        found = runs.estimate(store, actor, slug, _requests(store, project_id, spec, rater_id, None, form, part), mode)
        found = scaled(found, missing, "replies")
    return with_repairs(found, *replies)


def start_scoring(
    store: Store,
    actor: Actor,
    slug: str,
    spec: JudgeSpec,
    *,
    idempotency_key: str,
    limit: int | None = None,
    budget_usd: float | None = None,
    mode: RunMode = RunMode.LIVE,
    max_tries: int = runs.MAX_TRIES,
) -> runs.RunView:
    """Save the judge and start its run over the replies it has not scored: of prompts that have two or more.

    Raises:
        InputError: no prompt has two completions, a key is bound elsewhere, or the price of the model is unknown and
            a budget was set.
        NothingToAskError: every such reply is scored already.
        EndpointError: the endpoint does not answer, or the key is missing.
    """
    if limit is not None and limit < 1:
        raise InputError("The limit of prompts must be 1 or more.")
    spec = scoring_spec(spec)
    make_ready(store, actor, slug, spec, mode)
    with store.reading() as session:
        project_id = managed_project(session, actor, slug)
        known = run_with_key(session, f"{project_id} {idempotency_key}")
        if known is None and not scoring.scorable(session, project_id, 0, 1):
            raise InputError(
                "No prompt has two completions to choose from. Generate more samples, or import completions."
            )
    if known is not None and known.id is not None:
        return runs.run_view(store, actor, slug, known.id)
    form = structured_format(store, actor, slug, spec, may_ask=mode is not RunMode.FILE)
    with store.writing() as session:
        is_sandbox = is_sandbox_address(spec.base_url)
        row = judging.put_judge(session, project_id, spec, scoring_template_text(), is_sandbox=is_sandbox)
        assert row.id is not None
        judge_id, title = row.id, judging.judge_title(row.name, row.version, row.orders)
        _, rater_id = judging.judge_with_id(session, judge_id)
    return runs.start_run(
        store, actor, slug,
        purpose="score",
        planned=_requests(store, project_id, spec, rater_id, limit, form),
        spec={"judge": title, "judge_id": judge_id, "model": spec.model, "limit": limit, "samples": spec.samples, "response_format": form},
        idempotency_key=idempotency_key,
        budget_usd=budget_usd,
        judge_id=judge_id,
        mode=mode,
        max_tries=max_tries,
    )  # fmt: skip


def scorable_counts(store: Store, actor: Actor, slug: str) -> tuple[int, int]:
    """How many prompts have two completions or more, and how many completions these are."""
    with store.reading() as session:
        return _scorable(session, managed_project(session, actor, slug))


def _scorable(session: Session, project_id: int) -> tuple[int, int]:
    """Every redraw of the page asks for it, and it looks at each completion."""
    key = ("scorable", str(session.get_bind().engine.url), project_id)
    stamp = scoring.completions_stamp(session, project_id)
    return remembered(key, stamp, lambda: scoring.count_scorable(session, project_id))


def score_table(store: Store, actor: Actor, slug: str, judge_id: int, most: int = 100) -> list[ScoreView]:
    """What a scoring judge said last, newest first."""
    view = _scorer(store, actor, slug, judge_id)
    with store.reading() as session:
        found = scoring.newest_scores(session, managed_project(session, actor, slug), view.rater_id, most)
        pairs = scoring.pairs_with(session, [one.completion_id for one in found])
        open_ = still_to_label(session, actor.account_id, [pair_id for ids in pairs.values() for pair_id in ids])
    return [_score_view(one, is_hidden=not open_.isdisjoint(pairs.get(one.completion_id, ()))) for one in found]


def spread(store: Store, actor: Actor, slug: str, judge_id: int) -> dict[int, int]:
    """How many replies have each score from 1 to 10."""
    view = _scorer(store, actor, slug, judge_id)
    with store.reading() as session:
        found = scoring.points_spread(session, managed_project(session, actor, slug), view.rater_id)
    return {points: found.get(points, 0) for points in range(1, 11)}


def _score_view(one: scoring.ScoredLine, *, is_hidden: bool) -> ScoreView:
    prompt = _title(json.loads(one.messages)[-1].get("content"))
    if is_hidden:
        return ScoreView(one.completion_id, prompt, one.is_sandbox, is_hidden=True)
    return ScoreView(
        one.completion_id, prompt, one.is_sandbox, is_hidden=False, reply=one.text, points=one.points, reasoning=one.reasoning
    )  # fmt: skip


def _scorer(store: Store, actor: Actor, slug: str, judge_id: int) -> ScorerView:
    for view in list_scorers(store, actor, slug):
        if view.id == judge_id:
            return view
    raise NotFoundError(f"There is no scoring judge {judge_id} in this project.")


def _requests(
    store: Store,
    project_id: int,
    spec: JudgeSpec,
    rater_id: int | None,
    limit: int | None,
    form: str,
    part: Collection[int] | None = None,
) -> Iterator[runs.PlannedRequest]:
    """Every sample for the replies that this judge has not scored, prompt by prompt. Of a `part` of the prompts, where one
    is given, one request each: of its replies and of the samples in turn."""
    at, is_sandbox = placed(spec)
    after = turn = 0
    left = limit
    while left is None or left > 0:
        with store.reading() as session:
            found = scoring.scorable(
                session, project_id, after, CHUNK if left is None else min(CHUNK, left), within=part
            )
            if part is not None:
                found = [(id_, [replies[number % len(replies)]]) for number, (id_, replies) in enumerate(found)]
            ids = [completion_id for _, completions in found for completion_id in completions]
            done = scoring.scored_among(session, rater_id, ids, spec.samples) if rater_id else set()
            texts = scoring.completion_texts(session, [id_ for id_ in ids if id_ not in done])
        if not found:
            return
        after = found[-1][0]
        left = None if left is None else left - len(found)
        for one in texts:
            for sample in range(spec.samples) if part is None else [turn % spec.samples]:
                yield _planned(at, is_sandbox, one, sample, form)
            turn += 1


def _planned(
    spec: JudgeSpec, is_sandbox: bool, one: scoring.CompletionTexts, sample: int, form: str
) -> runs.PlannedRequest:
    shape = {"json_schema": score_format(), "json_object": {"type": "json_object"}}.get(form)
    return runs.PlannedRequest(
        request=chat_request(
            spec.base_url,
            spec.model,
            _messages(spec, one),
            parameters={**spec.parameters, **({"response_format": shape} if shape else {})},
            sample=sample,
        ),
        key_env=spec.key_env,
        pace=pace_of(spec),
        sample_number=sample,
        completion_id=one.id,
        is_sandbox=is_sandbox,
    )


def _messages(spec: JudgeSpec, one: scoring.CompletionTexts) -> list[Json]:
    return score_messages(
        spec.rubric,
        one.prompt,
        one.reply,
        system_prompt=one.system_prompt,
        reference=one.reference if spec.uses_reference else None,
    )


def _title(content: object) -> str:
    text = " ".join(str(content or "").split())
    return text if len(text) <= TITLE else text[: TITLE - 1] + "…"
