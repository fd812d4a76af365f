"""Each rule of the schema, attacked from SQL on both engines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlmodel import Session, col

from labeling.domain import text_digest
from labeling.storage import tables
from labeling.storage.opening import open_store
from labeling.storage.rules import installed_rules, rule_names
from labeling.storage.store import IntegrityError, Store
from tests.storage.world import (
    AT,
    World,
    add,
    add_completion,
    add_generator,
    add_pair,
    add_project,
    add_rater,
    add_request,
    assign,
    label,
    make_world,
)


@pytest.fixture
def world(store: Store) -> World:
    return make_world(store)


def refused(store: Store, attack: Callable[[Session], object]) -> str:
    """What the database said to `attack`; it fails the test where the database let it through."""

    def attempt() -> None:
        with store.writing() as session:
            attack(session)

    with pytest.raises(IntegrityError) as caught:
        attempt()
    return str(caught.value.orig)


def test_every_rule_is_in_the_database(store: Store) -> None:
    with store.reading() as session:
        connection = session.connection()
        assert installed_rules(connection) == rule_names(connection.dialect.name)


# --- pairs and completions


def test_a_pair_of_completions_to_different_prompts_is_refused(store: Store, world: World) -> None:
    refused(store, lambda s: add_pair(s, world.project, world.prompt, world.a, "good", world.foreign, "elsewhere"))


def test_a_pair_of_one_text_is_refused(store: Store, world: World) -> None:
    def attack(session: Session) -> None:
        same = add_completion(session, world.prompt, "good", source="another file")
        add_pair(session, world.project, world.prompt, world.a, "good", same, "good")

    assert "differ" in refused(store, attack)


def test_a_pair_cannot_lie_about_its_digests(store: Store, world: World) -> None:
    def attack(session: Session) -> None:
        same = add_completion(session, world.prompt, "good", source="another file")
        add_pair(session, world.project, world.prompt, world.a, "good", same, "not good")

    refused(store, attack)


def test_a_pair_is_made_once_in_whatever_order(store: Store, world: World) -> None:
    refused(store, lambda s: add_pair(s, world.project, world.prompt, world.a, "good", world.b, "bad"))
    refused(store, lambda s: add_pair(s, world.project, world.prompt, world.b, "bad", world.a, "good"))


def test_a_pair_of_another_projects_prompt_is_refused(store: Store, world: World) -> None:
    def attack(session: Session) -> None:
        other = add_project(session, "q", world.account)
        third = add_completion(session, world.prompt, "third")
        add_pair(session, other, world.prompt, world.a, "good", third, "third")

    refused(store, attack)


def test_a_generators_sample_is_stored_once(store: Store, world: World) -> None:
    with store.writing() as session:
        generator = add_generator(session, world)

    def attack(session: Session) -> None:
        for text_ in ("one", "another"):
            add(
                session, tables.Completion, prompt_id=world.prompt, kind="generated", generator_id=generator, sample_number=0,
                text_digest=text_digest(text_), characters=len(text_), is_sandbox=False,
            )  # fmt: skip

    refused(store, attack)


def test_a_prompt_stands_once_in_a_project(store: Store, world: World) -> None:
    refused(
        store,
        lambda s: add(
            s,
            tables.PromptRow,
            project_id=world.project,
            digest=text_digest("one"),
            is_sensitive=False,
            is_reserved=False,
        ),
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE completion_text SET text = 'other'",
        "UPDATE prompt_text SET messages = '[]'",
        "UPDATE completion SET text_digest = 'x'",
        "UPDATE pair SET a_id = b_id, b_id = a_id",
        "UPDATE guideline_version SET text = 'other'",
        "DELETE FROM guideline_version",
    ],
)
def test_what_labels_rest_on_cannot_change(store: Store, world: World, statement: str) -> None:
    refused(store, lambda s: s.execute(text(statement)))


def test_a_generator_and_a_judge_keep_their_identity_but_may_be_renamed(store: Store, world: World) -> None:
    with store.writing() as session:
        add_generator(session, world)
        add(
            session, tables.Judge, project_id=world.project, digest="d", base_url="http://e", model="m", parameters="{}",
            rubric="r", orders="both", samples=1, offers_both_bad=False, uses_reference=True, template="t", name="j", version=1, is_sandbox=False,
        )  # fmt: skip
    refused(store, lambda s: s.execute(update(tables.Generator).values(model="other")))
    refused(store, lambda s: s.execute(update(tables.Judge).values(rubric="other")))
    with store.writing() as session:
        session.execute(update(tables.Generator).values(name="h", key_env="KEY"))
        session.execute(update(tables.Judge).values(key_env="KEY"))


# --- labels


def test_a_label_cannot_be_updated(store: Store, world: World) -> None:
    with store.writing() as session:
        label(session, world)
    assert "append-only" in refused(store, lambda s: s.execute(update(tables.Label).values(verdict="b")))


def test_a_label_cannot_be_deleted(store: Store, world: World) -> None:
    with store.writing() as session:
        label(session, world)
    assert "append-only" in refused(store, lambda s: s.execute(text("DELETE FROM label")))


def test_replacing_a_label_row_is_refused_too(sqlite_store: Store) -> None:
    world = make_world(sqlite_store)
    with sqlite_store.writing() as session:
        key = label(session, world, event_id="once")
    statement = text(
        "INSERT OR REPLACE INTO label (id, project_id, seq, pair_id, rater_id, round_id, revision, action, verdict, is_surplus, event_id, created_at)"
        " SELECT id, project_id, seq, pair_id, rater_id, round_id, revision, action, 'b', is_surplus, event_id, created_at FROM label WHERE id = :key"
    )
    assert "append-only" in refused(sqlite_store, lambda s: s.execute(statement, {"key": key}))


@pytest.mark.parametrize("table", ["label", "label_note", "label_judgement", "answer", "guideline_version"])
def test_truncate_is_refused(postgres_store_url: str, table: str) -> None:
    store = open_store(postgres_store_url)
    try:
        assert "never emptied" in refused(store, lambda s: s.execute(text(f"TRUNCATE {table} CASCADE")))
    finally:
        store.close()


def test_only_a_recorded_erasure_lets_its_own_labels_go(store: Store, world: World) -> None:
    with store.writing() as session:
        mine = label(session, world)
        session.execute(insert(tables.LabelNote).values(label_id=mine, comment="because"))
        assign(session, world, world.other_rater, slot=2)
        label(session, world, seq=2, rater_id=world.other_rater)
        erasure = add(session, tables.Erasure, rater_id=world.rater, reason="asked to be forgotten", labels_erased=0)
    refused(store, lambda s: s.execute(text("DELETE FROM label WHERE rater_id = :r"), {"r": world.other_rater}))
    with store.writing() as session:
        session.execute(text("DELETE FROM label_note"))
        session.execute(text("DELETE FROM label WHERE rater_id = :r"), {"r": world.rater})
        session.execute(update(tables.Erasure).where(col(tables.Erasure.id) == erasure).values(ended_at=AT))
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(tables.Label)) == 1
    refused(store, lambda s: s.execute(text("DELETE FROM label")))


def test_a_second_label_of_the_same_revision_is_refused(store: Store, world: World) -> None:
    with store.writing() as session:
        label(session, world)
    refused(store, lambda s: label(s, world, seq=2, verdict="b"))
    with store.writing() as session:
        label(session, world, seq=2, revision=2, verdict="b")


def test_a_second_label_without_a_round_is_refused_although_null_is_never_equal(store: Store, world: World) -> None:
    with store.writing() as session:
        rater = add(session, tables.Rater, kind="imported", name="crowd", project_id=world.project)
        label(session, world, rater_id=rater, round_id=None)
    refused(store, lambda s: label(s, world, rater_id=rater, round_id=None, seq=2))


def test_an_event_that_arrives_twice_is_one_label(store: Store, world: World) -> None:
    with store.writing() as session:
        label(session, world, event_id="once")
    refused(store, lambda s: label(s, world, event_id="once", seq=2, revision=2))


@pytest.mark.parametrize(
    "values",
    [
        {"action": "label", "verdict": None},
        {"action": "skip", "verdict": "a"},
        {"action": "undo", "verdict": "tie"},
        {"verdict": "left"},
        {"verdict": "tie", "strength": 2},
        {"action": "skip", "verdict": None, "strength": 2},
        {"strength": 4},
        {"milliseconds": -1},
        {"revision": 0},
        {"left_side": "left"},
    ],
)
def test_a_label_that_makes_no_sense_is_refused(store: Store, world: World, values: dict[str, object]) -> None:
    refused(store, lambda s: label(s, world, **values))


def test_a_person_who_was_never_served_a_pair_cannot_label_it(store: Store, world: World) -> None:
    refused(store, lambda s: label(s, world, rater_id=world.other_rater))


def test_a_person_cannot_label_outside_a_round(store: Store, world: World) -> None:
    assert "round" in refused(store, lambda s: label(s, world, round_id=None))


def test_an_edit_of_another_prompt_is_refused(store: Store, world: World) -> None:
    assert "edit" in refused(store, lambda s: label(s, world, edit_id=world.foreign))


def test_a_label_on_another_projects_pair_is_refused(store: Store, world: World) -> None:
    def attack(session: Session) -> None:
        other = add_project(session, "q", world.account)
        label(session, world, project_id=other)

    refused(store, attack)


# --- slots


def test_a_slot_is_held_once(store: Store, world: World) -> None:
    refused(store, lambda s: assign(s, world, world.other_rater, slot=1))


def test_a_slot_beyond_the_overlap_is_refused(store: Store, world: World) -> None:
    with store.writing() as session:
        assign(session, world, world.other_rater, slot=2)
        third = add_rater(session, "third")
    assert "overlap" in refused(store, lambda s: assign(s, world, third, slot=3))
    with store.writing() as session:
        assign(session, world, third, slot=None)
    assert "overlap" in refused(
        store,
        lambda s: s.execute(update(tables.Assignment).where(col(tables.Assignment.rater_id) == third).values(slot=3)),
    )


def test_a_lowered_overlap_leaves_held_slots_and_stops_new_ones(store: Store, world: World) -> None:
    with store.writing() as session:
        assign(session, world, world.other_rater, slot=2, reserved_until=AT)
        session.execute(update(tables.Round).values(overlap=1))
    with store.writing() as session:
        session.execute(
            update(tables.Assignment)
            .where(col(tables.Assignment.rater_id) == world.other_rater)
            .values(reserved_until=AT + timedelta(minutes=15), state="labelled")
        )
        third = add_rater(session, "third")
    assert "overlap" in refused(store, lambda s: assign(s, world, third, slot=2))


def test_a_pair_is_served_once_to_an_annotator_and_keeps_its_side(store: Store, world: World) -> None:
    refused(store, lambda s: assign(s, world, world.rater, slot=2))
    assert "side" in refused(store, lambda s: s.execute(update(tables.Assignment).values(left_side="b")))


def test_twenty_writers_at_once_hold_no_slot_twice_and_none_too_many(store: Store, store_url: str) -> None:
    world = make_world(store)
    with store.writing() as session:
        session.execute(update(tables.Round).values(overlap=3))
        raters = [add_rater(session, f"rater {number}") for number in range(20)]

    def writer(rater: int) -> str:
        own = open_store(store_url)
        try:
            for slot in (1, 2, 3, 4):
                try:
                    with own.writing() as session:
                        assign(session, world, rater, slot=slot)
                        session.execute(
                            update(tables.ProjectCounter).values(label_seq=tables.ProjectCounter.label_seq + 1)
                        )
                        seq = session.scalar(select(tables.ProjectCounter.label_seq))
                        label(session, world, rater_id=rater, seq=seq)
                except IntegrityError:
                    continue
                return "held"
            return "refused"
        finally:
            own.close()

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(writer, raters))
    # One of the three slots was given away when the world was made.
    assert outcomes.count("held") == 2
    assert outcomes.count("refused") == 18
    with store.reading() as session:
        slots = session.scalars(select(tables.Assignment.slot).order_by(tables.Assignment.slot)).all()
        seqs = session.scalars(select(tables.Label.seq).order_by(tables.Label.seq)).all()
    assert slots == [1, 2, 3]
    assert seqs == [1, 2]


# --- requests and answers


def test_a_request_key_stands_once(store: Store, world: World) -> None:
    refused(store, lambda s: add_request(s, world.run, "key"))


def test_a_second_answer_to_a_key_is_refused_and_the_first_is_never_replaced(store: Store, world: World) -> None:
    with store.writing() as session:
        add(session, tables.Answer, request_id=world.request, run_id=world.run, text="first", is_sandbox=False)
    refused(
        store,
        lambda s: add(s, tables.Answer, request_id=world.request, run_id=world.run, text="second", is_sandbox=False),
    )
    refused(store, lambda s: s.execute(update(tables.Answer).values(text="second")))


def test_a_double_click_starts_one_run(store: Store, world: World) -> None:
    refused(
        store,
        lambda s: add(
            s, tables.Run, project_id=world.project, purpose="generate", mode="live", state="running", spec="{}", max_tries=5,
            asked=1, spent_usd=0.0, unpriced=0, prompt_tokens=0, completion_tokens=0, idempotency_key="once", created_by=world.account,
        ),
    )  # fmt: skip


def test_a_failed_request_says_why(store: Store, world: World) -> None:
    refused(store, lambda s: s.execute(update(tables.Request).values(state="failed")))


def test_one_import_at_a_time_is_written_in_a_project(store: Store, world: World) -> None:
    def start(session: Session) -> None:
        add(
            session, tables.Import, project_id=world.project, kind="pairs", format="table", file_name="f", options="{}",
            state="writing", rows_read=0, rows_taken=0, rows_known=0, rows_refused=0, counts="{}", created_by=world.account,
            heartbeat_at=AT,
        )  # fmt: skip

    with store.writing() as session:
        start(session)
    refused(store, start)


def test_a_rater_is_of_one_kind(store: Store, world: World) -> None:
    refused(store, lambda s: add(s, tables.Rater, kind="annotator", name="nobody"))
    refused(store, lambda s: add(s, tables.Rater, kind="judge", name="no judge", project_id=world.project))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (tables.Project, "target", "elsewhere"),
        (tables.Round, "purpose", "fun"),
        (tables.Round, "overlap", 0),
        (tables.Run, "state", "lost"),
        (tables.Request, "state", "lost"),
        (tables.Assignment, "state", "lost"),
    ],
)
def test_an_unknown_word_is_refused(
    store: Store, world: World, table: type[tables.Table], column: str, value: object
) -> None:
    refused(store, lambda s: s.execute(update(table).values({column: value})))
