"""What is exported and imported again is the same: prompt, chosen and rejected, in every format."""

import pytest

from labeling.services.export import export
from labeling.services.export_choices import ExportChoices
from labeling.services.imports import ImportOptions, run_import
from labeling.services.projects import create_project
from tests.services.exporting import lines, make_exporting

TEXTS = (
    "plain",
    "with\u2028a line separator, \u0085 and\r\na return",
    "שלום, مرحبا, 你好 🙂",
    '<b>tags</b> & "quotes" \\ back\tslash',
    "```python\nprint('code')\n```\n\n$$x^2$$",
)
TURNS = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Who are you?"},
)


# Formats of pairs whose lines hold no less than the labels do, and which are read as such.
READ = ("openai-dpo", "azure-dpo", "together-dpo", "trl", "trl-standard")


@pytest.mark.parametrize("format", READ)
def test_export_then_import_then_export_is_the_identity(sqlite_store, tmp_path, format):
    making = make_exporting(sqlite_store)
    gold = making.imported_rater()
    pairs = [making.pair(text) for text in TEXTS] + making.pairs(8) + [making.pair("turns", messages=TURNS)]
    for number, pair in enumerate(pairs):
        making.label(gold, pair, "ab"[number % 2])
    first = export(*making.place, ExportChoices(format, validation_share=0.0), out=tmp_path / "first")
    again = create_project(sqlite_store, making.owner, name="Again")
    taken = run_import(
        sqlite_store, making.owner, again.slug, tmp_path / "first" / "train.jsonl", "train.jsonl",
        ImportOptions(kind="pairs", labels_as="file"),
    )  # fmt: skip
    assert taken.taken == first.rows
    second = export(
        sqlite_store, making.owner, again.slug, ExportChoices(format, validation_share=0.0), out=tmp_path / "second"
    )
    assert second.rows == first.rows
    assert lines(tmp_path / "second" / "train.jsonl") == lines(tmp_path / "first" / "train.jsonl")
