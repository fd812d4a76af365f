"""`provenance.jsonl`: for each row the pair, the raters and labels it rests on, and who wrote its sides.

A line is told without its place in the files, which comes first and is put before it when the row is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from exporters.jsonl import json_line
from exporters.rows import CompletionRow, RowOrigin
from exporters.written import Agreement

Told: TypeAlias = dict[str, Any]


def _masked(*kinds: tuple[str, ...]) -> Told:
    found = sorted(set().union(*kinds))
    return {"masked": found} if found else {}


def _decided(origin: RowOrigin) -> Told:
    return {
        "pair": origin.pair,
        "prompt": origin.group,
        "raters": origin.raters,
        "decided_by": origin.decided_by,
        "labels": origin.labels,
        "strength": origin.strength,
        "agreed": origin.agreed,
    }


def told_of(origin: RowOrigin) -> Told:
    """What is said of a row that is a pair."""
    return {
        **_decided(origin),
        "chosen_id": origin.chosen_id,
        "rejected_id": origin.rejected_id,
        "chosen_by": origin.chosen_by,
        "rejected_by": origin.rejected_by,
        "sandbox": origin.sandbox,
        **_masked(origin.masked, origin.chosen_masked, origin.rejected_masked),
    }


def told_of_piece(origin: RowOrigin, piece: CompletionRow) -> Told:
    """What is said of a row that is one completion; `pair` is the first pair it stood in."""
    mine, other = ("chosen", "rejected") if piece.is_first else ("rejected", "chosen")
    return {
        **_decided(origin),
        "desirable": piece.is_desirable,
        "completion_id": origin.chosen_id if piece.is_first else origin.rejected_id,
        "written_by": origin.chosen_by if piece.is_first else origin.rejected_by,
        "sandbox": tuple("completion" if part == mine else part for part in origin.sandbox if part != other),
        **_masked(origin.masked, origin.chosen_masked if piece.is_first else origin.rejected_masked),
    }


def placed(split: str, part: int, line: int, told: bytes) -> bytes:
    """A line of the file: a row's place, and what is said of it as JSON."""
    return b'{"split":"%b","part":%d,"line":%d,%b' % (split.encode(), part, line, told[1:])


class Source:
    """Where many rows come from: all that `told_of` says of them but what differs from pair to pair; and how many they are."""

    def __init__(self, told: Told, rater_ids: Sequence[int] = ()) -> None:
        self.rows = 0
        self.raters: tuple[str, ...] = tuple(told["raters"])
        self.known_raters: tuple[int | str, ...] = tuple(rater_ids) or self.raters
        self.decided_by: tuple[str, ...] = tuple(told["decided_by"])
        self.sandbox: tuple[str, ...] = tuple(told["sandbox"])
        self.masked: tuple[str, ...] = tuple(told.get("masked", ()))
        # Who wrote the better and the worse side; of a single completion there is no other side.
        self.writers = (told["chosen_by"], told["rejected_by"]) if "chosen_by" in told else None
        self._told = told
        self.middle = orjson.dumps({"raters": self.raters, "decided_by": self.decided_by})[1:-1]
        chosen_by, rejected_by = self.writers or ("", "")
        self.end = json_line({"chosen_by": chosen_by, "rejected_by": rejected_by, "sandbox": self.sandbox})[1:]

    def told(
        self,
        pair: int,
        group: str,
        labels: tuple[int, ...],
        strength: float | None,
        agreed: float,
        chosen_id: int,
        rejected_id: int,
    ) -> bytes:
        """What `told_of` says of one of these pairs, as JSON."""
        own = {"pair": pair, "prompt": group, "labels": labels, "strength": strength, "agreed": agreed}
        return json_line({**self._told, **own, "chosen_id": chosen_id, "rejected_id": rejected_id})


# A pair's source, and what `Source.told` takes.
About: TypeAlias = tuple[Source, int, str, tuple[int, ...], float | None, float, int, int]


def lines_of(places: Iterable[tuple[bytes, tuple[int, int]]], abouts: Iterable[About]) -> list[bytes]:
    """The lines of pairs by their places (split, part and line): those of `placed` and `Source.told`, byte for byte.

    A million such lines are made in a second: it is a pattern that is filled in.
    """
    dumps = orjson.dumps
    return [
        b'{"split":"%b","part":%d,"line":%d,"pair":%d,"prompt":%b,%b,"labels":%b,%b,"chosen_id":%d,"rejected_id":%d,%b'
        % (split, part, line, pair, dumps(group), source.middle, dumps(labels), _rated(strength, agreed), chosen, rejected, source.end)
        for (split, (part, line)), (source, pair, group, labels, strength, agreed, chosen, rejected) in zip(places, abouts, strict=True)
    ]  # fmt: skip


@lru_cache(1000, typed=True)
def _rated(strength: float | None, agreed: float) -> bytes:
    return orjson.dumps({"strength": strength, "agreed": agreed})[1:-1]


class Sources:
    """What the rows of an export rest on, counted as they are taken."""

    def __init__(self) -> None:
        self._sources: dict[tuple[object, ...], Source] = {}
        self._several, self._agreed = 0, 0.0

    def of(self, told: Told, rater_ids: Sequence[int] = ()) -> Source:
        """The source of a row, by what is said of it; `rater_ids` as in `RowOrigin`."""
        key = (
            tuple(told["raters"]), tuple(told["decided_by"]), tuple(told["sandbox"]),
            told.get("chosen_by"), told.get("rejected_by"), tuple(told.get("masked", ())),
            tuple(rater_ids),
        )  # fmt: skip
        found = self._sources.get(key)
        if found is None:
            found = self._sources[key] = Source(told, rater_ids)
        return found

    def count_all(self, abouts: Sequence[About]) -> None:
        """Count many rows as `count` does."""
        for source, rows in Counter([about[0] for about in abouts]).items():
            source.rows += rows
        several = [about[5] for about in abouts if len(about[3]) > 1]
        self._several += len(several)
        self._agreed += sum(several)

    def count(self, source: Source, labels: int, agreed: float) -> None:
        """Count a row that rests on so many labels; the share `agreed` of them says what came out."""
        source.rows += 1
        if labels > 1:
            self._several += 1
            self._agreed += agreed

    @property
    def raters(self) -> int:
        return len({rater for source in self._counted() for rater in source.known_raters})

    @property
    def agreement(self) -> Agreement:
        return Agreement(self._several, round(self._agreed / self._several, 3) if self._several else None)

    @property
    def decided_by(self) -> dict[str, int]:
        """Rows by each kind of rater that decided."""
        counts: Counter[str] = Counter()
        for source in self._counted():
            for kind in source.decided_by:
                counts[kind] += source.rows
        return dict(sorted(counts.items()))

    @property
    def sandbox(self) -> dict[str, int]:
        """Rows that rest on the sandbox, and the parts of them that do."""
        return self._rows_with(lambda source: source.sandbox)

    @property
    def masked(self) -> dict[str, int]:
        """Rows in which something was masked, and those with each kind."""
        return self._rows_with(lambda source: source.masked)

    @property
    def writers(self) -> dict[tuple[str, str], int]:
        """Rows by who wrote the chosen and the rejected side."""
        counts: Counter[tuple[str, str]] = Counter()
        for source in self._counted():
            if source.writers is not None:
                counts[source.writers] += source.rows
        return dict(counts)

    def _rows_with(self, marks_of: Callable[[Source], tuple[str, ...]]) -> dict[str, int]:
        """Rows whose source has any mark, and by mark."""
        counts: Counter[str] = Counter()
        for source in self._counted():
            for mark in ("rows", *marks) if (marks := marks_of(source)) else ():
                counts[mark] += source.rows
        return dict(sorted(counts.items()))

    def _counted(self) -> list[Source]:
        return [source for source in self._sources.values() if source.rows]
