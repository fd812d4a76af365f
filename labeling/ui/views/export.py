"""Export: what leaves in the file and why the rest stays, the first rows, the checked file, and the exports so far."""

from collections.abc import Iterable, Iterator
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from exporters import Format
from labeling.errors import ExportError
from labeling.services.export import counted, preview
from labeling.services.export_list import ExportView
from labeling.services.projects import ProjectView
from labeling.services.rule_effect import Effect, effect
from labeling.services.vote_export import votes_held
from labeling.ui.building import Building, build, building, take
from labeling.ui.context import Here, go, here, project_here
from labeling.ui.export_form import Form, export_form
from labeling.ui.export_history import download, earlier, lost, newest
from labeling.ui.export_parts import all_to_validate, checks, first_rows, votes_in, what, where
from labeling.ui.parts import bar, body, count, empty, escape, faults, head, note, plural, tell
from labeling.ui.reserve_section import reserve_section
from labeling.ui.rules_form import show_effect
from labeling.ui.text_reading import reading
from labeling.ui.under_way import no_result, under_way

# Reading every text takes a tenth of a second for this many pairs; beyond it, what a format refuses is told after the build.
MOST_COUNTED: Final = 5_000


def main() -> None:
    me = here()
    project = project_here(me)
    if not project.pairs:
        _nothing(project)
        return
    top = st.container()
    with body():
        left, right = st.columns([1, 1.6], gap="large")
        with left, st.container(gap="medium"):
            form = export_form(me, project)
            if project.prompts:
                reserve_section(me)
        ended, going = take(me), building(me)
        listed, has_older = newest(me)
        with right, st.container(gap="medium"):
            if form.format is None:
                _votes(me, form, listed, top)
                shown = False
            else:
                shown = _rows(me, form, form.format, listed, top)
        with top:
            if going is not None and not going.is_of_list:
                under_way(me, "export")
            if ended is None or not ended.is_of_list:
                _told(form, ended, listed)
        if shown:
            with faults():
                asked = form.choices
                first_rows(
                    preview(
                        me.store, me.actor, me.project, format=asked.format, rules=asked.rules,
                        system_prompt=asked.system_prompt, file_type=asked.file_type,
                    )
                )  # fmt: skip
        earlier(me, listed, ended, going, has_older=has_older)


def _nothing(project: ProjectView) -> None:
    with head("Export", "A training file for preference tuning (PFT, DPO) of what your raters prefer"):
        pass
    with empty("ios_share", "Make pairs first", "Only labelled pairs become rows of a training file."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


# --- what would leave --------------------------------------------------------------------------------------------


def _rows(me: Here, form: Form, format: Format, listed: list[ExportView], top: DeltaGenerator) -> bool:
    """Head and effect for a format of rows. Returns whether its first rows can be shown at once."""
    going = reading(me) if form.asks_texts and _effect(me, form, format).unread else None
    told, is_exact = _found(me, form, format)
    if form.rules is not None:
        show_effect(form.rules, told)
    ready, fault = _intact(_current(form, told, listed))
    # A pair may come to two rows, as single completions or with an edit, and a reply that several pairs chose to one.
    of = "" if told.rows == told.kept else f"from {count(told.kept)} "
    context = f"Usable rows: {count(told.rows)} {of}of {plural(told.pairs, 'pair')}"
    if ready is not None:
        context += f" · {count(ready.train_rows)} to train"
        context += f", {count(ready.validation_rows)} to validate" if ready.validation_rows else ""
    with top:
        _head(me, form, context, plural(told.rows, "row"), ready, _lack(form, told, format))
        _lost(me, fault)
    if going is not None:
        _reading(me)
    where(told, format, is_exact=is_exact)
    what(told, has_margin=format.name == "trl-reward")
    checks(told, format, form.choices, ready, is_building=building(me) is not None)
    return going is None and told.rows > 0  # else every pair is looked through for a first row


def _votes(me: Here, form: Form, listed: list[ExportView], top: DeltaGenerator) -> None:
    """Head and content for every label."""
    held = votes_held(me.store, me.actor, me.project)
    ready, fault = _intact(
        view for view in _finished(form, listed) if (view.label_seq, view.rows) == (held.label_seq, held.labels)
    )
    with top:
        lack = form.fault or ("" if held.labels else "There is no label yet.")
        _head(me, form, plural(held.labels, "label"), plural(held.labels, "label"), ready, lack)
        _lost(me, fault)
    votes_in(held)


def _effect(me: Here, form: Form, format: Format) -> Effect:
    return effect(me.store, me.actor, me.project, form.choices.rules, takes=format.takes)


def _found(me: Here, form: Form, format: Format) -> tuple[Effect, bool]:
    """What the rules do, and whether what the format refuses is taken off already."""
    told = _effect(me, form, format)
    if told.pairs > MOST_COUNTED or told.unread:
        return told, False
    asked = form.choices
    exact = counted(
        me.store, me.actor, me.project, format=asked.format, rules=asked.rules, system_prompt=asked.system_prompt,
        file_type=asked.file_type,
    )  # fmt: skip
    return exact, True


def _reading(me: Here) -> None:
    """How far the texts are read that a rule asks about."""

    @st.fragment(run_every=1.0)
    def live() -> None:
        going = reading(me)
        if going is None:
            st.rerun()
        bar(going.done, going.pairs, "pairs read", "for the rules about texts, once")

    live()


# --- the head and the building -----------------------------------------------------------------------------------


def _head(me: Here, form: Form, context: str, what: str, ready: ExportView | None, lack: str) -> None:
    """Title and actions, and why the form asks for what cannot be. `what` is the number of rows in words; `ready` the finished export that says what the form says;
    `lack` why nothing can be built."""
    with head("Export", context, ("sandbox",) if ready is not None and ready.sandbox else ()):
        if st.button(
            "Build again" if ready is not None else f"Build {what}", type="secondary" if ready is not None else "primary",
            disabled=bool(lack) or building(me) is not None, key="build", help=escape(lack) or None,
        ):  # fmt: skip
            build(me, form.choices).wait()
            st.rerun()
        if ready is not None:
            download(me, ready, f"Download {what if ready.is_votes else plural(ready.rows, 'row')}", "primary")
    if form.fault:
        note("info", "orange", escape(form.fault))


def _lack(form: Form, told: Effect, format: Format) -> str:
    """Why no file can come of these rows; "" where one can."""
    lacking = format.least_rows - told.rows
    if lacking > 0:
        return f"At least {format.least_rows} are needed: {lacking} more."
    return form.fault or all_to_validate(told, form.choices)


def _current(form: Form, told: Effect, listed: list[ExportView]) -> Iterator[ExportView]:
    """The exports that still say what the form says: of the same labels, pairs and reasons."""
    for view in _finished(form, listed):
        is_current = view.label_seq == told.label_seq and view.pairs == told.pairs
        if is_current and all(view.left_out.get(reason) == number for reason, number in told.left_out.items()):
            yield view


def _finished(form: Form, listed: list[ExportView]) -> Iterator[ExportView]:
    """The exports for which the same was asked, newest first."""
    return (view for view in listed if view.state == "done" and view.choices.is_same_as(form.choices))


def _intact(views: Iterable[ExportView]) -> tuple[ExportView | None, str]:
    """The first that can be handed out; else why the first of all cannot."""
    told = ""
    for view in views:
        fault = lost(view)
        if fault is None:
            return view, ""
        told = told or f"No. {view.id} is not handed out any more: {escape(fault)} Build it again."
    return None, told


def _lost(me: Here, fault: str) -> None:
    """Why what is there cannot be downloaded, unless another is on its way."""
    if fault and building(me) is None:
        note("info", "orange", fault)


def _told(form: Form, ended: Building | None, listed: list[ExportView]) -> None:
    """Why the build that has just ended failed; else why the newest export did, as long as the same is asked for."""
    newest = listed[0] if listed else None
    if ended is not None and ended.error is not None:
        no_result(ended)
    elif newest is not None and newest.state == "failed" and newest.choices.is_same_as(form.choices):
        tell(ExportError(newest.fault or ""))


main()
