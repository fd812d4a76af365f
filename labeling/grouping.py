"""Which prompts belong together: near-duplicates, and turns of one conversation. Pure.

A split that parted them would test a model on what it was trained on. Prompts are joined whose opening is the same text
(without case, spacing and marks), and such whose openings or wholes are alike by `sifting.likeness`; candidates for the
latter are found by signatures, so that not every prompt is compared with every other.

Source of the signatures: Broder (1997), On the resemblance and containment of documents.
"""

import re
import zlib
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import Any
from unicodedata import category, normalize

import numpy as np
import numpy.typing as npt

from labeling.domain import SYSTEM
from labeling.sifting import FEWEST_WORDS, likeness, with_hyphens

ALIKE = 0.85
BANDS, ROWS = 8, 2  # two prompts of which half the shingles are the same share a band in 9 of 10 cases
SHINGLE = 3
MOST_WORDS, LONGEST, LONG_WORD = 2000, 40_000, 15  # as in `sifting`
AT_ONCE = 2000  # prompts whose signatures are made together
MOST_KNOWN = 500_000
# What begins a line of Markdown, and a rule: marks, no words.
BULLETS = "-+*>•●■▪◦➢➤"
MARKUP = re.compile(rf"\n[ \t]*(?:[{BULLETS}]+[ \t]+)+|---+")
# Signs that another meaning hangs on: `a * b`, `!ready`, C#, $5; not **bold**, "Yes!", # headings, $x$ and the borders of tables.
SIGN = r"\|\||\*(?<=\S \*)(?= \S)|!(?:(?==)|(?<!\w!)(?=[\w(]))|#(?<=\w#)(?!\w)|\$(?=\d)"
WORD = re.compile(rf"[a-z0-9_]+|[-+=<>%^/&]|{SIGN}")  # of a text in ASCII
# Characters that are looked at one by one: between these are Han and Hangul, above them emoji and rare scripts.
LOOKED_AT = (range(0x80, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x10000))
NO_WORDS = frozenset((*map(ord, "¦©®™\ufffc\ufffd"), *range(0x2500, 0x25A0), *range(0xFE00, 0xFE10)))  # also frames
COMPARED = 4  # of those in one band each is compared with so many before it

# What is kept of a prompt to find what is like it, 152 bytes: equal keys are a meeting, 0 is no key. A prompt of one turn
# is its opening.
SIGNATURE = np.dtype(
    [
        ("id", "<i8"), ("opening", "<u8"), ("whole", "<u8"),
        ("opening_bands", "<u8", (BANDS,)), ("whole_bands", "<u8", (BANDS,)),
    ]
)  # fmt: skip
Signatures = npt.NDArray[np.void]
Keys = npt.NDArray[np.uint64]

_lots = np.random.Generator(np.random.PCG64(1997))
_FACTORS = _lots.integers(1, 2**63, (BANDS * ROWS, 1), dtype=np.uint64) | np.uint64(1)
_MIX = _lots.integers(1, 2**63, SHINGLE, dtype=np.uint64) | np.uint64(1)
_SHIFT = np.uint64(32)


class Signer:
    """Makes the signatures of prompts, many at once, and puts them behind those that were kept."""

    def __init__(self, kept: Iterable[bytes] = ()) -> None:
        self._signed = bytearray().join(kept)
        self.kept = len(self._signed) // SIGNATURE.itemsize
        self._waiting: list[tuple[int, int, int]] = []  # id, keys of the opening and of the whole
        # Place in waiting, column, words and numbers as numbers.
        self._texts: list[tuple[int, str, list[int], int]] = []
        self._number_of: dict[str, int] = {}  # of words met before

    def add(self, prompt_id: int, messages: Sequence[Mapping[str, Any]]) -> None:
        opening = whole = _words(_opening(messages))
        key = last = _key(opening)
        self._text("opening_bands", opening)
        if len(messages) > 1:
            whole = _words(said(messages))
            last = _key(whole)
            self._text("whole_bands", whole)
        self._waiting.append((prompt_id, key, last))
        if len(self._waiting) == AT_ONCE:
            self._sign()

    def _text(self, column: str, words: list[str]) -> None:
        if len(words) >= FEWEST_WORDS:
            numbers = sorted(word for word in words if word[0].isdigit())
            apart = zlib.crc32("\0".join(numbers).encode())
            self._texts.append((len(self._waiting), column, self._numbered(words[:MOST_WORDS]), apart))

    def signatures(self) -> Signatures:
        """One for each prompt, the kept ones first, then those that were added, in that order. Nothing is added after it."""
        self._sign()
        return np.frombuffer(self._signed, SIGNATURE)

    def _sign(self) -> None:
        if not self._waiting:
            return
        signed = np.zeros(len(self._waiting), SIGNATURE)
        for name, column in zip(("id", "opening", "whole"), zip(*self._waiting, strict=True), strict=True):
            signed[name] = column
        if self._texts:
            places, columns, words, numbers = zip(*self._texts, strict=True)
            bands = _bands(words, np.array(numbers, dtype=np.uint64))
            for name in ("opening_bands", "whole_bands"):
                rows = [row for row, column in enumerate(columns) if column == name]
                signed[name][[places[row] for row in rows]] = bands[rows]
            is_short = signed["whole"] == signed["opening"]
            signed["whole_bands"][is_short] = signed["opening_bands"][is_short]
        self._signed += signed.tobytes()
        self._waiting.clear()
        self._texts.clear()

    def _numbered(self, words: Sequence[str]) -> list[int]:
        known = self._number_of
        if len(known) > MOST_KNOWN:
            known.clear()
        return [known[word] if word in known else known.setdefault(word, zlib.crc32(word.encode())) for word in words]


def _bands(words: Sequence[list[int]], apart: Keys) -> Keys:
    """The keys of texts, one row each. `apart`: texts whose numbers differ are not alike, so that they need not meet."""
    lengths = np.array([len(one) for one in words])
    ends = np.cumsum(lengths)
    units = np.array([unit for one in words for unit in one], dtype=np.uint64)
    shingles = units[:-2] * _MIX[0] + units[1:-1] * _MIX[1] + units[2:] * _MIX[2]
    # The last two words of a prompt begin no shingle: what stands there reaches into the next prompt.
    bounds = np.stack([ends - lengths, ends - SHINGLE + 1], axis=1).ravel()
    bounds = bounds[:-1] if bounds[-1] == len(shingles) else bounds
    least = np.stack([np.minimum.reduceat((shingles * factor) >> _SHIFT, bounds)[::2] for factor in _FACTORS], axis=1)
    keys: Keys = ((least[:, ::ROWS] << _SHIFT) | least[:, 1::ROWS]) + apart[:, np.newaxis]
    keys[keys == 0] = 1
    return keys


def _words(text: str) -> list[str]:
    """The words and the signs with a meaning of a text; its characters, where a script has no spaces."""
    folded = text[:LONGEST].casefold().lstrip()
    pattern = WORD
    if not folded.isascii():
        folded = with_hyphens(normalize("NFC", folded))
        pattern = _word_of_any_script()
    if "\n" in folded or "---" in folded or folded[:1] in BULLETS:
        folded = MARKUP.sub("\n", f"\n{folded}")
    found = pattern.findall(folded)
    if found and len(folded) > LONG_WORD * len(found) < sum(map(len, found)):
        return list("".join(found))
    return found


@cache
def _word_of_any_script() -> re.Pattern[str]:
    """`WORD` with letters and their marks, such as vowel signs, which `\\w` leaves out, and with every symbol as a word.

    Made when the first text needs it. Named one by one the characters are found in half the time that `\\w` takes.
    """
    looked_at = [code for code in chain(*LOOKED_AT) if code not in NO_WORDS]
    kinds = [(code, category(chr(code))) for code in looked_at]
    letters = _ranges([code for code, kind in kinds if kind[0] in "LN" or kind in ("Mn", "Mc")])
    symbols = _ranges([code for code, kind in kinds if kind in ("Sm", "Sc", "So")])
    letters += "\u3400-\u9fff\uac00-\ud7ff\U00010000-\U0001efff\U00020000-\U0003ffff"
    symbols += "\U0001f000-\U0001f3fa\U0001f400-\U0001faff"  # without the colours of skin
    return re.compile(rf"[a-z0-9_{letters}]+|[-+=<>%^/&{symbols}]|{SIGN}")


def _ranges(codes: Sequence[int]) -> str:
    """Characters, ascending, as a character class."""
    ends = [place for place, (one, after) in enumerate(pairwise(codes)) if after != one + 1]
    starts = [0, *(place + 1 for place in ends)]
    return "".join(f"{chr(codes[a])}-{chr(codes[z])}" for a, z in zip(starts, [*ends, -1], strict=True))


def said(messages: Sequence[Mapping[str, Any]]) -> str:
    """What a prompt says, without its system prompt: that is often the same for all."""
    return "\n".join(str(message.get("content") or "") for message in messages if message["role"] not in SYSTEM)


def _opening(messages: Sequence[Mapping[str, Any]]) -> str:
    return next((str(message.get("content") or "") for message in messages if message["role"] not in SYSTEM), "")


def groups(
    signatures: Signatures,
    compared: int,
    group_of: Callable[[Sequence[int]], Mapping[int, str]],
    messages_of: Callable[[int], Sequence[Mapping[str, Any]]],
) -> Iterator[list[int]]:
    """Groups of two and more with one at least that is new, each the ids of its prompts, ascending.

    Args:
        signatures: of all prompts, by id; the first `compared` were compared with each other before.
        group_of: the groups, by id, of prompts that were compared before; one that is not in it is not there any more.
            Of a group that is known, only those are told in whose company a new one was found.
        messages_of: the messages of a prompt.
    """
    ids: list[int] = signatures["id"].tolist()
    exact = [*_runs(signatures["opening"], compared), *_runs(signatures["whole"], compared)]
    openings = [run for number in range(BANDS) for run in _runs(signatures["opening_bands"][:, number], compared)]
    # Prompts of one turn meet in their openings.
    has_turns = signatures["whole"] != signatures["opening"]
    wholes = [
        run
        for number in range(BANDS)
        for run in _runs(signatures["whole_bands"][:, number], compared)
        if has_turns[run].any()
    ]
    met = sorted({place for run in (*exact, *openings, *wholes) for place in run if place < compared})
    known = group_of([ids[place] for place in met])
    gone = {place for place in met if ids[place] not in known}
    joined = Joined(len(ids))
    firsts: dict[str, int] = {}
    for place in met:
        if place not in gone:
            joined.join(firsts.setdefault(known[ids[place]], place), place)
    for run in exact:
        first, *others = (place for place in run if place not in gone)
        for place in others:
            joined.join(first, place)
    for run in openings:
        _join_alike(run, gone, compared, joined, lambda place: _opening(messages_of(ids[place])))
    for run in wholes:
        _join_alike(run, gone, compared, joined, lambda place: said(messages_of(ids[place])))
    members: dict[int, list[int]] = {}
    for place in joined.moved:
        members.setdefault(joined.root(place), []).append(place)
    for root, others in members.items():
        if max(others) >= compared:
            yield sorted(ids[place] for place in {root, *others})


def _join_alike(
    run: list[int], gone: Container[int], compared: int, joined: "Joined", text_of: Callable[[int], str]
) -> None:
    """Join those of one band that are alike; each is compared with a few before it, and with none of its own group."""
    firsts: list[int] = []
    for place in run:
        if place in gone:
            continue
        for other in firsts:
            if joined.root(place) == joined.root(other):
                break
            if place >= compared and likeness(text_of(place), text_of(other), ALIKE) >= ALIKE:
                joined.join(other, place)
                break
        else:
            firsts = [*firsts, place][-COMPARED:]


def _runs(keys: Keys, compared: int) -> Iterator[list[int]]:
    """The places of equal keys, ascending, where there are several and the last is new; 0 is no key."""
    if not len(keys):
        return
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    starts = np.append(0, ends[:-1] + 1)
    wanted = (ends > starts) & (ordered[ends] != 0) & (order[ends] >= compared)
    for start, end in zip(starts[wanted].tolist(), ends[wanted].tolist(), strict=True):
        yield order[start : end + 1].tolist()


class Joined:
    """Disjoint sets of places; the least one stands for its set."""

    def __init__(self, count: int) -> None:
        self._parents = array("q", range(count))
        self.moved: set[int] = set()

    def root(self, place: int) -> int:
        while self._parents[place] != place:
            self._parents[place] = self._parents[self._parents[place]]
            place = self._parents[place]
        return place

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first != second:
            self._parents[second] = first
            self.moved.add(second)


def _key(words: Sequence[str]) -> int:
    """Equal for texts whose words are; 0 for a text without any."""
    if not words:
        return 0
    spelled = "\0".join(words).encode()
    return (zlib.crc32(spelled) << 32 | zlib.adler32(spelled)) or 1
