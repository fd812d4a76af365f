"""How numbers, money, times and names are written on every page."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

# Everything Streamlit's Markdown gives a meaning to: CommonMark's punctuation, `$` (maths), `:` (colours, icons, emoji).
_MARKDOWN = re.compile(r"""[\\`*_{}\[\]()#+\-.!<>|~$:&="'/@^%]""")

_ADDRESS = re.compile(r"https?(?=:)|www(?=\.)|@", re.IGNORECASE)


def escape(text: str) -> str:
    """`text` for a label or another piece of Markdown, to be read exactly as it is, on one line.

    Character references are used, not backslashes: Streamlit replaces `:smile:` and `-->` after the backslashes are gone.
    Addresses are found later still: an invisible joiner keeps them from becoming links.
    """
    line = " ".join(text.split())
    shown = "".join(character for character in line if unicodedata.category(character) not in ("Cc", "Cf"))
    shown = _ADDRESS.sub("\\g<0>\N{WORD JOINER}", shown)
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", shown)


def count(number: int) -> str:
    """`1,284`."""
    return f"{number:,}"


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 pair`, `1,284 pairs`; `many` where an s is not enough."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def percent(part: float, whole: float = 1) -> str:
    """`86 %`. Only all of it is 100 % and only none of it is 0 %; `–` of nothing."""
    if not whole:
        return "–"
    share = 100 * part / whole
    if 0 < share < 1:
        return "under 1 %"
    return f"{min(round(share), 99) if share < 100 else round(share)} %"


def money(low: float, high: float | None = None, digits: int = 2) -> str:
    """US dollars: `$3.35`, or `$3.10–3.60` where the two differ as written. `digits=4` for the price of one reply."""
    smallest = 10**-digits
    if 0 < low < smallest / 2 and (high is None or high < smallest):
        return f"under ${smallest:.{digits}f}"
    first, last = f"{low:,.{digits}f}", f"{low if high is None else high:,.{digits}f}"
    return f"${first}" if first == last else f"${first}–{last}"


def ago(at: datetime, now: datetime | None = None) -> str:
    """`4 minutes ago` up to a day, then the date. A time without a zone is UTC, as it is stored."""
    at, now = _utc(at), _utc(now or datetime.now(UTC))
    passed = now - at
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return plural(passed // timedelta(minutes=1), "minute") + " ago"
    if passed < timedelta(days=1):
        return plural(passed // timedelta(hours=1), "hour") + " ago"
    return f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"


def lasting(seconds: float) -> str:
    """A time that is left: `under a minute`, `about 3 minutes`, `about 2 hours`."""
    if seconds < 60:
        return "under a minute"
    minutes = round(seconds / 60)
    return f"about {plural(minutes, 'minute')}" if minutes < 90 else f"about {plural(round(minutes / 60), 'hour')}"


def size(bytes_: int) -> str:
    """`640 bytes`, `12 kB`, `1.9 MB`, `3.2 GB`; powers of ten."""
    if bytes_ < 1000:
        return plural(bytes_, "byte")
    if bytes_ < 1_000_000:
        return f"{bytes_ / 1000:.0f} kB"
    return f"{bytes_ / 1e6:.1f} MB" if bytes_ < 1_000_000_000 else f"{bytes_ / 1e9:.1f} GB"


def tokens(number: int) -> str:
    """`640`, `12,400`, `0.41 M`."""
    return count(number) if number < 100_000 else f"{number / 1e6:.2f} M"


def token_range(low: int, high: int) -> str:
    """`640`, `120–640`, `12–45 k`, `0.41–1.20 M`: short enough for a figure of a strip."""
    if low == high:
        return tokens(low)
    if high < 10_000:
        return f"{low:,}–{high:,}"
    return f"{low / 1e3:.0f}–{high / 1e3:.0f} k" if high < 1_000_000 else f"{low / 1e6:.2f}–{high / 1e6:.2f} M"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
