"""Which prompts belong together: near-duplicates, and turns of one conversation. Pure.

A split that parted them would test a model on what it was trained on. Prompts are joined whose opening is the same text
(without case, spacing and marks), and such as are alike by `sifting.likeness`; candidates for the latter are found by
signatures, so that not every prompt is compared with every other.

Source of the signatures: Broder (1997), On the resemblance and containment of documents.
"""

import re
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from labeling.sifting import FEWEST_WORDS, likeness

ALIKE = 0.85
BANDS, ROWS = 8, 2  # two prompts of which half the shingles are the same share a band in 9 of 10 cases
SHINGLE = 3
NO_BANDS = (0,) * BANDS
MOST_WORDS, LONGEST, LONG_WORD = 2000, 40_000, 15  # as in `sifting`
AT_ONCE = 2000  # prompts whose signatures are made together
MOST_KNOWN = 500_000
WORD = re.compile(r"\w+|[-+=<>%^/]")
COMPARED = 4  # of those in one band each is compared with so many before it

_lots = np.random.Generator(np.random.PCG64(1997))
_FACTORS = _lots.integers(1, 2**63, (BANDS * ROWS, 1), dtype=np.uint64) | np.uint64(1)
_MIX = _lots.integers(1, 2**63, SHINGLE, dtype=np.uint64) | np.uint64(1)
_SHIFT = np.uint64(32)


@dataclass(slots=True)
class Prompts:
    """Prompts by id with their signatures, as numbers: memory is 88 bytes a prompt."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    opening: "array[int]" = field(default_factory=lambda: array("Q"))
    whole: "array[int]" = field(default_factory=lambda: array("Q"))
    bands: "array[int]" = field(default_factory=lambda: array("Q"))  # BANDS of each; 0 for those that are too short
    _waiting: list[tuple[int, list[int], int]] = field(default_factory=list)  # place, words and numbers as numbers
    _number_of: dict[str, int] = field(default_factory=dict)  # of words met before

    def add(self, prompt_id: int, messages: Sequence[Mapping[str, Any]]) -> None:
        """Take a prompt; ids ascend."""
        opening = whole = _words(_opening(messages))
        if len(messages) > 1:
            whole = _words(said(messages))
        self.ids.append(prompt_id)
        self.opening.append(_key(opening))
        self.whole.append(_key(whole))
        self.bands.extend(NO_BANDS)
        if len(whole) >= FEWEST_WORDS:
            numbers = sorted(word for word in whole if word[0].isdigit())
            key = zlib.crc32("\0".join(numbers).encode())
            self._waiting.append((len(self.ids) - 1, self._numbered(whole[:MOST_WORDS]), key))
            if len(self._waiting) == AT_ONCE:
                self.sign()

    def sign(self) -> None:
        """Make the signatures of the prompts that wait for theirs, many at once."""
        if not self._waiting:
            return
        places, words, numbers = zip(*self._waiting, strict=True)
        self._waiting.clear()
        lengths = np.array([len(one) for one in words])
        ends = np.cumsum(lengths)
        units = np.array([unit for one in words for unit in one], dtype=np.uint64)
        shingles = units[:-2] * _MIX[0] + units[1:-1] * _MIX[1] + units[2:] * _MIX[2]
        # The last two words of a prompt begin no shingle: what stands there reaches into the next prompt.
        bounds = np.stack([ends - lengths, ends - SHINGLE + 1], axis=1).ravel()
        bounds = bounds[:-1] if bounds[-1] == len(shingles) else bounds
        least = [np.minimum.reduceat((shingles * factor) >> _SHIFT, bounds)[::2] for factor in _FACTORS]
        # Texts whose numbers differ are not alike, so that they need not meet.
        apart = np.array(numbers, dtype=np.uint64)
        for band in range(BANDS):
            keys = ((least[2 * band] << _SHIFT) | least[2 * band + 1]) + apart
            for place, key in zip(places, keys.tolist(), strict=True):
                self.bands[place * BANDS + band] = key or 1

    def _numbered(self, words: Sequence[str]) -> list[int]:
        known = self._number_of
        if len(known) > MOST_KNOWN:
            known.clear()
        return [known[word] if word in known else known.setdefault(word, zlib.crc32(word.encode())) for word in words]


def _words(text: str) -> list[str]:
    """The words and the signs of arithmetic of a text; its characters, where a script has no spaces."""
    found = WORD.findall(text[:LONGEST].casefold())
    if found and sum(map(len, found)) > LONG_WORD * len(found):
        return list("".join(found))
    return found


def said(messages: Sequence[Mapping[str, Any]]) -> str:
    """What a prompt says, without its system prompt: that is often the same for all."""
    return "\n".join(str(message.get("content") or "") for message in messages if message["role"] not in SYSTEM)


SYSTEM = ("system", "developer")


def groups(prompts: Prompts, text_of: Callable[[int], str]) -> Iterator[list[int]]:
    """Groups of two and more, each the ids of its prompts, ascending. `text_of` gives what `said` says of a prompt."""
    prompts.sign()
    joined = _Joined(len(prompts.ids))
    for keys in (prompts.opening, prompts.whole):
        for places in _runs(np.frombuffer(keys, dtype=np.uint64)):
            for place in places[1:]:
                joined.join(places[0], place)
    bands = np.frombuffer(prompts.bands, dtype=np.uint64).reshape(-1, BANDS)
    for number in range(BANDS):
        for places in _runs(np.ascontiguousarray(bands[:, number])):
            _join_alike(places, prompts, joined, text_of)
    members: dict[int, list[int]] = {}
    for place in joined.moved:
        members.setdefault(joined.root(place), []).append(place)
    for root, others in members.items():
        yield sorted(prompts.ids[place] for place in {root, *others})


def _join_alike(places: list[int], prompts: Prompts, joined: "_Joined", text_of: Callable[[int], str]) -> None:
    """Join those of one band that are alike; each is compared with a few before it, and with none of its own group."""
    firsts: list[int] = []
    for place in places:
        for other in firsts:
            if joined.root(place) == joined.root(other):
                break
            if likeness(text_of(prompts.ids[place]), text_of(prompts.ids[other]), ALIKE) >= ALIKE:
                joined.join(other, place)
                break
        else:
            firsts = [*firsts, place][-COMPARED:]


def _runs(keys: npt.NDArray[np.uint64]) -> Iterator[list[int]]:
    """The places of equal keys, where there are several; 0 is no key."""
    order = np.argsort(keys, kind="stable")
    sorted_ = keys[order]
    ends = np.flatnonzero(np.append(sorted_[1:] != sorted_[:-1], True)) if len(keys) else np.zeros(0, dtype=np.int64)
    start = 0
    for end in ends.tolist():
        if end > start and sorted_[start]:
            yield order[start : end + 1].tolist()
        start = end + 1


class _Joined:
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


def _opening(messages: Sequence[Mapping[str, Any]]) -> str:
    return next((str(message.get("content") or "") for message in messages if message["role"] not in SYSTEM), "")


def _key(words: Sequence[str]) -> int:
    """Equal for texts whose words are; 0 for a text without any."""
    if not words:
        return 0
    spelled = "\0".join(words).encode()
    return (zlib.crc32(spelled) << 32 | zlib.adler32(spelled)) or 1
