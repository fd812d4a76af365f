import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from exporters.files import begin_folder
from labeling.errors import ConflictError, ExportError, InputError, NotFoundError, StoppedError
from labeling.services.export import export_again
from labeling.services.export_changes import Change, changes
from labeling.services.export_files import export_file
from labeling.services.export_list import export_view, exports, settle_stopped
from labeling.services.label_rules import LabelRules
from labeling.services.vote_export import votes_held
from labeling.storage import tables
from tests.services.exporting import done, edited, labelled, lines, make_exporting, one_edited, sides

ROOT = Path(__file__).parents[2]


def test_an_export_without_an_own_place_lies_in_the_data_folder(store, tmp_path, monkeypatch):
    monkeypatch.setenv("TIEBREAK_DATA_FOLDER", str(tmp_path / "data"))
    making = labelled(store, 12)
    view = done(making, tmp_path, out=None)
    assert view.folder == tmp_path / "data" / "exports" / "talk" / str(view.id)
    assert export_file(*making.place, view.id, "train.jsonl").parent == view.folder


def test_an_export_that_fails_its_check_is_listed_with_the_finding_and_leaves_nothing(store, tmp_path):
    making = labelled(store, 9)
    with pytest.raises(ExportError, match="at least 10 are needed"):
        done(making, tmp_path, format="openai-dpo")
    (view,) = exports(*making.place)
    assert view.state == "failed"
    assert "at least 10 are needed" in (view.fault or "")
    assert view.folder is None
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
    with pytest.raises(NotFoundError, match="nothing to download"):
        export_file(*making.place, view.id, "train.jsonl")


def test_a_folder_that_is_taken_is_refused_and_kept(store, tmp_path):
    making = labelled(store, 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(ExportError, match="already there"):
        done(making, tmp_path)
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_an_export_that_is_interrupted_by_hand_is_removed_and_not_failed(store, tmp_path):
    making = labelled(store, 3)

    def stop(_looked: int, _pairs: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done(making, tmp_path, progress=stop)
    stopped = exports(*making.place)[0]
    assert (stopped.state, stopped.fault) == ("removed", "The export was stopped: nothing of it is kept.")
    assert not list(tmp_path.glob("*out*"))


def test_votes_tell_how_far_they_are_and_leave_nothing_when_they_are_stopped(store, tmp_path):
    making = labelled(store, 12)
    seen: list[tuple[int, int]] = []
    done(making, tmp_path, format="votes", progress=lambda looked, labels: seen.append((looked, labels)))
    assert (seen[0], seen[-1]) == ((0, 12), (12, 12))

    def stop(_looked: int, _labels: int) -> None:
        raise StoppedError("The export was stopped.")

    with pytest.raises(StoppedError):
        done(making, tmp_path, format="votes", out=tmp_path / "stopped", progress=stop)
    stopped = exports(*making.place)[0]
    assert (stopped.state, stopped.fault, stopped.folder) == ("removed", "The export was stopped.", None)
    assert not list(tmp_path.glob("*stopped*"))
    with pytest.raises(StoppedError):
        export_again(*making.place, exports(*making.place)[1].id, out=tmp_path / "stopped", progress=stop)
    assert not list(tmp_path.glob("*stopped*"))


PROGRAM = """
import os, sys
from pathlib import Path
from labeling.services.access import local_actor
from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.storage.opening import open_store
store = open_store(sys.argv[1])
export(store, local_actor(store), "talk", ExportChoices("trl"), out=Path(sys.argv[2]),
       progress=lambda looked, pairs: os.kill(os.getpid(), 9))
"""


def test_a_killed_export_is_found_settled_and_swept_up(store, store_url, tmp_path):
    making = labelled(store, 3)
    subprocess.run([sys.executable, "-c", PROGRAM, store_url, str(tmp_path / "out")], cwd=ROOT, check=False)
    assert exports(*making.place)[0].state == "writing"
    assert list(tmp_path.glob(".out.*.partial"))
    assert settle_stopped(store) == 1
    (view,) = exports(*making.place)
    assert (view.state, view.fault) == ("failed", "The program was stopped during the export. Start it again.")
    assert not list(tmp_path.glob("*out*"))
    assert done(making, tmp_path).rows == 3


def test_a_killed_export_is_found_by_a_process_that_got_its_number(store, store_url, tmp_path):
    making = labelled(store, 3)
    subprocess.run([sys.executable, "-c", PROGRAM, store_url, str(tmp_path / "out")], cwd=ROOT, check=False)
    (view,) = exports(*making.place)
    with store.reading() as session:
        options = json.loads(session.scalars(select(tables.Export.options)).one())
    making.change(tables.Export, view.id, options=json.dumps(options | {"process": os.getpid()}))
    assert settle_stopped(store) == 1
    assert exports(*making.place)[0].state == "failed"


def test_an_export_under_way_is_left_alone(store, tmp_path):
    making = labelled(store, 3)
    done(making, tmp_path, progress=lambda _looked, _pairs: settle_stopped(store))
    assert exports(*making.place)[0].state == "done"


def test_what_a_killed_export_left_is_swept_up_beside_one_on_its_way_to_the_same_folder(store, store_url, tmp_path):
    making = labelled(store, 3)

    def killed(_looked: int, _pairs: int) -> None:
        subprocess.run([sys.executable, "-c", PROGRAM, store_url, str(tmp_path / "out")], cwd=ROOT, check=False)
        assert settle_stopped(store) == 1

    assert done(making, tmp_path, progress=killed).rows == 3
    assert [view.state for view in exports(*making.place)] == ["failed", "done"]


def test_what_a_killed_export_left_is_swept_up_beside_that_of_another_database(store, store_url, tmp_path):
    making = labelled(store, 3)
    others = begin_folder(tmp_path / "out")  # by this process, which has nothing in the list
    subprocess.run([sys.executable, "-c", PROGRAM, store_url, str(tmp_path / "out")], cwd=ROOT, check=False)
    assert len(list(tmp_path.glob(".out.*.partial"))) == 2
    assert settle_stopped(store) == 1
    assert list(tmp_path.glob(".out.*.partial")) == [others]
    assert [view.state for view in exports(*making.place)] == ["failed"]


def test_an_export_of_another_project_is_not_found(store, tmp_path):
    making = labelled(store, 3)
    view = done(making, tmp_path)
    other = make_exporting(store, name="Other")
    with pytest.raises(NotFoundError, match=f"no export {view.id}"):
        export_view(*other.place, view.id)


@pytest.mark.parametrize("name", ["../store.db", "/etc/passwd", "nothing.jsonl", ""])
def test_only_the_files_of_the_export_are_handed_out(store, tmp_path, name):
    making = labelled(store, 3)
    view = done(making, tmp_path)
    with pytest.raises(NotFoundError, match="has no file"):
        export_file(*making.place, view.id, name)


def test_votes_are_made_again_byte_for_byte_and_have_no_label_rules(store, tmp_path):
    making = labelled(store, 12)
    view = done(making, tmp_path, format="votes", licence="cc-by-4.0")
    crowd = making.imported_rater("crowd")
    making.label(crowd, making.pair("later"))
    again = export_again(*making.place, view.id, out=tmp_path / "again")
    assert (again.digest, again.rows, again.licence) == (view.digest, 12, "cc-by-4.0")
    card = (tmp_path / "again" / "README.md").read_text()
    assert "license: cc-by-4.0" in card
    assert "12 labels of 1 rater," in card
    assert card == (tmp_path / "out" / "README.md").read_text()
    assert votes_held(*making.place).labels == 13
    with pytest.raises(InputError, match="without label rules"):
        done(making, tmp_path, format="votes", rules=LabelRules(who="people"), out=tmp_path / "other")


def test_what_a_judge_left_open_later_is_not_in_an_export_made_again(store, tmp_path):
    making = make_exporting(store)
    first, second = (making.judge("strict", version=version) for version in (1, 2))
    pairs = making.pairs(4)
    for pair in pairs[:3]:
        making.label(first, pair)
    making.judged(second, pairs[0], "undecided")
    view = done(making, tmp_path)
    assert (view.rows, view.left_out) == (2, {"judge_undecided": 1, "no_label": 1})
    making.judged(second, pairs[1], "undecided")
    making.judged(second, pairs[3], "unreadable")
    again = export_again(*making.place, view.id, out=tmp_path / "again")
    assert (again.digest, again.left_out) == (view.digest, view.left_out)
    assert done(making, tmp_path, out=tmp_path / "now").left_out == {"judge_undecided": 2, "judge_unreadable": 1}


def test_prompts_that_are_found_to_belong_together_later_change_no_export_without_a_split(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    for text in ("Name three rivers!", "name three rivers", "name three lakes"):
        making.label(gold, making.pair(text))
    view = done(making, tmp_path)
    assert len({row["prompt"] for row in lines(tmp_path / "out" / "provenance.jsonl")}) == 3
    done(making, tmp_path, out=tmp_path / "split", validation_share=0.1)
    assert len({row["prompt"] for row in lines(tmp_path / "split" / "provenance.jsonl")}) == 2
    assert export_again(*making.place, view.id, out=tmp_path / "again").digest == view.digest


def test_an_export_that_failed_is_not_made_again(store, tmp_path):
    making = labelled(store, 9)
    with pytest.raises(ExportError):
        done(making, tmp_path, format="openai-dpo")
    with pytest.raises(ConflictError, match="was not finished"):
        export_again(*making.place, exports(*making.place)[0].id, out=tmp_path / "again")


@pytest.mark.parametrize("split", [{"validation_share": 0.9}, {"validation_rows": 10}])
def test_an_export_never_leaves_nothing_to_train_on(store, tmp_path, split):
    making = make_exporting(store)
    gold = making.imported_rater()
    for number in range(30):
        making.label(gold, making.pair("the one prompt", f"good {number}", f"bad {number}"))
    with pytest.raises(ExportError, match=r"No row is left to train on.*Ask for no validation file"):
        done(making, tmp_path, **split)
    assert not list(tmp_path.glob("*out*"))
    assert done(making, tmp_path, validation_share=0.0).train_rows == 30


def test_as_many_validation_rows_as_there_are_are_told_as_the_cause(store, tmp_path):
    with pytest.raises(
        ExportError, match=r"No row is left to train on: .*as many rows as there are, or more\. Ask for fewer"
    ):
        done(labelled(store, 30), tmp_path, validation_rows=30)


def test_what_a_format_refuses_is_told_where_no_row_is_left(store, tmp_path):
    with pytest.raises(ExportError, match=r"None of 3 pairs makes a row \(no strength 3\)"):
        done(labelled(store, 3), tmp_path, format="trl-reward")


def test_both_rows_of_a_pair_with_an_edit_are_compared_with_those_of_then(store, tmp_path):
    making, pair = one_edited(store)
    both, one = (
        done(making, tmp_path, out=tmp_path / edits, rules=LabelRules(edits=edits)) for edits in ("both", "beat_loser")
    )
    assert (both.rows, one.rows) == (2, 1)
    found = changes(*making.place, both.id, one.id)
    assert (found.kept, found.added.count, found.removed) == (1, 0, Change(1, (pair,)))
    found = changes(*making.place, one.id, both.id)
    assert (found.kept, found.added, found.removed.count, found.rewritten.count) == (1, Change(1, (pair,)), 0, 0)


def test_a_completion_is_compared_by_what_it_says_not_by_the_pair_it_came_from(store, tmp_path):
    making = make_exporting(store)
    gold = making.imported_rater()
    pairs = [making.pair("q", a="x", b=b) for b in ("no", "nope", "never")]
    for pair in pairs:
        making.label(gold, pair)
    before = done(making, tmp_path, format="trl-kto")
    making.change(tables.Pair, pairs[0], is_left_out=True)
    after = done(making, tmp_path, format="trl-kto", out=tmp_path / "after")
    found = changes(*making.place, before.id, after.id)
    assert (found.kept, found.added.count, found.removed) == (3, 0, Change(1, (pairs[0],)))


def test_a_row_that_is_now_in_the_other_file_has_moved(store, tmp_path):
    making = labelled(store, 60)
    before = done(making, tmp_path)
    after = done(making, tmp_path, out=tmp_path / "after", validation_rows=20)
    found = changes(*making.place, before.id, after.id)
    assert (found.kept, found.moved.count, found.rewritten.count) == (40, 20, 0)
    told = lines(tmp_path / "after" / "provenance.jsonl")
    assert found.moved.pairs == tuple(sorted(row["pair"] for row in told if row["split"] == "validation"))


def test_a_provenance_that_somebody_changed_is_one_sentence(store, tmp_path):
    making = labelled(store, 3)
    first, second = done(making, tmp_path), done(making, tmp_path, out=tmp_path / "second")
    path = tmp_path / "out" / "provenance.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for damage in (
        lambda: path.write_text("".join(lines[1:])),  # still provenance, but of other rows
        lambda: path.write_text('{"pair": 1}\n'),
        lambda: path.write_text("{"),
        path.unlink,
    ):
        damage()
        with pytest.raises(ConflictError, match="cannot be read, or was changed"):
            changes(*making.place, first.id, second.id)


def test_a_folder_below_a_file_is_told_as_such(store, tmp_path):
    making = labelled(store, 3)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"notes\.txt is a file, not a folder"):
        done(making, tmp_path, out=tmp_path / "notes.txt" / "out")


def test_a_link_that_leads_nowhere_is_there_already(store, tmp_path):
    making = labelled(store, 3)
    (tmp_path / "out").symlink_to("nowhere")
    with pytest.raises(ExportError, match=r"out is already there"):
        done(making, tmp_path)


def test_the_second_row_of_an_edit_whose_first_one_was_drawn_out_is_kept(store, tmp_path):
    making = labelled(store, 2)
    pair = making.pair("edited", a="good one", b="bad one")
    edited(making, pair, "a", sides(making, pair)[0], "the best")
    first = done(making, tmp_path, rules=LabelRules(edits="both"))
    second = done(making, tmp_path, out=tmp_path / "other", rules=LabelRules(edits="both", length_match=True))
    told = [row for row in lines(tmp_path / "other" / "provenance.jsonl") if row["pair"] == pair]
    assert len(told) == 1
    found = changes(*making.place, first.id, second.id)
    assert (found.kept, found.rewritten.count) == (second.rows, 0)
    back = changes(*making.place, second.id, first.id)
    assert (back.kept, back.rewritten.count) == (second.rows, 0)
