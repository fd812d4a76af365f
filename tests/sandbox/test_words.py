"""What the sandbox reads out of a prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.sandbox.words import Limits, keep_within, kind_of, last_user_text, limits_in, subject_words, text_of


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("Answer in two sentences.", Limits(sentences=2)),
        ("Use one or two sentences.", Limits(sentences=2)),
        ("In at most 60 words, please.", Limits(words=60)),
        ("Be brief.", Limits(is_brief=True)),
        ("0 sentences", Limits(sentences=1)),
        ("How do I keep bread fresh?", Limits()),
    ],
)
def test_a_limit_of_length_is_understood(text, limits):
    assert limits_in(text) == limits


@given(st.text(alphabet="ab .!?\n", max_size=200), st.integers(1, 5))
def test_a_reply_keeps_within_a_number_of_words(text, most):
    assert len(keep_within(text, Limits(words=most)).split()) <= most


def test_a_reply_keeps_within_a_number_of_sentences_and_ends_whole():
    text = "One is here. Two is here! Three is here? Four."
    assert keep_within(text, Limits(sentences=2)) == "One is here. Two is here!"
    assert keep_within(text, Limits(words=6)) == "One is here. Two is here!"
    assert keep_within(text, Limits(words=2)) == "One is"
    assert keep_within("a\n\nb\n\nc", Limits(is_brief=True)) == "a\n\nb"
    assert keep_within(text, Limits()) == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write a Python function.", "code"),
        ("What is 15 % of 80?", "maths"),
        ("Summarise this page.", "summary"),
        ("Draft an e-mail to my landlord.", "write"),
        ("Why is the sky blue?", "explain"),
        ("", "explain"),
    ],
)
def test_a_prompt_has_a_kind(text, kind):
    assert kind_of(text) == kind


def test_the_subject_is_what_is_named_most_and_never_a_common_word():
    assert subject_words("Tell me about bread and about butter: bread keeps?")[0] == "bread"
    assert "about" not in subject_words("about about about bread")
    assert subject_words("") == []


def test_the_text_of_a_message_may_come_in_parts():
    parts = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]}
    assert text_of(parts) == "one\ntwo"
    assert text_of({"role": "assistant", "content": None}) == ""
    assert last_user_text([parts, {"role": "assistant", "content": "x"}]) == "one\ntwo"
    assert last_user_text([]) == ""
