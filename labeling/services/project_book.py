"""A project's pairs and current labels as columns in memory, so that what a rule does can be shown at once.

Reading 300,000 labels takes a second or two; a book that was read before takes in only what came since. Two projects
are kept, at about 60 bytes a label and 20 a pair (80 where replies are looked at). Nothing in it is text.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from threading import Lock
from typing import TypeAlias

import numpy as np

from labeling.services.deciding import Ballot, results_of
from labeling.services.votes import Column, Events, Results, last_events
from labeling.storage import exports as rows
from labeling.storage import vote_columns as columns
from labeling.storage.store import Session, Store

MOST_BOOKS = 2
Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Sides:
    """What is known of the two sides of each pair of a book without reading them.

    `a` and `b` name replies: two completions of a prompt that say the same have one name. Lengths are characters;
    `a_own`, `b_own`: whether `model`, the one to be tuned, wrote it.
    """

    model: str | None
    a: Column
    b: Column
    a_id: Column
    b_id: Column
    a_length: Column
    b_length: Column
    a_own: Column
    b_own: Column


@dataclass(frozen=True, slots=True)
class Book:
    """Pairs by id with their prompts; the last events on them, in which raters are still told by id and purposes by none.

    `hidden` and `erasure` are of the moment it was read: where they changed, it is read anew. `rounds` and `revisions`
    are of the events.
    """

    hidden: tuple[int, ...]
    erasure: int
    mark: int
    pair_id: Column
    prompt_id: Column
    events: Events
    rounds: Column
    revisions: Column
    sides: Sides | None = None

    def events_of(self, held: Ballot) -> Events:
        """With raters told by their places, and the purpose of each round as the rules see it."""
        purposes = np.zeros(int(self.rounds.max(initial=0)) + 1, dtype=np.int8)
        for round_id, purpose in held.purposes.items():
            if round_id < len(purposes):
                purposes[round_id] = purpose
        return replace(self.events, rater=held.raters.places(self.events.rater), purpose=purposes[self.rounds])


_books: OrderedDict[Place, Book] = OrderedDict()
_locks: dict[Place, Lock] = {}
_lock = Lock()


def book_of(store: Store, session: Session, held: Ballot) -> Book:
    """The project's book at the moment of `session`, of which `held` is."""
    return _opened(store, session, held, None, with_sides=False)


def book_with_sides(store: Store, session: Session, held: Ballot, model: str | None) -> tuple[Book, Sides]:
    """The same with the sides of its pairs; `model` is the one to be tuned."""
    book = _opened(store, session, held, model, with_sides=True)
    assert book.sides is not None
    return book, book.sides


def _opened(store: Store, session: Session, held: Ballot, model: str | None, *, with_sides: bool) -> Book:
    place = (str(store.url), held.project_id)
    with _lock:
        turn = _locks.setdefault(place, Lock())
    with turn:  # who comes second waits for the first, who reads for both
        with _lock:
            known = _books.get(place)
        erasure = columns.last_erasure(session)
        book = known
        if book is None or (book.hidden, book.erasure) != (tuple(held.hidden), erasure) or book.mark > held.mark:
            book = _empty(held, erasure)
        book = _read_on(session, held, book)
        if len(book.pair_id) != rows.count_visible_pairs(session, held.project_id, held.hidden):
            # Another transaction stored a pair with a smaller id later than one with a greater: take all of them.
            book = _read_on(session, held, _empty(held, erasure))
        sides = book.sides
        if with_sides and (sides is None or sides.model != model or len(sides.a) != len(book.pair_id)):
            book = replace(book, sides=_sides(session, held, model))
        with _lock:
            if known is None or known.mark <= book.mark:
                _books[place] = book
                _books.move_to_end(place)
            while len(_books) > MOST_BOOKS:
                _books.popitem(last=False)
    return book


def open_results(session: Session, held: Ballot, book: Book) -> Results:
    """What judges left open up to the mark: read each time, by an index of what is open."""
    return results_of(columns.open_results(session, held.project_id, held.mark), book.pair_id, held)


def _empty(held: Ballot, erasure: int) -> Book:
    none, small = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    events = Events(none, none, small, small, small, none, none, none)
    return Book(tuple(held.hidden), erasure, 0, none, none, events, none, none)


def _read_on(session: Session, held: Ballot, book: Book) -> Book:
    """The book with the pairs and labels that came since."""
    last = int(book.pair_id[-1]) if len(book.pair_id) else 0
    pair_id, prompt_id = columns.pairs_since(session, held.project_id, last, held.hidden)
    if len(pair_id):
        pair_id, prompt_id = np.concatenate([book.pair_id, pair_id]), np.concatenate([book.prompt_id, prompt_id])
        book = replace(book, pair_id=pair_id, prompt_id=prompt_id)
    if book.mark == held.mark:
        return book
    new = columns.events_since(session, held.project_id, book.mark, held.mark, held.hidden)
    old = book.events
    rounds = np.concatenate([book.rounds, new.round_id])
    revisions = np.concatenate([book.revisions, new.revision])
    events = last_events(
        pair=np.concatenate([old.pair, np.searchsorted(book.pair_id, new.pair_id)]),
        rater=np.concatenate([old.rater, new.rater_id]),
        round_=rounds,
        purpose=np.zeros(len(rounds), dtype=np.int8),  # see `Book.events_of`
        revision=revisions,
        seq=np.concatenate([old.seq, new.seq]),
        verdict=np.concatenate([old.verdict, new.verdict]),
        strength=np.concatenate([old.strength, new.strength]),
        edit=np.concatenate([old.edit, new.edit_id]),
    )
    return replace(
        book,
        mark=held.mark,
        rounds=_small(rounds[events.place], np.int32),
        revisions=_small(revisions[events.place], np.int32),
        events=replace(
            events,
            pair=_small(events.pair, np.int32),
            rater=_small(events.rater, np.int32),
            purpose=np.zeros(0, dtype=np.int8),
            verdict=_small(events.verdict, np.int8),
            strength=_small(events.strength, np.int8),
            place=np.zeros(0, dtype=np.int64),  # the labels' ids are not kept
        ),
    )


def _sides(session: Session, held: Ballot, model: str | None) -> Sides:
    read = columns.sides(session, held.project_id, model, held.hidden)
    same = columns.same_texts(session, held.project_id)
    return Sides(
        model=model,
        a=_renamed(read.a_id, same),
        b=_renamed(read.b_id, same),
        a_id=read.a_id,
        b_id=read.b_id,
        a_length=_small(read.a_length, np.int32),
        b_length=_small(read.b_length, np.int32),
        a_own=read.a_own > 0,
        b_own=read.b_own > 0,
    )


def _renamed(ids: Column, same: dict[int, int]) -> Column:
    if not same:
        return ids
    known = np.array(sorted(same), dtype=np.int64)
    first = np.array([same[id_] for id_ in known.tolist()], dtype=np.int64)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[places] == ids, first[places], ids)


def _small(column: Column, type_: type[np.int8] | type[np.int32]) -> Column:
    return column.astype(type_)
