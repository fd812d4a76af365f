"""A file of votes is checked cell by cell; what Tiebreak writes has no fault."""

import csv
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exporters.check import check_file
from exporters.votes import VoteRow, VotesWriter, safe_cell

VOTE = VoteRow(
    7, "Ana", "a", "large", "small", "a prompt", "annotator", 2, "work", "b", 3.5, 1, True, "2026-01-31T12:00:00+00:00"
)
NAMES = ("item", "rater", "verdict")


def told(path):
    return [(finding.line, finding.field, finding.severity) for finding in check_file(path, "votes")]


@pytest.fixture
def table(tmp_path):
    """Writes CSV: a heading, and rows of cells."""

    def written(*rows, name="votes.csv"):
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        return tmp_path / name

    return written


@pytest.mark.parametrize("file_type", ["csv", "parquet"])
def test_what_is_written_has_no_fault(tmp_path, file_type):
    odd = VOTE._replace(
        rater='=Bea, the\n"second"', verdict="both_bad", strength=None, left="", seconds=None, model_a=""
    )
    with VotesWriter(tmp_path / "out", file_type) as writer:
        for vote in (VOTE, odd, VOTE._replace(verdict="tie", is_current=False, revision=2)):
            writer.add(vote)
        writer.finish({})
    assert told(tmp_path / "out" / f"votes.{file_type}") == []


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ("item", ""), ("rater", " "), ("verdict", ""), ("verdict", "left"), ("verdict", "A"), ("kind", "robot"),
        ("strength", "4"), ("strength", "strong"), ("left", "left"), ("seconds", "-1"), ("seconds", "nan"),
        ("revision", "0"), ("revision", "1.5"), ("is_current", "perhaps"), ("labelled_at", "yesterday"),
        ("model_a", "a\0b"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_line_field_and_remedy(table, field, cell):
    vote = [str(value) for value in VOTE]
    wrong = [cell if name == field else value for name, value in zip(VoteRow._fields, vote, strict=True)]
    path = table(VoteRow._fields, vote, wrong, vote)
    (finding,) = check_file(path, "votes")
    assert (finding.line, finding.field, finding.severity) == (3, field, "error")
    assert finding.remedy


@pytest.mark.parametrize("cell", ["1.0", "True", "2"])
def test_what_a_table_with_gaps_makes_of_numbers_and_truths_is_no_fault(table, cell):
    field = "is_current" if cell == "True" else "strength"
    assert told(table((*NAMES, field), ("1", "Ana", "a", cell))) == []


def test_a_parquet_file_is_checked_by_the_same_rules(tmp_path):
    columns = {"item": [1, 2, 3], "rater": ["Ana", None, "Bea"], "verdict": ["a", "b", "c"], "strength": [1, 9, None]}
    pq.write_table(pa.table(columns), tmp_path / "votes.parquet")
    assert told(tmp_path / "votes.parquet") == [
        (2, "rater", "error"),
        (2, "strength", "error"),
        (3, "verdict", "error"),
    ]


def test_columns_that_are_missing_or_there_twice_are_told(table, tmp_path):
    assert told(table(("item", "rater", "rater"), ("1", "Ana", "Bea"))) == [
        (1, "verdict", "error"),
        (1, "rater", "error"),
        (None, "", "error"),
    ]
    pq.write_table(pa.table({"item": [1], "verdict": ["a"]}), tmp_path / "votes.parquet")
    assert told(tmp_path / "votes.parquet") == [(1, "rater", "error"), (None, "", "error")]


def test_lines_that_are_no_rows_are_told_and_those_after_them_read(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_bytes(
        b'\xef\xbb\xbfitem,rater,verdict\n1,Ana\n\n2,"Ana"x,a\n3,\xff,a\n4,"two\nlines",left\n5,Ana,tie\n6,"Ana,a\n'
    )
    assert told(path) == [
        (1, "", "error"), (2, "", "error"), (3, "", "error"), (4, "", "error"), (5, "rater", "error"),
        (6, "verdict", "error"), (9, "", "error"),
    ]  # fmt: skip


@pytest.mark.parametrize("content", [b"", b"item,rater,verdict\n", b"PK\x03\x04", b"\xff\xfei\0"])
def test_what_holds_no_votes_is_no_sound_file(tmp_path, content):
    (tmp_path / "votes.csv").write_bytes(content)
    assert told(tmp_path / "votes.csv")[-1] == (None, "", "error")


def test_a_cut_parquet_file_is_told_as_damaged(tmp_path):
    (tmp_path / "votes.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(OSError, match="damaged"):
        told(tmp_path / "votes.parquet")


def test_a_line_without_an_end_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("item,rater,verdict\n1,Ana,a\n")
    with path.open("r+b") as file:
        file.truncate(1 << 30)  # a hole: it takes no room on the disk
    tracemalloc.start()
    (found,) = check_file(path, "votes")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.line, found.severity) == (3, "error")
    assert "longer than 32 MB" in found.message
    assert peak < 400 << 20


@pytest.mark.parametrize("text", ["=1", " \n+1", "-1", "@a", "\t1", "\r", "\uff1d1", "\uff201"])
def test_no_spreadsheet_runs_what_a_cell_says(text):
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(f"one {text}") == f"one {text}"
    assert safe_cell(safe_cell(text)) == safe_cell(text)


def test_a_formula_and_who_always_wins_are_warnings(table):
    rows = [
        (number, "Ana", "ab"[number % 2], *(("large", "small"), ("small", "large"))[number % 2], "ab"[number % 2])
        for number in range(30)
    ]
    path = table((*NAMES, "model_a", "model_b", "left"), *rows, (99, "=1+1", "tie", "", "", ""))
    found = list(check_file(path, "votes"))
    assert [(finding.line, finding.severity) for finding in found] == [
        (32, "warning"),
        (None, "warning"),
        (None, "warning"),
    ]
    assert "spreadsheet" in found[0].message
    assert found[1].message.startswith("large wins 30 of 30")
    assert "stood left was preferred in 30 of 30" in found[2].message
