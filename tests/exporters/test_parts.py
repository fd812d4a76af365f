"""A data set over the limit of a service: its parts, and which rows they have."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from exporters import DatasetWriter, RowOrigin, check_file, split_files
from exporters.formats import EXPORTERS
from exporters.rows import PreferenceRow
from tests.exporters.samples import ask

LEAST = EXPORTERS["azure-dpo"].least_rows
ROW_BYTES = 280
LIMIT = 20 * ROW_BYTES + 10


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    """A file takes twenty rows of the test, and some of them are far from its end."""
    monkeypatch.setitem(EXPORTERS, "azure-dpo", replace(EXPORTERS["azure-dpo"], most_bytes=LIMIT))
    monkeypatch.setattr(split_files, "LONG_ROW", ROW_BYTES + 50)


def rows(count: int) -> list[tuple[PreferenceRow, RowOrigin]]:
    return [
        (PreferenceRow(ask(f"Q {n:03}"), f"Good {n:03}{' x' * 25}", f"Poor {n:03}{' y' * 20}"), RowOrigin(n, f"group {n}"))
        for n in range(count)
    ]  # fmt: skip


def written(out: Path, given, *, at_once: int = 1, **options):
    """Write rows one by one, or as many lines at once."""
    with DatasetWriter(out, "azure-dpo", **options) as writer:
        for start in range(0, len(given), at_once):
            some = given[start : start + at_once]
            if at_once == 1:
                writer.add(*some[0])
                continue
            writer.add_lines(
                [writer.shape.around(row.prompt, row.chosen, row.rejected) for row, _ in some],
                [(writer.source(of), of.pair, of.group, (), None, 1.0, 0, 0) for _, of in some],
            )
        return writer.finish({})


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()]


@pytest.mark.parametrize("has_mark", [False, True])
@pytest.mark.parametrize("count", [*range(19, 42), 61, 101])
def test_no_part_has_fewer_rows_than_the_service_takes(tmp_path, count, has_mark):
    result = written(tmp_path / "out", rows(count), has_mark=has_mark)
    parts = [tmp_path / "out" / file.name for file in result.files if file.split == "train"]
    assert [error for part in parts for error in check_file(part, "azure-dpo") if error.severity == "error"] == []
    assert all(len(lines(part)) >= LEAST for part in parts)
    read = [(number, place, line) for number, part in enumerate(parts, 1) for place, line in enumerate(lines(part), 1)]
    told = [(one["part"], one["line"], one["pair"]) for one in lines(tmp_path / "out" / "provenance.jsonl")]
    assert [(*place, ask(f"Q {pair:03}")) for *place, pair in told] == [
        (number, place, (line["input"]["messages"][0],)) for number, place, line in read
    ]
    assert [pair for *_, pair in told] == list(range(count))  # in the order in which they came
    assert {len(lines(part)) for part in parts[:-2]} <= {20}  # only the last two share their rows


def test_warnings_count_the_rows_of_all_parts(tmp_path):
    few = written(tmp_path / "few", rows(40))
    assert len([file for file in few.files if file.split == "train"]) > 1
    assert "The file has 40 rows; an effect is seldom seen below 50" in [one.message for one in few.warnings]
    many = written(tmp_path / "many", rows(60))
    assert not [one for one in many.warnings if "seldom seen" in one.message]
    (length,) = [one.message for one in many.warnings if "the longer one" in one.message]
    assert "in 60 of 60 rows" in length


@pytest.mark.parametrize("asked", [{}, {"validation_share": 0.4, "seed": 2}, {"validation_rows": 45}])
def test_parts_are_the_same_however_many_lines_come_at_once(tmp_path, asked):
    given = rows(130)
    written(tmp_path / "1", given, **asked)
    names = {path.name for path in (tmp_path / "1").iterdir()}
    assert len([name for name in names if name.startswith("train-")]) > 1
    assert bool(asked) == any(name.startswith("validation-") for name in names)
    for at_once in (2, 7, 30, 130):
        written(tmp_path / f"{at_once}", given, at_once=at_once, **asked)
        assert {path.name for path in (tmp_path / f"{at_once}").iterdir()} == names
        for name in names:
            assert (tmp_path / f"{at_once}" / name).read_bytes() == (tmp_path / "1" / name).read_bytes()
