"""Generate: generators write completions to the project's prompts, and pairs are made of them."""

import uuid
from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.domain import RunMode, RunState, Target
from labeling.pairing import PairMode
from labeling.services import runs
from labeling.services.contents import replies_stamp
from labeling.services.generate import (
    GenerationPlan,
    GeneratorView,
    Trial,
    estimate_generation,
    first_prompts,
    list_generators,
    most_pairs,
    retire_generator,
    save_generators,
    start_generation,
    try_generators,
)
from labeling.services.pairing import PairingView, PairPlan, make_pairs
from labeling.services.project_target import set_target
from labeling.services.projects import ProjectView, count_pairs
from labeling.services.spec_fields import SANDBOX
from labeling.services.specs import generator_spec
from labeling.services.targets import TARGETS
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.costs import cost_figure, is_own_server, mode_choice, start_label, stop_at, token_figures
from labeling.ui.endpoint_form import key_badge, missing_key
from labeling.ui.formats import escape, money, plural
from labeling.ui.generator_form import generator_dialog
from labeling.ui.parts import body, count, empty, faults, figures, head, note, section, state
from labeling.ui.rule_form import chosen_rule, rule_choice, rule_fields
from labeling.ui.run_box import ACTIVE, run_actions, run_box
from labeling.ui.run_list import run_list, runs_for
from labeling.ui.sieve_form import chosen_sieve, dropped_words, may_count, sieve_pills
from labeling.ui.turns_section import turns_section

TITLE: Final = 100  # characters of a prompt in the list to try on
MODES: Final = {"Generators": PairMode.SOURCES, "Samples": PairMode.SAMPLES}
READY: Final = ({"name": "large", "model": "sandbox-large"}, {"name": "small", "model": "sandbox-small"})


def main() -> None:
    me = here()
    project = project_here(me)
    generators = list_generators(me.store, me.actor, me.project)
    found = runs_for(me, "generate")
    if found and found[0].state in (*ACTIVE, RunState.PAUSED, RunState.STOPPED):
        _going(me, project, generators, *found)
    elif not project.prompts:
        _without_prompts()
    elif not generators:
        _without_generators(me, project)
    else:
        _ready(me, project, generators, found)


def _without_prompts() -> None:
    with head("Generate", "Generators write completions to your prompts, two of which make a pair"):
        pass
    with empty("auto_awesome", "Import prompts first", "Completions of pairs that you import are there already."):
        if st.button("Import prompts", type="primary"):
            go("data")


def _without_generators(me: Here, project: ProjectView) -> None:
    with head("Generate", f"{plural(project.prompts, 'prompt')} · nothing is sent before you start a run"):
        pass
    with body():
        _target(me, project)
        text = (
            "A generator is a model with its parameters and system prompt. Two of them, or two replies of one, make a "
            "pair. The sandbox is a small endpoint on this machine: no key, no cost, made-up replies."
        )
        with empty("auto_awesome", f"Write replies to {plural(project.prompts, 'prompt')}", text):
            if st.button("Add generator", type="primary"):
                generator_dialog(project.target)
            if st.button("Use the sandbox"):
                with faults():
                    specs = [generator_spec({**one, "base_url": SANDBOX}, "The sandbox") for one in READY]
                    save_generators(me.store, me.actor, me.project, specs)
                    st.rerun()


def _going(
    me: Here, project: ProjectView, generators: list[GeneratorView], run: runs.RunView, *earlier: runs.RunView
) -> None:
    made = " and ".join(escape(str(one["name"])) for one in run.spec["generators"])
    kept = f"{count(run.answered)} answers are kept" if run.state not in ACTIVE else "goes on if you close this page"
    states = (run.state.value, *(["sandbox"] if any(view.is_sandbox for view in generators) else []))
    with head("Generate", f"{plural(project.prompts, 'prompt')} · {made} · {kept}", states):
        run_actions(me, run)
    with body():
        run_box(me, run, lambda: [("Pairs", count_pairs(me.store, me.actor, me.project))])
        run_list(me, "generate", earlier)


def _ready(me: Here, project: ProjectView, generators: list[GeneratorView], found: Sequence[runs.RunView]) -> None:
    samples = "one reply each" if all(view.spec.samples == 1 for view in generators) else "more than one reply each"
    context = f"{plural(project.prompts, 'prompt')} · {plural(len(generators), 'generator')}, {samples}"
    with head("Generate", context):
        if st.button("Add generator", icon=":material/add:"):
            generator_dialog(project.target)
        start = st.container()
    with body():
        _target(me, project)
        with faults():
            _estimate(me, project, generators, start)
        _generators(me, project, generators)
        _pairs(me, project)
        turns_section(me)
        if found:
            run_box(me, found[0])
        run_list(me, "generate", found[1:])


def _target(me: Here, project: ProjectView) -> None:
    """Asked first: it pre-fills the forms, and its own completions come first in pairs."""
    with section("Model to be tuned", "pre-fills the forms; its own replies come first in pairs"):
        one, two, _ = st.columns([1, 1, 1])
        targets = list(Target)
        target = one.selectbox(
            "Where", targets, index=targets.index(project.target), format_func=lambda each: TARGETS[each].title
        )
        defaults = TARGETS[target]
        known = [project.target_model] if project.target_model else []
        options = list(dict.fromkeys([*known, *defaults.models]))
        model = two.selectbox(
            "Model",
            options,
            index=0 if known and target is project.target else None,
            accept_new_options=True,
            placeholder="Not chosen yet",
            key=f"tuned model {target}",
        )
        st.caption(escape(defaults.remark))
        if (target, model) != (project.target, project.target_model) and (model or target is not project.target):
            with faults():
                set_target(me.store, me.actor, me.project, target, model)
                st.rerun()


# --- the estimate, and the button with the money in it ---------------------------------------------------------


def _estimate(me: Here, project: ProjectView, generators: list[GeneratorView], start: DeltaGenerator) -> None:
    urls = [view.spec.base_url for view in generators]
    with section("Estimate"):
        strip = st.container()
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            limit = int(
                st.number_input(
                    "Prompts", 1, project.prompts, project.prompts, width=140, help="The first ones, as they came."
                )
            )
            plan = GenerationPlan(tuple(view.spec for view in generators), limit=limit, pairs=_pair_plan())
            mode = mode_choice("generation mode")
            found = _cached_estimate(me, plan, mode, project, generators)
            budget = stop_at(found, urls, mode)
        left = found.requests - found.already_answered
        with strip:
            figures(
                ("Requests", left, "Without those that are answered already: nothing is paid for twice."),
                *token_figures(found),
                ("Pairs, at most", most_pairs(plan, limit), "Two replies of the same text make no pair."),
                cost_figure(found, urls),
            )
    label = start_label(found, urls, mode) if found.requests else "All completions are there"
    missing = None if mode is RunMode.FILE else missing_key(plan.generators)
    if start.button(label, type="primary", disabled=not found.requests or missing is not None, help=missing):
        key = st.session_state.setdefault("generation key", f"page {uuid.uuid4()}")
        with st.spinner("Writing the requests"):
            start_generation(me.store, me.actor, me.project, plan, idempotency_key=key, budget_usd=budget, mode=mode)
        del st.session_state["generation key"]
        st.rerun()


def _cached_estimate(
    me: Here, plan: GenerationPlan, mode: RunMode, project: ProjectView, generators: list[GeneratorView]
) -> runs.Estimate:
    """Every rerun of the page would count every prompt again."""
    place = (
        me.slug, plan.limit, mode, project.prompts,
        *((view.spec.digest, view.spec.samples, view.completions) for view in generators),
    )  # fmt: skip
    kept = st.session_state.get("generation estimate")
    if kept is None or kept[0] != place:
        with st.spinner("Estimating"):
            kept = (place, estimate_generation(me.store, me.actor, me.project, plan, mode))
        st.session_state["generation estimate"] = kept
    estimate: runs.Estimate = kept[1]
    return estimate


# --- generators and their trial ---------------------------------------------------------------------------------


def _generators(me: Here, project: ProjectView, generators: list[GeneratorView]) -> None:
    with section("Generators", "try them on one prompt before spending"):
        prompts = first_prompts(me.store, me.actor, me.project)
        titles = {prompt.id: _title(prompt.prompt.messages[-1].get("content")) for prompt in prompts}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox(
                "Prompt", list(titles), format_func=lambda id_: titles[id_], label_visibility="collapsed"
            )
            pressed = st.button("Try on one prompt", icon=":material/play_arrow:")
        place = f"trials {me.slug} {chosen}"
        if pressed:
            with faults(), st.spinner("Asking the generators"):
                specs = [view.spec for view in generators]
                answers = try_generators(me.store, me.actor, me.project, specs, chosen)
                st.session_state[place] = {spec.digest: trial for spec, trial in zip(specs, answers, strict=True)}
        trials: dict[str, Trial] = st.session_state.get(place, {})
        for first in range(0, len(generators), 2):
            columns = st.columns(2, gap="small")
            for column, view in zip(columns, generators[first : first + 2], strict=False):
                with column:
                    _card(me, project, view, trials.get(view.spec.digest))


def _card(me: Here, project: ProjectView, view: GeneratorView, trial: Trial | None) -> None:
    spec = view.spec
    with st.container(border=True, height="stretch", gap="small"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
                st.markdown(f"**{escape(spec.name)}**", width="content")
                if view.is_sandbox:
                    state("sandbox", "Made-up replies of the endpoint on this machine.")
                if spec.key_env:
                    key_badge(spec.key_env, spec.base_url)
            choice = st.menu_button(
                ":material/more_horiz:", ["Edit", "Remove"], key=f"menu {view.id}", type="tertiary", help="More"
            )
        place = "the sandbox" if spec.base_url == SANDBOX else spec.base_url.split("//")[-1].removesuffix("/v1")
        lines = [f"{spec.model} at {place}", " · ".join(f"{name} {value}" for name, value in spec.parameters.items())]
        if spec.system_prompt:
            lines.append(f"System prompt: “{_title(spec.system_prompt)}”")
        lines.append(f"{plural(spec.samples, 'reply', 'replies')} to each prompt · {count(view.completions)} written")
        st.caption("  \n".join(escape(line) for line in lines if line))
        if trial is not None:
            _trial(view, trial)
    if choice == "Edit":
        generator_dialog(project.target, view)
    if choice == "Remove":
        with faults():
            retire_generator(me.store, me.actor, me.project, view.id)
            st.rerun()


def _trial(view: GeneratorView, trial: Trial) -> None:
    if trial.sentence:
        note("error", "red", escape(trial.sentence))
    if trial.reply is None:
        return
    st.text(trial.reply.text or "(no text)")
    price = "sandbox" if view.is_sandbox else "own server" if is_own_server(view.spec.base_url) else "price unknown"
    if trial.cost_usd is not None:
        price = money(trial.cost_usd, digits=4)
    told = "" if trial.reply.completion_tokens is None else f"{plural(trial.reply.completion_tokens, 'token')} · "
    st.caption(escape(f"{told}{trial.reply.milliseconds / 1000:.1f} s · {price}"))


# --- pairs ------------------------------------------------------------------------------------------------------


def _pair_plan() -> PairPlan:
    mode = MODES.get(st.session_state.get("pair mode", ""))
    per_prompt = None if st.session_state.get("pairs a prompt") == "All" else 1
    return PairPlan(mode, per_prompt, chosen_sieve("drop"), chosen_rule())


def _pairs(me: Here, project: ProjectView) -> None:
    with section("Pairs", "made while a run goes, and here from completions that are there"):
        with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
            st.segmented_control(
                "Two replies of", ["What there is", *MODES], default="What there is", required=True, key="pair mode",
                help="Two generators, or two samples of one. Imported completions count as a generator's.",
            )  # fmt: skip
            is_rule = rule_choice()
            st.segmented_control(
                "Pairs a prompt", ["One", "All"], default="One", required=True, key="pairs a prompt",
                help="All makes one pair of every two generators, or of each generator's samples.",
            )  # fmt: skip
            sieve_pills("drop")
        with faults():
            if is_rule and not rule_fields(me):
                return
            plan = _pair_plan()
            found = _cached_pairing(me, plan, project)
            if found is None:
                return
            told = [part for number, part in _pairing_words(found) if number]
            st.caption("  \n".join(filter(None, [" · ".join(told), dropped_words(found)])))
            if (found.pairs or found.labels) and st.button(_making_words(found)):
                make_pairs(me.store, me.actor, me.project, plan)
                st.session_state.pop(
                    "pairing", None
                )  # labels on pairs that were there change none of the counts it is kept by
                st.rerun()


def _cached_pairing(me: Here, plan: PairPlan, project: ProjectView) -> PairingView | None:
    """Every rerun of the page would read and compare every reply again."""
    replies = replies_stamp(me.store, me.actor, me.project)
    place = (me.slug, plan, project.prompts, project.pairs, project.target_model, replies)
    kept = st.session_state.get("pairing")
    if kept is None or kept[0] != place:
        if not may_count(project.prompts, place):
            return None
        with st.spinner("Looking through the replies"):
            kept = (place, make_pairs(me.store, me.actor, me.project, plan, dry_run=True))
        st.session_state["pairing"] = kept
    found: PairingView = kept[1]
    return found


def _making_words(found: PairingView) -> str:
    if not found.labels:
        return f"Make {plural(found.pairs, 'pair')}"
    return f"Label {plural(found.labels, 'pair')} by the rule"


def _pairing_words(found: PairingView) -> list[tuple[int, str]]:
    return [
        (found.pairs, f"{plural(found.pairs, 'new pair')} from {plural(found.with_pairs, 'prompt')}"),
        (found.has_pairs, f"{plural(found.has_pairs, 'prompt')} with pairs already"),
        (found.too_few, f"{plural(found.too_few, 'prompt')} with too few completions"),
        (found.same_text, f"{plural(found.same_text, 'prompt')} with completions of one text only"),
        (found.too_few_left, f"{plural(found.too_few_left, 'prompt')} with too few replies left"),
    ]


def _title(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= TITLE else line[: TITLE - 1] + "…"


main()
