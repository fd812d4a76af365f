"""Which replies are dropped before pairs are made: the choices, and what they come to."""

import streamlit as st

from labeling.services.pairing import PairingView
from labeling.sifting import ALIKE, Dropped, Sieve
from labeling.ui.formats import plural

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


def dropped_words(found: PairingView) -> str:
    """`Dropped: 3 refusals, 1 near-duplicate`, or nothing."""
    parts = [plural(number, *WORDS[Dropped(reason)][1]) for reason, number in found.dropped.items()]
    return f"Dropped: {', '.join(parts)}" if parts else ""
