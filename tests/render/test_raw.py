import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.render.raw import INVISIBLE_CATEGORIES, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ümlaut, 字, 🙂", "plain text, ümlaut, 字, 🙂"),
        ("a\u202eb", "a⟨U+202E RLO⟩b"),
        ("a\u200bb\u00adc", "a⟨U+200B ZWSP⟩b⟨U+00AD SHY⟩c"),
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("one\r\ntwo", "one⟨U+000D⟩\ntwo"),
        ("\x00\x1b[31m", "⟨U+0000⟩⟨U+001B⟩[31m"),
        ("a\u00a0b\u2028c", "a⟨U+00A0 NBSP⟩b⟨U+2028 LS⟩c"),
        ("tag\U000e0041", "tag⟨U+E0041 TAG LATIN CAPITAL LETTER A⟩"),
        ("\ufeffstart\u3164", "⟨U+FEFF BOM⟩start⟨U+3164 HANGUL FILLER⟩"),
        ("\ud800", "⟨U+D800⟩"),
    ],
)
def test_invisible_and_direction_characters_are_named(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_invisible_is_left(text):
    left = {character for character in visible(text) if unicodedata.category(character) in INVISIBLE_CATEGORIES}
    assert left <= set("\n\t ")
