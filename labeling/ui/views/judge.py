"""Judge: models read pairs by a rubric, in both orders, and their verdicts can be looked through."""

import uuid
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.domain import JudgeSpec, RunMode, RunState
from labeling.judging.template import template_text
from labeling.services import runs
from labeling.services.export import usable
from labeling.services.judge import JudgeView, list_judges, own_family
from labeling.services.judge_pairs import PairCounts, pair_counts
from labeling.services.jury import estimate_jury, start_jury
from labeling.services.planning import Estimate
from labeling.services.projects import ProjectView
from labeling.services.specs import judge_spec
from labeling.services.verdicts import outcome_counts
from labeling.ui.bench_section import bench_section
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.costs import cost_figure, mode_choice, start_label, stop_at, token_figures
from labeling.ui.endpoint_form import missing_key
from labeling.ui.formats import escape, plural
from labeling.ui.judge_form import judge_form, judge_reading, jury_choice
from labeling.ui.pair_choice import pair_choice
from labeling.ui.parts import body, count, empty, faults, figures, head, note, section
from labeling.ui.run_box import ACTIVE, run_actions, run_box
from labeling.ui.run_list import run_list, runs_for
from labeling.ui.verdict_table import verdict_section

GOING = (*ACTIVE, RunState.PAUSED, RunState.STOPPED)


def main() -> None:
    me = here()
    project = project_here(me)
    judges = list_judges(me.store, me.actor, me.project)
    found = runs_for(me, "judge")
    latest = _latest_of(found)
    earlier = [run for run in found if run not in latest]
    if not project.pairs:
        _without_pairs(project)
    elif any(run.state in GOING for run in latest):
        _going(me, judges, latest, earlier)
    else:
        _ready(me, project, judges, latest, earlier)


def _latest_of(judging: Sequence[runs.RunView]) -> list[runs.RunView]:
    """The newest judging run, with those of the same jury beside it."""
    if not judging:
        return []
    jury = judging[0].spec.get("jury", [])
    same = [run for run in judging[: len(jury)] if run.spec.get("jury") == jury] if jury else []
    return sorted(same or judging[:1], key=lambda run: run.id)


def _without_pairs(project: ProjectView) -> None:
    with head("Judge", "A stronger model reads both replies of a pair by your rubric"):
        pass
    with empty("gavel", "Make pairs first", "A judge compares two completions of one prompt."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


def _going(
    me: Here, judges: Sequence[JudgeView], latest: Sequence[runs.RunView], earlier: Sequence[runs.RunView]
) -> None:
    by_id = {view.id: view for view in judges}
    reading = [by_id[run.spec["judge_id"]] for run in latest]
    is_active = any(run.state in ACTIVE for run in latest)
    kept = f"nothing is lost, {count(sum(run.answered for run in latest))} answers are kept"
    rest = "goes on if you close this page" if is_active else kept
    names = ", ".join(escape(view.title) for view in reading)
    state = next(run.state for run in latest if run.state in GOING)
    states = (state.value, *(["sandbox"] if any(view.is_sandbox for view in reading) else []))
    pairs = plural(max(run.spec["chosen"] for run in latest), "pair")
    with head("Judge", f"{names} · {pairs}, {_orders(reading)} · {rest}", states):
        if len(latest) == 1:
            run_actions(me, latest[0])
    with body():
        for run, view in zip(latest, reading, strict=True):
            with st.container(gap="small"):
                if len(latest) > 1:
                    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                        st.subheader(escape(view.title), anchor=False, width="content")
                        with st.container(horizontal=True, width="content"):
                            run_actions(me, run)
                run_box(me, run, lambda view=view: _progress(me, view))  # type: ignore[misc]  # bound now, not later
        verdict_section(me, reading)
        run_list(me, "judge", earlier)


def _orders(reading: Sequence[JudgeView]) -> str:
    both = {view.spec.orders == "both" for view in reading}
    return "both orders" if both == {True} else "one order by lot" if both == {False} else "both orders or one"


def _progress(me: Here, judge: JudgeView) -> list[tuple[str, str | int]]:
    counts = outcome_counts(me.store, me.actor, me.project, judge.id)
    return [("Pairs decided", counts.decided), ("Undecided", counts.undecided), ("Unreadable", counts.unreadable)]


def _ready(
    me: Here,
    project: ProjectView,
    judges: Sequence[JudgeView],
    latest: Sequence[runs.RunView],
    earlier: Sequence[runs.RunView],
) -> None:
    counts = pair_counts(me.store, me.actor, me.project)
    rows = usable(me.store, me.actor, me.project)
    context = (
        f"{plural(counts.unlabelled, 'pair')} without a label · usable rows: {count(rows.rows)} of {count(rows.pairs)}"
    )
    with head("Judge", context):
        start = st.container()
    with body():
        left, right = st.columns([1.3, 1], gap="large")
        with left:
            table = judge_form(me, project, judges)
        with right, st.container(gap="medium"), faults():
            with section("What to read"):
                pairs = pair_choice(me, counts, judges)
                jury = jury_choice(judges, table["name"])
            spec = judge_spec(table, "The form")
            with left, faults():
                judge_reading(me, spec, pairs)
            with faults():
                _estimate(me, [spec, *jury], pairs, counts, start)
            _trust(me, [spec, *jury])
        for run in latest:
            run_box(me, run)
        bench_section(me)
        verdict_section(me, judges)
        run_list(me, "judge", earlier)


# --- estimate and advice ----------------------------------------------------------------------------------------


def _estimate(me: Here, specs: Sequence[JudgeSpec], pairs: str, counts: PairCounts, start: DeltaGenerator) -> None:
    mode = mode_choice("judging mode")
    found = _cached_estimate(me, specs, pairs, mode, counts)
    urls = [spec.base_url for spec in specs]
    with section("Estimate", plural(len(specs), "judge") if len(specs) > 1 else ""):
        figures(
            (
                "Requests",
                found.requests - found.already_answered,
                "All orders and samples, without those answered already.",
            ),
            *token_figures(found),
            cost_figure(found, urls),
        )
        budget = stop_at(found, urls, mode)
    label = start_label(found, urls, mode) if found.requests else "No pair to judge"
    missing = None if mode is RunMode.FILE else missing_key(specs)
    if start.button(label, type="primary", disabled=not found.requests or missing is not None, help=missing):
        key = st.session_state.setdefault("judging key", f"page {uuid.uuid4()}")
        with st.spinner("Writing the requests"):
            start_jury(me.store, me.actor, me.project, specs, pairs, idempotency_key=key, budget_usd=budget, mode=mode)
        del st.session_state["judging key"]
        st.session_state.pop("judge to begin with", None)
        st.rerun()


def _cached_estimate(me: Here, specs: Sequence[JudgeSpec], pairs: str, mode: RunMode, counts: PairCounts) -> Estimate:
    """Every rerun of the page would write out hundreds of requests again."""
    judged = sum(view.pairs for view in list_judges(me.store, me.actor, me.project))
    digests = tuple(spec.digest(template_text()) for spec in specs)
    place = (me.slug, digests, tuple(spec.name for spec in specs), pairs, mode, counts, judged)
    kept = st.session_state.get("judging estimate")
    if kept is None or kept[0] != place:
        kept = (place, estimate_jury(me.store, me.actor, me.project, specs, pairs, mode))
        st.session_state["judging estimate"] = kept
    estimate: Estimate = kept[1]
    return estimate


def _trust(me: Here, specs: Sequence[JudgeSpec]) -> None:
    with section("Before you trust it"):
        note(
            "help",
            "orange",
            "Look through some of its verdicts before you export them: nobody knows how often it is right.",
        )
        if any(spec.orders == "random" for spec in specs):
            note("swap_horiz", "orange", "One order a pair cannot show a verdict that turns with the order.")
        for model in dict.fromkeys(spec.model for spec in specs):
            family = own_family(me.store, me.actor, me.project, model)
            if family:
                names = ", ".join(escape(name) for name in family)
                said = f"{escape(model)} is of the family of {names}. Judges favour their family."
                note("diversity_3", "orange", said)


main()
