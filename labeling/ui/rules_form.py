"""The controls of label rules: the few that everyone understands in sight, the others folded by subject.

What was chosen outlives a visit to another page; saved rules can be taken up, and changed ones saved. Under each control
stands how many pairs its rule leaves out, which `show_effect` writes once it is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from labeling.services.label_rules import DEFAULT_RULES, LabelRules, read_rules, rules_toml
from labeling.services.rule_effect import Effect
from labeling.services.rule_reasons import REASONS
from labeling.services.saved_rules import SavedRules, remove_rules, save_rules, saved_rules
from labeling.ui.context import Here
from labeling.ui.parts import count, escape, faults, note, plural
from labeling.ui.rule_words import LABELS, USUAL, WORDS, changed_in_words

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Who counts": ("people", "judges", "rule_raters", "rounds", "only_rounds", "only_both_orders"),
    "How labels become one": ("review_first", "weights", "least_labels", "needs_strength"),
    "Edits and ties": ("edits", "ties"),
    "Which replies": ("longest_reply", "refusals", "personal_data", "on_policy"),
    "Across pairs": ("contradictions", "per_prompt", "length_match", "seed"),
}
LEAST: Final = {"least_labels": 1, "longest_reply": 0, "per_prompt": 0, "seed": 0}
MOST: Final = 2**31 - 1
_NAMES: Final = tuple(one.name for one in fields(LabelRules) if one.name not in ("weights", "name", "version"))


@dataclass(frozen=True, slots=True)
class Choices:
    """What the controls offer, of the open project and the chosen format. Names are of raters that labelled or may."""

    names: Mapping[str, Sequence[str]]
    target_model: str | None
    takes_ties: bool


@dataclass(slots=True)
class RulesForm:
    """The rules as chosen, and the places under the controls, by rule, where their effect is written. `fault`: what stands in
    a control and can be no rule, or ""."""

    rules: LabelRules
    fault: str = ""
    hints: dict[str, DeltaGenerator] = field(default_factory=dict)


def rules_form(me: Here, choices: Choices) -> RulesForm:
    """Draw the controls."""
    form = _Form(me, choices)
    saved = saved_rules(me.store, me.actor, me.project)
    _saved(me, form, saved)
    form.select("who")
    form.segment("agreement")
    form.segment("least_strength", "The mean; labels for the other side count against it.")
    for title, names in GROUPS.items():
        shown = [name for name in names if form.offers(name)]
        changed = sum(name in form.kept.changed() for name in shown)
        remark = f" · {changed} changed" if changed else ""
        with st.expander(title + remark, type="compact", key=form.key(title)):
            for name in shown:
                form.control(name)
    form.keep()
    same = _named(form.kept, saved)
    return RulesForm(replace(form.kept, name=same.name) if same else form.kept, form.fault, form.hints)


def show_effect(form: RulesForm, told: Effect) -> None:
    """Write under each control how many pairs its rule leaves out now."""
    by_rule: dict[str, int] = {}
    for reason, number in told.left_out.items():
        if reason in REASONS and REASONS[reason].rule:
            by_rule[REASONS[reason].rule] = by_rule.get(REASONS[reason].rule, 0) + number
    for rule, place in form.hints.items():
        if by_rule.get(rule):
            place.caption(f"leaves out {plural(by_rule[rule], 'pair')}")
        elif rule == "contradictions" and told.contradicting:
            place.caption(f"{plural(told.contradicting, 'pair')} contradict others of their prompt")
        elif rule == "edits" and told.edited:
            place.caption(f"{plural(told.edited, 'pair')} with an edit")
        elif rule == "personal_data" and told.found is not None and not told.unread:
            found = ", ".join(f"{kind} in {count(number)}" for kind, number in told.found.items() if number)
            place.caption(f"found: {found}" if found else "nothing found that looks like mail, phone, card or key")


class _Form:
    """The widgets of one project. Their values live under keys of their own and are kept when the page is left."""

    def __init__(self, me: Here, choices: Choices) -> None:
        self._place = f"rules/{me.project}"
        self._choices = choices
        self.hints: dict[str, DeltaGenerator] = {}
        self.fault = ""
        kept = st.session_state.setdefault(f"{self._place}/kept", DEFAULT_RULES)
        assert isinstance(kept, LabelRules)
        # What was changed a moment ago stands in the widgets' state already: the headings count it at once.
        drawn = {name: st.session_state[self.key(name)] for name in _NAMES if self.key(name) in st.session_state}
        drawn = {name: value for name, value in drawn.items() if name not in LEAST or _fits(name, value)}
        self.kept = read_rules({**kept.as_dict(), **drawn})
        self._given: dict[str, Any] = {}

    def key(self, name: str) -> str:
        return f"{self._place}/{name}"

    def offers(self, name: str) -> bool:
        """Whether there is something to choose. What is chosen already is always shown."""
        if name in self.kept.changed():
            return True
        if name in ("people", "judges", "rule_raters", "only_rounds"):
            return len(self._choices.names[name]) > (name != "rule_raters")
        if name == "weights":
            return self._given.get("agreement") == "weighted"
        if name == "ties":
            return self._choices.takes_ties
        return name != "on_policy" or self._choices.target_model is not None

    def take(self, rules: LabelRules) -> None:
        """Show these rules instead. To be called before the widgets are drawn, as from a callback."""
        st.session_state[self.key("kept")] = replace(rules, name="")
        for one in fields(LabelRules):
            st.session_state.pop(self.key(one.name), None)
        generation = self.key("generation")
        st.session_state[generation] = st.session_state.get(generation, 0) + 1

    def keep(self) -> None:
        """Read the widgets into `kept`."""
        self.kept = read_rules({**self.kept.as_dict(), **self._given, "name": ""})
        st.session_state[self.key("kept")] = self.kept

    def control(self, name: str) -> None:
        match name:
            case "people":
                self._several(name, "Everyone")
            case "judges":
                self._several(name, "All judges")
            case "rule_raters":
                self._several(name, "None")
            case "rounds":
                self._several(name, "", WORDS["rounds"])
            case "only_rounds":
                self._several(name, "All of them")
            case "only_both_orders":
                self._switch(name)
            case "review_first":
                self._switch(name)
            case "weights":
                self._weights()
            case "least_labels":
                self._number(name)
            case "needs_strength":
                self._switch(name, "For formats with a margin. DPO does not read it.")
            case "edits":
                self.select(name)
            case "ties":
                self.select(name, "Only where your guidelines define a tie as both good.")
            case "longest_reply":
                self._number(name, "0 for any length.")
            case "refusals":
                self.segment(name)
            case "personal_data":
                self.segment(name, "Mail, phone, card, key: what looks like one is found, never all.")
            case "on_policy":
                self.segment(name, label=f"Replies of {escape(self._choices.target_model or 'the target model')}")
            case "contradictions":
                self.segment(name, "a over b, b over c, and c over a.")
            case "per_prompt":
                self._number(name, "0 for any number. Drawn by lot.")
            case "length_match":
                self._switch(name, "As many longer as shorter replies chosen; the others are drawn out.")
            case "seed":
                self._number(name)

    def select(self, name: str, hint: str | None = None) -> None:
        words = WORDS[name]
        self._given[name] = st.selectbox(
            LABELS[name], list(words), format_func=words.__getitem__, key=self._begin(name), help=hint
        )
        self._end(name)

    def segment(self, name: str, hint: str | None = None, *, label: str = "") -> None:
        words = WORDS[name]
        value = getattr(self.kept, name)
        known = words if value in words else {**words, value: f"{value:g}"}  # a saved strength such as 1.2
        self._given[name] = st.segmented_control(
            label or LABELS[name],
            list(known),
            required=True,
            format_func=known.__getitem__,
            key=self._begin(name),
            help=hint,
        )
        self._end(name)

    def _several(self, name: str, placeholder: str, words: Mapping[str, str] | None = None) -> None:
        kept = getattr(self.kept, name)
        options = list(dict.fromkeys([*(words or self._choices.names[name]), *kept]))
        self._given[name] = st.multiselect(
            LABELS[name], options, format_func=words.__getitem__ if words else str, key=self._begin(name, list(kept)),
            placeholder=placeholder,
        )  # fmt: skip
        self._end(name)

    def _switch(self, name: str, hint: str | None = None) -> None:
        self._given[name] = st.toggle(LABELS[name], key=self._begin(name), help=hint)
        self._end(name)

    def _number(self, name: str, hint: str | None = None) -> None:
        """A whole number. The field has no limits: beyond them it would show one number and give another."""
        asked = int(st.number_input(LABELS[name], step=1, key=self._begin(name), help=hint))
        self._given[name] = asked if _fits(name, asked) else getattr(self.kept, name)
        if not _fits(name, asked):
            limits = f"from {LEAST[name]} to {count(MOST)}"
            self.fault = f"“{LABELS[name]}” is {asked}; it is a whole number {limits}."
            note("info", "orange", f"A whole number {limits}.")
        self._end(name)

    def _weights(self) -> None:
        generation = st.session_state.setdefault(self.key("generation"), 0)
        begun = st.session_state.setdefault(self.key(f"weights/{generation}"), dict(self.kept.weights))
        names = list(dict.fromkeys([*self._choices.names["people"], *self._choices.names["judges"], *begun]))
        table = pd.DataFrame({"Rater": names, "Weight": [begun.get(name, 1.0) for name in names]})
        st.caption("Weights: who has 0 does not count.")
        edited = st.data_editor(
            table, hide_index=True, disabled=["Rater"], row_height=34, key=self.key(f"weights editor/{generation}"),
            column_config={
                "Rater": st.column_config.TextColumn(width="medium"),
                "Weight": st.column_config.NumberColumn(min_value=0.0, max_value=1000.0, step=0.1, width=80),
            },
        )  # fmt: skip
        pairs = zip(edited["Rater"].tolist(), edited["Weight"].tolist(), strict=True)
        self._given["weights"] = {name: float(weight) for name, weight in pairs if weight == weight and weight != 1}

    def _begin(self, name: str, value: Any = None) -> str:
        key = self.key(name)
        if key not in st.session_state:
            st.session_state[key] = getattr(self.kept, name) if value is None else value
        return key

    def _end(self, name: str) -> None:
        self.hints[name] = st.empty()


def _fits(name: str, value: int) -> bool:
    return LEAST[name] <= value <= MOST


# --- saved rules -------------------------------------------------------------------------------------------------


def _named(rules: LabelRules, saved: Sequence[SavedRules]) -> SavedRules | None:
    """The saved rules that are the same as these."""
    return next((one for one in saved if replace(one.rules, name="") == rules), None)


def _saved(me: Here, form: _Form, saved: Sequence[SavedRules]) -> None:
    """One line: which rules these are, and a popover to save them or to take up others."""
    same = _named(form.kept, saved)
    named = f"{escape(same.name)}, version {same.version}" if same else changed_in_words(form.kept)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.caption(named, width="content")
        with st.popover("Saved rules", width="content"):
            _take_up(me, form, saved)
            _save(me, form)


def _take_up(me: Here, form: _Form, saved: Sequence[SavedRules]) -> None:
    for one in saved:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                f"{escape(one.name)}, version {one.version}", key=form.key(f"take/{one.name}"), on_click=form.take,
                args=(one.rules,), width="stretch",
            )  # fmt: skip
            if st.button(
                ":material/delete:", key=form.key(f"remove/{one.name}"), type="tertiary", help="Take it off this list"
            ):
                with faults():
                    remove_rules(me.store, me.actor, me.project, one.name)
                    st.rerun()
    st.button(USUAL, key=form.key("usual"), on_click=form.take, args=(DEFAULT_RULES,), width="stretch")


def _save(me: Here, form: _Form) -> None:
    name = st.text_input("Save these under a name", key=form.key("new name"), max_chars=60, live=True)
    if st.button("Save rules", key=form.key("save"), disabled=not name.strip(), width="stretch"):
        with faults():
            save_rules(me.store, me.actor, me.project, name, form.kept)
            st.rerun()
    st.download_button(
        "Download as a file",
        rules_toml(form.kept),
        "rules.toml",
        "application/toml",
        on_click="ignore",
        key=form.key("file"),
        width="stretch",
    )
