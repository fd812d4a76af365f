"""Judge: a model reads pairs by a rubric, in both orders, and its verdicts can be looked through."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.domain import JudgeSpec, RunState
from labeling.judging.rubrics import RUBRICS
from labeling.judging.template import template_text
from labeling.services import runs
from labeling.services.export import usable
from labeling.services.judge import (
    JudgeView,
    PairCounts,
    estimate_judging,
    list_judges,
    own_family,
    pair_counts,
    preview_prompt,
    start_judging,
)
from labeling.services.planning import Estimate
from labeling.services.projects import ProjectView, project_view
from labeling.services.spec_fields import PACE, PARAMETERS
from labeling.services.spec_files import judge_toml
from labeling.services.specs import judge_spec, read_judge
from labeling.services.verdicts import outcome_counts
from labeling.ui.context import Here, go, here
from labeling.ui.costs import cost_figure, start_label, stop_at, token_figures
from labeling.ui.endpoint_form import endpoint_fields, missing_key, ready_endpoints
from labeling.ui.formats import escape, plural
from labeling.ui.parts import body, count, empty, faults, figures, head, note, section
from labeling.ui.run_box import ACTIVE, latest_run, run_actions, run_box
from labeling.ui.verdict_table import verdict_section

OWN_RUBRIC: Final = "Own text"


def main() -> None:
    me = here()
    project = project_view(me.store, me.actor, me.project)
    judges = list_judges(me.store, me.actor, me.project)
    run = latest_run(me, "judge")
    if not project.pairs:
        _without_pairs(project)
    elif run is not None and run.state in (*ACTIVE, RunState.PAUSED, RunState.STOPPED):
        _going(me, judges, run)
    else:
        _ready(me, project, judges, run)


def _without_pairs(project: ProjectView) -> None:
    with head("Judge", "A stronger model reads both replies of a pair by your rubric"):
        pass
    with empty("gavel", "Make pairs first", "A judge compares two completions of one prompt."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


def _going(me: Here, judges: Sequence[JudgeView], run: runs.RunView) -> None:
    judge = next(view for view in judges if view.id == run.spec["judge_id"])
    orders = "both orders" if judge.spec.orders == "both" else "one order by lot"
    kept = f"nothing is lost, {count(run.answered)} answers are kept"
    rest = "goes on if you close this page" if run.state in ACTIVE else kept
    states = (run.state.value, *(["sandbox"] if judge.is_sandbox else []))
    with head("Judge", f"{escape(judge.title)} · {plural(run.spec['chosen'], 'pair')}, {orders} · {rest}", states):
        run_actions(me, run)
    with body():
        run_box(me, run, lambda: _progress(me, judge))
        verdict_section(me, [judge])


def _progress(me: Here, judge: JudgeView) -> list[tuple[str, str | int]]:
    counts = outcome_counts(me.store, me.actor, me.project, judge.id)
    return [("Pairs decided", counts.decided), ("Undecided", counts.undecided), ("Unreadable", counts.unreadable)]


def _ready(me: Here, project: ProjectView, judges: Sequence[JudgeView], run: runs.RunView | None) -> None:
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
            table, pairs = _form(me, project, judges, counts)
        with right, st.container(gap="medium"), faults():
            spec = judge_spec(table, "The form")
            with left, faults():
                _reading(me, spec)
            with faults():
                _estimate(me, spec, pairs, counts, start)
            _trust(me, spec)
        if run is not None:
            run_box(me, run)
        verdict_section(me, judges)


# --- the form ---------------------------------------------------------------------------------------------------


def _form(
    me: Here, project: ProjectView, judges: Sequence[JudgeView], counts: PairCounts
) -> tuple[dict[str, Any], str]:
    """What was entered: a judge as a table, and the choice of pairs."""
    kept = _begin_with(judges)
    title = kept.title if kept else "New judge"
    remark = f"any change makes version {kept.version + 1}" if kept else "kept as version 1 when it runs"
    with section(escape(title), remark):
        written = _written(kept.spec) if kept else st.session_state.get("judge file", {})
        key = f"judge {kept.id if kept else 'new'} {st.session_state.get('judge file number', 0)}"
        table: dict[str, Any] = {"name": st.text_input("Name", written.get("name", "judge"), key=f"{key} name")}
        table |= endpoint_fields(me, key, written, ready_endpoints(project.target, for_judges=True))
        table |= _rubric(key, written)
        one, two, three = st.columns([1.4, 1, 1])
        pairs = _pairs(one, counts)
        orders = two.segmented_control(
            "Orders", ["Both", "Random"], default=str(written.get("orders", "both")).capitalize(), required=True,
            key=f"{key} orders", help="Both: each pair is read twice, sides swapped. A verdict that turns with the order is undecided.",
        )  # fmt: skip
        table["orders"] = orders.lower()
        table["samples"] = three.number_input("Samples of each", 1, 64, written.get("samples", 1), key=f"{key} samples")
        table |= {name: written[name] for name in (*PACE, *PARAMETERS, "extra_body") if written.get(name) is not None}
        _from_file()
    return table, pairs


def _begin_with(judges: Sequence[JudgeView]) -> JudgeView | None:
    if not judges:
        return None
    return st.selectbox(
        "Judge",
        [*judges, None],
        format_func=lambda view: view.title if view else "New judge",
        label_visibility="collapsed",
        key="judge to begin with",
    )


def _rubric(key: str, written: dict[str, Any]) -> dict[str, Any]:
    ready = next((name for name, rubric in RUBRICS.items() if rubric.text == written.get("rubric")), None)
    names = [*RUBRICS, OWN_RUBRIC]
    index = names.index(OWN_RUBRIC) if written.get("rubric") and not ready else names.index(ready or "helpful")
    name = st.selectbox(
        "Rubric", names, index=index, key=f"{key} rubric", format_func=lambda one: one.replace("-", " ").capitalize()
    )
    known = written.get("rubric", "") if name == OWN_RUBRIC else RUBRICS[name].text
    text = st.text_area("Compare by", known, height=230, key=f"{key} rubric {name}", label_visibility="collapsed")
    offers_by_default = (
        written.get("offers_both_bad", False) if name in (ready, OWN_RUBRIC) else RUBRICS[name].offers_both_bad
    )
    offers = st.checkbox(
        "The judge may say that both are bad",
        offers_by_default,
        key=f"{key} both bad {name}",
        help="Such pairs are not exported.",
    )
    return {"rubric": text, "offers_both_bad": offers}


def _pairs(column: DeltaGenerator, counts: PairCounts) -> str:
    choices = {
        "unlabelled": f"Unlabelled ({count(counts.unlabelled)})",
        "disputed": f"Disputed ({count(counts.disputed)})",
        "gold": f"Gold ({count(counts.gold)})",
        "sample:5": "5 pairs, to try",
        "sample:50": "A sample of 50",
        "all": f"All ({count(counts.all)})",
    }
    first = 0 if counts.unlabelled else len(choices) - 1
    return column.selectbox(
        "Pairs", list(choices), index=first, format_func=lambda name: choices[name], key="judge pairs"
    )


def _from_file() -> None:
    with st.expander("From a TOML file", type="compact"):
        found = st.file_uploader(
            "A file with a [judge] table", type=["toml"], max_upload_size=1, key="judge file upload"
        )
        if found is not None and st.button("Fill the form"):
            with faults():
                st.session_state["judge file"] = _written(read_judge(found.getvalue(), found.name))
                st.session_state["judge file number"] = st.session_state.get("judge file number", 0) + 1
                st.session_state.pop("judge to begin with", None)
                st.rerun()


def _written(spec: JudgeSpec) -> dict[str, Any]:
    """A spec as the table it was written as."""
    own = {
        name: getattr(spec, name) for name in ("name", "base_url", "model", "key_env", "rubric", "orders", "samples")
    }
    known = {name: value for name, value in spec.parameters.items() if name in PARAMETERS}
    extra = {name: value for name, value in spec.parameters.items() if name not in PARAMETERS}
    pace = {name: getattr(spec, name) for name in PACE}
    return own | known | pace | {"offers_both_bad": spec.offers_both_bad, "extra_body": extra or None}


def _reading(me: Here, spec: JudgeSpec) -> None:
    with st.expander("What the judge reads", type="compact"):
        for message in preview_prompt(me.store, me.actor, me.project, spec):
            st.caption(escape(message["role"]))
            st.code(message["content"], language=None, wrap_lines=True)
    st.download_button("Download as TOML", judge_toml(spec), "judge.toml", "application/toml", type="tertiary")


# --- estimate and advice ----------------------------------------------------------------------------------------


def _estimate(me: Here, spec: JudgeSpec, pairs: str, counts: PairCounts, start: DeltaGenerator) -> None:
    found = _cached_estimate(me, spec, pairs, counts)
    urls = [spec.base_url]
    with section("Estimate"):
        figures(
            (
                "Requests",
                found.requests - found.already_answered,
                "All orders and samples, without those answered already.",
            ),
            *token_figures(found),
            cost_figure(found, urls),
        )
        budget = stop_at(found, urls)
    label = start_label(found, urls) if found.requests else "No pair to judge"
    missing = missing_key([spec])
    if start.button(label, type="primary", disabled=not found.requests or missing is not None, help=missing):
        key = st.session_state.setdefault("judging key", f"page {uuid.uuid4()}")
        with st.spinner("Writing the requests"):
            start_judging(me.store, me.actor, me.project, spec, pairs, idempotency_key=key, budget_usd=budget)
        del st.session_state["judging key"]
        st.session_state.pop("judge to begin with", None)
        st.rerun()


def _cached_estimate(me: Here, spec: JudgeSpec, pairs: str, counts: PairCounts) -> Estimate:
    """Every rerun of the page would write out hundreds of requests again."""
    judged = sum(view.pairs for view in list_judges(me.store, me.actor, me.project))
    place = (me.slug, spec.digest(template_text()), pairs, counts, judged)
    kept = st.session_state.get("judging estimate")
    if kept is None or kept[0] != place:
        kept = (place, estimate_judging(me.store, me.actor, me.project, spec, pairs))
        st.session_state["judging estimate"] = kept
    estimate: Estimate = kept[1]
    return estimate


def _trust(me: Here, spec: JudgeSpec) -> None:
    family = own_family(me.store, me.actor, me.project, spec.model)
    with section("Before you trust it"):
        note(
            "help",
            "orange",
            "Look through some of its verdicts before you export them: nobody knows how often it is right.",
        )
        if spec.orders == "random":
            note("swap_horiz", "orange", "One order a pair cannot show a verdict that turns with the order.")
        if family:
            names = ", ".join(escape(name) for name in family)
            note(
                "diversity_3",
                "orange",
                f"{escape(spec.model)} is of the family of {names}. Judges favour their family.",
            )


main()
