import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.judging.reading import ReadState, contradicts, read_reply
from labeling.judging.template import LEVELS

GOOD = {"reasoning": "The first names the law.", "scores": {"first": 8, "second": 4}, "verdict": "first_much"}
TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "reply",
    [
        TEXT,
        f"\n {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Here is my judgement:\n```\n{TEXT}\n```\nI hope it helps.",
        f"I compared both. {TEXT} That is all.",
        f'<think>Perhaps {{"verdict": "tie"}}, or {TEXT.replace("first_much", "second_much")}</think>{TEXT}',
        TEXT.replace("first_much", "First-much").replace("8", '"8"'),
        TEXT.replace("4", "4.0"),
        f"{TEXT}\n{TEXT}",
    ],
)
def test_a_judgement_is_found_bare_fenced_in_prose_and_after_thoughts(reply):
    read = read_reply(reply)
    assert (read.state, read.level, read.scores, read.reasoning) == (
        ReadState.READ,
        "first_much",
        (8, 4),
        "The first names the law.",
    )


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   ",
        "A",
        "The first reply is much better. Verdict: first_much",
        "Reply A is better, 8 to 4.",
        "null",
        "[]",
        TEXT[:-2],
        TEXT.replace("first_much", "A"),
        TEXT.replace("first_much", "first"),
        TEXT.replace("first_much", "both_bad"),
        TEXT.replace("8", "11"),
        TEXT.replace("8", "0"),
        TEXT.replace("8", "NaN"),
        TEXT.replace("8", "1e999"),
        TEXT.replace("8", "true"),
        TEXT.replace('"verdict"', '"verdict": "tie", "verdict"'),
        json.dumps({"reasoning": "…", "verdict": "first_much"}),
        TEXT + TEXT.replace("first_much", "first_slightly"),
        '{"a":' * 100_000,
        "{" * 150_000,
        "x" * 300_000,
    ],
)
def test_what_is_not_one_clear_judgement_is_unreadable_and_says_why(reply):
    read = read_reply(reply)
    assert read.state is ReadState.UNREADABLE
    assert read.level is None
    assert read.scores is None
    assert read.reasoning.endswith(".")


def test_both_bad_is_read_where_the_rubric_offers_it():
    reply = json.dumps({"reasoning": "", "scores": {"first": 2, "second": 1}, "verdict": "both_bad"})
    assert read_reply(reply, offers_both_bad=True).level == "both_bad"


@pytest.mark.parametrize(
    ("level", "first", "second", "denied"),
    [
        ("first_much", 8, 4, False),
        ("first_much", 7, 7, True),
        ("first_slightly", 7, 7, False),
        ("first_slightly", 6, 7, True),
        ("second_much", 8, 4, True),
        ("second_slightly", 5, 6, False),
        ("tie", 6, 7, False),
        ("tie", 4, 7, True),
        ("both_bad", 5, 2, False),
        ("both_bad", 6, 2, True),
    ],
)
def test_a_verdict_that_denies_its_own_scores_is_contradictory(level, first, second, denied):
    assert contradicts(level, first, second) is denied
    reply = json.dumps({"reasoning": "", "scores": {"first": first, "second": second}, "verdict": level})
    assert (read_reply(reply, offers_both_bad=True).state is ReadState.CONTRADICTORY) is denied


@given(st.sampled_from(LEVELS), st.integers(1, 10), st.integers(1, 10))
def test_contradiction_does_not_depend_on_which_reply_stood_first(level, first, second):
    mirrored = LEVELS[len(LEVELS) - 1 - LEVELS.index(level)]
    assert contradicts(level, first, second) is contradicts(mirrored, second, first)


@given(st.text())
def test_no_text_raises(text):
    read_reply(text, offers_both_bad=True)


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner) | inner
    )
)
def test_no_json_in_the_places_of_a_judgement_raises(value):
    for reply in (
        value,
        {"verdict": value, "scores": value},
        GOOD | {"scores": {"first": value, "second": value}},
        GOOD | {"reasoning": value},
    ):
        read_reply(json.dumps(reply))
        read_reply("Well: " + json.dumps(reply))


def test_reasons_can_be_stored_anywhere():
    read = read_reply(TEXT.replace("The first", "\\ud800\\u0000"))
    assert read.reasoning.encode()
    assert "\0" not in read.reasoning
