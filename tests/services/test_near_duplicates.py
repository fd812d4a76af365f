"""Near-duplicates are found at import, told, and kept together by every split."""

import json
import random
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlmodel import col

from labeling.domain import Actor
from labeling.services.access import local_actor
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.import_list import ImportView
from labeling.services.imports import ImportOptions, run_import
from labeling.services.near_duplicates import near_duplicates
from labeling.services.projects import create_project
from labeling.storage import tables
from labeling.storage.store import Store

THINGS = "river stone light garden winter letter music bridge window forest morning paper silver engine harbour".split()


@pytest.fixture
def actor(store: Store) -> Actor:
    found = local_actor(store)
    create_project(store, found, name="P")
    return found


def question(number: int) -> str:
    """A question that is like no other one."""
    return f"Tell me of {' '.join(random.Random(number).choices(THINGS, k=40))}?"


def variants(number: int) -> list[str]:
    asked = question(number)
    return [asked, asked.upper(), asked.replace("Tell me", "Tell me,") + "  ", asked.replace("Tell me of", "Tell of")]


def take(store: Store, actor: Actor, prompts: list[object], **options: object) -> ImportView:
    rows = [
        {"prompt": prompt, "chosen": f"good reply {n} to it", "rejected": f"another bad one {n}"}
        for n, prompt in enumerate(prompts)
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return run_import(store, actor, "p", content, "pairs.jsonl", ImportOptions(labels_as="crowd", **options))  # type: ignore[arg-type]  # options by name


def groups(store: Store) -> dict[str, str]:
    """The group of each prompt by the text of its first message."""
    query = select(tables.PromptText.messages, tables.PromptRow.group_key, tables.PromptRow.digest).join(
        tables.PromptRow, col(tables.PromptRow.id) == col(tables.PromptText.prompt_id)
    )
    with store.reading() as session:
        return {json.loads(one)[0]["content"]: group or digest for one, group, digest in session.execute(query)}


def test_near_duplicates_of_one_file_share_a_group_and_are_counted(store: Store, actor: Actor) -> None:
    view = take(store, actor, [text for number in range(20) for text in variants(number)])
    assert (view.prompts, view.near_prompts) == (80, 80)
    found = groups(store)
    for number in range(20):
        assert len({found[text] for text in variants(number)}) == 1
    assert len(set(found.values())) == 20


def test_a_later_file_joins_the_groups_that_are_there(store: Store, actor: Actor) -> None:
    take(store, actor, [question(number) for number in range(30)])
    view = take(store, actor, [variants(number)[1] for number in range(30)])
    assert view.near_prompts == 60
    assert len(set(groups(store).values())) == 30
    again = take(store, actor, [variants(number)[1] for number in range(30)])
    assert (again.prompts, again.near_prompts) == (0, 0)


def test_signatures_that_are_deleted_are_made_anew_and_groups_keep_their_names(store: Store, actor: Actor) -> None:
    take(store, actor, [text for number in range(5) for text in variants(number)[:2]])
    before = groups(store)
    with store.writing() as session:
        session.execute(delete(tables.PromptSignatures))
    take(store, actor, [variants(number)[2] for number in range(5)])
    found = groups(store)
    assert {text: found[text] for text in before} == before
    assert len(set(found.values())) == 5


def test_a_prompt_kept_for_evaluation_takes_none_along_that_asks_for_another_sign(
    store: Store, actor: Actor, tmp_path: Path
) -> None:
    asked = ["What is 5 ÷ 3?", "What is C#?", "दिन", "👎", "a || b", "€5", "∃x", "x ∉ A"]
    kept = "".join(f"{one}\n" for one in ("What is 5 × 3?", "What is C?", "दान", "👍", "a && b", "$5", "∀x", "x ∈ A"))
    run_import(store, actor, "p", kept.encode(), "kept.txt", ImportOptions(is_reserved=True))
    take(store, actor, [*asked, "what is c"])
    export(store, actor, "p", ExportChoices("trl"), out=tmp_path / "out")
    rows = map(json.loads, (tmp_path / "out" / "train.jsonl").read_bytes().splitlines())
    assert {row["prompt"][0]["content"] for row in rows} == set(asked)


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": text}


def test_a_prompt_that_belongs_to_two_groups_makes_one_of_them(store: Store, actor: Actor) -> None:
    first, second = question(1), question(2)
    whole = f"{first} Long ago. {second}"
    take(store, actor, [question(3), first, whole])
    take(store, actor, [whole.upper(), whole.lower(), first.upper()])
    assert len(set(groups(store).values())) == 3
    told = near_duplicates(store, actor, "p")
    assert [one.prompts for one in told.largest] == [3, 2]
    view = take(store, actor, [[user(first), {"role": "assistant", "content": "Long ago."}, user(second)]])
    assert view.near_prompts == 4  # itself, and the three whose group ends in the older one
    found = groups(store)
    assert len({found[text] for text in (first, first.upper(), whole, whole.upper(), whole.lower())}) == 1
    assert [one.prompts for one in near_duplicates(store, actor, "p").largest] == [6]


def test_turns_of_one_conversation_share_a_group(store: Store, actor: Actor) -> None:
    talk = [user(question(1)), {"role": "assistant", "content": "Long ago."}, user("And after that?")]
    view = take(store, actor, [talk, question(1), question(2)])
    assert view.near_prompts == 2
    assert len(set(groups(store).values())) == 2


def test_no_group_is_parted_between_train_and_validation(store: Store, actor: Actor, tmp_path) -> None:
    take(store, actor, [text for number in range(60) for text in variants(number)])
    view = export(store, actor, "p", ExportChoices("trl", validation_share=0.3), out=tmp_path / "out")
    assert view.validation_rows > 10
    parts = {
        name: {json.loads(line)["prompt"][0]["content"] for line in (tmp_path / "out" / name).read_bytes().splitlines()}
        for name in ("train.jsonl", "validation.jsonl")
    }
    for number in range(60):
        held = [name for name, texts in parts.items() if texts & set(variants(number))]
        assert len(held) == 1


def test_pairs_whose_sides_say_nearly_the_same_are_told(store: Store, actor: Actor) -> None:
    rows = [
        {
            "prompt": "Why is it so?",
            "chosen": "Because it has always been so.",
            "rejected": "because it has always been so",
        },
        {"prompt": "Why not?", "chosen": "Because.", "rejected": "There is no reason at all."},
    ]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    view = run_import(store, actor, "p", content, "pairs.jsonl", ImportOptions())
    assert view.alike_sides == 1
    told = near_duplicates(store, actor, "p")
    assert told.alike == 1
    assert {told.alike_pairs[0].a, told.alike_pairs[0].b} == {rows[0]["chosen"], rows[0]["rejected"]}


def test_the_largest_groups_are_told_first(store: Store, actor: Actor) -> None:
    take(store, actor, [*variants(1)[:2], *variants(2), question(3)])
    told = near_duplicates(store, actor, "p")
    assert (told.prompts, told.groups) == (6, 2)
    assert [(one.prompts, one.text) for one in told.largest] == [(4, question(2)), (2, question(1))]
