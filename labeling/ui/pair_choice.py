"""Which pairs a judge shall read, as the words that `--pairs` takes too."""

from collections.abc import Sequence

import streamlit as st

from labeling.services.judge import JudgeView
from labeling.services.judge_pairs import PairCounts, count_unsure
from labeling.ui.context import Here
from labeling.ui.parts import count


def pair_choice(me: Here, counts: PairCounts, judges: Sequence[JudgeView]) -> str:
    """The choice of pairs in words such as `unlabelled`, `sample:50:1` or `unsure:cheap, version 1`."""
    read = [view for view in judges if view.pairs]
    choices = {
        "unlabelled": f"Unlabelled ({count(counts.unlabelled)})",
        "disputed": f"Disputed by people ({count(counts.disputed)})",
        "gold": f"Gold ({count(counts.gold)})",
        **({"tune": f"Gold, to tune on ({count(counts.tune)})"} if counts.tune else {}),
        **({"held-out": f"Gold, held out ({count(counts.held_out)})"} if counts.held_out else {}),
        "sample": "A sample",
        **({"unsure": "Those a judge was unsure of"} if read else {}),
        "all": f"All ({count(counts.all)})",
    }
    one, two, three = st.columns([2, 1, 1])
    names = list(choices)
    first = 0 if counts.unlabelled else len(names) - 1
    name = one.selectbox("Pairs", names, index=first, format_func=lambda key: choices[key], key="judge pairs")
    if name == "sample":
        size = two.number_input("Size", 1, value=min(50, max(1, counts.all)), key="judge sample")
        seed = three.number_input("Lot", 0, value=0, key="judge sample lot", help="The same lot draws the same pairs.")
        return f"sample:{size}:{seed}"
    if name != "unsure":
        return name
    unsure = {view.title: count_unsure(me.store, me.actor, me.project, view.rater_id) for view in read}
    with st.container():
        title = st.selectbox(
            "Unsure was",
            list(unsure),
            format_func=lambda key: f"{key} ({count(unsure[key])})",
            key="judge unsure",
            help="Undecided, unreadable, or a side only slightly better: the pairs for a stronger judge.",
        )
    return f"unsure:{title}"
