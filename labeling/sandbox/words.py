"""What a prompt is about, and what it asks for in form: kind, subject words, limits of length."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from labeling.domain import Json

NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
NUMBER = r"(\d{1,4}|one|two|three|four|five)"
SENTENCES = re.compile(rf"\b{NUMBER}(?: or {NUMBER})? sentences?\b", re.IGNORECASE)
WORDS = re.compile(rf"\b(?:at most|under|up to|no more than|less than|fewer than|in) {NUMBER} words\b", re.IGNORECASE)
BRIEF = re.compile(r"\b(brief|briefly|concise|short|terse)\b", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[.!?。؟])\s+")
WORD = re.compile(r"[^\W\d_]{4,}")

# Tried in this order; the first that fits is the kind.
KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "code",
        re.compile(r"(?i)```|\b(python|javascript|sql|regex|bash|shell|function|command|script|code|bug|git)\b"),
    ),
    (
        "maths",
        re.compile(r"(?i)\\\(|\\\[|\b(solve|probability|calculate|equation|percent|average|proof|prove)\b|\d\s*%"),
    ),
    ("summary", re.compile(r"(?i)\b(summar\w+|shorten|tl;?dr|key points)\b")),
    ("write", re.compile(r"(?i)\b(write|rewrite|draft|e-?mail|letter|message|reword|slogan|invitation)\b")),
    ("compare", re.compile(r"(?i)\b(versus|vs|difference|compare|better|cheaper|or)\b")),
    ("plan", re.compile(r"(?i)\b(plan|schedule|checklist|menu|itinerary|prepare|organi[sz]e|weeks?|agenda)\b")),
    ("howto", re.compile(r"(?i)\b(how (?:do|can|to|should)|steps?|repair|mend|fix|clean|keep|make)\b")),
)

COMMON = frozenset(
    """about above after again also always another answer because been before being between both cannot could does doing
    done down each either else even every exactly explain find first from give gets goes going good have having help here
    how into just keep know last least less like long made make many maybe mine more most much must need never next nothing
    only other ours over part please prefer question quite really right said same says see should show since some still
    such sure take tell than thank thanks that their them then there these they thing things think this those though three
    through time today tomorrow under until used using very want well were what when where which while whole will with
    without words work would write yesterday your yours sentence sentences short brief briefly friendly""".split()
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a reply may be, as far as somebody said so."""

    sentences: int | None = None
    words: int | None = None
    is_brief: bool = False


def text_of(message: Json) -> str:
    """A message's text; the text parts of one whose content is a list of parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def last_user_text(messages: Sequence[Json]) -> str:
    return next((text_of(message) for message in reversed(messages) if message.get("role") == "user"), "")


def kind_of(text: str) -> str:
    """One of the kinds of reply in phrases.toml."""
    return next((kind for kind, pattern in KINDS if pattern.search(text)), "explain")


def subject_words(text: str, limit: int = 8) -> list[str]:
    """The words that say what a text is about, each once, the longer ones first among equals."""
    prose = re.sub(r"```.*?```", " ", text, flags=re.DOTALL)
    counts: dict[str, int] = {}
    for word in WORD.findall(prose):
        lower = word.casefold()
        if lower not in COMMON:
            counts[lower] = counts.get(lower, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], -min(len(word), 9)))[:limit]


def limits_in(text: str) -> Limits:
    """The limits of length that a text states: "two sentences", "at most 60 words", "brief"."""
    sentences, words = SENTENCES.search(text), WORDS.search(text)
    return Limits(
        sentences=_number(sentences[2] or sentences[1]) if sentences else None,
        words=_number(words[1]) if words else None,
        is_brief=bool(BRIEF.search(text)),
    )


def keep_within(text: str, limits: Limits) -> str:
    """Shorten `text` to whole sentences within the limits; to whole words where one sentence is too long."""
    if limits.sentences is not None:
        text = " ".join(SENTENCE_END.split(" ".join(text.split()))[: limits.sentences])
    elif limits.is_brief:
        text = "\n\n".join(text.split("\n\n")[:2])
    if limits.words is not None and len(text.split()) > limits.words:
        kept = ""
        for sentence in SENTENCE_END.split(text):
            if len(f"{kept} {sentence}".split()) > limits.words:
                break
            kept = f"{kept} {sentence}".strip()
        text = kept or " ".join(text.split()[: limits.words])
    return text


def _number(text: str) -> int:
    return NUMBER_WORDS.get(text.lower()) or max(1, int(text) if text.isdigit() else 1)
