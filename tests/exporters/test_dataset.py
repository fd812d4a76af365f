import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from exporters import DatasetWriter, PreferenceRow, RowOrigin, check_file
from exporters.balance import side_always_winning
from exporters.files import FolderFault
from exporters.findings import CheckFailed
from exporters.formats import EXPORTERS
from exporters.parquet import COLUMNS
from exporters.split import Split
from tests.exporters.samples import ROWS, TOOLS, TURNS, ask, many


def written(out: Path, rows, format: str = "openai-dpo", facts=None, left_out=None, **options):
    with DatasetWriter(out, format, **options) as writer:
        for row, origin in rows:
            writer.add(row, origin)
        for code, count in (left_out or {}).items():
            writer.leave_out(code, count)
        return writer.finish(facts or {})


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def manifest(folder: Path) -> dict[str, object]:
    return json.loads((folder / "manifest.json").read_bytes())


def test_a_finished_folder_holds_files_provenance_manifest_and_card(tmp_path):
    result = written(tmp_path / "out", many(200), validation_share=0.2)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "train.jsonl", "validation.jsonl", "provenance.jsonl", "manifest.json", "README.md",
    }  # fmt: skip
    assert result.train_rows + result.validation_rows == result.rows == 200
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_manifest_accounts_for_every_pair(tmp_path):
    rows = [*many(20), (PreferenceRow((*ask("a"), *ask("b")), "x", "y"), RowOrigin(77, "g"))]
    written(tmp_path / "out", rows, left_out={"tie": 3, "no_label": 5}, facts={"label_rules": {"who": "people"}})
    told = manifest(tmp_path / "out")
    assert told["left_out"] == {"no_label": 5, "repeated_role": 1, "tie": 3}
    assert told["pairs"] == told["rows"] + sum(told["left_out"].values()) == 29
    assert told["label_rules"] == {"who": "people"}


def test_the_digests_of_the_manifest_are_those_of_the_files(tmp_path):
    written(tmp_path / "out", many(150), validation_share=0.2)
    for file in manifest(tmp_path / "out")["files"]:
        content = (tmp_path / "out" / file["name"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        assert file["rows"] == content.count(b"\n")


def test_each_line_of_provenance_names_the_line_it_is_about(tmp_path):
    rows = many(150)
    written(tmp_path / "out", rows, validation_share=0.2)
    files = {name: lines(tmp_path / "out" / f"{name}.jsonl") for name in ("train", "validation")}
    told = lines(tmp_path / "out" / "provenance.jsonl")
    assert len(told) == 150
    for origin in told:
        line = files[origin["split"]][origin["line"] - 1]
        assert line["preferred_output"][0]["content"] == f"Good {origin['pair']}"
        assert origin["raters"] == ["Ana"]


def test_the_same_rows_seed_and_rules_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        written(tmp_path / name, many(150), validation_share=0.2, seed=5, facts={"label_seq": 9})
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("format", EXPORTERS)
def test_what_is_found_in_lines_as_they_are_written_is_what_the_check_finds_in_the_files(tmp_path, format):
    rows = [
        *((PreferenceRow(ask(f"Q{n}"), f"A long answer {n}", f"b{n}", margin=1.0), RowOrigin(n, f"g{n}")) for n in range(21)),
        (replace(TURNS, margin=1.0), RowOrigin(90, "turns")), (replace(TOOLS, margin=1.0), RowOrigin(91, "tools")),
    ]  # fmt: skip
    result = written(tmp_path / "out", rows, format, validation_share=0.6)
    assert result.validation_rows
    files = [(tmp_path / "out" / f"{name}.jsonl", name == "validation") for name in ("validation", "train")]
    found = [finding for path, is_part in files for finding in check_file(path, format, is_part=is_part)]
    assert found
    assert list(result.warnings[: len(found)]) == found


def test_rows_of_one_prompt_stay_on_one_side(tmp_path):
    rows = [(PreferenceRow(ask(f"Q{n % 40}"), f"good {n}", f"bad {n}"), RowOrigin(n, f"{n % 40}")) for n in range(400)]
    written(tmp_path / "out", rows, validation_share=0.3)
    prompts = [
        {line["input"]["messages"][0]["content"] for line in lines(tmp_path / "out" / f"{name}.jsonl")}
        for name in ("train", "validation")
    ]
    assert not prompts[0] & prompts[1]
    assert len(prompts[0] | prompts[1]) == 40


def test_one_prompt_in_two_groups_on_two_sides_fails_the_export(tmp_path):
    seed = 0
    sides = {Split(seed=seed, share=0.5).is_validation(f"{n}"): f"{n}" for n in range(100)}
    rows = [
        (PreferenceRow(ask("The same"), f"good {n}", f"bad {n}"), RowOrigin(n, sides[n % 2 == 0])) for n in range(40)
    ]
    with pytest.raises(CheckFailed, match="stands in the validation file too"):
        written(tmp_path / "out", rows, validation_share=0.5, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_below_ten_validation_rows_all_rows_are_for_training(tmp_path):
    result = written(tmp_path / "out", many(40), validation_share=0.1)
    assert not (tmp_path / "out" / "validation.jsonl").exists()
    assert (result.train_rows, result.validation_rows) == (40, 0)
    assert "fewer than 10" in result.validation_note
    assert manifest(tmp_path / "out")["split"]["note"] == result.validation_note
    assert len(lines(tmp_path / "out" / "train.jsonl")) == len(lines(tmp_path / "out" / "provenance.jsonl")) == 40


def test_the_share_that_a_number_of_rows_tells_keeps_every_prompt_on_its_side_as_data_grows(tmp_path):
    def sides(name: str, count: int, **asked) -> tuple[str, dict[str, str]]:
        result = written(tmp_path / name, many(count), seed=3, **asked)
        return result.validation_note, {
            told["prompt"]: told["split"] for told in lines(tmp_path / name / "provenance.jsonl")
        }

    note, before = sides("count", 100, validation_rows=30)
    assert [*before.values()].count("validation") == 30
    share = float(re.search(r"The validation share ([\d.]+), with seed 3, draws the same prompts", note)[1])
    for count in (100, 150, 200, 300):
        after = sides(f"share {count}", count, validation_share=share)[1]
        assert {prompt: after[prompt] for prompt in before} == before
        assert len(after) == count


def test_what_the_sandbox_wrote_is_counted_and_said_on_the_card(tmp_path):
    rows = [(row, RowOrigin(origin.pair, origin.group, sandbox=("chosen", "judge"))) for row, origin in many(12)]
    result = written(tmp_path / "out", rows)
    assert result.sandbox == {"chosen": 12, "judge": 12, "rows": 12}
    assert "12 rows rest on the offline sandbox" in (tmp_path / "out" / "README.md").read_text()


def test_a_file_over_the_limit_of_a_service_is_written_in_parts(tmp_path, monkeypatch):
    monkeypatch.setitem(EXPORTERS, "openai-dpo", replace(EXPORTERS["openai-dpo"], most_bytes=3000))
    result = written(tmp_path / "out", many(60))
    names = [file.name for file in result.files if file.split == "train"]
    count = len(names)
    assert count > 1
    assert names == [f"train-{n:05}-of-{count:05}.jsonl" for n in range(1, count + 1)]
    parts = [lines(tmp_path / "out" / name) for name in names]
    assert sum(map(len, parts)) == 60
    assert all((tmp_path / "out" / name).stat().st_size <= 3000 for name in names)
    for origin in lines(tmp_path / "out" / "provenance.jsonl"):
        line = parts[origin["part"] - 1][origin["line"] - 1]
        assert line["preferred_output"][0]["content"] == f"Good {origin['pair']}"


def test_each_completion_is_one_row_and_what_is_both_good_and_bad_is_none(tmp_path):
    def pair(number, better, worse, outcome="better"):
        return PreferenceRow(ask("Who?"), better, worse, outcome=outcome), RowOrigin(number, "one", chosen_by="x")

    rows = [pair(1, "a", "b"), pair(2, "a", "c"), pair(3, "b", "c"), pair(4, "d", "e", "both_bad"), pair(5, "f", "g", "tie")]  # fmt: skip
    result = written(tmp_path / "out", rows, "trl-kto", left_out={"no_label": 1})
    found = [(line["completion"][0]["content"], line["label"]) for line in lines(tmp_path / "out" / "train.jsonl")]
    assert found == [("a", True), ("c", False), ("d", False), ("e", False), ("f", True), ("g", True)]
    told = manifest(tmp_path / "out")
    assert told["completions"] == {"desirable": 3, "undesirable": 3, "repeated": 3, "conflicting": 1}
    assert (told["pairs"], told["rows"], result.pairs) == (6, 6, 6)
    origins = lines(tmp_path / "out" / "provenance.jsonl")
    assert [origin["desirable"] for origin in origins] == [True, False, False, False, True, True]
    assert [origin["pair"] for origin in origins] == [1, 2, 4, 4, 5, 5]
    assert not list((tmp_path / "out").glob("*.partial"))


def test_a_file_that_no_completion_is_left_for_fails_and_says_why(tmp_path):
    rows = [(PreferenceRow(ask("Who?"), *sides), RowOrigin(n, "one")) for n, sides in enumerate(("ab", "bc", "ca"))]
    with pytest.raises(CheckFailed, match="every completion is desirable in one pair and undesirable in another"):
        written(tmp_path / "out", rows, "trl-kto")
    assert list(tmp_path.iterdir()) == []


def test_the_same_call_under_another_id_is_the_same_completion(tmp_path):
    def call(id_, arguments):
        return ({"id": id_, "type": "function", "function": {"name": "weather", "arguments": arguments}},)

    rows = [
        (PreferenceRow(ask("Who?"), "", "b", tools=TOOLS.tools, chosen_tool_calls=call("call_1", '{"n":1}')), RowOrigin(1, "one")),
        (PreferenceRow(ask("Who?"), "c", "", tools=TOOLS.tools, rejected_tool_calls=call("call_2", '{"n": 1}')), RowOrigin(2, "one")),
    ]  # fmt: skip
    written(tmp_path / "out", rows, "trl-kto")
    found = [(line["completion"][0]["content"], line["label"]) for line in lines(tmp_path / "out" / "train.jsonl")]
    assert found == [("b", False), ("c", True)]
    assert manifest(tmp_path / "out")["completions"]["conflicting"] == 1


def test_a_row_over_the_token_limit_is_left_out(tmp_path):
    rows = [*many(12), (PreferenceRow(ask("Go on"), "word and another " * 20_000, "b"), RowOrigin(77, "g"))]
    assert written(tmp_path / "out", rows).left_out == {"too_many_tokens": 1}
    assert written(tmp_path / "own", rows, "trl").left_out == {}


def test_the_card_tells_licence_raters_agreement_rules_and_limits(tmp_path):
    rows = [
        (row, replace(origin, raters=("Ana", "Ben") if n % 2 else ("Ana",), labels=(n, n + 1)[: 1 + n % 2], agreed=0.5, decided_by=("annotator",)))
        for n, (row, origin) in enumerate(many(40))
    ]  # fmt: skip
    with DatasetWriter(tmp_path / "out", "trl") as writer:
        for row, origin in rows:
            writer.add(row, origin)
        result = writer.finish({"label_rules": {"who": "people", "people": ["Ana"]}}, licence="cc-by-4.0")
    card = (tmp_path / "out" / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert (head["license"], head["size_categories"]) == ("cc-by-4.0", ["n<1K"])
    assert "2 raters; rows by kind of rater: annotator 40" in card
    assert "20 rows rest on several labels; of these labels 50% say what came out" in card
    assert '- `who`: "people"' in card
    assert "Ana" not in card
    assert "The file has 40 rows; an effect is seldom seen below 50" in card
    assert (result.raters, result.agreement.several, result.agreement.agreed) == (2, 20, 0.5)
    assert {told["agreed"] for told in lines(tmp_path / "out" / "provenance.jsonl")} == {0.5}


def test_a_writer_that_always_wins_is_a_warning(tmp_path):
    rows = [(row, replace(origin, chosen_by="large", rejected_by="small")) for row, origin in many(60)]
    (warning,) = written(tmp_path / "out", rows, "trl").warnings
    assert "large wins 60 of 60 rows" in warning.message
    turned = [(row, replace(origin, chosen_by="small", rejected_by="large")) for row, origin in many(60, "More")]
    assert written(tmp_path / "both", [*rows, *turned], "trl").warnings == ()


def test_an_edit_wins_because_it_was_written_to_and_names_nobody(tmp_path):
    rows = [(row, replace(origin, chosen_by="edit by Ana", rejected_by="small")) for row, origin in many(60)]
    assert written(tmp_path / "out", rows, "trl").warnings == ()


def test_names_on_the_card_are_text_on_one_line(tmp_path):
    name = "[x](http://evil.example)\n\n# <img src=y>"
    rows = [(row, replace(origin, chosen_by=name, rejected_by="small")) for row, origin in many(60)]
    with DatasetWriter(tmp_path / "out", "trl") as writer:
        for row, origin in rows:
            writer.add(row, origin)
        writer.finish({"label_rules": {"only_rounds": [name], "name": "Ana alone"}})
    card = (tmp_path / "out" / "README.md").read_text()
    assert r"- \[x\](http://evil.example) \# \<img src=y\> wins 60 of 60 rows" in card
    assert "[x](" not in card
    assert "<img" not in card.replace(r"\<", "")
    assert "Ana" not in card


@pytest.mark.parametrize(("wins", "labels", "side"), [(19, 20, "left"), (1, 20, "right"), (10, 20, None), (9, 9, None)])
def test_a_side_of_the_screen_that_always_wins_is_a_warning(wins, labels, side):
    found = side_always_winning(wins, labels)
    assert (found is None) == (side is None)
    assert found is None or f"stood {side}" in found.message


def test_an_uneven_class_balance_is_told_with_the_weight_that_mends_it(tmp_path):
    rows = [*many(20), *((PreferenceRow(ask(f"Bad {n}"), "x", "y", outcome="both_bad"), RowOrigin(n, f"b{n}")) for n in range(20))]  # fmt: skip
    result = written(tmp_path / "out", rows, "trl-kto")
    assert "20 completions are desirable and 60 undesirable" in result.warnings[-1].message
    assert "desirable_weight 3" in result.warnings[-1].remedy


def test_completions_of_one_kind_alone_are_a_warning(tmp_path):
    for outcome, kind in (("tie", "undesirable"), ("both_bad", "desirable")):
        rows = [(PreferenceRow(ask(f"Q {n}"), "x", "y", outcome=outcome), RowOrigin(n, f"{n}")) for n in range(60)]
        result = written(tmp_path / kind, rows, "trl-kto")
        assert [warning.message for warning in result.warnings] == [f"No completion is {kind}"]


def test_chosen_replies_stand_in_the_file_once(tmp_path):
    rows = [(PreferenceRow(ask(f"Q{n // 2}"), "best", f"bad {n}"), RowOrigin(n, f"{n // 2}")) for n in range(24)]
    result = written(tmp_path / "out", rows, "sft")
    assert (result.rows, result.pairs) == (12, 24)
    assert {len(line["messages"]) for line in lines(tmp_path / "out" / "train.jsonl")} == {2}


def test_a_format_of_pairs_counts_ties_as_left_out(tmp_path):
    rows = [*many(12), (PreferenceRow(ask("a"), "x", "y", outcome="tie"), RowOrigin(77, "g"))]
    assert written(tmp_path / "out", rows).left_out == {"tie": 1}


def test_a_byte_order_mark_begins_each_file_where_it_is_asked_for(tmp_path):
    written(tmp_path / "out", many(200), "azure-dpo", validation_share=0.2, has_mark=True)
    for name in ("train.jsonl", "validation.jsonl"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b'\xef\xbb\xbf{"input"')
    with pytest.raises(ValueError, match="without a byte-order mark"):
        DatasetWriter(tmp_path / "other", "trl", has_mark=True)


def test_llama_factory_is_told_of_every_file(tmp_path):
    written(tmp_path / "out", many(200), "llama-factory", validation_share=0.2)
    told = json.loads((tmp_path / "out" / "dataset_info.json").read_bytes())
    assert {name: entry["file_name"] for name, entry in told.items()} == {
        "tiebreak": "train.jsonl", "validation": "validation.jsonl",
    }  # fmt: skip
    assert told["tiebreak"]["columns"]["messages"] == "conversations"


def test_a_fault_half_way_leaves_nothing_behind(tmp_path):
    def rows():
        yield from many(3)
        raise ConnectionError("the database is gone")

    with pytest.raises(ConnectionError):
        written(tmp_path / "out", rows(), format="trl")
    assert list(tmp_path.iterdir()) == []


def test_too_few_rows_for_the_service_fail_the_check_and_leave_nothing(tmp_path):
    with pytest.raises(CheckFailed, match="at least 10 are needed"):
        written(tmp_path / "out", many(9))
    assert list(tmp_path.iterdir()) == []


def test_trl_takes_nine_rows(tmp_path):
    assert written(tmp_path / "out", many(9), format="trl").rows == 9


def test_a_folder_with_something_in_it_is_not_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(FolderFault, match="already there"):
        written(tmp_path / "out", many(12))
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    assert written(tmp_path / "out", many(12)).rows == 12


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path):
    # A real limit of the system: no file of this process may grow beyond 64 kB. Python ignores the signal, so that the
    # write fails as it does on a full disk, with another number.
    program = """
import resource, sys
from pathlib import Path
from exporters import DatasetWriter
from exporters.files import FolderFault
from tests.exporters.samples import many
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    with DatasetWriter(Path(sys.argv[1]) / "out", "openai-dpo") as writer:
        for row, origin in many(3000):
            writer.add(row, origin)
        writer.finish({})
except FolderFault as fault:
    print(fault)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "cannot be written (File too large)" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_no_room_left_is_told_as_such(tmp_path):
    from exporters.files import folder_fault

    fault = folder_fault(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), tmp_path / "train.jsonl")
    assert "no room left" in str(fault)


def test_a_killed_export_leaves_nothing_that_looks_finished(tmp_path):
    program = """
import os, sys
from pathlib import Path
from exporters import DatasetWriter
from tests.exporters.samples import many
with DatasetWriter(Path(sys.argv[1]) / "out", "openai-dpo") as writer:
    for row, origin in many(5000):
        writer.add(row, origin)
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], check=False, cwd=Path(__file__).parents[2]
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.parts[0].startswith(".out.") and path.parts[0].endswith(".partial") for path in left)
    assert written(tmp_path / "out", many(12)).rows == 12


def test_the_service_s_own_check_takes_our_files(tmp_path, together_check_file):
    written(tmp_path / "out", [*many(150), (TURNS, RowOrigin(900, "t"))], validation_share=0.2)
    for name in ("train", "validation"):
        report = together_check_file(tmp_path / "out" / f"{name}.jsonl")
        assert report["is_check_passed"], report["message"]
        assert report["num_samples"] == len(lines(tmp_path / "out" / f"{name}.jsonl"))


@pytest.mark.parametrize("format", EXPORTERS)
def test_datasets_loads_what_was_written(tmp_path, monkeypatch, format):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    rows = [(TOOLS, RowOrigin(901, "tools")), (TURNS, RowOrigin(900, "turns")), *many(150)]
    result = written(tmp_path / "out", rows, format=format, validation_share=0.2)
    files = {name: str(tmp_path / "out" / f"{name}.jsonl") for name in ("train", "validation")}
    loaded = load_dataset("json", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == result.train_rows
    assert loaded["validation"].num_rows == result.validation_rows
    first = json.loads((tmp_path / "out" / "train.jsonl").read_bytes().split(b"\n")[0])
    for key in first.keys() & {"preferred_output", "chosen", "completion", "completions"}:
        assert loaded["train"][0][key] == first[key]


FILES = [
    (format, kind) for format in EXPORTERS for kind in ("jsonl", "parquet") if kind == "jsonl" or format in COLUMNS
]


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize(("format", "file_type"), FILES)
def test_datasets_opens_the_folder_by_its_card(tmp_path, monkeypatch, format, file_type, share):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import DatasetDict, load_dataset

    result = written(tmp_path / "out", many(150), format=format, file_type=file_type, validation_share=share)
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert type(loaded) is DatasetDict
    expected = {"train": result.train_rows} | ({"validation": result.validation_rows} if share else {})
    assert {name: split.num_rows for name, split in loaded.items()} == expected
    if file_type == "jsonl":
        assert loaded["train"].to_list() == lines(tmp_path / "out" / "train.jsonl")


@pytest.mark.parametrize("file_type", ["jsonl", "parquet"])
def test_datasets_opens_another_export_of_the_same_folder_name_as_what_it_is(tmp_path, monkeypatch, file_type):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    for count in (60, 70):
        out = tmp_path / str(count) / "out"
        written(out, many(count), format="trl", file_type=file_type)
        assert load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"].num_rows == count


@pytest.mark.parametrize("where", ["train", "validation"])
@pytest.mark.parametrize("format", EXPORTERS)
def test_datasets_opens_the_folder_whichever_file_has_the_rows_with_tools(tmp_path, monkeypatch, format, where):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    split = Split(seed=0, share=0.2)
    groups = (f"g{n}" for n in range(10_000) if split.is_validation(f"g{n}") == (where == "validation"))
    rows = [(replace(row, margin=1.0), RowOrigin(900 + n, next(groups))) for n, row in enumerate(ROWS)]
    result = written(tmp_path / "out", [*many(150), *rows], format=format, validation_share=0.2)
    loaded = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert loaded["train"].num_rows == result.train_rows
    assert loaded["validation"].num_rows == result.validation_rows
    for record, line in zip(loaded[where].to_list(), lines(tmp_path / "out" / f"{where}.jsonl"), strict=True):
        assert without_gaps(record) == without_gaps(line)


def without_gaps(value):
    """A value without the keys that hold nothing, which `datasets` puts where other rows have them."""
    if isinstance(value, dict):
        return {key: without_gaps(one) for key, one in value.items() if one is not None}
    return [without_gaps(one) for one in value] if isinstance(value, list) else value
