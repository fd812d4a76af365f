"""Score: a judge scores each reply alone, and the best of each prompt's replies makes a pair with a worse one."""

import uuid
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.domain import JudgeSpec, RunMode, RunState
from labeling.judging.scoring import scoring_template_text
from labeling.services import runs
from labeling.services.judge import own_family
from labeling.services.planning import Estimate
from labeling.services.projects import ProjectView
from labeling.services.score import (
    ScorerView,
    estimate_scoring,
    list_scorers,
    preview_scoring,
    scorable_counts,
    scoring_spec,
    start_scoring,
)
from labeling.services.specs import judge_spec
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.costs import cost_figure, mode_choice, start_label, stop_at, token_figures
from labeling.ui.endpoint_form import missing_key
from labeling.ui.formats import escape, plural
from labeling.ui.judge_form import judge_form
from labeling.ui.parts import body, count, empty, faults, figures, head, note, section
from labeling.ui.run_box import ACTIVE, run_actions, run_box
from labeling.ui.run_list import run_list, runs_for
from labeling.ui.score_sections import pairs_section, scores_section

GOING: Final = (*ACTIVE, RunState.PAUSED, RunState.STOPPED)


def main() -> None:
    me = here()
    project = project_here(me)
    prompts, completions = scorable_counts(me.store, me.actor, me.project)
    scorers = list_scorers(me.store, me.actor, me.project)
    found = runs_for(me, "score")
    if not prompts:
        _without_replies(project)
    elif found and found[0].state in GOING:
        _going(me, scorers, *found)
    else:
        _ready(me, project, scorers, found, prompts, completions)


def _without_replies(project: ProjectView) -> None:
    with head("Score", "A judge scores each reply alone; the best and a worse one make a pair"):
        pass
    text = "Scores choose among several replies to one prompt: more samples, or more generators."
    with empty("star_half", "Write two replies to a prompt first", text):
        label = "Generate completions" if project.prompts else "Import prompts"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


def _going(me: Here, scorers: Sequence[ScorerView], run: runs.RunView, *earlier: runs.RunView) -> None:
    view = next(one for one in scorers if one.id == run.spec["judge_id"])
    kept = f"nothing is lost, {count(run.answered)} answers are kept"
    rest = "goes on if you close this page" if run.state in ACTIVE else kept
    states = (run.state.value, *(["sandbox"] if view.is_sandbox else []))
    with head("Score", f"{escape(view.title)} · each reply alone · {rest}", states):
        run_actions(me, run)
    with body():
        run_box(me, run, lambda: _progress(me, run))
        scores_section(me, scorers)
        run_list(me, "score", earlier)


def _progress(me: Here, run: runs.RunView) -> list[tuple[str, str | int]]:
    view = next(one for one in list_scorers(me.store, me.actor, me.project) if one.id == run.spec["judge_id"])
    return [("Replies scored", view.scored), ("Unreadable", view.unreadable)]


def _ready(
    me: Here, project: ProjectView, scorers: Sequence[ScorerView], found: Sequence[runs.RunView], prompts: int, completions: int
) -> None:  # fmt: skip
    scored = f" · {count(scorers[0].scored)} scored by {escape(scorers[0].title)}" if scorers else ""
    context = f"{plural(completions, 'reply', 'replies')} to {plural(prompts, 'prompt')} with two or more{scored}"
    with head("Score", context):
        start = st.container()
    with body():
        left, right = st.columns([1.3, 1], gap="large")
        with left:
            table = judge_form(me, project, scorers, alone=True)
        with right, st.container(gap="medium"), faults():
            spec = scoring_spec(judge_spec(table, "The form"))
            with left, faults():
                _reading(me, spec)
            with faults():
                _estimate(me, spec, scorers, prompts, completions, start)
            _trust(me, spec)
        if found:
            run_box(me, found[0])
        pairs_section(me, scorers)
        scores_section(me, scorers)
        run_list(me, "score", found[1:])


def _reading(me: Here, spec: JudgeSpec) -> None:
    with st.expander("What the judge reads", type="compact"):
        for message in preview_scoring(me.store, me.actor, me.project, spec):
            st.caption(escape(message["role"]))
            st.code(message["content"], language=None, wrap_lines=True)


def _estimate(
    me: Here, spec: JudgeSpec, scorers: Sequence[ScorerView], prompts: int, completions: int, start: DeltaGenerator
) -> None:
    with section("Estimate"):
        strip = st.container()
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            limit = int(
                st.number_input("Prompts", 1, prompts, prompts, width=140, help="The first ones, as they came.")
            )
            mode = mode_choice("scoring mode")
            found = _cached_estimate(me, spec, scorers, limit, mode, completions)
            urls = [spec.base_url]
            budget = stop_at(found, urls, mode)
        left = found.requests - found.already_answered
        with strip:
            figures(
                ("Requests", left, "One for each reply and sample, without those that are answered already."),
                *token_figures(found),
                cost_figure(found, urls),
            )
    label = start_label(found, urls, mode) if found.requests else "All replies are scored"
    missing = None if mode is RunMode.FILE else missing_key([spec])
    if start.button(label, type="primary", disabled=not found.requests or missing is not None, help=missing):
        key = st.session_state.setdefault("scoring key", f"page {uuid.uuid4()}")
        with st.spinner("Writing the requests"):
            start_scoring(
                me.store, me.actor, me.project, spec, idempotency_key=key, limit=limit, budget_usd=budget, mode=mode
            )  # fmt: skip
        del st.session_state["scoring key"]
        st.session_state.pop("scorer to begin with", None)
        st.rerun()


def _cached_estimate(
    me: Here, spec: JudgeSpec, scorers: Sequence[ScorerView], limit: int, mode: RunMode, completions: int
) -> Estimate:
    """Every rerun of the page would write out hundreds of requests again."""
    said = sum(view.scored + view.unreadable for view in scorers)
    place = (me.slug, spec.digest(scoring_template_text()), limit, mode, completions, said)
    kept = st.session_state.get("scoring estimate")
    if kept is None or kept[0] != place:
        with st.spinner("Estimating"):
            kept = (place, estimate_scoring(me.store, me.actor, me.project, spec, limit, mode))
        st.session_state["scoring estimate"] = kept
    estimate: Estimate = kept[1]
    return estimate


def _trust(me: Here, spec: JudgeSpec) -> None:
    with section("Before you trust it"):
        note("help", "orange", "Read some of its reasons: nobody knows how often its scores are right.")
        family = own_family(me.store, me.actor, me.project, spec.model)
        if family:
            names = ", ".join(escape(name) for name in family)
            note(
                "diversity_3",
                "orange",
                f"{escape(spec.model)} is of the family of {names}. Judges favour their family.",
            )


main()
