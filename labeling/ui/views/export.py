"""Export: what leaves in the file and why the rest stays, the first rows, and the checked file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
import streamlit as st

from exporters import EXPORTERS
from exporters.formats import format_title
from exporters.refusals import REFUSALS
from labeling.errors import ExportError, TiebreakError
from labeling.services.export import Usable, counted, preview, usable
from labeling.services.export_list import ExportView, export_folder, exports, zip_name
from labeling.services.label_rules import Edits, LabelRules, Who
from labeling.services.projects import project_view
from labeling.services.rule_reasons import REASONS
from labeling.services.targets import TARGETS
from labeling.services.zipped import zip_blocks
from labeling.ui.building import build, building, take
from labeling.ui.context import Here, go, here
from labeling.ui.parts import ago, bar, body, count, empty, escape, faults, head, note, percent, plural, section, tell

# Reading every text takes a second for this many pairs; beyond it, what a format refuses is told after the export.
MOST_COUNTED: Final = 20_000
LARGEST_IN_MEMORY: Final = 20_000_000  # bytes; a larger export streams from its route
LEAST_VALIDATION: Final = 10
CELL: Final = 400  # characters of a text in a table

WHO: Final[Mapping[Who, str]] = {
    "people_first": "People before judges",
    "people": "People only",
    "judges": "Judges only",
    "all": "People and judges alike",
}
AGREEMENT: Final = {"majority": "Majority", "unanimous": "All agree"}
STRENGTHS: Final = {1.0: "Any", 2.0: "Clearly", 3.0: "Much"}
SHARES: Final = {0.0: "None", 0.05: "5 %", 0.1: "10 %", 0.2: "20 %"}
EDITS: Final[Mapping[Edits, str]] = {
    "beat_loser": "An edit stands for the better reply",
    "ignore": "Edits are left aside",
}


@dataclass(frozen=True, slots=True)
class Form:
    """What was chosen."""

    format: str
    rules: LabelRules
    share: float
    seed: int
    system_prompt: str | None

    def is_of(self, view: ExportView) -> bool:
        """Whether this export was made with the same choices."""
        given = (view.format, view.rules, view.validation_share, view.seed, view.system_prompt)
        return given == (self.format, self.rules.as_dict(), self.share, self.seed, self.system_prompt)


def main() -> None:
    me = here()
    project = project_view(me.store, me.actor, me.project)
    if not project.pairs:
        with head("Export", "A training file for preference tuning (PFT, DPO) of what your raters prefer"):
            pass
        with empty("ios_share", "Make pairs first", "Only labelled pairs become rows of a training file."):
            label = "Generate completions" if project.prompts else "Import prompts or pairs"
            if st.button(label, type="primary"):
                go("generate" if project.prompts else "data")
        return
    top = st.container()
    with body():
        left, right = st.columns([1, 1.6], gap="large")
        with left:
            form = _form(TARGETS[project.target].export_format)
        found, is_exact = _found(me, form)
        ended = take(me)
        with top:
            ready = _head(me, form, found)
        if ended is not None and ended.error is not None and not isinstance(ended.error, TiebreakError):
            tell(ended.error)
        _failed(me, form)
        if building(me) is not None:
            _progress(me)
        with right, st.container(gap="medium"):
            _where(found, is_exact)
            _checks(me, form, found, ready)
        with faults():
            _first_rows(me, form)
        _earlier(me)


# --- the form ----------------------------------------------------------------------------------------------------


def _form(usual_format: str) -> Form:
    names = list(EXPORTERS)
    with section("Label rules"):
        format = st.selectbox(
            "Format", names, names.index(usual_format), format_func=lambda name: EXPORTERS[name].title,
            help="PFT and DPO are two names for tuning on pairs: a better and a worse reply to the same prompt.",
        )  # fmt: skip
        st.caption(EXPORTERS[format].description)
        who = st.selectbox("Whose labels count", list(WHO), format_func=WHO.__getitem__)
        agreement = _short("When raters differ", AGREEMENT, "majority")
        strength = _short("Least strength", STRENGTHS, 1.0, "Labels without a strength count as Any.")
        share = _short("Validation share", SHARES, 0.1, "Split by prompt, never by row.")
        with st.expander("More rules", type="compact"):
            least = st.number_input("Labels that decide, at least", 1, 20, 1)
            edits = st.selectbox("Edits by annotators", list(EDITS), format_func=EDITS.__getitem__)
            both = st.toggle("Only judges that read both orders", value=True)
            seed = st.number_input("Seed of the split", 0, 2**31 - 1, 0, help="Another seed makes another split.")
        with st.expander("System prompt for every row", type="compact"):
            system_prompt = st.text_area(
                "System prompt", label_visibility="collapsed", height=120,
                placeholder="Empty: the system prompt that both completions were generated under, where it is the same",
            )  # fmt: skip
    rules = LabelRules(
        who=who,
        agreement=agreement,
        least_labels=int(least),
        least_strength=strength,
        only_both_orders=both,
        edits=edits,
    )
    return Form(format, rules, share, int(seed), system_prompt.strip() or None)


def _short(label: str, options: Mapping[Any, str], usual: Any, hint: str | None = None) -> Any:
    return st.segmented_control(
        label, list(options), default=usual, required=True, format_func=options.__getitem__, help=hint
    )


def _found(me: Here, form: Form) -> tuple[Usable, bool]:
    """How many rows there would be, and whether what the format refuses is taken off already."""
    quick = usable(me.store, me.actor, me.project, form.rules)
    if quick.rows > MOST_COUNTED:
        return quick, False
    found = counted(
        me.store, me.actor, me.project, format=form.format, rules=form.rules, system_prompt=form.system_prompt
    )
    return found, True


# --- the head and the building -----------------------------------------------------------------------------------


def _head(me: Here, form: Form, found: Usable) -> ExportView | None:
    """Title and actions. Returns the finished export that still says what the form says."""
    ready = _ready(me, form, found)
    context = f"Usable rows: {count(found.rows)} of {count(found.pairs)}"
    if ready is not None:
        context += f" · {count(ready.train_rows)} to train"
        context += f", {count(ready.validation_rows)} to validate" if ready.validation_rows else ""
    with head("Export", context, ("sandbox",) if ready is not None and ready.sandbox else ()):
        lacking = EXPORTERS[form.format].least_rows - found.rows
        is_busy = building(me) is not None
        label = "Build again" if ready is not None else f"Build {plural(found.rows, 'row')}"
        if st.button(
            label, type="secondary" if ready is not None else "primary", disabled=lacking > 0 or is_busy, key="build",
            help=f"At least {EXPORTERS[form.format].least_rows} rows are needed: {lacking} more." if lacking > 0 else None,
        ):  # fmt: skip
            build(
                me, format=form.format, rules=form.rules, validation_share=form.share, seed=form.seed,
                system_prompt=form.system_prompt,
            ).wait()  # fmt: skip
            st.rerun()
        if ready is not None:
            with faults():
                _download(me, ready)
    return ready


def _ready(me: Here, form: Form, found: Usable) -> ExportView | None:
    """The newest export of these choices, if it is finished, still on the disk, and no label came after it."""
    for view in exports(me.store, me.actor, me.project):
        if view.state == "done" and form.is_of(view):
            is_current = view.label_seq == found.label_seq and view.pairs == found.pairs
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


# --- what goes where ---------------------------------------------------------------------------------------------


def _where(found: Usable, is_exact: bool) -> None:
    rows = [("Rows in the file", found.rows, "One side is better by the label rules")]
    for reason, number in found.left_out.items():
        title, remedy = _words(reason)
        rows.append((title, number, remedy))
    remark = "each is counted once" if is_exact else "what the format refuses is told after the build"
    with section(f"Where {plural(found.pairs, 'pair')} go", remark):
        st.dataframe(
            pd.DataFrame(rows, columns=["Pairs", "n", "Why, and what would bring them in"]),
            hide_index=True,
            row_height=34,
            column_config={
                "Pairs": st.column_config.TextColumn(width=170),
                "n": st.column_config.ProgressColumn(
                    "", min_value=0, max_value=max(found.pairs, 1), format="localized", width=150, color="blue"
                ),
            },
        )


def _words(reason: str) -> tuple[str, str]:
    if reason in REASONS:
        return REASONS[reason].title, REASONS[reason].remedy
    return REFUSALS[reason].title, REFUSALS[reason].remedy


def _checks(me: Here, form: Form, found: Usable, ready: ExportView | None) -> None:
    going = building(me)
    remark = f"{ago(ready.ended_at)}, on the whole file" if ready is not None and ready.ended_at else ""
    with section("Checks", remark):
        if ready is None:
            lacking = EXPORTERS[form.format].least_rows - found.rows
            if lacking > 0:
                least = EXPORTERS[form.format].least_rows
                note("info", "orange", f"Services take this format from {least} rows on: {lacking} more to label.")
            elif going is None:
                st.caption("Every line is checked before the download appears.")
            if 0 < form.share * found.rows < LEAST_VALIDATION:
                note(
                    "info",
                    "orange",
                    f"{percent(form.share)} is about {plural(round(form.share * found.rows), 'row')}. Below "
                    f"{LEAST_VALIDATION} there is no validation file, and all rows go to train.",
                )
            return
        one, two = st.columns(2)
        with one, st.container(gap="xsmall"):
            note("check", "green", f"Every line is as {form.format} asks")
            note("check", "green", "No side empty, none the same")
            if ready.validation_rows:
                note("check", "green", "No prompt in both files")
        with two, st.container(gap="xsmall"):
            note("check", "green", f"{count(ready.pairs)} pairs accounted for in the manifest")
            if ready.sandbox:
                note("science", "violet", f"{plural(ready.sandbox['rows'], 'row')} rest on the sandbox")
        if ready.note:
            note("info", "orange", escape(ready.note))
        for warning in ready.warnings[:3]:
            note("info", "orange", escape(warning))


def _first_rows(me: Here, form: Form) -> None:
    rows = preview(
        me.store, me.actor, me.project, format=form.format, rules=form.rules, system_prompt=form.system_prompt
    )
    if not rows:
        return
    with section("First three rows", "the manifest and the provenance of each row come with the file"):
        table = [
            (row.decided_by, _strength(row.strength), row.prompt[:CELL], row.chosen[:CELL], row.rejected[:CELL])
            for row in rows
        ]
        st.dataframe(
            pd.DataFrame(table, columns=["Decided by", "Strength", "Prompt", "Chosen", "Rejected"]),
            hide_index=True,
            row_height=34,
            placeholder="–",
            column_config={
                "Decided by": st.column_config.TextColumn(width=110),
                "Strength": st.column_config.TextColumn(width=80),
                **{name: st.column_config.TextColumn(width=290) for name in ("Prompt", "Chosen", "Rejected")},
            },
        )
        with st.expander("The first line as it is written", type="compact"):
            st.code(rows[0].record, language=None, wrap_lines=True)


def _strength(strength: float | None) -> str | None:
    if strength is None:
        return None
    return "slightly" if strength < 1.5 else "clearly" if strength < 2.5 else "much"


def _earlier(me: Here) -> None:
    listed = exports(me.store, me.actor, me.project)
    if not listed:
        return
    with section("Exports so far", "newest first"):
        table = [
            (f"{view.id}", ago(view.created_at), format_title(view.format), view.state, view.rows, view.fault or str(view.folder or ""))
            for view in listed
        ]  # fmt: skip
        st.dataframe(
            pd.DataFrame(table, columns=["No.", "When", "Format", "State", "Rows", "Where, or why not"]),
            hide_index=True,
            row_height=34,
            column_config={
                "No.": st.column_config.TextColumn(width=50),
                "When": st.column_config.TextColumn(width=120),
                "Format": st.column_config.TextColumn(width=230),
                "State": st.column_config.TextColumn(width=70),
                "Rows": st.column_config.NumberColumn(width=80, format="localized"),
            },
        )


main()
