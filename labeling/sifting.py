"""Which replies to a prompt may become pairs: no refusals, none that were cut off, none that say what another one says.

Pure. What is dropped is counted by reason, so that it can be told before pairs are made; nothing is deleted.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import normalize

from labeling.errors import InputError
from labeling.pairing import Candidate

CUT_REASONS = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "token_limit", "incomplete"})
WHOLE_REASONS = frozenset({"stop", "end_turn", "eos", "eos_token", "stop_sequence", "tool_calls", "function_call", "complete"})  # fmt: skip
FINAL = frozenset(".!?…。！？।؟:;)]}»”\"'`*_|>~")  # how a whole text may end, marks of formatting included
MOST_WORDS = 2000  # compared of each reply: what is alike so far is alike
FEWEST_WORDS = 30  # below it only the same words in the same order are alike: a word more or less may be the answer
ALIKE = 0.9
QUICK, QUICK_CHARACTERS = 75.0, 4000  # percent of the characters, and of how many of them
ROUNDING = 1e-6  # a least likeness is lowered by, or by rounding one of exactly as much is lost
ACUTE, IEUNG = "\u0301", "\u110b"  # by which Vietnamese, Greek and Korean show that marks and parts stand by themselves
SHORT = 100  # characters below which marks tell texts apart
LONG_WORD = 15  # mean characters of a word above which a text is taken to be without spaces


class Dropped(StrEnum):
    """Why a reply makes no pair. A reply is counted once, under the first that holds."""

    REFUSAL = "refusal"
    CUT = "cut off"
    ALIKE = "near-duplicate"


@dataclass(frozen=True, slots=True)
class Sieve:
    """What is dropped before pairs are made. `alike` is the likeness, 0 to 1, from which one of two replies is
    dropped; None keeps both."""

    refusals: bool = True
    cuts: bool = True
    alike: float | None = ALIKE

    def __post_init__(self) -> None:
        if self.alike is not None and not 0.5 <= self.alike <= 1:
            raise InputError(f"The likeness of near-duplicates is {self.alike:g}; it is from 0.5 to 1, or off.")

    @property
    def is_open(self) -> bool:
        return not self.refusals and not self.cuts and self.alike is None


DEFAULT_SIEVE = Sieve()
OPEN = Sieve(refusals=False, cuts=False, alike=None)


@dataclass(frozen=True, slots=True)
class Said:
    """What a completion says, and why its writer ended, where that is known."""

    text: str
    has_tool_calls: bool = False
    finish_reason: str | None = None


def sift(
    candidates: Sequence[Candidate], said: dict[int, Said], sieve: Sieve, first: Collection[str] = ()
) -> tuple[list[Candidate], Counter[Dropped]]:
    """The replies to one prompt that remain, in the order given, and how many were dropped for each reason.

    Args:
        said: by completion id, of every candidate.
        first: sources whose replies are rather kept, such as the model to be tuned. Before that, of two alike ones the
            source with fewer replies keeps its own, so that two sources stay two.
    """
    dropped: Counter[Dropped] = Counter()
    kept = []
    for one in candidates:
        reason = _fault(said[one.completion_id], sieve)
        if reason is None:
            kept.append(one)
        else:
            dropped[reason] += 1
    if sieve.alike is not None and len(kept) > 1:
        gone = _alike(kept, said, sieve.alike, first)
        dropped[Dropped.ALIKE] += len(gone)
        kept = [one for one in kept if one.completion_id not in gone]
    return kept, +dropped


def is_cut(said: Said) -> bool:
    """Whether a reply was cut off. Without a reason that says so no ending is held against it: lists and titles have none."""
    reason = (said.finish_reason or "").casefold()
    if reason in CUT_REASONS:
        return True
    if not reason or reason in WHOLE_REASONS or said.has_tool_calls:
        return False
    return said.text.rstrip()[-1:] not in FINAL


def likeness(one: str, other: str, least: float = 0.0) -> float:
    """How much of two texts is the same in the same order, 0 to 1; 0.0 where it is below `least`.

    Counted in words (characters where a script has no spaces), without case, spacing and marks around words; signs that
    say something else are no marks. Texts whose numbers differ are not alike: "41" or "-42" for "42" is another answer.
    """
    return _likeness(words_of(one), words_of(other), least)


def are_alike(one: str, other: str) -> bool:
    """Whether two replies say nearly the same. Most do not, which their characters show before words are made of them."""
    from rapidfuzz import fuzz, utils

    first, second = one[:QUICK_CHARACTERS], other[:QUICK_CHARACTERS]
    is_ascii = first.isascii() and second.isascii()
    is_short = min(len(first), len(second)) < SHORT
    # In a long text only scripts with a mark in every other syllable are too unlike what the same text is with whole letters.
    if not is_ascii and (is_short or ACUTE in first or ACUTE in second or IEUNG in first or IEUNG in second):
        first, second = normalize("NFC", first), normalize("NFC", second)
    # Of long texts that are not ASCII the library's own lower case, and no marks: Python's takes as long as the comparison.
    is_plain = is_ascii or is_short
    characters = fuzz.ratio(
        first, second, processor=str.lower if is_plain else utils.default_process, score_cutoff=QUICK
    )
    return characters >= QUICK and likeness(one, other, ALIKE) >= ALIKE


def _fault(said: Said, sieve: Sieve) -> Dropped | None:
    from labeling.declining import declines

    if sieve.refusals and not said.has_tool_calls and declines(said.text):
        return Dropped.REFUSAL
    return Dropped.CUT if sieve.cuts and is_cut(said) else None


def _alike(kept: Sequence[Candidate], said: dict[int, Said], least: float, first: Collection[str]) -> set[int]:
    replies = Counter(one.source for one in kept)
    order = sorted(kept, key=lambda one: (replies[one.source], one.source not in first, one.completion_id))
    seen: list[tuple[Candidate, Words]] = []
    gone = set()
    for one in order:
        # What a call says stands in its arguments, not in the text beside it.
        words = None if said[one.completion_id].has_tool_calls else words_of(said[one.completion_id].text)
        if words is None:
            continue
        # Equal texts are told apart from near ones: pairing counts them itself.
        if any(one.digest != other.digest and _likeness(words, theirs, least) >= least for other, theirs in seen):
            gone.add(one.completion_id)
        else:
            seen.append((one, words))
    return gone


@dataclass(frozen=True, slots=True)
class Words:
    """A text made comparable: its words (or characters), and the numbers in it, sorted."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]


_NUMBER = re.compile(r"[−\d](?:(?<=−)\d+|(?<=\d)\d*)(?:[.,]\d+)*")
# A dash that is written for a hyphen or a minus: `–` directly before a number, and either between two.
_DASH = re.compile(r"[–—](?:(?<=–)(?=[$€£]?\.?\d)|(?<=\d –)(?= \d)|(?<=\d—)(?=\d))")
# Marks that say something where they stand: an operator between spaces, the sign of a number, a bound, `!ready`, C#. A
# bullet, a quotation, a heading, a rule and a dash between words say nothing.
_SIGNS = re.compile(
    r"[-<>*=!#](?:(?<=\S [<>*=])(?:(?<=<)-|[<=>]{0,2})(?=\s)|(?<=\S -)[<=>]{1,2}(?=\s)"
    r"|(?<=-)(?<![\w)\].-]-)(?=[$€£]?\.?\d)|(?<=[<>])(?==|\d)|(?<=!)(?==)|(?<=!)(?<!\w!)(?=[\w(])|(?<=\w#)(?!\w))"
)
_MEANT = str.maketrans("-<>*!#", "−＜＞＊¬♯")  # what they are written as: no `_MARKS`
_MARKS = ".,;:!?…\"'`*_#()[]{}<>«»“”‘’–—-。，！？、；：（）「」"


def words_of(text: str) -> Words:
    """A text made comparable; only its beginning, where it is very long."""
    folded = text[: 20 * MOST_WORDS].casefold()
    if not folded.isascii():
        folded = with_hyphens(normalize("NFC", folded))
    folded = _SIGNS.sub(_meant, folded)
    parts = folded.split()
    if parts and sum(map(len, parts)) > LONG_WORD * len(parts):
        units = [character for character in "".join(parts) if character not in _MARKS]
    else:
        units = [word for part in parts if (word := part.strip(_MARKS))]  # a bullet or a rule alone is no word
    return Words(tuple(units[:MOST_WORDS]), tuple(sorted(_NUMBER.findall(folded))))


def with_hyphens(text: str) -> str:
    """A text with `-` for a minus, and for the dashes that are written for it; those between words are left."""
    text = text.replace("−", "-")
    return _DASH.sub("-", text) if "–" in text or "—" in text else text


def _meant(sign: re.Match[str]) -> str:
    return sign[0].translate(_MEANT)


def _likeness(one: Words, other: Words, least: float) -> float:
    from rapidfuzz.distance import Indel

    if one.numbers != other.numbers:
        return 0.0
    if one.words == other.words:
        return 1.0
    if min(len(one.words), len(other.words)) < FEWEST_WORDS:
        return 0.0
    return Indel.normalized_similarity(one.words, other.words, score_cutoff=max(least - ROUNDING, 0.0))
