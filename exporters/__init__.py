"""Preference rows to training files. Knows nothing of the app: it can be used alone, in a notebook.

from exporters import DatasetWriter, PreferenceRow, RowOrigin

with DatasetWriter(Path("out"), "openai-dpo") as writer:
    writer.add(PreferenceRow(({"role": "user", "content": "Hi"},), "Hello.", "What?"), RowOrigin(1, "hi"))
    writer.finish()
"""

from exporters.check import check_file
from exporters.dataset import DatasetWriter
from exporters.findings import Finding
from exporters.formats import EXPORTERS, Format
from exporters.rows import PreferenceRow, RowOrigin, RowRefused
from exporters.written import Written

__all__ = [
    "EXPORTERS",
    "DatasetWriter",
    "Finding",
    "Format",
    "PreferenceRow",
    "RowOrigin",
    "RowRefused",
    "Written",
    "check_file",
]
