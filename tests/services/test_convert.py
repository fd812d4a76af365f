"""A file of pairs becomes a training file, row by row; what cannot is told with its line and reason."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from exporters import EXPORTERS, check_file
from exporters.parquet import COLUMNS, parquet_records, schema_of
from labeling.errors import ConflictError, ExportError, InputError
from labeling.readers import FORMATS
from labeling.services.convert import PROGRESS_EVERY, ConvertOptions, convert
from tests.exporters.samples import WEATHER, call
from tests.exporters.sound import GEMINI
from tests.readers.records import ARGILLA, BATTLE, LABEL_STUDIO, NECTAR, SHP, STEER, WEBGPT


def pair(number: int, **fields: object) -> dict[str, object]:
    return {"prompt": f"Question {number}?", "chosen": f"good {number}", "rejected": f"bad {number}"} | fields


@pytest.fixture
def file(tmp_path):
    def written(*records: object, name: str = "in.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    return written


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("to", ["openai-dpo", "trl", "trl-standard"])
def test_a_converted_file_passes_the_check_of_its_format(file, tmp_path, to):
    out = tmp_path / "out.jsonl"
    done = convert(file(*(pair(n) for n in range(12))), "in.jsonl", to=to, out=out)
    assert (done.read, done.converted, done.refused, done.rows) == (12, 12, 0, 12)
    assert [one for one in check_file(out, to) if one.severity == "error"] == []
    assert done.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert done.refused_file is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_pairs_come_back_from_gemini_as_they_went(file, tmp_path):
    turns = [
        {"role": role, "content": text}
        for role, text in [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")]
    ]
    replies = {f"{side}_output": [{"role": "assistant", "content": side}] for side in ("preferred", "non_preferred")}
    there = file(*({"input": {"messages": one}, **replies} for one in (turns, turns[1:], turns[1:2])))
    between, back = tmp_path / "gemini.jsonl", tmp_path / "back.jsonl"
    convert(there, "in.jsonl", to="gemini", out=between)
    assert convert(between, "gemini.jsonl", to="openai-dpo", out=back).read_as == "gemini"
    assert lines(back) == lines(there)


@pytest.mark.parametrize("to", ["trl", "trl-kto"])
def test_a_killed_conversion_leaves_nothing_that_looks_finished(file, tmp_path, to):
    program = """
import os, sys
from pathlib import Path
from labeling.services.convert import convert
convert(Path("in.jsonl"), "in.jsonl", to=sys.argv[1], out=Path("out.jsonl"), progress=lambda _rows: os.kill(os.getpid(), 9))
"""
    file(*(pair(n) for n in range(PROGRESS_EVERY)))
    root = str(Path(__file__).parents[2])
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, to], cwd=tmp_path, env=os.environ | {"PYTHONPATH": root}, check=False
        )
        assert done.returncode == -signal.SIGKILL
        left = {path.name for path in tmp_path.iterdir()} - {"in.jsonl"}
        assert left
        assert all(name.startswith(".out.jsonl.") and name.endswith(".partial") for name in left)
        assert len(left) == 1  # the second takes the place of the first
    assert convert(tmp_path / "in.jsonl", "in.jsonl", to=to, out=tmp_path / "out.jsonl").read == PROGRESS_EVERY
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_conversion_under_way_is_not_taken_for_a_killed_one(file, tmp_path):
    many, one = file(*(pair(n) for n in range(PROGRESS_EVERY))), file(pair(1), name="one.jsonl")
    out, between = tmp_path / "out.jsonl", []

    def meanwhile(_rows: int) -> None:
        between.append(convert(one, "one.jsonl", to="trl", out=out).rows)
        out.rename(tmp_path / "first.jsonl")

    done = convert(many, "in.jsonl", to="trl", out=out, progress=meanwhile)
    assert (between, done.rows, out.read_bytes().count(b"\n")) == ([1], PROGRESS_EVERY, PROGRESS_EVERY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.jsonl", "in.jsonl", "one.jsonl", "out.jsonl"]


def test_the_file_and_its_refused_rows_are_ordinary_files(file, tmp_path):
    before = os.umask(0o027)
    try:
        convert(file(pair(1), pair(2, rejected="good 2")), "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("out*")}
    assert modes == {"out.jsonl": 0o640, "out.jsonl.refused.jsonl": 0o640}


SAID = [
    [{"role": "user", "content": 'Hi 中 \u2028 "so"'}],
    [{"content": "Be brief.", "role": "system"}, {"content": "Hi\n", "role": "user"}],
    [{"role": "user", "content": "1"}, {"role": "assistant", "content": "2"}, {"role": "user", "content": "3"}],
    [{"role": "user", "content": "with a NUL \x00"}],
    [{"role": "user", "content": "what is \\u0000 in JSON?"}],
    [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    [{"role": "user", "content": "Hi", "name": "Ana"}],
    [{"role": "user", "content": " "}],
    [{"role": "assistant", "content": "Hi"}],
    [],
    "Hi",
    None,
]
REPLIES = [
    ([{"role": "assistant", "content": "good"}], [{"content": "bad", "role": "assistant"}]),
    ([{"role": "assistant", "content": "good \x00"}], [{"role": "assistant", "content": "bad"}]),
    ([{"role": "assistant", "content": "same"}], [{"role": "assistant", "content": "same"}]),
    ([{"role": "assistant", "content": "good"}], [{"role": "assistant", "content": "\n"}]),
    ([{"role": "user", "content": "good"}], [{"role": "assistant", "content": "bad"}]),
    ([{"role": "assistant", "content": "good"}, {"role": "assistant", "content": "better"}], []),
    ("good", "bad"),
]


def as_openai(prompt: object, chosen: object, rejected: object) -> dict[str, object]:
    return {"input": {"messages": prompt}, "preferred_output": chosen, "non_preferred_output": rejected}


def as_trl(prompt: object, chosen: object, rejected: object) -> dict[str, object]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


@pytest.mark.parametrize("to", ["openai-dpo", "trl"])
@pytest.mark.parametrize("shaped", [as_openai, as_trl])
def test_what_is_known_at_a_glance_is_written_and_refused_as_what_is_read_in_full(file, tmp_path, to, shaped):
    ordinary = shaped([{"role": "user", "content": "Hi"}], *REPLIES[0])
    records = [ordinary, *(shaped(prompt, *replies) for prompt in SAID for replies in REPLIES)]
    found = []
    for more in ({}, {"note": "one field more, and a record is read in full"}):
        out = tmp_path / f"{len(more)}.jsonl"
        done = convert(file(*(record | more for record in records)), "in.jsonl", to=to, out=out)
        refused = [(one["line"], one["code"], one["reason"]) for one in lines(Path(str(done.refused_file)))]
        found.append((out.read_bytes(), refused, done.read, done.refused))
    assert found[0] == found[1]
    assert found[0][0].count(b"\n") + len(found[0][1]) == len(records)


def test_sides_that_are_mapped_by_hand_are_turned_in_ordinary_records_too(file, tmp_path):
    record = as_trl(SAID[0], *REPLIES[0])
    options = ConvertOptions(mapping={"chosen": "rejected", "rejected": "chosen"})
    convert(file(record), "in.jsonl", to="trl", out=tmp_path / "out.jsonl", options=options)
    (line,) = lines(tmp_path / "out.jsonl")
    assert (line["chosen"], line["rejected"]) == (record["rejected"], record["chosen"])


def test_single_completions_are_written_once_and_both_bad_counts(file, tmp_path):
    source = file(
        *({"prompt": "Q", "response_a": a, "response_b": b, "verdict": verdict}
          for a, b, verdict in (("x", "y", "a"), ("x", "z", "a"), ("v", "w", "both_bad")))
    )  # fmt: skip
    out = tmp_path / "out.jsonl"
    done = convert(source, "in.jsonl", to="trl-kto", out=out)
    found = {line["completion"][0]["content"]: line["label"] for line in lines(out)}
    assert found == {"x": True, "y": False, "z": False, "v": False, "w": False}
    assert (done.rows, done.converted, done.refused) == (5, 3, 0)
    assert done.completions == {"desirable": 1, "undesirable": 4, "repeated": 1, "conflicting": 0}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_the_better_completion_of_a_table_is_the_chosen_one(file, tmp_path):
    rows = [
        {"prompt": "Q", "response_a": "x", "response_b": "y", "verdict": verdict} for verdict in ("a", "b", "tie", "")
    ]
    out = tmp_path / "out.jsonl"
    done = convert(file(*rows), "in.jsonl", to="trl-standard", out=out)
    assert [(line["chosen"], line["rejected"]) for line in lines(out)] == [("x", "y"), ("y", "x")]
    assert done.refused_by_reason == {"tie": 1, "no_verdict": 1}


def test_the_strength_of_a_preference_in_numbers_is_the_margin(file, tmp_path):
    out = tmp_path / "out.jsonl"
    source = file(*(STEER | {"overall_preference": number} for number in (-3, 0, 1)))
    done = convert(source, "in.jsonl", to="trl-reward", out=out)
    assert [(line["chosen"][0]["content"], line["margin"]) for line in lines(out)] == [
        (STEER["response1"], 3), (STEER["response2"], 1),
    ]  # fmt: skip
    assert done.refused_by_reason == {"tie": 1}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_margins_of_a_file_for_a_reward_model_are_kept_by_that_format_alone(file, tmp_path, kind):
    margins = [1, 2.0, 5 / 3, 0.0, 12]
    source = file(*(as_trl(SAID[0], *REPLIES[0]) | {"margin": margin} for margin in margins))
    first, again, other = (tmp_path / f"{name}.{kind}" for name in ("first", "again", "other"))
    assert convert(source, "in.jsonl", to="trl-reward", out=first).rows == len(margins)
    done = convert(first, first.name, to="trl-reward", out=again)
    assert (done.rows, again.read_bytes()) == (len(margins), first.read_bytes())
    found = list(parquet_records(again)) if kind == "parquet" else lines(again)
    assert [line["margin"] for line in found] == margins
    assert convert(first, first.name, to="trl", out=other).rows == len(margins)
    assert all("margin" not in line for line in (parquet_records(other) if kind == "parquet" else lines(other)))


def test_what_is_no_margin_costs_the_row_only_where_one_is_asked_for(file, tmp_path):
    source = file(*(pair(n, margin=margin) for n, margin in enumerate((None, "wide", [1], True, -1, "1.5"))))
    done = convert(source, "in.jsonl", to="trl-reward", out=tmp_path / "out.jsonl")
    assert done.refused_by_reason == {"no_strength": 4, "opposed_strength": 1}
    assert [line["margin"] for line in lines(tmp_path / "out.jsonl")] == [1.5]
    assert convert(source, "in.jsonl", to="trl", out=tmp_path / "trl.jsonl").refused == 0


def test_every_refused_row_is_in_a_file_with_its_line_and_reason(file, tmp_path):
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    source = file(pair(1), pair(2, rejected="good 2"), pair(3, prompt=talk), "no object", pair(5))
    out = tmp_path / "out.jsonl"
    done = convert(source, "in.jsonl", to="trl-standard", out=out)
    assert (done.read, done.converted, done.refused) == (5, 2, 3)
    assert done.refused_file == str(tmp_path / "out.jsonl.refused.jsonl")
    told = lines(Path(done.refused_file))
    assert [(one["line"], one["code"]) for one in told] == [
        (2, "identical_sides"), (3, "needs_roles"), (4, "not_an_object"),
    ]  # fmt: skip
    assert all(one["reason"] and one["content"] for one in told)


def test_only_the_first_rows_are_read_where_a_limit_is_set(file, tmp_path):
    out = tmp_path / "out.jsonl"
    done = convert(file(*(pair(n) for n in range(9))), "in.jsonl", to="trl", out=out, options=ConvertOptions(limit=4))
    assert (done.read, len(lines(out))) == (4, 4)


def test_nothing_that_looks_finished_is_left_where_no_row_can_be_written(file, tmp_path):
    out = tmp_path / "out.jsonl"
    with pytest.raises(ExportError, match=r"Not one row of in.jsonl.*1 identical_sides.*out.jsonl.refused.jsonl"):
        convert(file(pair(1, rejected="good 1")), "in.jsonl", to="trl", out=out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl.refused.jsonl"]


@pytest.mark.parametrize("out", ["out.jsonl", "out.parquet"])
def test_a_file_that_breaks_off_leaves_nothing(tmp_path, out):
    import gzip

    whole = gzip.compress("".join(json.dumps(pair(n)) + "\n" for n in range(20_000)).encode())
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        convert(source, source.name, to="trl", out=tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl.gz"]


FULL = """
import resource, sys
from pathlib import Path
from labeling.errors import ExportError
from labeling.services.convert import convert
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    convert(Path("in.jsonl"), "in.jsonl", to="trl-kto", out=Path("out.jsonl"))
except ExportError as error:
    print(error)
"""


def test_a_disk_without_room_leaves_no_refused_rows_without_their_file(file, tmp_path):
    file(pair(0, chosen=""), *(pair(n, prompt="long " * 100) for n in range(1, 200)))
    told = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert told.stdout, told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_file_that_somebody_else_wrote_in_the_meantime_is_not_written_over(file, tmp_path):
    out = tmp_path / "out.jsonl"
    with pytest.raises(ConflictError, match="is already there"):
        convert(
            file(*(pair(n) for n in range(PROGRESS_EVERY))), "in.jsonl", to="trl", out=out,
            progress=lambda _rows: out.write_text("mine"),
        )  # fmt: skip
    assert out.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_completions_that_all_conflict_make_no_empty_file(file, tmp_path):
    turned = {"prompt": "Question 1?", "chosen": "bad 1", "rejected": "good 1"}
    with pytest.raises(ExportError, match="desirable in one row and undesirable in another"):
        convert(file(pair(1), turned), "in.jsonl", to="trl-kto", out=tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("taken", ["out.jsonl", "out.jsonl.refused.jsonl"])
def test_a_file_that_is_there_is_not_written_over(file, tmp_path, taken):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ConflictError, match="is already there"):
        convert(file(pair(1)), "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    assert (tmp_path / taken).read_text() == "mine"


def test_lines_of_json_are_never_called_parquet(file, tmp_path):
    with pytest.raises(InputError, match=r"Name it train\.jsonl"):
        convert(file(pair(1)), "in.jsonl", to="openai-dpo", out=tmp_path / "train.parquet")
    assert not (tmp_path / "train.parquet").exists()


@pytest.mark.parametrize(
    ("to", "out", "says"),
    [
        ("trl", "train.csv", r"Name it train\.jsonl or train\.parquet"),
        ("trl", "train.jsonl.gz", r"Name it train\.jsonl or train\.parquet"),
        ("trl", "train.parquet.GZ", r"Name it train\.jsonl or train\.parquet"),
        ("openai-dpo", "v1.5.json", r"Name it v1\.5\.jsonl; Parquet is for"),
    ],
)
def test_lines_of_json_are_called_nothing_else(file, tmp_path, to, out, says):
    with pytest.raises(InputError, match=says):
        convert(file(pair(1)), "in.jsonl", to=to, out=tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("to", COLUMNS)
def test_a_name_that_ends_in_parquet_makes_the_file_that_an_export_would_make(file, tmp_path, to):
    sides = [(f"good {n}", f"bad {n}") for n in range(60)]
    source = file(
        *({"prompt": f"Question {a}?", "response_a": a, "response_b": b, "verdict": "a", "strength": 2}
          for a, b in [*sides, ("same", "same")])
    )  # fmt: skip
    found = [convert(source, "in.jsonl", to=to, out=tmp_path / f"train.{kind}") for kind in ("jsonl", "parquet")]
    assert [one.read for one in found] == [61, 61]
    assert found[0].rows == found[1].rows == (120 if to == "trl-kto" else 60)
    out = Path(found[1].out)
    assert list(parquet_records(out)) == lines(Path(found[0].out))
    assert pq.read_schema(out) == schema_of(to)
    assert (found[1].bytes, found[1].sha256) == (out.stat().st_size, hashlib.sha256(out.read_bytes()).hexdigest())
    assert [one for one in check_file(out, to) if one.severity == "error"] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.jsonl", "train.jsonl", "train.jsonl.refused.jsonl", "train.parquet", "train.parquet.refused.jsonl",
    ]  # fmt: skip


def test_what_has_no_column_is_refused_with_its_reason(file, tmp_path):
    called = as_trl(SAID[0], [{"role": "assistant", "content": "", "tool_calls": [call("Oslo")]}], REPLIES[0][1])
    source = file(as_trl(SAID[0], *REPLIES[0]), called | {"tools": [WEATHER]})
    done = convert(source, "in.jsonl", to="trl", out=tmp_path / "train.parquet")
    assert (done.rows, done.refused_by_reason) == (1, {"no_columns": 1})


@pytest.mark.parametrize(("to", "tokens"), [("openai-dpo", 65_536), ("sft", 65_536), ("gemini", 131_072)])
@pytest.mark.parametrize("fields", [{}, {"chosen_model": "m"}])
def test_a_row_of_more_tokens_than_the_service_takes_is_refused(file, tmp_path, to, tokens, fields):
    source = file(pair(1), pair(2, chosen="so on " * tokens, **fields))
    done = convert(source, "in.jsonl", to=to, out=tmp_path / "train.jsonl")
    assert (done.rows, done.refused_by_reason) == (1, {"too_many_tokens": 1})
    (refusal,) = lines(tmp_path / "train.jsonl.refused.jsonl")
    assert (refusal["line"], refusal["reason"]) == (
        2,
        "More tokens than the service takes. Shorten the prompt or the replies.",
    )


def test_what_holds_no_pairs_is_one_sentence(file, tmp_path):
    with pytest.raises(InputError, match="holds prompts: only pairs can be converted"):
        convert(file({"prompt": "Why?"}), "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    named = r"In no role: better, worse\. .* --from trl --map chosen=COLUMN --map rejected=COLUMN\."
    with pytest.raises(InputError, match=named):
        convert(file({"prompt": "Q", "better": "x", "worse": "y"}), "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    with pytest.raises(InputError, match=f"Choose one of {next(iter(EXPORTERS))}"):
        convert(file(pair(1)), "in.jsonl", to="xml", out=tmp_path / "out.jsonl")


@pytest.mark.parametrize("out", ["", "/"])
def test_a_name_that_is_no_files_is_one_sentence(file, out):
    with pytest.raises(InputError, match="is a folder, not a file to write"):
        convert(file(pair(1)), "in.jsonl", to="trl", out=Path(out))


def test_a_folder_is_not_told_to_be_deleted(file, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"is a folder, not a file to write\. Name one, such as .*folder/train\.jsonl"):
        convert(file(pair(1)), "in.jsonl", to="trl", out=tmp_path / "folder")


@pytest.mark.parametrize("out", ["-", "/dev/null"])
def test_what_is_no_file_is_not_written_to(file, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is no file: a conversion is there whole or not at all"):
        convert(file(pair(1)), "in.jsonl", to="trl", out=Path(out))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_folder_that_cannot_be_written_is_one_sentence(file, tmp_path):
    (tmp_path / "place").write_text("a file")
    with pytest.raises(ExportError, match="place is a file, not a folder"):
        convert(file(pair(1)), "in.jsonl", to="trl", out=tmp_path / "place" / "out.jsonl")


def test_a_file_without_one_readable_row_tells_why_of_each(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"prompt": "p", "chosen": NaN}\n')
    with pytest.raises(ExportError, match=r"1 not_json\. Each row's reason is in .*out\.jsonl\.refused\.jsonl"):
        convert(tmp_path / "in.jsonl", "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    (refused,) = lines(tmp_path / "out.jsonl.refused.jsonl")
    assert "write null" in str(refused["reason"])


@pytest.mark.parametrize(
    ("record", "remedy"),
    [
        ({"prompt": "Q", "response_a": "x", "response_b": "y"}, "; say which column is the verdict with --map verdict=COLUMN."),
        (pair(1, images=["x.png"]), "refused.jsonl."),
        (pair(1, chosen=[{"role": "user", "content": "x"}]), "; say how the file is read with --from."),
    ],
)  # fmt: skip
def test_a_file_without_one_row_to_write_is_told_what_helps(file, tmp_path, record, remedy):
    with pytest.raises(ExportError) as raised:
        convert(file(record), "in.jsonl", to="trl", out=tmp_path / "out.jsonl")
    assert str(raised.value).endswith(remedy)


SIDE_BY_SIDE = {"input": "Why?", "output_1": "So.", "output_2": "No.", "label": 1}
RATED = {"prompt": "Why?", "completion": "So.", "label": True}
SAYS = (
    [{"role": "user", "content": "Why?"}],
    {"role": "assistant", "content": "So."},
    {"role": "assistant", "content": "No."},
)
READABLE = {
    "openai-dpo": [as_openai(SAYS[0], [SAYS[1]], [SAYS[2]])],
    "gemini": [GEMINI],
    "label-studio": [LABEL_STUDIO],
    "argilla": [ARGILLA | {"responses": {"preference": ARGILLA["responses"]["preference"][:1]}}],
    "arena-battles": [BATTLE],
    "llmbar": [SIDE_BY_SIDE],
    "hh-rlhf": [{"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: No."}],
    "sharegpt-ranking": [{"conversations": [{"from": "human", "value": "Why?"}], "chosen": {"from": "gpt", "value": "So."},
                          "rejected": {"from": "gpt", "value": "No."}}],
    "trl": [as_trl(*SAYS[:1], [SAYS[1]], [SAYS[2]]), {"chosen": [*SAYS[0], SAYS[1]], "rejected": [*SAYS[0], SAYS[2]]}],
    "ms-swift": [{"messages": [*SAYS[0], SAYS[1]], "rejected_response": "No."}],
    "kto": [RATED, RATED | {"completion": "No.", "label": False}],
    "ranking": [NECTAR],
    "ranking-best-worst": [NECTAR],
    "helpsteer": [STEER | {"context": SAYS[0]}],
    "webgpt": [WEBGPT],
    "shp": [SHP],
    "pairs": [{"prompt": "Why?", "response_a": "So.", "response_b": "No.", "verdict": "a", "strength": 3}],
}  # fmt: skip


STRONG = {"helpsteer", "pairs"}  # which say how much better


def test_each_kind_of_pairs_that_is_read_is_tried():
    assert READABLE.keys() == {name for name, format in FORMATS.items() if format.kind == "pairs"}


@pytest.mark.parametrize(
    ("to", "kind"),
    [(to, kind) for to in EXPORTERS for kind in ("jsonl", "parquet") if kind == "jsonl" or to in COLUMNS],
)
@pytest.mark.parametrize("read_as", READABLE)
def test_whatever_is_read_as_pairs_is_written_in_every_format_or_refused(file, tmp_path, read_as, to, kind):
    source, out = file(*READABLE[read_as]), tmp_path / f"out.{kind}"
    options = ConvertOptions(format=read_as)
    if to == "trl-reward" and read_as not in STRONG:
        with pytest.raises(ExportError, match="no_strength"):
            convert(source, "in.jsonl", to=to, out=out, options=options)
        return
    done = convert(source, "in.jsonl", to=to, out=out, options=options)
    assert (done.read, done.converted, done.refused) == (len(READABLE[read_as]), done.read, 0)
    faults = [one for one in check_file(out, to) if one.severity == "error" and "at least" not in one.message]
    assert faults == []
    found = list(parquet_records(out)) if kind == "parquet" else lines(out)
    assert len(found) == done.rows > 0
