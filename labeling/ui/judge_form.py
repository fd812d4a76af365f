"""The form of a judge: begun from a saved one, a ready rubric or a TOML file."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from labeling.domain import JudgeSpec
from labeling.judging.rubrics import RUBRICS
from labeling.services.headers import keep_headers, with_headers
from labeling.services.judge import JudgeView, preview_prompt, save_judge
from labeling.services.jury import check_jury
from labeling.services.projects import ProjectView
from labeling.services.score import ScorerView
from labeling.services.spec_fields import PACE, PARAMETERS
from labeling.services.spec_files import judge_toml
from labeling.services.specs import read_judges
from labeling.ui.context import Here
from labeling.ui.endpoint_form import endpoint_fields, ready_endpoints
from labeling.ui.formats import escape
from labeling.ui.parts import faults, section

OWN_RUBRIC: Final = "Own text"
JURY: Final = "jury"  # the widget's name in this tab's memory


def judge_form(
    me: Here, project: ProjectView, judges: Sequence[JudgeView] | Sequence[ScorerView], *, alone: bool = False
) -> dict[str, Any]:
    """What was entered: a judge as a table, as a judge file would have it. `alone`: it scores each reply by itself, so it is
    not asked about orders."""
    kind = "scorer" if alone else "judge"
    kept = _begin_with(judges, kind)
    title = kept.title if kept else "New judge"
    remark = f"any change makes version {kept.version + 1}" if kept else "kept as version 1 when it runs"
    with section(escape(title), remark):
        written = _written(kept.spec) if kept else {} if alone else st.session_state.get("judge file", {})
        key = f"{kind} {kept.id if kept else 'new'} {st.session_state.get('judge file number', 0)}"
        table: dict[str, Any] = {"name": st.text_input("Name", written.get("name", "judge"), key=f"{key} name")}
        table |= endpoint_fields(me, key, written, ready_endpoints(project.target, for_judges=True))
        table |= _rubric(key, written, alone=alone)
        if alone:
            table["samples"] = st.number_input(
                "Samples of each", value=written.get("samples", 1), key=f"{key} samples", width=180, help="Their mean counts."
            )  # fmt: skip
            table |= _unseen(written)
            return table
        one, two = st.columns(2)
        orders = one.segmented_control(
            "Orders", ["Both", "Random"], default=str(written.get("orders", "both")).capitalize(), required=True,
            key=f"{key} orders", help="Both: each pair is read twice, sides swapped. A verdict that turns with the order is undecided.",
        )  # fmt: skip
        table["orders"] = orders.lower()
        table["samples"] = two.number_input("Samples of each", value=written.get("samples", 1), key=f"{key} samples")
        table |= _unseen(written)
        _from_file(me)
    return table


def _unseen(written: dict[str, Any]) -> dict[str, Any]:
    """What a kept judge has and the form has no field for."""
    return {name: written[name] for name in (*PACE, *PARAMETERS, "extra_body") if written.get(name) is not None}


def jury_choice(judges: Sequence[JudgeView], name: str) -> list[JudgeSpec]:
    """Further judges that read the same pairs: the newest version of each name but the form's own."""
    newest = {view.spec.name: view for view in sorted(judges, key=lambda view: view.version)}
    others = {view.id: view for view in newest.values() if view.spec.name != name}
    if not others:
        return []
    st.session_state[JURY] = [id_ for id_ in st.session_state.get(JURY, []) if id_ in others]
    chosen = st.multiselect(
        "Together with",
        list(others),
        format_func=lambda id_: others[id_].title,
        key=JURY,
        placeholder="This judge alone",
        help="A jury: each judge's labels are kept one by one, and the label rules make a majority of them at export.",
    )
    return [others[id_].spec for id_ in chosen]


def judge_reading(me: Here, spec: JudgeSpec, pairs: str) -> None:
    """What the judge would be sent, and the judge as a file."""
    with st.expander("What the judge reads", type="compact"):
        for message in preview_prompt(me.store, me.actor, me.project, spec, pairs):
            st.caption(escape(message["role"]))
            st.code(message["content"], language=None, wrap_lines=True)
    (kept,) = with_headers(me.store, me.actor, me.project, [spec])
    st.download_button("Download as TOML", judge_toml(kept), "judge.toml", "application/toml", type="tertiary")


def _begin_with(judges: Sequence[JudgeView] | Sequence[ScorerView], kind: str) -> JudgeView | ScorerView | None:
    if not judges:
        return None
    kept: JudgeView | ScorerView | None = st.selectbox(
        "Judge",
        [*judges, None],
        format_func=lambda view: view.title if view else "New judge",
        label_visibility="collapsed",
        key=f"{kind} to begin with",
    )
    return kept


def _rubric(key: str, written: dict[str, Any], *, alone: bool = False) -> dict[str, Any]:
    ready = next((name for name, rubric in RUBRICS.items() if rubric.text == written.get("rubric")), None)
    names = [*RUBRICS, OWN_RUBRIC]
    index = names.index(OWN_RUBRIC) if written.get("rubric") and not ready else names.index(ready or "helpful")
    name = st.selectbox(
        "Rubric", names, index=index, key=f"{key} rubric", format_func=lambda one: one.replace("-", " ").capitalize()
    )
    known = written.get("rubric", "") if name == OWN_RUBRIC else RUBRICS[name].text
    text = st.text_area("Compare by", known, height=230, key=f"{key} rubric {name}", label_visibility="collapsed")
    offers = False
    if not alone:
        offers_by_default = (
            written.get("offers_both_bad", False) if name in (ready, OWN_RUBRIC) else RUBRICS[name].offers_both_bad
        )
        offers = st.checkbox(
            "The judge may say that both are bad",
            offers_by_default,
            key=f"{key} both bad {name}",
            help="Such pairs are not exported.",
        )
    uses_reference = st.checkbox(
        "Show it the reference answer where a prompt has one",
        written.get("uses_reference", True),
        key=f"{key} reference",
        help="A reference may be wrong: the judge is told to check it.",
    )
    return {"rubric": text, "offers_both_bad": offers, "uses_reference": uses_reference}


def _from_file(me: Here) -> None:
    with st.expander("From a TOML file", type="compact"):
        found = st.file_uploader(
            "A file with a [judge] table, or with several [[judge]] tables: a jury",
            type=["toml"],
            max_upload_size=1,
            key="judge file upload",
        )
        if found is not None and st.button("Fill the form"):
            with faults():
                first, *others = read_judges(found.getvalue(), found.name)
                check_jury([first, *others])
                keep_headers(me.store, me.actor, me.project, first)
                st.session_state["judge file"] = _written(first)
                st.session_state[JURY] = [save_judge(me.store, me.actor, me.project, one).id for one in others]
                st.session_state["judge file number"] = st.session_state.get("judge file number", 0) + 1
                st.session_state["judge to begin with"] = None
                st.rerun()


def _written(spec: JudgeSpec) -> dict[str, Any]:
    """A spec as the table it was written as."""
    own = {
        name: getattr(spec, name) for name in ("name", "base_url", "model", "key_env", "rubric", "orders", "samples")
    }
    known = {name: value for name, value in spec.parameters.items() if name in PARAMETERS}
    extra = {name: value for name, value in spec.parameters.items() if name not in PARAMETERS}
    pace = {name: getattr(spec, name) for name in PACE}
    return (
        own
        | known
        | pace
        | {
            "offers_both_bad": spec.offers_both_bad,
            "uses_reference": spec.uses_reference,
            "extra_body": extra or None,
        }
    )
