"""Completions to choose pairs of, written and drawn."""

from hypothesis import strategies as st

from labeling.pairing import Candidate


def completions(*texts):
    """`"x:one"` is a completion of source x that says one; ids count from 1."""
    return [Candidate(number, *text.split(":")) for number, text in enumerate(texts, 1)]


candidates = st.lists(st.tuples(st.sampled_from("wxyz"), st.sampled_from(["one", "two", "three"])), max_size=9).map(
    lambda drawn: [Candidate(number, source, digest) for number, (source, digest) in enumerate(drawn)]
)
