import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from labeling.domain import Prompt
from labeling.render import render_completion, render_prompt
from labeling.render.turns import raw_completion, raw_prompt

CALL = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "<b>"}'}}


class Balance(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_single_question_stands_alone():
    prompt = Prompt(({"role": "user", "content": "Why *now*?"},))
    assert render_prompt(prompt) == '<p dir="auto">Why <em>now</em>?</p>\n'
    assert raw_prompt(prompt) == "Why *now*?"


def test_several_turns_stand_under_their_roles():
    prompt = Prompt(
        (
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Find it."},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "content": "found </div></div>", "name": "<i>search</i>"},
        ),
        tools=({"type": "function", "function": {"name": "search"}},),
    )
    html = render_prompt(prompt)
    for name in ("System", "User", "Assistant", "Tool &lt;i&gt;search&lt;/i&gt;", "Tools"):
        assert f'<div class="role">{name}</div>' in html
    assert Balance(html).open == []
    assert "found &lt;/div&gt;" in html
    assert raw_prompt(prompt).startswith("[system]\nBe brief.\n\n[user]\nFind it.")


def test_a_completion_shows_its_tool_calls():
    html = render_completion("Let me look.", [CALL])
    assert "Let me look." in html
    assert '<div class="tool">' in html
    assert "<b>" not in html
    assert json.loads(raw_completion("", [CALL])) == CALL


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ('{"place": "Porto", "days": 2}', ["{", '  "place": "Porto",', '  "days": 2', "}"]),
        ('{"a":"\\u00e9"}', ["{", '  "a": "é"', "}"]),
        ('{"a": 1.50, "a": 2}', ['{"a": 1.50, "a": 2}']),  # nothing of what was written may be lost
        ('{"cut off', ['{"cut off']),
        ("[" * 100_000, ["[" * 100_000]),
    ],
)
def test_a_call_is_its_functions_name_over_its_arguments(arguments, lines):
    html = render_completion(
        "", [{"id": "c1", "type": "function", "function": {"name": "f<b>", "arguments": arguments}}]
    )
    assert '<div class="role">Calls f&lt;b&gt;</div>' in html
    shown = unescape(re.sub(r"<[^>]*>", "", html.split("<code>")[1].split("</code>")[0]))
    assert shown.splitlines() == lines


def test_the_newest_turn_is_marked_and_the_tools_are_none():
    prompt = Prompt(
        ({"role": "user", "content": "One."}, {"role": "user", "content": "Two."}),
        tools=({"type": "function", "function": {"name": "search"}},),
    )
    last = render_prompt(prompt).split('<div class="turn last">')
    assert len(last) == 2
    assert last[1].startswith('<div class="role">User</div><p dir="auto">Two.</p>')


@pytest.mark.parametrize("call", [{"arguments": "\ud800"}, {"arguments": "x" * 100_000}, "a string", None])
def test_any_tool_call_can_be_shown(call):
    assert '<div class="tool">' in render_completion("", [call])
