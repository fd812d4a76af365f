"""What the texts of a project's pairs hold: refusals, personal data, keys. Read once, as texts never change.

Reading takes some 9 seconds for 100,000 pairs of 1 kB; the answers are kept at 12 bytes a pair, for the two projects
that were asked about last.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np
import orjson

from labeling.declining import declines
from labeling.services.deciding import Ballot
from labeling.services.personal_data import kinds_in, kinds_within
from labeling.services.votes import Column
from labeling.storage import exports as rows
from labeling.storage.store import Session, Store

CHUNK = 500
MOST_PROJECTS = 2
REFUSES_A, REFUSES_B, EDIT_REFUSES = 1, 2, 4
Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Traits:
    """Of pairs by id: `refuses` has the bits `REFUSES_A` and `REFUSES_B`; the others have those of
    `personal_data.kinds_in`, for each side and for what stands `around` them in a row. Pairs that were not read yet are
    missing."""

    pair_id: Column
    refuses: Column
    around: Column
    a: Column
    b: Column

    def of(self, pair_id: Column) -> tuple[Column, "Traits"]:
        """Which of the pairs `pair_id` are known, and what of each; nothing of the others."""
        columns = (self.refuses, self.around, self.a, self.b)
        if not len(self.pair_id):
            nothing = [np.zeros(len(pair_id), dtype=np.int8) for _ in columns]
            return np.zeros(len(pair_id), dtype=bool), Traits(pair_id, *nothing)
        places = np.minimum(np.searchsorted(self.pair_id, pair_id), len(self.pair_id) - 1)
        known = self.pair_id[places] == pair_id
        return known, Traits(pair_id, *(np.where(known, column[places], 0) for column in columns))


_NONE = Traits(np.zeros(0, dtype=np.int64), *(np.zeros(0, dtype=np.int8) for _ in range(4)))
_known: OrderedDict[Place, Traits] = OrderedDict()
_edits: dict[Place, dict[int, tuple[int, int]]] = {}
_turns: dict[Place, Lock] = {}
_lock = Lock()


def traits_of(store: Store, project_id: int) -> Traits:
    """What is known so far."""
    with _lock:
        return _known.get((str(store.url), project_id), _NONE)


def read_traits(
    store: Store, held: Ballot, pair_id: Column, progress: Callable[[int, int], None] | None = None
) -> Traits:
    """Read the texts of those of the pairs that were not read yet. `progress`: pairs known, and all.

    Each chunk is a transaction of its own; a second caller waits for the first.
    """
    place = (str(store.url), held.project_id)
    with _lock:
        turn = _turns.setdefault(place, Lock())
    with turn:
        known = traits_of(store, held.project_id)
        unread = pair_id[~known.of(pair_id)[0]].tolist()
        new: list[tuple[int, ...]] = []
        for start in range(0, len(unread), CHUNK):
            with store.reading() as session:
                new += _read(session, held.project_id, unread[start : start + CHUNK])
            if progress is not None:
                progress(min(len(pair_id), len(pair_id) - len(unread) + start + CHUNK), len(pair_id))
        if not new:
            return known
        columns = [
            np.concatenate([old, np.array(column, dtype=old.dtype)])
            for old, column in zip(
                (known.pair_id, known.refuses, known.around, known.a, known.b), zip(*new, strict=True), strict=True
            )
        ]
        order = np.argsort(columns[0])
        traits = Traits(*(column[order] for column in columns))
        with _lock:
            _known[place] = traits
            _known.move_to_end(place)
            while len(_known) > MOST_PROJECTS:
                _edits.pop(_known.popitem(last=False)[0], None)
    return traits


def _read(session: Session, project_id: int, pair_ids: list[int]) -> list[tuple[int, ...]]:
    """Of each pair the columns of `Traits`."""
    read: list[tuple[int, ...]] = []
    prompts: dict[str, int] = {}
    systems = {id_: row.system_prompt or "" for id_, row in rows.generators(session, project_id).items()}
    texts = rows.texts_of(session, pair_ids)
    for pair in map(texts.pair, texts.rows):
        if pair.messages not in prompts:
            prompts[pair.messages] = _found_in_messages(pair.messages)
        # What a call says stands in its arguments: a reply that calls a tool does not decline.
        refuses = REFUSES_A * (pair.a_calls is None and declines(pair.a_text))
        refuses += REFUSES_B * (pair.b_calls is None and declines(pair.b_text))
        around, a, b = prompts[pair.messages], kinds_in(pair.a_text), kinds_in(pair.b_text)
        if pair.tools:
            around |= kinds_within(orjson.loads(pair.tools))
        if pair.a_calls:
            a |= kinds_within(orjson.loads(pair.a_calls))
        if pair.b_calls:
            b |= kinds_within(orjson.loads(pair.b_calls))
        a_system, b_system = (systems.get(one.generator or 0, "") for one in (pair.a_origin, pair.b_origin))
        if a_system and a_system == b_system:  # what both were written under stands in the row
            around |= kinds_in(a_system)
        read.append((pair.pair_id, refuses, around, a, b))
    return read


def edit_traits(store: Store, session: Session, held: Ballot, edit_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """What annotators' edits hold, by id: `EDIT_REFUSES` or 0, and what `personal_data.kinds_in` finds."""
    with _lock:
        known = _edits.setdefault((str(store.url), held.project_id), {})
    new = [id_ for id_ in edit_ids if id_ not in known]
    for start in range(0, len(new), CHUNK):
        for id_, edit in rows.edits_of(session, new[start : start + CHUNK]).items():
            known[id_] = EDIT_REFUSES * declines(edit.text), kinds_in(edit.text)
    return known


def _found_in_messages(messages: str) -> int:
    """The kinds found in messages (JSON): in what is said, in speakers' names, in calls of tools."""
    found = 0
    for message in orjson.loads(messages):
        is_plain = message.keys() == {"role", "content"} and isinstance(message["content"], str)
        found |= kinds_in(message["content"]) if is_plain else kinds_within(message)
    return found
