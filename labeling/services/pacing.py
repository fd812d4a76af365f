"""The pace of endpoints in a worker's transaction: what came back is learnt, and what may be sent is known to all workers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from labeling.llm.faults import Fault
from labeling.llm.pacing import Memory, News, Pacer, Refusal, Room
from labeling.llm.reply import Reply
from labeling.llm.request import Pace
from labeling.storage.claims import Claimed
from labeling.storage.paces import PaceRow, locked_paces, remember
from labeling.storage.store import Session


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a claim: a reply, a fault, or nothing where it was held back and never sent.

    `sent_at` is a moment of the wall clock in seconds, which the workers of one database share well enough.
    """

    claimed: Claimed
    got: Reply | Fault | None
    sent_at: float = 0.0


class Paced:
    """Endpoints whose paces are this transaction's until it ends. Times are seconds of the wall clock."""

    def __init__(self, session: Session, endpoints: Iterable[str], now: float) -> None:
        self._session = session
        self._now = now
        self._rows = {row.endpoint: row for row in locked_paces(session, endpoints)}
        self._pacers = {name: Pacer(_stated(row), Memory.read(row.memory)) for name, row in self._rows.items()}
        self._taken: dict[str, int] = {}

    def learn(self, endpoint: str, news: News, blocked_until: float) -> None:
        """Take in what came back; `blocked_until` holds back all of the endpoint, as when it cannot be reached."""
        pacer = self._pacers.get(endpoint)
        if pacer is not None:
            pacer.learn(news, self._now)
            pacer.memory.blocked_until = max(pacer.memory.blocked_until, blocked_until)

    def room(self, endpoint: str, most: int) -> Room:
        pacer, row = self._pacers[endpoint], self._rows[endpoint]
        return pacer.room(self._now, in_flight=row.in_flight + self._taken.get(endpoint, 0), most=most)

    def take(self, endpoint: str, requests: int) -> float:
        """Say that so many are sent; the tokens that are set aside for each of them."""
        self._taken[endpoint] = self._taken.get(endpoint, 0) + requests
        self._pacers[endpoint].take(requests, self._now)
        return self._pacers[endpoint].tokens_each

    def remember(self) -> None:
        for name, pacer in self._pacers.items():
            until = pacer.memory.blocked_until
            blocked = datetime.fromtimestamp(until, UTC) if until > self._now else None
            remember(self._session, name, pacer.memory.written(), blocked)


def news_of(finished: Sequence[Finished], tokens_kept: dict[int, float]) -> dict[str, News]:
    """What came back from each endpoint. `tokens_kept`: request id -> tokens that were set aside for it."""
    found: dict[str, News] = {}
    for one in finished:
        news = found.setdefault(one.claimed.endpoint, News())
        got = one.got
        news.tokens_kept += tokens_kept.pop(one.claimed.request_id, 0.0)
        if got is None:
            news.unsent += 1
            continue
        news.limits = got.limits or news.limits
        if isinstance(got, Fault):
            if got.code == "rate_limited":
                news.refusals = (*news.refusals, Refusal(one.sent_at, got.retry_after))
            elif got.code != "unreachable":
                news.answers += 1
            continue
        news.answers += 1
        if got.prompt_tokens is not None and got.completion_tokens is not None:
            news.replies += 1
            news.tokens += got.prompt_tokens + got.completion_tokens
    return found


def _stated(row: PaceRow) -> Pace:
    return Pace(row.requests_per_minute, row.tokens_per_minute, row.max_in_flight)
