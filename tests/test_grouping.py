"""Near-duplicates and turns of one conversation are one group; what only looks alike is not."""

import random
from collections.abc import Sequence
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.grouping import Signatures, Signer, groups

LONG = (
    "Please write a short essay about the history of the harbour in our town, with its ships, its people, the storm that"
    " nearly ended it, and the three brothers who rebuilt the long wall stone by stone in the years that followed."
)


def user(*turns: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[place % 2], "content": text} for place, text in enumerate(turns)]


def grouped(*prompts: list[dict[str, str]]) -> list[list[int]]:
    """The groups of prompts that come all at once."""
    return sorted(groups(signed(*prompts), 0, lambda _none: {}, lambda number: prompts[number]))


def grouped_by_and_by(*prompts: list[dict[str, str]]) -> list[list[int]]:
    """The groups of prompts that come one at a time, each compared with what is kept of those before it."""
    signatures = signed(*prompts)
    names = {number: str(number) for number in range(len(prompts))}

    def group_of(asked: Sequence[int]) -> dict[int, str]:
        return {one: names[one] for one in asked}

    for number in range(len(prompts)):
        for group in groups(signatures[: number + 1], number, group_of, lambda one: prompts[one]):
            told = {names[one] for one in group}
            names.update({one: names[group[0]] for one, name in names.items() if name in told})
    members: dict[str, list[int]] = {}
    for number, name in names.items():
        members.setdefault(name, []).append(number)
    return sorted(group for group in members.values() if len(group) > 1)


def signed(*prompts: list[dict[str, str]]) -> Signatures:
    signer = Signer()
    for number, messages in enumerate(prompts):
        signer.add(number, messages)
    return signer.signatures()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "what is the  capital of France"),
        (LONG, LONG.replace("short", "brief")),
        (LONG, LONG.replace("stone by stone", "brick by brick")),
        (LONG, f"{LONG} Thank you!"),
        (LONG, LONG.upper()),
    ],
)
def test_near_duplicates_are_one_group(one, other):
    assert grouped(user("Something else"), user(one), user(other)) == [[1, 2]]
    assert grouped_by_and_by(user("Something else"), user(one), user(other)) == [[1, 2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("What is 2 + 2?", "What is 2 + 3?"),
        (f"{LONG} In 200 words.", f"{LONG} In 900 words."),
        (
            LONG,
            "Tell me how to bake a loaf of bread with rye flour, and how long it has to rest before it can be eaten.",
        ),
        ("", " "),
    ],
)
def test_what_asks_something_else_is_not_one_group(one, other):
    assert grouped(user(one), user(other)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is C?", "What is C#?"),
        ("5 × 3", "5 ÷ 3"),
        ("5 * 3", "5 3"),
        ("$5", "€5"),
        ("$5", "5"),
        ("-5", "5"),
        ("–5", "5"),
        ("5 – 3", "5 3"),
        ("a − b", "a b"),
        ("👍", "👎"),
        ("Say hi 😀", "Say hi"),
        ("a && b", "a || b"),
        ("a & b", "a | b"),
        ("a != b", "a = b"),
        ("if (!ready)", "if (ready)"),
        ("x ∈ A", "x ∉ A"),
        ("∀x", "∃x"),
        ("△ABC", "□ABC"),
        ("दिन", "दान"),
        ("กา", "กี"),
    ],
)
def test_a_sign_an_emoji_or_a_vowel_sign_asks_something_else(one, other):
    assert grouped(user(one), user(other)) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("# Title\n\n- one\n- **two**\n\n---\n\n> said", "Title\none\ntwo\nsaid"),
        ("* one\n  * two", "- one\n    - two"),
        ("• один\n• два", "- один\n- два"),
        ("| a | b |\n| --- | --- |\n| c | d |", "a b\nc d"),
        ("|a|b|\n|:---|-----:|\n|c|d|", "| a | b |\n|---|---|\n| c | d |"),
        ("It is “one” – or −2", 'it is "one", or -2!'),
        ("Compare Kant --- and Hegel", "Compare Kant --- and Hegel\n"),
        (" - list the kings", "- list the kings"),
        ("What is AI — in short?", "What is AI, in short?"),
        ("Write a poem – about dogs", "Write a poem about dogs"),
        ("Dogs—5 of them", "Dogs, 5 of them"),
        ("From 1914–1918, or 5 – 3", "From 1914-1918, or 5 - 3"),
        ("a − b", "a - b"),
        ("Is $x$ a word?", "is x a word"),
        ("Yes!", "yes"),
        ("Good 👍\N{VARIATION SELECTOR-16}", "good 👍"),
        ("Windows®", "Windows"),
        ("café schön", normalize("NFD", "café schön")),
        ("한국어", normalize("NFD", "한국어")),
    ],
)
def test_markup_and_other_ways_to_write_a_text_are_the_same_words(one, other):
    assert grouped(user(one), user(other)) == [[0, 1]]
    assert grouped_by_and_by(user(one), user(other)) == [[0, 1]]


def test_of_prompts_at_the_border_of_likeness_most_are_found():
    draw = random.Random(11)

    def text(letters: str) -> list[str]:
        return ["".join(draw.choices(letters, k=6)) for _ in range(60)]

    def changed(text: list[str], others: list[str]) -> list[str]:
        places = draw.sample(range(60), 9)  # 85 % are the same
        return [others[place] if place in places else word for place, word in enumerate(text)]

    texts = [text("abcdefghijkl") for _ in range(40)]
    prompts = [user(" ".join(words)) for one in texts for words in (one, changed(one, text("opqrstuv")))]
    assert len(grouped(*prompts)) >= 25


def test_turns_of_one_conversation_are_one_group():
    first = "Who wrote the play about the Danish prince?"
    assert grouped(user(first), user("Hello"), user(first, "Shakespeare.", "When?"), user(first, "He.", "Who?", "S.", "When?")) == [[0, 2, 3]]  # fmt: skip


def test_a_conversation_belongs_to_what_its_opening_is_nearly_the_same_as():
    later = user(LONG.replace("short", "brief"), "Here it is.", "Now in 3 parts, and tell me of the year 1911 alone.")
    assert grouped(user(LONG), later) == [[0, 1]]
    assert grouped_by_and_by(later, user(LONG)) == [[0, 1]]
    assert grouped(user(LONG, "Yes.", "Go on."), later) == [[0, 1]]
    assert grouped(user(LONG.replace("three", "3")), later) == []


def test_a_conversation_told_in_one_turn_belongs_to_the_same_in_several():
    turns = user(LONG, "Here it is.", "Thank you, that will do.")
    assert grouped(user("\n".join(one["content"] for one in turns)), turns) == [[0, 1]]


def test_a_common_system_prompt_joins_nothing():
    system = {"role": "system", "content": LONG}
    assert grouped([system, *user("One?")], [system, *user("Two?")]) == []
    assert grouped([system, *user("One?")], user("one")) == [[0, 1]]


words = st.lists(st.sampled_from([f"word{letter}" for letter in "abcdefghijklmnop"]), min_size=40, max_size=80)


@given(st.lists(words, min_size=1, max_size=6), st.data())
def test_groups_hold_each_prompt_once_and_copies_always_meet(texts, data):
    prompts = [" ".join(text) for text in texts]
    copies = data.draw(st.lists(st.sampled_from(range(len(prompts))), min_size=1, max_size=5))
    every = prompts + [prompts[number].capitalize() + "!" for number in copies]
    for found in (grouped(*(user(text) for text in every)), grouped_by_and_by(*(user(text) for text in every))):
        members = [number for group in found for number in group]
        assert len(members) == len(set(members))
        of = {number: place for place, group in enumerate(found) for number in group}
        assert all(of[number] == of[len(prompts) + place] for place, number in enumerate(copies))
