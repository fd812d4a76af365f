"""How fast an endpoint may be asked, so that it refuses next to nothing and none of its limit is left unused.

No clock and no I/O: whoever calls tells the moment (seconds, of any clock that all callers share), what was sent and
what came back, and asks how many more may go. One memory serves all workers of a database; it is stored as JSON.

Three cases. A stated pace is kept. A limit that the endpoint tells in its headers is kept, a little under; where a refusal
tells it, all wait as asked first, and nothing of what was measured until then lowers it. An unknown
limit is found by what a refusal tells: between two refusals that were each followed by their wait, exactly as many
requests were let through as the limit allows in that time, whether it is a bucket or a window. The pace then stays a
little under that, and rises slowly and ever quicker while nothing is refused, so that a raised limit is found too.

The first such measurement may be many times too high: what a bucket held at first went through beside what its limit
allows. So each one begins as carefully as the first, with few requests at once and more only for answers, and a bucket
that has run dry costs a handful of refusals until its limit is found, not all that could be in flight, time and again.

Refusals that hit only a few requests of many are not taken for a limit: those requests wait, and the pace gives way by
little, and never by more than the share that was refused could explain. So an endpoint that refuses by chance is not
asked ever more slowly.
"""

from dataclasses import asdict, dataclass, fields

import orjson

from labeling.llm.limits import Limits
from labeling.llm.request import Pace

IN_FLIGHT = 32  # at once, where nothing is known of the endpoint
IN_FLIGHT_PACED = 128  # where a pace is known, which bounds what is sent
FIRST_IN_FLIGHT = 4  # while a limit is looked for: one more for each answer, so that it doubles with each round
BURST_SECONDS = 0.7  # of the pace, that may gather while a worker is held up, and go out at double the pace
FIRST_BURST_SECONDS = 0.1  # at first, and while a limit is looked for
TOKEN_BURST_SECONDS = 5.0
TOKENS_GUESS = 500.0  # of a request and its reply, before there is any reply
UNDER_TOLD = 0.98
UNDER_FOUND = 0.97
BATCH_SECONDS = 0.08  # between looks, where only the pace holds back: what became free meanwhile goes out together
SPREAD_SECONDS = 0.25  # over which the requests of one claim are spread, at most

SEEN = 50  # requests over which the share of refusals is counted
SEEN_AFTER = 24  # how many of them are taken as seen after a limit was met
LIMIT_SHARE = 1 / 5  # from this share of refusals on, it is a limit
LIMIT_SHARE_OF_ONE = 1 / 2  # where it is the first
LIMIT_SHARE_SINCE = 1 / 4  # of all since the limit was last met
STRAY = 1.6  # refusals among the last ones, under which the pace stays as it is
BY_CHANCE = 0.78  # under that share the limit is at most this far below the pace
MOST_BY_CHANCE = 0.06
GIVE_WAY = 0.97
GIVE_WAY_SECONDS = 1.0
FEW = 4  # requests let through, under which a measurement says little
SLOWER = 0.85  # where that is so
CYCLE_SECONDS = 1.0  # shorter ones are measured together with the next
DOUBT = 0.4  # how far a measurement that was mostly waiting is taken as too low
CALM_SECONDS = (15.0, 1.0)  # without refusals before the pace rises: after a sure measurement, after a doubtful one
RISE_SECONDS = (60.0, 4.0)  # after which it has doubled
PAUSE_SECONDS = 5.0  # without a request: nothing was measured in that time
UNPACED_SECONDS = 10.0  # the stretch over which the pace of an endpoint without known limit is measured
FIRST_WAIT_SECONDS = 0.5  # at a refusal that names none; doubled for each one in a row
LONGEST_WAIT_SECONDS = 60.0
SLOWEST = 1 / 600  # requests a second


@dataclass(slots=True)
class Memory:
    """What is known of an endpoint, shared by all workers. Times are seconds of the callers' clock, rates by the second."""

    left: float | None = None  # requests that may go at once; None before the first
    tokens_left: float | None = None
    refilled_at: float = 0.0
    blocked_until: float = 0.0
    told_requests: float | None = None
    told_tokens: float | None = None
    tokens_mean: float | None = None
    rate: float | None = None  # found by refusals; None while there was no reason for one
    top: float = 0.0  # from which the pace gave way to refusals by chance
    eased_at: float = 0.0  # the last time the pace was lowered
    met_at: float = 0.0  # the last time the limit was met: refusals of what was sent before belong to it
    doubt: float = 0.0  # the share of the measured time in which nothing was asked
    calm: int = 0  # requests sent since the pace gave way
    slowed: int = 0  # requests sent since the pace gave way as far as it does
    chance: float = 0.0  # the share of refusals that slowing down did not end
    recoup: float = 0.0  # requests that the limit let gather while all waited
    measured_from: float = 0.0
    taken: int = 0  # since `measured_from`
    refused: int = 0
    taken_at: float = 0.0
    at_once: int = FIRST_IN_FLIGHT  # in flight, while a limit is looked for
    seen: int = 0
    refused_share: float = 0.0  # of the last ones, times `seen`
    waits: int = 0  # in a row, without any answer

    @classmethod
    def read(cls, text: str) -> "Memory":
        """From what `written` gave; what another version wrote is forgotten where it is not known any more."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in orjson.loads(text).items() if name in known})

    def written(self) -> str:
        return orjson.dumps(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was refused for its pace, and the wait that was asked for, in seconds."""

    sent_at: float
    wait: float | None


@dataclass(slots=True)
class News:
    """What came back from an endpoint: `answers` are replies and faults of any kind but refusals.

    `tokens` are the replies' own, `replies` how many told them; `tokens_kept` were set aside for all that came back.
    `unsent` were taken and held back in the end.
    """

    answers: int = 0
    unsent: int = 0
    replies: int = 0
    tokens: int = 0
    tokens_kept: float = 0.0
    refusals: tuple[Refusal, ...] = ()
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests may go now, the seconds between one and the next, and when to look again (None: at the next answer)."""

    requests: int
    gap_seconds: float = 0.0
    again_at: float | None = None


class Pacer:
    """The pace of one endpoint: `learn` what came back, ask for `room`, and `take` what is sent of it."""

    def __init__(self, stated: Pace, memory: Memory) -> None:
        self.stated = stated
        self.memory = memory

    def learn(self, news: News, now: float) -> None:
        memory = self.memory
        if news.answers:
            memory.waits = 0
        if now > memory.blocked_until:
            memory.at_once = min(IN_FLIGHT_PACED, memory.at_once + news.answers)
        knew = memory.told_requests or memory.told_tokens or news.limits is None
        if news.limits is not None:
            memory.told_requests = _by_second(news.limits.requests_per_minute) or memory.told_requests
            memory.told_tokens = _by_second(news.limits.tokens_per_minute) or memory.told_tokens
        if news.replies:
            mean = news.tokens / news.replies
            known = mean if memory.tokens_mean is None else memory.tokens_mean
            memory.tokens_mean = known + (mean - known) * min(1.0, 0.05 * news.replies)
        if memory.tokens_left is not None:
            memory.tokens_left += news.tokens_kept - news.tokens
        if memory.left is not None:
            memory.left += news.unsent
        memory.taken -= min(news.unsent, memory.taken)
        memory.refused_share /= (1 - 1 / SEEN) ** min(SEEN, news.unsent)  # they hide no refusal
        if news.refusals:
            self._refused(news.refusals, now, is_told=not knew)
        if not knew:
            memory.at_once = IN_FLIGHT_PACED  # a pace that is known needs no careful beginning

    def room(self, now: float, *, in_flight: int, most: int) -> Room:
        """How many of `most` may go. Nothing is taken yet."""
        memory = self.memory
        if memory.blocked_until > now:
            return Room(0, again_at=memory.blocked_until)
        self._refill(now)
        rate, tokens = self.rate(now), self._tokens_rate()
        count = min(most, self._most_in_flight() - in_flight)
        if count <= 0:
            return Room(0)
        again = None
        if rate is not None:
            assert memory.left is not None
            count = min(count, int(memory.left))
            again = now + max((1 - memory.left) / rate, BATCH_SECONDS)
        if tokens is not None:
            assert memory.tokens_left is not None
            # A request larger than the whole bucket goes when the bucket is full.
            each = min(self.tokens_each, tokens * TOKEN_BURST_SECONDS)
            affordable = int(memory.tokens_left / each)
            if affordable < count:
                count = max(0, affordable)
                again = max(again or now, now + max((each - memory.tokens_left) / tokens, BATCH_SECONDS))
        gap = 0.0 if rate is None or not count else min(0.5 / rate, SPREAD_SECONDS / count)
        return Room(count, gap, again)

    def take(self, requests: int, now: float) -> None:
        """Say that so many were sent."""
        if not requests:
            return
        memory = self.memory
        pause = now - memory.taken_at
        if pause > PAUSE_SECONDS:
            memory.eased_at += pause if memory.taken_at else 0.0  # the pace does not rise while nobody asks
            self._measure_anew(now)
        elif memory.rate is None and now - memory.measured_from > UNPACED_SECONDS:
            self._measure_anew(now)
        memory.taken_at = now
        memory.taken += requests
        memory.calm += requests
        if memory.rate is not None and memory.rate <= BY_CHANCE * memory.top * 1.01:
            memory.slowed += requests
        memory.refused_share *= (1 - 1 / SEEN) ** requests
        memory.seen = min(SEEN, memory.seen + requests)
        if memory.left is not None:
            memory.left -= requests
        if memory.tokens_left is not None:
            memory.tokens_left -= requests * self.tokens_each

    def rate(self, now: float) -> float | None:
        """Requests a second; None where nothing but the number in flight bounds them."""
        memory = self.memory
        bounds = [_by_second(self.stated.requests_per_minute)]
        if memory.told_requests is not None:
            bounds.append(memory.told_requests * UNDER_TOLD)
        if memory.rate is not None:
            calm = max(0.0, now - memory.eased_at - _between(CALM_SECONDS, memory.doubt))
            bounds.append(memory.rate * (1 + (calm / _between(RISE_SECONDS, memory.doubt)) ** 2))
        return min((bound for bound in bounds if bound is not None), default=None)

    @property
    def tokens_each(self) -> float:
        """Tokens that are set aside for one request and its reply."""
        return TOKENS_GUESS if self.memory.tokens_mean is None else max(1.0, self.memory.tokens_mean)

    def _tokens_rate(self) -> float | None:
        bounds = [_by_second(self.stated.tokens_per_minute)]
        if self.memory.told_tokens is not None:
            bounds.append(self.memory.told_tokens * UNDER_TOLD)
        return min((bound for bound in bounds if bound is not None), default=None)

    def _most_in_flight(self) -> int:
        stated, memory = self.stated, self.memory
        if stated.requests_per_minute or stated.tokens_per_minute:
            return stated.max_in_flight or IN_FLIGHT_PACED
        if memory.told_requests:
            # Few again where it is met all the same: what was told is not the limit then.
            return min(stated.max_in_flight or IN_FLIGHT_PACED, memory.at_once)
        if stated.max_in_flight is not None and memory.rate is None:
            return stated.max_in_flight
        return min(stated.max_in_flight or IN_FLIGHT, memory.at_once)

    def _refill(self, now: float) -> None:
        memory = self.memory
        seconds = max(0.0, now - memory.refilled_at)
        rate, tokens = self.rate(now), self._tokens_rate()
        is_probing = memory.rate is not None and memory.at_once < IN_FLIGHT
        burst_seconds = FIRST_BURST_SECONDS if is_probing else BURST_SECONDS
        memory.left = _filled(memory.left, rate, seconds, burst_seconds, 1.0, memory.recoup)
        memory.tokens_left = _filled(memory.tokens_left, tokens, seconds, TOKEN_BURST_SECONDS, 1.0)
        memory.refilled_at = now

    def _refused(self, refusals: tuple[Refusal, ...], now: float, *, is_told: bool) -> None:
        memory = self.memory
        memory.at_once = max(1, memory.at_once - len(refusals))
        late = sum(one.sent_at <= max(memory.met_at, memory.blocked_until) for one in refusals)
        new = len(refusals) - late
        if not new:
            return  # what was on its way when the limit was met
        memory.refused += new
        memory.refused_share += new
        share = memory.refused_share / max(1, memory.seen)
        # Soon after a limit, the last ones are mostly from before it.
        is_since = memory.met_at and memory.refused >= LIMIT_SHARE_SINCE * memory.taken
        least_share = LIMIT_SHARE if memory.refused_share > 1.5 else LIMIT_SHARE_OF_ONE
        if is_told or is_since or share >= least_share:
            self._meet_limit(max(self._wait(one) for one in refusals), now, is_told=is_told)
        elif memory.calm >= SEEN and memory.refused_share < STRAY:
            return  # one of many
        elif share > 2 * memory.chance and now - memory.eased_at >= GIVE_WAY_SECONDS:
            self._give_way(share, now)

    def _meet_limit(self, wait: float, now: float, *, is_told: bool) -> None:
        memory = self.memory
        memory.waits += 1
        let_through = memory.taken - memory.refused
        asked = max(0.01, now - memory.measured_from)
        cycle = asked + wait
        memory.doubt = wait / cycle
        # A limit that was whole again before the wait was over let through less than it could.
        lowest, highest = max(let_through, 0.5) / cycle, max(let_through, 0.5) / asked
        found = UNDER_FOUND * lowest * (highest / lowest) ** (DOUBT * memory.doubt)
        before = self.rate(now)
        if memory.rate is not None and before is not None:
            # What is paced above what is asked is no pace that was tried.
            tried = before if memory.taken < FEW else min(before, memory.taken / asked)
            if let_through >= FEW:
                found = min(found, UNDER_FOUND * tried)
            else:
                # One more may have been due when the limit was met.
                found = min(max(found, (max(let_through, 0) + 1) / cycle), SLOWER * tried)
        is_measured = not memory.met_at or cycle >= CYCLE_SECONDS
        if memory.told_requests is not None and memory.rate is None:
            # What was met was told: it is kept from here on, and measured only where that does not do.
            found = max(found, UNDER_TOLD * memory.told_requests)
        memory.rate = memory.top = max(found, SLOWEST)
        memory.met_at = now
        memory.blocked_until = max(memory.blocked_until, now + wait)
        # What is told is kept from its first moment as what is stated: what gathered may be less than the wait allows.
        memory.left, memory.recoup = (None, 0.0) if is_told else (0.0, memory.rate * wait / 2)
        memory.refilled_at = now
        memory.at_once = FIRST_IN_FLIGHT
        memory.eased_at = now + wait
        memory.chance, memory.slowed = 0.0, 0
        memory.refused_share, memory.seen = 0.0, min(memory.seen, SEEN_AFTER)
        if is_measured:
            self._measure_anew(now + wait)

    def _give_way(self, share: float, now: float) -> None:
        memory = self.memory
        before = self.rate(now)
        if before is None:
            before = memory.top = memory.taken / max(1.0, now - memory.measured_from)
        elif before > memory.top:
            memory.top, memory.slowed = before, 0
        elif memory.slowed >= SEEN:
            # A limit would have been kept by now: back to where it began, and up from there.
            memory.chance = min(share, MOST_BY_CHANCE)
            memory.rate, memory.doubt, memory.slowed, memory.eased_at = memory.top, 1.0, 0, now
            return
        memory.rate = max(min(GIVE_WAY, 1 - share) * before, BY_CHANCE * memory.top, SLOWEST)
        memory.eased_at, memory.calm = now, 0

    def _wait(self, refusal: Refusal) -> float:
        if refusal.wait is not None:
            return refusal.wait
        return min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(10, self.memory.waits))

    def _measure_anew(self, moment: float) -> None:
        self.memory.measured_from, self.memory.taken, self.memory.refused = moment, 0, 0


def _between(bounds: tuple[float, float], share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share


def _by_second(per_minute: float | None) -> float | None:
    return per_minute / 60 if per_minute else None


def _filled(
    left: float | None, rate: float | None, seconds: float, burst_seconds: float, least: float, recoup: float = 0.0
) -> float | None:
    """A bucket after `seconds`; full where it is new, and None where nothing bounds it."""
    if rate is None:
        return None
    most = max(least, rate * burst_seconds, recoup)
    return max(least, rate * FIRST_BURST_SECONDS) if left is None else min(most, left + seconds * rate)
