import string
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from labeling.ui.formats import ago, count, escape, lasting, money, percent, plural, size, token_range, tokens

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@given(st.text(string.printable))
def test_an_escaped_name_is_read_as_it_is(name):
    shown = unescape(MarkdownIt("commonmark").renderInline(escape(name)))
    assert shown.replace("\N{WORD JOINER}", "") == " ".join(name.split())


@given(st.text())
def test_nothing_in_an_escaped_name_becomes_markup(name):
    assert "<" not in MarkdownIt("commonmark").renderInline(escape(name))


@pytest.mark.parametrize("name", [":smile:", "$5 and $6", ":red[x]", "-->", "[x](y)", "<b>", "http://evil.example"])
def test_streamlits_own_marks_are_broken_up(name):
    assert name not in escape(name)


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1284, "1,284"), (1_000_000, "1,000,000")])
def test_thousands_have_commas(number, text):
    assert count(number) == text


def test_one_is_singular_and_the_rest_is_plural():
    assert [plural(number, "pair") for number in (0, 1, 1284)] == ["0 pairs", "1 pair", "1,284 pairs"]
    assert plural(2, "reply", "replies") == "2 replies"


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(86, 100, "86 %"), (999, 1000, "99 %"), (1, 1000, "under 1 %"), (0, 5, "0 %"), (5, 5, "100 %"), (0, 0, "–")],
)
def test_only_all_is_a_hundred_percent_and_only_none_is_zero(part, whole, text):
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((3.1, 3.6), "$3.10–3.60"),
        ((3.351, 3.352), "$3.35"),
        ((0.0,), "$0.00"),
        ((0.001,), "under $0.01"),
        ((0.0014, None, 4), "$0.0014"),
        ((0.001, 2.0), "$0.00–2.00"),
        ((1234.5,), "$1,234.50"),
    ],
)
def test_money_is_a_range_where_its_ends_differ_as_written(arguments, text):
    assert money(*arguments) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=4, seconds=50), "4 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(days=3), "18 Nov"),
        (timedelta(days=400), "17 Oct 2025"),
    ],
)
def test_a_time_is_told_from_now_up_to_a_day_then_by_its_date(passed, text):
    assert ago(NOW - passed, NOW) == text
    assert ago((NOW - passed).replace(tzinfo=None), NOW) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "under a minute"), (170, "about 3 minutes"), (7200, "about 2 hours")]
)
def test_what_is_left_is_told_roughly(seconds, text):
    assert lasting(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1 byte"), (640, "640 bytes"), (12_300, "12 kB"), (1_900_000, "1.9 MB"), (32 * 10**8, "3.2 GB")],
)
def test_sizes_are_powers_of_ten(number, text):
    assert size(number) == text


def test_many_tokens_are_told_in_millions():
    assert [tokens(number) for number in (640, 12_400, 410_000)] == ["640", "12,400", "0.41 M"]


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(640, 640, "640"), (120, 640, "120–640"), (11_580, 45_000, "12–45 k"), (410_000, 1_200_000, "0.41–1.20 M")],
)
def test_a_range_of_tokens_fits_a_figure(low, high, text):
    assert token_range(low, high) == text
