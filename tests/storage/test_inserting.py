"""Many rows at once, on both engines."""

import pytest

from labeling.errors import InputError
from labeling.storage.inserting import AT_ONCE, insert_rows, new_ids
from labeling.storage.store import Store
from labeling.storage.tables import KeyVariable, PromptRow, core, now
from tests.storage.world import make_world

ROWS = 2 * AT_ONCE + 7


def test_as_many_rows_are_stored_as_are_given_each_with_what_is_the_same_in_all(store: Store) -> None:
    world, at = make_world(store), now()
    with store.writing() as session:
        ids = new_ids(session, core(PromptRow), ROWS)
        rows = [(id_, f"digest {id_}", None if id_ % 2 else "odd") for id_ in ids]
        same = {"project_id": world.project, "created_at": at}
        assert insert_rows(session, core(PromptRow), ("id", "digest", "external_id"), rows, same) == ROWS
    with store.reading() as session:
        stored = [session.get_one(PromptRow, id_) for id_ in ids]
        assert [(one.id, one.digest, one.external_id) for one in stored] == rows
        assert {(one.project_id, one.created_at, one.is_reserved, one.language) for one in stored} == {
            (world.project, at, False, None)
        }


def test_rows_that_are_there_are_passed_over_and_not_counted_as_new(store: Store) -> None:
    table, given = core(KeyVariable), [(f"KEY_{number}", "http://e") for number in range(ROWS)]
    some, at = given[::3], {"created_at": now()}
    with store.writing() as session:
        assert insert_rows(session, table, ("name", "origin"), some, at) == len(some)
        assert insert_rows(session, table, ("name", "origin"), given, at, passes_over_known=True) == ROWS - len(some)
        assert insert_rows(session, table, ("name", "origin"), [], at) == 0


def test_a_text_that_cannot_be_stored_is_told_and_one_that_can_be_is_whole(store: Store) -> None:
    odd = '\\u0000 \u2028 \x7f "quoted" \U0001f600 %s ? \ufffe'
    with store.writing() as session:
        insert_rows(session, core(KeyVariable), ("name", "origin"), [("ODD", odd)], {"created_at": now()})
    with store.reading() as session:
        assert session.get_one(KeyVariable, "ODD").origin == odd
    for text in ("half \ud83d of one", *(() if store.is_sqlite else ("a \x00",))):  # SQLite stores NUL
        with pytest.raises(InputError, match="cannot be stored"), store.writing() as session:
            insert_rows(session, core(KeyVariable), ("name", "origin"), [("BAD", text)], {"created_at": now()})
