"""One model over another: pairs that are labelled by a rule, without a judge, and marked as such."""

from typing import Final

import streamlit as st

from labeling.preferring import Over
from labeling.services.contents import sources
from labeling.ui.context import Here
from labeling.ui.formats import escape
from labeling.ui.parts import note

COMPARED: Final = "To be compared"
BY_RULE: Final = "One model over another"


def rule_choice() -> bool:
    """Ask how the better side is found; whether it is by rule."""
    chosen = st.segmented_control(
        "The better side", [COMPARED, BY_RULE], default=COMPARED, required=True, key="better side",
        help="To be compared by annotators and judges; or the replies of a stronger model are taken as the better ones.",
    )  # fmt: skip
    return bool(chosen == BY_RULE)


def rule_fields(me: Here) -> bool:
    """Ask for the two models; whether there are two to choose from."""
    names = list(
        dict.fromkeys(
            one.name for one in sources(me.store, me.actor, me.project) if one.kind in ("generated", "imported")
        )
    )
    if len(names) < 2:
        st.caption("One model over another needs replies of two models. Generate or import them first.")
        return False
    one, two, _ = st.columns([1, 1, 1])
    better = one.selectbox("Better", names, key="rule better")
    others = [name for name in names if name != better]
    two.selectbox("Over", others, key="rule worse")
    rule = chosen_rule()
    if rule is not None:
        note(
            "rule", "orange",
            f"Nobody compares the two replies. The labels are kept as those of “{escape(rule.rater)}”, and an export takes "
            "them only where its label rules say so.",
        )  # fmt: skip
    return True


def chosen_rule() -> Over | None:
    """The rule as chosen, also before the fields were drawn; None where pairs are to be compared."""
    if st.session_state.get("better side") != BY_RULE:
        return None
    better, worse = st.session_state.get("rule better"), st.session_state.get("rule worse")
    return Over(better, worse) if better and worse and better != worse else None
