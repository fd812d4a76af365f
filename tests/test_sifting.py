import random
from unicodedata import normalize

import pytest

from labeling.errors import InputError
from labeling.pairing import Candidate
from labeling.sifting import OPEN, Dropped, Said, Sieve, are_alike, is_cut, likeness, sift

LONG = (
    "Water the fern twice a week in summer and once in winter, keep it out of the sun at noon, and turn the pot now and "
    "then, so that all of its sides get light. Feed it in spring, and cut brown leaves away."
)


def replies(*texts):
    """`"x:one"` is a reply of source x that says one; ids count from 1."""
    parted = [text.split(":", 1) for text in texts]
    candidates = [Candidate(number, source, text) for number, (source, text) in enumerate(parted, 1)]
    return candidates, {number: Said(text) for number, (_, text) in enumerate(parted, 1)}


def ids(kept):
    return [one.completion_id for one in kept]


def test_refusals_are_dropped_and_counted():
    kept, dropped = sift(*replies("x:I'm sorry, but I can't help with that.", "y:Sure.", "z:Of course."), Sieve())
    assert (ids(kept), dropped) == ([2, 3], {Dropped.REFUSAL: 1})


@pytest.mark.parametrize(
    ("reason", "text", "cut"),
    [
        ("length", "It ends well.", True),
        ("max_tokens", "It does not", True),
        ("stop", "It does not", False),
        (None, "It does not", False),
        ("abort", "It does not", True),
        ("abort", "It ends well.", False),
        ("unknown", "结束了。", False),
        ("end_turn", "- a list", False),
    ],
)
def test_a_cut_is_told_by_the_reason_and_by_the_ending_only_where_the_reason_is_odd(reason, text, cut):
    assert is_cut(Said(text, finish_reason=reason)) is cut


def test_cut_replies_are_dropped_and_counted():
    candidates, said = replies("x:one", "y:two")
    said[2] = Said("two", finish_reason="length")
    assert sift(candidates, said, Sieve()) == ([candidates[0]], {Dropped.CUT: 1})


def test_one_of_two_near_duplicates_is_dropped():
    kept, dropped = sift(*replies(f"x:{LONG}", f"y:{LONG.replace('brown', 'old')}", "z:Ask a gardener."), Sieve())
    assert (ids(kept), dropped) == ([1, 3], {Dropped.ALIKE: 1})


def test_of_two_alike_the_source_with_fewer_replies_keeps_its_own():
    texts = (f"x:{LONG}", "x:Ask a gardener.", f"y:{LONG.replace('brown', 'old')}")
    assert ids(sift(*replies(*texts), Sieve())[0]) == [2, 3]


def test_else_the_model_to_be_tuned_keeps_its_own():
    texts = (f"x:{LONG}", f"y:{LONG.replace('brown', 'old')}")
    assert ids(sift(*replies(*texts), Sieve(), first={"y"})[0]) == [2]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("The answer is 42.", "the answer is **42**", True),
        ("The answer is 42.", "The answer is 41.", False),
        ("Yes.", "No.", False),
        (LONG, LONG.upper(), True),
        (LONG, LONG.replace("twice", "three times"), True),
        (LONG + " It costs 12 francs.", LONG + " It costs 15 francs.", False),
        (LONG, LONG + " " + LONG.replace("fern", "rose"), False),
        (LONG, " ".join(reversed(LONG.split())), False),
        ("这株蕨类植物夏天每周浇水两次冬天每周一次中午不要晒太阳并且时常转动花盆让它的每一面都能照到光", "这株蕨类植物夏天每周浇水两次，冬天每周一次。中午不要晒太阳，并且时常转动花盆，让它的每一面都能照到阳光。", True),
    ],
)  # fmt: skip
def test_likeness_looks_at_words_in_order_and_at_numbers(one, other, alike):
    assert (likeness(one, other) >= 0.9) is alike
    assert likeness(one, other) == likeness(other, one)


def test_equal_texts_are_left_to_the_pairing_that_counts_them():
    kept, dropped = sift(*replies("x:same words", "y:same words"), Sieve())
    assert (ids(kept), dropped) == ([1, 2], {})


def test_an_open_sieve_keeps_everything():
    candidates, said = replies("x:I'm sorry, but I can't help with that.", f"y:{LONG}", f"z:{LONG}!")
    assert sift(candidates, said, OPEN) == (candidates, {})
    assert OPEN.is_open
    assert not Sieve().is_open


def test_calls_of_tools_are_no_refusals_and_no_near_duplicates():
    candidates, _ = replies("x:a", "y:b")
    said = dict.fromkeys((1, 2), Said("", has_tool_calls=True, finish_reason="tool_calls"))
    assert sift(candidates, said, Sieve()) == (candidates, {})


def test_very_long_replies_are_compared_by_their_beginning():
    draw = random.Random(1)
    text = " ".join(draw.choice(["oak", "elm", "ash", "fir", "yew"]) for _ in range(200_000))
    assert likeness(text, text + " end") == 1.0


def test_a_likeness_out_of_range_is_refused():
    with pytest.raises(InputError, match=r"from 0\.5 to 1"):
        Sieve(alike=0.2)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Feed it once a week and keep it cold.", "feed it once a week, and keep it cold!", True),
        ("FEED IT ONCE A WEEK, AND KEEP IT COLD", "feed it once a week and keep it cold.", True),
        ("FeEd It OnCe A wEeK aNd KeEp It CoLd AlL WiNtEr", "feed it once a week and keep it cold all winter", True),
        ("ПОДКАРМЛИВАЙТЕ ЕЁ РАЗ В НЕДЕЛЮ, ЛЕТОМ ЧАЩЕ", "**Подкармливайте** её раз в неделю; летом чаще.", True),
        ("सप्ताह में एक बार खाद दें", "सप्ताह में **एक** बार खाद दें!", True),
        ("-5", "5", False),
        ("→", "←", False),
        ("| --- | --- |\n" * 30 + "yes", "| --- | --- |\n" * 30 + "yes no", True),
        ("The answer is 41.", "The answer is 42.", False),
        ("Подкармливайте её раз в неделю.", "Выбросьте её и купите новую.", False),
        ("ПОДКАРМЛИВАЙТЕ ЕЁ РАЗ В НЕДЕЛЮ " * 8, "Подкармливайте её раз в неделю, " * 8, True),
        ("Feed it once a week and keep it cold.", "Throw it away and buy a new one.", False),
        ("Short.", "Short. " * 50, False),
        (" ".join(map(chr, range(97, 123))) * 3, " ".join(map(chr, range(97, 123))) * 3 + " end", True),
    ],
)
def test_two_replies_are_alike_when_they_say_nearly_the_same(one, other, alike):
    assert are_alike(one, other) is alike
    assert are_alike(other, one) is alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The answer is -5.", "The answer is 5."),
        ("The answer is −5.", "The answer is 5."),
        ("The answer is –$5.", "The answer is $5."),
        ("The answer is (-5).", "The answer is (5)."),
        ("The loss was -$5 a day.", "The loss was $5 a day."),
        (f"{LONG} It is -5 degrees.", f"{LONG} It is 5 degrees."),
        ("if (!ready)", "if (ready)"),
        ("while a != b", "while a = b"),
        ("a < b", "a > b"),
        ("a <= b", "a >= b"),
        ("It is <5 today", "It is >5 today"),
        ("A -> B", "A <- B"),
        ("a -= b", "a = b"),
        ("a - b", "a / b"),
        ("a - b", "a * b"),
        ("a - b", "a + b"),
        ("Write it in C.", "Write it in C#."),
    ],
)
def test_sides_that_a_sign_makes_the_opposite_of_each_other_are_not_alike(one, other):
    assert likeness(one, other) == 0.0
    assert not are_alike(one, other)
    assert not are_alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("- one\n- two\n\n---\n\n> three", "one\ntwo\nthree"),
        ("* one\n  * two", "- one\n    - two"),
        ("# Title\n**bold**!", "Title\nbold"),
        ("It is one – or −2 — now", "It is one - or -2 - now"),
        ("Yes — it is so.", "Yes, it is so."),
        ("Note – this", "Note this"),
        ("Note - this", "Note: this"),
        ("text - \nx", "text\nx"),
        ("So 5−3 is 2, and x−1 too", "So 5-3 is 2, and x-1 too"),
        ("a − b, from 1914–1918", "a - b, from 1914-1918"),
        ("one <b>two</b> three", "One <b>two</b> three!"),
        ("café schön", normalize("NFD", "café schön")),
        ("한국어 텍스트", normalize("NFD", "한국어 텍스트")),
    ],
)
def test_bullets_rules_and_other_ways_to_write_a_text_are_no_difference(one, other):
    assert likeness(one, other) == 1.0


@pytest.mark.parametrize(
    "text", ["café schön", "Việt ngữ là tiếng nói của người Việt. " * 6, "한국어로 적은 안내문입니다. " * 9]
)
def test_sides_in_whole_letters_and_in_letters_with_marks_of_their_own_are_alike(text):
    assert are_alike(text, normalize("NFD", text))


def test_a_likeness_of_exactly_the_least_one_is_not_lost_by_rounding():
    words = [f"word{letter}{other}" for letter in "abcdef" for other in "abcdefghij"]
    others = [word if place % 7 else word.upper() + "x" for place, word in enumerate(words)]  # 9 of 60
    assert likeness(" ".join(words), " ".join(others), 0.85) == likeness(" ".join(words), " ".join(others)) == 0.85
