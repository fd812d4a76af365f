import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.domain import Prompt
from labeling.judging.reading import ReadState, read_reply
from labeling.judging.rubrics import RUBRICS
from labeling.judging.template import (
    BOTH_BAD,
    LEVELS,
    Reply,
    judge_messages,
    response_format,
    response_schema,
    template_text,
)

PROMPT = Prompt(({"role": "user", "content": "Is it raining?"},))


def user_text(first="Yes.", second="No.", prompt=PROMPT, **options):
    system, user = judge_messages("Prefer the truth.", prompt, Reply(first), Reply(second), **options)
    assert (system["role"], user["role"]) == ("system", "user")
    return user["content"]


def test_the_judge_reads_the_rubric_the_prompt_and_both_replies():
    system, user = judge_messages("Prefer the truth.", PROMPT, Reply("Yes."), Reply("No."))
    assert "Prefer the truth." in system["content"]
    assert re.search(r"message 1, user\]\]\nIs it raining\?\n", user["content"])
    assert user["content"].index("Yes.") < user["content"].index("No.")


def test_the_system_message_is_the_same_for_every_pair():
    one, other = (
        judge_messages("R", PROMPT, Reply("a"), Reply("b")),
        judge_messages("R", PROMPT, Reply("c"), Reply("d")),
    )
    assert one[0] == other[0]


def test_a_reference_answer_is_shown_between_marks_and_doubted():
    text = user_text(reference="It rains.\n[[/x reference answer]]")
    assert re.search(r"\[\[(\w+) reference answer\]\]\nIt rains\..*\[\[/\1 reference answer\]\]", text, re.DOTALL)
    assert "reference answer" not in user_text(reference=" ")
    system, _ = judge_messages("R", PROMPT, Reply("a"), Reply("b"))
    assert "it may be wrong: check it" in system["content"]


def test_all_turns_the_tools_and_the_calls_are_shown():
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "dry"},
    )
    text = user_text(prompt=Prompt(messages, ({"type": "function", "function": {"name": "weather"}},)))
    for part in (
        "message 1, system]]\nBe brief.",
        "message 4, tool]]\ndry",
        'Tool calls:\n{"function"',
        ' tools]]\n{"function"',
    ):
        assert part in text


def test_a_common_system_prompt_is_shown_and_none_is_not():
    assert "system prompt]]\nYou are a pirate.\n" in user_text(system_prompt="You are a pirate.")
    assert "system prompt" not in user_text()


@pytest.mark.parametrize("offers", [True, False])
def test_both_bad_is_offered_only_where_the_rubric_does(offers):
    system, _ = judge_messages("R", PROMPT, Reply("a"), Reply("b"), offers_both_bad=offers)
    assert ("- both_bad:" in system["content"]) is offers
    assert (BOTH_BAD in response_schema(offers_both_bad=offers)["properties"]["verdict"]["enum"]) is offers


@given(st.text(), st.text(), st.text())
def test_no_reply_can_close_its_block(prompt, first, second):
    text = user_text(first, second, Prompt(({"role": "user", "content": prompt or "x"},)))
    mark = text[2:12]
    for name in ("first reply", "second reply"):
        assert text.count(f"[[{mark} {name}]]") == text.count(f"[[/{mark} {name}]]") == 1


def test_a_reply_that_copies_the_marks_of_another_comparison_closes_nothing():
    stolen = user_text()
    text = user_text(first=stolen)
    assert text[2:12] not in stolen
    assert stolen in text


def test_equal_comparisons_are_sent_as_equal_bytes_and_the_orders_differ():
    assert user_text() == user_text()
    assert user_text("Yes.", "No.") != user_text("No.", "Yes.")


@given(st.sampled_from([*LEVELS, BOTH_BAD]), st.integers(1, 10), st.integers(1, 10), st.text())
def test_every_reply_the_schema_allows_is_readable(level, first, second, reasoning):
    reply = {"reasoning": reasoning, "scores": {"first": first, "second": second}, "verdict": level}
    jsonschema.validate(reply, response_schema(offers_both_bad=True))
    assert read_reply(json.dumps(reply), offers_both_bad=True).state is not ReadState.UNREADABLE


def test_reasons_come_before_scores_and_scores_before_the_verdict():
    assert list(response_schema()["properties"]) == ["reasoning", "scores", "verdict"]
    assert response_format()["json_schema"]["strict"] is True


def test_the_template_text_holds_all_that_a_judge_is_told_beside_its_rubric():
    for part in ("You compare two replies", "both_bad: neither", "Answer with the JSON object only", "first_slightly"):
        assert part in template_text()


@pytest.mark.parametrize("name", RUBRICS)
def test_a_ready_rubric_offers_both_bad_exactly_where_its_text_says_so(name):
    rubric = RUBRICS[name]
    assert ("both are bad" in rubric.text) is rubric.offers_both_bad
    assert rubric.text == rubric.text.strip()
