"""The sandbox's judge: which of two replies is better, told in any schema.

What it finds does not depend on which reply stands first, except on close calls, where it sometimes takes the first
one whichever it is: real judges do, and `undecided` could not be seen otherwise.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from labeling.domain import Json, text_digest
from labeling.sandbox.samples import likeness, sample_for
from labeling.sandbox.words import limits_in, subject_words, text_of

BLOCK = re.compile(r"\[\[([0-9a-f]{6,64}) ([^\]\n]{1,80})\]\]\n(.*?)\n?\[\[/\1 \2\]\]", re.DOTALL)

CLOSE = 0.8  # quality points of ten; below it the judge may turn with the order
TURNS = 0.4  # how often it does, on close calls
TIES = 0.25
MUCH = 3.5

FILLER = re.compile(
    r"great question|i hope this helps|good luck|do not hesitate|feel free|as you probably know|it depends|in general"
    r"|generally|usually|basically|many (?:experts|people|different)|there are (?:many|several)|everyone is different"
    r"|highest priority|have a (?:wonderful|nice)|thank you for (?:contacting|your message|reaching)|and so on",
    re.IGNORECASE,
)
REFUSAL = re.compile(r"\b(?:I can(?:no|')t help|I am not able|I'm sorry, but|as an AI)\b", re.IGNORECASE)
STRUCTURE = re.compile(r"^(?:\s*(?:[-*] |\d+\. |\|)|```|> )", re.MULTILINE)

FIRST_NAMES = ("first", "a", "left", "1", "response_a", "model_a")
SECOND_NAMES = ("second", "b", "right", "2", "response_b", "model_b")

Preference: TypeAlias = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a judging request asks to compare, as found between the marks."""

    user_texts: tuple[str, ...]
    first: str
    second: str
    instructions: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement before it is put into a schema. Scores are 1 to 10."""

    preference: Preference
    is_much: bool
    scores: tuple[int, int]
    reasoning: str

    @property
    def level(self) -> str:
        return "tie" if self.preference == "tie" else f"{self.preference}_{'much' if self.is_much else 'slightly'}"


def comparison_in(messages: Sequence[Json]) -> Comparison | None:
    """The two replies of a judging request; None where the messages ask for something else."""
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        blocks = {name: text for _, name, text in BLOCK.findall(text_of(message))}
        if "first reply" in blocks and "second reply" in blocks:
            users = tuple(text for name, text in blocks.items() if name.endswith(", user"))
            system = "\n".join(text_of(one) for one in messages if one.get("role") in ("system", "developer"))
            return Comparison(users, blocks["first reply"], blocks["second reply"], system)
    return None


@dataclass(frozen=True, slots=True)
class Score:
    """A score of one reply alone, 1 to 10, before it is put into a schema."""

    points: int
    reasoning: str


def single_in(messages: Sequence[Json]) -> Comparison | None:
    """The one reply of a scoring request, as both sides of a comparison; None where the messages ask for something else."""
    for message in reversed(messages):
        if message.get("role") == "user":
            blocks = {name: text for _, name, text in BLOCK.findall(text_of(message))}
            if "reply" not in blocks:
                continue
            users = tuple(text for name, text in blocks.items() if name.endswith(", user"))
            system = "\n".join(text_of(one) for one in messages if one.get("role") in ("system", "developer"))
            return Comparison(users, blocks["reply"], blocks["reply"], system)
    return None


def score(single: Comparison, seed: int) -> Score:
    """Score one reply; the same for the same texts, instructions and seed. Another seed may be a point off."""
    found = quality(single, single.first)
    draw = Random("".join([text_digest(single.first), str(seed), text_digest(single.instructions)])).random()
    points = max(1, min(10, round(found + 0.8 * (draw - 0.5))))
    best = "It takes up the question" + (" in an order that can be followed" if STRUCTURE.search(single.first) else "")
    if REFUSAL.search(single.first):
        worst = "it declines what can be answered"
    elif filler := FILLER.search(single.first):
        worst = f'it stays general ("{filler[0]}")'
    else:
        worst = "little is missing" if points >= 7 else "it leaves out what the question is about"
    return Score(points, f"{best}. At its weakest, {worst}.")


def wished_score(found: Score, node: Json) -> object:
    """What a score says at one place of a schema: reasons where a text is asked for, else the points."""
    options = node.get("enum")
    if isinstance(options, list):
        return next((option for option in (found.points, str(found.points)) if option in options), None)
    return found.reasoning if node.get("type") == "string" else found.points


def judge(comparison: Comparison, seed: int) -> Finding:
    """Compare the replies; the same for the same texts, instructions, order and seed."""
    first, second = quality(comparison, comparison.first), quality(comparison, comparison.second)
    # Drawn for the two texts whichever stands first, so that both orders meet the same draw.
    pair = sorted((text_digest(comparison.first), text_digest(comparison.second)))
    draw = Random("".join([*pair, str(seed), text_digest(comparison.instructions)])).random()
    difference = first - second
    if abs(difference) < CLOSE and draw < TURNS:
        difference = 0.5
    elif abs(difference) < TIES:
        difference = 0.0
    preference: Preference = "first" if difference > 0 else "second" if difference < 0 else "tie"
    scores = _agreeing(first, second, preference, is_much=abs(difference) >= MUCH)
    return Finding(preference, abs(difference) >= MUCH, scores, _reasons(comparison, preference))


def wished(finding: Finding, path: tuple[str, ...], node: Json) -> object:
    """What a judgement says at one place of a schema: at our own names, and at the usual ones of other judges."""
    options = node.get("enum")
    if isinstance(options, list):
        return next((name for name in _spellings(finding) if name in options), None)
    name = path[-1].casefold() if path else ""
    if node.get("type") == "string":
        return finding.reasoning
    if name in FIRST_NAMES:
        return finding.scores[0]
    return finding.scores[1] if name in SECOND_NAMES else None


def _spellings(finding: Finding) -> list[str]:
    """How schemas spell this verdict, the most exact first."""
    if finding.preference == "tie":
        return ["tie", "Tie", "TIE", "equal", "same", "draw", "neither", "C"]
    names = FIRST_NAMES if finding.preference == "first" else SECOND_NAMES
    return [finding.level, f"{finding.preference}_clearly", *names, *(name.upper() for name in names)]


def quality(comparison: Comparison, reply: str) -> float:
    """How good a reply is, 1 to 10: by the sample's texts where it is one of them, else by what can be counted."""
    brevity = _brevity(comparison.instructions, reply)
    sample = sample_for(comparison.user_texts)
    if sample is not None:
        near_better, near_worse = likeness(reply, sample.better), likeness(reply, sample.worse)
        if max(near_better, near_worse) > 0.5:
            # Some pairs are plainer than others; a good text with a part cut off is a little worse than the whole.
            gap = 1.0 + 1.5 * Random(text_digest(sample.better)).random()
            whole = likeness(sample.better, reply) if near_better > near_worse else 0.0
            return max(1.0, min(10.0, 4.5 + gap * (near_better - near_worse) + 1.5 * whole + brevity / 4))
    return max(1.0, min(10.0, _counted(comparison, reply) + brevity))


def _counted(comparison: Comparison, reply: str) -> float:
    prompt = comparison.user_texts[-1] if comparison.user_texts else ""
    length = len(reply.split())
    if not reply.strip():
        return 1.0
    subject = subject_words(prompt)
    lower = reply.casefold()
    covered = sum(word in lower for word in subject) / len(subject) if subject else 0.5
    score = 3.5 + 2.5 * covered + (1.5 if STRUCTURE.search(reply) else 0.0)
    score -= min(3.0, 0.9 * len(FILLER.findall(reply))) + (2.0 if REFUSAL.search(reply) else 0.0)
    score += 0.5 if 25 <= length <= 260 else -0.7
    limits = limits_in(prompt)
    if limits.words is not None and length > limits.words:
        score -= 1.5
    return score - (1.0 if reply.count("!") > 2 else 0.0)


def _brevity(instructions: str, reply: str) -> float:
    """A rubric that asks for fewer words takes away for length: up to two points."""
    return -min(2.0, len(reply.split()) / 100) if re.search(r"\bfewer words\b|\bconcise\b", instructions) else 0.0


def _agreeing(first: float, second: float, preference: Preference, *, is_much: bool) -> tuple[int, int]:
    """Whole scores that agree with the verdict."""
    scores = [max(1, min(10, round(first))), max(1, min(10, round(second)))]
    if preference == "tie":
        return scores[0], scores[0]
    better, worse = (0, 1) if preference == "first" else (1, 0)
    if scores[better] < scores[worse] or (is_much and scores[better] == scores[worse]):
        scores[worse] = max(1, scores[better] - 1)
        scores[better] = max(scores[better], scores[worse] + 1)
    return scores[0], scores[1]


def _reasons(comparison: Comparison, preference: Preference) -> str:
    if preference == "tie":
        return "Both replies take up the question to the same degree. Neither has a strength that decides."
    better, worse = (
        (comparison.first, comparison.second) if preference == "first" else (comparison.second, comparison.first)
    )
    other = "second" if preference == "first" else "first"
    sentences = [f"The {preference} reply serves the person better."]
    subject = subject_words(comparison.user_texts[-1]) if comparison.user_texts else []
    only_better = [word for word in subject if word in better.casefold() and word not in worse.casefold()]
    if only_better:
        sentences.append(f"It takes up {', '.join(only_better[:3])}, which the {other} reply leaves out.")
    if STRUCTURE.search(better) and not STRUCTURE.search(worse):
        sentences.append("Its steps or parts are in an order that can be followed.")
    if filler := FILLER.search(worse):
        sentences.append(f'The {other} reply stays general ("{filler[0]}").')
    if REFUSAL.search(worse) and not REFUSAL.search(better):
        sentences.append(f"The {other} reply declines what can be answered.")
    if len(sentences) == 1:
        sentences.append(f"The {other} reply is weaker on the point that was asked.")
    return " ".join(sentences)
