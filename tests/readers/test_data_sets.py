"""A folder is read as its files are, one after the other."""

import gzip
import json
from pathlib import Path

import pytest

from labeling.errors import InputError
from labeling.readers import PairRow, Refusal
from tests.readers.reading import BAD, GOOD, USER, jsonl, rows_in, said, write_parquet

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"x": None}}}
WITH_CALL = {"role": "assistant", "content": "", "tool_calls": [CALL]}


def tool(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties}}}


FILES = {
    "replies that look like numbers, gaps and truths.csv": b"id,prompt,chosen,rejected\n007,2+2?,4,5\n008,Who?,NA,None\n9,So?,TRUE,1.10\n",
    "verdicts.csv": b"id,prompt,response_a,response_b,verdict\n1,q,null,true story,a\n2,r,TRUE,FALSE,b\n3,s,1.10,1.20,\n",
    "cells behind tabs.tsv": b"prompt\tchosen\trejected\nq\t1\t2\n",
    "semicolons.csv": b"prompt;chosen;rejected\nq;1;2\n",
    "dates.jsonl": jsonl(*({"prompt": f"When {n}?", "chosen": f"2024-01-0{n}", "rejected": "no"} for n in (1, 2))),
    "texts and messages.jsonl": jsonl(
        {"prompt": [USER], "chosen": "x", "rejected": "y"},
        {"prompt": 'He said "hi"\nthere', "chosen": "4", "rejected": '"y"'},
        {"prompt": "q", "chosen": [GOOD], "rejected": [BAD]},
    ),
    "calls.jsonl": jsonl(
        {"prompt": [USER], "chosen": [WITH_CALL], "rejected": [BAD], "tools": [tool({"x": {"enum": [1, None]}})]},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD], "tools": [tool({"y": {"enum": ["a"], "default": None}})]},
    ),
    "openai.jsonl": jsonl(
        {"input": {"messages": [USER]}, "preferred_output": [GOOD], "non_preferred_output": [BAD]},
        {"input": {"messages": [USER], "tools": [tool({})]}, "preferred_output": [WITH_CALL], "non_preferred_output": [BAD]},
    ),
    "verdicts of two kinds.jsonl": jsonl(
        *({"prompt": "q", "response_a": "a", "response_b": "b", "verdict": verdict} for verdict in (2, "b", "1", None))
    ),
    "a column that few rows have.jsonl": jsonl(
        *({"prompt": f"q{n}", "chosen": "a", "rejected": "b"} | ({"system": "Be brief."} if n == 40 else {}) for n in range(50))
    ),
    "document.json": json.dumps({"rows": [{"prompt": "q", "chosen": "1", "rejected": "2"}]}).encode(),
    "a broken line.jsonl": jsonl({"prompt": "q", "chosen": "a", "rejected": "b"}) + b"{half\n",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder; `datasets` keeps its locks beside it."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


@pytest.mark.parametrize("name", FILES)
def test_a_folder_says_what_its_file_says(name: str, folder: Path) -> None:
    (folder / f"train{Path(name).suffix}").write_bytes(FILES[name])
    rows = rows_in(folder, "set")
    assert rows == rows_in(FILES[name], name)
    assert sum(isinstance(row, PairRow) for row in rows) >= len(rows) - ("broken" in name)


def test_numbers_after_thousands_of_texts_are_texts_as_well(folder: Path) -> None:
    table = "prompt,chosen,rejected\n" + "".join(f"q{n},text a,text b\n" for n in range(10_000)) + "last,1.10,007\n"
    (folder / "train.csv").write_text(table)
    last = rows_in(folder, "set")[-1]
    assert said(last) == ("last", "1.10", "007")


@pytest.mark.parametrize("blank", [b"", b"\n", gzip.compress(b"")], ids=["nothing", "line", "gzip"])
def test_rows_are_counted_through_all_files_of_a_folder_and_a_part_may_be_empty(blank: bytes, folder: Path) -> None:
    (folder / "part-0.jsonl").write_bytes(jsonl({"prompt": "p", "chosen": "a", "rejected": "b"}))
    (folder / "part-1.jsonl").write_bytes(blank)
    (folder / "part-2.jsonl").write_bytes(b'{half\n{"prompt": "q", "chosen": "a", "rejected": "b", "system": "S"}\n')
    one, refusal, two = rows_in(folder, "set")
    assert (said(one)[0], said(two)[0]) == ("p", "q")
    assert isinstance(refusal, Refusal)
    assert (refusal.line, refusal.code) == (2, "not_json")
    assert two.prompt.prompt.messages[0] == {"role": "system", "content": "S"}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_that_comes_after_thousands_of_rows_of_other_files_is_told(kind: str, folder: Path) -> None:
    rows = [{"prompt": f"q{n}", "chosen": "a", "rejected": "b"} for n in range(10_001)]
    for number, part in enumerate((rows, [row | {"system": "Be brief."} for row in rows[:2]])):
        file = folder / f"part-{number}.{kind}"
        if kind == "parquet":
            write_parquet(file, part)
        elif kind == "jsonl":
            file.write_bytes(jsonl(*part))
        else:
            file.write_text("".join(",".join(cells) + "\n" for cells in (part[0], *(row.values() for row in part))))
    with pytest.raises(
        InputError, match=rf"part-1.{kind} has a column that the first 10,000 rows of set have not \(system\)"
    ):
        rows_in(folder, "set")


def test_a_card_that_says_how_its_files_are_written_is_followed(folder: Path) -> None:
    (folder / "rows.csv").write_text("p:good one:bad one\n")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files: rows.csv\n  sep: ':'\n  column_names: [prompt, chosen, rejected]\n---\n"
    )
    (row,) = rows_in(folder, "set")
    assert said(row) == ("p", "good one", "bad one")


def test_a_folders_files_may_be_in_another_encoding(folder: Path) -> None:
    (folder / "train.csv").write_bytes("prompt,chosen,rejected\nWo?,Köln,Bonn\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"train.csv:2: byte 0xF6 is not UTF-8 text.*--encoding latin-1"):
        rows_in(folder, "set")
    (row,) = rows_in(folder, "set", encoding="latin-1")
    assert said(row) == ("Wo?", "Köln", "Bonn")


def test_the_configurations_of_a_folder_are_named_with_the_way_to_read_one(folder: Path) -> None:
    for name in ("easy", "hard"):
        (folder / name).mkdir()
        (folder / name / "train.jsonl").write_bytes(jsonl({"prompt": name, "chosen": "a", "rejected": "b"}))
    card = "".join(f"- config_name: {name}\n  data_files: {name}/*.jsonl\n" for name in ("easy", "hard"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{card}---\n")
    with pytest.raises(
        InputError, match=r"several configurations: 'easy', 'hard'\. Import the files of one, or the folder"
    ):
        rows_in(folder, "set")
    (row,) = rows_in(folder / "hard", "set")
    assert said(row)[0] == "hard"
