"""Assistant text: about the prompt, of two qualities, in several styles.

Every choice is drawn from options that stand in an order of likelihood of their own for each model, prompt and system
prompt. At temperature 0 the likeliest is always taken; the higher the temperature, the more the others come up.
"""

import keyword
import math
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from labeling.domain import Json, text_digest
from labeling.sandbox.samples import SampleText, sample_for
from labeling.sandbox.words import keep_within, kind_of, last_user_text, limits_in, subject_words, text_of

# How likely a model's reply is a good one at temperature 0 and above; 0.5 would be chance.
SKILL = {"sandbox-large": 0.95, "sandbox-small": 0.1, "sandbox-judge": 0.8, "sandbox-reasoner": 0.97}

MANNERS = (
    (re.compile(r"(?i)\b(friendly|warm|kind)\b"), ("Gladly. ", "Of course. ")),
    (
        re.compile(r"(?i)\b(formal|professional)\b"),
        ("Thank you for your question. ", "With regard to your question: "),
    ),
    (re.compile(r"(?i)\b(child|simple|beginner|plain)\b"), ("In plain words: ", "Put simply: ")),
    (re.compile(r"(?i)\b(expert|technical|precise)\b"), ("Precisely put: ", "In technical terms: ")),
)
LEADS = ("", "Short answer first. ", "Here is how I see it. ", "Let me go through it. ")
TAILS = ("", "Tell me if a part of this is unclear.", "I can go into more detail where you need it.")
SPARE_WORDS = ("question", "details", "result")
SPARE_NAMES = ("values", "items", "limit")


class Voice:
    """One model asked for one prompt in one way: what it is likely to say, and the chance it takes."""

    def __init__(self, model: str, messages: Sequence[Json], temperature: float, rng: Random) -> None:
        self._skill = SKILL[model]
        self._temperature = temperature
        self._rng = rng
        self._system = "\n".join(text_of(one) for one in messages if one.get("role") in ("system", "developer"))
        self._users = [text_of(one) for one in messages if one.get("role") == "user"]
        self._text = last_user_text(messages)
        self._likes = text_digest("\0".join([model, self._system, *self._users]))

    def reply(self) -> str:
        sample = sample_for(self._users)
        is_good = self._is_good()
        if sample is not None:
            text = self._retold(sample, is_good=is_good)
        elif is_good:
            text = self._structured()
        else:
            text = self._vague()
        text = self._manner() + text
        # A weak model forgets half of the time how long its reply should be.
        keeps_limits = is_good or self._pick((False, True))
        return keep_within(text, limits_in(f"{self._system}\n{self._text}")) if keeps_limits else text

    def _is_good(self) -> bool:
        if self._temperature <= 0:
            return self._skill > 0.5
        share = 0.5 + (self._skill - 0.5) / (1 + 0.3 * self._temperature)
        return self._rng.random() < share

    def _pick(self, options: Sequence[Any]) -> Any:
        """One of `options`; with a temperature every option has a chance."""
        order = sorted(options, key=lambda option: text_digest(f"{self._likes}{option}"))
        if self._temperature <= 0:
            return order[0]
        weights = [math.exp(-rank / (2 * self._temperature)) for rank in range(len(order))]
        return self._rng.choices(order, weights)[0]

    def _retold(self, sample: SampleText, *, is_good: bool) -> str:
        """The sample's own text, sometimes with a lead, an offer at the end, or without its last paragraph."""
        text = sample.better if is_good else sample.worse
        parts = text.split("\n\n")
        if len(parts) > 2 and "```" not in parts[-1] and self._pick(("whole", "cut", "all of it")) == "cut":
            text = "\n\n".join(parts[:-1])
        lead = "" if text.startswith(("|", "```", "#")) else self._pick(LEADS)
        tail = self._pick(TAILS)
        return lead + text + (f"\n\n{tail}" if tail else "")

    def _structured(self) -> str:
        phrases = _phrases()["large"][kind_of(self._text)]
        parts = (self._pick(phrases[part]) for part in ("openings", "bodies", "closings"))
        return "\n\n".join(self._filled(part) for part in parts)

    def _vague(self) -> str:
        phrases = _phrases()["small"]
        sentences = [self._pick(phrases["openings"])]
        for _ in range(self._pick((2, 3, 4, 5))):
            left = [phrase for phrase in phrases["middles"] if phrase not in sentences]
            sentences.append(self._pick(left))
        sentences.append(self._pick(phrases["closings"]))
        return self._filled(" ".join(sentences))

    def _manner(self) -> str:
        fitting = [ways for pattern, ways in MANNERS if pattern.search(self._system)]
        return str(self._pick(fitting[0])) if fitting else ""

    def _filled(self, template: str) -> str:
        found = subject_words(self._text, 6)
        if self._temperature > 0 and len(found) > 3:
            found = [found[0], *self._rng.sample(found[1:], 2)]
        words = (*found, *SPARE_WORDS)[:3]
        text = template
        for number, word in enumerate(words, 1):
            name = word if word.isascii() and not keyword.iskeyword(word) else SPARE_NAMES[number - 1]
            text = text.replace(f"{{K{number}}}", word[:1].upper() + word[1:])
            text = text.replace(f"{{k{number}}}", word).replace(f"{{i{number}}}", name)
        return text


@cache
def _phrases() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "phrases.toml").read_text("utf-8"))
