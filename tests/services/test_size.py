"""What a project's size costs: nothing where one pair or one label is at hand, next to nothing where a file is.

Counted in steps of SQLite's virtual machine, which are the same on a quick and on a slow machine.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from labeling.services import progress as progress_module
from labeling.services.imports import ImportOptions, run_import
from labeling.services.labels import record
from labeling.services.progress import progress
from labeling.services.projects import list_projects, project_view
from labeling.storage.store import Store
from tests.readers.reading import jsonl
from tests.services.importing import pairs
from tests.services.labelling import Labelling, act, make_labelling

STEPS = 100  # the handler is called once for so many
STEPS_A_PAIR = 55


@contextmanager
def steps_of(store: Store) -> Iterator[list[int]]:
    """A list of one number: the steps that the database took inside, in hundreds."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    def begun(connection, *_):
        connection.set_progress_handler(count, STEPS)

    def ended(connection, *_):
        connection.set_progress_handler(None, 0)

    engines = (store._reader, store._writer)
    for engine in engines:
        event.listen(engine, "checkout", begun)
        event.listen(engine, "checkin", ended)
    try:
        yield counted
    finally:
        for engine in engines:
            event.remove(engine, "checkout", begun)
            event.remove(engine, "checkin", ended)


@contextmanager
def statements_of(store: Store) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(store._reader, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(store._reader, "before_cursor_execute", hear)


def label_next(talk: Labelling, actor, count: int) -> None:
    while count > 0:
        served = talk.next(actor, want=min(count, 50))
        recorded = record(talk.store, actor, talk.slug, [act(pair.pair_id) for pair in served])
        assert len(recorded.acked) == len(served) > 0
        count -= len(served)


def test_the_next_pairs_and_a_label_cost_the_same_however_many_were_labelled(sqlite_store, monkeypatch):
    # The round's counts are made anew by the clock, not by the label: once before this begins, then not again.
    monkeypatch.setattr(progress_module, "COUNTS_LAST", 3_600)
    talk = make_labelling(sqlite_store, pairs=3_000)
    ann, bob = talk.actor("ann"), talk.actor("bob")
    label_next(talk, ann, 50)
    with steps_of(sqlite_store) as early:
        label_next(talk, ann, 20)
    label_next(talk, bob, 1_200)
    label_next(talk, ann, 1_300)
    with steps_of(sqlite_store) as late:
        label_next(talk, ann, 20)
    assert early[0] > 0
    assert late[0] < 1.5 * early[0]


def test_an_import_passes_over_what_is_there_once_at_most(sqlite_store):
    talk = make_labelling(sqlite_store, pairs=20)
    rows = [{key: value for key, value in pair.items() if key != "verdict"} for pair in pairs(400)]
    with steps_of(sqlite_store) as early:
        run_import(sqlite_store, talk.owner, talk.slug, jsonl(*rows[:200]), "first.jsonl", ImportOptions())
    more = [row | {"prompt": f"More {place}"} for place, row in enumerate(rows * 8)]
    run_import(sqlite_store, talk.owner, talk.slug, jsonl(*more), "more.jsonl", ImportOptions())
    with steps_of(sqlite_store) as late:
        view = run_import(sqlite_store, talk.owner, talk.slug, jsonl(*rows[200:]), "last.jsonl", ImportOptions())
    assert view.pairs == 200
    # Once, for the queue: whether each pair there has its place.
    assert late[0] - early[0] < len(more) * STEPS_A_PAIR / STEPS


def test_lists_and_counts_read_no_texts(store):
    talk = make_labelling(store, pairs=5)
    ann = talk.actor("ann")
    label_next(talk, ann, 2)
    with statements_of(store) as said:
        list_projects(store, talk.owner)
        project_view(store, talk.owner, talk.slug)
        progress(store, ann, talk.slug)
    assert said
    assert not [one for one in said if "prompt_text" in one or "completion_text" in one]


@pytest.mark.parametrize("overlap", [1, 2])
def test_labels_are_stored_while_a_file_is_imported(store, overlap):
    talk = make_labelling(store, pairs=300, overlap=overlap)
    people = [talk.actor(name) for name in ("ann", "bob")]
    rows = jsonl(*({key: value for key, value in pair.items() if key != "verdict"} for pair in pairs(2_000)))

    def work(actor) -> int:
        label_next(talk, actor, 120)
        return len(list_projects(store, talk.owner))

    with ThreadPoolExecutor(3) as pool:
        imported = pool.submit(run_import, store, talk.owner, talk.slug, rows, "pairs.jsonl", ImportOptions())
        assert [one.result() for one in [pool.submit(work, actor) for actor in people]] == [1, 1]
        assert imported.result().pairs == 2_000
    assert [progress(store, actor, talk.slug).mine for actor in people] == [120, 120]
