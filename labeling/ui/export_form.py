"""The form of the Export page: the file, how it is split, the label rules, the system prompt."""

from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from exporters import EXPORTERS, Format
from exporters.formats import format_title
from exporters.parquet import COLUMNS
from exporters.split import LEAST_VALIDATION_ROWS
from exporters.votes import VOTES
from labeling.errors import InputError
from labeling.services.export_choices import UNTOLD, ExportChoices, FileKind, checked
from labeling.services.projects import ProjectView
from labeling.services.rule_effect import rater_names
from labeling.services.targets import TARGETS
from labeling.ui.context import Here
from labeling.ui.parts import section
from labeling.ui.rules_form import Choices, RulesForm, rules_form

SPLITS: Final = {"None": 0.0, "5 %": 0.05, "10 %": 0.1}
SHARE, ROWS = "Share", "Rows"  # a number is asked for
MOST_USUAL_ROWS: Final = 100
KINDS: Final[dict[FileKind, str]] = {"jsonl": "JSONL", "csv": "CSV", "parquet": "Parquet"}
LICENCES: Final = (UNTOLD, "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc0-1.0", "apache-2.0", "mit", "odc-by")
VOTES_DESCRIPTION: Final = "Every label of every rater, also those that were changed later, for statistics elsewhere."


@dataclass(frozen=True, slots=True)
class Form:
    """What was chosen. Votes have no label rules; `format` is then None."""

    choices: ExportChoices
    rules: RulesForm | None
    format: Format | None

    @property
    def fault(self) -> str:
        """Why nothing can be built so; "" where it can."""
        if self.rules is not None and self.rules.fault:
            return self.rules.fault
        try:
            checked(self.choices)
        except InputError as error:
            return str(error)
        return ""

    @property
    def asks_texts(self) -> bool:
        """Whether a rule is told by what the texts hold, so that they have to be read."""
        return self.choices.rules.refusals != "keep" or self.choices.rules.personal_data != "keep"


def export_form(me: Here, project: ProjectView) -> Form:
    """Draw the form."""
    names = [*EXPORTERS, VOTES]
    with section("File"):
        name = st.selectbox(
            "Format", names, names.index(TARGETS[project.target].export_format), format_func=format_title,
            help="PFT and DPO are two names for tuning on pairs: a better and a worse reply to the same prompt.",
        )  # fmt: skip
        if name == VOTES:
            st.caption(VOTES_DESCRIPTION)
            return Form(
                ExportChoices(VOTES, validation_share=0.0, file_type=_kind("csv"), licence=_licence()), None, None
            )
        format = EXPORTERS[name]
        st.caption(format.description)
        split = _split(project)
        with st.expander("More about the file", type="compact"):
            file = _more(format)
    with section("Label rules"):
        choices = Choices(rater_names(me.store, me.actor, me.project), project.target_model, "tie" in format.takes)
        rules = rules_form(me, choices)
        with st.expander("System prompt for every row", type="compact"):
            system_prompt = st.text_area(
                "System prompt", label_visibility="collapsed", height=120,
                placeholder="Empty: the system prompt that both completions were generated under, where it is the same",
            )  # fmt: skip
    asked = ExportChoices(name, rules.rules, system_prompt=system_prompt.strip() or None, **split, **file)
    return Form(asked, rules, format)


def _split(project: ProjectView) -> dict[str, Any]:
    """A share or a number of rows that go to the validation file."""
    chosen = st.segmented_control(
        "Validation file", [*SPLITS, SHARE, ROWS], default="10 %", required=True,
        help="Split by prompt, never by row: near-duplicates and turns of one conversation stay together.",
    )  # fmt: skip
    if chosen in SPLITS:
        return {"validation_share": SPLITS[chosen]}
    if chosen == SHARE:
        percent = st.number_input("Validation share, %", value=20.0, step=1.0, format="%.10g")
        return {"validation_share": round(percent / 100, 12)}
    # No limits of the field's own: beyond them it would show one number and give another.
    asked = st.number_input(
        "Validation rows, at least", value=_usual_rows(project.labelled_pairs), key=f"validation rows/{project.slug}",
        help="Drawn anew as data is added: prompts move to the train file. With a share each prompt keeps its side.",
    )  # fmt: skip
    return {"validation_share": 0.0, "validation_rows": int(asked)}


def _usual_rows(labelled: int) -> int:
    """A tenth of the pairs with a label, within what says something and what is plenty."""
    return max(LEAST_VALIDATION_ROWS, min(labelled // 10, MOST_USUAL_ROWS))


def _more(format: Format) -> dict[str, Any]:
    """What few change: licence, seed of the split, byte-order mark, file type."""
    licence = _licence()
    seed = st.number_input("Seed of the split", value=0, help="Another seed makes another split.")
    has_mark = format.takes_mark and st.toggle("Begin with a byte-order mark", help="Azure documents one.")
    kind = _kind("jsonl") if format.name in COLUMNS else "jsonl"
    return {"licence": licence, "seed": int(seed), "has_mark": has_mark, "file_type": kind}


def _kind(usual: FileKind) -> FileKind:
    kinds: list[FileKind] = [usual, "parquet"]
    return st.segmented_control(
        "File type", kinds, default=usual, required=True, format_func=KINDS.__getitem__, key=f"file type, {usual}"
    )


def _licence() -> str:
    chosen = st.selectbox(
        "Licence of the data", LICENCES, accept_new_options=True, key="licence",
        help="Stands on the data-set card. Choose one, or write another's short name.",
    )  # fmt: skip
    return (chosen or UNTOLD).strip().lower()
