"""An annotator's own labels: listed newest first, searched, and opened as they were seen.

Nothing in it tells who wrote a completion, and nobody else's label is in it. Words are looked for in the texts of a
bounded number of labels at a time: a page says how far back it has looked, and the next one goes on from there.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from labeling.domain import Actor, Prompt, Right, RoundPurpose, ScreenVerdict, Side, Verdict, screen_verdict
from labeling.errors import NotFoundError
from labeling.services.access import open_project
from labeling.services.zones import span_of_days, zone_named
from labeling.storage import history as rows
from labeling.storage.history import Kind, Place, Sought
from labeling.storage.labels import rater_of
from labeling.storage.served import Reply, texts_of_pairs
from labeling.storage.store import Session, Store
from labeling.storage.tables import Project

PAGE = 50
# How many labels are read, with all their texts, while one page of a search is filled.
MOST_READ = 3_000
READ_AT_ONCE = 300
HEADING = 160  # characters of a prompt in the list
PAIR_NUMBER = re.compile(r"#\s*(\d{1,18})")


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What to look for. `words` are found in prompt, replies, comment, reasons and edit, whatever their case; `#12` is
    pair 12. The days are those of `zone`, both included."""

    words: str = ""
    pair_id: int | None = None
    kind: Kind | None = None
    round_name: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """My newest event on a pair in a round. `verdict` is of the screen, None where the pair is not labelled now."""

    pair_id: int
    round_name: str
    purpose: RoundPurpose
    at: datetime
    action: str
    verdict: ScreenVerdict | None
    strength: int | None
    revisions: int
    is_surplus: bool
    prompt: str | None  # None where the pair is sensitive: it is covered until it is opened
    comment: str | None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`older` is where the next page begins, None at the end. `read` labels were searched for words, back to `read_to`."""

    entries: tuple[HistoryEntry, ...]
    older: Place | None
    read: int = 0
    read_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One event on a pair, as it was on my screen; numbers of the guidelines and the renderer that I had before me."""

    number: int
    at: datetime
    action: str
    verdict: ScreenVerdict | None
    strength: int | None
    criteria: Mapping[str, ScreenVerdict]
    reasons: tuple[str, ...]
    comment: str | None
    edited: str | None
    seconds: float
    guidelines: int | None
    renderer: str | None
    is_surplus: bool


@dataclass(frozen=True, slots=True)
class OwnFlag:
    at: datetime
    reasons: tuple[str, ...]
    comment: str | None


@dataclass(frozen=True, slots=True)
class OpenedLabel:
    """A pair that I had before me: the texts in my order, everything I did with it, and whether it may be changed."""

    pair_id: int
    round_name: str
    purpose: RoundPurpose
    prompt: Prompt
    left: Reply
    right: Reply
    is_sensitive: bool
    revisions: tuple[Revision, ...]  # newest first
    flags: tuple[OwnFlag, ...]
    guidelines: str  # the text of the version of the newest revision
    locked: str | None  # why it cannot be changed


def history(
    store: Store, actor: Actor, slug: str, query: HistoryQuery | None = None, before: Place | None = None
) -> HistoryPage:
    """One page of the actor's own labels, newest first; `before` is `older` of the page before.

    Raises:
        InputError: the time zone is unknown, or the days are in the wrong order.
        NotFoundError: there is no such round.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    query = _with_pair(query or HistoryQuery())
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        rater_id = rater_of(session, actor.account_id)
        assert project.id is not None
        if rater_id is None:
            return HistoryPage((), None)
        sought = _sought(session, rater_id, project.id, query)
        if query.words:
            return _search(session, rater_id, project.id, sought, query.words, before)
        found = rows.newest_labels(session, rater_id, project.id, sought, before, PAGE + 1)
        older = _place(found[PAGE - 1]) if len(found) > PAGE else None
        return HistoryPage(_entries(session, found[:PAGE]), older)


def own_rounds(store: Store, actor: Actor, slug: str) -> list[str]:
    """The names of the rounds in which the actor was ever served a pair, oldest first."""
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        rater_id = rater_of(session, actor.account_id)
        assert project.id is not None
        return [] if rater_id is None else [row.name for row in rows.rounds_worked_in(session, rater_id, project.id)]


def opened_label(store: Store, actor: Actor, slug: str, pair_id: int, round_name: str | None = None) -> OpenedLabel:
    """A pair that the actor has decided on, in the named round, else in the one of the newest event.

    Raises:
        NotFoundError: the actor has done nothing with this pair, or there is no such pair or round.
        NotFoundError, ForbiddenError: as `open_project`.
    """
    with store.reading() as session:
        project = open_project(session, actor, slug, Right.LABEL)
        assert project.id is not None
        missing = NotFoundError(f"You have no label on pair {pair_id} in {project.name!r}. Choose one from the list.")
        rater_id = rater_of(session, actor.account_id)
        if rater_id is None:
            raise missing
        query = HistoryQuery(pair_id=pair_id, round_name=round_name)
        found = rows.newest_labels(
            session, rater_id, project.id, _sought(session, rater_id, project.id, query), None, 1
        )
        if not found:
            raise missing
        return _opened(session, project, rater_id, found[0])


def _opened(session: Session, project: Project, rater_id: int, newest: Any) -> OpenedLabel:
    assert project.id is not None
    pair_id, round_id = newest.pair_id, newest.round_id
    texts = texts_of_pairs(session, [pair_id])[pair_id]
    left = rows.left_side(session, rater_id, round_id, pair_id)
    events = tuple(_revision(row, left) for row in rows.revisions(session, rater_id, round_id, pair_id))
    number = events[0].guidelines
    closed = next(row.closed_at for row in rows.rounds_worked_in(session, rater_id, project.id) if row.id == round_id)
    return OpenedLabel(
        pair_id=pair_id,
        round_name=newest.round_name,
        purpose=RoundPurpose(newest.purpose),
        prompt=texts.prompt,
        left=texts.a if left == "a" else texts.b,
        right=texts.b if left == "a" else texts.a,
        is_sensitive=texts.is_sensitive,
        revisions=events,
        flags=tuple(
            OwnFlag(row.created_at, tuple(json.loads(row.reasons or "[]")), row.comment)
            for row in rows.flags_of(session, rater_id, pair_id, round_id)
        ),
        guidelines="" if number is None else rows.guidelines_with(session, project.id, number) or "",
        locked=_locked(project, newest, closed),
    )


def _locked(project: Project, newest: Any, round_closed_at: datetime | None) -> str | None:
    if project.closed_at is not None or round_closed_at is not None:
        return "The round is closed: no label of it can be changed. Ask its lead to open it."
    if newest.purpose == RoundPurpose.PRACTICE:
        return "A practice label stays as it was given: its answer has been shown."
    return None


def _revision(row: Any, left: Side) -> Revision:
    criteria = json.loads(row.criteria or "{}")
    return Revision(
        number=row.revision,
        at=row.created_at,
        action=row.action,
        verdict=_on_screen(row.verdict, row.left_side or left),
        strength=row.strength,
        criteria={name: screen_verdict(Verdict(said), row.left_side or left) for name, said in criteria.items()},
        reasons=tuple(json.loads(row.reasons or "[]")),
        comment=row.comment,
        edited=row.edited,
        seconds=max(0, (row.milliseconds or 0) - (row.away_milliseconds or 0)) / 1000,
        guidelines=row.guidelines,
        renderer=row.renderer_version,
        is_surplus=row.is_surplus,
    )


def _on_screen(verdict: str | None, left: Side) -> ScreenVerdict | None:
    return None if verdict is None else screen_verdict(Verdict(verdict), left)


# --- the list ---


def _with_pair(query: HistoryQuery) -> HistoryQuery:
    """`#12` among the words is a pair's number."""
    words = query.words.strip()
    number = PAIR_NUMBER.fullmatch(words)
    if number is not None:
        return replace(query, words="", pair_id=int(number[1]))
    return replace(query, words=words.casefold())


def _sought(session: Session, rater_id: int, project_id: int, query: HistoryQuery) -> Sought:
    since, until = span_of_days(query.first_day, query.last_day, zone_named(query.zone))
    round_id = None
    if query.round_name is not None:
        known = {row.name: row.id for row in rows.rounds_worked_in(session, rater_id, project_id)}
        if query.round_name not in known:
            raise NotFoundError(f"You have no label in a round {query.round_name!r}. Leave the round out to see all.")
        round_id = known[query.round_name]
    return Sought(pair_id=query.pair_id, round_id=round_id, kind=query.kind, since=since, until=until)


def _search(
    session: Session, rater_id: int, project_id: int, sought: Sought, words: str, before: Place | None
) -> HistoryPage:
    """Read texts back from `before` until a page is full, all is read, or enough for one page was read."""
    kept: list[Any] = []
    read = 0
    at: datetime | None = None
    while read < MOST_READ:
        found = rows.newest_labels(session, rater_id, project_id, sought, before, READ_AT_ONCE)
        hits = _with_words(session, [row.id for row in found], words)
        for row in found:
            read, at, before = read + 1, row.created_at, _place(row)
            if row.id in hits:
                kept.append(row)
            if len(kept) == PAGE:
                return HistoryPage(_entries(session, kept), before, read, at)
        if len(found) < READ_AT_ONCE:
            return HistoryPage(_entries(session, kept), None, read, at)
    return HistoryPage(_entries(session, kept), before, read, at)


def _with_words(session: Session, label_ids: list[int], words: str) -> set[int]:
    """Those of the labels in whose texts the words stand."""
    hits = set()
    for row in rows.words_of(session, label_ids):
        texts = (row.a, row.b, row.comment, row.edit, row.a_calls, row.b_calls, *_contents(row.messages))
        if any(text and words in text.casefold() for text in (*texts, *json.loads(row.reasons or "[]"))):
            hits.add(row.id)
    return hits


def _contents(messages: str) -> list[str]:
    return [str(message.get("content") or "") for message in json.loads(messages)]


def _entries(session: Session, found: list[Any] | Any) -> tuple[HistoryEntry, ...]:
    heads = rows.headings(session, [row.id for row in found])
    return tuple(_entry(row, heads[row.id]) for row in found)


def _entry(row: Any, head: Any) -> HistoryEntry:
    return HistoryEntry(
        pair_id=row.pair_id,
        round_name=row.round_name,
        purpose=RoundPurpose(row.purpose),
        at=row.created_at,
        action=row.action,
        verdict=_on_screen(row.verdict, row.left_side),
        strength=row.strength,
        revisions=row.revision,
        is_surplus=row.is_surplus,
        prompt=None if head.is_sensitive else " ".join(_contents(head.messages)[-1].split())[:HEADING],
        comment=head.comment,
    )


def _place(row: Any) -> Place:
    return Place(row.created_at, row.seq)
