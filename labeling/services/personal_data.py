"""Mail addresses, phone numbers, card numbers and keys in texts: found where they look like it, never proof of absence.

A name, an address or a diagnosis is not found here. What is found is left out or masked by a label rule.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any, Final, NamedTuple

KINDS: Final = ("mail", "phone", "card", "key")
MASKS: Final = {kind: f"[{kind}]" for kind in KINDS}

_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])")
_KEY = re.compile(
    r"""(?<![\w-])(?:
      sk-[\w-]{16,} | (?:sk|pk|rk)_(?:live|test)_\w{16,} | AKIA[0-9A-Z]{16} | ASIA[0-9A-Z]{16} | AIza[\w-]{35}
    | gh[pousr]_\w{36,} | github_pat_\w{22,} | glpat-[\w-]{20,} | hf_[A-Za-z]{30,} | xox[abprs]-[\w-]{10,}
    | ya29\.[\w-]{20,} | SG\.[\w-]{16,}\.[\w-]{16,} | eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}
    )(?![\w-])
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----  # to its end, or as far as its lines go
      (?: (?:(?!-----BEGIN)[^\0]){0,20000}?-----END[ ][A-Z ]*PRIVATE[ ]KEY(?:[ ]BLOCK)?----- | (?:\s+[A-Za-z0-9+/=]{16,})* )""",
    re.VERBOSE,
)
# Four digits at a time, as American Express writes them, or in one run: an expiry date or a code may follow.
_CARD = re.compile(
    r"""(?<![\w./])(?: [0-9]{4}([ \u00a0\u202f-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4} | [0-9]{4}([ \u00a0\u202f-])[0-9]{6}\2[0-9]{5}
    | [0-9]{13,19})(?![\w]|\.\d)""",
    re.VERBOSE,
)
_DIGITS = re.compile(r"(?<![\w.,/=-])[+(]?\d(?:[ \u00a0\u202f()./-]{0,2}\d){6,22}(?![\w/]|[.,]\d)")
_DATE_OR_ADDRESS = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}(?: .*)?|\d{1,3}(?:\.\d{1,3}){3}")
_GROUPS = re.compile(r"\d+")
# Of numbers without a plus or a bracket: North America's, China's mobiles, and an area code that begins with 0.
_AS_PHONES_ARE = re.compile(
    r"""\d{3}([ .-])\d{3}\1\d{4} | (?:1[ .-])?[2-9]\d\d[ .-][2-9]\d\d[ .-]\d{4} | 1[3-9]\d([ -])\d{4}\2\d{4}
    | 0[1-9]\d{1,3}[ /-]\d{5,8}""",
    re.VERBOSE,
)
# A quick look rules out most texts before any of the patterns above is tried.
_HAS_DIGITS = re.compile(r"\d(?:[^\w\n]{0,2}\d){6}")
_KEY_BEGINS = (
    "sk-", "sk_", "pk_", "rk_", "AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_",
    "xox", "ya29", "SG.", "eyJ", "-----BEGIN",
)  # fmt: skip


class Found(NamedTuple):
    """One place in a text: `kind` is one of `KINDS`."""

    kind: str
    start: int
    end: int


def find(text: str) -> list[Found]:
    """What looks like personal data or a key, by its place; places do not overlap."""
    found: list[Found] = []
    taken = bytearray()
    for one in sorted(_candidates(text), key=lambda one: (KINDS[::-1].index(one.kind), one.start)):
        taken = taken or bytearray(len(text))
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def mask(text: str, kinds: set[str]) -> str:
    """The text with everything that was found replaced by its kind in brackets; the kinds are added to `kinds`."""
    parts, last = [], 0
    for one in find(text):
        kinds.add(one.kind)
        parts += [text[last : one.start], MASKS[one.kind]]
        last = one.end
    return "".join([*parts, text[last:]]) if parts else text


def masked(value: Any, kinds: set[str]) -> Any:
    """A message, a tool or a tool call (JSON) with all of its texts, names and numbers masked as by `mask`; the arguments
    of a call stay JSON. Names that are the same once masked are numbered, so that none is lost."""
    if isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, one in value.items():
            new = _masked_name(name, kinds, taken=(value, found))
            found[new] = _masked_arguments(one, kinds) if name == "arguments" else masked(one, kinds)
        return found
    if isinstance(value, list):
        return [masked(one, kinds) for one in value]
    if isinstance(value, str):
        return mask(value, kinds)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A whole number may be written with a fraction, 4111111111111111.0.
        text = mask(written := str(int(value) if isinstance(value, float) and value.is_integer() else value), kinds)
        return value if text == written else text
    return value


def _masked_name(name: str, kinds: set[str], taken: Sequence[Mapping[str, Any]]) -> str:
    new = mask(name, kinds)
    if new == name:
        return new
    numbered = (f"{new} {number}" for number in count(2))
    return next(one for one in chain([new], numbered) if not any(one in names for names in taken))


def _masked_arguments(arguments: Any, kinds: set[str]) -> Any:
    try:
        parsed = json.loads(arguments)
    except (TypeError, ValueError):
        return masked(arguments, kinds)
    found = masked(parsed, kinds)
    return arguments if found == parsed else json.dumps(found, ensure_ascii=False)


def kinds_in(text: str) -> int:
    """The kinds found, as bits in the order of `KINDS`: 1 for mail, 2 phone, 4 card, 8 key."""
    bits = 0
    for one in _candidates(text):
        bits |= 1 << KINDS.index(one.kind)
    return bits


def kinds_within(value: Any) -> int:
    """The kinds that `masked` finds in a value (JSON), as bits like those of `kinds_in`."""
    kinds: set[str] = set()
    masked(value, kinds)
    return sum(1 << KINDS.index(kind) for kind in kinds)


def _candidates(text: str) -> Iterator[Found]:
    if any(begins in text for begins in _KEY_BEGINS):
        yield from (Found("key", *match.span()) for match in _KEY.finditer(text))
    if "@" in text:
        yield from (Found("mail", *match.span()) for match in _MAIL.finditer(text))
    if _HAS_DIGITS.search(text):
        yield from (_card(text, *match.span()) for match in _CARD.finditer(text) if _is_card(_digits(match[0])))
        for match in _DIGITS.finditer(text):
            kind = _number(match[0])
            if kind:
                yield _card(text, *match.span()) if kind == "card" else Found(kind, *match.span())


def _card(text: str, start: int, end: int) -> Found:
    """What passes as a card number by its digits: a phone number behind a plus, where it is no longer than one (E.164)."""
    plus = start - 1 if start and text[start] != "+" else start
    if text[plus] == "+" and len(_digits(text[start:end])) <= 15:
        return Found("phone", plus, end)
    return Found("card", start, end)


def _number(written: str) -> str | None:
    """What a run of digits is: a card number by its length, beginning and check digit; a phone number by how it is written."""
    digits = _digits(written)
    if _is_card(digits):
        return "card"
    if not 8 <= len(digits) <= 15 or _DATE_OR_ADDRESS.fullmatch(written):
        return None
    groups = _GROUPS.findall(written)
    # Bare digits are an order number as often as a phone number: only what is written as one is taken for one.
    if written[0] in "+(" or (written.startswith("00") and len(groups) > 1):
        return "phone"
    is_grouped = 3 <= len(groups) <= 6 and all(2 <= len(group) <= 5 for group in groups)
    return "phone" if (is_grouped and digits[0] == "0") or _AS_PHONES_ARE.fullmatch(written) else None


def _digits(written: str) -> str:
    return "".join(character for character in written if character.isascii() and character.isdigit())


def _is_card(digits: str) -> bool:
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and len(set(digits)) > 1 and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    """The check digit of cards (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
