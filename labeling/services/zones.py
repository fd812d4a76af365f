"""Time zones by name, and the moments at which days begin and end in them."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from labeling.errors import InputError

FIRST_YEAR, LAST_YEAR = 1970, 9000


def zone_named(name: str) -> tzinfo:
    """The time zone of that name in the IANA list. UTC is known also where a machine has no such list.

    Raises:
        InputError: there is no zone of that name here.
    """
    if name.strip().upper() == "UTC":
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is a folder of the list, such as Europe
        raise InputError(f"There is no time zone {name!r} here. Use a name such as Europe/Berlin, or UTC.") from None


def span_of_days(
    first_day: date | None, last_day: date | None, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """From the begin of the first day to the end of the last (not included); None where a day is not given.

    Raises:
        InputError: the last day is before the first, or a year is out of reach.
    """
    if first_day and last_day and last_day < first_day:
        raise InputError("The last day is before the first one. Exchange the two.")
    for day in (first_day, last_day):
        if day and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise InputError(f"{day:%d %B} {day.year} is out of reach. Choose a day from {FIRST_YEAR} on.")
    since = None if first_day is None else datetime.combine(first_day, time(), zone)
    until = None if last_day is None else datetime.combine(last_day + timedelta(days=1), time(), zone)
    return since, until
