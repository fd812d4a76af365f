"""Imports that meet a stalled process, a full disk or a row nobody expected: whole or not at all."""

import json

import pytest
from sqlalchemy import func, select, update
from sqlmodel import SQLModel, col

from labeling.domain import Actor
from labeling.errors import ConflictError, StoreError
from labeling.rows import PromptRow as PromptOf
from labeling.services.access import local_actor
from labeling.services.import_chunks import STALE, Chunk, Destination, Tally, take
from labeling.services.import_list import list_imports
from labeling.services.import_preview import preview
from labeling.services.imports import ImportOptions, recover_imports, run_import
from labeling.services.projects import create_project, project_view
from labeling.storage.import_rows import BY_DIGEST
from labeling.storage.store import Store
from labeling.storage.tables import Completion, Import, Label, Pair, PromptRow, PromptText, now

PLAIN = ImportOptions()


@pytest.fixture
def actor(store: Store) -> Actor:
    found = local_actor(store)
    create_project(store, found, name="P")
    return found


def prompts(number: int) -> bytes:
    return "".join(f"Question {n}?\n" for n in range(number)).encode()


def jsonl(*records: object) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def counts(store: Store, *rows: type[SQLModel]) -> list[int]:
    with store.reading() as session:
        return [session.scalar(select(func.count()).select_from(one)) or 0 for one in rows]


def stand_still(store: Store) -> None:
    """What a stopped process looks like to the others: no sign of life for a minute."""
    with store.writing() as session:
        writing = update(Import).where(col(Import.state) == "writing")
        session.execute(writing.values(heartbeat_at=now() - 2 * STALE))


def test_an_import_taken_back_while_it_stood_still_writes_nothing_more(store: Store, actor: Actor) -> None:
    def fall_asleep(_rows: int) -> None:
        stand_still(store)
        assert recover_imports(store) == 1

    with pytest.raises(ConflictError, match="stood still for over 30 seconds and was taken back"):
        run_import(store, actor, "p", prompts(5000), "prompts.txt", PLAIN, fall_asleep)
    assert counts(store, PromptRow, PromptText) == [0, 0]
    (view,) = list_imports(store, actor, "p")
    assert (view.state, view.taken) == ("failed", 0)
    assert view.fault == "The import gave no sign of life for over 30 seconds. Import the file again."
    again = run_import(store, actor, "p", prompts(5000), "prompts.txt", PLAIN)
    assert (again.taken, again.prompts) == (5000, 5000)


def test_the_next_import_takes_back_a_dead_one_first(store: Store, actor: Actor) -> None:
    views = []

    def die(_rows: int) -> None:
        stand_still(store)
        views.append(run_import(store, actor, "p", prompts(10), "next.txt", PLAIN))

    with pytest.raises(ConflictError):
        run_import(store, actor, "p", prompts(2500), "dead.txt", PLAIN, die)
    assert [view.taken for view in views] == [10]
    assert counts(store, PromptRow) == [10]


def test_a_full_disk_is_one_sentence_and_the_import_is_taken_back_when_there_is_room(
    sqlite_store: Store,
) -> None:
    actor = local_actor(sqlite_store)
    create_project(sqlite_store, actor, name="P")

    def limit(pages: int) -> None:
        with sqlite_store.writing() as session:
            connection = session.connection()
            used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}")

    limit(40)
    with pytest.raises(StoreError, match=r"no room left where .* free some space"):
        run_import(sqlite_store, actor, "p", prompts(5000), "prompts.txt", PLAIN)
    assert project_view(sqlite_store, actor, "p").prompts == 0
    limit(1_000_000)
    stand_still(sqlite_store)
    assert recover_imports(sqlite_store) in (0, 1)  # there may have been just enough room to take it back at once
    assert counts(sqlite_store, PromptRow) == [0]
    assert run_import(sqlite_store, actor, "p", prompts(5000), "prompts.txt", PLAIN).taken == 5000


@pytest.mark.parametrize("named", [{}, {"model_a": "m", "model_b": "n"}, {"model_b": "n"}])
def test_a_preview_counts_the_pairs_that_the_import_adds(store: Store, actor: Actor, named: dict[str, str]) -> None:
    one = {"prompt": "Why?", "response_a": "So.", "response_b": "No."}
    rows = [
        one,
        one | {"response_a": "No.", "response_b": "So."},
        one | {"response_b": "Perhaps."},
        one | {"prompt": "Who?"},
    ]
    run_import(store, actor, "p", jsonl(one | {"model_a": "m", "model_b": "n"}), "first.jsonl", PLAIN)
    content = jsonl(*(row | named for row in rows))
    seen = preview(store, actor, "p", content, "rows.jsonl", PLAIN)
    done = run_import(store, actor, "p", content, "rows.jsonl", PLAIN)
    assert (seen.new_prompts, seen.new_pairs) == (done.prompts, done.pairs)


def test_a_preview_of_completions_refuses_what_the_import_will_refuse(store: Store, actor: Actor) -> None:
    run_import(store, actor, "p", jsonl({"id": "one", "prompt": "Why?"}), "prompts.jsonl", PLAIN)
    answers = jsonl({"id": "one", "response": "So."}, {"id": "two", "response": "No."}, {"id": "two", "response": "?"})
    seen = preview(store, actor, "p", answers, "answers.jsonl", PLAIN)
    done = run_import(store, actor, "p", answers, "answers.jsonl", PLAIN)
    assert (seen.read, seen.taken) == (done.read, done.taken) == (3, 1)
    assert seen.refused == done.refused_by_reason == {"no_prompt_with_this_id": 2}
    assert [one.first.line for one in seen.refusals] == [2]


def test_a_completion_is_joined_to_no_prompt_where_two_files_number_theirs_alike(store: Store, actor: Actor) -> None:
    for text in ("What is red?", "What is five plus six?"):
        run_import(store, actor, "p", jsonl({"id": 1, "prompt": text}), "prompts.jsonl", PLAIN)
    answers = jsonl({"id": 1, "response": "eleven", "model": "m"})
    seen = preview(store, actor, "p", answers, "answers.jsonl", PLAIN)
    done = run_import(store, actor, "p", answers, "answers.jsonl", PLAIN)
    assert seen.refused == done.refused_by_reason == {"ambiguous_id": 1}
    assert counts(store, Completion) == [0]


def test_a_row_of_a_shape_nobody_writes_ends_no_import(store: Store, actor: Actor) -> None:
    good = {
        "input": {"messages": [{"role": "user", "content": "Why?"}]},
        "preferred_output": [{"role": "assistant", "content": "So."}],
        "non_preferred_output": [{"role": "assistant", "content": "No."}],
    }
    odd = [
        good | {key: value}
        for key in good
        for value in (5, None, [], {}, "text", [5], [[]], [{"role": 5}], {"messages": 5}, {"messages": [5]},
                      [{"role": "assistant", "tool_calls": 5}], [{"role": "assistant", "tool_calls": [5]}],
                      [{"role": "assistant", "content": {"a": 1}}])
    ]  # fmt: skip
    content = jsonl(*odd, good)
    view = run_import(store, actor, "p", content, "odd.jsonl", ImportOptions(format="openai-dpo", labels_as="crowd"))
    assert view.read == len(odd) + 1
    assert view.read == view.taken + view.known + view.refused
    assert counts(store, Pair, Label) == [view.pairs, view.labels]
    assert counts(store, Completion) == [view.completions]
    assert view.pairs >= 1


def test_long_rows_are_written_a_few_at_a_time(store: Store, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def noted(store: Store, destination: Destination, chunk: Chunk, tally: Tally) -> None:
        written.append(sum(len(str(row.prompt.messages)) for _, row in chunk.rows if isinstance(row, PromptOf)))
        take(store, destination, chunk, tally)

    monkeypatch.setattr("labeling.services.imports.take", noted)
    long = jsonl(*({"prompt": f"{number} " + "word " * 120_000} for number in range(9)))
    assert run_import(store, actor, "p", long, "long.jsonl", PLAIN).taken == 9
    assert len(written) == 5
    assert max(written) < 1_300_000


def test_a_project_is_not_read_through_for_each_part_of_an_import(store: Store, actor: Actor) -> None:
    if store.is_sqlite:
        with store.reading() as session:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {BY_DIGEST}", ('["a"]', 1)).all()
        assert "INDEX sqlite_autoindex_prompt_1 (project_id=? AND digest=?)" in plan[-1][-1]
        return
    run_import(store, actor, "p", prompts(10_000), "prompts.txt", PLAIN)
    with store.writing() as session:
        session.connection().exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with store.reading() as session:
        read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'prompt'"
        assert (
            session.connection().exec_driver_sql(read).scalar_one() < 60_000
        )  # 40 parts; a half of them each time: 200,000
