"""The order of a round's queue: as imported, shuffled, or the most uncertain pairs first."""

from typing import Literal, get_args

from labeling.domain import Actor, Right
from labeling.errors import InputError, NotFoundError
from labeling.services.access import open_project
from labeling.storage import projects as project_rows
from labeling.storage import rounds as rows
from labeling.storage.queue import place_of
from labeling.storage.store import Store

Ordering = Literal["imported", "random", "uncertain"]
CHUNK = 300


def order_round(store: Store, actor: Actor, slug: str, ordering: str, round_name: str = project_rows.WORK_ROUND) -> int:
    """Put a round's plain pairs into another order; return how many stand first as uncertain: a judge could not decide
    them, or raters disagree. Gold stays where it is, and what annotators have in hand stays with them.

    Raises:
        InputError: there is no such order.
        NotFoundError, ForbiddenError: no such project or round, or the actor may not manage it.
    """
    if ordering not in get_args(Ordering):
        raise InputError(f"A round's order is one of {', '.join(get_args(Ordering))}; {ordering!r} is not.")
    with store.writing() as session:
        project = open_project(session, actor, slug, Right.MANAGE)
        assert project.id is not None
        round_ = project_rows.round_named(session, project.id, round_name)
        if round_ is None or round_.id is None:
            raise NotFoundError(f"The project {project.name!r} has no round {round_name!r}.")
        round_.ordering = ordering
        session.add(round_)
        round_id, seed = round_.id, round_.seed
    with store.reading() as session:
        plain = [row.pair_id for row in rows.places_of(session, round_id) if not row.is_gold]
        first = rows.uncertain_pairs(session, project.id) if ordering == "uncertain" else set()
    places = {
        pair_id: -1 - place_of(pair_id, ordering, seed) if pair_id in first else place_of(pair_id, ordering, seed)
        for pair_id in plain
    }
    for start in range(0, len(plain), CHUNK):
        with store.writing() as session:
            rows.move_places(session, round_id, {pair_id: places[pair_id] for pair_id in plain[start : start + CHUNK]})
    after: int | None = 0
    while after is not None:
        with store.writing() as session:
            after = rows.forget_positions(session, round_id, after, CHUNK)
    return len(first.intersection(plain))
