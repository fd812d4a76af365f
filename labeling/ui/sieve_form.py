"""Which replies are dropped before pairs are made: the choices, and what they come to."""

import streamlit as st

from labeling.services.pairing import PairingView
from labeling.sifting import ALIKE, Dropped, Sieve
from labeling.ui.formats import plural

MOST_AT_ONCE = 10_000  # prompts whose replies are compared without being asked to: some seconds
WORDS = {
    Dropped.REFUSAL: ("Refusals", ("refusal", "refusals")),
    Dropped.CUT: ("Cut off", ("cut reply", "cut replies")),
    Dropped.ALIKE: ("Near-duplicates", ("near-duplicate", "near-duplicates")),
}


def sieve_pills(key: str) -> None:
    """The choice of what is dropped; read it back with `chosen_sieve`, also before this was drawn."""
    st.pills(
        "Drop before",
        list(WORDS),
        selection_mode="multi",
        default=list(WORDS),
        format_func=lambda reason: WORDS[reason][0],
        key=key,
        help="Refusals are known by their opening words, in twelve languages and more; cut replies by what their endpoint "
        f"or file says; of two replies that are {ALIKE:.0%} alike, word by word, one is dropped.",
    )


def chosen_sieve(key: str) -> Sieve:
    chosen = st.session_state.get(key, list(WORDS))
    return Sieve(Dropped.REFUSAL in chosen, Dropped.CUT in chosen, ALIKE if Dropped.ALIKE in chosen else None)


def may_count(prompts: int, place: object) -> bool:
    """Whether to look through the replies now: in a large project, where that takes minutes, only when asked to."""
    if prompts <= MOST_AT_ONCE or st.session_state.get("count pairs of") == place:
        return True
    if not st.button(f"Count the pairs of {plural(prompts, 'prompt')}"):
        return False
    st.session_state["count pairs of"] = place
    return True


def dropped_words(found: PairingView) -> str:
    """`Dropped: 3 refusals, 1 near-duplicate`, or nothing."""
    parts = [plural(number, *WORDS[Dropped(reason)][1]) for reason, number in found.dropped.items()]
    return f"Dropped: {', '.join(parts)}" if parts else ""
