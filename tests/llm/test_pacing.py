"""The pace by simulation: every kind of limiter, known and unknown, one worker and three, without a clock."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.llm.limits import Limits
from labeling.llm.pacing import IN_FLIGHT, Memory, News, Pacer, Refusal
from labeling.llm.request import Pace
from tests.llm.limiters import Bucket, ByChance, Seen, Sliding, Window, simulate

STATED = Pace(3000, None, 64)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("depth", [50, 5])
def test_a_stated_pace_is_kept_and_used(workers, depth):
    seen = simulate(Bucket(50, depth), 600, stated=STATED, workers=workers)
    assert len(seen.answered) == 600
    assert seen.refused_share() <= 0.02
    assert seen.rate() >= 0.95 * 50


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("seed", range(2))
def test_a_limit_that_a_refusal_tells_is_kept_from_then_on(workers, seed):
    seen = simulate(Bucket(50), 600, limits=Limits(3000), workers=workers, seed=seed)
    assert seen.refused_share() <= 0.03
    assert seen.refused_share(seen.first + 4) == 0
    assert seen.rate() >= 0.9 * 50


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("depth", "wait", "least"), [(50, 1, 0.9), (20, 1, 0.85), (5, 1, 0.85), (50, 3, 0.75), (5, 3, 0.7)]
)
def test_a_told_limit_is_kept_however_little_the_bucket_holds_and_however_long_it_makes_wait(
    workers, depth, wait, least
):
    """What is lost of the rate is the one wait that was asked for, and no refusal but the first ones comes of it."""
    seen = simulate(Bucket(50, depth, wait=wait), 600, limits=Limits(3000), workers=workers)
    assert seen.refused_share() <= 0.02
    assert seen.rate() >= least * 50


@pytest.mark.parametrize("workers", [1, 3])
def test_a_told_limit_that_is_not_the_real_one_is_found_to_be_wrong(workers):
    seen = simulate(Bucket(20), 600, limits=Limits(3000), workers=workers)
    assert seen.refused_share() <= 0.10
    assert seen.rate() >= 0.85 * 20


def test_a_refusal_by_chance_lowers_a_told_pace_by_little():
    pacer = Pacer(Pace(), Memory())
    pacer.learn(News(answers=1, limits=Limits(3000)), 1000.0)
    for second in range(60):
        pacer.take(2, 1000.0 + second)
    pacer.learn(News(refusals=(Refusal(1059.0, 1.0), Refusal(1059.0, 1.0), Refusal(1059.0, 1.0))), 1059.1)
    assert pacer.rate(1059.2) >= 45, "the 2 a second that were asked for are no pace"


LIMITERS = {
    "a bucket that names a fixed wait": lambda: Bucket(50),
    "a bucket that names the time to its next token": lambda: Bucket(50, exact=True),
    "a bucket that names no wait": lambda: Bucket(50, wait=None),
    "a window of a second": lambda: Window(50, 1),
}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", LIMITERS)
@pytest.mark.parametrize("seed", range(2))
def test_an_unknown_limit_is_found(kind, workers, seed):
    seen = simulate(LIMITERS[kind](), 600, workers=workers, seed=seed)
    assert len(seen.answered) == 600
    assert seen.refused_share() <= 0.10
    assert seen.rate() >= 0.85 * 50


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", LIMITERS)
def test_an_unknown_limit_that_was_found_is_hardly_ever_met_again(kind, workers):
    seen = simulate(LIMITERS[kind](), 3000, workers=workers)
    assert seen.refused_share(seen.first + 30) <= 0.02
    assert seen.rate(seen.first + 30) >= 0.9 * 50


@pytest.mark.parametrize("limiter", [lambda: Window(600, 60), lambda: Sliding(100, 10), lambda: Bucket(1)])
def test_other_limits_are_found_too(limiter):
    made = limiter()
    per_second = made.per_second if isinstance(made, Bucket) else made.requests / made.seconds
    seen = simulate(made, round(120 * per_second))
    assert len(seen.answered) == round(120 * per_second)
    assert seen.refused_share() <= 0.10
    assert seen.rate() >= 0.7 * per_second


def test_a_limit_that_is_raised_is_found_within_minutes():
    pacer = Pacer(Pace(), Memory())
    pacer.learn(News(answers=100), 990.0)
    pacer.take(40, 990.0)
    pacer.learn(News(refusals=tuple(Refusal(990.0, 1.0) for _ in range(20))), 991.0)
    slow = pacer.rate(992.0)
    assert slow is not None
    assert slow < 20
    seen = simulate(Bucket(60), 6000, memory=pacer.memory)
    assert seen.rate(1000.0 + 90) >= 0.8 * 60


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("share", [0.02, 0.05])
def test_an_endpoint_that_refuses_by_chance_is_not_asked_ever_more_slowly(share, workers):
    seen = simulate(ByChance(share, random.Random(5)), 2000, workers=workers)
    assert len(seen.answered) == 2000
    assert seen.rate(seen.answered[1000]) >= 10


def test_an_endpoint_without_a_limit_is_held_by_the_number_in_flight_alone():
    seen = simulate(ByChance(0, random.Random(1)), 2000)
    assert seen.refused == []
    assert seen.most_in_flight == IN_FLIGHT
    assert seen.rate() >= 0.6 * IN_FLIGHT / 0.2


def test_latency_that_swings_changes_nothing():
    chance = random.Random(2)
    seen = simulate(Bucket(50), 1200, latency=lambda: 0.3 * math.exp(chance.gauss(0, 0.8)))
    assert seen.refused_share() <= 0.10
    assert seen.rate() >= 0.8 * 50


@settings(max_examples=12, deadline=None)
@given(
    per_second=st.floats(2, 100),
    depth_seconds=st.floats(0.2, 60),
    wait=st.sampled_from([None, 0.2, 1.0, 3.0]),
    exact=st.booleans(),
    workers=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_whatever_the_bucket_every_request_is_answered_and_few_are_refused(
    per_second, depth_seconds, wait, exact, workers, seed
):
    limiter = Bucket(per_second, per_second * depth_seconds, wait=wait, exact=exact)
    requests = max(100, round(per_second * 15))
    seen: Seen = simulate(limiter, requests, workers=workers, seed=seed, longest=3000)
    assert len(seen.answered) == requests
    assert seen.refused_share() <= 0.35


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 30),
            st.integers(0, 40),
            st.integers(0, 40),
            st.one_of(st.none(), st.floats(0, 3000)),
            st.integers(0, 200),
        ),
        max_size=40,
    )
)
def test_whatever_comes_back_the_pace_stays_a_pace(events):
    """Any order of answers and refusals, with any wait: the rate is above nothing, room is never negative, no time runs back."""
    memory, now = Memory(), 1000.0
    for seconds, answers, refusals, wait, most in events:
        now += seconds
        pacer = Pacer(Pace(), Memory.read(memory.written()))
        news = News(answers=answers, refusals=tuple(Refusal(now - 0.1, wait) for _ in range(refusals)))
        pacer.learn(news, now)
        room = pacer.room(now, in_flight=0, most=most)
        assert 0 <= room.requests <= most
        assert room.again_at is None or room.again_at >= now
        assert not (room.requests and pacer.memory.blocked_until > now)
        pacer.take(room.requests, now)
        rate = pacer.rate(now)
        assert rate is None or 0 < rate < math.inf
        memory = pacer.memory


def test_tokens_are_set_aside_and_given_back():
    pacer = Pacer(Pace(None, 60_000, 100), Memory())
    assert pacer.room(0.0, in_flight=0, most=100).requests == 0, (
        "a bucket of tokens begins with a tenth of a second's worth"
    )
    room = pacer.room(5.0, in_flight=0, most=100)
    assert room.requests == 10, "5,000 tokens at 500 each, which is the guess"
    pacer.take(room.requests, 5.0)
    assert pacer.room(5.0, in_flight=10, most=100).requests == 0
    pacer.learn(News(answers=10, replies=10, tokens=1000, tokens_kept=5000), 5.0)
    assert pacer.room(5.0, in_flight=0, most=100).requests > 10, "the replies were shorter than the guess"


def test_what_was_held_back_is_not_counted_as_sent():
    pacer = Pacer(STATED, Memory())
    room = pacer.room(0.0, in_flight=0, most=5)
    pacer.take(room.requests, 0.0)
    before = pacer.memory.left
    pacer.learn(News(unsent=2), 0.0)
    assert (pacer.memory.left, pacer.memory.taken) == (before + 2, room.requests - 2)


def test_a_memory_of_another_version_is_read_as_far_as_it_is_known():
    memory = Memory.read('{"rate": 2.5, "unheard_of": 1}')
    assert (memory.rate, memory.left) == (2.5, None)
