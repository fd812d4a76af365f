"""What an endpoint tells of its limits in the headers of its answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# A limit that fills up over a longer time is a quota of an hour or a day: it says how much, not how fast.
LONGEST_WINDOW_SECONDS = 90.0
# requests or tokens -> the names under which the limit, what is left of it, and the time until it is whole again are sent
NAMES = {
    kind: (f"x-ratelimit-limit-{kind}", f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}")
    for kind in ("requests", "tokens")
}
DURATION = re.compile(r"^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s)?)?$")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by the minute as told; None where nothing usable was said."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


def told_limits(headers: Mapping[str, str]) -> Limits | None:
    """What `headers` (names in any case, if the mapping ignores it) say of the endpoint's pace; None where they are silent."""
    if not any(names[0] in headers for names in NAMES.values()):
        return None
    found = Limits(_per_minute(headers, *NAMES["requests"]), _per_minute(headers, *NAMES["tokens"]))
    return None if found == Limits() else found


def seconds_of(text: str) -> float | None:
    """Seconds of a duration as vendors write it: `1s`, `6m0s`, `20ms`, `7m12.5s`, `30`."""
    match = DURATION.match(text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, rest, unit = match.groups()
    try:
        seconds = float(rest or 0) * (0.001 if unit == "ms" else 1.0)
    except ValueError:
        return None
    return int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def _per_minute(headers: Mapping[str, str], limit_name: str, left_name: str, reset_name: str) -> float | None:
    limit, left = _number(headers.get(limit_name)), _number(headers.get(left_name))
    if not limit or limit <= 0:
        return None
    reset = seconds_of(headers.get(reset_name, ""))
    if reset is not None and left is not None and 0 <= left < limit:
        # The time until it is whole again is that of the part which was used.
        window = reset * limit / (limit - left)
        if window > LONGEST_WINDOW_SECONDS:
            return None
    return limit


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e12 else None
