"""Limits as vendors tell them in headers."""

import pytest
from multidict import CIMultiDict

from labeling.llm.limits import Limits, seconds_of, told_limits


def headers(**values: object) -> CIMultiDict[str]:
    return CIMultiDict({f"X-RateLimit-{name.replace('_', '-')}": str(value) for name, value in values.items()})


def test_limits_by_the_minute_are_taken():
    told = headers(
        limit_requests=500, remaining_requests=499, reset_requests="120ms", limit_tokens=200_000, remaining_tokens=199_000, reset_tokens="300ms"
    )  # fmt: skip
    assert told_limits(told) == Limits(500, 200_000)


def test_a_quota_of_the_day_is_no_pace():
    told = headers(limit_requests=14_400, remaining_requests=14_370, reset_requests="2m59.56s", limit_tokens=6000, remaining_tokens=5000, reset_tokens="10s")  # fmt: skip
    assert told_limits(told) == Limits(None, 6000)
    assert told_limits(headers(limit_requests=200, remaining_requests=199, reset_requests="7m12s")) is None


def test_a_refusal_that_names_its_limit_tells_it():
    assert told_limits(headers(limit_requests=3000, remaining_requests=0, reset_requests="1s")) == Limits(3000)


@pytest.mark.parametrize("value", ["", "many", "-3", "nan", "inf", "1e99"])
def test_a_limit_that_is_no_number_is_none(value):
    assert told_limits(headers(limit_requests=value)) is None


def test_silence_is_none():
    assert told_limits(CIMultiDict()) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("7m12.5s", 432.5), ("30", 30), ("2h3m", 7380), ("1d2h", 93600), ("soon", None), ("", None), ("1..2s", None)],
)  # fmt: skip
def test_durations_are_read_as_vendors_write_them(text, seconds):
    assert seconds_of(text) == seconds
