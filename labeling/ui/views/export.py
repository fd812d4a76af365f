"""Export: what leaves in the file and why the rest stays, the first rows, and the checked file."""

from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from exporters import EXPORTERS, Format
from exporters.dataset import FileType
from exporters.parquet import COLUMNS
from labeling.errors import ExportError, TiebreakError
from labeling.services.export import counted, preview
from labeling.services.export_list import ExportView, export_folder, exports, zip_name
from labeling.services.projects import ProjectView, project_view
from labeling.services.rule_effect import Effect, effect, rater_names
from labeling.services.targets import TARGETS
from labeling.services.zipped import zip_blocks
from labeling.ui.building import build, building, take
from labeling.ui.context import Here, go, here
from labeling.ui.export_parts import checks, earlier, first_rows, what, where
from labeling.ui.parts import bar, body, count, empty, faults, head, plural, section, tell
from labeling.ui.rules_form import Choices, RulesForm, rules_form, show_effect
from labeling.ui.text_reading import reading

# Reading every text takes a tenth of a second for this many pairs; beyond it, what a format refuses is told after the build.
MOST_COUNTED: Final = 5_000
LARGEST_IN_MEMORY: Final = 20_000_000  # bytes; a larger export streams from its route
SHARES: Final = {0.0: "None", 0.05: "5 %", 0.1: "10 %", 0.2: "20 %"}


@dataclass(frozen=True, slots=True)
class Form:
    """What was chosen."""

    format: str
    rules: RulesForm
    share: float
    seed: int
    system_prompt: str | None
    has_mark: bool
    file_type: FileType

    def is_of(self, view: ExportView) -> bool:
        """Whether this export was made with the same choices; what the label rules are called does not matter."""
        asked = (self.format, self.share, self.seed, self.system_prompt, self.has_mark, self.file_type)
        given = (view.format, view.validation_share, view.seed, view.system_prompt, view.has_mark, view.file_type)
        return given == asked and {**view.rules, "name": ""} == {**self.rules.rules.as_dict(), "name": ""}


def main() -> None:
    me = here()
    project = project_view(me.store, me.actor, me.project)
    if not project.pairs:
        _nothing(project)
        return
    top = st.container()
    with body():
        left, right = st.columns([1, 1.6], gap="large")
        with left, st.container(gap="medium"):
            form = _form(me, project)
        going = reading(me) if _reads_texts(form) and _effect(me, form).unread else None
        told, is_exact = _found(me, form)
        show_effect(form.rules, told)
        ended = take(me)
        with top:
            ready = _head(me, form, told)
        if ended is not None and ended.error is not None and not isinstance(ended.error, TiebreakError):
            tell(ended.error)
        _failed(me, form)
        if building(me) is not None:
            _progress(me)
        format = EXPORTERS[form.format]
        with right, st.container(gap="medium"):
            if going is not None:
                _reading(me)
            where(told, format, is_exact=is_exact)
            what(told, has_margin=form.format == "trl-reward")
            checks(told, format, form.share, ready, is_building=building(me) is not None)
        with faults():
            first_rows(
                preview(
                    me.store, me.actor, me.project, format=form.format, rules=form.rules.rules,
                    system_prompt=form.system_prompt,
                )
            )  # fmt: skip
        earlier(exports(me.store, me.actor, me.project))


def _nothing(project: ProjectView) -> None:
    with head("Export", "A training file for preference tuning (PFT, DPO) of what your raters prefer"):
        pass
    with empty("ios_share", "Make pairs first", "Only labelled pairs become rows of a training file."):
        label = "Generate completions" if project.prompts else "Import prompts or pairs"
        if st.button(label, type="primary"):
            go("generate" if project.prompts else "data")


# --- the form ----------------------------------------------------------------------------------------------------


def _form(me: Here, project: ProjectView) -> Form:
    names = list(EXPORTERS)
    with section("File"):
        format = st.selectbox(
            "Format", names, names.index(TARGETS[project.target].export_format),
            format_func=lambda name: EXPORTERS[name].title,
            help="PFT and DPO are two names for tuning on pairs: a better and a worse reply to the same prompt.",
        )  # fmt: skip
        chosen = EXPORTERS[format]
        st.caption(chosen.description)
        share = st.segmented_control(
            "Validation share", list(SHARES), default=0.1, required=True, format_func=SHARES.__getitem__,
            help="Split by prompt, never by row.",
        )  # fmt: skip
        with st.expander("More about the file", type="compact"):
            seed, has_mark, file_type = _more(chosen)
    with section("Label rules"):
        takes_ties = "tie" in chosen.takes
        choices = Choices(rater_names(me.store, me.actor, me.project), project.target_model, takes_ties)
        rules = rules_form(me, choices)
        with st.expander("System prompt for every row", type="compact"):
            system_prompt = st.text_area(
                "System prompt", label_visibility="collapsed", height=120,
                placeholder="Empty: the system prompt that both completions were generated under, where it is the same",
            )  # fmt: skip
    return Form(format, rules, share, seed, system_prompt.strip() or None, has_mark, file_type)


def _more(format: Format) -> tuple[int, bool, FileType]:
    """What few change: seed of the split, byte-order mark, file type."""
    seed = st.number_input("Seed of the split", 0, 2**31 - 1, 0, help="Another seed makes another split.")
    has_mark = format.takes_mark and st.toggle("Begin with a byte-order mark", help="Azure documents one.")
    file_type: FileType = "jsonl"
    if format.name in COLUMNS:
        kinds: dict[FileType, str] = {"jsonl": "JSONL", "parquet": "Parquet"}
        file_type = st.segmented_control(
            "File type", list(kinds), default="jsonl", required=True, format_func=kinds.__getitem__
        )
    return int(seed), has_mark, file_type


# --- the effect --------------------------------------------------------------------------------------------------


def _effect(me: Here, form: Form) -> Effect:
    return effect(me.store, me.actor, me.project, form.rules.rules, takes=EXPORTERS[form.format].takes)


def _found(me: Here, form: Form) -> tuple[Effect, bool]:
    """What the rules do, and whether what the format refuses is taken off already."""
    told = _effect(me, form)
    if told.pairs > MOST_COUNTED or told.unread:
        return told, False
    exact = counted(
        me.store, me.actor, me.project, format=form.format, rules=form.rules.rules, system_prompt=form.system_prompt
    )
    return replace(told, kept=exact.rows, rows=told.rows - (told.kept - exact.rows), left_out=exact.left_out), True


def _reads_texts(form: Form) -> bool:
    return form.rules.rules.refusals != "keep" or form.rules.rules.personal_data != "keep"


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


def _head(me: Here, form: Form, told: Effect) -> ExportView | None:
    """Title and actions. Returns the finished export that still says what the form says."""
    ready = _ready(me, form, told)
    context = f"Usable rows: {count(told.rows)} of {plural(told.pairs, 'pair')}"
    if ready is not None:
        context += f" · {count(ready.train_rows)} to train"
        context += f", {count(ready.validation_rows)} to validate" if ready.validation_rows else ""
    with head("Export", context, ("sandbox",) if ready is not None and ready.sandbox else ()):
        least = EXPORTERS[form.format].least_rows
        lacking = least - told.rows
        is_busy = building(me) is not None
        label = "Build again" if ready is not None else f"Build {plural(told.rows, 'row')}"
        if st.button(
            label, type="secondary" if ready is not None else "primary", disabled=lacking > 0 or is_busy, key="build",
            help=f"At least {least} rows are needed: {lacking} more." if lacking > 0 else None,
        ):  # fmt: skip
            build(
                me, format=form.format, rules=form.rules.rules, validation_share=form.share, seed=form.seed,
                system_prompt=form.system_prompt, has_mark=form.has_mark, file_type=form.file_type,
            ).wait()  # fmt: skip
            st.rerun()
        if ready is not None:
            with faults():
                _download(me, ready)
    return ready


def _ready(me: Here, form: Form, told: Effect) -> ExportView | None:
    """The newest export of these choices, if it is finished, still on the disk, and no label came after it."""
    for view in exports(me.store, me.actor, me.project):
        if view.state == "done" and form.is_of(view):
            is_current = view.label_seq == told.label_seq and view.pairs == told.pairs
            return view if is_current and view.folder is not None and view.folder.is_dir() else None
    return None


def _failed(me: Here, form: Form) -> None:
    """Why the newest export failed, as long as the same is asked for."""
    newest = next(iter(exports(me.store, me.actor, me.project, most=1)), None)
    if newest is not None and newest.state == "failed" and form.is_of(newest):
        tell(ExportError(newest.fault or ""))


def _download(me: Here, view: ExportView) -> None:
    label = f"Download {plural(view.rows, 'row')}"
    name = zip_name(me.project, view.id)
    if sum(file.bytes for file in view.files) > LARGEST_IN_MEMORY:
        address = f"/api/v1/projects/{me.project}/exports/{view.id}/{name}"
        st.link_button(label, address, type="primary", icon=":material/download:")
        return
    folder = export_folder(me.store, me.actor, me.project, view.id)
    st.download_button(
        label, lambda: b"".join(zip_blocks(folder, name.removesuffix(".zip"))), name, "application/zip", type="primary",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def _progress(me: Here) -> None:
    @st.fragment(run_every=1.0)
    def live() -> None:
        going = building(me)
        if going is None or going.is_over:
            st.rerun()
        remark = (
            "checking the file" if going.pairs and going.looked >= going.pairs else "goes on if you leave this page"
        )
        bar(going.looked, going.pairs, "pairs", remark)

    live()


main()
