"""No prompt that is kept for evaluation leaves, and no split parts what belongs together."""

import csv
import json

import pytest

from labeling.domain import Role
from labeling.errors import ForbiddenError, InputError
from labeling.services.estimate import estimate
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.grouping import group_prompts
from labeling.services.imports import ImportOptions, run_import
from labeling.services.reserving import release, reserve, reserved
from labeling.services.vote_export import votes_held
from labeling.storage import tables
from tests.services.exporting import Exporting, labelled, lines, make_exporting

LONG = "Tell me in plain words how a sailing ship finds its way across the open sea at night, when neither moon nor stars can be seen, and what the officer of the watch writes down each hour about ship {number}"  # fmt: skip
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ivy", "Jan", "Kim", "Lou", "Max", "Ned", "Oda")


def near_duplicates(store, copies: int = 4) -> tuple[Exporting, dict[int, str]]:
    """A labelled project of fifteen questions, each in several wordings; pair to question."""
    making = make_exporting(store)
    gold = making.imported_rater()
    asked = {}
    for name in NAMES:
        text = f"{LONG.format(number=name)} {' '.join([name.lower()] * 12)}"
        for copy, wording in enumerate((text, text.upper(), text.replace("plain", "simple"), f"{text}!")[:copies]):
            pair = making.pair(wording, a=f"good {name} {copy}", b=f"a poor reply to {name} {copy}")
            making.label(gold, pair)
            asked[pair] = name
    return making, asked


def questions(folder, asked: dict[int, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"train": set(), "validation": set()}
    for told in lines(folder / "provenance.jsonl"):
        found[told["split"]].add(asked[told["pair"]])
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_near_duplicates_stay_on_one_side_of_a_split(store, tmp_path, seed):
    making, asked = near_duplicates(store)
    export(*making.place, ExportChoices("trl", validation_share=0.4, seed=seed), out=tmp_path / "out")
    found = questions(tmp_path / "out", asked)
    assert found["train"]
    assert found["validation"]
    assert not found["train"] & found["validation"]


def test_so_many_rows_can_be_asked_for_validation(store, tmp_path):
    making, asked = near_duplicates(store)
    view = export(*making.place, ExportChoices("trl", validation_rows=18), out=tmp_path / "out")
    assert view.validation_rows == 20  # five questions of four wordings
    found = questions(tmp_path / "out", asked)
    assert not found["train"] & found["validation"]
    with pytest.raises(InputError, match="say nothing"):
        export(*making.place, ExportChoices("trl", validation_rows=3), out=tmp_path / "other")


def test_a_group_keeps_its_side_as_prompts_are_added(store, tmp_path):
    making, asked = near_duplicates(store, copies=2)
    export(*making.place, ExportChoices("trl", validation_share=0.4, seed=3), out=tmp_path / "first")
    before = questions(tmp_path / "first", asked)
    gold = making.imported_rater("crowd")
    for name in NAMES:
        text = f"{LONG.format(number=name)} {' '.join([name.lower()] * 12)}"
        pair = making.pair(f"{text}?", a=f"fine {name}", b=f"worse {name}")
        making.label(gold, pair)
        asked[pair] = name
    export(*making.place, ExportChoices("trl", validation_share=0.4, seed=3), out=tmp_path / "second")
    assert questions(tmp_path / "second", asked) == before


def test_what_is_kept_for_evaluation_is_not_taken_from_the_validation_file(sqlite_store, tmp_path):
    making = labelled(sqlite_store, 300)
    reserve(*making.place, 60)
    view = export(*making.place, ExportChoices("trl", validation_share=0.2), out=tmp_path / "out")
    assert view.rows == 240
    assert 30 <= view.validation_rows <= 66  # about a fifth, as without them


def test_prompts_are_compared_once(sqlite_store):
    making, _ = near_duplicates(sqlite_store, copies=2)
    assert group_prompts(sqlite_store, making.project_id) == 30
    assert group_prompts(sqlite_store, making.project_id) == 0


def test_no_export_holds_a_reserved_prompt_or_what_belongs_to_it(store, tmp_path):
    making, asked = near_duplicates(store)
    told = reserve(*making.place, 10, seed=4)
    assert (told.reserved, told.prompts, told.changed) == (12, 60, 12)  # whole groups of four
    view = export(*making.place, ExportChoices("trl"), out=tmp_path / "out")
    assert view.left_out == {"reserved": 12}
    left = set(asked.values()) - questions(tmp_path / "out", asked)["train"] - questions(tmp_path / "out", asked)["validation"]  # fmt: skip
    assert len(left) == 3
    later = making.pair(f"{LONG.format(number=min(left))} {' '.join([min(left).lower()] * 12)} please")
    making.label(making.imported_rater("crowd"), later, "a")
    assert estimate(*making.place, format="trl").left_out == {"reserved": 13}
    again = export(*making.place, ExportChoices("trl"), out=tmp_path / "again")
    assert again.left_out == {"reserved": 13}
    assert reserve(*making.place, 10, seed=4).changed == 0
    assert release(*making.place).changed == 12
    assert export(*making.place, ExportChoices("trl"), out=tmp_path / "all").left_out == {}


def test_votes_leave_out_what_is_reserved_and_what_belongs_to_it(store, tmp_path):
    making, asked = near_duplicates(store, copies=2)
    reserve(*making.place, 2, seed=4)

    def said_of(out: str) -> set[str]:
        view = export(*making.place, ExportChoices("votes"), out=tmp_path / out)
        found = {int(row["item"]) for row in csv.DictReader((tmp_path / out / "votes.csv").read_text().splitlines())}
        assert votes_held(*making.place).labels == view.rows == len(found)
        assert view.left_out == {"reserved": len(asked) - len(found)}
        assert f"{len(asked) - len(found)} labels left out: reserved" in (tmp_path / out / "README.md").read_text()
        return {asked[pair] for pair in found}

    (name,) = set(NAMES) - said_of("first")
    later = making.pair(f"{LONG.format(number=name)} {' '.join([name.lower()] * 12)} please")
    making.label(making.imported_rater("crowd"), later, "a")
    asked[later] = name
    assert said_of("second") == set(NAMES) - {name}


def test_prompts_can_be_reserved_as_they_are_imported(store, tmp_path):
    making = labelled(store, 12)
    rows = [{"prompt": f"question {number}", "chosen": f"yes {number}", "rejected": "no"} for number in (3, 40)]
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    run_import(*making.place, content, "held.jsonl", ImportOptions(labels_as="crowd", is_reserved=True))
    assert reserved(*making.place).reserved == 2
    view = export(*making.place, ExportChoices("trl"), out=tmp_path / "out")
    assert view.left_out == {"reserved": 3}  # question 3 was there before, with a pair of its own
    assert not {"question 3", "question 40"} & {line["prompt"][0]["content"] for line in lines(tmp_path / "out" / "train.jsonl")}  # fmt: skip


@pytest.mark.parametrize("count", [0, 13])
def test_no_more_can_be_reserved_than_there_are(sqlite_store, count):
    making = labelled(sqlite_store, 12)
    with pytest.raises(InputError, match="There are 12 prompts"):
        reserve(*making.place, count)


def test_only_who_manages_the_project_reserves(sqlite_store):
    making = labelled(sqlite_store, 12)
    annotator = making.member("Ana", Role.ANNOTATOR)
    for call in (lambda: reserve(sqlite_store, annotator, making.slug, 3), lambda: release(sqlite_store, annotator, making.slug)):  # fmt: skip
        with pytest.raises(ForbiddenError):
            call()
    with sqlite_store.reading() as session:
        assert not any(row.is_reserved for row in session.execute(tables.PromptRow.__table__.select()))
