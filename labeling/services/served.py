"""Pairs as one annotator sees them: both texts by side, and what was said of them before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeling.domain import Prompt, ScreenVerdict, Side, Verdict, screen_verdict
from labeling.services.desk import Desk
from labeling.storage import labels as label_rows
from labeling.storage import queue as rows
from labeling.storage.served import Reply, texts_of_pairs
from labeling.storage.store import Session, Store


@dataclass(frozen=True, slots=True)
class GivenLabel:
    """What an annotator said of a pair, as it was on the screen. `edited_side` is what the edit was made from."""

    verdict: ScreenVerdict
    strength: int | None
    criteria: Mapping[str, ScreenVerdict]
    reasons: tuple[str, ...]
    comment: str | None
    edited: str | None
    edited_side: ScreenVerdict | None


@dataclass(frozen=True, slots=True)
class ServedPair:
    """A pair as one annotator sees it. `after` is the annotator's newest event on it, `mine` the last label, also where
    it was undone; None where there is none."""

    pair_id: int
    prompt: Prompt
    left: Reply
    right: Reply
    after: str | None
    mine: GivenLabel | None
    language: str | None
    is_sensitive: bool


def with_texts(store: Store, desk: Desk, pair_ids: Sequence[int]) -> list[ServedPair]:
    """The pairs as the annotator sees them, who was served each of them before."""
    if not pair_ids:
        return []
    with store.reading() as session:
        mine = {row.pair_id: row for row in rows.assignments_of(session, desk.round_id, pair_ids, desk.rater_id)}
        texts = texts_of_pairs(session, pair_ids)
        newest = label_rows.newest_events(session, desk.rater_id, desk.round_id, pair_ids)
        given = given_labels(session, desk, {pair_id: mine[pair_id].left_side for pair_id in newest})
    pairs = []
    for pair_id in pair_ids:
        found = texts[pair_id]
        left, right = (found.a, found.b) if mine[pair_id].left_side == "a" else (found.b, found.a)
        event = newest.get(pair_id)
        pairs.append(
            ServedPair(
                pair_id,
                found.prompt,
                left,
                right,
                after=event.event_id if event else None,
                mine=given.get(pair_id),
                language=found.language,
                is_sensitive=found.is_sensitive,
            )
        )
    return pairs


def given_labels(session: Session, desk: Desk, sides: Mapping[int, Side]) -> dict[int, GivenLabel]:
    """The annotator's last label on each of the pairs, also where it was undone, told as it was on the screen."""
    if not sides:
        return {}
    found = label_rows.given(session, desk.rater_id, desk.round_id, sides)
    edits = {row.edit_id for row in found.values() if row.edit_id is not None}
    texts = label_rows.edit_texts(session, edits) if edits else {}
    parents = label_rows.edited_sides(session, edits) if edits else {}

    def on_screen(pair_id: int, verdict: str) -> ScreenVerdict:
        return screen_verdict(Verdict(verdict), sides[pair_id])

    return {
        pair_id: GivenLabel(
            on_screen(pair_id, row.verdict),
            row.strength,
            {name: on_screen(pair_id, verdict) for name, verdict in json.loads(row.criteria or "{}").items()},
            tuple(json.loads(row.reasons or "[]")),
            row.comment,
            texts.get(row.edit_id),
            on_screen(pair_id, parents[pair_id, row.edit_id]) if row.edit_id is not None else None,
        )
        for pair_id, row in found.items()
    }
