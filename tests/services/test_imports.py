"""Imports through the real store on both engines: whole or not at all, and nothing twice."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from labeling.domain import Actor, Target
from labeling.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from labeling.services.access import local_actor
from labeling.services.import_chunks import STALE
from labeling.services.import_list import import_view, list_imports, refused_jsonl, refused_rows
from labeling.services.import_preview import preview
from labeling.services.imports import ImportOptions, recover_imports, run_import
from labeling.services.liveness import THIS_PROCESS
from labeling.services.projects import create_project, project_view, recent
from labeling.storage import tables
from labeling.storage.opening import open_store
from labeling.storage.store import Store
from tests.readers.reading import jsonl
from tests.readers.records import ARGILLA, STEER
from tests.services.importing import pairs

ROOT = Path(__file__).resolve().parents[2]
PAIR = {"prompt": "Why?", "response_a": "Because.", "response_b": "No idea.", "verdict": "a"}


@pytest.fixture
def actor(store: Store) -> Actor:
    found = local_actor(store)
    create_project(store, found, name="P", target=Target.OPENAI)
    return found


def verdicts(store: Store) -> dict[str, str]:
    """The text that each current label prefers, by the prompt's other text."""
    with store.reading() as session:
        rows = session.execute(
            select(tables.Pair.a_id, tables.Pair.b_id, tables.Label.verdict).join(
                tables.Label, col(tables.Label.pair_id) == col(tables.Pair.id)
            )
        ).all()
        texts = dict(session.execute(select(tables.CompletionText.completion_id, tables.CompletionText.text)).all())
    return {texts[a if verdict == "b" else b]: texts[a if verdict == "a" else b] for a, b, verdict in rows}


def count(store: Store, table: type[tables.Table]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_pairs_with_labels_are_stored_and_queued(store: Store, actor: Actor) -> None:
    view = run_import(store, actor, "p", jsonl(*pairs(10)), "pairs.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.read, view.taken, view.known, view.refused) == (10, 10, 0, 0)
    assert (view.prompts, view.completions, view.pairs, view.labels) == (10, 20, 10, 10)
    project = project_view(store, actor, "p")
    # Imported labels take no slot: people are still asked.
    assert (project.pairs, project.labelled_pairs, project.open_pairs) == (10, 10, 10)
    assert verdicts(store) == {
        ("good" if n % 2 else "bad") + f" {n}": ("bad" if n % 2 else "good") + f" {n}" for n in range(10)
    }


def test_labels_are_dropped_unless_their_rater_is_named(store: Store, actor: Actor) -> None:
    assert run_import(store, actor, "p", jsonl(*pairs(3)), "pairs.jsonl", ImportOptions()).labels == 0
    assert count(store, tables.Label) == 0


def test_a_preference_in_numbers_is_stored_with_its_strength_and_a_margin_is_not(store: Store, actor: Actor) -> None:
    rows = [
        STEER | {"response1": f"first {number}", "response2": f"second {number}", "overall_preference": number}
        for number in (-3, -1, 0, 2)
    ]
    reward = {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "margin": 3}
    for name, content in (("steer.jsonl", jsonl(*rows)), ("reward.jsonl", jsonl(reward))):
        assert run_import(store, actor, "p", content, name, ImportOptions(labels_as="crowd")).refused == 0
    with store.reading() as session:
        stored = session.execute(select(tables.Label.strength)).scalars().all()
    assert sorted(stored, key=str) == [1, 2, 3, None, None]
    won = {"second -3": "first -3", "second -1": "first -1", "first 2": "second 2", "No.": "So."}
    assert verdicts(store).items() >= won.items()


def test_the_same_content_a_second_time_adds_nothing_under_whatever_name_and_form(store: Store, actor: Actor) -> None:
    options = ImportOptions(labels_as="crowd")
    run_import(store, actor, "p", jsonl(*pairs(5)), "pairs.jsonl", options)
    before = [count(store, table) for table in (tables.PromptRow, tables.Completion, tables.Pair, tables.Label)]
    again = run_import(store, actor, "p", json.dumps(pairs(5)).encode(), "renamed.json", options)
    assert (again.taken, again.known) == (0, 5)
    assert [count(store, table) for table in (tables.PromptRow, tables.Completion, tables.Pair, tables.Label)] == before


def test_the_two_sides_turned_round_are_the_same_pair_with_the_same_opinion(store: Store, actor: Actor) -> None:
    run_import(store, actor, "p", jsonl(PAIR), "one.jsonl", ImportOptions(labels_as="crowd"))
    turned = PAIR | {"response_a": PAIR["response_b"], "response_b": PAIR["response_a"], "verdict": "b"}
    view = run_import(store, actor, "p", jsonl(turned), "two.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.known, view.pairs, view.labels) == (1, 0, 0)
    assert verdicts(store) == {"No idea.": "Because."}


def test_a_rater_who_says_otherwise_later_has_a_new_revision(store: Store, actor: Actor) -> None:
    run_import(store, actor, "p", jsonl(PAIR), "one.jsonl", ImportOptions(labels_as="crowd"))
    view = run_import(
        store, actor, "p", jsonl(PAIR | {"verdict": "tie"}), "two.jsonl", ImportOptions(labels_as="crowd")
    )
    assert view.labels == 1
    with store.reading() as session:
        rows = session.execute(
            select(tables.Label.revision, tables.Label.verdict, tables.Label.seq).order_by(tables.Label.seq)
        ).all()
    assert [tuple(row) for row in rows] == [(1, "a", 1), (2, "tie", 2)]


def test_a_file_that_repeats_a_row_counts_it_as_known(store: Store, actor: Actor) -> None:
    view = run_import(store, actor, "p", jsonl(PAIR, PAIR, PAIR), "pairs.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.read, view.taken, view.known, view.pairs, view.labels) == (3, 1, 2, 1, 1)


def test_completions_are_joined_by_id_and_every_two_models_become_a_pair(store: Store, actor: Actor) -> None:
    prompts = jsonl(*({"uid": f"u{n}", "prompt": f"Q{n}?"} for n in range(4)))
    run_import(store, actor, "p", prompts, "question.jsonl", ImportOptions())
    for model in ("one", "two", "three"):
        answers = [
            {"uid": f"u{n}", "model": model, "messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": {"answer": f"{model} {n}"}}]}
            for n in (3, 1, 0, 2)  # not in the order of the questions
        ]  # fmt: skip
        view = run_import(store, actor, "p", jsonl(*answers), f"{model}.jsonl", ImportOptions(is_joined_up=True))
        assert (view.taken, view.completions) == (4, 4)
    assert project_view(store, actor, "p").pairs == 12
    with store.reading() as session:
        joined = session.execute(
            select(tables.PromptRow.external_id, tables.CompletionText.text)
            .join(tables.Completion, col(tables.Completion.prompt_id) == col(tables.PromptRow.id))
            .join(tables.CompletionText, col(tables.CompletionText.completion_id) == col(tables.Completion.id))
        ).all()
    assert all(external[1:] == text.split()[1] for external, text in joined)


def test_a_prompt_is_known_by_every_id_that_files_give_it(store: Store, actor: Actor) -> None:
    text = "What is five plus six?"
    for rows in (
        [{"prompt": text}],
        [{"id": 1, "prompt": text}, {"id": "one", "prompt": text}],
        [{"id": 2, "prompt": text}],
    ):
        run_import(store, actor, "p", jsonl(*rows, {"id": 9, "prompt": "Why?"}), "prompts.jsonl", ImportOptions())
    answers = jsonl(*({"id": name, "response": f"eleven, said {name}"} for name in (1, "one", 2, 9)))
    view = run_import(store, actor, "p", answers, "answers.jsonl", ImportOptions())
    assert (view.taken, view.refused) == (4, 0)
    with store.reading() as session:
        given = session.execute(select(tables.Completion.prompt_id, func.count()).group_by(tables.Completion.prompt_id))
        assert sorted(number for _, number in given) == [1, 3]
        assert session.scalar(select(func.count()).select_from(tables.PromptAlias)) == 3


def test_a_prompt_that_comes_again_under_another_id_keeps_what_was_said_of_it(store: Store, actor: Actor) -> None:
    rows = jsonl(
        {"id": "1", "prompt": "Why?", "tags": "t", "reference": "REF", "language": "de"}, {"id": "2", "prompt": "Why?"}
    )
    run_import(store, actor, "p", rows, "prompts.jsonl", ImportOptions())
    with store.reading() as session:
        prompt, text = session.scalars(select(tables.PromptRow)).one(), session.scalars(select(tables.PromptText)).one()
        assert (prompt.external_id, prompt.language, text.reference) == ("1", "de", "REF")


def test_the_numbers_of_pairs_are_no_ids_of_prompts_that_have_theirs(store: Store, actor: Actor) -> None:
    run_import(
        store, actor, "p", jsonl(*({"id": n, "prompt": f"Q{n}?"} for n in (1, 2))), "prompts.jsonl", ImportOptions()
    )
    run_import(store, actor, "p", jsonl(PAIR | {"id": 1, "prompt": "Q2?"}), "pairs.jsonl", ImportOptions())
    answers = jsonl(*({"id": n, "response": f"said {n}"} for n in (1, 2)))
    assert run_import(store, actor, "p", answers, "answers.jsonl", ImportOptions()).taken == 2


def test_a_completion_without_its_prompt_is_refused_and_can_be_downloaded(store: Store, actor: Actor) -> None:
    view = run_import(store, actor, "p", jsonl({"id": "nowhere", "response": "x"}), "c.jsonl", ImportOptions())
    assert (view.read, view.refused, view.refused_by_reason) == (1, 1, {"no_prompt_with_this_id": 1})
    (row,) = refused_rows(store, actor, "p", view.id)
    assert json.loads(refused_jsonl([row], "c.jsonl"))["reason"].startswith(
        "no prompt of the project has the id 'nowhere'"
    )


def test_counts_add_up_and_a_bad_row_holds_nothing_back(store: Store, actor: Actor) -> None:
    content = jsonl(*pairs(3)) + b'{"half":\n' + jsonl(PAIR | {"response_b": PAIR["response_a"]}) + jsonl(*pairs(4))
    view = run_import(store, actor, "p", content, "mixed.jsonl", ImportOptions())
    assert (view.read, view.taken, view.known, view.refused) == (9, 4, 3, 2)
    assert view.refused_by_reason == {"not_json": 1, "identical_sides": 1}
    assert [row.line for row in refused_rows(store, actor, "p", view.id)] == [4, 5]


def test_a_preview_stores_nothing_and_tells_what_would_be(store: Store, actor: Actor) -> None:
    run_import(store, actor, "p", jsonl(*pairs(2)), "pairs.jsonl", ImportOptions())
    kept = ImportOptions(labels_as="crowd")
    seen = preview(store, actor, "p", jsonl(*pairs(5), {"prompt": "?"}), "more.jsonl", kept)
    assert (seen.read, seen.taken, seen.prompts, seen.new_prompts, seen.labels) == (6, 5, 5, 3, 5)
    assert count(store, tables.Pair) == 2


def test_nobody_sees_an_import_before_its_end(store: Store, actor: Actor) -> None:
    seen: list[int] = []

    def look(_rows: int) -> None:
        seen.append(project_view(store, actor, "p").prompts)

    run_import(store, actor, "p", jsonl(*pairs(4500)), "pairs.jsonl", ImportOptions(labels_as="crowd"), look)
    assert seen
    assert set(seen) == {0}
    assert project_view(store, actor, "p").prompts == 4500


def test_a_second_import_at_the_same_time_is_refused_with_a_sentence(store: Store, actor: Actor) -> None:
    def second(_rows: int) -> None:
        with pytest.raises(ConflictError, match="Another import into 'p' is being written"):
            run_import(store, actor, "p", jsonl(PAIR), "second.jsonl", ImportOptions())

    run_import(store, actor, "p", jsonl(*pairs(2500)), "first.jsonl", ImportOptions(), second)


def test_a_fault_in_the_middle_leaves_nothing(store: Store, actor: Actor) -> None:
    def stumble(_rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_import(store, actor, "p", jsonl(*pairs(2500)), "pairs.jsonl", ImportOptions(labels_as="crowd"), stumble)
    for table in (
        tables.PromptRow,
        tables.PromptText,
        tables.Completion,
        tables.CompletionText,
        tables.Pair,
        tables.Label,
    ):
        assert count(store, table) == 0
    assert list_imports(store, actor, "p")[0].state == "removed"
    assert run_import(store, actor, "p", jsonl(*pairs(5)), "pairs.jsonl", ImportOptions()).taken == 5


def test_what_a_killed_import_wrote_is_taken_back_and_the_rest_stays(
    store: Store, store_url: str, actor: Actor, tmp_path: Path
) -> None:
    run_import(store, actor, "p", jsonl(*pairs(5)), "kept.jsonl", ImportOptions(labels_as="crowd"))
    big = tmp_path / "big.jsonl"
    big.write_bytes(
        jsonl(*({"prompt": f"B{n}?", "response_a": "x", "response_b": "y", "verdict": "a"} for n in range(200_000)))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "tiebreak", "--database", store_url, "import", str(big), "--project", "p", "--labels-as", "crowd"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 200
    while count(store, tables.Label) < 500:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project_view(store, actor, "p").pairs == 5
    reopened = open_store(store_url)
    assert recover_imports(reopened) == 1, "its process is gone, however short a time ago"
    reopened.close()
    killed, why = (
        list_imports(store, actor, "p")[0],
        "The program was stopped during the import. Import the file again.",
    )
    assert (killed.state, killed.taken, killed.labels, killed.fault) == ("failed", 0, 0, why)
    lately = recent(store, actor)[0]
    assert (lately.state, lately.result) == ("failed", why)
    assert [count(store, table) for table in (tables.PromptRow, tables.Pair, tables.Label)] == [5, 5, 5]
    assert run_import(store, actor, "p", jsonl(*pairs(6)), "after.jsonl", ImportOptions()).taken == 1


@pytest.mark.parametrize(
    ("process", "silence", "taken_back"),
    [
        (THIS_PROCESS, 0 * STALE, 0),
        (THIS_PROCESS[:-8] + "an-other", 0 * STALE, 1),  # its number came to be that of this process
        ("another-machine - 1 12345678", 0 * STALE, 0),
        ("another-machine - 1 12345678", 2 * STALE, 1),
        (None, 0 * STALE, 0),
    ],
    ids=["this process", "one of this number before", "another machine", "another machine, silent", "not told"],
)
def test_an_import_is_taken_back_only_where_its_process_is_gone_or_gives_no_sign_of_life(
    store: Store, actor: Actor, process: str | None, silence: timedelta, taken_back: int
) -> None:
    found = []

    def meanwhile(_rows: int) -> None:
        with store.writing() as session:
            writing = update(tables.Import).where(col(tables.Import.state) == "writing")
            session.execute(
                writing.values(heartbeat_at=tables.now() - silence, options=json.dumps({"process": process}))
            )
        found.append(recover_imports(store))

    with nullcontext() if not taken_back else pytest.raises(ConflictError):
        run_import(store, actor, "p", jsonl(*pairs(10)), "pairs.jsonl", ImportOptions(), meanwhile)
    assert found == [taken_back]


def test_rights_and_names_are_checked(store: Store, actor: Actor) -> None:
    stranger = Actor(account_id=999, name="stranger")
    for call in (run_import, preview):
        with pytest.raises(NotFoundError, match="no project 'p'"):
            call(store, stranger, "p", jsonl(PAIR), "x.jsonl", ImportOptions())
    with store.writing() as session:
        account = tables.Account(name="ann")
        session.add(account)
        session.flush()
        assert account.id is not None
        session.add(
            tables.Member(project_id=project_view(store, actor, "p").id, account_id=account.id, role="annotator")
        )
        annotator = Actor(account_id=account.id, name="ann")
    with pytest.raises(ForbiddenError, match="ann is annotator"):
        run_import(store, annotator, "p", jsonl(PAIR), "x.jsonl", ImportOptions())
    with pytest.raises(NotFoundError, match="no import 77"):
        import_view(store, actor, "p", 77)
    with pytest.raises(InputError, match="needs a name"):
        run_import(store, actor, "p", jsonl(PAIR), "x.jsonl", ImportOptions(labels_as=" "))


def test_why_a_completion_ended_is_kept_where_the_file_says_so(store: Store, actor: Actor) -> None:
    rows = [
        {"prompt": "Q?", "response": "Half of", "model": "x", "finish_reason": "length"},
        {"prompt": "Q?", "response": "All of it.", "model": "y"},
    ]
    run_import(store, actor, "p", jsonl(*rows), "answers.jsonl", ImportOptions())
    with store.reading() as session:
        query = select(col(tables.Completion.source), col(tables.Completion.finish_reason))
        kept = dict(session.execute(query).all())
    assert kept == {"x": "length", "y": None}


# --- rows that hold several pairs or several raters


def raters(store: Store) -> dict[str, int]:
    """How many labels each imported rater has."""
    query = (
        select(tables.Rater.name, func.count())
        .join(tables.Label, col(tables.Label.rater_id) == col(tables.Rater.id))
        .group_by(col(tables.Rater.name))
    )
    with store.reading() as session:
        return dict(session.execute(query).all())


NAMED = [PAIR | {"annotator": "r1"}, PAIR | {"annotator": "r2", "verdict": "b"}, PAIR | {"annotator": "r1"}]


def test_labels_of_raters_whom_the_file_names_are_kept_by_name(store: Store, actor: Actor) -> None:
    seen = preview(store, actor, "p", jsonl(*NAMED), "votes.jsonl", ImportOptions())
    assert (seen.labels, seen.raters, seen.contradicting) == (2, 2, 0)
    view = run_import(store, actor, "p", jsonl(*NAMED), "votes.jsonl", ImportOptions())
    assert (view.read, view.taken, view.known, view.pairs, view.labels) == (3, 2, 1, 1, 2)
    assert raters(store) == {"r1": 1, "r2": 1}
    again = run_import(store, actor, "p", jsonl(*NAMED), "votes.jsonl", ImportOptions())
    assert (again.known, again.labels) == (3, 0)


APART = pairs(260)  # rows of more than one chunk


def said(*verdicts: str, apart: list[dict[str, object]] = APART) -> bytes:
    """A file in which ann says each of these of one pair, with rows of other pairs between."""
    return jsonl(*(row for verdict in verdicts for row in (PAIR | {"verdict": verdict, "annotator": "ann"}, *apart)))


def told_by_ann(store: Store) -> list[str]:
    """What ann has said of her pair, the newest last."""
    query = (
        select(tables.Label.verdict)
        .join(tables.Rater, col(tables.Rater.id) == col(tables.Label.rater_id))
        .where(col(tables.Rater.name) == "ann")
        .order_by(col(tables.Label.revision))
    )
    with store.reading() as session:
        return [str(verdict) for verdict in session.scalars(query)]


@pytest.mark.parametrize("apart", [[], APART], ids=["together", "apart"])
def test_of_several_verdicts_of_a_rater_in_one_file_the_first_counts_and_the_others_are_told(
    store: Store, actor: Actor, apart: list[dict[str, object]]
) -> None:
    content, other = said("a", "b", "a", "tie", apart=apart), 1 + len(apart)
    lines = (1 + other, 1 + 3 * other)
    seen = preview(store, actor, "p", content, "aba.jsonl", ImportOptions())
    assert (seen.labels, seen.contradicting, seen.contradicting_lines) == (1, 2, lines)
    for labels in (1, 0):  # the same file again adds nothing and tells the same
        view = run_import(store, actor, "p", content, "aba.jsonl", ImportOptions())
        assert (view.labels, view.contradicting, view.contradicting_lines) == (labels, 2, lines)
        assert (view.read, view.refused) == (view.taken + view.known, 0)
        assert told_by_ann(store) == ["a"]


@pytest.mark.parametrize(
    ("named", "options", "labels"),
    [
        (True, ImportOptions(), 1),
        (True, ImportOptions(labels_as="crowd"), 1),
        (True, ImportOptions(are_names_kept=False), 0),
        (True, ImportOptions(are_names_kept=False, labels_as="crowd"), 0),
        (False, ImportOptions(), 0),
        (False, ImportOptions(labels_as="crowd"), 1),
    ],
)
def test_only_labels_that_are_kept_are_counted_and_can_contradict(
    store: Store, actor: Actor, named: bool, options: ImportOptions, labels: int
) -> None:
    rater = {"annotator": "ann"} if named else {}
    content = jsonl(*(PAIR | rater | {"verdict": verdict} for verdict in ("a", "b")))
    seen = preview(store, actor, "p", content, "votes.jsonl", options)
    view = run_import(store, actor, "p", content, "votes.jsonl", options)
    assert (seen.labels, seen.contradicting) == (view.labels, view.contradicting) == (labels, labels)


@pytest.mark.parametrize("apart", [[], APART], ids=["together", "apart"])
def test_another_file_s_verdict_is_a_revision_and_one_that_was_said_before_is_known(
    store: Store, actor: Actor, apart: list[dict[str, object]]
) -> None:
    run_import(store, actor, "p", said("a", apart=apart), "first.jsonl", ImportOptions())
    view = run_import(store, actor, "p", said("b", "a", "b", "tie", apart=apart), "second.jsonl", ImportOptions())
    assert (view.labels, view.contradicting) == (1, 1)
    assert told_by_ann(store) == ["a", "b"]
    again = run_import(store, actor, "p", said("a", apart=apart), "first.jsonl", ImportOptions())
    assert (again.labels, again.contradicting) == (0, 0)
    assert told_by_ann(store) == ["a", "b"]


def test_the_row_that_is_taken_is_the_one_whose_verdict_counts(store: Store, actor: Actor) -> None:
    votes = jsonl(*(PAIR | {"verdict": verdict} for verdict in ("a", "a", "b")))
    view = run_import(store, actor, "p", votes, "votes.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.taken, view.known, view.labels, view.contradicting_lines) == (1, 2, 1, (3,))
    assert verdicts(store) == {"No idea.": "Because."}


def test_a_row_that_holds_a_contradiction_brings_what_else_it_has(store: Store, actor: Actor) -> None:
    given = [("u1", "response-1"), ("u1", "response-2"), ("u2", "tie")]
    answers = {"preference": [{"user_id": who, "value": value} for who, value in given]}
    view = run_import(store, actor, "p", jsonl(ARGILLA | {"responses": answers}), "records.jsonl", ImportOptions())
    assert (view.taken, view.labels, view.contradicting, view.contradicting_lines) == (1, 2, 1, (1,))
    assert raters(store) == {"u1": 1, "u2": 1}


def test_the_strength_of_a_verdict_is_part_of_it(store: Store, actor: Actor) -> None:
    rows = jsonl(*(PAIR | {"strength": strength} for strength in (3, 3, 1)))
    view = run_import(store, actor, "p", rows, "votes.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.labels, view.contradicting_lines) == (1, (3,))
    with store.reading() as session:
        assert session.scalars(select(tables.Label.strength)).all() == [3]


def test_named_labels_stand_under_a_name_of_ones_own_or_are_dropped(store: Store, actor: Actor) -> None:
    run_import(store, actor, "p", jsonl(*NAMED), "votes.jsonl", ImportOptions(are_names_kept=False))
    assert raters(store) == {}
    run_import(store, actor, "p", jsonl(*NAMED), "votes.jsonl", ImportOptions(labels_as="crowd"))
    assert raters(store) == {"crowd/r1": 1, "crowd/r2": 1}


def test_a_ranking_counts_as_one_row_with_its_pairs(store: Store, actor: Actor) -> None:
    rankings = [
        {"prompt": f"Q{n}", "responses": [f"best {n}", f"fair {n}", f"poor {n}"], "ranks": [1, 2, 3]} for n in range(90)
    ]
    seen = preview(store, actor, "p", jsonl(*rankings), "r.jsonl", ImportOptions(labels_as="crowd"))
    assert (seen.read, seen.taken, seen.pairs, seen.labels, len(seen.samples)) == (90, 90, 270, 270, 5)
    view = run_import(store, actor, "p", jsonl(*rankings), "r.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.read, view.taken, view.prompts, view.completions, view.pairs, view.labels) == (
        90,
        90,
        90,
        270,
        270,
        270,
    )
    assert all(better < worse for worse, better in verdicts(store).items())


def test_single_completions_count_as_the_rows_they_are(store: Store, actor: Actor) -> None:
    rows = [
        {"prompt": "Q", "completion": "good", "label": True}, {"prompt": "Q", "completion": "bad", "label": False},
        {"prompt": "R", "completion": "alone", "label": False},
    ]  # fmt: skip
    view = run_import(store, actor, "p", jsonl(*rows), "kto.jsonl", ImportOptions(labels_as="crowd"))
    assert (view.read, view.taken, view.refused, view.pairs) == (3, 2, 1, 1)
    assert view.refused_by_reason == {"no_counterpart": 1}
    assert verdicts(store) == {"bad": "good"}
