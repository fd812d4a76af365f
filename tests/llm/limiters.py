"""Limiters as endpoints have them, and a simulation of workers in front of one: no clock runs, no socket is opened."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from labeling.llm.limits import Limits
from labeling.llm.pacing import Memory, News, Pacer, Refusal
from labeling.llm.request import Pace

REFUSED_AFTER = 0.01  # seconds until a refusal is back


class Bucket:
    """A token bucket; `depth` in requests. `exact`: it names the time to its next token, else always `wait` seconds."""

    def __init__(self, per_second: float, depth: float | None = None, *, wait: float | None = 1.0, exact: bool = False):
        self.per_second, self.depth = per_second, max(1.0, per_second if depth is None else depth)
        self.wait, self.exact = wait, exact
        self.left, self.at = self.depth, 0.0

    def admits(self, now: float) -> bool:
        self.left = min(self.depth, self.left + (now - self.at) * self.per_second)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def asks_to_wait(self, now: float) -> float | None:
        return (1 - self.left) / self.per_second if self.exact else self.wait


class Window:
    """So many requests in each `seconds`; the wait it names is the time to the next window."""

    def __init__(self, requests: int, seconds: float):
        self.requests, self.seconds = requests, seconds
        self.number, self.used = 0, 0

    def admits(self, now: float) -> bool:
        number = int(now / self.seconds)
        if number != self.number:
            self.number, self.used = number, 0
        self.used += 1
        return self.used <= self.requests

    def asks_to_wait(self, now: float) -> float | None:
        return (int(now / self.seconds) + 1) * self.seconds - now


class Sliding:
    """So many requests in the last `seconds`, at any moment."""

    def __init__(self, requests: int, seconds: float):
        self.requests, self.seconds = requests, seconds
        self.times: deque[float] = deque()

    def admits(self, now: float) -> bool:
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        if len(self.times) >= self.requests:
            return False
        self.times.append(now)
        return True

    def asks_to_wait(self, now: float) -> float | None:
        return self.times[0] + self.seconds - now


class ByChance:
    """Refuses a share of all requests, whatever the pace."""

    def __init__(self, share: float, chance: random.Random, wait: float | None = 1.0):
        self.share, self.chance, self.wait = share, chance, wait

    def admits(self, now: float) -> bool:
        return self.chance.random() >= self.share

    def asks_to_wait(self, now: float) -> float | None:
        return self.wait


@dataclass
class Seen:
    """What came of a simulation: times of answers and refusals, and how long it took."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    first: float = 0.0
    most_in_flight: int = 0

    def refused_share(self, since: float = 0.0) -> float:
        refused = sum(at >= since for at in self.refused)
        return refused / max(1, refused + sum(at >= since for at in self.answered))

    def rate(self, since: float = 0.0) -> float:
        """Answers a second, from the first request or from `since`."""
        start = max(self.first, since)
        return sum(at >= start for at in self.answered) / max(1e-9, self.answered[-1] - start)


def simulate(
    limiter: Bucket | Window | Sliding | ByChance,
    requests: int,
    *,
    stated: Pace | None = None,
    workers: int = 1,
    latency: Callable[[], float] = lambda: 0.2,
    seed: int = 0,
    limits: Limits | None = None,
    memory: Memory | None = None,
    longest: float = 3600.0,
    start: float = 1000.0,
) -> Seen:
    """Workers that look every 20 to 60 ms, each with news of its own, on one memory. `limits` come with every refusal."""
    chance = random.Random(seed)
    seen = Seen(first=start)
    memory = memory or Memory()
    waiting, in_flight = requests, 0
    later: list[tuple[float, int]] = []  # refused ones come again after their wait
    turns = [(start + worker * 0.013, worker) for worker in range(workers)]
    heapq.heapify(turns)
    coming: list[list[tuple[float, float, bool, float | None]]] = [[] for _ in range(workers)]
    held = [0.0] * workers  # what a worker has not sent yet, it holds back at a refusal
    number = turn = 0
    sends: list[tuple[float, int, int]] = []
    unsent = [0] * workers
    while len(seen.answered) < requests and turns[0][0] < start + longest:
        now, worker = heapq.heappop(turns)
        while sends and sends[0][0] <= now:
            at, _, by = heapq.heappop(sends)
            if held[by] > at:
                unsent[by] += 1
                in_flight -= 1
                waiting += 1
                continue
            if limiter.admits(at):
                heapq.heappush(coming[by], (at + latency(), at, True, None))
            else:
                wait = limiter.asks_to_wait(at)
                heapq.heappush(coming[by], (at + REFUSED_AFTER, at, False, wait))
                if wait is not None and wait > 0.05:
                    held[by] = max(held[by], at + REFUSED_AFTER)
        news = News(unsent=unsent[worker])
        unsent[worker] = 0
        refusals = []
        while coming[worker] and coming[worker][0][0] <= now:
            back, at, is_good, wait = heapq.heappop(coming[worker])
            in_flight -= 1
            if is_good:
                seen.answered.append(back)
                news.answers += 1
                news.replies += 1
                news.tokens += 60
            else:
                seen.refused.append(back)
                refusals.append(Refusal(at, wait))
                number += 1
                heapq.heappush(later, (now + (wait or 0.5), number))
        news.refusals = tuple(refusals)
        news.limits = limits if refusals else None
        while later and later[0][0] <= now:
            heapq.heappop(later)
            waiting += 1
        if turn % 20 == 0:
            memory = Memory.read(memory.written())  # as it goes through the database
        turn += 1
        pacer = Pacer(stated or Pace(), memory)
        pacer.learn(news, now)
        room = pacer.room(now, in_flight=in_flight, most=min(waiting, 256))
        pacer.take(room.requests, now)
        memory = pacer.memory
        waiting -= room.requests
        in_flight += room.requests
        seen.most_in_flight = max(seen.most_in_flight, in_flight)
        for one in range(room.requests):
            number += 1
            heapq.heappush(sends, (now + 0.002 + one * room.gap_seconds, number, worker))
        heapq.heappush(turns, (now + chance.uniform(0.02, 0.06), worker))
    seen.answered.sort()
    return seen
