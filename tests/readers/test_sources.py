"""Parquet, folders and data sets by name are read row by row; what cannot be read is one sentence."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from labeling.errors import InputError
from labeling.readers import Refusal, read, source_named, understand
from labeling.readers.data_sets import data_set_named
from tests.readers.hub import running_hub
from tests.readers.reading import jsonl, pair_in, rows_in, said, write_parquet

TIEBREAK = [sys.executable, "-m", "tiebreak"]


def pairs(count: int) -> list[dict[str, object]]:
    return [{"prompt": f"Q{n}", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(count)]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """`datasets` keeps its locks here."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))


def test_a_parquet_file_is_known_by_its_content_whatever_its_name(tmp_path):
    path = write_parquet(tmp_path / "pairs.bin", pairs(120))
    understanding = understand(path, path.name)
    assert (understanding.syntax, understanding.format) == ("parquet", "trl")
    rows = list(read(path, understanding))
    assert [row[0] for row in rows if not isinstance(row, Refusal)] == list(range(1, 121))
    assert len(rows_in(path.read_bytes(), "upload")) == 120


def test_nested_columns_of_parquet_are_messages(tmp_path):
    user, reply = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
    poor = {"role": "assistant", "content": "No."}
    path = write_parquet(tmp_path / "p.parquet", [{"chosen": [user, reply], "rejected": [user, poor]}])
    (row,) = rows_in(path, "p.parquet")
    assert said(row) == ("Why?", "So.", "No.")


def test_a_parquet_row_with_a_gap_is_refused_by_its_number(tmp_path):
    records = [*pairs(2), {"prompt": "Q", "chosen": None, "rejected": "y"}]
    path = write_parquet(tmp_path / "p.parquet", records)
    *_, refusal = rows_in(path, "p.parquet")
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.code) == (3, "missing_field")


def test_a_parquet_row_of_many_megabytes_is_refused_and_the_others_are_taken(tmp_path):
    small, large = pairs(3), {"prompt": "Why?", "chosen": "x" * (5 << 20), "rejected": "no"}
    path = write_parquet(tmp_path / "p.parquet", [*small, large])
    assert path.stat().st_size < 1 << 20  # packed it is small
    *taken, refusal = rows_in(path, "p.parquet")
    assert len(taken) == 3
    assert (refusal.line, refusal.code, refusal.reason) == (4, "too_long", "the row is over 4 MiB")


@pytest.mark.parametrize("cut", [8, 400])
def test_a_damaged_parquet_file_is_one_sentence(tmp_path, cut):
    content = write_parquet(tmp_path / "p.parquet", pairs(200)).read_bytes()
    with pytest.raises(InputError, match=r"p.parquet is damaged: it cannot be read as Parquet"):
        rows_in(content[:cut], "p.parquet")


@pytest.mark.parametrize("name", ["table.xlsx", "table.csv"])
def test_a_workbook_is_refused_with_the_way_out(name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match=r"is an Excel workbook. In Excel choose File, Save As, CSV UTF-8"):
        rows_in(content.getvalue(), name)


def test_a_folder_of_files_is_one_data_set(tmp_path, cache):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_bytes(jsonl(*pairs(3)))
    (tmp_path / "set" / "test.jsonl").write_bytes(jsonl(*pairs(2)))
    source, name = source_named(str(tmp_path / "set"))
    assert (len(rows_in(source, name)), understand(source, name).syntax) == (3, "datasets")
    source, name = source_named(f"hf:{tmp_path / 'set'}:test")
    assert len(rows_in(source, name)) == 2
    source, name = source_named(f"hf:{tmp_path / 'set'}:dev")
    with pytest.raises(InputError, match=r"no split 'dev'. It has: train, test"):
        rows_in(source, name)


@pytest.mark.parametrize(("read", "beside"), [("a.parquet", "b.jsonl"), ("test.jsonl", "more/rows.csv")])
def test_a_file_that_would_be_passed_over_in_a_folder_is_named(read, beside, tmp_path, cache):
    folder = tmp_path / "set"
    (folder / "more").mkdir(parents=True)
    write_parquet(folder / read, pairs(2)) if read.endswith(".parquet") else (folder / read).write_bytes(
        jsonl(*pairs(2))
    )
    (folder / "README.md").write_text("Notes.\n")
    assert len(rows_in(*source_named(str(folder)))) == 2
    (folder / beside).write_text("{}\n")
    with pytest.raises(InputError, match=f"{beside} would be left out of set: .* here {read}. Take it out, or read"):
        rows_in(*source_named(str(folder)))
    (folder / "README.md").write_text(
        f"---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files: {read}\n---\n"
    )
    assert len(rows_in(*source_named(str(folder)))) == 2


@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", "__pycache__"])
def test_what_is_hidden_in_a_folder_is_no_data(hidden, tmp_path, cache):
    (tmp_path / "set" / hidden).mkdir(parents=True)
    (tmp_path / "set" / "train.jsonl").write_bytes(jsonl(*pairs(3)))
    (tmp_path / "set" / hidden / "rows.jsonl").write_bytes(jsonl(*pairs(2)))
    assert len(rows_in(*source_named(str(tmp_path / "set")))) == 3


def test_a_folder_is_read_from_inside(tmp_path, cache, monkeypatch):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_bytes(jsonl(*pairs(3)))
    monkeypatch.chdir(tmp_path / "set")
    assert len(rows_in(*source_named("."))) == 3


def test_the_split_of_a_folder_is_proposed_as_it_is_read(tmp_path, cache, monkeypatch):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_bytes(jsonl(*pairs(3)))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"such as hf:\./set:train\.$"):
        rows_in(*source_named("hf:./set:dev"))
    assert len(rows_in(*source_named("hf:./set:train"))) == 3


def test_an_empty_name_is_one_sentence():
    with pytest.raises(InputError, match="the name is empty"):
        source_named("")


def test_a_folder_that_save_to_disk_wrote_is_read(tmp_path, cache):
    import datasets

    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_list(pairs(4))
    rows.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"good": rows, "other": rows}).save_to_disk(str(tmp_path / "many"))
    assert len(rows_in(*source_named(str(tmp_path / "one")))) == 4
    assert len(rows_in(*source_named(f"hf:{tmp_path / 'many'}:good"))) == 4
    with pytest.raises(InputError, match=r"has several splits. It has: good, other. Write the one to read"):
        rows_in(*source_named(str(tmp_path / "many")))


def test_a_folder_with_nothing_readable_is_one_sentence(tmp_path, cache):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "rows.bin").write_text("{}\n")
    with pytest.raises(InputError, match="cannot be read as a data set"):
        rows_in(*source_named(str(tmp_path / "set")))


@pytest.mark.parametrize("name", ["hf:", "hf:a b", "hf:org/name:", "hf:a/b/c/d", "hf:./nowhere"])
def test_a_name_that_names_no_data_set_is_one_sentence(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"names no data set|There is no folder"):
        source_named(name)


def test_a_page_may_not_name_a_folder_of_the_server(tmp_path):
    with pytest.raises(InputError, match="is a folder of the server"):
        data_set_named(f"hf:{tmp_path}", is_local_allowed=False)


def test_a_folder_here_does_not_stand_in_for_a_name_of_the_hub(tmp_path, monkeypatch):
    (tmp_path / "org" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"Write hf:\./org/name"):
        source_named("hf:org/name")


def convert(folder: Path, endpoint: str, name: str) -> subprocess.CompletedProcess[str]:
    """The address of the hub is read once, at the start of a process: each gets one of its own."""
    command = [*TIEBREAK, "convert", name, "--to", "trl", "--out", str(folder / "out.jsonl"), "--json"]
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "home"), "HF_HUB_OFFLINE": "0"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def test_a_data_set_of_the_hub_is_streamed_by_name(tmp_path):
    files = {"train.jsonl": jsonl(*pairs(30)), "test.jsonl": jsonl(*pairs(5))}
    with running_hub({"org/name": files}) as address:
        done = convert(tmp_path, address, "hf:org/name:test")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rows"] == 5
        (tmp_path / "out.jsonl").unlink()
        missing = convert(tmp_path, address, "hf:org/other")
    assert missing.returncode == 1
    assert "hf:org/other is not on the hub, or is not open to you" in missing.stderr


def test_messages_of_mixed_shape_on_the_hub_are_the_objects_they_are(tmp_path):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    with_call = {"role": "assistant", "content": "", "tool_calls": [call]}
    said_so = {"prompt": 'Say "so".', "chosen": [{"role": "assistant", "content": "So."}], "rejected": "No."}
    called = {"prompt": [{"role": "user", "content": "Why?"}], "chosen": [with_call], "rejected": "No."}
    with running_hub({"org/name": {"train.jsonl": jsonl(said_so, called)}}) as address:
        done = convert(tmp_path, address, "hf:org/name")
    assert done.returncode == 0, done.stderr
    one, two = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert one["prompt"] == [{"role": "user", "content": 'Say "so".'}]
    assert one["chosen"] == said_so["chosen"]
    assert two["prompt"] == called["prompt"]
    assert two["chosen"][0]["tool_calls"][0]["function"]["name"] == "f"


def test_sounds_and_pictures_of_the_hub_are_refused_and_not_unpacked(tmp_path):
    import datasets

    datasets.disable_progress_bars()
    media = {"audio": [{"bytes": b"no sound", "path": None}], "images": [[{"bytes": b"no picture", "path": None}]]}
    kinds = {"audio": datasets.Audio(), "images": datasets.List(datasets.Image())}
    rows = datasets.Dataset.from_dict({name: [one] for name, one in pairs(1)[0].items()} | media)
    path = tmp_path / "train.parquet"
    rows.cast(datasets.Features({**rows.features, **kinds})).to_parquet(str(path))
    with running_hub({"org/name": {"train.parquet": path.read_bytes()}}) as address:
        done = convert(tmp_path, address, "hf:org/name")
    refused = json.loads((tmp_path / "out.jsonl.refused.jsonl").read_text())
    assert (refused["line"], refused["code"]) == (1, "has_media"), done.stderr


def test_a_hub_that_cannot_be_reached_is_one_sentence(tmp_path):
    with running_hub({}) as address:
        pass  # nobody listens there any more
    done = convert(tmp_path, address, "hf:org/name")
    assert done.returncode == 1
    assert "The hub cannot be reached for hf:org/name" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_pair_of_parquet_and_of_jsonl_are_the_same_row(tmp_path):
    (record,) = pairs(1)
    (row,) = rows_in(write_parquet(tmp_path / "p.parquet", [record]), "p.parquet")
    assert row == pair_in(record)
